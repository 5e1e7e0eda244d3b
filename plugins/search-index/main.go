// Keeps the application's search index in step with its posts, by the application's own services. They run in the
// transaction of the save: what is rolled back is not found either.
package main

import "aksara.dev/aksara"

func init() {
	aksara.Plugin("search-index", "1.0.0", aksara.Grants{Services: []string{"search.index", "search.remove"}})
	aksara.PostSave("Post", indexPost, aksara.Reads("id", "title"), aksara.Writes())
	aksara.PostDelete("Post", unindexPost, aksara.Reads("id"), aksara.Writes())
}

func main() {}

func indexPost(e *aksara.Event) error {
	_, err := aksara.Call("search.index", aksara.Values{
		"id":   e.Instance.Value("id"),
		"text": e.Instance.String("title"),
	})
	return err
}

func unindexPost(e *aksara.Event) error {
	_, err := aksara.Call("search.remove", aksara.Values{"id": e.Instance.Value("id")})
	return err
}
