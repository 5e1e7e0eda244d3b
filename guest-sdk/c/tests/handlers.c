/* What handlers do, with the mock in place of the host: what goes back, what fails, and what is asked of the
 * host. */

#include "../aksara_mock.h"
#include "json.h"

#define STR(text) aksara_cstr(text)

static size_t failed;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #condition);                                  \
            failed++;                                                                                        \
        }                                                                                                    \
    } while (0)

/* ---- the plugin ---- */

/* What the next call does. */
static aksara_result (*next)(aksara_event *event);

static aksara_result run(aksara_event *event) { return next(event); }

static const aksara_subscription subscriptions[] = {
    {.handler = "save", .signal = "pre_save", .sender = "Post", .handle = run},
    {.handler = "narrow",
     .signal = "pre_save",
     .sender = "Post",
     .reads = "title slug",
     .writes = "slug",
     .handle = run},
    {.handler = "bulk", .signal = "pre_bulk_create", .handle = run},
    {.handler = "audit",
     .signal = "post_save",
     .priority = -10,
     .writes = "",
     .when = AKSARA_UPDATED_ONLY,
     .changed = "title",
     .handle = run},
    {.handler = "heard", .signal = "blog.published", .handle = run},
};

static const aksara_grants grants = {
    .declares = "blog.published: at, blog.closed",
    .models = "Author: get find count, Post: get",
    .signals = "blog.published blog.closed",
    .services = "notifications.send",
    .keyvalue = "cache",
    .http = "api.example.com:443",
};

AKSARA_PLUGIN("handlers", "1.2.0", subscriptions, &grants)

/* ---- helpers ---- */

static aksara_mocked call(const char *handler, aksara_result (*handle)(aksara_event *), aksara_value instance,
                          aksara_value more) {
    next = handle;
    return aksara_mock_call(handler, instance, more);
}

static aksara_value post(void) {
    aksara_time time = {1, 500};
    return AKSARA_MAP({"id", aksara_i64(7)}, {"title", aksara_text("Hello")}, {"slug", aksara_text("")},
                      {"rating", aksara_f64(0.0)}, {"author", aksara_nil()}, {"at", aksara_timestamp(time)},
                      {"shown", aksara_bool(true)}, {"tags", AKSARA_LIST(aksara_text("a"), aksara_i64(2))});
}

static bool is(aksara_value value, const char *json) { return alike(value, json_value(&json), true); }

/* Whether the call failed with this kind and a text that begins like this. */
static bool failed_with(aksara_mocked called, const char *kind, const char *text) {
    if (called.succeeded || !aksara_has(called.failure, kind))
        return false;
    aksara_str found = aksara_as_str(aksara_member(called.failure, kind));
    bool is_it = found.len >= strlen(text) && memcmp(found.data, text, strlen(text)) == 0;
    if (!is_it)
        fprintf(stderr, "found: %.*s\n", AKSARA_ARG(found));
    return is_it;
}

/* ---- what goes back ---- */

static aksara_result nothing(aksara_event *event) {
    (void)event;
    return AKSARA_OK;
}

static aksara_result set_the_same(aksara_event *event) {
    aksara_set(event, "title", aksara_get(event, "title"));
    aksara_set_i64(event, "id", aksara_get_i64(event, "id"));
    aksara_set_f64(event, "rating", aksara_get_f64(event, "rating"));
    aksara_set_time(event, "at", aksara_get_time(event, "at"));
    aksara_set_bool(event, "shown", aksara_get_bool(event, "shown"));
    aksara_set_null(event, "author");
    aksara_set(event, "tags", AKSARA_LIST(aksara_text("a"), aksara_i64(2)));
    return AKSARA_OK;
}

static aksara_result set_others(aksara_event *event) {
    aksara_set_str(event, "slug", STR("first"));
    aksara_set_str(event, "slug", STR("second"));
    CHECK(aksara_equals(aksara_get_str(event, "slug"), "second"));
    aksara_set_f64(event, "rating", -0.0);
    aksara_set_null(event, "title");
    aksara_set_i64(event, "id", 8);
    aksara_set_i64(event, "id", 7);
    aksara_add_update_field(event, "slug");
    aksara_add_update_field(event, "slug");
    return AKSARA_OK;
}

