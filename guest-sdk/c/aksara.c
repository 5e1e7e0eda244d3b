/* The SDK for plugins in C and C++: what `aksara.h` declares, and the canonical ABI of the contract by hand.
 * It is the one file to compile with a plugin, as C11 or C++17.
 *
 * In order: the event, requests, the cache, the description, what the host calls; values are in `aksara_values.h`, and
 * HTTP in `aksara_http.h`. Of a C library it needs the likes of `memcpy` and `strlen`. Compile it with
 * `-ffunction-sections` and link with `--gc-sections`: then a plugin imports only what it uses. */

#include "aksara_values.h"

/* ---- the event ---- */

/* A name, and for a field that the handler has set its value. */
typedef struct patch {
    struct patch *next;
    const char *field;
    aksara_value value;
} patch;

struct aksara_event {
    aksara_value all;
    aksara_value instance; /* nil where there is none */
    patch *set;
    patch *update_fields;
    aksara_value pk_set; /* nil as long as it is not set */
    struct aksara_event *rows;
    size_t rows_count;
};

static aksara_value member_or_nil(aksara_value map, const char *key) {
    aksara_value value = aksara_nil();
    lookup(map, aksara_cstr(key), &value);
    value.name = aksara_cstr(key);
    return value;
}

aksara_value aksara_about(const aksara_event *event, const char *key) {
    return member_or_nil(event->all, key);
}

aksara_value aksara_argument(const aksara_event *event, const char *name) {
    return member_or_nil(aksara_about(event, "args"), name);
}

aksara_value aksara_change(const aksara_event *event, const char *field) {
    for (aksara_iter it = aksara_each(aksara_about(event, "changes")); aksara_next(&it);)
        if (aksara_equals(aksara_as_str(aksara_member(it.value, "field")), field))
            return it.value;
    return aksara_nil();
}

aksara_time aksara_event_time(const aksara_event *event) {
    aksara_bytes id = aksara_as_bytes(aksara_about(event, "id"));
    uint64_t milliseconds = id.len < 6 ? 0 : big_endian(id.data, 6);
    aksara_time time = {(int64_t)(milliseconds / 1000), (uint32_t)(milliseconds % 1000) * 1000000};
    return time;
}

/* The place of a name in a list: where it is, or the end. */
static patch **place_of(patch **list, const char *field) {
    while (*list != NULL && strcmp((*list)->field, field) != 0)
        list = &(*list)->next;
    return list;
}

/* Puts a name into a list, once. */
static void put_patch(patch **list, const char *field, aksara_value value) {
    patch **at = place_of(list, field);
    if (*at == NULL) {
        patch *added = (patch *)aksara_alloc(sizeof(patch));
        if (added == NULL)
            return;
        added->next = NULL;
        added->field = aksara_format("%s", field).data;
        *at = added;
    }
    (*at)->value = value;
}

aksara_value aksara_get(const aksara_event *event, const char *field) {
    patch *set = event->set;
    patch *found = *place_of(&set, field);
    aksara_value value;
    if (found != NULL)
        value = found->value;
    else if (!lookup(event->instance, aksara_cstr(field), &value))
        return aksara_error_of(aksara_format(
            "the event has no field `%s`; name it in `reads` of the handler, if the model has it", field));
    value.name = aksara_cstr(field);
    return value;
}

void aksara_set(aksara_event *event, const char *field, aksara_value value) {
    aksara_value sent;
    const char *wrong = value.data == NULL ? NULL : check_message(value.data, value.len);
    if (value.data == NULL) {
        record(FAILURE, value.name);
    } else if (wrong != NULL) {
        record(FAILURE, aksara_format("the value of `%s` is malformed: %s", field, wrong));
    } else if (lookup(event->instance, aksara_cstr(field), &sent) && aksara_same(sent, value)) {
        patch **at = place_of(&event->set, field);
        if (*at != NULL)
            *at = (*at)->next;
    } else {
        put_patch(&event->set, field, value);
    }
}

