package aksara_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"aksara.dev/aksara"
	"aksara.dev/aksara/aksaratest"
	_ "aksara.dev/aksara/hostlog"
)

type post struct {
	Title  string         `aksara:"title"`
	Slug   *string        `aksara:"slug"`
	Views  int32          `aksara:"views"`
	Rating float32        `aksara:"rating"`
	At     time.Time      `aksara:"at"`
	ID     aksara.UUID    `aksara:"uuid"`
	Raw    []byte         `aksara:"raw"`
	Tags   []string       `aksara:"tags"`
	Meta   map[string]any `aksara:"meta"`
	Own    int
}

// What the handlers under test do; each test sets its own.
var (
	onPost  func(p *post, e *aksara.Event) error
	onEvent func(e *aksara.Event) error
)

func init() {
	aksara.Plugin("tests", "1.0.0", aksara.Grants{})
	aksara.PreSaveOf("Post", func(p *post, e *aksara.Event) error { return onPost(p, e) }, aksara.Name("typed"))
	handle := func(e *aksara.Event) error { return onEvent(e) }
	aksara.PreSave("Post", handle, aksara.Name("plain"))
	aksara.PreSave("Post", handle, aksara.Name("narrow"), aksara.Reads("title"), aksara.Writes("slug"))
	aksara.PreBulkCreate("Post", handle, aksara.Name("bulk"))
	aksara.M2MChanged("Post.tags", handle, aksara.Name("tags"))
	aksara.AfterCommit("Post", handle, aksara.Name("end"))
	aksara.On("blog.published", "", published)
}

func published(e *aksara.Event) error { return onEvent(e) }

func call(handler string, event aksaratest.Event) aksaratest.Called {
	return aksaratest.New().Call(handler, event)
}

func full() aksara.Values {
	return aksara.Values{
		"title": "Hello", "slug": nil, "views": 7, "rating": 1.5, "at": time.Date(2026, 3, 1, 0, 0, 0, 5, time.UTC),
		"uuid": aksara.UUID{1, 2}, "raw": []byte{0, 255}, "tags": []string{"a"}, "meta": aksara.Values{"a": []int{1}},
	}
}