static aksara_result set_rows(aksara_event *event) {
    CHECK(aksara_instances(event) == 3);
    aksara_event *row = aksara_instance(event, 1);
    aksara_set_i64(row, "n", aksara_get_i64(row, "n") * 10);
    aksara_set_i64(aksara_instance(event, 2), "n", 3);
    CHECK(aksara_get_i64(aksara_instance(event, 1), "n") == 20);
    CHECK(aksara_equals(aksara_signal(row), "pre_bulk_create"));
    return AKSARA_OK;
}

static aksara_result set_keys(aksara_event *event) {
    aksara_set_pk_set(event, AKSARA_LIST(aksara_i64(1)));
    return AKSARA_OK;
}

static void only_changes_go_back(void) {
    aksara_mocked called = call("save", nothing, post(), aksara_nil());
    CHECK(called.succeeded && aksara_is_nil(called.reply));
    called = call("save", set_the_same, post(), aksara_nil());
    CHECK(called.succeeded && aksara_is_nil(called.reply));
    called = call("save", set_others, post(), aksara_nil());
    CHECK(is(called.reply,
             "{\"instance\": {\"slug\": \"second\", \"rating\": {\"$float\": \"-0\"}, \"title\": null},"
             " \"update_fields\": [\"slug\"]}"));
    aksara_value rows = AKSARA_LIST(AKSARA_MAP({"n", aksara_i64(1)}), AKSARA_MAP({"n", aksara_i64(2)}),
                                    AKSARA_MAP({"n", aksara_i64(3)}));
    called = call("bulk", set_rows, aksara_nil(), AKSARA_MAP({"instances", rows}));
    CHECK(is(called.reply, "{\"instances\": [{}, {\"n\": 20}, {}]}"));
    called = call("bulk", set_keys, aksara_nil(), aksara_nil());
    CHECK(is(called.reply, "{\"pk_set\": [1]}"));
}

/* ---- what fails ---- */

static aksara_result refuse(aksara_event *event) {
    return aksara_reject("no %.*s on %s", AKSARA_ARG(aksara_get_str(event, "title")), "Sundays");
}

static aksara_result find_invalid(aksara_event *event) {
    (void)event;
    aksara_invalid("title", "is empty");
    aksara_invalid("slug", "is taken");
    return aksara_invalid("title", "is %d letters too short", 3);
}

static aksara_result break_down(aksara_event *event) {
    (void)event;
    aksara_invalid("title", "is empty");
    aksara_reject("no");
    return aksara_fail("boom %x", 255u);
}

static aksara_result say_nothing(aksara_event *event) {
    (void)event;
    return AKSARA_FAILED;
}

static aksara_result take_text_for_number(aksara_event *event) {
    aksara_set_i64(event, "id", aksara_get_i64(event, "title"));
    return AKSARA_OK;
}

static aksara_result take_null(aksara_event *event) {
    aksara_get_str(event, "author");
    return AKSARA_OK;
}

static aksara_result take_missing(aksara_event *event) {
    aksara_get_str(event, "nonsense");
    return AKSARA_OK;
}

static aksara_result cut_text(aksara_event *event) {
    aksara_str half = {"\xc3\xa9", 1};
    aksara_set_str(event, "slug", half);
    return AKSARA_OK;
}

static aksara_result refuse_with_half_a_letter(aksara_event *event) {
    (void)event;
    return aksara_reject("caf\xc3 \xc3\xa9\xff");
}

static aksara_result fail_with_half_a_letter(aksara_event *event) {
    (void)event;
    return aksara_fail("caf\xc3");
}

static aksara_result find_half_a_letter(aksara_event *event) {
    (void)event;
    return aksara_invalid("ti\xc3", "caf\xc3");
}

