// Package golden reads the payloads of wit/golden, for tests.
package golden

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Payload is one of the index.
type Payload struct {
	Name, Kind string
	Data       []byte
	// What it means, in the codec's values; for those that are refused there is none.
	Value   any
	Refused bool
	// Large payloads are not spelled out in the index: nothing is known of their value but the bytes.
	Opaque bool
}

// Load reads all payloads.
func Load() ([]Payload, error) {
	_, here, _, _ := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "wit", "golden")
	index, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		return nil, err
	}
	var entries []map[string]any
	decoder := json.NewDecoder(bytes.NewReader(index))
	decoder.UseNumber()
	if err := decoder.Decode(&entries); err != nil {
		return nil, err
	}
	payloads := make([]Payload, len(entries))
	for i, entry := range entries {
		p := Payload{Name: entry["name"].(string), Kind: entry["kind"].(string)}
		if p.Data, err = os.ReadFile(filepath.Join(folder, p.Name+".msgpack")); err != nil {
			return nil, err
		}
		written, known := entry["hex"].(string)
		if known && written != hex.EncodeToString(p.Data) {
			return nil, fmt.Errorf("`%s.msgpack` is not what the index says", p.Name)
		}
		_, p.Refused = entry["refused"]
		value, meant := entry["value"]
		p.Opaque = !meant && !p.Refused
		if p.Value, err = parse(value); err != nil {
			return nil, fmt.Errorf("`%s`: %w", p.Name, err)
		}
		payloads[i] = p
	}
	return payloads, nil
}

// parse makes the codec's value of that in the index.
func parse(value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			var err error
			if list[i], err = parse(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if len(v) == 1 {
			for kind, text := range v {
				if strings.HasPrefix(kind, "$") {
					return special(kind, text.(string))
				}
			}
		}
		fields := make(map[string]any, len(v))
		for name, element := range v {
			var err error
			if fields[name], err = parse(element); err != nil {
				return nil, err
			}
		}
		return fields, nil
	}
	return value, nil
}

// special makes the value of what JSON cannot say.
func special(kind, text string) (any, error) {
	switch kind {
	case "$int":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		return strconv.ParseUint(text, 10, 64)
	case "$float":
		return strconv.ParseFloat(text, 64)
	case "$bytes":
		return hex.DecodeString(text)
	case "$timestamp":
		return time.Parse(time.RFC3339Nano, text)
	}
	return nil, fmt.Errorf("`%s` is not known", kind)
}
