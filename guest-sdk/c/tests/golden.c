/* Every golden payload is read as `index.json` says, written anew to the same bytes, and read again; those
 * that no SDK may accept are refused. The path of `wit/golden` is the argument. */

#include "json.h"

#include <stdlib.h>

static const aksara_subscription subscriptions[1];
AKSARA_PLUGIN("golden", "1.0.0", subscriptions, NULL)

/* The same value, made with what the SDK writes values with. */
static aksara_value written(aksara_value value) {
    size_t count = 0;
    switch (aksara_kind_of(value)) {
    case AKSARA_KIND_NIL:
        return aksara_nil();
    case AKSARA_KIND_BOOL:
        return aksara_bool(aksara_as_bool(value));
    case AKSARA_KIND_INT:
        return aksara_i64(aksara_as_i64(value));
    case AKSARA_KIND_UINT:
        return aksara_u64(aksara_as_u64(value));
    case AKSARA_KIND_FLOAT:
        return aksara_f64(aksara_as_f64(value));
    case AKSARA_KIND_TEXT:
        return aksara_string(aksara_as_str(value));
    case AKSARA_KIND_BYTES:
        return aksara_blob(aksara_as_bytes(value));
    case AKSARA_KIND_TIME:
        return aksara_timestamp(aksara_as_time(value));
    case AKSARA_KIND_LIST: {
        aksara_value *items = (aksara_value *)aksara_alloc(aksara_count(value) * sizeof(aksara_value));
        for (aksara_iter it = aksara_each(value); aksara_next(&it);)
            items[count++] = written(it.value);
        return aksara_list(items, count);
    }
    case AKSARA_KIND_MAP: {
        aksara_pair *pairs = (aksara_pair *)aksara_alloc(aksara_count(value) * sizeof(aksara_pair));
        for (aksara_iter it = aksara_each(value); aksara_next(&it);) {
            pairs[count].key = aksara_format("%.*s", AKSARA_ARG(it.key)).data;
            pairs[count++].value = written(it.value);
        }
        return aksara_map(pairs, count);
    }
    default:
        return value;
    }
}

static const char *wrong_with(aksara_value entry, aksara_bytes bytes) {
    aksara_value value = aksara_read(bytes);
    if (aksara_has(entry, "hex")) {
        aksara_bytes hex = json_bytes(aksara_as_str(aksara_member(entry, "hex")));
        if (hex.len != bytes.len || memcmp(hex.data, bytes.data, hex.len) != 0)
            return "the file is not what the index says";
    }
    if (aksara_has(entry, "refused"))
        return aksara_is_error(value) ? NULL : "it is accepted";
    if (aksara_is_error(value))
        return aksara_format("%.*s", AKSARA_ARG(aksara_error(value))).data;
    if (aksara_has(entry, "value") && !alike(value, aksara_member(entry, "value"), false))
        return "it is read as another value";
    aksara_value again = written(value);
    bool is_canonical = !aksara_equals(aksara_as_str(aksara_member(entry, "kind")), "accepted");
    if (is_canonical && (again.len != bytes.len || memcmp(again.data, bytes.data, again.len) != 0))
        return "it is written differently";
    aksara_bytes rewritten = {again.data, again.len};
    return aksara_same(value, aksara_read(rewritten)) ? NULL : "it does not come back";
}

int main(int count, char **arguments) {
    const char *folder = count > 1 ? arguments[1] : "../../wit/golden";
    char path[512];
    snprintf(path, sizeof path, "%s/index.json", folder);
    aksara_bytes json = read_file(path);
    const char *at = (const char *)json.data;
    aksara_value index = json_value(&at);
    size_t failed = 0;
    for (aksara_iter it = aksara_each(index); aksara_next(&it);) {
        aksara_str name = aksara_as_str(aksara_member(it.value, "name"));
        snprintf(path, sizeof path, "%s/%.*s.msgpack", folder, AKSARA_ARG(name));
        aksara_bytes bytes = read_file(path);
        const char *wrong = wrong_with(it.value, bytes);
        if (wrong != NULL) {
            fprintf(stderr, "%.*s: %s\n", AKSARA_ARG(name), wrong);
            failed++;
        }
        free((void *)bytes.data);
    }
    if (aksara_count(index) < 100 || aksara_has_failed()) {
        fprintf(stderr, "the index was not read\n");
        failed++;
    }
    printf("%zu golden payloads, %zu wrong\n", aksara_count(index), failed);
    free((void *)json.data);
    return failed != 0;
}
