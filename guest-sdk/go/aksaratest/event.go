package aksaratest

import (
	"slices"
	"strings"
	"time"

	"aksara.dev/aksara"
	"aksara.dev/aksara/internal/guest"
	"aksara.dev/aksara/internal/msgpack"
)

// Event is one for a handler: of its signal, with what of this belongs to it. A save is one that inserts the row,
// unless Updated or UpdateFields say otherwise.
type Event struct {
	// The sender, for handlers of every model; otherwise it is the one that the handler names.
	Sender string
	Depth  int
	// The time of the event, kept to the millisecond; otherwise 2026-01-01T00:00:00Z.
	Time time.Time

	Instance     aksara.Values
	Updated      bool
	UpdateFields []string
	Changes      []aksara.Change
	Raw          bool
	// Deletes: `instance` unless given.
	Origin string

	Instances []aksara.Values
	Fields    []string
	Rows      int64

	Action  string
	Reverse bool
	Model   string
	PKSet   []any

	Key     any
	Deleted bool

	Args aksara.Values
}

// encode is the event as the host would send it.
func (e Event) encode(subscription map[string]any) []byte {
	signal := subscription["signal"].(string)
	if e.Sender == "" {
		e.Sender, _ = subscription["sender"].(string)
	}
	fields := map[string]any{
		"v": 0, "id": e.id(), "operation": e.id(), "signal": signal, "sender": e.Sender, "db": "default", "depth": e.Depth,
	}
	read := func(values aksara.Values) aksara.Values { return readable(values, subscription) }
	if e.Instance != nil {
		fields["instance"] = read(e.Instance)
	}
	switch {
	case strings.HasSuffix(signal, "_save"):
		fields["created"], fields["raw"] = !e.Updated && e.UpdateFields == nil, e.Raw
		fields["update_fields"] = e.UpdateFields
		fields["changes"] = changes(e.Changes)
	case strings.HasSuffix(signal, "_delete"):
		fields["origin"] = "instance"
		if e.Origin != "" {
			fields["origin"] = e.Origin
		}
	case strings.Contains(signal, "_bulk_"):
		instances := make([]aksara.Values, len(e.Instances))
		for i, instance := range e.Instances {
			instances[i] = read(instance)
		}
		fields["instances"], fields["fields"], fields["rows"] = instances, e.Fields, e.Rows
	case signal == "m2m_changed":
		fields["action"], fields["reverse"] = e.Action, e.Reverse
		fields["model"], fields["pk_set"] = e.Model, e.PKSet
	case strings.HasPrefix(signal, "after_"):
		fields["key"], fields["deleted"] = e.Key, e.Deleted
		fields["created"], fields["changes"] = !e.Updated, changes(e.Changes)
	default:
		fields["args"] = e.Args
	}
	return must(msgpack.Append(nil, must(guest.Wire(fields))))
}

// id is a UUIDv7 of the event's time, with nothing random in it.
func (e Event) id() aksara.UUID {
	if e.Time.IsZero() {
		e.Time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	var id aksara.UUID
	milliseconds := e.Time.UnixMilli()
	for i := range 6 {
		id[5-i] = byte(milliseconds >> (8 * i))
	}
	id[6], id[8] = 0x70, 0x80
	return id
}

func readable(values aksara.Values, subscription map[string]any) aksara.Values {
	reads, limited := subscription["reads"].([]any)
	sent := aksara.Values{}
	for name, value := range values {
		if !limited || slices.Contains(reads, any(name)) {
			sent[name] = value
		}
	}
	return sent
}

func changes(list []aksara.Change) []any {
	var encoded []any
	for _, change := range list {
		encoded = append(encoded, map[string]any{"field": change.Field, "old": change.Old, "new": change.New})
	}
	return encoded
}
