/* What authors of Aksara plugins in C and C++ include; `aksara.c` is compiled with the plugin.
 *
 * A plugin is a table of handlers. A handler reads the fields of an event and sets some of them; what it set
 * to another value, and nothing else, goes back to the host:
 *
 *     static aksara_result generate_slug(aksara_event *event) {
 *         if (aksara_get_str(event, "slug").len == 0)
 *             aksara_set_str(event, "slug", slugify(aksara_get_str(event, "title")));
 *         return AKSARA_OK;
 *     }
 *
 *     static const aksara_subscription subscriptions[] = {
 *         {.handler = "generate_slug", .signal = "pre_save", .sender = "Post", .priority = 10,
 *          .reads = "title slug", .writes = "slug", .handle = generate_slug},
 *     };
 *     AKSARA_PLUGIN("slugify-c", "1.0.0", subscriptions, NULL)
 *
 * Memory. Every pointer that this SDK hands out lives until the handler returns, in an arena that is reset
 * for each event. Nothing has to be freed, and nothing may be kept: a plugin has no state between events.
 *
 * Errors. Each is recorded when it happens: a field of another type than the one asked for, text that is no
 * UTF-8, memory that ran out. The function then returns something empty, and the event fails with what was
 * recorded first, whatever the handler returns. So a handler can be written without a test after each line.
 */

