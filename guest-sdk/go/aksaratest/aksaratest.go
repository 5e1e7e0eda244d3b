// Package aksaratest tests handlers natively, with `go test`: it plays the host's part.
//
//	func TestSlug(t *testing.T) {
//		called := aksaratest.New().Call("generateSlug", aksaratest.Event{
//			Instance: aksara.Values{"title": "Hello", "slug": ""},
//		})
//		if called.Patch["slug"] != "hello" {
//			t.Errorf("%+v", called)
//		}
//	}
//
// A call is what the host would make of it: the handler is sent the fields that it reads and no others, and may set
// what it writes and nothing else. Grants and limits are not checked; `aksara call` runs the component.
package aksaratest

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"aksara.dev/aksara"
	"aksara.dev/aksara/internal/guest"
	"aksara.dev/aksara/internal/host"
	"aksara.dev/aksara/internal/msgpack"
)

// Called is what came of a call. Values are those of aksara.Fields.Value.
type Called struct {
	// The fields that the handler changed, and what it added to `update_fields`.
	Patch        aksara.Values
	UpdateFields []string
	// Bulk operations: the same for each instance; nil when none was changed.
	Instances []aksara.Values
	// The keys that replace those being added.
	PKSet []any

	// How the handler said no: the message of its refusal, its messages by field, or the text of its own failure.
	Rejected string
	Invalid  map[string][]string
	Failed   string

	// The lines that it wrote to the log, with `level`, `message` and their fields.
	Log []map[string]any
	// What it asked of the host, in order.
	Requests []Request
}

// Request is one thing that a handler asked of the host.
type Request struct {
	// `models.get`, `bus.send`, ...
	Import string
	// The request, as docs/contract.md has it.
	Request map[string]any
}

// running is held during a call: the SDK has one host at a time, and tests may be parallel.
var running sync.Mutex

// Describe is what the plugin says of itself, as docs/contract.md has it.
func Describe() map[string]any {
	return must(msgpack.Decode(guest.Describe())).(map[string]any)
}

// Call runs the handler with this name for one event. It panics where the test is wrong: there is no such handler, or
// a value has no form on the wire.
func (h *Host) Call(handler string, event Event) Called {
	index, subscription := find(handler)
	encoded := event.encode(subscription)
	running.Lock()
	defer running.Unlock()
	h.called, host.Current = Called{}, mock{h}
	defer func() { host.Current = nil }()
	answer, failed := guest.Handle(index, encoded)
	called := h.called
	if len(answer) > 0 {
		fields := must(msgpack.Decode(answer)).(map[string]any)
		if failed {
			called.fail(fields)
		} else {
			called.patch(fields)
			called.check(subscription)
		}
	}
	return called
}

func find(handler string) (uint32, map[string]any) {
	var names []string
	for i, element := range Describe()["subscriptions"].([]any) {
		subscription := element.(map[string]any)
		if subscription["handler"] == handler {
			return uint32(i), subscription
		}
		names = append(names, subscription["handler"].(string))
	}
	panic(fmt.Sprintf("there is no handler `%s`, but %q", handler, names))
}

func (c *Called) patch(fields map[string]any) {
	if patch, ok := fields["instance"].(map[string]any); ok {
		c.Patch = patch
	}
	for _, name := range array(fields["update_fields"]) {
		c.UpdateFields = append(c.UpdateFields, name.(string))
	}
	for _, patch := range array(fields["instances"]) {
		c.Instances = append(c.Instances, patch.(map[string]any))
	}
	c.PKSet = array(fields["pk_set"])
}

func (c *Called) fail(fields map[string]any) {
	c.Rejected, _ = fields["reject"].(string)
	c.Failed, _ = fields["error"].(string)
	invalid, _ := fields["invalid"].(map[string]any)
	for field, messages := range invalid {
		if c.Invalid == nil {
			c.Invalid = map[string][]string{}
		}
		for _, message := range array(messages) {
			c.Invalid[field] = append(c.Invalid[field], message.(string))
		}
	}
}

// check is the host's own: a patch stays within `writes`.
func (c *Called) check(subscription map[string]any) {
	writes, limited := subscription["writes"].([]any)
	if !limited {
		return
	}
	for _, patch := range append(c.Instances, c.Patch) {
		for _, name := range slices.Sorted(maps.Keys(patch)) {
			if !slices.Contains(writes, any(name)) {
				c.Failed = fmt.Sprintf("set `%s`, which is not in its `Writes`", name)
			}
		}
	}
}

func array(value any) []any {
	list, _ := value.([]any)
	return list
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
