// Fills in the slug of a post from its title, when it has none. A slug that somebody chose stays.
package main

import (
	"strings"
	"unicode"

	"aksara.dev/aksara"
)

func init() {
	aksara.Plugin("slugify-go", "1.0.0", aksara.Grants{})
	aksara.PreSave("Post", generateSlug,
		aksara.Reads("title", "slug"), aksara.Writes("slug"), aksara.Priority(10))
}

func main() {}

func generateSlug(e *aksara.Event) error {
	if e.Instance.String("slug") == "" {
		e.Instance.Set("slug", slugify(e.Instance.String("title")))
	}
	return nil
}

// latin has the letters without accents for those of Latin-1 from U+00E0 on. The other letters of the world stay.
const latin = "aaaaaaaceeeeiiiidnooooo-ouuuuyty"

func slugify(title string) string {
	var slug strings.Builder
	gap := false
	for _, letter := range strings.ToLower(title) {
		if letter >= 0xe0 && letter <= 0xff {
			letter = rune(latin[letter-0xe0])
		}
		if !unicode.IsLetter(letter) && !unicode.IsDigit(letter) {
			gap = slug.Len() > 0
			continue
		}
		if gap {
			slug.WriteByte('-')
			gap = false
		}
		slug.WriteRune(letter)
	}
	return slug.String()
}
