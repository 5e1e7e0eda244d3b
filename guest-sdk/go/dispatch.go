package aksara

import (
	"errors"
	"reflect"
	"runtime"
	"strconv"

	"aksara.dev/aksara/internal/guest"
)

// What the host calls: in WebAssembly through the exports, natively from aksaratest.
func init() {
	guest.Describe, guest.Handle, guest.Wire = describe, handle, toWire
}

// handle runs the handler of a subscription: what it answers, and whether that is a failure.
func handle(index uint32, data []byte) (answer []byte, failed bool) {
	defer func() {
		if cause := recover(); cause != nil {
			answer, failed = failure(errors.New("panic: "+withCauses(cause)), stack()), true
		}
	}()
	if int(index) >= len(registry.subscriptions) {
		return failure(errors.New("there is no subscription "+strconv.Itoa(int(index))), nil), true
	}
	e, err := decodeEvent(data)
	if err != nil {
		return failure(err, nil), true
	}
	if err := registry.subscriptions[index].handler(e); err != nil {
		return failure(err, nil), true
	}
	if answer, err = e.reply(); err != nil {
		return failure(err, nil), true
	}
	return answer, false
}

// textOf is what a panic says. The method that says it may panic itself.
func textOf(cause any) (text string) {
	defer func() {
		if recover() != nil {
			text = "a value of type `" + reflect.TypeOf(cause).String() + "`, whose text cannot be made"
		}
	}()
	switch v := cause.(type) {
	case error:
		return v.Error()
	case string:
		return v
	case interface{ String() string }:
		return v.String()
	}
	return "a value of type `" + reflect.TypeOf(cause).String() + "`"
}

// stack is that of the panic under way.
func stack() []byte {
	trace := make([]byte, 16<<10)
	return trace[:runtime.Stack(trace, false)]
}