#ifndef AKSARA_H
#define AKSARA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
/* Members that a table leaves out are zero in C without a word; C++ wants to be told. */
#define AKSARA_ZERO = {}
extern "C" {
#else
#define AKSARA_ZERO
#endif

#if defined(__GNUC__)
#define AKSARA_PRINTF(text, arguments) __attribute__((format(printf, text, arguments)))
#define AKSARA_MUST_USE __attribute__((warn_unused_result))
#else
#define AKSARA_PRINTF(text, arguments)
#define AKSARA_MUST_USE
#endif

/* ---- values ---- */

/* Text: a view, without a NUL at its end unless a function says so. */
typedef struct {
    const char *data;
    size_t len;
} aksara_str;

/* Bytes; also UUIDs, which have 16. */
typedef struct {
    const uint8_t *data;
    size_t len;
} aksara_bytes;

/* A point in time, since 1970-01-01T00:00:00Z; the nanoseconds count upwards, before 1970 too. */
typedef struct {
    int64_t seconds;
    uint32_t nanoseconds;
} aksara_time;

/* What a value is. Dates (`2026-03-01`) and decimals (`19.90`) are text. */
typedef enum {
    AKSARA_KIND_NIL,
    AKSARA_KIND_BOOL,
    AKSARA_KIND_INT,  /* fits int64_t */
    AKSARA_KIND_UINT, /* fits uint64_t only; no model field does */
    AKSARA_KIND_FLOAT,
    AKSARA_KIND_TEXT,
    AKSARA_KIND_BYTES,
    AKSARA_KIND_TIME,
    AKSARA_KIND_LIST,
    AKSARA_KIND_MAP,
    AKSARA_KIND_ERROR /* what a request that failed answers; see `aksara_error` */
} aksara_kind;

/* One value: a view of its MessagePack bytes, which are well-formed, and the name that error texts give it.
 * The members are the SDK's own. */
typedef struct {
    const uint8_t *data;
    size_t len;
    aksara_str name;
} aksara_value;

/* An entry of a map. */
typedef struct {
    const char *key;
    aksara_value value;
} aksara_pair;

/* Makes values. NULL as text is nil. */
aksara_value aksara_nil(void);
aksara_value aksara_bool(bool value);
aksara_value aksara_i64(int64_t value);
aksara_value aksara_u64(uint64_t value);
aksara_value aksara_f64(double value);
aksara_value aksara_text(const char *value);
aksara_value aksara_string(aksara_str value);
aksara_value aksara_blob(aksara_bytes value);
aksara_value aksara_timestamp(aksara_time value);
aksara_value aksara_list(const aksara_value *items, size_t count);
aksara_value aksara_map(const aksara_pair *pairs, size_t count);

/* What a value is, and its content. Asking for another type than the value has fails the event; nil is a type
 * of its own here, so ask `aksara_is_nil` first where a field is nullable. An integer is also a float. */
aksara_kind aksara_kind_of(aksara_value value);
bool aksara_is_nil(aksara_value value);
bool aksara_as_bool(aksara_value value);
int64_t aksara_as_i64(aksara_value value);
uint64_t aksara_as_u64(aksara_value value);
double aksara_as_f64(aksara_value value);
aksara_str aksara_as_str(aksara_value value);
aksara_bytes aksara_as_bytes(aksara_value value);
aksara_time aksara_as_time(aksara_value value);

/* Lists and maps. Nil has no items. */
size_t aksara_count(aksara_value list_or_map);
bool aksara_has(aksara_value map, const char *key);
aksara_value aksara_member(aksara_value map, const char *key);
aksara_value aksara_item(aksara_value list, size_t index);

/* Goes through a list or a map: `for (aksara_iter it = aksara_each(list); aksara_next(&it);)`. */
typedef struct {
    aksara_str key; /* of a map */
    aksara_value value;
    size_t index;
    aksara_value rest; /* this and what follows is the SDK's own */
    size_t left;
    bool of_map;
    bool started;
} aksara_iter;
aksara_iter aksara_each(aksara_value list_or_map);
bool aksara_next(aksara_iter *it);

/* Whether two values are the same, to the last bit of a float. Entries of maps are compared in their order.
 */
bool aksara_same(aksara_value a, aksara_value b);

/* Reads MessagePack from elsewhere, a cache say; an error when it is malformed or nests deeper than 128
 * levels. */
aksara_value aksara_read(aksara_bytes message);

/* ---- text and memory ---- */

/* Memory of the arena, aligned to 8 bytes, not cleared. NULL fails the event. */
void *aksara_alloc(size_t size);

/* Text by a format: `%s`, `%.*s`, `%c`, `%d`, `%i`, `%u`, `%x` (with `hh`, `h`, `l`, `ll`, `j`, `z`, `t`),
 * `%f` and `%g` (both plain decimals, up to 9 digits), `%%`; widths, and zeros to fill them. Ends with a NUL
 * beyond its length. */
aksara_str aksara_format(const char *format, ...) AKSARA_PRINTF(1, 2);

/* The text of a C string. */
static inline aksara_str aksara_cstr(const char *text) {
    aksara_str view = {text, strlen(text)};
    return view;
}

/* Whether a text is this one. */
static inline bool aksara_equals(aksara_str text, const char *other) {
    return text.len == strlen(other) && (text.len == 0 || memcmp(text.data, other, text.len) == 0);
}

/* Orders texts by their bytes: below zero, zero, or above, as `memcmp`. */
int aksara_compare(aksara_str a, aksara_str b);

/* A text as the two arguments of `%.*s`. */
#define AKSARA_ARG(text) (int)(text).len, (text).data

/* ---- the event ---- */

/* The event that a handler runs for, about one instance. */
typedef struct aksara_event aksara_event;

/* What the signal says beyond the instance, by its key in the contract (`update_fields`, `changes`, `origin`,
 * `rows`, `action`, `pk_set`, ..); nil where the event does not have it. */
aksara_value aksara_about(const aksara_event *event, const char *key);

/* The same for what every event has, and for what is asked for often. */
static inline aksara_str aksara_signal(const aksara_event *event) {
    return aksara_as_str(aksara_about(event, "signal"));
}
static inline aksara_str aksara_sender(const aksara_event *event) {
    return aksara_as_str(aksara_about(event, "sender"));
}
static inline int64_t aksara_depth(const aksara_event *event) {
    return aksara_as_i64(aksara_about(event, "depth"));
}
static inline bool aksara_created(const aksara_event *event) {
    aksara_value created = aksara_about(event, "created");
    return !aksara_is_nil(created) && aksara_as_bool(created);
}

/* An argument of a custom signal; nil where it is not given. */
aksara_value aksara_argument(const aksara_event *event, const char *name);

/* The change of a field, `{field, old, new}`, nil where it did not change (`post_save`, `after_commit`). */
aksara_value aksara_change(const aksara_event *event, const char *field);

/* The id that all events of one operation share, 16 bytes: of one save, of one delete with its cascade, of one
 * bulk operation. Nil from a host that is older than it. */
static inline aksara_value aksara_operation(const aksara_event *event) {
    return aksara_about(event, "operation");
}

/* When the event was made, to the millisecond; all handlers of one event agree on it, and it needs no import.
 */
aksara_time aksara_event_time(const aksara_event *event);

/* A field of the instance, as it was sent or as the handler has set it. A field that was not sent is an
 * error: `reads` says which are. */
aksara_value aksara_get(const aksara_event *event, const char *field);
static inline bool aksara_is_null(const aksara_event *event, const char *field) {
    return aksara_is_nil(aksara_get(event, field));
}
static inline bool aksara_get_bool(const aksara_event *event, const char *field) {
    return aksara_as_bool(aksara_get(event, field));
}
static inline int64_t aksara_get_i64(const aksara_event *event, const char *field) {
    return aksara_as_i64(aksara_get(event, field));
}
static inline double aksara_get_f64(const aksara_event *event, const char *field) {
    return aksara_as_f64(aksara_get(event, field));
}
static inline aksara_str aksara_get_str(const aksara_event *event, const char *field) {
    return aksara_as_str(aksara_get(event, field));
}
static inline aksara_bytes aksara_get_bytes(const aksara_event *event, const char *field) {
    return aksara_as_bytes(aksara_get(event, field));
}
static inline aksara_time aksara_get_time(const aksara_event *event, const char *field) {
    return aksara_as_time(aksara_get(event, field));
}

/* Sets a field. The value that the host sent is no change, and does not go back. */
void aksara_set(aksara_event *event, const char *field, aksara_value value);
static inline void aksara_set_null(aksara_event *event, const char *field) {
    aksara_set(event, field, aksara_nil());
}
static inline void aksara_set_bool(aksara_event *event, const char *field, bool value) {
    aksara_set(event, field, aksara_bool(value));
}
static inline void aksara_set_i64(aksara_event *event, const char *field, int64_t value) {
    aksara_set(event, field, aksara_i64(value));
}
static inline void aksara_set_f64(aksara_event *event, const char *field, double value) {
    aksara_set(event, field, aksara_f64(value));
}
static inline void aksara_set_str(aksara_event *event, const char *field, aksara_str value) {
    aksara_set(event, field, aksara_string(value));
}
static inline void aksara_set_bytes(aksara_event *event, const char *field, aksara_bytes value) {
    aksara_set(event, field, aksara_blob(value));
}
static inline void aksara_set_time(aksara_event *event, const char *field, aksara_time value) {
    aksara_set(event, field, aksara_timestamp(value));
}

/* Bulk operations: how many instances there are, and the event about just one of them, for all of the above.
 */
static inline size_t aksara_instances(const aksara_event *event) {
    return aksara_count(aksara_about(event, "instances"));
}
aksara_event *aksara_instance(aksara_event *event, size_t index);

/* Adds a field to the `update_fields` of the save under way. */
void aksara_add_update_field(aksara_event *event, const char *field);

/* `pre_add` of a relation: the keys to add in place of those given. */
void aksara_set_pk_set(aksara_event *event, aksara_value keys);

/* ---- what a handler answers ---- */

/* What a handler returns. */
typedef enum { AKSARA_OK, AKSARA_FAILED } aksara_result;

/* Refuses the operation: whoever saves or deletes gets the message. */
aksara_result aksara_reject(const char *format, ...) AKSARA_PRINTF(1, 2);

/* Finds a field invalid: whoever saves gets a validation error, with the messages of all calls. */
aksara_result aksara_invalid(const char *field, const char *format, ...) AKSARA_PRINTF(2, 3);

/* The plugin itself failed: `return aksara_fail("no seats: %d", seats);`. The text says where, too. */
#define aksara_fail(...) aksara_fail_at(__FILE__, __LINE__, __func__, __VA_ARGS__)
aksara_result aksara_fail_at(const char *file, int line, const char *function, const char *format, ...)
    AKSARA_PRINTF(4, 5);

/* Whether the event has failed so far. A failure of the plugin outweighs a refusal, and that an invalid
 * field. */
bool aksara_has_failed(void);

/* ---- what a handler asks of the host ---- */

/* Each answers with a value. When the request failed that is an error: whoever reads it as anything else
 * fails the event with its text. `aksara_error` asks first, and lets the event go on; `aksara_check` is for
 * answers that nobody reads: `return aksara_check(aksara_models_delete("Note", key));`. */
static inline bool aksara_is_error(aksara_value answer) { return answer.data == NULL; }
static inline aksara_str aksara_error(aksara_value answer) { return answer.name; }

/* The constraint of the database that the last failed request violated: a map of `kind` (`unique`, `foreign_key`,
 * `not_null` or `check`), `model`, `constraint` (its name, where it has one) and `fields` (a list of names). Nil when it
 * failed for another reason. */
aksara_value aksara_violation(void);

aksara_result aksara_check(aksara_value answer);

/* The application's models, in the transaction of the event. `fields` and `order_by` are names with spaces
 * between them (NULL: all, no order); a limit of 0 is none. Instances are maps; no instance is nil; writes
 * answer with the number of rows. */
AKSARA_MUST_USE aksara_value aksara_models_get(const char *model, aksara_value key, const char *fields);
AKSARA_MUST_USE aksara_value aksara_models_find(const char *model, aksara_value filter, const char *fields,
                                                const char *order_by, uint32_t limit);
AKSARA_MUST_USE aksara_value aksara_models_count(const char *model, aksara_value filter);
AKSARA_MUST_USE aksara_value aksara_models_create(const char *model, aksara_value values);
AKSARA_MUST_USE aksara_value aksara_models_update(const char *model, aksara_value key, aksara_value values);
/* As `aksara_models_update`, with values that the database computes from what is stored: what others write at the same
 * time is not lost. */
AKSARA_MUST_USE aksara_value aksara_models_compute(const char *model, aksara_value key, aksara_value expressions);
AKSARA_MUST_USE aksara_value aksara_models_update_rows(const char *model, aksara_value filter,
                                                       aksara_value values, aksara_value expressions);
AKSARA_MUST_USE aksara_value aksara_models_delete(const char *model, aksara_value key);
AKSARA_MUST_USE aksara_value aksara_models_delete_rows(const char *model, aksara_value filter);

/* How a filter compares: `IN` with a list, `IS_NULL` with a boolean. */
typedef enum {
    AKSARA_EQ,
    AKSARA_NE,
    AKSARA_LT,
    AKSARA_LE,
    AKSARA_GT,
    AKSARA_GE,
    AKSARA_IN,
    AKSARA_IS_NULL,
    AKSARA_CONTAINS,
    AKSARA_STARTS_WITH
} aksara_operator;

/* Which rows: `AKSARA_AND(aksara_where("stars", AKSARA_GE, aksara_i64(3)), aksara_not(..))`. */
aksara_value aksara_where(const char *field, aksara_operator op, aksara_value value);
static inline aksara_value aksara_all(const aksara_value *filters, size_t count) {
    aksara_pair pair = {"and", aksara_list(filters, count)};
    return aksara_map(&pair, 1);
}
static inline aksara_value aksara_any(const aksara_value *filters, size_t count) {
    aksara_pair pair = {"or", aksara_list(filters, count)};
    return aksara_map(&pair, 1);
}
static inline aksara_value aksara_not(aksara_value filter) {
    aksara_pair pair = {"not", filter};
    return aksara_map(&pair, 1);
}
static inline aksara_value aksara_every_row(void) { return aksara_all(NULL, 0); }

/* A value that the database computes, for `expressions` of `aksara_models_compute` and `aksara_models_update_rows`:
 * `AKSARA_MAP({"stars", aksara_f("stars", AKSARA_ADD, aksara_i64(1))})`. */
typedef enum { AKSARA_ADD, AKSARA_SUB, AKSARA_MUL, AKSARA_DIV } aksara_arithmetic;
aksara_value aksara_f(const char *field, aksara_arithmetic op, aksara_value value);

/* Sends a custom signal with a map of arguments. `aksara_send_for` says for which instance; `robust` runs
 * every handler and answers with a list of `{handler, error}`. */
AKSARA_MUST_USE aksara_value aksara_send_for(const char *signal, aksara_value args, const char *sender,
                                             aksara_value key, bool robust);

AKSARA_MUST_USE static inline aksara_value aksara_send(const char *signal, aksara_value args) {
    return aksara_send_for(signal, args, NULL, aksara_nil(), false);
}

/* Calls a service of the application. */
AKSARA_MUST_USE aksara_value aksara_call(const char *service, aksara_value args);

/* A setting of the plugin, or nil. */
AKSARA_MUST_USE aksara_value aksara_config(const char *name);

/* A cache: bytes (or nil) by key, in a granted bucket, and whether there is a value. */
AKSARA_MUST_USE aksara_value aksara_cache_get(const char *bucket, const char *key);
AKSARA_MUST_USE aksara_value aksara_cache_set(const char *bucket, const char *key, aksara_bytes value);
AKSARA_MUST_USE aksara_value aksara_cache_delete(const char *bucket, const char *key);
AKSARA_MUST_USE aksara_value aksara_cache_exists(const char *bucket, const char *key);

/* Sends an HTTP request to a granted host and waits for the whole response, within the event's time: best from
 * `after_commit`. `headers` is a map of texts, or nil. Answers, whatever the status, with a map of `status`,
 * `headers` (a list of pairs, names in lower case) and `body` (bytes). Redirects are not followed. */
AKSARA_MUST_USE aksara_value aksara_http(const char *method, const char *url, aksara_value headers,
                                         aksara_bytes body);

/* Of a response: the first value of a header (nil when it has none), and the body as text. */
aksara_value aksara_http_header(aksara_value response, const char *name);
static inline aksara_str aksara_http_text(aksara_value response) {
    aksara_bytes body = aksara_as_bytes(aksara_member(response, "body"));
    aksara_str text = {(const char *)body.data, body.len};
    return text;
}

/* The time of day. `aksara_event_time` does without the import. */
aksara_time aksara_now(void);

/* Writes a line to the host's log, with a map of fields. Standard output goes nowhere.
 */
typedef enum {
    AKSARA_LOG_ERROR,
    AKSARA_LOG_WARN,
    AKSARA_LOG_INFO,
    AKSARA_LOG_DEBUG,
    AKSARA_LOG_TRACE
} aksara_level;
void aksara_log(aksara_level level, const char *format, ...) AKSARA_PRINTF(2, 3);
void aksara_log_with(aksara_level level, aksara_value fields, const char *format, ...) AKSARA_PRINTF(3, 4);

/* ---- the plugin ---- */

/* Which saves a handler hears. */
typedef enum { AKSARA_EVERY, AKSARA_CREATED_ONLY, AKSARA_UPDATED_ONLY } aksara_when;

/* One handler. Names of fields have spaces between them; NULL is all fields, "" none. */
typedef struct aksara_subscription {
    const char *handler AKSARA_ZERO; /* its name, for errors and logs */
    const char *signal AKSARA_ZERO;
    const char *sender AKSARA_ZERO; /* label of the model; NULL for every model */
    int32_t priority AKSARA_ZERO;   /* higher runs first */
    const char *reads AKSARA_ZERO;  /* the fields that are sent */
    const char *writes AKSARA_ZERO; /* the fields that may be set */
    aksara_when when AKSARA_ZERO;
    const char *changed AKSARA_ZERO; /* only when one of these fields did; NULL for always */
    aksara_result (*handle)(aksara_event *event) AKSARA_ZERO;
} aksara_subscription;

/* What a plugin declares and asks for. Names have spaces between them, lists of names commas. */
typedef struct aksara_grants {
    const char *declares
        AKSARA_ZERO;                 /* custom signals and their arguments: "blog.read: post by, blog.shut" */
    const char *models AKSARA_ZERO;  /* operations by model: "Note: get find, Author: count" */
    const char *signals AKSARA_ZERO; /* custom signals to send: "blog.read" */
    const char *services AKSARA_ZERO; /* "notifications.send" */
    const char *keyvalue AKSARA_ZERO; /* buckets of the cache */
    const char *http AKSARA_ZERO;     /* hosts, with their ports: "api.example.com:443" */
} aksara_grants;

/* All of it. `AKSARA_PLUGIN` defines it, once in a plugin. */
typedef struct {
    const char *name;
    const char *version;
    const aksara_subscription *subscriptions;
    size_t subscriptions_count;
    const aksara_grants *grants;
} aksara_plugin;
extern const aksara_plugin aksara_this_plugin;

/* The plugin's name (that of its file) and version, its array of subscriptions, its grants or NULL. */
#define AKSARA_PLUGIN(name, version, subscriptions, grants)                                                  \
    const aksara_plugin aksara_this_plugin = {name, version, subscriptions,                                  \
                                              sizeof(subscriptions) / sizeof((subscriptions)[0]), grants};

/* ---- tests ---- */

/* What the host calls: the description, and one event, with the subscription's position in the table. False
 * is the Err side of the contract. The answers live until `aksara_reset`. */
aksara_bytes aksara_describe(void);
bool aksara_handle(uint32_t subscription, aksara_bytes event, aksara_bytes *answer);
void aksara_reset(void);

#ifndef __wasm__
/* Outside WebAssembly this plays the host's part: it is given the import's name (`models.get`, `log.write`,
 * `cache.set`, ..) and request, and answers. `aksara_mock.h` sets it. */
extern aksara_value (*aksara_host)(const char *import, aksara_value request);

/* An error as a request answers it. */
aksara_value aksara_error_of(aksara_str text);
#endif

#ifdef __cplusplus
}

