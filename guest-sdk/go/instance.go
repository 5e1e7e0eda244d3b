package aksara

import (
	"bytes"
	"math"
	"time"
)

// Instance is one of a model: the fields that the handler reads, and what it sets. Only what differs from what the
// host sent goes back to it.
type Instance struct {
	Fields
	// What the host sent, of the fields that were set since.
	sent map[string]any
}

// Set gives a field a value: any of those that Value returns, other numbers, a UUID, pointers to all of them (nil is
// null), slices, maps and structs of them. A struct has the entries that its tags `aksara` name, or without any, those
// that encoding/json would give it. The value is copied; what is changed inside it later is not seen.
func (i *Instance) Set(name string, value any) {
	wire, err := toWire(value)
	if err != nil {
		panic("the field " + about(name, err, " of "+i.owner+" cannot be set"))
	}
	at := i.find(name)
	if at < 0 {
		// The handler may write what it does not read.
		i.names, i.values = append(i.names, name), append(i.values, wire)
		i.remember(name, absent{})
		return
	}
	before := i.values[at]
	if whole, ok := wire.(int64); ok {
		// An untyped constant, 2, for a float.
		if _, float := before.(float64); float {
			wire = float64(whole)
		}
	}
	i.values[at] = wire
	if _, known := i.sent[name]; !known {
		i.remember(name, before)
	}
}

// Changed are the names of the fields that differ from what the host sent, in the order of Names.
func (i *Instance) Changed() []string {
	var changed []string
	for at, name := range i.names {
		if before, known := i.sent[name]; known && !same(before, i.values[at]) {
			changed = append(changed, name)
		}
	}
	return changed
}

// absent stands for what the host did not send.
type absent struct{}

func (i *Instance) remember(name string, before any) {
	if i.sent == nil {
		i.sent = map[string]any{}
	}
	i.sent[name] = before
}

// same says whether two values are the same on the wire. The sign of zero is there, and so is the difference between
// 1 and 1.0.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			other, found := b[name]
			if !found || !same(value, other) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []byte, []any, map[string]any:
		return false
	}
	return a == b
}
