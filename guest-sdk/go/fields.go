package aksara

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fields are values by name: those of an instance, of a row, or the arguments of a custom signal.
//
// The accessors panic where there is no such field, or where it has another type: a mistake of the plugin, which the
// host reports with the stack. Null is the zero value; IsNull tells them apart.
type Fields struct {
	names  []string
	values []any
	// What they are the fields of, for errors.
	owner string
}

// UUID is the value of a UUID field.
type UUID [16]byte

// String is the usual form, of lowercase hexadecimal digits.
func (u UUID) String() string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 36)
	for i, part := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = append(text, digits[part>>4], digits[part&15])
	}
	return string(text)
}

// Names are those of the fields that are there, in the order in which the host sent them.
func (f *Fields) Names() []string { return slices.Clone(f.names) }

// Has says whether the field is there. Those that a handler does not read are not.
func (f *Fields) Has(name string) bool { return f.find(name) >= 0 }

// Value is a field as the codec has it: nil, bool, int64, uint64 above its range, float64, string, []byte, time.Time,
// []any or map[string]any; nil where there is no such field. It is a copy.
func (f *Fields) Value(name string) any {
	if i := f.find(name); i >= 0 {
		return clone(f.values[i])
	}
	return nil
}

// IsNull says whether the field is null.
func (f *Fields) IsNull(name string) bool { return f.value(name) == nil }

// String is a text, a date (`YYYY-MM-DD`) or a decimal (with its scale).
func (f *Fields) String(name string) string { return scalar[string](f, name, "text") }

// Int is an integer.
func (f *Fields) Int(name string) int64 { return scalar[int64](f, name, "an integer") }

// Bool is a boolean.
func (f *Fields) Bool(name string) bool { return scalar[bool](f, name, "a boolean") }

// Bytes are bytes.
func (f *Fields) Bytes(name string) []byte { return slices.Clone(scalar[[]byte](f, name, "bytes")) }

// Time is a time, in UTC.
func (f *Fields) Time(name string) time.Time { return scalar[time.Time](f, name, "a time") }

// Float is a float; an integer counts as one.
func (f *Fields) Float(name string) float64 {
	if v, ok := f.value(name).(int64); ok {
		return float64(v)
	}
	return scalar[float64](f, name, "a float")
}

// UUID is a UUID.
func (f *Fields) UUID(name string) UUID {
	value := scalar[[]byte](f, name, "a UUID")
	if len(value) != 16 && value != nil {
		panic("the field `" + name + "` of " + f.owner + " has " + strconv.Itoa(len(value)) + " bytes; a UUID has 16")
	}
	var uuid UUID
	copy(uuid[:], value)
	return uuid
}

func scalar[T any](f *Fields, name, wanted string) (zero T) {
	switch v := f.value(name).(type) {
	case nil:
		return zero
	case T:
		return v
	default:
		panic("the field `" + name + "` of " + f.owner + " is " + kind(v) + ", not " + wanted)
	}
}

func (f *Fields) value(name string) any {
	i := f.find(name)
	if i < 0 {
		panic(f.owner + " has no field `" + name + "` here, but `" + strings.Join(f.names, "`, `") +
			"`; name it in `Reads`")
	}
	return f.values[i]
}

func (f *Fields) find(name string) int { return slices.Index(f.names, name) }

func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, uint64:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "text"
	case []byte:
		return "bytes"
	case time.Time:
		return "a time"
	case []any:
		return "an array"
	}
	return "a map"
}

// fieldsFrom makes fields of a map, in the order of their names.
func fieldsFrom(owner string, values map[string]any) *Fields {
	f := &Fields{owner: owner, names: slices.Sorted(maps.Keys(values))}
	for _, name := range f.names {
		f.values = append(f.values, values[name])
	}
	return f
}
