package aksara

const (
	preSave    = "pre_save"
	postSave   = "post_save"
	preDelete  = "pre_delete"
	postDelete = "post_delete"
)

// Option says which events a handler gets, and what of them.
type Option func(*subscription)

// Reads names the fields that are sent to the handler; without it all are.
func Reads(names ...string) Option {
	return func(s *subscription) { s.reads = append([]string{}, names...) }
}

// Writes names the fields that the handler may set; without it all may be.
func Writes(names ...string) Option {
	return func(s *subscription) { s.writes = append([]string{}, names...) }
}

// Priority orders handlers: higher runs first, 0 unless given.
func Priority(priority int) Option {
	return func(s *subscription) { s.priority = priority }
}

// WhenCreated leaves out rows that are updated.
func WhenCreated() Option {
	return func(s *subscription) { created := true; s.created = &created }
}

// WhenUpdated leaves out rows that are inserted.
func WhenUpdated() Option {
	return func(s *subscription) { created := false; s.created = &created }
}

// WhenChanged leaves out saves that change none of these fields. A row that is inserted changes all.
func WhenChanged(names ...string) Option {
	return func(s *subscription) { s.changed = append([]string{}, names...) }
}

// Name is the handler's name in errors and logs; without it, it is that of the function.
func Name(name string) Option {
	return func(s *subscription) { s.name = name }
}

// The signals of a model's lifecycle. The sender is the label of a model, or empty for every model.

// PreInit is sent before an instance is made.
func PreInit(sender string, handler Handler, options ...Option) {
	connect("pre_init", sender, handler, options)
}

// PostInit is sent after an instance was made.
func PostInit(sender string, handler Handler, options ...Option) {
	connect("post_init", sender, handler, options)
}

// PreSave is sent before a row is inserted or updated. The handler may change the instance.
func PreSave(sender string, handler Handler, options ...Option) {
	connect(preSave, sender, handler, options)
}

// PostSave is sent after a row was inserted or updated.
func PostSave(sender string, handler Handler, options ...Option) {
	connect(postSave, sender, handler, options)
}

// PreDelete is sent before a row is deleted.
func PreDelete(sender string, handler Handler, options ...Option) {
	connect(preDelete, sender, handler, options)
}

// PostDelete is sent after a row was deleted.
func PostDelete(sender string, handler Handler, options ...Option) {
	connect(postDelete, sender, handler, options)
}

// PreBulkCreate is sent before many rows are inserted. The handler may change the instances.
func PreBulkCreate(sender string, handler Handler, options ...Option) {
	connect("pre_bulk_create", sender, handler, options)
}

// PostBulkCreate is sent after many rows were inserted.
func PostBulkCreate(sender string, handler Handler, options ...Option) {
	connect("post_bulk_create", sender, handler, options)
}

// PreBulkUpdate is sent before many rows are updated. The handler may change the instances.
func PreBulkUpdate(sender string, handler Handler, options ...Option) {
	connect("pre_bulk_update", sender, handler, options)
}

// PostBulkUpdate is sent after many rows were updated.
func PostBulkUpdate(sender string, handler Handler, options ...Option) {
	connect("post_bulk_update", sender, handler, options)
}

// M2MChanged is sent before and after a many-to-many relation changes. Its sender is `Model.field`.
func M2MChanged(sender string, handler Handler, options ...Option) {
	connect("m2m_changed", sender, handler, options)
}

// AfterCommit is sent for each instance that was saved or deleted, once the transaction is committed.
func AfterCommit(sender string, handler Handler, options ...Option) {
	connect("after_commit", sender, handler, options)
}

// AfterRollback is sent for each instance that was saved or deleted, once the transaction is rolled back.
func AfterRollback(sender string, handler Handler, options ...Option) {
	connect("after_rollback", sender, handler, options)
}

// On connects a handler to any signal by its name, such as a custom one.
func On(signal, sender string, handler Handler, options ...Option) {
	connect(signal, sender, handler, options)
}
