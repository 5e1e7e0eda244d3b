/* The conformance plugin in C: what `tests/conformance/README.md` says. */

#include "aksara.h"

/* The fields of the two kinds that commands use; nothing where they are null. */
static int64_t integer_of(const aksara_event *it) {
    return aksara_is_null(it, "integer") ? 0 : aksara_get_i64(it, "integer");
}

static aksara_str text_of(const aksara_event *it) {
    return aksara_is_null(it, "text") ? aksara_cstr("") : aksara_get_str(it, "text");
}

/* Through the SDK's own types, as an author would. */
static void echo(aksara_event *it) {
    if (!aksara_is_null(it, "integer"))
        aksara_set_i64(it, "integer_out", aksara_get_i64(it, "integer"));
    if (!aksara_is_null(it, "float"))
        aksara_set_f64(it, "float_out", aksara_get_f64(it, "float"));
    if (!aksara_is_null(it, "boolean"))
        aksara_set_bool(it, "boolean_out", aksara_get_bool(it, "boolean"));
    if (!aksara_is_null(it, "text"))
        aksara_set_str(it, "text_out", aksara_get_str(it, "text"));
    if (!aksara_is_null(it, "bytes"))
        aksara_set_bytes(it, "bytes_out", aksara_get_bytes(it, "bytes"));
    if (!aksara_is_null(it, "time"))
        aksara_set_time(it, "time_out", aksara_get_time(it, "time"));
    if (!aksara_is_null(it, "date"))
        aksara_set_str(it, "date_out", aksara_get_str(it, "date"));
    if (!aksara_is_null(it, "uuid"))
        aksara_set_bytes(it, "uuid_out", aksara_get_bytes(it, "uuid"));
    if (!aksara_is_null(it, "decimal"))
        aksara_set_str(it, "decimal_out", aksara_get_str(it, "decimal"));
    aksara_set(it, "json_out", aksara_get(it, "json"));
}

/* What commands put into a field, or send. */
static aksara_value document(const aksara_event *it) {
    static const char *const twins[] = {"integer", "float", "boolean", "text",    "bytes",
                                        "time",    "date",  "uuid",    "decimal", "json"};
    aksara_pair fields[10];
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
        fields[i].key = twins[i], fields[i].value = aksara_get(it, twins[i]);
    aksara_value list =
        AKSARA_LIST(aksara_get(it, "uuid"), aksara_get(it, "time"), aksara_get(it, "bytes"));
    return AKSARA_MAP({"fields", aksara_map(fields, 10)}, {"list", list});
}

static aksara_value not_a_number(void) {
    aksara_value inner = AKSARA_MAP({"at", aksara_f64(__builtin_nan(""))});
    return AKSARA_MAP({"items", AKSARA_LIST(aksara_i64(1), inner)});
}

/* MessagePack, which is what this SDK parses, of too many levels is an error. */
static aksara_str nest(void) {
    aksara_bytes message = {(const uint8_t *)aksara_alloc(100000), 100000};
    if (message.data != NULL)
        memset((void *)message.data, 0x91, message.len);
    return aksara_cstr(aksara_is_error(aksara_read(message)) ? "error" : "none");
}

static int64_t forever(volatile int64_t depth) { return forever(depth + 1) + depth; }

static aksara_value deep(void) {
    aksara_value nested = aksara_list(NULL, 0);
    for (int level = 1; level < 200; level++)
        nested = AKSARA_LIST(nested);
    return nested;
}

static aksara_result explode(void) { return aksara_fail("boom"); }

/* Ends when the arena does, which fails the event. */
static void exhaust(void) {
    for (volatile uint8_t *kept; (kept = (volatile uint8_t *)aksara_alloc(1 << 20)) != NULL;)
        for (size_t at = 0; at < 1 << 20; at += 4096)
            kept[at] = 1;
}

/* The names in order, with `,` between them. */
static aksara_str sorted(const aksara_str *names, size_t count) {
    aksara_str joined = aksara_cstr(""), last = joined;
    for (size_t written = 0; written < count; written++) {
        const aksara_str *next = NULL;
        for (size_t i = 0; i < count; i++) {
            bool is_later = written == 0 || aksara_compare(names[i], last) > 0;
            if (is_later && (next == NULL || aksara_compare(names[i], *next) < 0))
                next = &names[i];
        }
        if (next == NULL)
            break;
        last = *next;
        joined = aksara_format("%.*s%s%.*s", AKSARA_ARG(joined), written == 0 ? "" : ",", AKSARA_ARG(last));
    }
    return joined;
}