void aksara_add_update_field(aksara_event *event, const char *field) {
    put_patch(&event->update_fields, field, aksara_text(field));
}

void aksara_set_pk_set(aksara_event *event, aksara_value keys) {
    if (keys.data == NULL)
        record(FAILURE, keys.name);
    else
        event->pk_set = keys;
}

static aksara_event event_of(aksara_value all, aksara_value instance) {
    aksara_event event = {all, instance, NULL, NULL, aksara_nil(), NULL, 0};
    return event;
}

aksara_event *aksara_instance(aksara_event *event, size_t index) {
    static aksara_event nothing; /* what is set in it is lost, and the event has failed by then */
    if (event->rows == NULL) {
        aksara_value instances = aksara_about(event, "instances");
        size_t count = aksara_count(instances);
        event->rows = (aksara_event *)aksara_alloc(count * sizeof(aksara_event));
        event->rows_count = event->rows == NULL ? 0 : count;
        for (aksara_iter it = aksara_each(instances); event->rows != NULL && aksara_next(&it);)
            event->rows[it.index] = event_of(event->all, it.value);
    }
    if (index < event->rows_count)
        return &event->rows[index];
    record(FAILURE, aksara_format("there is no instance %zu of %zu; ask `aksara_instances` first", index,
                                  event->rows_count));
    nothing = event_of(aksara_nil(), aksara_nil());
    return &nothing;
}

/* ---- requests ---- */

/* Names with spaces between them as a list; NULL as nil. */
static aksara_value words_until(const char *text, const char *end) {
    size_t count = 0;
    aksara_value *items = (aksara_value *)aksara_alloc(((size_t)(end - text) / 2 + 1) * sizeof(aksara_value));
    for (const char *at = text; items != NULL && at < end; at++) {
        const char *begin = at;
        while (at < end && *at != ' ')
            at++;
        aksara_str word = {begin, (size_t)(at - begin)};
        if (word.len > 0)
            items[count++] = aksara_string(word);
    }
    return items == NULL ? out_of_memory() : aksara_list(items, count);
}

static aksara_value words(const char *text) {
    return text == NULL ? aksara_nil() : words_until(text, text + strlen(text));
}

/* What the last failed request violated. */
static aksara_value violation;

aksara_value aksara_violation(void) { return violation; }

/* Whether a request can be sent. If not, it becomes the error that says why. */
static bool sendable(aksara_value *request) {
    const char *wrong = request->data == NULL ? NULL : check_message(request->data, request->len);
    if (wrong != NULL)
        *request = mistake(aksara_format("what is sent is malformed: %s", wrong));
    return request->data != NULL;
}

#ifdef __wasm__
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

/* Where a `result<list<u8>, list<u8>>` is returned. */
typedef struct {
    uint8_t failed;
    const uint8_t *data;
    size_t len;
} returned;

static aksara_value answer_of(const returned *area) {
    aksara_bytes bytes = {area->data, area->len};
    aksara_value answer = aksara_read(bytes);
    if (!area->failed || answer.data == NULL)
        return answer;
    violation = aksara_has(answer, "violation") ? aksara_member(answer, "violation") : aksara_nil();
    return aksara_error_of(aksara_as_str(aksara_member(answer, "error")));
}

#define REQUEST(interface, name)                                                                             \
    IMPORT("aksara:signals/" #interface "@0.1.0", #name)                                                     \
    void interface##_##name(const uint8_t *request, size_t len, returned *area);                             \
    static aksara_value ask_##interface##_##name(aksara_value request) {                                     \
        returned area;                                                                                       \
        if (!sendable(&request))                                                                             \
            return request;                                                                                  \
        interface##_##name(request.data, request.len, &area);                                                \
        return answer_of(&area);                                                                             \
    }
#else
aksara_value (*aksara_host)(const char *import, aksara_value request);

