package aksara

import (
	"fmt"
	"runtime/debug"

	"aksara.dev/aksara/internal/guest"
)

// What the host calls: in WebAssembly through the exports, natively from aksaratest.
func init() {
	guest.Describe, guest.Handle = describe, handle
}

// handle runs the handler of a subscription: what it answers, and whether that is a failure.
func handle(index uint32, data []byte) (answer []byte, failed bool) {
	defer func() {
		if cause := recover(); cause != nil {
			answer, failed = failure(fmt.Errorf("panic: %v", cause), debug.Stack()), true
		}
	}()
	if int(index) >= len(registry.subscriptions) {
		return failure(fmt.Errorf("there is no subscription %d", index), nil), true
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
