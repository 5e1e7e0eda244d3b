package aksara

import (
	"errors"
	"reflect"
	"strconv"
	"sync"
	"time"
)

// structField is a field of a struct that stands for one of a model.
type structField struct {
	name  string
	index int
}

// known has the fields of the types seen so far.
var known sync.Map

// fieldsOf are the exported fields of a struct with their names outside Go: those of the tag `aksara:"title"`. A field
// without a tag, or with `aksara:"-"`, is the plugin's own.
func fieldsOf(t reflect.Type) []structField {
	if fields, found := known.Load(t); found {
		return fields.([]structField)
	}
	var fields []structField
	for i := range t.NumField() {
		field := t.Field(i)
		if name := field.Tag.Get("aksara"); field.IsExported() && name != "" && name != "-" {
			fields = append(fields, structField{name, i})
		}
	}
	known.Store(t, fields)
	return fields
}

// Decode fills the fields of a struct that are tagged with the names of fields that are there. Pointers take null.
func (f *Fields) Decode(target any) error {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return errors.New("fields are decoded into a pointer to a struct, not into a `" + v.Type().String() + "`")
	}
	return f.decode(v.Elem())
}

func (f *Fields) decode(v reflect.Value) error {
	for _, field := range fieldsOf(v.Type()) {
		at := f.find(field.name)
		if at < 0 {
			continue
		}
		if err := assign(v.Field(field.index), f.values[at]); err != nil {
			return within("the field `"+field.name+"` of "+f.owner+" does not fit `"+v.Type().String()+"`", err)
		}
	}
	return nil
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// assign puts a value of the codec, or a copy of it, into a Go variable.
func assign(target reflect.Value, value any) error {
	kindOf := target.Kind()
	if value == nil {
		target.SetZero()
		return nil
	}
	if kindOf == reflect.Pointer {
		fresh := reflect.New(target.Type().Elem())
		target.Set(fresh)
		return assign(fresh.Elem(), value)
	}
	switch v := value.(type) {
	case bool:
		if kindOf == reflect.Bool {
			target.SetBool(v)
			return nil
		}
	case string:
		if kindOf == reflect.String {
			target.SetString(v)
			return nil
		}
	case int64:
		switch {
		case target.CanInt() && !target.OverflowInt(v):
			target.SetInt(v)
			return nil
		case target.CanUint() && v >= 0 && !target.OverflowUint(uint64(v)):
			target.SetUint(uint64(v))
			return nil
		case target.CanFloat():
			target.SetFloat(float64(v))
			return nil
		}
	case uint64:
		if target.CanUint() && !target.OverflowUint(v) {
			target.SetUint(v)
			return nil
		}
	case float64:
		if target.CanFloat() {
			target.SetFloat(v)
			return nil
		}
	case []byte:
		if kindOf == reflect.Slice && target.Type().ConvertibleTo(bytesType) {
			target.SetBytes(append([]byte{}, v...))
			return nil
		}
		if kindOf == reflect.Array && target.Type().Elem().Kind() == reflect.Uint8 && target.Len() == len(v) {
			reflect.Copy(target, reflect.ValueOf(v))
			return nil
		}
	case time.Time:
		if target.Type() == timeType {
			target.Set(reflect.ValueOf(v))
			return nil
		}
	case []any:
		if kindOf == reflect.Slice {
			return assignList(target, v)
		}
	case map[string]any:
		if kindOf == reflect.Struct || kindOf == reflect.Map {
			return assignMap(target, v)
		}
	}
	if kindOf == reflect.Interface && target.NumMethod() == 0 {
		target.Set(reflect.ValueOf(clone(value)))
		return nil
	}
	return errors.New(kind(value) + " is no `" + target.Type().String() + "`")
}

func assignList(target reflect.Value, values []any) error {
	list := reflect.MakeSlice(target.Type(), len(values), len(values))
	for i, value := range values {
		if err := assign(list.Index(i), value); err != nil {
			return within("["+strconv.Itoa(i)+"]", err)
		}
	}
	target.Set(list)
	return nil
}

func assignMap(target reflect.Value, values map[string]any) error {
	if target.Kind() == reflect.Struct {
		for _, field := range fieldsOf(target.Type()) {
			value, found := values[field.name]
			if !found {
				continue
			}
			if err := assign(target.Field(field.index), value); err != nil {
				return within("`"+field.name+"`", err)
			}
		}
		return nil
	}
	t := target.Type()
	if t.Key().Kind() != reflect.String {
		return errors.New("the keys of a map are text, not `" + t.Key().String() + "`")
	}
	entries := reflect.MakeMapWithSize(t, len(values))
	for name, value := range values {
		entry := reflect.New(t.Elem()).Elem()
		if err := assign(entry, value); err != nil {
			return within("`"+name+"`", err)
		}
		entries.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), entry)
	}
	target.Set(entries)
	return nil
}