static aksara_value ask(const char *import, aksara_value request) {
    if (!sendable(&request))
        return request;
    return aksara_host != NULL ? aksara_host(import, request)
                               : aksara_error_of(aksara_cstr("there is no host; `aksara_mock.h` is one"));
}

#define REQUEST(interface, name)                                                                             \
    static aksara_value ask_##interface##_##name(aksara_value request) {                                     \
        return ask(#interface "." #name, request);                                                           \
    }
#endif

REQUEST(models, get)
REQUEST(models, find)
REQUEST(models, count)
REQUEST(models, create)
REQUEST(models, update)
REQUEST(models, delete)
REQUEST(bus, send)
REQUEST(services, call)
REQUEST(config, get)

aksara_value aksara_models_get(const char *model, aksara_value key, const char *fields) {
    return ask_models_get(AKSARA_MAP({"model", aksara_text(model)}, {"key", key}, {"fields", words(fields)}));
}

aksara_value aksara_models_find(const char *model, aksara_value filter, const char *fields,
                                const char *order_by, uint32_t limit) {
    return ask_models_find(AKSARA_MAP({"model", aksara_text(model)}, {"filter", filter},
                                      {"fields", words(fields)}, {"order_by", words(order_by)},
                                      {"limit", limit == 0 ? aksara_nil() : aksara_u64(limit)}));
}

aksara_value aksara_models_count(const char *model, aksara_value filter) {
    return ask_models_count(AKSARA_MAP({"model", aksara_text(model)}, {"filter", filter}));
}

aksara_value aksara_models_create(const char *model, aksara_value values) {
    return ask_models_create(AKSARA_MAP({"model", aksara_text(model)}, {"values", values}));
}

aksara_value aksara_models_update(const char *model, aksara_value key, aksara_value values) {
    return ask_models_update(AKSARA_MAP({"model", aksara_text(model)}, {"key", key}, {"values", values}));
}

aksara_value aksara_models_compute(const char *model, aksara_value key, aksara_value expressions) {
    return ask_models_update(
        AKSARA_MAP({"model", aksara_text(model)}, {"key", key}, {"expressions", expressions}));
}

aksara_value aksara_models_update_rows(const char *model, aksara_value filter, aksara_value values,
                                       aksara_value expressions) {
    return ask_models_update(AKSARA_MAP({"model", aksara_text(model)}, {"filter", filter}, {"values", values},
                                        {"expressions", expressions}));
}

aksara_value aksara_models_delete(const char *model, aksara_value key) {
    return ask_models_delete(AKSARA_MAP({"model", aksara_text(model)}, {"key", key}));
}

aksara_value aksara_models_delete_rows(const char *model, aksara_value filter) {
    return ask_models_delete(AKSARA_MAP({"model", aksara_text(model)}, {"filter", filter}));
}

aksara_value aksara_send_for(const char *signal, aksara_value args, const char *sender, aksara_value key,
                             bool robust) {
    return ask_bus_send(AKSARA_MAP({"signal", aksara_text(signal)}, {"args", args},
                                   {"sender", aksara_text(sender)}, {"key", key},
                                   {"robust", aksara_bool(robust)}));
}

aksara_value aksara_call(const char *service, aksara_value args) {
    return ask_services_call(AKSARA_MAP({"service", aksara_text(service)}, {"args", args}));
}

aksara_value aksara_config(const char *name) {
    return ask_config_get(AKSARA_MAP({"name", aksara_text(name)}));
}

aksara_value aksara_where(const char *field, aksara_operator op, aksara_value value) {
    static const char *const names[] = {"eq", "ne", "lt",      "le",       "gt",
                                        "ge", "in", "is_null", "contains", "starts_with"};
    return AKSARA_MAP({"field", aksara_text(field)}, {"op", aksara_text(names[op])}, {"value", value});
}