static aksara_result nest_deeply(aksara_event *event) {
    aksara_value value = aksara_nil();
    for (int depth = 0; depth < 140; depth++)
        value = AKSARA_LIST(value);
    aksara_set(event, "tags", value);
    return AKSARA_OK;
}

static aksara_result exhaust(aksara_event *event) {
    (void)event;
    while (aksara_alloc(1 << 20) != NULL)
        ;
    return AKSARA_OK;
}

static aksara_result take_no_row(aksara_event *event) {
    aksara_set_i64(aksara_instance(event, 3), "n", 1);
    return AKSARA_OK;
}

static void failures_are_told_apart(void) {
    CHECK(failed_with(call("save", refuse, post(), aksara_nil()), "reject", "no Hello on Sundays"));
    CHECK(is(
        call("save", find_invalid, post(), aksara_nil()).failure,
        "{\"invalid\": {\"title\": [\"is empty\", \"is 3 letters too short\"], \"slug\": [\"is taken\"]}}"));
    CHECK(failed_with(call("save", break_down, post(), aksara_nil()), "error",
                      "boom ff\n  at break_down (handlers.c:"));
    CHECK(failed_with(call("save", say_nothing, post(), aksara_nil()), "error",
                      "the handler `save` failed and did not"));
}

static void mistakes_are_named(void) {
    CHECK(failed_with(call("save", take_text_for_number, post(), aksara_nil()), "error",
                      "`title` is text, not an integer; read it with `aksara_as_str`"));
    CHECK(failed_with(call("save", take_null, post(), aksara_nil()), "error",
                      "`author` is null, not text; ask"));
    CHECK(failed_with(call("save", take_missing, post(), aksara_nil()), "error",
                      "the event has no field `nonsense`;"));
    CHECK(failed_with(call("save", cut_text, post(), aksara_nil()), "error", "a text is no UTF-8;"));
    /* What is said is not lost by its text. */
    CHECK(failed_with(call("save", refuse_with_half_a_letter, post(), aksara_nil()), "reject",
                      "caf\xef\xbf\xbd \xc3\xa9\xef\xbf\xbd"));
    CHECK(failed_with(call("save", fail_with_half_a_letter, post(), aksara_nil()), "error",
                      "caf\xef\xbf\xbd\n  at fail_with_half_a_letter"));
    CHECK(is(call("save", find_half_a_letter, post(), aksara_nil()).failure,
             "{\"invalid\": {\"ti\xef\xbf\xbd\": [\"caf\xef\xbf\xbd\"]}}"));
    CHECK(failed_with(call("save", nest_deeply, post(), aksara_nil()), "error",
                      "the value of `tags` is malformed: it nests deeper than 128 levels"));
    CHECK(failed_with(call("bulk", take_no_row, aksara_nil(), aksara_nil()), "error",
                      "there is no instance 3 of 0;"));
    CHECK(failed_with(call("narrow", set_others, post(), aksara_nil()), "error",
                      "`rating` is not in `writes`"));
    CHECK(failed_with(call("save", exhaust, post(), aksara_nil()), "error", "out of memory:"));
    aksara_mock_reset();
    CHECK(call("save", nothing, post(), aksara_nil()).succeeded);
}

/* ---- what a handler learns ---- */

static aksara_result learn(aksara_event *event) {
    CHECK(aksara_equals(aksara_signal(event), "post_save") && aksara_equals(aksara_sender(event), "Model"));
    CHECK(aksara_depth(event) == 0 && !aksara_created(event) && aksara_is_nil(aksara_about(event, "origin")));
    CHECK(aksara_is_nil(aksara_change(event, "slug")));
    CHECK(aksara_equals(aksara_as_str(aksara_member(aksara_change(event, "title"), "old")), "Hi"));
    CHECK(aksara_event_time(event).seconds == 1767225600);
    return AKSARA_OK;
}

static aksara_result hear(aksara_event *event) {
    CHECK(aksara_as_i64(aksara_argument(event, "at")) == 5 && aksara_is_nil(aksara_argument(event, "by")));
    return AKSARA_OK;
}

