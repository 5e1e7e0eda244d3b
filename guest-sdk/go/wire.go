package aksara

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// depthMax is how many slices, maps and structs a message may be nested in, as the host has it.
const depthMax = 128

// textMarshaler is encoding.TextMarshaler, which a decimal or a big integer implements.
type textMarshaler interface {
	MarshalText() ([]byte, error)
}

// toWire makes of a Go value one of those that the codec has, which shares nothing with it.
func toWire(value any) (any, error) { return toWireAt(value, 0) }

func toWireAt(value any, depth int) (any, error) {
	switch v := value.(type) {
	case nil, bool, int64, uint64, float64, time.Time:
		return v, nil
	case string:
		return textToWire(v)
	case int:
		return int64(v), nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return slices.Clone(v), nil
	case UUID:
		return v[:], nil
	case Values:
		return mapToWire(v, depth)
	case map[string]any:
		return mapToWire(v, depth)
	case []any:
		return listToWire(reflect.ValueOf(v), depth)
	}
	return reflected(reflect.ValueOf(value), depth)
}

func textToWire(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("a text is not UTF-8; strings.ToValidUTF8 makes it so")
	}
	return text, nil
}

func reflected(v reflect.Value, depth int) (any, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		if depth >= depthMax {
			return nil, errTooDeep
		}
		if text, ok := v.Interface().(textMarshaler); ok && v.Elem().Kind() == reflect.Struct && v.Elem().Type() != timeType {
			return marshaled(text)
		}
		return toWireAt(v.Elem().Interface(), depth+1)
	case reflect.Slice:
		if v.IsNil() {
			return nil, nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return slices.Clone(v.Bytes()), nil
		}
		return listToWire(v, depth)
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			data := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(data), v)
			return data, nil
		}
		return listToWire(v, depth)
	case reflect.Map:
		return reflectedMap(v, depth)
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return nil, errors.New("a `" + v.Type().String() + "` has no form on the wire")
	}
	if text, ok := v.Interface().(textMarshaler); ok {
		return marshaled(text)
	}
	switch v.Kind() {
	case reflect.String:
		return textToWire(v.String())
	case reflect.Struct:
		return structToWire(v, depth)
	}
	if v.CanInt() {
		return v.Int(), nil
	}
	if n := v.Uint(); n > 1<<63-1 {
		return n, nil
	}
	return int64(v.Uint()), nil
}

func marshaled(value textMarshaler) (any, error) {
	text, err := value.MarshalText()
	if err != nil {
		return nil, err
	}
	return textToWire(string(text))
}

var errTooDeep = errors.New("is nested too deep, or contains itself; a message has at most " +
	strconv.Itoa(depthMax) + " levels")

func listToWire(v reflect.Value, depth int) (any, error) {
	if depth >= depthMax {
		return nil, errTooDeep
	}
	list := make([]any, v.Len())
	for i := range list {
		var err error
		if list[i], err = toWireAt(v.Index(i).Interface(), depth+1); err != nil {
			return nil, at("["+strconv.Itoa(i)+"]", err)
		}
	}
	return list, nil
}

func mapToWire(fields map[string]any, depth int) (any, error) {
	if fields == nil {
		return nil, nil
	}
	if depth >= depthMax {
		return nil, errTooDeep
	}
	wire := make(map[string]any, len(fields))
	for name, value := range fields {
		if _, err := textToWire(name); err != nil {
			return nil, at(strconv.Quote(name), err)
		}
		var err error
		if wire[name], err = toWireAt(value, depth+1); err != nil {
			return nil, at(name, err)
		}
	}
	return wire, nil
}

func reflectedMap(v reflect.Value, depth int) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	fields := make(map[string]any, v.Len())
	for entries := v.MapRange(); entries.Next(); {
		key, err := keyOf(entries.Key())
		if err != nil {
			return nil, err
		}
		fields[key] = entries.Value().Interface()
	}
	return mapToWire(fields, depth)
}

// keyOf is the key of a map as encoding/json has it: text, a number, or what makes a text of itself.
func keyOf(v reflect.Value) (string, error) {
	if text, ok := v.Interface().(textMarshaler); ok && v.Kind() != reflect.String {
		key, err := text.MarshalText()
		return string(key), err
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String(), nil
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	return "", errors.New("the keys of a map have to be text, not `" + v.Type().String() + "`")
}

func structToWire(v reflect.Value, depth int) (any, error) {
	if depth >= depthMax {
		return nil, errTooDeep
	}
	fields := shapeOf(v.Type())
	if len(fields) == 0 && v.NumField() > 0 {
		return nil, errors.New("a `" + v.Type().String() + "` has no exported fields, and no form on the wire")
	}
	wire := make(map[string]any, len(fields))
	for _, field := range fields {
		part, err := v.FieldByIndexErr(field.index)
		if err != nil || field.omitEmpty && isEmpty(part) {
			continue
		}
		if wire[field.name], err = toWireAt(part.Interface(), depth+1); err != nil {
			return nil, at(field.name, err)
		}
	}
	return wire, nil
}

// isEmpty is what `omitempty` leaves out, as encoding/json has it.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// placed is an error inside a value.
type placed struct {
	// Where it is: `meta.items[3].at`.
	path string
	err  error
}

func (p *placed) Error() string { return "`" + p.path + "`: " + p.err.Error() }

func (p *placed) Unwrap() error { return p.err }

// at says where an error was found; of one that has a place already, this is what is around it.
func at(place string, err error) error {
	inner, ok := err.(*placed)
	switch {
	case !ok:
		return &placed{place, err}
	case inner.path[0] == '[':
		return &placed{place + inner.path, inner.err}
	}
	return &placed{place + "." + inner.path, inner.err}
}

// clone copies a value of the codec as deep as it can be changed.
func clone(value any) any {
	switch v := value.(type) {
	case []byte:
		return slices.Clone(v)
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = clone(element)
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, element := range v {
			fields[name] = clone(element)
		}
		return fields
	}
	return value
}