static aksara_str sorted_names(aksara_value list, const char *member) {
    size_t count = aksara_count(list);
    aksara_str *names = (aksara_str *)aksara_alloc(count * sizeof(aksara_str));
    for (aksara_iter it = aksara_each(list); names != NULL && aksara_next(&it);)
        names[it.index] = aksara_as_str(member == NULL ? it.value : aksara_member(it.value, member));
    return names == NULL ? aksara_cstr("") : sorted(names, count);
}

static void about(aksara_event *it) {
    aksara_value fields = aksara_about(it, "update_fields");
    aksara_str names = aksara_is_nil(fields) ? aksara_cstr("none") : sorted_names(fields, NULL);
    aksara_set_str(it, "text_out",
                   aksara_format("%.*s %.*s created=%s update_fields=%.*s depth=%lld",
                                 AKSARA_ARG(aksara_signal(it)), AKSARA_ARG(aksara_sender(it)),
                                 aksara_created(it) ? "true" : "false", AKSARA_ARG(names),
                                 (long long)aksara_depth(it)));
}

static void operation(aksara_event *it) {
    aksara_bytes id = aksara_as_bytes(aksara_operation(it));
    aksara_str text = aksara_cstr("");
    for (size_t i = 0; i < id.len; i++)
        text = aksara_format("%.*s%02x", AKSARA_ARG(text), id.data[i]);
    aksara_set_str(it, "text_out", text);
}

static void find(aksara_event *it) {
    aksara_value many = aksara_where("stars", AKSARA_GE, aksara_i64(integer_of(it)));
    aksara_str titles = aksara_cstr("");
    aksara_value notes = aksara_models_find("Note", many, "title", "-stars", 2);
    for (aksara_iter note = aksara_each(notes); aksara_next(&note);) {
        aksara_str title = aksara_as_str(aksara_member(note.value, "title"));
        titles =
            aksara_format("%.*s%s%.*s", AKSARA_ARG(titles), note.index == 0 ? "" : ",", AKSARA_ARG(title));
    }
    aksara_set_str(it, "text_out", titles);
}

static aksara_result cache(aksara_event *it) {
    aksara_str text = text_of(it);
    aksara_bytes value = {(const uint8_t *)text.data, text.len};
    if (aksara_check(aksara_cache_set("conform", "key", value)) != AKSARA_OK)
        return AKSARA_FAILED;
    value = aksara_as_bytes(aksara_cache_get("conform", "key"));
    text.data = (const char *)value.data;
    text.len = value.len;
    aksara_set_str(it, "text_out", text);
    if (aksara_check(aksara_cache_delete("conform", "key")) != AKSARA_OK)
        return AKSARA_FAILED;
    aksara_set(it, "boolean_out", aksara_cache_exists("conform", "key"));
    return AKSARA_OK;
}

