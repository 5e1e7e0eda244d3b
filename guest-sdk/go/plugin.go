package aksara

import (
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"aksara.dev/aksara/internal/msgpack"
)

// contract is the version of the contract that this SDK is for.
const contract = "0.1.0"

// Handler handles one event. A nil error is success; see Reject and Invalid for the answers to whoever saves. Any other
// error, and a panic, is a failure of the plugin, which the host reports.
type Handler func(e *Event) error

// Grants is what a plugin asks to be allowed. Its operator decides.
type Grants struct {
	// Operations (`get`, `find`, `count`, `create`, `update`, `delete`) by label of the model.
	Models map[string][]string
	// Custom signals that it sends.
	Signals []string
	// Services that it calls.
	Services []string
	// Buckets of the cache.
	KeyValue []string
	// Hosts that it sends HTTP requests to, with their ports: `api.example.com:443`.
	HTTP []string
}

// subscription is one handler with the events that it gets.
type subscription struct {
	name, signal, sender string
	priority             int
	reads, writes        []string
	created              *bool
	changed              []string
	handler              Handler
}

// registry is what the plugin says of itself, from its `init` functions.
var registry struct {
	name, version string
	grants        Grants
	signals       map[string]any
	subscriptions []*subscription
}

// Plugin names the plugin, which has to be called as its file is, and says what it asks to be allowed.
func Plugin(name, version string, grants Grants) {
	registry.name, registry.version, registry.grants = name, version, grants
}

// Declare declares a custom signal, which has a point in its name, with the names of its arguments.
func Declare(signal string, arguments ...string) {
	if registry.signals == nil {
		registry.signals = map[string]any{}
	}
	registry.signals[signal] = list(arguments)
}

func connect(signal, sender string, handler Handler, options []Option) {
	s := &subscription{signal: signal, sender: sender, handler: handler}
	for _, option := range options {
		option(s)
	}
	if s.name == "" {
		s.name = nameOf(handler, signal, sender)
	}
	// The host knows a handler by its name, its signal and its sender.
	taken := func(other *subscription) bool {
		return other.name == s.name && other.signal == signal && other.sender == sender
	}
	for base, n := s.name, 2; slices.ContainsFunc(registry.subscriptions, taken); n++ {
		s.name = base + "_" + strconv.Itoa(n)
	}
	registry.subscriptions = append(registry.subscriptions, s)
}

// nameOf is the function's own name, or that of the signal for one that has none.
func nameOf(handler any, signal, sender string) string {
	name := runtime.FuncForPC(reflect.ValueOf(handler).Pointer()).Name()
	name = strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm")
	_, name, _ = strings.Cut(name, ".")
	if name == "" || strings.ContainsAny(name, ".[") {
		return strings.Trim(signal+"_"+sender, "_")
	}
	return name
}

// describe is what the host asks when it loads the plugin.
func describe() []byte {
	subscriptions := make([]any, len(registry.subscriptions))
	for i, s := range registry.subscriptions {
		subscriptions[i] = s.describe()
	}
	models := map[string]any{}
	for label, operations := range registry.grants.Models {
		models[label] = list(operations)
	}
	description := map[string]any{
		"name": registry.name, "version": registry.version, "contract": contract, "subscriptions": subscriptions,
		"grants": map[string]any{
			"models":   models,
			"signals":  list(registry.grants.Signals),
			"services": list(registry.grants.Services),
			"keyvalue": list(registry.grants.KeyValue),
			"http":     list(registry.grants.HTTP),
		},
	}
	if registry.signals != nil {
		description["signals"] = registry.signals
	}
	encoded, err := msgpack.Append(nil, description)
	if err != nil {
		panic(err)
	}
	return encoded
}

func (s *subscription) describe() map[string]any {
	description := map[string]any{"handler": s.name, "signal": s.signal, "priority": int64(s.priority)}
	if s.sender != "" {
		description["sender"] = s.sender
	}
	if s.reads != nil {
		description["reads"] = list(s.reads)
	}
	if s.writes != nil {
		description["writes"] = list(s.writes)
	}
	when := map[string]any{}
	if s.created != nil {
		when["created"] = *s.created
	}
	if s.changed != nil {
		when["changed"] = list(s.changed)
	}
	if len(when) > 0 {
		description["when"] = when
	}
	return description
}

func list(names []string) []any {
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = name
	}
	return values
}