func TestATypedHandlerSendsWhatItChanged(t *testing.T) {
	none := func(*post) {}
	cases := []struct {
		change func(*post)
		patch  aksara.Values
	}{
		{none, nil},
		{func(p *post) { p.Title = "Hel" + "lo"; p.Tags = []string{"a"}; p.Own = 1 }, nil},
		{func(p *post) { slug := "x"; p.Slug = &slug }, aksara.Values{"slug": "x"}},
		{func(p *post) { p.Views++; p.Rating = 2 }, aksara.Values{"views": int64(8), "rating": 2.0}},
		{func(p *post) { p.At = p.At.In(time.FixedZone("", 3600)) }, nil},
		{func(p *post) { p.ID[15] = 1; p.Raw[0] = 9 }, aksara.Values{
			"uuid": []byte{1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "raw": []byte{9, 255}}},
		{func(p *post) { p.Tags[0] = "b"; p.Meta["b"] = true }, aksara.Values{
			"tags": []any{"b"}, "meta": map[string]any{"a": []any{int64(1)}, "b": true}}},
	}
	for i, c := range cases {
		onPost = func(p *post, _ *aksara.Event) error { c.change(p); return nil }
		called := call("typed", aksaratest.Event{Instance: full()})
		if called.Failed != "" || !reflect.DeepEqual(called.Patch, c.patch) {
			t.Errorf("case %d: %+v", i, called)
		}
	}
	called := call("typed", aksaratest.Event{Instance: aksara.Values{"views": "many"}})
	if !strings.Contains(called.Failed, "`views` of `Post`") || !strings.Contains(called.Failed, "text is no `int32`") {
		t.Errorf("%+v", called)
	}
}

func TestOnlyWhatDiffersGoesBack(t *testing.T) {
	zero := math.Copysign(0, -1)
	onEvent = func(e *aksara.Event) error {
		i := e.Instance
		i.Set("title", i.String("title"))
		i.Set("rating", i.Float("rating"))
		i.Set("whole", 3)
		i.Set("views", 8)
		i.Set("views", 7)
		i.Set("zero", zero)
		i.Set("fresh", aksara.UUID{})
		meta := i.Value("meta").(map[string]any)
		meta["b"] = 1
		i.Set("meta", meta)
		return nil
	}
	instance := full()
	instance["zero"], instance["whole"] = 0.0, 3.0
	called := call("plain", aksaratest.Event{Instance: instance})
	if called.Failed != "" || len(called.Patch) != 3 || !math.Signbit(called.Patch["zero"].(float64)) {
		t.Errorf("%+v", called)
	}
	if !reflect.DeepEqual(called.Patch["fresh"], make([]byte, 16)) {
		t.Errorf("%+v", called)
	}
}

func TestAHandlerReadsAndWritesWhatItSaid(t *testing.T) {
	onEvent = func(e *aksara.Event) error {
		e.Instance.Set("slug", strings.Join(e.Instance.Names(), ","))
		return nil
	}
	if called := call("narrow", aksaratest.Event{Instance: full()}); called.Patch["slug"] != "title" {
		t.Errorf("%+v", called)
	}
	onEvent = func(e *aksara.Event) error { e.Instance.Set("views", 1); return nil }
	if called := call("narrow", aksaratest.Event{Instance: full()}); !strings.Contains(called.Failed, "`views`") {
		t.Errorf("%+v", called)
	}
	onEvent = func(e *aksara.Event) error { return aksara.Reject(e.Instance.String("views")) }
	if called := call("narrow", aksaratest.Event{Instance: full()}); !strings.Contains(called.Failed, "no field `views`") {
		t.Errorf("%+v", called)
	}
	if called := call("plain", aksaratest.Event{Instance: full()}); !strings.Contains(called.Failed, "an integer, not text") {
		t.Errorf("%+v", called)
	}
}

func TestTheWaysToSayNo(t *testing.T) {
	onEvent = func(*aksara.Event) error { return fmt.Errorf("wrapped: %w", aksara.Reject("no")) }
	if called := call("plain", aksaratest.Event{Instance: full()}); called.Rejected != "no" {
		t.Errorf("%+v", called)
	}
	onEvent = func(*aksara.Event) error {
		return errors.Join(aksara.Invalid("title", "is bad"), aksara.Invalid("slug", "is taken", "is long"),
			aksara.Invalid("title", "is worse"))
	}
	called := call("plain", aksaratest.Event{Instance: full()})
	wanted := map[string][]string{"title": {"is bad", "is worse"}, "slug": {"is taken", "is long"}}
	if !reflect.DeepEqual(called.Invalid, wanted) {
		t.Errorf("%+v", called)
	}
	onEvent = func(*aksara.Event) error { return errors.Join(aksara.Reject("no"), errors.New("broken")) }
	if called := call("plain", aksaratest.Event{Instance: full()}); called.Failed != "no\nbroken" {
		t.Errorf("%+v", called)
	}
	onEvent = func(*aksara.Event) error { return explode(nil) }
	called = call("plain", aksaratest.Event{Instance: full()})
	if !strings.Contains(called.Failed, "index out of range") || !strings.Contains(called.Failed, "explode") {
		t.Errorf("%+v", called)
	}
}

func TestTextIsUTF8(t *testing.T) {
	onEvent = func(e *aksara.Event) error {
		aksara.Log.Info("a\xff", "b", "c\xff")
		e.Instance.Set("slug", "d\xff")
		return nil
	}
	called := call("plain", aksaratest.Event{Instance: full()})
	if !strings.Contains(called.Failed, "not UTF-8") || called.Log[0]["b"] != "c\uFFFD" {
		t.Errorf("%+v", called)
	}
}

func explode(list []error) error { return list[len(list)] }

func TestTheOtherSignals(t *testing.T) {
	onEvent = func(e *aksara.Event) error { e.Instances[1].Set("slug", "x"); return nil }
	called := call("bulk", aksaratest.Event{Instances: []aksara.Values{{"slug": ""}, {"slug": ""}}})
	if !reflect.DeepEqual(called.Instances, []aksara.Values{{}, {"slug": "x"}}) {
		t.Errorf("%+v", called)
	}
	onEvent = func(e *aksara.Event) error { return e.SetPKSet(e.PKSet[0], 3) }
	called = call("tags", aksaratest.Event{Action: "pre_add", PKSet: []any{1, 2}})
	if !reflect.DeepEqual(called.PKSet, []any{int64(1), int64(3)}) {
		t.Errorf("%+v", called)
	}
	onEvent = func(e *aksara.Event) error { return fmt.Errorf("%v %v %s", e.Key, e.Deleted, e.Changes[0].Field) }
	changes := []aksara.Change{{Field: "slug", Old: nil, New: "x"}}
	called = call("end", aksaratest.Event{Key: 5, Deleted: true, Changes: changes})
	if called.Failed != "5 true slug" {
		t.Errorf("%+v", called)
	}
	onEvent = func(e *aksara.Event) error { return errors.New(e.Args.String("by")) }
	if called := call("published", aksaratest.Event{Args: aksara.Values{"by": "me"}}); called.Failed != "me" {
		t.Errorf("%+v", called)
	}
}

func TestTheHostOfATest(t *testing.T) {
	host := aksaratest.New()
	host.Row("Note", aksara.Values{"id": 1, "title": "one", "stars": 1})
	host.Row("Note", aksara.Values{"id": 2, "title": "two", "stars": 2})
	host.Services["reverse"] = func(args any) (any, error) { return args.(string) + "!", nil }
	host.Settings["greeting"] = "hello"
	var said []any
	onEvent = func(*aksara.Event) error {
		note, err := aksara.Models.Get("Note", 2)
		many, err2 := aksara.Models.Find("Note", "title").Where(aksara.F("stars").Ge(1)).OrderBy("-stars").Rows()
		count, err3 := aksara.Models.Count("Note", aksara.F("title").StartsWith("t"))
		updated, err4 := aksara.Models.UpdateRows("Note", aksara.All(), aksara.Values{"stars": aksara.F("stars").Add(1)})
		answer, err5 := aksara.Call("reverse", "abc")
		greeting, err6 := aksara.Config("greeting")
		err7 := aksara.Cache("c").Set("key", []byte("kept"))
		kept, _, err8 := aksara.Cache("c").Get("key")
		said = []any{note.String("title"), many[0].String("title"), len(many), count, updated, answer, greeting, string(kept)}
		slog.Warn("hello", "number", 7, slog.Group("g", "at", time.Unix(0, 0).UTC()))
		return errors.Join(err, err2, err3, err4, err5, err6, err7, err8)
	}
	called := host.Call("plain", aksaratest.Event{Instance: full()})
	wanted := []any{"two", "two", 2, int64(1), int64(2), "abc!", "hello", "kept"}
	if called.Failed != "" || !reflect.DeepEqual(said, wanted) || host.Rows("Note")[0]["stars"] != int64(2) {
		t.Errorf("%+v, %v", called, said)
	}
	line := map[string]any{"level": "warn", "message": "hello", "number": int64(7), "g.at": time.Unix(0, 0).UTC()}
	if !reflect.DeepEqual(called.Log, []map[string]any{line}) || len(called.Requests) != 6 {
		t.Errorf("%+v", called)
	}
}

func TestHTTPRequestsHaveTheirResponses(t *testing.T) {
	host := aksaratest.New()
	const url = "https://api.example.com/posts?page=2"
	host.Responses[url] = aksara.HTTPResponse{
		Status: 404, Header: aksara.HTTPHeader{"content-type": {"text/plain"}}, Body: []byte("there is none"),
	}
	var said []any
	onEvent = func(*aksara.Event) error {
		response, err := aksara.HTTPPost(url, "text/plain", []byte("hello"))
		if err == nil {
			said = []any{response.Status, response.Header.Get("Content-Type"), string(response.Body)}
		}
		return err
	}
	called := host.Call("plain", aksaratest.Event{Instance: full()})
	if wanted := []any{404, "text/plain", "there is none"}; called.Failed != "" || !reflect.DeepEqual(said, wanted) {
		t.Errorf("%+v, %v", called, said)
	}
	wanted := map[string]any{
		"method": "POST", "url": url, "header": [][2]string{{"content-type", "text/plain"}}, "body": []byte("hello"),
	}
	if asked := called.Requests[0]; asked.Import != "http" || !reflect.DeepEqual(asked.Request, wanted) {
		t.Errorf("%+v", asked)
	}
	for url, wanted := range map[string]string{
		"mail":                "`mail` has no `http://` or `https://`",
		"http:///":            "`http:///` names no host",
		"https://example.com": "there is no response of `https://example.com`; give the host one under `Responses`",
	} {
		onEvent = func(*aksara.Event) error { _, err := aksara.HTTPGet(url); return err }
		if called := host.Call("plain", aksaratest.Event{Instance: full()}); called.Failed != wanted {
			t.Errorf("%s: %+v", url, called)
		}
	}
}

func BenchmarkACall(b *testing.B) {
	host, event := aksaratest.New(), aksaratest.Event{Instance: full()}
	onEvent = func(e *aksara.Event) error { e.Instance.Set("slug", e.Instance.String("title")); return nil }
	onPost = func(p *post, _ *aksara.Event) error { p.Slug = &p.Title; return nil }
	for _, name := range []string{"plain", "typed"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				host.Call(name, event)
			}
		})
	}
}
