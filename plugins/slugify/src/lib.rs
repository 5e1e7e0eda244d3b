//! Fills in the slug of a post from its title, when it has none. A slug that somebody chose stays.

use aksara_guest::prelude::*;

#[derive(Serialize, Deserialize)]
struct Post {
    title: String,
    slug: String,
}

#[pre_save("Post", writes("slug"), priority = 10)]
fn generate_slug(post: &mut Post) {
    if post.slug.is_empty() {
        post.slug = slug::slugify(&post.title);
    }
}

plugin!(generate_slug);

#[cfg(test)]
mod tests {
    use aksara_guest::testing::Call;

    use super::*;

    fn check(title: &str, slug: &str, expected: Map) {
        let post = Post { title: title.into(), slug: slug.into() };
        assert_eq!(Call::<generate_slug>::new(post).run().patch(), expected, "`{title}`, `{slug}`");
    }

    #[test]
    fn a_missing_slug_is_made_from_the_title() {
        check("Hello, World!", "", map! { "slug": "hello-world" });
        check("Ünïcode & Ærøskøbing", "", map! { "slug": "unicode-aeroskobing" });
    }

    #[test]
    fn a_slug_that_is_there_stays() {
        check("Hello, World!", "mine", map! {});
    }

    #[test]
    fn a_title_without_a_letter_makes_no_slug() {
        check("!!!", "", map! {});
    }
}