static void events_tell_what_they_have(void) {
    aksara_value changes = AKSARA_LIST(AKSARA_MAP({"field", aksara_text("title")}, {"old", aksara_text("Hi")},
                                                  {"new", aksara_text("Hello")}));
    CHECK(call("audit", learn, post(), AKSARA_MAP({"created", aksara_bool(false)}, {"changes", changes}))
              .succeeded);
    CHECK(
        call("heard", hear, aksara_nil(), AKSARA_MAP({"args", AKSARA_MAP({"at", aksara_i64(5)})})).succeeded);
    CHECK(is(aksara_read(aksara_describe()),
             "{\"name\": \"handlers\", \"version\": \"1.2.0\", \"contract\": \"0.1.0\", \"subscriptions\": ["
             "{\"handler\": \"save\", \"signal\": \"pre_save\", \"sender\": \"Post\", \"priority\": 0, "
             "\"when\": {\"changed\": []}},"
             "{\"handler\": \"narrow\", \"signal\": \"pre_save\", \"sender\": \"Post\", \"priority\": 0,"
             " \"reads\": [\"title\", \"slug\"], \"writes\": [\"slug\"], \"when\": {\"changed\": []}},"
             "{\"handler\": \"bulk\", \"signal\": \"pre_bulk_create\", \"priority\": 0, \"when\": "
             "{\"changed\": []}},"
             "{\"handler\": \"audit\", \"signal\": \"post_save\", \"priority\": -10, \"writes\": [],"
             " \"when\": {\"created\": false, \"changed\": [\"title\"]}},"
             "{\"handler\": \"heard\", \"signal\": \"blog.published\", \"priority\": 0, \"when\": "
             "{\"changed\": []}}],"
             "\"signals\": {\"blog.published\": [\"at\"], \"blog.closed\": []},"
             "\"grants\": {\"models\": {\"Author\": [\"get\", \"find\", \"count\"], \"Post\": [\"get\"]},"
             "\"signals\": [\"blog.published\", \"blog.closed\"], \"services\": [\"notifications.send\"],"
             "\"keyvalue\": [\"cache\"], \"http\": [\"api.example.com:443\"]}}"));
}

static void formats_are_printed(void) {
    aksara_str text = aksara_format("%5d|%05d|%s|%.2s|%4s|%c|%%|%u|%lld|%zu|%x", 42, -42, "abc", "abc", "ab",
                                    'x', 7u, (long long)INT64_MIN, (size_t)9, 0xbeefu);
    CHECK(aksara_equals(text, "   42|-0042|abc|ab|  ab|x|%|7|-9223372036854775808|9|beef"));
    CHECK(aksara_equals(aksara_format("%f %.2f %g %g %f", 1.5, 2.005, 0.25, -3.0, 1e30),
                        "1.500000 2.00 0.25 -3 1.000000e30"));
}

/* ---- what a handler asks ---- */

/* The request of an import, as the golden payload with this name has it. */
static bool asked(const char *import, const char *golden) {
    char path[512];
    snprintf(path, sizeof path, "../../wit/golden/%s.msgpack", golden);
    aksara_bytes bytes = read_file(path);
    bool is_it = alike(aksara_mock_request(import, 0), aksara_read(bytes), true);
    free((void *)bytes.data);
    return is_it;
}

