// Package hostlog makes the host's log the one of log/slog, and so of the package log as well:
//
//	import _ "aksara.dev/aksara/hostlog"
//
// It is a package of its own because log/slog makes a plugin 1.5 MB larger; aksara.Log does without.
package hostlog

import (
	"context"
	"log/slog"

	"aksara.dev/aksara"
)

func init() {
	slog.SetDefault(slog.New(Handler{}))
}

// Handler is a slog.Handler whose records end in the host's log. The zero value is ready.
type Handler struct {
	// The names of the open groups, each with a point behind it.
	prefix string
	// What With gave to the logger: names and values in turn.
	fields []any
}

// Enabled is true: which levels are shown is the host's business.
func (Handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one line.
func (h Handler) Handle(_ context.Context, record slog.Record) error {
	fields := h.fields[:len(h.fields):len(h.fields)]
	record.Attrs(func(field slog.Attr) bool {
		fields = add(fields, h.prefix, field)
		return true
	})
	aksara.Log.Write(level(record.Level), record.Message, fields...)
	return nil
}

// WithAttrs is the handler with these fields in each line.
func (h Handler) WithAttrs(fields []slog.Attr) slog.Handler {
	// In a copy: other loggers may have been made of this handler.
	h.fields = h.fields[:len(h.fields):len(h.fields)]
	for _, field := range fields {
		h.fields = add(h.fields, h.prefix, field)
	}
	return h
}

// WithGroup is the handler with this name before those of the fields that follow.
func (h Handler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
}

func add(fields []any, prefix string, field slog.Attr) []any {
	value := field.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		return append(fields, prefix+field.Key, value.Any())
	}
	if field.Key != "" {
		prefix += field.Key + "."
	}
	for _, inner := range value.Group() {
		fields = add(fields, prefix, inner)
	}
	return fields
}

func level(l slog.Level) aksara.Level {
	switch {
	case l >= slog.LevelError:
		return aksara.LevelError
	case l >= slog.LevelWarn:
		return aksara.LevelWarn
	case l >= slog.LevelInfo:
		return aksara.LevelInfo
	case l >= slog.LevelDebug:
		return aksara.LevelDebug
	}
	return aksara.LevelTrace
}
