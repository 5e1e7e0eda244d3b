package aksara

import (
	"errors"
	"slices"
	"time"

	"aksara.dev/aksara/internal/msgpack"
)

// Event is what a handler is told about the signal. What the signal does not have is zero.
type Event struct {
	// The event's own id, a UUIDv7. All handlers of one event see the same.
	ID UUID
	// Operation is the id that all events of one operation share: of one save, of one delete with its cascade, of one
	// bulk operation. Zero from a host that is older than it.
	Operation UUID
	// Name of the signal: `pre_save`, ...
	Signal string
	// Label of the model whose lifecycle fired the signal; may be empty for custom signals.
	Sender string
	// Alias of the database.
	DB string
	// 0 for a call from the application, one more for each signal fired from inside a handler.
	Depth int

	// The instance; nil where the signal is about none or several.
	Instance *Instance
	// Saves and AfterCommit: whether the row was inserted.
	Created bool
	// Saves: the names of the fields being written; nil for a full save.
	UpdateFields []string
	// PostSave and AfterCommit: the fields that changed.
	Changes []Change
	// Saves: whether fixtures are loaded, whose values are to stay as they are.
	Raw bool
	// Deletes: what the call was made on, `instance` or `query`.
	Origin string

	// Bulk operations: the instances, in the order of the call.
	Instances []*Instance
	// Bulk updates: the names being written, and after them the number of rows that were.
	Fields []string
	Rows   int64

	// M2MChanged: `pre_add`, `post_add`, `pre_remove`, `post_remove`, `pre_clear` or `post_clear`.
	Action string
	// M2MChanged: whether the change is made from the other side.
	Reverse bool
	// M2MChanged: label of the model of the keys, and the keys.
	Model string
	PKSet []any

	// AfterCommit and AfterRollback: key of the instance, and whether the transaction deleted it.
	Key     any
	Deleted bool

	// Custom signals: the arguments.
	Args *Fields

	addedFields []string
	newKeys     []any
}

// Change is one field's old and new value.
type Change struct {
	Field    string
	Old, New any
}

// Time is when the event was made, to the millisecond: the time that its id begins with. All handlers of one event
// agree on it.
func (e *Event) Time() time.Time {
	var milliseconds int64
	for _, part := range e.ID[:6] {
		milliseconds = milliseconds<<8 | int64(part)
	}
	return time.UnixMilli(milliseconds).UTC()
}

// AddUpdateField has this field written too by a save that names its fields (PreSave). A full save writes it anyway.
func (e *Event) AddUpdateField(name string) {
	if e.UpdateFields != nil && !slices.Contains(e.UpdateFields, name) && !slices.Contains(e.addedFields, name) {
		e.addedFields = append(e.addedFields, name)
	}
}

// SetPKSet replaces the keys that are added (M2MChanged, `pre_add`).
func (e *Event) SetPKSet(keys ...any) error {
	wire, err := toWire(keys)
	if err == nil {
		e.newKeys = wire.([]any)
	}
	return err
}

// decodeEvent reads what the host sent. Unknown keys are skipped.
func decodeEvent(data []byte) (*Event, error) {
	e := new(Event)
	r := msgpack.NewReader(data)
	n, isMap, err := r.Map()
	if err != nil {
		return nil, err
	}
	if !isMap {
		return nil, errors.New("the host sent an event that is no map")
	}
	for range n {
		key, err := r.Key()
		if err != nil {
			return nil, err
		}
		if err := e.read(key, r); err != nil {
			return nil, err
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if e.Instance != nil {
		e.Instance.owner = "`" + e.Sender + "`"
	}
	for _, instance := range e.Instances {
		instance.owner = "`" + e.Sender + "`"
	}
	if e.Args != nil {
		e.Args.owner = "`" + e.Signal + "`"
	}
	return e, nil
}

func (e *Event) read(key string, r *msgpack.Reader) error {
	switch key {
	case "instance":
		var fields Fields
		found, err := readFields(&fields, r)
		if found {
			e.Instance = &Instance{Fields: fields}
		}
		return err
	case "instances":
		return e.readInstances(r)
	case "args":
		args := new(Fields)
		found, err := readFields(args, r)
		if found {
			e.Args = args
		}
		return err
	}
	value, err := r.Value()
	if err != nil {
		return err
	}
	switch v := value.(type) {
	case string:
		e.setText(key, v)
	case bool:
		e.setBool(key, v)
	case int64:
		switch key {
		case "depth":
			e.Depth = int(v)
		case "rows":
			e.Rows = v
		}
	case []byte:
		switch {
		case key == "id" && len(v) == len(e.ID):
			copy(e.ID[:], v)
		case key == "operation" && len(v) == len(e.Operation):
			copy(e.Operation[:], v)
		}
	case []any:
		e.setList(key, v)
	}
	if key == "key" {
		e.Key = value
	}
	return nil
}

func (e *Event) setText(key, value string) {
	switch key {
	case "signal":
		e.Signal = value
	case "sender":
		e.Sender = value
	case "db":
		e.DB = value
	case "origin":
		e.Origin = value
	case "action":
		e.Action = value
	case "model":
		e.Model = value
	}
}

func (e *Event) setBool(key string, value bool) {
	switch key {
	case "created":
		e.Created = value
	case "raw":
		e.Raw = value
	case "reverse":
		e.Reverse = value
	case "deleted":
		e.Deleted = value
	}
}

func (e *Event) setList(key string, list []any) {
	switch key {
	case "update_fields":
		e.UpdateFields = texts(list)
	case "fields":
		e.Fields = texts(list)
	case "pk_set":
		e.PKSet = list
	case "changes":
		for _, element := range list {
			if change, ok := element.(map[string]any); ok {
				field, _ := change["field"].(string)
				e.Changes = append(e.Changes, Change{field, change["old"], change["new"]})
			}
		}
	}
}

func (e *Event) readInstances(r *msgpack.Reader) error {
	n, isArray, err := r.Array()
	if err != nil || !isArray {
		return err
	}
	e.Instances = make([]*Instance, n)
	for i := range e.Instances {
		e.Instances[i] = new(Instance)
		if _, err := readFields(&e.Instances[i].Fields, r); err != nil {
			return err
		}
	}
	return nil
}

// readFields reads a map in its order; false where there is something else.
func readFields(f *Fields, r *msgpack.Reader) (bool, error) {
	n, isMap, err := r.Map()
	if err != nil || !isMap {
		return false, err
	}
	f.names, f.values = make([]string, n), make([]any, n)
	for i := range n {
		if f.names[i], err = r.Key(); err != nil {
			return false, err
		}
		if f.values[i], err = r.Value(); err != nil {
			return false, err
		}
	}
	return true, nil
}

func texts(list []any) []string {
	names := make([]string, 0, len(list))
	for _, element := range list {
		if name, ok := element.(string); ok {
			names = append(names, name)
		}
	}
	return names
}
