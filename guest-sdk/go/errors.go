package aksara

import (
	"errors"
	"slices"
	"strings"

	"aksara.dev/aksara/internal/msgpack"
)

// Rejection is the error of a handler that refuses the operation.
type Rejection struct {
	Message string
}

func (r *Rejection) Error() string { return r.Message }

// Reject refuses the operation; the caller of `save` or `delete` gets the message.
func Reject(message string) error { return &Rejection{message} }

// Invalidity is the error of a handler that finds an instance invalid.
type Invalidity struct {
	// The messages by field.
	Fields map[string][]string
}

func (i *Invalidity) Error() string {
	var parts []string
	for field, messages := range i.Fields {
		for _, message := range messages {
			parts = append(parts, "`"+field+"` "+message)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// Invalid finds a field invalid; the caller of `save` gets a validation error. errors.Join puts those of several
// fields together.
func Invalid(field string, messages ...string) error {
	return &Invalidity{map[string][]string{field: messages}}
}

// HostError is what the host answers to a request that it does not grant, or that fails.
type HostError struct {
	Message string
	// Violation is the constraint of the database that a write violated; nil if it was something else.
	Violation *Violation
}

// Violation is a violated constraint: which fields are wrong.
type Violation struct {
	// Kind is `unique`, `foreign_key`, `not_null` or `check`.
	Kind string
	// Model is the label of the model whose constraint it is.
	Model string
	// Constraint is its name in the database, and empty where it has none.
	Constraint string
	// Fields are those that it is about; none where the database does not say.
	Fields []string
}

func (e *HostError) Error() string { return e.Message }

// failure encodes the error of a handler. One that is no answer to whoever saves is a failure of the plugin itself,
// and outdoes the others.
func failure(err error, trace []byte) []byte {
	rejection, fields, fault := takeApart(err)
	key, value := "error", any(nil)
	switch {
	case fault:
		text := withCauses(err)
		if len(trace) > 0 {
			text += "\n\n" + string(trace)
		}
		value = strings.ToValidUTF8(text, "\uFFFD")
	case rejection != "":
		key, value = "reject", strings.ToValidUTF8(rejection, "\uFFFD")
	default:
		key, value = "invalid", fields
	}
	encoded, err := msgpack.Append(nil, map[string]any{key: value})
	if err != nil {
		panic(err)
	}
	return encoded
}

// causesMax is how many causes of an error are told: they may go round in a circle.
const causesMax = 16

// withCauses is the text of an error, or of another cause of a panic, and that of each error which it wraps and does not
// say itself.
func withCauses(cause any) string {
	text := textOf(cause)
	err, _ := cause.(error)
	left := wrapped(err)
	for told := 0; len(left) > 0 && told < causesMax; told++ {
		inner := left[0]
		left = append(left[1:], wrapped(inner)...)
		if said := textOf(inner); !strings.Contains(text, said) {
			text += "\ncaused by: " + said
		}
	}
	return text
}

// wrapped are the errors that an error wraps, one or several.
func wrapped(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(part error) bool { return part == nil })
	}
	if inner := errors.Unwrap(err); inner != nil {
		return []error{inner}
	}
	return nil
}

// takeApart takes an error apart, and what was joined to it.
func takeApart(err error) (rejection string, invalid map[string]any, fault bool) {
	invalid = map[string]any{}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, part := range joined.Unwrap() {
			message, fields, bad := takeApart(part)
			if rejection == "" {
				rejection = message
			}
			for field, messages := range fields {
				before, _ := invalid[field].([]any)
				invalid[field] = append(before, messages.([]any)...)
			}
			fault = fault || bad
		}
		return rejection, invalid, fault
	}
	var refused *Rejection
	var found *Invalidity
	switch {
	case errors.As(err, &refused):
		rejection = refused.Message
		if rejection == "" {
			rejection = "refused"
		}
	case errors.As(err, &found):
		for field, messages := range found.Fields {
			list := make([]any, len(messages))
			for i, message := range messages {
				list[i] = strings.ToValidUTF8(message, "\uFFFD")
			}
			invalid[field] = list
		}
	default:
		fault = true
	}
	return rejection, invalid, fault
}
