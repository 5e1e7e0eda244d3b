package msgpack

import (
	"bytes"
	"reflect"
	"testing"

	"aksara.dev/aksara/internal/golden"
)

func TestEveryGoldenPayload(t *testing.T) {
	payloads, err := golden.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		value, err := Decode(p.Data)
		if p.Refused {
			if err == nil {
				t.Errorf("`%s` was read as %v", p.Name, value)
			}
			continue
		}
		if err != nil {
			t.Errorf("`%s`: %v", p.Name, err)
			continue
		}
		if !p.Opaque && !reflect.DeepEqual(value, p.Value) {
			t.Errorf("`%s` was read as %#v, not %#v", p.Name, value, p.Value)
		}
		encoded, err := Append(nil, value)
		if err != nil {
			t.Errorf("`%s`: %v", p.Name, err)
		}
		if p.Kind == "value" && !bytes.Equal(encoded, p.Data) {
			t.Errorf("`%s` was written as %x, not %x", p.Name, encoded[:min(len(encoded), 40)], p.Data[:min(len(p.Data), 40)])
		}
		again, err := Decode(encoded)
		if err != nil || !reflect.DeepEqual(again, value) {
			t.Errorf("`%s` was read again as %v, %v", p.Name, again, err)
		}
	}
}

func TestAnyBytesAreReadOrRefused(t *testing.T) {
	payloads, err := golden.Load()
	if err != nil {
		t.Fatal(err)
	}
	// Each byte of each small payload, changed in every bit, and each payload cut anywhere.
	for _, p := range payloads {
		if len(p.Data) > 1000 {
			continue
		}
		for i := range p.Data {
			_, _ = Decode(p.Data[:i])
			for bit := range 8 {
				changed := bytes.Clone(p.Data)
				changed[i] ^= 1 << bit
				if value, err := Decode(changed); err == nil {
					if _, err := Append(nil, value); err != nil {
						t.Errorf("`%s`, byte %d: %v", p.Name, i, err)
					}
				}
			}
		}
	}
}

func BenchmarkDecodeAndEncodeAnEvent(b *testing.B) {
	payloads, err := golden.Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range payloads {
		if p.Name != "event_pre_save_created" {
			continue
		}
		for b.Loop() {
			value, _ := Decode(p.Data)
			_, _ = Append(nil, value)
		}
	}
}