aksara_value aksara_f(const char *field, aksara_arithmetic op, aksara_value value) {
    static const char *const names[] = {"add", "sub", "mul", "div"};
    return AKSARA_MAP({"field", aksara_text(field)}, {"op", aksara_text(names[op])}, {"value", value});
}

aksara_result aksara_check(aksara_value answer) {
    if (answer.data != NULL)
        return AKSARA_OK;
    record(FAILURE, answer.name);
    return AKSARA_FAILED;
}

#ifdef __wasm__
IMPORT("aksara:signals/log@0.1.0", "write") void log_write(const uint8_t *line, size_t len);
IMPORT("wasi:clocks/wall-clock@0.2.0", "now") void clock_now(aksara_time *area);

aksara_time aksara_now(void) {
    aksara_time now;
    clock_now(&now);
    return now;
}
#else
REQUEST(clock, now)
aksara_time aksara_now(void) { return aksara_as_time(ask_clock_now(aksara_nil())); }
#endif

static void write_log(aksara_level level, aksara_value fields, aksara_str text) {
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};
    size_t count = aksara_count(fields) + 2;
    aksara_pair *pairs = (aksara_pair *)aksara_alloc(count * sizeof(aksara_pair));
    if (pairs == NULL)
        return;
    pairs[0].key = "level";
    pairs[0].value = aksara_text(levels[level]);
    pairs[1].key = "message";
    pairs[1].value = aksara_string(text);
    for (aksara_iter it = aksara_each(fields); aksara_next(&it);) {
        pairs[it.index + 2].key = aksara_format("%.*s", AKSARA_ARG(it.key)).data;
        pairs[it.index + 2].value = it.value;
    }
    aksara_value line = aksara_map(pairs, count);
#ifdef __wasm__
    if (sendable(&line))
        log_write(line.data, line.len);
#else
    aksara_check(ask("log.write", line));
#endif
}

void aksara_log(aksara_level level, const char *text, ...) {
    FORMAT(formatted, text);
    write_log(level, aksara_nil(), formatted);
}

void aksara_log_with(aksara_level level, aksara_value fields, const char *text, ...) {
    FORMAT(formatted, text);
    write_log(level, fields, formatted);
}

/* ---- the cache ---- */

#ifdef __wasm__
/* Where `wasi:keyvalue/store` returns: whether it failed, then the payload or the error. */
typedef struct {
    uint8_t failed;
    uint32_t word; /* a handle, a boolean, whether there is a value, or which error */
    const uint8_t *data;
    size_t len;
} stored;

#define STORE(name) IMPORT("wasi:keyvalue/store@0.2.0-draft", name)
STORE("open") void store_open(const char *bucket, size_t len, stored *area);
STORE("[method]bucket.get") void bucket_get(uint32_t bucket, const char *key, size_t len, stored *area);
STORE("[method]bucket.set")
void bucket_set(uint32_t bucket, const char *key, size_t len, const uint8_t *data, size_t size, stored *area);
STORE("[method]bucket.delete") void bucket_delete(uint32_t bucket, const char *key, size_t len, stored *area);
STORE("[method]bucket.exists") void bucket_exists(uint32_t bucket, const char *key, size_t len, stored *area);
STORE("[resource-drop]bucket") void bucket_drop(uint32_t bucket);

static aksara_value store_error(const char *bucket, uint32_t which, const uint8_t *data, size_t len) {
    aksara_str text = {(const char *)data, len};
    return aksara_error_of((which & 0xff) == 2   ? text
                           : (which & 0xff) == 1 ? aksara_format("the bucket `%s` is not granted", bucket)
                                                 : aksara_format("there is no bucket `%s`", bucket));
}

static bool store_opened(const char *bucket, uint32_t *handle, aksara_value *error) {
    stored area = {0, 0, NULL, 0};
    store_open(bucket, strlen(bucket), &area);
    if (area.failed)
        *error = store_error(bucket, area.word, area.data, area.len);
    *handle = area.word;
    return !area.failed;
}