static aksara_result ask(aksara_event *event) {
    (void)event;
    aksara_value note =
        aksara_models_create("Note", AKSARA_MAP({"title", aksara_text("Hello")}, {"stars", aksara_i64(1)}));
    CHECK(aksara_as_i64(aksara_member(note, "id")) == 9);
    CHECK(aksara_is_nil(aksara_models_get("Plane", aksara_text("N14228"), "")));
    CHECK(aksara_as_i64(
              aksara_models_update("Note", aksara_i64(7), AKSARA_MAP({"title", aksara_text("Hello")}))) == 1);
    CHECK(aksara_check(aksara_models_delete("Post", aksara_i64(7))) == AKSARA_OK);
    CHECK(aksara_as_i64(aksara_models_count("Post", aksara_nil())) == 5);
    CHECK(aksara_count(
              aksara_send_for("billing.payment_processed",
                              AKSARA_MAP({"amount", aksara_f64(99.5)}, {"currency", aksara_text("USD")}),
                              "Order", aksara_i64(7), true)) == 0);
    CHECK(aksara_is_nil(aksara_call(
        "notifications.send", AKSARA_MAP({"message", aksara_text("a comment")}, {"user", aksara_i64(7)}))));
    CHECK(aksara_equals(aksara_as_str(aksara_config("greeting")), "hello"));
    aksara_log_with(AKSARA_LOG_INFO, AKSARA_MAP({"slug", aksara_text("hello-world")}), "made a %s", "slug");
    CHECK(aksara_now().seconds == 12);
    aksara_bytes kept = {(const uint8_t *)"kept", 4};
    CHECK(aksara_check(aksara_cache_set("cache", "key", kept)) == AKSARA_OK);
    CHECK(aksara_as_bytes(aksara_cache_get("cache", "key")).len == 4);
    CHECK(aksara_check(aksara_cache_delete("cache", "key")) == AKSARA_OK);
    CHECK(!aksara_as_bool(aksara_cache_exists("cache", "key")) &&
          aksara_is_nil(aksara_cache_get("cache", "key")));
    return AKSARA_OK;
}

static aksara_result ask_for_all(aksara_event *event) {
    (void)event;
    aksara_value add = AKSARA_MAP({"stars", aksara_f("stars", AKSARA_ADD, aksara_i64(1))});
    CHECK(aksara_as_i64(aksara_models_update_rows("Note", aksara_every_row(), aksara_nil(), add)) == 3);
    aksara_value filter = AKSARA_OR(aksara_not(aksara_where("a", AKSARA_STARTS_WITH, aksara_text("x"))),
                                    AKSARA_AND(aksara_where("b", AKSARA_IS_NULL, aksara_bool(true)),
                                               aksara_where("c", AKSARA_IN, AKSARA_LIST(aksara_i64(1)))));
    CHECK(aksara_count(aksara_models_find("Note", filter, "title stars", "-stars id", 2)) == 0);
    return AKSARA_OK;
}

static aksara_result ignore_an_error(aksara_event *event) {
    aksara_set(event, "slug", aksara_member(aksara_models_get("Secret", aksara_i64(1), NULL), "name"));
    return AKSARA_OK;
}

static aksara_result look_at_an_error(aksara_event *event) {
    aksara_value secret = aksara_models_get("Secret", aksara_i64(1), NULL);
    CHECK(aksara_is_error(secret));
    aksara_set_str(event, "slug", aksara_error(secret));
    return AKSARA_OK;
}

