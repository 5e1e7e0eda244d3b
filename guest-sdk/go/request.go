package aksara

import (
	"errors"

	"aksara.dev/aksara/internal/host"
	"aksara.dev/aksara/internal/msgpack"
)

// Values are new values of fields, arguments, or anything else by name.
type Values map[string]any

// ask sends a request to one of the host's imports. What cannot be encoded, the host is not asked.
func ask(call func([]byte) ([]byte, error), request map[string]any) (any, error) {
	wire, err := mapToWire(request, 0)
	if err != nil {
		return nil, err
	}
	encoded, err := msgpack.Append(nil, wire)
	if err != nil {
		return nil, err
	}
	answer, err := call(encoded)
	var refusal host.Refusal
	if errors.As(err, &refusal) {
		return nil, refused(refusal)
	}
	if err != nil {
		return nil, &HostError{Message: err.Error()}
	}
	return msgpack.Decode(answer)
}

// refused is the line for the author that is in an import's error.
func refused(encoded []byte) error {
	value, err := msgpack.Decode(encoded)
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	text, _ := fields["error"].(string)
	return &HostError{text, violation(fields["violation"])}
}

// violation reads the constraint that a refused write violated, if the host names one.
func violation(value any) *Violation {
	fields, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	text := func(key string) string {
		text, _ := fields[key].(string)
		return text
	}
	read := &Violation{Kind: text("kind"), Model: text("model"), Constraint: text("constraint")}
	names, _ := fields["fields"].([]any)
	for _, name := range names {
		if name, ok := name.(string); ok {
			read.Fields = append(read.Fields, name)
		}
	}
	return read
}
