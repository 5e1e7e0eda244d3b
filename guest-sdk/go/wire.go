package aksara

import (
	"errors"
	"reflect"
	"slices"
	"time"
)

// toWire makes of a Go value one of those that the codec has, which shares nothing with it.
func toWire(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, int64, uint64, float64, string, time.Time:
		return v, nil
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
		return mapToWire(v)
	case map[string]any:
		return mapToWire(v)
	case []any:
		return listToWire(reflect.ValueOf(v))
	}
	return reflected(reflect.ValueOf(value))
}

func reflected(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := v.Uint(); n > 1<<63-1 {
			return n, nil
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		return toWire(v.Elem().Interface())
	case reflect.Slice:
		if v.IsNil() {
			return nil, nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return slices.Clone(v.Bytes()), nil
		}
		return listToWire(v)
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			data := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(data), v)
			return data, nil
		}
		return listToWire(v)
	case reflect.Map:
		return reflectedMap(v)
	case reflect.Struct:
		return structToWire(v)
	}
	return nil, errors.New("a `" + v.Type().String() + "` has no form on the wire")
}

func listToWire(v reflect.Value) (any, error) {
	list := make([]any, v.Len())
	for i := range list {
		var err error
		if list[i], err = toWire(v.Index(i).Interface()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func mapToWire(fields map[string]any) (any, error) {
	if fields == nil {
		return nil, nil
	}
	wire := make(map[string]any, len(fields))
	for name, value := range fields {
		var err error
		if wire[name], err = toWire(value); err != nil {
			return nil, within("`"+name+"`", err)
		}
	}
	return wire, nil
}

func reflectedMap(v reflect.Value) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	if v.Type().Key().Kind() != reflect.String {
		return nil, errors.New("the keys of a map have to be text, not `" + v.Type().Key().String() + "`")
	}
	fields := make(map[string]any, v.Len())
	for entries := v.MapRange(); entries.Next(); {
		fields[entries.Key().String()] = entries.Value().Interface()
	}
	return mapToWire(fields)
}

func structToWire(v reflect.Value) (any, error) {
	wire := map[string]any{}
	for _, field := range fieldsOf(v.Type()) {
		value, err := toWire(v.Field(field.index).Interface())
		if err != nil {
			return nil, within("`"+field.name+"`", err)
		}
		wire[field.name] = value
	}
	return wire, nil
}

// within says where an error was found. The SDK does without fmt, which makes a plugin a third larger.
func within(place string, err error) error {
	return errors.New(place + ": " + err.Error())
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
