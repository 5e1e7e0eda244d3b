/* Tests of handlers, natively: the host's part is played here. Include it in the one file of the test, and
 * compile that with the plugin's sources and `aksara.c` for the machine that you work on.
 *
 *     aksara_value post = AKSARA_MAP({"title", aksara_text("Hello")}, {"slug", aksara_text("")});
 *     aksara_mocked called = aksara_mock_call("generate_slug", post, aksara_nil());
 *     assert(aksara_equals(aksara_as_str(aksara_mock_field(called, "slug")), "hello"));
 *
 * A handler is sent the fields that it reads and no others, and may set what it writes and nothing else, as
 * with the host. Grants and limits are not checked; `aksara call` runs the component. Values live until
 * `aksara_mock_reset`. */

#ifndef AKSARA_MOCK_H
#define AKSARA_MOCK_H

#include "aksara.h"

#include <stdlib.h>

#define AKSARA_MOCK_MAX 256

/* A request of the handler. Lines of the log are requests too, of `log.write`. */
typedef struct {
    const char *import;
    aksara_value request;
} aksara_mock_entry;

/* What came of a call. */
typedef struct {
    bool succeeded;
    aksara_value reply;   /* the patch; nil when nothing is to change */
    aksara_value failure; /* a map with `reject`, `invalid` or `error`; nil when it succeeded */
} aksara_mocked;

static struct {
    aksara_mock_entry requests[AKSARA_MOCK_MAX];
    aksara_mock_entry answers[AKSARA_MOCK_MAX];
    aksara_mock_entry cache[AKSARA_MOCK_MAX];
    size_t requests_count, answers_count, cache_count;
} aksara_mock;

/* Forgets everything, and with it all values. */
static inline void aksara_mock_reset(void) {
    memset(&aksara_mock, 0, sizeof aksara_mock);
    aksara_reset();
}

static inline void aksara_mock_add(aksara_mock_entry *entries, size_t *count, const char *import,
                                   aksara_value request) {
    if (*count == AKSARA_MOCK_MAX)
        abort();
    entries[*count].import = import;
    entries[(*count)++].request = request;
}

/* The answer to the next request of this import (`models.get`, `services.call`, ..) that has none yet. */
static inline void aksara_mock_answer(const char *import, aksara_value answer) {
    aksara_mock_add(aksara_mock.answers, &aksara_mock.answers_count, import, answer);
}

/* The request with this index among those of the import; an error when there is none. */
static inline aksara_value aksara_mock_request(const char *import, size_t index) {
    for (size_t i = 0; i < aksara_mock.requests_count; i++)
        if (strcmp(aksara_mock.requests[i].import, import) == 0 && index-- == 0)
            return aksara_mock.requests[i].request;
    return aksara_error_of(aksara_format("there was no such request of `%s`", import));
}

/* The cache: the last entry with the bucket and key counts. */
static inline aksara_value aksara_mock_cache(const char *import, aksara_value request) {
    aksara_value found = aksara_nil();
    for (size_t i = 0; i < aksara_mock.cache_count; i++) {
        aksara_value entry = aksara_mock.cache[i].request;
        if (aksara_same(aksara_member(entry, "bucket"), aksara_member(request, "bucket")) &&
            aksara_same(aksara_member(entry, "key"), aksara_member(request, "key")))
            found = aksara_member(entry, "value");
    }
    if (strcmp(import, "cache.get") == 0)
        return found;
    if (strcmp(import, "cache.exists") == 0)
        return aksara_bool(!aksara_is_nil(found));
    aksara_mock_add(aksara_mock.cache, &aksara_mock.cache_count, import, request);
    return aksara_nil();
}

static inline aksara_value aksara_mock_host(const char *import, aksara_value request) {
    aksara_mock_add(aksara_mock.requests, &aksara_mock.requests_count, import, request);
    for (size_t i = 0; i < aksara_mock.answers_count; i++)
        if (aksara_mock.answers[i].import != NULL && strcmp(aksara_mock.answers[i].import, import) == 0) {
            aksara_mock.answers[i].import = NULL;
            return aksara_mock.answers[i].request;
        }
    if (strncmp(import, "cache.", 6) == 0)
        return aksara_mock_cache(import, request);
    if (strcmp(import, "log.write") == 0 || strcmp(import, "bus.send") == 0)
        return aksara_nil();
    return aksara_error_of(
        aksara_format("the mock has no answer of `%s`; give it one with `aksara_mock_answer`", import));
}

