// The conformance plugin in Go: what tests/conformance/README.md says.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"aksara.dev/aksara"
)

func init() {
	aksara.Plugin("conformance-go", "1.0.0", aksara.Grants{
		Models:   map[string][]string{"Note": {"get", "find", "count", "create", "update", "delete"}},
		Signals:  []string{"conform.happened"},
		Services: []string{"conform.reverse", "conform.keep"},
		KeyValue: []string{"conform"},
	})
	aksara.Declare("conform.happened", "number", "text")
	aksara.PreSaveOf("Conform", obey)
	aksara.PreSave("Conform", misbehave, aksara.Priority(-1))
	hear()
}

func main() {}

// conform has the fields of `Conform`, through the types that the SDK gives them.
type conform struct {
	Command    string       `aksara:"command"`
	Integer    *int64       `aksara:"integer"`
	Float      *float64     `aksara:"float"`
	Boolean    *bool        `aksara:"boolean"`
	Text       *string      `aksara:"text"`
	Bytes      []byte       `aksara:"bytes"`
	Time       *time.Time   `aksara:"time"`
	Date       *string      `aksara:"date"`
	UUID       *aksara.UUID `aksara:"uuid"`
	Decimal    *string      `aksara:"decimal"`
	JSON       any          `aksara:"json"`
	IntegerOut *int64       `aksara:"integer_out"`
	FloatOut   *float64     `aksara:"float_out"`
	BooleanOut *bool        `aksara:"boolean_out"`
	TextOut    *string      `aksara:"text_out"`
	BytesOut   []byte       `aksara:"bytes_out"`
	TimeOut    *time.Time   `aksara:"time_out"`
	DateOut    *string      `aksara:"date_out"`
	UUIDOut    *aksara.UUID `aksara:"uuid_out"`
	DecimalOut *string      `aksara:"decimal_out"`
	JSONOut    any          `aksara:"json_out"`
}

func (c *conform) integer() int64 { return value(c.Integer) }

func (c *conform) text() string { return value(c.Text) }

// obey does what the instance says.
func obey(c *conform, e *aksara.Event) error {
	switch c.Command {
	case "echo":
		c.IntegerOut, c.FloatOut, c.BooleanOut, c.TextOut = c.Integer, c.Float, c.Boolean, c.Text
		c.BytesOut, c.TimeOut, c.DateOut, c.UUIDOut = c.Bytes, c.Time, c.Date, c.UUID
		c.DecimalOut, c.JSONOut = c.Decimal, c.JSON
	case "same":
		if c.Text != nil {
			c.Text = pointer(c.text())
		}
	case "reject":
		return aksara.Reject("no: " + c.text())
	case "invalid":
		return errors.Join(aksara.Invalid("text", "is bad"), aksara.Invalid("text", "is worse"))
	case "raise":
		explode()
	case "chain":
		return fmt.Errorf("outer: %w", errors.New("the real reason"))
	case "cut":
		panic("cut \xff")
	case "document":
		c.JSONOut = documentOf(c)
	case "not_a_number":
		c.JSONOut = map[string]any{"items": []any{1, map[string]any{"at": math.NaN()}}}
	case "deep":
		c.JSONOut = deep()
	case "nest":
		c.TextOut = pointer(nest())
	case "recurse":
		c.IntegerOut = pointer(forever(0))
	case "about":
		c.TextOut = pointer(about(e))
	case "operation":
		c.TextOut = pointer(strings.ReplaceAll(e.Operation.String(), "-", ""))
	case "log":
		aksara.Log.Info("hello", "number", c.integer())
	case "print":
		fmt.Println(c.text())
	case "time":
		c.IntegerOut = pointer(time.Now().Unix())
	case "loop":
		for {
		}
	case "memory":
		exhaust()
	default:
		return ask(c)
	}
	return nil
}

// document is what commands put into a field, or send.
type document struct {
	Fields struct {
		Integer *int64       `json:"integer"`
		Float   *float64     `json:"float"`
		Boolean *bool        `json:"boolean"`
		Text    *string      `json:"text"`
		Bytes   []byte       `json:"bytes"`
		Time    *time.Time   `json:"time"`
		Date    *string      `json:"date"`
		UUID    *aksara.UUID `json:"uuid"`
		Decimal *string      `json:"decimal"`
		JSON    any          `json:"json"`
	} `json:"fields"`
	List []any `json:"list"`
}

func documentOf(c *conform) document {
	made := document{List: []any{c.UUID, c.Time, c.Bytes}}
	made.Fields.Integer, made.Fields.Float, made.Fields.Boolean, made.Fields.Text = c.Integer, c.Float, c.Boolean, c.Text
	made.Fields.Bytes, made.Fields.Time, made.Fields.Date, made.Fields.UUID = c.Bytes, c.Time, c.Date, c.UUID
	made.Fields.Decimal, made.Fields.JSON = c.Decimal, c.JSON
	return made
}

// nest says that JSON of too many levels is an error.
func nest() string {
	const levels = 100_000
	var parsed any
	if err := json.Unmarshal([]byte(strings.Repeat("[", levels)+strings.Repeat("]", levels)), &parsed); err != nil {
		return "error"
	}
	return "none"
}

//go:noinline
func forever(depth int64) int64 { return forever(depth+1) + depth }

func deep() any {
	var nested any = []any{}
	for range 199 {
		nested = []any{nested}
	}
	return nested
}

func explode() {
	panic("boom")
}

func exhaust() {
	var kept [][]byte
	for {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
		_ = kept
	}
}

func about(e *aksara.Event) string {
	names := "none"
	if e.UpdateFields != nil {
		names = sorted(e.UpdateFields)
	}
	return fmt.Sprintf("%s %s created=%t update_fields=%s depth=%d", e.Signal, e.Sender, e.Created, names, e.Depth)
}

// misbehave changes what no type of its own would let it change.
func misbehave(e *aksara.Event) error {
	switch e.Instance.String("command") {
	case "wrong":
		e.Instance.Set("integer", "seven")
	case "unknown":
		e.Instance.Set("nonsense", 1)
	}
	return nil
}

func sorted(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ",")
}

func pointer[T any](value T) *T { return &value }

func value[T any](pointer *T) (zero T) {
	if pointer == nil {
		return zero
	}
	return *pointer
}
