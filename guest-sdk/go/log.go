package aksara

import (
	"context"
	"log/slog"

	"aksara.dev/aksara/internal/host"
	"aksara.dev/aksara/internal/msgpack"
)

// Log writes to the host's log: `aksara.Log.Info("made a slug", "slug", slug)`. It is the default logger of log/slog,
// and so that of the package log as well. The host allows so many lines per event; those beyond are dropped.
var Log = slog.New(LogHandler{})

func init() {
	slog.SetDefault(Log)
}

// LogHandler is a slog.Handler whose records end in the host's log. The zero value is ready.
type LogHandler struct {
	// The names of the open groups, each with a point behind it.
	prefix string
	// What With gave to the logger.
	fields []slog.Attr
}

// Enabled is true: which levels are shown is the host's business.
func (LogHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one line.
func (h LogHandler) Handle(_ context.Context, record slog.Record) error {
	line := map[string]any{}
	for _, field := range h.fields {
		add(line, "", field)
	}
	record.Attrs(func(field slog.Attr) bool {
		add(line, h.prefix, field)
		return true
	})
	line["level"], line["message"] = level(record.Level), record.Message
	encoded, err := msgpack.Append(nil, line)
	if err == nil {
		host.Log(encoded)
	}
	return err
}

// WithAttrs is the handler with these fields in each line.
func (h LogHandler) WithAttrs(fields []slog.Attr) slog.Handler {
	// Of a copy: other loggers may have been made of this handler.
	h.fields = h.fields[:len(h.fields):len(h.fields)]
	for _, field := range fields {
		field.Key = h.prefix + field.Key
		h.fields = append(h.fields, field)
	}
	return h
}

// WithGroup is the handler with this name before those of the fields that follow.
func (h LogHandler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
}

func add(line map[string]any, prefix string, field slog.Attr) {
	value := field.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if field.Key != "" {
			prefix += field.Key + "."
		}
		for _, inner := range value.Group() {
			add(line, prefix, inner)
		}
		return
	}
	wire, err := toWire(value.Any())
	if err != nil {
		// An error, say, or anything else that only has a text.
		wire = value.String()
	}
	line[prefix+field.Key] = wire
}

func level(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	case l >= slog.LevelDebug:
		return "debug"
	}
	return "trace"
}
