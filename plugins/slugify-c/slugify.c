/* Fills in the slug of a post from its title, when it has none. A slug that somebody chose stays. */

#include "aksara.h"

/* The letters U+00C0 to U+017F without their accents; `-` is none. */
static const char PLAIN[] = "aaaaaaaceeeeiiii"
                            "dnooooo-ouuuuyts"
                            "aaaaaaaceeeeiiii"
                            "dnooooo-ouuuuyty"
                            "aaaaaaccccccccdd"
                            "ddeeeeeeeeeegggg"
                            "gggghhhhiiiiiiii"
                            "iiiijjkkklllllll"
                            "lllnnnnnnnnnoooo"
                            "oooorrrrrrssssss"
                            "ssttttttuuuuuuuu"
                            "uuuuwwyyyzzzzzzs";

/* The next letter or digit of the text in lower case, `-` for everything else; moves on. */
static char next_letter(const char **at, const char *end) {
    unsigned char c = (unsigned char)*(*at)++;
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return (char)c;
    if (c < 0xc3 || c > 0xc5 || *at == end)
        return '-';
    unsigned letter = (c & 0x1fu) << 6 | ((unsigned char)*(*at)++ & 0x3fu);
    return letter < 0xc0 ? '-' : PLAIN[letter - 0xc0];
}

static aksara_str slugify(aksara_str title) {
    char *slug = (char *)aksara_alloc(title.len);
    size_t len = 0;
    for (const char *at = title.data, *end = at + title.len; slug != NULL && at < end;) {
        char letter = next_letter(&at, end);
        if (letter != '-' || (len > 0 && slug[len - 1] != '-'))
            slug[len++] = letter;
    }
    if (len > 0 && slug[len - 1] == '-')
        len--;
    aksara_str made = {slug, len};
    return made;
}

static aksara_result generate_slug(aksara_event *event) {
    if (aksara_get_str(event, "slug").len == 0)
        aksara_set_str(event, "slug", slugify(aksara_get_str(event, "title")));
    return AKSARA_OK;
}

static const aksara_subscription subscriptions[] = {
    {.handler = "generate_slug",
     .signal = "pre_save",
     .sender = "Post",
     .priority = 10,
     .reads = "title slug",
     .writes = "slug",
     .handle = generate_slug},
};

AKSARA_PLUGIN("slugify-c", "1.0.0", subscriptions, NULL)
