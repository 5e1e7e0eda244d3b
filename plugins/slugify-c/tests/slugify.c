/* Tests of the plugin, natively. */

#include "aksara_mock.h"

#include <stdio.h>

static int failed;

static void check(const char *title, const char *slug, const char *expected) {
    aksara_mock_reset();
    aksara_value post = AKSARA_MAP({"title", aksara_text(title)}, {"slug", aksara_text(slug)});
    aksara_mocked called = aksara_mock_call("generate_slug", post, aksara_nil());
    bool is_right = expected == NULL
                        ? called.succeeded && aksara_is_nil(called.reply)
                        : aksara_equals(aksara_as_str(aksara_mock_field(called, "slug")), expected);
    if (!is_right) {
        printf("`%s`, `%s`: not `%s`\n", title, slug, expected == NULL ? "nothing" : expected);
        failed = 1;
    }
}

int main(void) {
    check("Hello, World!", "", "hello-world");
    check("  Ünïcode & Żółć  ", "", "unicode-zolc");
    check("日本 2026", "", "2026");
    check("Hello, World!", "mine", NULL);
    check("!!!", "", NULL);
    check("", "", NULL);
    return failed;
}