/* Opens the bucket, calls, and closes it; `of` makes the answer of what was returned. */
#define STORED(call, of)                                                                                     \
    uint32_t handle;                                                                                         \
    aksara_value answer;                                                                                     \
    if (!store_opened(bucket, &handle, &answer))                                                             \
        return answer;                                                                                       \
    stored area = {0, 0, NULL, 0};                                                                           \
    call;                                                                                                    \
    bucket_drop(handle);                                                                                     \
    return area.failed ? store_error(bucket, area.word, area.data, area.len) : of

aksara_value aksara_cache_get(const char *bucket, const char *key) {
    aksara_bytes value;
    STORED(bucket_get(handle, key, strlen(key), &area),
           (value.data = area.data, value.len = area.len,
            (area.word & 0xff) == 0 ? aksara_nil() : aksara_blob(value)));
}

aksara_value aksara_cache_set(const char *bucket, const char *key, aksara_bytes value) {
    STORED(bucket_set(handle, key, strlen(key), value.data, value.len, &area), aksara_nil());
}

aksara_value aksara_cache_delete(const char *bucket, const char *key) {
    STORED(bucket_delete(handle, key, strlen(key), &area), aksara_nil());
}

aksara_value aksara_cache_exists(const char *bucket, const char *key) {
    STORED(bucket_exists(handle, key, strlen(key), &area), aksara_bool((area.word & 0xff) != 0));
}

#else
REQUEST(cache, get)
REQUEST(cache, set)
REQUEST(cache, delete)
REQUEST(cache, exists)

static aksara_value entry(const char *bucket, const char *key, aksara_value value) {
    return AKSARA_MAP({"bucket", aksara_text(bucket)}, {"key", aksara_text(key)}, {"value", value});
}

aksara_value aksara_cache_get(const char *bucket, const char *key) {
    return ask_cache_get(entry(bucket, key, aksara_nil()));
}

aksara_value aksara_cache_set(const char *bucket, const char *key, aksara_bytes value) {
    return ask_cache_set(entry(bucket, key, aksara_blob(value)));
}

aksara_value aksara_cache_delete(const char *bucket, const char *key) {
    return ask_cache_delete(entry(bucket, key, aksara_nil()));
}

aksara_value aksara_cache_exists(const char *bucket, const char *key) {
    return ask_cache_exists(entry(bucket, key, aksara_nil()));
}
#endif

#include "aksara_http.h"

/* ---- the description ---- */

static const char *or_nothing(const char *text) { return text == NULL ? "" : text; }

/* "Note: get find, Author: count" as a map of lists. */
static aksara_value lists(const char *text) {
    size_t count = 0;
    aksara_pair *pairs = (aksara_pair *)aksara_alloc((strlen(text) / 2 + 1) * sizeof(aksara_pair));
    for (const char *at = text; pairs != NULL && *at != 0; at += *at == ',') {
        const char *begin = at + strspn(at, " "), *end = begin + strcspn(begin, ",");
        size_t name = strcspn(begin, ":, ");
        at = end;
        if (name == 0)
            continue;
        pairs[count].key = aksara_format("%.*s", (int)name, begin).data;
        const char *items = begin + name + strspn(begin + name, " :");
        pairs[count++].value = words_until(items, items < end ? end : items);
    }
    return pairs == NULL ? out_of_memory() : aksara_map(pairs, count);
}

static aksara_value subscription_of(const aksara_subscription *it) {
    aksara_value created =
        it->when == AKSARA_EVERY ? aksara_nil() : aksara_bool(it->when == AKSARA_CREATED_ONLY);
    return AKSARA_MAP(
        {"handler", aksara_text(it->handler)}, {"signal", aksara_text(it->signal)},
        {"sender", aksara_text(it->sender)}, {"priority", aksara_i64(it->priority)},
        {"reads", words(it->reads)}, {"writes", words(it->writes)},
        {"when", AKSARA_MAP({"created", created}, {"changed", words(or_nothing(it->changed))})});
}