/* Whether names with spaces between them have this one; NULL has all. */
static inline bool aksara_mock_names(const char *names, aksara_str name) {
    while (names != NULL && *names != 0) {
        aksara_str word = {names, strcspn(names, " ")};
        if (aksara_compare(word, name) == 0)
            return true;
        names += word.len + strspn(names + word.len, " ");
    }
    return names == NULL;
}

/* What a map has of the names, with further entries. */
static inline aksara_value aksara_mock_chosen(aksara_value map, const char *names, aksara_pair *pairs,
                                              size_t count) {
    for (aksara_iter it = aksara_each(map); aksara_next(&it);) {
        if (!aksara_mock_names(names, it.key))
            continue;
        if (count == AKSARA_MOCK_MAX)
            abort();
        pairs[count].key = aksara_format("%.*s", AKSARA_ARG(it.key)).data;
        pairs[count++].value = it.value;
    }
    return aksara_map(pairs, count);
}

static inline aksara_value aksara_mock_event(const aksara_subscription *to, aksara_value instance,
                                             aksara_value more) {
    static const uint8_t id[16] = {0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, 0x70, 0, 0x80};
    aksara_bytes id_bytes = {id, sizeof id};
    aksara_pair pairs[AKSARA_MOCK_MAX],
        entries[AKSARA_MOCK_MAX] = {
            {"v", aksara_i64(0)},
            {"id", aksara_blob(id_bytes)},
            {"operation", aksara_blob(id_bytes)},
            {"signal", aksara_text(to->signal)},
            {"sender", aksara_text(to->sender == NULL ? "Model" : to->sender)},
            {"db", aksara_text("default")},
            {"depth", aksara_i64(0)},
            {"instance", aksara_mock_chosen(instance, to->reads, pairs, 0)},
            {"created", aksara_bool(true)},
        };
    bool is_save = strstr(to->signal, "_save") != NULL && !aksara_has(more, "created");
    return aksara_mock_chosen(more, NULL, entries, is_save ? 9 : 8);
}

/* Calls the handler with this name for an instance. `more` are further keys of the event (`created`, true
 * for saves unless given, `update_fields`, `changes`, `args`, ..), or nil. */
static inline aksara_mocked aksara_mock_call(const char *handler, aksara_value instance, aksara_value more) {
    aksara_mocked called = {false, aksara_nil(), aksara_nil()};
    aksara_host = aksara_mock_host;
    uint32_t index = 0;
    const aksara_plugin *plugin = &aksara_this_plugin;
    while (index < plugin->subscriptions_count && strcmp(plugin->subscriptions[index].handler, handler) != 0)
        index++;
    if (index == plugin->subscriptions_count)
        abort();
    const aksara_subscription *to = &plugin->subscriptions[index];
    aksara_value event = aksara_mock_event(to, instance, more);
    aksara_bytes bytes = {event.data, event.len}, answer;
    called.succeeded = aksara_handle(index, bytes, &answer);
    if (!called.succeeded)
        called.failure = aksara_read(answer);
    else if (answer.len > 0)
        called.reply = aksara_read(answer);
    if (!aksara_has(called.reply, "instance"))
        return called;
    for (aksara_iter it = aksara_each(aksara_member(called.reply, "instance")); aksara_next(&it);)
        if (!aksara_mock_names(to->writes, it.key) && called.succeeded) {
            aksara_str text = aksara_format("`%.*s` is not in `writes` of the handler", AKSARA_ARG(it.key));
            called.succeeded = false;
            called.failure = AKSARA_MAP({"error", aksara_string(text)});
        }
    return called;
}

/* What a field was set to; an error when it was not. */
static inline aksara_value aksara_mock_field(aksara_mocked called, const char *field) {
    return aksara_is_nil(called.reply) || !aksara_has(called.reply, "instance")
               ? aksara_error_of(aksara_format("the handler set nothing, and not `%s`", field))
               : aksara_member(aksara_member(called.reply, "instance"), field);
}

#endif