/* The commands that ask the host for something; an unknown one does nothing. */
static aksara_result ask(aksara_event *it, aksara_str command) {
    aksara_value integer = aksara_i64(integer_of(it)), text = aksara_string(text_of(it));
    if (aksara_equals(command, "get")) {
        aksara_value note = aksara_models_get("Note", integer, "title");
        aksara_set(it, "text_out", aksara_is_nil(note) ? aksara_text("none") : aksara_member(note, "title"));
    } else if (aksara_equals(command, "find")) {
        find(it);
    } else if (aksara_equals(command, "count")) {
        aksara_value filter = AKSARA_AND(aksara_where("stars", AKSARA_GE, integer),
                                         aksara_where("title", AKSARA_STARTS_WITH, text));
        aksara_set(it, "integer_out", aksara_models_count("Note", filter));
    } else if (aksara_equals(command, "create")) {
        aksara_value note =
            aksara_models_create("Note", AKSARA_MAP({"title", text}, {"stars", aksara_i64(1)}));
        aksara_set(it, "integer_out", aksara_member(note, "id"));
    } else if (aksara_equals(command, "update")) {
        aksara_set(it, "integer_out", aksara_models_update("Note", integer, AKSARA_MAP({"title", text})));
    } else if (aksara_equals(command, "increment")) {
        if (aksara_is_nil(aksara_models_get("Note", integer, "title")))
            return aksara_reject("there is none");
        aksara_value more = AKSARA_MAP({"stars", aksara_f("stars", AKSARA_ADD, aksara_i64(1))});
        aksara_set(it, "integer_out", aksara_models_compute("Note", integer, more));
    } else if (aksara_equals(command, "bump")) {
        aksara_value few = aksara_where("stars", AKSARA_LT, integer);
        aksara_value more = AKSARA_MAP({"stars", aksara_f("stars", AKSARA_ADD, aksara_i64(1))});
        aksara_set(it, "integer_out", aksara_models_update_rows("Note", few, aksara_nil(), more));
    } else if (aksara_equals(command, "delete")) {
        aksara_set(it, "integer_out", aksara_models_delete("Note", integer));
    } else if (aksara_equals(command, "taken")) {
        if (aksara_is_error(aksara_models_create("Note", AKSARA_MAP({"id", integer})))) {
            aksara_value violation = aksara_violation();
            aksara_iter fields = aksara_each(aksara_member(violation, "fields"));
            aksara_next(&fields);
            aksara_str kind = aksara_as_str(aksara_member(violation, "kind"));
            aksara_str model = aksara_as_str(aksara_member(violation, "model"));
            aksara_str field = aksara_as_str(fields.value);
            aksara_set_str(it, "text_out",
                           aksara_format("%.*s %.*s %.*s", AKSARA_ARG(kind), AKSARA_ARG(model), AKSARA_ARG(field)));
        }
    } else if (aksara_equals(command, "denied")) {
        aksara_value secret = aksara_models_get("Secret", aksara_i64(1), NULL);
        if (aksara_is_error(secret))
            aksara_set_str(it, "text_out", aksara_error(secret));
    } else if (aksara_equals(command, "send")) {
        return aksara_check(aksara_send("conform.happened", AKSARA_MAP({"number", integer}, {"text", text})));
    } else if (aksara_equals(command, "send_wrong")) {
        return aksara_check(aksara_send("conform.happened", AKSARA_MAP({"number", integer})));
    } else if (aksara_equals(command, "service")) {
        aksara_set(it, "text_out", aksara_call("conform.reverse", text));
    } else if (aksara_equals(command, "keep")) {
        aksara_set(it, "text_out", aksara_call("conform.keep", document(it)));
    } else if (aksara_equals(command, "config")) {
        aksara_value greeting = aksara_config("greeting");
        aksara_set(it, "text_out", aksara_is_nil(greeting) ? aksara_text("none") : greeting);
    } else if (aksara_equals(command, "cache")) {
        return cache(it);
    }
    return AKSARA_OK;
}

/* Does what the instance says. */
static aksara_result obey(aksara_event *it) {
    aksara_str command = aksara_get_str(it, "command");
    if (aksara_equals(command, "echo"))
        echo(it);
    else if (aksara_equals(command, "same"))
        aksara_set_str(it, "text", aksara_get_str(it, "text"));
    else if (aksara_equals(command, "reject"))
        return aksara_reject("no: %.*s", AKSARA_ARG(text_of(it)));
    else if (aksara_equals(command, "invalid"))
        return aksara_invalid("text", "is bad"), aksara_invalid("text", "is worse");
    else if (aksara_equals(command, "raise"))
        return explode();
    else if (aksara_equals(command, "wrong"))
        aksara_set(it, "integer", aksara_text("seven"));
    else if (aksara_equals(command, "unknown"))
        aksara_set_i64(it, "nonsense", 1);
    else if (aksara_equals(command, "about"))
        about(it);
    else if (aksara_equals(command, "operation"))
        operation(it);
    else if (aksara_equals(command, "log"))
        aksara_log_with(AKSARA_LOG_INFO, AKSARA_MAP({"number", aksara_get(it, "integer")}), "hello");
    else if (aksara_equals(command, "print"))
        aksara_log(AKSARA_LOG_INFO, "%.*s", AKSARA_ARG(text_of(it)));
    else if (aksara_equals(command, "chain"))
        return aksara_fail("outer: %s", "the real reason");
    else if (aksara_equals(command, "cut"))
        return aksara_fail("cut \xff");
    else if (aksara_equals(command, "document"))
        aksara_set(it, "json_out", document(it));
    else if (aksara_equals(command, "not_a_number"))
        aksara_set(it, "json_out", not_a_number());
    else if (aksara_equals(command, "deep"))
        aksara_set(it, "json_out", deep());
    else if (aksara_equals(command, "nest"))
        aksara_set_str(it, "text_out", nest());
    else if (aksara_equals(command, "recurse"))
        aksara_set_i64(it, "integer_out", forever(0));
    else if (aksara_equals(command, "time"))
        aksara_set_i64(it, "integer_out", aksara_now().seconds);
    else if (aksara_equals(command, "loop"))
        for (volatile bool forever = true; forever;)
            ;
    else if (aksara_equals(command, "memory"))
        exhaust();
    else
        return ask(it, command);
    return AKSARA_OK;
}

