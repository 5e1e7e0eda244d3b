package aksara

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// structField is a field of a struct that stands for one of a model, or for an entry of a document.
type structField struct {
	name      string
	index     []int
	omitEmpty bool
}

// known has the fields of the types seen so far: those of models, and those of documents.
var known, shapes sync.Map

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
			fields = append(fields, structField{name: name, index: field.Index})
		}
	}
	known.Store(t, fields)
	return fields
}

// shapeOf are the entries that a struct inside a value has: those of the tags `aksara`, or of a struct without any, what
// encoding/json makes of it.
func shapeOf(t reflect.Type) []structField {
	if fields, found := shapes.Load(t); found {
		return fields.([]structField)
	}
	fields := fieldsOf(t)
	if len(fields) == 0 {
		fields = jsonFields(t)
	}
	shapes.Store(t, fields)
	return fields
}

// jsonFields are the exported fields of a struct, also of those that it embeds, with the names of their tags `json`, or
// their own.
func jsonFields(t reflect.Type) []structField {
	var fields []structField
	for _, field := range reflect.VisibleFields(t) {
		tag, tagged := field.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		embeds := field.Anonymous && name == "" && structOf(field.Type) != nil
		if tag == "-" || embeds || !field.IsExported() || isWithin(t, field) {
			continue
		}
		if !tagged || name == "" {
			name = field.Name
		}
		omits := slices.Contains(strings.Split(options, ","), "omitempty")
		fields = append(fields, structField{name, field.Index, omits})
	}
	return fields
}

// isWithin says whether a field is inside of an embedded struct that has a name of its own, and is an entry with it.
func isWithin(t reflect.Type, field reflect.StructField) bool {
	for depth := 1; depth < len(field.Index); depth++ {
		outer := t.FieldByIndex(field.Index[:depth])
		if name, _, _ := strings.Cut(outer.Tag.Get("json"), ","); name != "" {
			return true
		}
	}
	return false
}

// structOf is the struct that an embedded type is, or points to; nil where it is something else.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType {
		return nil
	}
	return t
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
		found := f.find(field.name)
		if found < 0 {
			continue
		}
		if err := assign(v.FieldByIndex(field.index), f.values[found]); err != nil {
			return doesNotFit(field.name, f.owner, v.Type(), err)
		}
	}
	return nil
}

// doesNotFit says which field of what cannot be put into a struct, and where inside its value.
func doesNotFit(name, owner string, t reflect.Type, err error) error {
	return errors.New("the field " + about(name, err, " of "+owner+" does not fit `"+t.String()+"`"))
}

// about is a field, or the place inside its value where an error is, then what is said of it, then the error.
func about(name string, err error, said string) string {
	inside := at(name, err).(*placed)
	return "`" + inside.path + "`" + said + ": " + inside.err.Error()
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

// embedded is a field of a struct, with the structs that it embeds by a pointer made on the way.
func embedded(v reflect.Value, index []int) reflect.Value {
	for depth, i := range index {
		if depth > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

func assignList(target reflect.Value, values []any) error {
	list := reflect.MakeSlice(target.Type(), len(values), len(values))
	for i, value := range values {
		if err := assign(list.Index(i), value); err != nil {
			return at("["+strconv.Itoa(i)+"]", err)
		}
	}
	target.Set(list)
	return nil
}

func assignMap(target reflect.Value, values map[string]any) error {
	if target.Kind() == reflect.Struct {
		for _, field := range shapeOf(target.Type()) {
			value, found := values[field.name]
			if !found {
				continue
			}
			if err := assign(embedded(target, field.index), value); err != nil {
				return at(field.name, err)
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
			return at(name, err)
		}
		entries.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), entry)
	}
	target.Set(entries)
	return nil
}
