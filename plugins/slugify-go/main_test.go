package main

import (
	"testing"

	"aksara.dev/aksara"
	"aksara.dev/aksara/aksaratest"
)

func TestGenerateSlug(t *testing.T) {
	cases := []struct {
		title, slug string
		patch       any
	}{
		{"Hello, World!", "", "hello-world"},
		{"Ünïcode & Ærøskøbing", "", "unicode-aroskobing"},
		{"  Привет  мир ", "", "привет-мир"},
		{"Hello, World!", "mine", nil},
		{"!!!", "", nil},
	}
	for _, c := range cases {
		instance := aksara.Values{"title": c.title, "slug": c.slug}
		called := aksaratest.New().Call("generateSlug", aksaratest.Event{Instance: instance})
		if called.Failed != "" || called.Patch["slug"] != c.patch {
			t.Errorf("%q, %q: %+v", c.title, c.slug, called)
		}
	}
}
