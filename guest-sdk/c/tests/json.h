/* The little JSON that `wit/golden/index.json` needs, read into values of the SDK. Bytes, times, and the
 * integers and floats that JSON cannot hold are maps with one key: `$bytes`, `$timestamp`, `$int`, `$float`. */

#ifndef JSON_H
#define JSON_H

#include "../aksara.h"

#include <stdio.h>
#include <stdlib.h>

static void give_up(const char *why, const char *at) {
    fprintf(stderr, "index.json: %s at `%.40s`\n", why, at);
    exit(1);
}

static void skip_space(const char **at) { *at += strspn(*at, " \n\t\r,:"); }

static char *put_character(char *to, unsigned long code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static aksara_str json_text(const char **at) {
    const char *end = ++*at;
    while (*end != '"')
        end += *end == '\\' ? 2 : 1;
    char *begin = (char *)aksara_alloc((size_t)(end - *at) + 1), *to = begin;
    while (*at < end) {
        if (**at != '\\') {
            *to++ = *(*at)++;
            continue;
        }
        char escape = (*at)[1];
        *at += 2;
        if (escape == 'u') {
            char digits[5] = {(*at)[0], (*at)[1], (*at)[2], (*at)[3], 0};
            to = put_character(to, strtoul(digits, NULL, 16));
            *at += 4;
        } else {
            *to++ = escape == 'n' ? '\n' : escape == 't' ? '\t' : escape;
        }
    }
    *to = 0;
    *at = end + 1;
    aksara_str text = {begin, (size_t)(to - begin)};
    return text;
}

static aksara_bytes json_bytes(aksara_str hex) {
    uint8_t *bytes = (uint8_t *)aksara_alloc(hex.len / 2 + 1);
    for (size_t i = 0; i < hex.len / 2; i++) {
        char digits[3] = {hex.data[2 * i], hex.data[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    aksara_bytes made = {bytes, hex.len / 2};
    return made;
}

/* RFC 3339, in UTC. */
static aksara_value json_time(const char *text) {
    long long year, month, day, hour, minute, second;
    char fraction[10] = "000000000", point = 0;
    if (sscanf(text, "%lld-%lld-%lldT%lld:%lld:%lld%c", &year, &month, &day, &hour, &minute, &second,
               &point) < 6)
        give_up("no time", text);
    if (point == '.') {
        const char *digits = strchr(text, '.') + 1;
        memcpy(fraction, digits, strspn(digits, "0123456789"));
    }
    long long shifted = year - (month <= 2), era = (shifted >= 0 ? shifted : shifted - 399) / 400,
              of_era = shifted - era * 400;
    long long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    long long days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    aksara_time time = {days * 86400 + hour * 3600 + minute * 60 + second,
                        (uint32_t)strtoul(fraction, NULL, 10)};
    return aksara_timestamp(time);
}

static aksara_value json_value(const char **at);

static aksara_value json_map(const char **at) {
    static size_t depth;
    static aksara_pair stack[64][512];
    aksara_pair *pairs = stack[depth++];
    size_t count = 0;
    for (++*at, skip_space(at); **at != '}'; skip_space(at)) {
        pairs[count].key = json_text(at).data;
        skip_space(at);
        pairs[count++].value = json_value(at);
    }
    ++*at;
    depth--;
    if (count != 1 || pairs[0].key[0] != '$')
        return aksara_map(pairs, count);
    aksara_str text = aksara_as_str(pairs[0].value);
    if (strcmp(pairs[0].key, "$bytes") == 0)
        return aksara_blob(json_bytes(text));
    if (strcmp(pairs[0].key, "$timestamp") == 0)
        return json_time(aksara_format("%.*s", AKSARA_ARG(text)).data);
    const char *number = aksara_format("%.*s", AKSARA_ARG(text)).data;
    if (strcmp(pairs[0].key, "$float") == 0)
        return aksara_f64(strtod(number, NULL));
    return *number == '-' ? aksara_i64(strtoll(number, NULL, 10)) : aksara_u64(strtoull(number, NULL, 10));
}

static aksara_value json_list(const char **at) {
    static size_t depth;
    static aksara_value stack[64][512];
    aksara_value *items = stack[depth++];
    size_t count = 0;
    for (++*at, skip_space(at); **at != ']'; skip_space(at))
        items[count++] = json_value(at);
    ++*at;
    depth--;
    return aksara_list(items, count);
}

static aksara_value json_value(const char **at) {
    skip_space(at);
    if (**at == '{')
        return json_map(at);
    if (**at == '[')
        return json_list(at);
    if (**at == '"')
        return aksara_string(json_text(at));
    size_t len = strcspn(*at, " \n,]}");
    const char *word = aksara_format("%.*s", (int)len, *at).data;
    *at += len;
    if (strcmp(word, "null") == 0)
        return aksara_nil();
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return aksara_bool(*word == 't');
    return strpbrk(word, ".e") != NULL ? aksara_f64(strtod(word, NULL)) : aksara_i64(strtoll(word, NULL, 10));
}

/* A whole file, with a NUL behind it. */
static aksara_bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        give_up("cannot be read", path);
    uint8_t *data = (uint8_t *)malloc(1 << 20);
    aksara_bytes bytes = {data, fread(data, 1, (1 << 20) - 1, file)};
    data[bytes.len] = 0;
    fclose(file);
    return bytes;
}

/* Whether two values are the same, entries of maps in any order. Nil is as good as a missing key, where
 * `loosely`. */
static inline bool alike(aksara_value a, aksara_value b, bool loosely) {
    if (aksara_kind_of(a) != AKSARA_KIND_MAP || aksara_kind_of(b) != AKSARA_KIND_MAP) {
        if (aksara_kind_of(a) != AKSARA_KIND_LIST || aksara_kind_of(b) != AKSARA_KIND_LIST)
            return aksara_same(a, b);
        aksara_iter left = aksara_each(a), right = aksara_each(b);
        while (aksara_next(&left))
            if (!aksara_next(&right) || !alike(left.value, right.value, loosely))
                return false;
        return !aksara_next(&right);
    }
    size_t found = 0, nils = 0;
    for (aksara_iter it = aksara_each(a); aksara_next(&it);) {
        const char *key = aksara_format("%.*s", AKSARA_ARG(it.key)).data;
        if (aksara_has(b, key) && alike(it.value, aksara_member(b, key), loosely))
            found++;
        else if (loosely && aksara_kind_of(it.value) == AKSARA_KIND_NIL)
            nils++;
        else
            return false;
    }
    return found == aksara_count(b) && found + nils == aksara_count(a);
}

#endif