aksara_bytes aksara_describe(void) {
    const aksara_plugin *it = &aksara_this_plugin;
    static const aksara_grants none = {NULL, NULL, NULL, NULL, NULL, NULL};
    const aksara_grants *asked = it->grants == NULL ? &none : it->grants;
    aksara_value *subscriptions =
        (aksara_value *)aksara_alloc(it->subscriptions_count * sizeof(aksara_value));
    for (size_t i = 0; subscriptions != NULL && i < it->subscriptions_count; i++)
        subscriptions[i] = subscription_of(&it->subscriptions[i]);
    aksara_value grants = AKSARA_MAP(
        {"models", lists(or_nothing(asked->models))}, {"signals", words(or_nothing(asked->signals))},
        {"services", words(or_nothing(asked->services))}, {"keyvalue", words(or_nothing(asked->keyvalue))},
        {"http", words(or_nothing(asked->http))});
    aksara_value description =
        AKSARA_MAP({"name", aksara_text(it->name)}, {"version", aksara_text(it->version)},
                   {"contract", aksara_text("0.1.0")},
                   {"subscriptions", aksara_list(subscriptions, it->subscriptions_count)},
                   {"signals", lists(or_nothing(asked->declares))}, {"grants", grants});
    aksara_bytes bytes = {description.data, description.len};
    return bytes;
}

/* ---- what the host calls ---- */

/* The fields that were set, as a map. */
static aksara_value fields_of(const aksara_event *event) {
    size_t count = 0, at = 0;
    for (const patch *set = event->set; set != NULL; set = set->next)
        count++;
    aksara_pair *pairs = (aksara_pair *)aksara_alloc(count * sizeof(aksara_pair));
    if (pairs == NULL)
        return out_of_memory();
    for (const patch *set = event->set; set != NULL; set = set->next, at++) {
        pairs[at].key = set->field;
        pairs[at].value = set->value;
    }
    return aksara_map(pairs, count);
}

static aksara_value rows_of(const aksara_event *event) {
    aksara_value *rows = (aksara_value *)aksara_alloc(event->rows_count * sizeof(aksara_value));
    bool changed = false;
    for (size_t i = 0; rows != NULL && i < event->rows_count; i++) {
        changed = changed || event->rows[i].set != NULL;
        rows[i] = fields_of(&event->rows[i]);
    }
    return rows == NULL ? out_of_memory() : changed ? aksara_list(rows, event->rows_count) : aksara_nil();
}

static aksara_value names_of(const patch *names) {
    size_t count = 0;
    for (const patch *at = names; at != NULL; at = at->next)
        count++;
    aksara_value *items = (aksara_value *)aksara_alloc(count * sizeof(aksara_value));
    for (count = 0; items != NULL && names != NULL; names = names->next)
        items[count++] = names->value;
    return items == NULL ? out_of_memory() : aksara_list(items, count);
}

/* The reply: no bytes when there is nothing to say. */
static aksara_value reply_of(const aksara_event *event) {
    aksara_pair pairs[4];
    size_t count = 0;
    aksara_value rows = rows_of(event);
    if (event->set != NULL)
        pairs[count].key = "instance", pairs[count++].value = fields_of(event);
    if (event->update_fields != NULL)
        pairs[count].key = "update_fields", pairs[count++].value = names_of(event->update_fields);
    if (aksara_kind_of(rows) != AKSARA_KIND_NIL)
        pairs[count].key = "instances", pairs[count++].value = rows;
    if (aksara_kind_of(event->pk_set) != AKSARA_KIND_NIL)
        pairs[count].key = "pk_set", pairs[count++].value = event->pk_set;
    aksara_value reply = aksara_map(pairs, count);
    if (count == 0)
        reply.len = 0;
    else
        sendable(&reply);
    return reply;
}

static bool is_repeated(const message *it) {
    const message *at = failure.invalid;
    while (at != it && aksara_compare(at->field, it->field) != 0)
        at = at->next;
    return at != it;
}

