package aksara

import (
	"errors"
	"reflect"
	"testing"

	"aksara.dev/aksara/internal/golden"
	"aksara.dev/aksara/internal/host"
	"aksara.dev/aksara/internal/msgpack"
)

// payload is the golden one with this name.
func payload(t *testing.T, name string) golden.Payload {
	t.Helper()
	payloads, err := golden.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no payload `%s`", name)
	return golden.Payload{}
}

// means fails the test unless the bytes have the golden value.
func means(t *testing.T, name string, data []byte) {
	t.Helper()
	value, err := msgpack.Decode(data)
	if wanted := payload(t, name).Value; err != nil || !reflect.DeepEqual(value, wanted) {
		t.Errorf("`%s`: %v, %v, not %v", name, value, err, wanted)
	}
}

func TestEventsAreReadAsTheyAreMeant(t *testing.T) {
	e, err := decodeEvent(payload(t, "event_pre_save_update_fields").Data)
	if err != nil {
		t.Fatal(err)
	}
	if e.Signal != "pre_save" || e.Sender != "Post" || e.DB != "default" || e.Depth != 0 || e.UpdateFields[0] != "title" {
		t.Errorf("%+v", e)
	}
	if e.ID.String() != "019ca95a-9a00-7000-8000-00000000002a" || e.Time().Format("2006-01-02") != "2026-03-01" {
		t.Errorf("%s, %s", e.ID, e.Time())
	}
	if e.Instance.String("title") != "Hello, World!" || !e.Instance.IsNull("author") || e.Instance.Has("id") {
		t.Errorf("%+v", e.Instance)
	}
	e, _ = decodeEvent(payload(t, "event_post_save").Data)
	if !e.Created || !reflect.DeepEqual(e.Changes, []Change{{"title", nil, "Hello, World!"}}) || e.UpdateFields != nil {
		t.Errorf("%+v", e)
	}
	e, _ = decodeEvent(payload(t, "event_pre_delete").Data)
	if e.Origin != "query" {
		t.Errorf("%+v", e)
	}
	e, _ = decodeEvent(payload(t, "event_custom").Data)
	if e.Instance != nil || e.Args.Time("at").Year() != 2026 {
		t.Errorf("%+v", e)
	}
}

func TestRepliesAndFailures(t *testing.T) {
	e, _ := decodeEvent(payload(t, "event_pre_save_update_fields").Data)
	if data, err := e.reply(); len(data) != 0 || err != nil {
		t.Errorf("unchanged is %x, %v", data, err)
	}
	e.Instance.Set("slug", "hello-world")
	data, _ := e.reply()
	means(t, "reply_patch", data)
	e.Instance.Set("slug", nil)
	e.AddUpdateField("slug")
	e.AddUpdateField("title")
	data, _ = e.reply()
	means(t, "reply_update_fields", data)

	means(t, "failure_reject", failure(Reject("no posts on Sundays"), nil))
	means(t, "failure_invalid", failure(Invalid("title", "is empty"), nil))
	means(t, "failure_error", failure(errors.New("division by zero\n  at handler"), nil))
}

func TestTheDescription(t *testing.T) {
	defer func(before []*subscription) { registry.subscriptions, registry.signals = before, nil }(registry.subscriptions)
	registry.subscriptions = nil
	Plugin("slugify", "1.2.0", Grants{
		Models:   map[string][]string{"Author": {"get", "find", "count"}},
		Signals:  []string{"blog.published"},
		Services: []string{"notifications.send"},
		KeyValue: []string{"cache"},
		HTTP:     []string{"api.example.com:443"},
	})
	Declare("blog.published", "at")
	nothing := func(*Event) error { return nil }
	PreSave("Post", nothing, Name("generate_slug"), Priority(-10), Reads("slug", "title"), Writes("slug"), WhenCreated(),
		WhenChanged("title"))
	PostDelete("", nothing, Name("audit"))
	value, err := msgpack.Decode(describe())
	if err != nil {
		t.Fatal(err)
	}
	if wanted := withoutNil(payload(t, "description").Value); !reflect.DeepEqual(withoutNil(value), wanted) {
		t.Errorf("%v, not %v", value, wanted)
	}
}

// withoutNil leaves out what may be missing as well as nil or empty.
func withoutNil(value any) any {
	switch v := value.(type) {
	case []any:
		for i, element := range v {
			v[i] = withoutNil(element)
		}
	case map[string]any:
		for name, element := range v {
			element = withoutNil(element)
			v[name] = element
			empty, isList := element.([]any)
			inner, isMap := element.(map[string]any)
			if element == nil || isList && len(empty) == 0 || isMap && len(inner) == 0 {
				delete(v, name)
			}
		}
	}
	return value
}

// recorder is a host that keeps what it is asked, and answers with what it is told.
type recorder struct {
	host.Mock
	asked  []byte
	answer []byte
}

func (r *recorder) Ask(_ string, request []byte) ([]byte, error) {
	r.asked = request
	if r.answer == nil {
		return []byte{0xc0}, nil
	}
	return nil, host.Refusal(r.answer)
}

func (r *recorder) Log(line []byte) { r.asked = line }

func TestRequests(t *testing.T) {
	r := &recorder{}
	host.Current = r
	defer func() { host.Current = nil }()
	_, _ = Models.Exists("Plane", "N14228")
	means(t, "models_get", r.asked)
	x := F("field")
	either := Or(x.Eq("x"), x.Ne("x"), x.Lt("x"), x.Le("x"), x.Gt("x"), x.Ge("x"), x.In(1, 2), x.IsNull(true),
		x.Contains("x"), x.StartsWith("x"))
	search := Models.Find("Post", "title").Where(either).Where(Not(F("slug").Eq(""))).OrderBy("-created_at", "title")
	_, _ = search.Limit(10).Rows()
	means(t, "models_find", r.asked)
	_, _ = Models.Count("Post")
	means(t, "models_count_all", r.asked)
	_, _ = Models.Create("Note", Values{"title": "Hello", "stars": 1})
	means(t, "models_create", r.asked)
	_, _ = Models.Update("Note", 7, Values{"title": "Hello"})
	means(t, "models_update", r.asked)
	_, _ = Models.UpdateRows("Note", All(), Values{"stars": F("stars").Add(1)})
	means(t, "models_update_rows", r.asked)
	_, _ = Models.Delete("Post", 7)
	means(t, "models_delete", r.asked)
	_, _ = SendRobust("billing.payment_processed", Values{"amount": 99.5, "currency": "USD"}, About{"Order", 7})
	means(t, "send", r.asked)
	_, _ = Call("notifications.send", Values{"user": 7, "message": "a comment"})
	means(t, "service", r.asked)
	_, _ = Config("greeting")
	means(t, "config", r.asked)
	Log.Info("made a slug", "slug", "hello-world")
	means(t, "log_record", r.asked)

	r.answer = payload(t, "models_error").Data
	_, err := Models.Get("Plain", 1)
	var refused *HostError
	if !errors.As(err, &refused) || err.Error() != "there is no model `Plain`" {
		t.Errorf("%v", err)
	}
}