static void requests_are_those_of_the_contract(void) {
    aksara_time twelve = {12, 0};
    aksara_mock_answer("models.create", AKSARA_MAP({"id", aksara_i64(9)}));
    aksara_mock_answer("models.get", aksara_nil());
    aksara_mock_answer("models.update", aksara_i64(1));
    aksara_mock_answer("models.delete", aksara_i64(1));
    aksara_mock_answer("models.count", aksara_i64(5));
    aksara_mock_answer("services.call", aksara_nil());
    aksara_mock_answer("config.get", aksara_text("hello"));
    aksara_mock_answer("clock.now", aksara_timestamp(twelve));
    CHECK(call("save", ask, post(), aksara_nil()).succeeded);
    static const char *const golden[][2] = {
        {"models.create", "models_create"},   {"models.get", "models_get"},
        {"models.update", "models_update"},   {"models.delete", "models_delete"},
        {"models.count", "models_count_all"}, {"bus.send", "send"},
        {"services.call", "service"},         {"config.get", "config"},
        {"log.write", "log_record"}};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        CHECK(asked(golden[i][0], golden[i][1]));
    aksara_mock_reset();
    aksara_mock_answer("models.update", aksara_i64(3));
    aksara_mock_answer("models.find", aksara_list(NULL, 0));
    CHECK(call("save", ask_for_all, post(), aksara_nil()).succeeded);
    CHECK(asked("models.update", "models_update_rows"));
    CHECK(is(aksara_mock_request("models.find", 0),
             "{\"model\": \"Note\", \"fields\": [\"title\", \"stars\"], \"order_by\": [\"-stars\", \"id\"], "
             "\"limit\": 2,"
             "\"filter\": {\"or\": [{\"not\": {\"field\": \"a\", \"op\": \"starts_with\", \"value\": \"x\"}},"
             "{\"and\": [{\"field\": \"b\", \"op\": \"is_null\", \"value\": true},"
             "{\"field\": \"c\", \"op\": \"in\", \"value\": [1]}]}]}}"));
    aksara_mock_reset();
    aksara_mock_answer("models.get", aksara_error_of(STR("`get` is not granted")));
    CHECK(failed_with(call("save", ignore_an_error, post(), aksara_nil()), "error", "`get` is not granted"));
    aksara_mock_answer("models.get", aksara_error_of(STR("`get` is not granted")));
    CHECK(aksara_equals(
        aksara_as_str(aksara_mock_field(call("save", look_at_an_error, post(), aksara_nil()), "slug")),
        "`get` is not granted"));
}

static aksara_result fetch(aksara_event *event) {
    aksara_bytes body = {(const uint8_t *)"hello", 5};
    aksara_value response = aksara_http("POST", "https://api.example.com/posts?page=2",
                                        AKSARA_MAP({"accept", aksara_text("text/plain")}), body);
    CHECK(aksara_as_i64(aksara_member(response, "status")) == 404);
    CHECK(aksara_equals(aksara_as_str(aksara_http_header(response, "Content-Type")), "text/plain"));
    CHECK(aksara_is_nil(aksara_http_header(response, "content")));
    CHECK(aksara_is_nil(aksara_http_header(response, "content-types")));
    aksara_set_str(event, "slug", aksara_http_text(response));
    return AKSARA_OK;
}

static const char *url;

static aksara_result fetch_what_is_asked(aksara_event *event) {
    aksara_bytes nothing = {NULL, 0};
    (void)event;
    return aksara_check(aksara_http("GET", url, aksara_nil(), nothing));
}

static void http_requests_have_their_responses(void) {
    aksara_bytes body = {(const uint8_t *)"there is none", 13};
    aksara_value headers = AKSARA_LIST(AKSARA_LIST(aksara_text("content-type"), aksara_text("text/plain")));
    aksara_mock_answer("http.send", AKSARA_MAP({"status", aksara_i64(404)}, {"headers", headers},
                                               {"body", aksara_blob(body)}));
    aksara_mocked called = call("save", fetch, post(), aksara_nil());
    CHECK(aksara_equals(aksara_as_str(aksara_mock_field(called, "slug")), "there is none"));
    aksara_value request = aksara_mock_request("http.send", 0);
    CHECK(aksara_equals(aksara_as_str(aksara_member(request, "method")), "POST"));
    CHECK(aksara_as_bytes(aksara_member(request, "body")).len == 5);
    static const char *const mistakes[][2] = {
        {"mail", "`mail` has no `http://` or `https://`"},
        {"http:///", "`http:///` names no host"},
        {"https://api.example.com", "the mock has no answer of `http.send`"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        url = mistakes[i][0];
        CHECK(failed_with(call("save", fetch_what_is_asked, post(), aksara_nil()), "error", mistakes[i][1]));
    }
}

int main(void) {
    void (*const tests[])(void) = {only_changes_go_back,
                                   failures_are_told_apart,
                                   mistakes_are_named,
                                   events_tell_what_they_have,
                                   formats_are_printed,
                                   requests_are_those_of_the_contract,
                                   http_requests_have_their_responses};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        aksara_mock_reset();
        tests[i]();
    }
    printf("%zu tests of handlers, %zu failures\n", sizeof tests / sizeof *tests, failed);
    return failed != 0;
}