/* Says what it heard. */
static aksara_result seen(aksara_event *event) {
    static const char *const keys[] = {"created", "origin", "rows", "action", "reverse", "deleted", "key"};
    aksara_pair fields[10];
    size_t count = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        aksara_value value = aksara_about(event, keys[i]);
        if (!aksara_is_nil(value))
            fields[count].key = keys[i], fields[count++].value = value;
    }
    if (aksara_count(aksara_about(event, "changes")) > 0) {
        fields[count].key = "changes";
        fields[count++].value = aksara_string(sorted_names(aksara_about(event, "changes"), "field"));
    }
    if (!aksara_is_nil(aksara_about(event, "instances"))) {
        fields[count].key = "instances";
        fields[count++].value = aksara_u64(aksara_instances(event));
    }
    if (!aksara_is_nil(aksara_about(event, "pk_set"))) {
        fields[count].key = "pk_set";
        fields[count++].value = aksara_u64(aksara_count(aksara_about(event, "pk_set")));
    }
    aksara_log_with(AKSARA_LOG_INFO, aksara_map(fields, count), "seen %.*s",
                    AKSARA_ARG(aksara_signal(event)));
    return AKSARA_OK;
}

static aksara_result seen_pre_bulk_create(aksara_event *event) {
    for (size_t i = 0, count = aksara_instances(event); i < count; i++)
        aksara_set_str(aksara_instance(event, i), "text_out", aksara_format("bulk %zu", i));
    return seen(event);
}

/* Hears the signal that it sends. */
static aksara_result happened(aksara_event *event) {
    aksara_value fields =
        AKSARA_MAP({"number", aksara_argument(event, "number")}, {"text", aksara_argument(event, "text")});
    aksara_log_with(AKSARA_LOG_INFO, fields, "happened");
    return AKSARA_OK;
}

#define SEEN(of, label)                                                                                      \
    { .handler = "seen_" of, .signal = of, .sender = label, .handle = seen }

static const aksara_subscription subscriptions[] = {
    {.handler = "obey", .signal = "pre_save", .sender = "Conform", .handle = obey},
    {.handler = "seen_pre_bulk_create",
     .signal = "pre_bulk_create",
     .sender = "Conform",
     .writes = "text_out",
     .handle = seen_pre_bulk_create},
    SEEN("post_save", "Conform"),
    SEEN("pre_delete", "Conform"),
    SEEN("post_delete", "Conform"),
    SEEN("post_bulk_create", "Conform"),
    SEEN("pre_bulk_update", "Conform"),
    SEEN("post_bulk_update", "Conform"),
    SEEN("after_commit", "Conform"),
    SEEN("after_rollback", "Conform"),
    SEEN("m2m_changed", "Conform.notes"),
    {.handler = "happened", .signal = "conform.happened", .handle = happened},
};

static const aksara_grants grants = {
    .declares = "conform.happened: number text",
    .models = "Note: get find count create update delete",
    .signals = "conform.happened",
    .services = "conform.reverse conform.keep",
    .keyvalue = "conform",
};

AKSARA_PLUGIN("conformance-c", "1.0.0", subscriptions, &grants)
