package main

import (
	"reflect"
	"testing"

	"aksara.dev/aksara"
	"aksara.dev/aksara/aksaratest"
)

func TestIndex(t *testing.T) {
	asked := map[string]any{}
	host := aksaratest.New()
	for _, service := range []string{"search.index", "search.remove"} {
		host.Services[service] = func(args any) (any, error) {
			asked[service] = args
			return nil, nil
		}
	}
	post := aksara.Values{"id": int64(7), "title": "Hello"}
	for _, handler := range []string{"indexPost", "unindexPost"} {
		if called := host.Call(handler, aksaratest.Event{Instance: post}); called.Failed != "" {
			t.Errorf("%s: %s", handler, called.Failed)
		}
	}
	wanted := map[string]any{
		"search.index":  map[string]any{"id": int64(7), "text": "Hello"},
		"search.remove": map[string]any{"id": int64(7)},
	}
	if !reflect.DeepEqual(asked, wanted) {
		t.Errorf("%v", asked)
	}
}
