package aksara

import (
	"errors"
	"reflect"
)

// TypedHandler handles an event with its instance as a struct, whose fields are tagged with those of the model:
//
//	type Post struct {
//		Title string  `aksara:"title"`
//		Slug  *string `aksara:"slug"` // a pointer: the field may be null
//	}
type TypedHandler[T any] func(instance *T, e *Event) error

// PreSaveOf is PreSave with the instance as a struct. What the handler changes in it goes back. It reads and writes
// the fields of the struct, unless Reads and Writes name others.
func PreSaveOf[T any](sender string, handler TypedHandler[T], options ...Option) {
	typed(preSave, sender, handler, true, options)
}

// PostSaveOf is PostSave with the instance as a struct.
func PostSaveOf[T any](sender string, handler TypedHandler[T], options ...Option) {
	typed(postSave, sender, handler, false, options)
}

// PreDeleteOf is PreDelete with the instance as a struct.
func PreDeleteOf[T any](sender string, handler TypedHandler[T], options ...Option) {
	typed(preDelete, sender, handler, false, options)
}

// PostDeleteOf is PostDelete with the instance as a struct.
func PostDeleteOf[T any](sender string, handler TypedHandler[T], options ...Option) {
	typed(postDelete, sender, handler, false, options)
}

func typed[T any](signal, sender string, handler TypedHandler[T], writes bool, options []Option) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		panic("an instance is a struct, not a `" + t.String() + "`")
	}
	var names []string
	for _, field := range fieldsOf(t) {
		names = append(names, field.name)
	}
	defaults := []Option{Name(nameOf(handler, signal, sender)), Reads(names...)}
	if writes {
		defaults = append(defaults, Writes(names...))
	}
	connect(signal, sender, func(e *Event) error {
		instance := new(T)
		if err := e.Instance.Decode(instance); err != nil {
			return err
		}
		if err := handler(instance, e); err != nil || !writes {
			return err
		}
		return e.Patch(instance)
	}, append(defaults, options...))
}

// Decode fills a struct from the fields of the instance, as Fields.Decode does.
func (e *Event) Decode(target any) error { return e.Instance.Decode(target) }

// Patch sets those fields of the instance that have another value in the struct than Decode would give them.
func (e *Event) Patch(changed any) error {
	after := reflect.ValueOf(changed)
	if after.Kind() == reflect.Pointer {
		after = after.Elem()
	}
	if after.Kind() != reflect.Struct {
		return errors.New("a patch is made from a struct, not from a `" + after.Type().String() + "`")
	}
	before := reflect.New(after.Type()).Elem()
	if err := e.Instance.decode(before); err != nil {
		return err
	}
	for _, field := range fieldsOf(after.Type()) {
		from, to := before.FieldByIndex(field.index), after.FieldByIndex(field.index)
		if quicklyEqual(from, to) {
			continue
		}
		value, err := toWire(to.Interface())
		if err != nil {
			return errors.New("the field " + about(field.name, err, " of `"+after.Type().String()+"` cannot be sent"))
		}
		was, err := toWire(from.Interface())
		if err != nil || !same(was, value) {
			e.Instance.Set(field.name, value)
		}
	}
	return nil
}

// quicklyEqual spares most fields the way through their form on the wire.
func quicklyEqual(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.String:
		return a.String() == b.String()
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Pointer:
		return a.IsNil() && b.IsNil() || !a.IsNil() && !b.IsNil() && quicklyEqual(a.Elem(), b.Elem())
	}
	return false
}