/* Lists, maps and filters from their items, in C++ and in C. */
template <size_t N> inline aksara_value aksara_list_of(const aksara_value (&items)[N]) {
    return aksara_list(items, N);
}
template <size_t N> inline aksara_value aksara_map_of(const aksara_pair (&pairs)[N]) {
    return aksara_map(pairs, N);
}
template <size_t N> inline aksara_value aksara_all_of(const aksara_value (&filters)[N]) {
    return aksara_all(filters, N);
}
template <size_t N> inline aksara_value aksara_any_of(const aksara_value (&filters)[N]) {
    return aksara_any(filters, N);
}
#define AKSARA_LIST(...) aksara_list_of({__VA_ARGS__})
#define AKSARA_MAP(...) aksara_map_of({__VA_ARGS__})
#define AKSARA_AND(...) aksara_all_of({__VA_ARGS__})
#define AKSARA_OR(...) aksara_any_of({__VA_ARGS__})
#else
#define AKSARA_COUNTED(type, ...)                                                                            \
    (const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}) / sizeof(type)
#define AKSARA_LIST(...) aksara_list(AKSARA_COUNTED(aksara_value, __VA_ARGS__))
#define AKSARA_MAP(...) aksara_map(AKSARA_COUNTED(aksara_pair, __VA_ARGS__))
#define AKSARA_AND(...) aksara_all(AKSARA_COUNTED(aksara_value, __VA_ARGS__))
#define AKSARA_OR(...) aksara_any(AKSARA_COUNTED(aksara_value, __VA_ARGS__))
#endif

#endif
