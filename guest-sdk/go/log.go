package aksara

import (
	"reflect"
	"strings"
	"time"

	"aksara.dev/aksara/internal/host"
	"aksara.dev/aksara/internal/msgpack"
)

// Log writes to the host's log: `aksara.Log.Info("made a slug", "slug", slug)`. The host allows so many lines per
// event; those beyond are dropped. What is printed to standard output and standard error ends there as well, and with
// the package hostlog the records of log/slog.
var Log Logger

// Logger is the type of Log. Its methods take the message, then names and values of fields in turn.
type Logger struct{}

// Level is how important a line is.
type Level string

// The levels, from the most important to the least.
const (
	LevelError Level = "error"
	LevelWarn  Level = "warn"
	LevelInfo  Level = "info"
	LevelDebug Level = "debug"
	LevelTrace Level = "trace"
)

// Error writes that something failed.
func (l Logger) Error(message string, fields ...any) { l.Write(LevelError, message, fields...) }

// Warn writes that something looks wrong.
func (l Logger) Warn(message string, fields ...any) { l.Write(LevelWarn, message, fields...) }

// Info writes that something worth knowing happened.
func (l Logger) Info(message string, fields ...any) { l.Write(LevelInfo, message, fields...) }

// Debug writes for those who look for a fault.
func (l Logger) Debug(message string, fields ...any) { l.Write(LevelDebug, message, fields...) }

// Trace writes for those who look at every step.
func (l Logger) Trace(message string, fields ...any) { l.Write(LevelTrace, message, fields...) }

// Write writes one line. A field named `level` or `message` gives way to the line's own.
func (Logger) Write(level Level, message string, fields ...any) {
	line := map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		if name, ok := fields[i].(string); ok {
			line[name] = loggable(fields[i+1])
		}
	}
	line["level"], line["message"] = string(level), strings.ToValidUTF8(message, "\uFFFD")
	if encoded, err := msgpack.Append(nil, line); err == nil {
		host.Log(encoded)
	}
}

// loggable is the value on the wire, or its text, or at least its type.
func loggable(value any) any {
	switch v := value.(type) {
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case time.Time:
		return v
	case error:
		return v.Error()
	case interface{ String() string }:
		return v.String()
	}
	wire, err := toWire(value)
	if err != nil {
		return reflect.TypeOf(value).String()
	}
	return wire
}
