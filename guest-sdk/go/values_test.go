package aksara_test

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"aksara.dev/aksara"
	"aksara.dev/aksara/aksaratest"
)

type embedded struct {
	Shared string `json:"shared"`
	Hidden string `json:"-"`
}

type profile struct {
	embedded
	Name  string    `json:"name"`
	Tags  []string  `json:"tags,omitempty"`
	Since time.Time `json:"since"`
	Plain int
	Inner *profile `json:",omitempty"`
	own   int
}

type opaque struct{ secret int }

type level string

func (l level) MarshalText() ([]byte, error) { return []byte("level " + string(l)), nil }

// set is what a handler's Set of `meta` sends, or what it fails with.
func set(value any) (any, string) {
	onEvent = func(e *aksara.Event) error { e.Instance.Set("meta", value); return nil }
	called := call("plain", aksaratest.Event{Instance: aksara.Values{"meta": 1}})
	return called.Patch["meta"], called.Failed
}

func TestAStructInAValueIsWhatEncodingJSONMakesOfIt(t *testing.T) {
	since := time.Date(2020, 5, 1, 10, 0, 0, 123456000, time.UTC)
	cases := []struct{ value, wanted any }{
		{profile{Name: "Ann", Tags: []string{"a"}, Since: since, own: 1}, map[string]any{
			"shared": "", "name": "Ann", "tags": []any{"a"}, "since": since, "Plain": int64(0)}},
		{&profile{embedded: embedded{Shared: "s"}, Inner: &profile{}}, map[string]any{
			"shared": "s", "name": "", "since": time.Time{}, "Plain": int64(0), "Inner": map[string]any{
				"shared": "", "name": "", "since": time.Time{}, "Plain": int64(0)}}},
		{[]any{struct{}{}}, []any{map[string]any{}}},
		{map[int]any{7: []byte{1}}, map[string]any{"7": []byte{1}}},
		{map[level]int{"a": 1}, map[string]any{"a": int64(1)}},
		{[]any{level("a"), big.NewInt(5), aksara.UUID{1}}, []any{"level a", "5", append([]byte{1}, make([]byte, 15)...)}},
		{(*profile)(nil), nil},
	}
	for _, c := range cases {
		got, failed := set(c.value)
		if failed != "" || !reflect.DeepEqual(got, c.wanted) {
			t.Errorf("%#v\n got %#v %s\nwant %#v", c.value, got, failed, c.wanted)
		}
	}
}

func TestADocumentFillsAStructByTheSameNames(t *testing.T) {
	type entry struct {
		Meta profile `aksara:"meta"`
	}
	var read entry
	onEvent = func(e *aksara.Event) error { return e.Instance.Decode(&read) }
	instance := aksara.Values{"meta": aksara.Values{"shared": "s", "name": "Ann", "Plain": 3, "Inner": aksara.Values{"tags": []string{"x"}}}}
	called := call("plain", aksaratest.Event{Instance: instance})
	if called.Failed != "" || read.Meta.Shared != "s" || read.Meta.Plain != 3 || read.Meta.Inner.Tags[0] != "x" {
		t.Errorf("%+v %+v", called, read)
	}
	instance = aksara.Values{"meta": aksara.Values{"Inner": aksara.Values{"tags": []any{"x", 1}}}}
	called = call("plain", aksaratest.Event{Instance: instance})
	if !strings.Contains(called.Failed, "`meta.Inner.tags[1]` of `Post` does not fit") {
		t.Errorf("%+v", called)
	}
}

func TestWhatHasNoFormIsAnErrorWithItsPlace(t *testing.T) {
	round := []any{nil}
	round[0] = round
	type ring struct{ Next any }
	circle := &ring{}
	circle.Next = circle
	cases := map[string]any{
		"`meta.items[1].at` of `Post` cannot be set: a `func()` has no form":    map[string]any{"items": []any{0, map[string]any{"at": func() {}}}},
		"`meta.who` of `Post` cannot be set: a `aksara_test.opaque` has no exp": map[string]any{"who": opaque{1}},
		"`meta` of `Post` cannot be set: a `chan int` has no form":              make(chan int),
		"`meta.Name` of `Post` cannot be set: a text is not UTF-8":              struct{ Name string }{"d\xff"},
		"`meta[0]` of `Post` cannot be set: a `complex128` has no form":         []complex128{1},
		"is nested too deep, or contains itself":                                round,
		"Next` of `Post` cannot be set: is nested too deep":                     circle,
	}
	for wanted, value := range cases {
		if _, failed := set(value); !strings.Contains(failed, wanted) {
			t.Errorf("%s: %s", wanted, failed)
		}
	}
}

type coded struct {
	text  string
	cause error
}

func (c coded) Error() string { return c.text }
func (c coded) Unwrap() error { return c.cause }

type broken struct{}

func (broken) Error() string { panic("no text") }

func TestErrorsTellWhatTheyWrap(t *testing.T) {
	cases := []struct {
		err    error
		wanted string
	}{
		{fmt.Errorf("outer: %w", errors.New("inner")), "outer: inner"},
		{coded{"outer", coded{"inner", errors.New("the real reason")}}, "outer\ncaused by: inner\ncaused by: the real reason"},
		{errors.Join(errors.New("one"), coded{"two", errors.New("three")}), "one\ntwo\ncaused by: three"},
		{errors.New("cut \xff"), "cut \uFFFD"},
		{broken{}, "a value of type `aksara_test.broken`, whose text cannot be made"},
	}
	for _, c := range cases {
		onEvent = func(*aksara.Event) error { return c.err }
		if called := call("plain", aksaratest.Event{Instance: full()}); called.Failed != c.wanted {
			t.Errorf("%q, not %q", called.Failed, c.wanted)
		}
		onEvent = func(*aksara.Event) error { panic(c.err) }
		called := call("plain", aksaratest.Event{Instance: full()})
		if !strings.HasPrefix(called.Failed, "panic: "+c.wanted) || !strings.Contains(called.Failed, "goroutine") {
			t.Errorf("%q, not %q", called.Failed, c.wanted)
		}
	}
}