/* The messages of `aksara_invalid`, gathered by field. */
static aksara_value invalid_fields(void) {
    size_t count = 0, fields = 0;
    for (const message *at = failure.invalid; at != NULL; at = at->next)
        count++;
    aksara_pair *pairs = (aksara_pair *)aksara_alloc(count * sizeof(aksara_pair));
    aksara_value *texts = (aksara_value *)aksara_alloc(count * sizeof(aksara_value));
    if (pairs == NULL || texts == NULL)
        return out_of_memory();
    for (const message *field = failure.invalid; field != NULL; field = field->next) {
        if (is_repeated(field))
            continue;
        count = 0;
        for (const message *at = field; at != NULL; at = at->next)
            if (aksara_compare(at->field, field->field) == 0)
                texts[count++] = aksara_string(readable(at->text));
        pairs[fields].key = readable(field->field).data;
        pairs[fields++].value = aksara_list(texts, count);
    }
    return aksara_map(pairs, fields);
}

static aksara_value failure_value(void) {
    if (failure.kind == INVALID)
        return AKSARA_MAP({"invalid", invalid_fields()});
    return AKSARA_MAP({failure.kind == REJECT ? "reject" : "error", aksara_string(readable(failure.text))});
}

bool aksara_handle(uint32_t subscription, aksara_bytes message, aksara_bytes *answer) {
    aksara_value all = aksara_read(message), reply = aksara_nil();
    if (all.data == NULL) {
        record(FAILURE, aksara_format("the host sent an event that is %.*s", AKSARA_ARG(all.name)));
    } else if (subscription >= aksara_this_plugin.subscriptions_count) {
        record(FAILURE, aksara_format("there is no subscription %u", subscription));
    } else {
        const aksara_subscription *to = &aksara_this_plugin.subscriptions[subscription];
        aksara_event event = event_of(all, member_or_nil(all, "instance"));
        if (to->handle(&event) != AKSARA_OK)
            record(INVALID, aksara_cstr(""));
        if (failure.kind == INVALID && failure.invalid == NULL)
            record(FAILURE, aksara_format(
                                "the handler `%s` failed and did not say why; return what `aksara_fail` does",
                                to->handler));
        if (failure.kind == NONE)
            reply = reply_of(&event);
    }
    bool succeeded = failure.kind == NONE;
    if (!succeeded)
        reply = failure_value();
    if (reply.data == NULL) {
        /* There was no memory for the failure, or it is no text. Nothing else is needed any more. */
        aksara_reset();
        reply = AKSARA_MAP({"error", aksara_string(reply.name)});
    }
    failure.kind = NONE;
    violation = aksara_nil();
    failure.invalid = NULL;
    answer->data = reply.data;
    answer->len = reply.len;
    return succeeded;
}

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    void *allocated = allocate(size);
    (void)align;
    if (allocated == NULL)
        __builtin_trap();
    if (old_size != 0)
        memcpy(allocated, old, old_size < size ? old_size : size);
    return allocated;
}

EXPORT("aksara:signals/handler@0.1.0#describe") const aksara_bytes *describe(void) {
    static aksara_bytes area;
    area = aksara_describe();
    return &area;
}

EXPORT("aksara:signals/handler@0.1.0#handle")
const returned *handle(uint32_t subscription, const uint8_t *data, size_t len) {
    static returned area;
    aksara_bytes event = {data, len}, answer;
    area.failed = !aksara_handle(subscription, event, &answer);
    area.data = answer.data;
    area.len = answer.len;
    return &area;
}

EXPORT("cabi_post_aksara:signals/handler@0.1.0#describe") void describe_post(const aksara_bytes *area) {
    (void)area;
    aksara_reset();
}

EXPORT("cabi_post_aksara:signals/handler@0.1.0#handle") void handle_post(const returned *area) {
    (void)area;
    aksara_reset();
}
#endif
