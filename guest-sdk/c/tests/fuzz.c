/* Mutates the golden payloads and gives them to the reader, and to a handler as its event: nothing may
 * crash, and what is accepted must come back from the writer. The arguments are how many times, and the path
 * of `wit/golden`. */

#include "../aksara_mock.h"
#include "json.h"

#define SEEDS_MAX 256
#define BYTES_MAX 2048

static uint64_t state = 88172645463325252u;

static size_t random_below(size_t end) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % end);
}

/* Reads a value in every way that fits it, and writes it anew. */
static aksara_value again(aksara_value value) {
    size_t count = aksara_kind_of(value) >= AKSARA_KIND_LIST ? aksara_count(value) : 0;
    aksara_value *items = (aksara_value *)aksara_alloc((count + 1) * sizeof(aksara_value));
    aksara_pair *pairs = (aksara_pair *)aksara_alloc((count + 1) * sizeof(aksara_pair));
    switch (aksara_kind_of(value)) {
    case AKSARA_KIND_BOOL:
        return aksara_bool(aksara_as_bool(value));
    case AKSARA_KIND_INT:
        return aksara_i64(aksara_as_i64(value));
    case AKSARA_KIND_UINT:
        return aksara_u64(aksara_as_u64(value));
    case AKSARA_KIND_FLOAT:
        aksara_format("%f %g %.9f", aksara_as_f64(value), aksara_as_f64(value), aksara_as_f64(value));
        return aksara_f64(aksara_as_f64(value));
    case AKSARA_KIND_TIME:
        return aksara_timestamp(aksara_as_time(value));
    case AKSARA_KIND_BYTES:
        return aksara_blob(aksara_as_bytes(value));
    case AKSARA_KIND_LIST:
        for (aksara_iter it = aksara_each(value); aksara_next(&it);)
            items[it.index] = again(it.value);
        return aksara_list(items, count);
    case AKSARA_KIND_MAP:
        for (aksara_iter it = aksara_each(value); aksara_next(&it);) {
            pairs[it.index].key = aksara_format("%.*s", AKSARA_ARG(it.key)).data;
            pairs[it.index].value = again(it.value);
        }
        return aksara_map(pairs, count);
    default:
        return value;
    }
}

static aksara_result handle(aksara_event *event) {
    aksara_log_with(AKSARA_LOG_INFO, aksara_about(event, "args"), "%.*s", AKSARA_ARG(aksara_signal(event)));
    aksara_change(event, "title");
    aksara_event_time(event);
    if (aksara_created(event) && !aksara_is_null(event, "title"))
        aksara_set_str(event, "slug", aksara_get_str(event, "title"));
    for (size_t i = 0, count = aksara_instances(event); i < count; i++)
        aksara_set(aksara_instance(event, i), "title", aksara_argument(event, "at"));
    aksara_set(event, "title", aksara_get(event, "slug"));
    return aksara_depth(event) == 0 ? AKSARA_OK
                                    : aksara_invalid("title", "%lld", (long long)aksara_depth(event));
}

static const aksara_subscription subscriptions[] = {
    {.handler = "fuzzed", .signal = "pre_save", .handle = handle}};
AKSARA_PLUGIN("fuzz", "1.0.0", subscriptions, NULL)

static size_t mutate(uint8_t *data, size_t len, const aksara_bytes *other) {
    for (size_t times = 1 + random_below(4); times > 0; times--) {
        size_t at = len == 0 ? 0 : random_below(len);
        switch (random_below(5)) {
        case 0:
            if (len > 0)
                data[at] = (uint8_t)random_below(256);
            break;
        case 1:
            if (len > 0)
                data[at] ^= (uint8_t)(1u << random_below(8));
            break;
        case 2:
            len = at;
            break;
        case 3: /* one byte more, often a head */
            if (len < BYTES_MAX) {
                memmove(data + at + 1, data + at, len++ - at);
                data[at] = (uint8_t)(0x80 + random_below(0x80));
            }
            break;
        default: /* the end of another one */
            if (other->len > 0) {
                size_t from = random_below(other->len), size = other->len - from;
                size = size > BYTES_MAX - at ? BYTES_MAX - at : size;
                memcpy(data + at, other->data + from, size);
                len = at + size;
            }
        }
    }
    return len;
}

static void feed(aksara_bytes bytes, size_t *accepted) {
    aksara_value value = aksara_read(bytes), written;
    if (!aksara_is_error(value)) {
        ++*accepted;
        written = again(value);
        /* Text that is no UTF-8 is read, as the host reads it, but cannot be written; C cuts a key with a NUL. */
        if (!aksara_is_error(written)) {
            aksara_bytes rewritten = {written.data, written.len};
            written = aksara_read(rewritten);
            if (memchr(bytes.data, 0, bytes.len) == NULL && !aksara_same(value, written))
                abort();
        }
    }
    aksara_bytes answer;
    bool succeeded = aksara_handle(0, bytes, &answer);
    if (answer.len > 0 ? aksara_is_error(aksara_read(answer)) : !succeeded)
        abort();
}

int main(int count, char **arguments) {
    static aksara_bytes seeds[SEEDS_MAX];
    const char *folder = count > 2 ? arguments[2] : "../../wit/golden";
    char path[512];
    snprintf(path, sizeof path, "%s/index.json", folder);
    aksara_bytes json = read_file(path);
    const char *at = (const char *)json.data;
    size_t used = 0, accepted = 0, times = count > 1 ? strtoul(arguments[1], NULL, 10) : 100000;
    for (aksara_iter it = aksara_each(json_value(&at)); aksara_next(&it);) {
        snprintf(path, sizeof path, "%s/%.*s.msgpack", folder,
                 AKSARA_ARG(aksara_as_str(aksara_member(it.value, "name"))));
        aksara_bytes seed = read_file(path);
        if (seed.len <= BYTES_MAX && used < SEEDS_MAX)
            seeds[used++] = seed;
        else
            free((void *)seed.data);
    }
    free((void *)json.data);
    aksara_host = aksara_mock_host;
    for (size_t i = 0; i < times; i++) {
        aksara_mock_reset();
        uint8_t data[BYTES_MAX];
        const aksara_bytes *seed = &seeds[random_below(used)];
        memcpy(data, seed->data, seed->len);
        size_t len = mutate(data, seed->len, &seeds[random_below(used)]);
        /* Memory of just this size, so that a read beyond it is found. */
        uint8_t *exact = (uint8_t *)malloc(len == 0 ? 1 : len);
        memcpy(exact, data, len);
        aksara_bytes bytes = {exact, len};
        feed(bytes, &accepted);
        free(exact);
    }
    printf("%zu payloads mutated %zu times, %zu accepted\n", used, times, accepted);
    return 0;
}
