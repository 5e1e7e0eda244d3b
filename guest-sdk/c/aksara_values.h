/* The half of `aksara.c` that knows nothing of plugins: memory, failures, formats, reading MessagePack and
 * writing it. It is included there and nowhere else. */

#ifndef AKSARA_VALUES_H
#define AKSARA_VALUES_H

#include "aksara.h"

#include <stdarg.h>
#ifndef __wasm__
#include <stdlib.h>
#endif

/* ---- memory ---- */

/* The arena: chunks in a list, used from the first to the last, kept when it is reset. */
typedef struct chunk {
    struct chunk *next;
    size_t size;
} chunk;

/* A place in the arena, to return to. */
typedef struct {
    chunk *current;
    size_t used;
} place;

#define FIRST_BYTES (16 << 10)
#define PAGE_BYTES ((size_t)64 << 10)

static union {
    chunk head;
    uint64_t aligned[FIRST_BYTES / 8];
} first;
static chunk *beginning; /* the first chunk; none before the first event */
static place arena;

#ifdef __wasm__
/* One allocator owns the memory of a plugin: `malloc`, where it is linked. When it is first called it may take all that
 * lies between the data and the end of memory, as that of wasi-libc does, and with it pages of another owner. The symbol
 * is weak: a plugin that allocates nothing by itself is linked without `malloc`, and only then the arena grows memory. */
#ifdef __cplusplus
extern "C" void *malloc(size_t size) __attribute__((weak));
#else
extern void *malloc(size_t size) __attribute__((weak));
#endif

static void *obtain(size_t *size) {
    if (malloc != NULL)
        return malloc(*size);
    size_t pages = (*size + PAGE_BYTES - 1) / PAGE_BYTES;
    size_t before = __builtin_wasm_memory_grow(0, pages);
    *size = pages * PAGE_BYTES;
    return before == SIZE_MAX ? NULL : (void *)(before * PAGE_BYTES);
}

static chunk *begin(void) { return malloc != NULL ? (chunk *)malloc(FIRST_BYTES) : NULL; }
#else
/* Natively there is a limit instead of the host's: enough for every event that there is. */
#ifndef AKSARA_ARENA_MAX
#define AKSARA_ARENA_MAX ((size_t)64 << 20)
#endif
static void *obtain(size_t *size) {
    static size_t total;
    if (*size > AKSARA_ARENA_MAX - total)
        return NULL;
    total += *size;
    return malloc(*size);
}

static chunk *begin(void) { return NULL; }
#endif

static chunk *grow(size_t size) {
    size_t bytes = size + sizeof(chunk);
    if (bytes < PAGE_BYTES)
        bytes = PAGE_BYTES;
    chunk *grown = (chunk *)obtain(&bytes);
    if (grown == NULL)
        return NULL;
    grown->next = NULL;
    grown->size = bytes - sizeof(chunk);
    return grown;
}

void aksara_reset(void) {
    if (beginning == NULL) {
        beginning = begin();
        if (beginning == NULL)
            beginning = &first.head;
        beginning->next = NULL;
        beginning->size = FIRST_BYTES - sizeof(chunk);
    }
    arena.current = beginning;
    arena.used = 0;
}

static void *allocate(size_t size) {
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (arena.current == NULL)
        aksara_reset();
    while (arena.current->size - arena.used < size) {
        if (arena.current->next == NULL && (arena.current->next = grow(size)) == NULL)
            return NULL;
        arena.current = arena.current->next;
        arena.used = 0;
    }
    void *allocated = (uint8_t *)(arena.current + 1) + arena.used;
    arena.used += size;
    return allocated;
}

/* ---- failures ---- */

/* What the event fails with, the worse the later. */
typedef enum { NONE, INVALID, REJECT, FAILURE } failure_kind;

typedef struct message {
    struct message *next;
    aksara_str field;
    aksara_str text;
} message;

static struct {
    failure_kind kind;
    aksara_str text;
    message *invalid;
} failure;

static const char OUT_OF_MEMORY[] =
    "out of memory: the event, and what the handler makes of it, need more than the host allows";

static void record(failure_kind kind, aksara_str text) {
    if (kind > failure.kind) {
        failure.kind = kind;
        failure.text = text;
    }
}

void *aksara_alloc(size_t size) {
    void *allocated = allocate(size);
    if (allocated == NULL)
        record(FAILURE, aksara_cstr(OUT_OF_MEMORY));
    return allocated;
}

bool aksara_has_failed(void) { return failure.kind != NONE; }

aksara_value aksara_error_of(aksara_str text) {
    aksara_value error = {NULL, 0, text};
    return error;
}

/* A mistake of the handler: it fails the event, and whatever is made of the value. */
static aksara_value mistake(aksara_str text) {
    record(FAILURE, text);
    return aksara_error_of(text);
}

static aksara_value out_of_memory(void) { return mistake(aksara_cstr(OUT_OF_MEMORY)); }

/* ---- formats ---- */

/* Where formatted text goes: nowhere in the first pass, which measures. */
typedef struct {
    char *data;
    size_t len;
} sink;

static void put(sink *out, const char *text, size_t len) {
    if (out->data != NULL && len != 0)
        memcpy(out->data + out->len, text, len);
    out->len += len;
}

static void put_number(sink *out, uint64_t number, unsigned base, bool negative, size_t width, char fill) {
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    if (negative && fill == ' ')
        digits[--at] = '-';
    else if (negative)
        put(out, "-", 1);
    for (size_t len = sizeof digits - at + (negative && fill != ' '); width > len; width--)
        put(out, &fill, 1);
    put(out, digits + at, sizeof digits - at);
}

/* A plain decimal; of numbers from 10^18 on the first digits and the exponent. */
static void put_float(sink *out, double number, size_t digits, bool trimmed) {
    if (number != number || number - number != 0) {
        put(out, number != number ? "nan" : number < 0 ? "-inf" : "inf", number < 0 ? 4 : 3);
        return;
    }
    double rest = number < 0 ? -number : number;
    unsigned exponent = 0;
    for (; exponent != 0 ? rest >= 10 : rest >= 1e18; exponent++)
        rest /= 10;
    uint64_t scale = 1, whole = (uint64_t)rest;
    for (size_t digit = 0; digit < digits; digit++)
        scale *= 10;
    uint64_t fraction = (uint64_t)((rest - (double)whole) * (double)scale + 0.5);
    whole += fraction / scale;
    fraction %= scale;
    for (; trimmed && digits > 0 && fraction % 10 == 0; digits--)
        fraction /= 10;
    put_number(out, whole, 10, number < 0, 0, ' ');
    if (digits > 0) {
        put(out, ".", 1);
        put_number(out, fraction, 10, false, digits, '0');
    }
    if (exponent > 0) {
        put(out, "e", 1);
        put_number(out, exponent, 10, false, 0, ' ');
    }
}

static size_t read_digits(const char **at) {
    size_t number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        number = number * 10 + (size_t)(**at - '0');
    return number;
}

/* An integer by the length that its conversion has. */
#define INTEGER(length, narrow, type, size)                                                                  \
    ((length) == 'l'                      ? va_arg(*arguments, type)                                         \
     : (length) == 'L' || (length) == 'j' ? va_arg(*arguments, type long)                                    \
     : (length) == 'z' || (length) == 't' ? va_arg(*arguments, size)                                         \
                                          : va_arg(*arguments, narrow))

/* Formats into the sink; false for a conversion that there is not. */
static bool print(sink *out, const char *at, va_list *arguments) {
    for (; *at != 0; at++) {
        if (*at != '%' || *++at == '%') {
            put(out, at, 1);
            continue;
        }
        char fill = *at == '0' ? '0' : ' ', length = 0;
        size_t width = read_digits(&at), precision = SIZE_MAX;
        if (*at == '.' && at[1] == '*') {
            precision = (size_t)va_arg(*arguments, int);
            at += 2;
        } else if (*at == '.') {
            at++;
            precision = read_digits(&at);
        }
        for (; *at == 'h' || *at == 'l' || *at == 'j' || *at == 'z' || *at == 't'; at++)
            length = length == 'l' ? 'L' : *at;
        if (*at == 'c') {
            char character = (char)va_arg(*arguments, int);
            put(out, &character, 1);
        } else if (*at == 's') {
            const char *text = va_arg(*arguments, const char *);
            size_t len = 0;
            while (text != NULL && len < precision && text[len] != 0)
                len++;
            for (; width > len; width--)
                put(out, " ", 1);
            put(out, text, len);
        } else if (*at == 'd' || *at == 'i') {
            int64_t number = INTEGER(length, int, long, ptrdiff_t);
            uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
            put_number(out, size, 10, number < 0, width, fill);
        } else if (*at == 'u' || *at == 'x') {
            uint64_t number = INTEGER(length, unsigned, unsigned long, size_t);
            put_number(out, number, *at == 'u' ? 10 : 16, false, width, fill);
        } else if (*at == 'f' || *at == 'g') {
            put_float(out, va_arg(*arguments, double), precision > 9 ? 6 : precision, *at == 'g');
        } else {
            return false;
        }
    }
    return true;
}

static aksara_str format(const char *text, va_list *arguments) {
    aksara_str formatted = {"", 0};
    va_list again;
    va_copy(again, *arguments);
    sink out = {NULL, 0};
    bool known = print(&out, text, &again);
    va_end(again);
    if (!known)
        record(FAILURE, aksara_cstr("a format has a conversion that `aksara_format` does not know"));
    out.data = known ? (char *)aksara_alloc(out.len + 1) : NULL;
    if (out.data != NULL) {
        out.len = 0;
        print(&out, text, arguments);
        out.data[out.len] = 0;
        formatted.data = out.data;
        formatted.len = out.len;
    }
    return formatted;
}

#define FORMAT(formatted, last)                                                                              \
    va_list arguments;                                                                                       \
    va_start(arguments, last);                                                                               \
    aksara_str formatted = format(last, &arguments);                                                         \
    va_end(arguments)

aksara_str aksara_format(const char *text, ...) {
    FORMAT(formatted, text);
    return formatted;
}

aksara_result aksara_reject(const char *text, ...) {
    FORMAT(formatted, text);
    record(REJECT, formatted);
    return AKSARA_FAILED;
}

aksara_result aksara_invalid(const char *field, const char *text, ...) {
    FORMAT(formatted, text);
    message *added = (message *)aksara_alloc(sizeof(message));
    if (added == NULL)
        return AKSARA_FAILED;
    added->next = NULL;
    added->field = aksara_format("%s", field);
    added->text = formatted;
    message **end = &failure.invalid;
    while (*end != NULL)
        end = &(*end)->next;
    *end = added;
    record(INVALID, formatted);
    return AKSARA_FAILED;
}

aksara_result aksara_fail_at(const char *file, int line, const char *function, const char *text, ...) {
    FORMAT(formatted, text);
    /* The folders on the author's machine are nobody's business. */
    for (const char *at = file; *at != 0; at++)
        if (*at == '/' || *at == '\\')
            file = at + 1;
    record(FAILURE, aksara_format("%.*s\n  at %s (%s:%d)", AKSARA_ARG(formatted), function, file, line));
    return AKSARA_FAILED;
}

/* ---- reading MessagePack ---- */

#define DEPTH_MAX 128 /* as the host has it */
#define CUT "it is cut short"
#define BAD_TIME "a malformed timestamp"

/* The beginning of one value: all of a scalar, the head of a list or map. */
typedef struct {
    aksara_kind kind;
    size_t size;         /* in bytes, without the items */
    const uint8_t *data; /* of text and bytes */
    size_t count;        /* length of text and bytes, number of items */
    int64_t integer;
    uint64_t natural; /* an integer that is no int64_t */
    double number;
    aksara_time time;
} token;

static uint64_t big_endian(const uint8_t *at, size_t bytes) {
    uint64_t number = 0;
    while (bytes-- > 0)
        number = number << 8 | *at++;
    return number;
}

static const char *scan_time(const uint8_t *at, size_t len, aksara_time *time) {
    if (len == 4) {
        time->seconds = (int64_t)big_endian(at, 4);
        time->nanoseconds = 0;
    } else if (len == 8) {
        time->seconds = (int64_t)(big_endian(at, 8) & 0x3ffffffff);
        time->nanoseconds = (uint32_t)(big_endian(at, 4) >> 2);
    } else if (len == 12) {
        time->seconds = (int64_t)big_endian(at + 4, 8);
        time->nanoseconds = (uint32_t)big_endian(at, 4);
    } else {
        return BAD_TIME;
    }
    return time->nanoseconds < 1000000000 ? NULL : BAD_TIME;
}

/* What the heads 0xc0 to 0xdf begin, and how many bytes of a number or length follow. */
static const uint8_t HEAD_KINDS[32] = {
    AKSARA_KIND_NIL,   AKSARA_KIND_ERROR, AKSARA_KIND_BOOL, AKSARA_KIND_BOOL, AKSARA_KIND_BYTES,
    AKSARA_KIND_BYTES, AKSARA_KIND_BYTES, AKSARA_KIND_TIME, AKSARA_KIND_TIME, AKSARA_KIND_TIME,
    AKSARA_KIND_FLOAT, AKSARA_KIND_FLOAT, AKSARA_KIND_UINT, AKSARA_KIND_UINT, AKSARA_KIND_UINT,
    AKSARA_KIND_UINT,  AKSARA_KIND_INT,   AKSARA_KIND_INT,  AKSARA_KIND_INT,  AKSARA_KIND_INT,
    AKSARA_KIND_TIME,  AKSARA_KIND_TIME,  AKSARA_KIND_TIME, AKSARA_KIND_TIME, AKSARA_KIND_TIME,
    AKSARA_KIND_TEXT,  AKSARA_KIND_TEXT,  AKSARA_KIND_TEXT, AKSARA_KIND_LIST, AKSARA_KIND_LIST,
    AKSARA_KIND_MAP,   AKSARA_KIND_MAP};
static const uint8_t HEAD_WIDTHS[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                        1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};

/* Reads one token; what is wrong with it, or NULL. No length is believed that the bytes do not bear out. */
static const char *scan(const uint8_t *at, size_t left, token *found) {
    memset(found, 0, sizeof *found);
    if (left == 0)
        return CUT;
    uint8_t head = at[0];
    uint64_t bits = head & 0x0f;
    size_t width = 0;
    if (head < 0x80 || head >= 0xe0) {
        found->kind = AKSARA_KIND_INT;
        bits = head < 0x80 ? head : ~(uint64_t)0xff | head;
    } else if (head < 0xc0) {
        found->kind = head < 0x90 ? AKSARA_KIND_MAP : head < 0xa0 ? AKSARA_KIND_LIST : AKSARA_KIND_TEXT;
        bits = head < 0xa0 ? bits : head & 0x1f;
    } else {
        found->kind = (aksara_kind)HEAD_KINDS[head - 0xc0];
        width = HEAD_WIDTHS[head - 0xc0];
        if (left - 1 < width)
            return CUT;
        if (width != 0)
            bits = big_endian(at + 1, width);
        else if (found->kind == AKSARA_KIND_TIME)
            bits = (uint64_t)1 << (head - 0xd4);
    }
    found->size = 1 + width;
    left -= found->size;
    switch (found->kind) {
    case AKSARA_KIND_NIL:
        return NULL;
    case AKSARA_KIND_BOOL:
        found->integer = head & 1;
        return NULL;
    case AKSARA_KIND_INT: {
        uint64_t sign = width == 0 ? 0 : (uint64_t)1 << (8 * width - 1);
        found->integer = (int64_t)((bits ^ sign) - sign);
        return NULL;
    }
    case AKSARA_KIND_UINT:
        if (bits > INT64_MAX) {
            found->natural = bits;
        } else {
            found->kind = AKSARA_KIND_INT;
            found->integer = (int64_t)bits;
        }
        return NULL;
    case AKSARA_KIND_FLOAT:
        if (width == 4) {
            uint32_t single = (uint32_t)bits;
            float narrow;
            memcpy(&narrow, &single, sizeof narrow);
            found->number = (double)narrow;
        } else {
            memcpy(&found->number, &bits, sizeof bits);
        }
        return NULL;
    case AKSARA_KIND_TIME:
        /* The type is one byte before the content. */
        if (left < 1 || left - 1 < bits)
            return CUT;
        if (at[found->size] != 0xff)
            return "it has an extension that is no timestamp";
        found->size += 1 + (size_t)bits;
        return scan_time(at + found->size - bits, (size_t)bits, &found->time);
    case AKSARA_KIND_TEXT:
    case AKSARA_KIND_BYTES:
        found->count = (size_t)bits;
        found->data = at + found->size;
        found->size += found->count;
        return left < bits ? CUT : NULL;
    case AKSARA_KIND_LIST:
    case AKSARA_KIND_MAP:
        found->count = (size_t)bits;
        return (found->kind == AKSARA_KIND_MAP ? left / 2 : left) < bits ? CUT : NULL;
    default:
        return "it has the reserved byte 0xc1";
    }
}

static bool is_utf8(const uint8_t *at, size_t left) {
    while (left > 0) {
        uint8_t head = at[0];
        size_t more = head < 0x80   ? 0
                      : head < 0xc2 ? 4
                      : head < 0xe0 ? 1
                      : head < 0xf0 ? 2
                      : head < 0xf5 ? 3
                                    : 4;
        if (more >= left || more == 4)
            return false;
        for (size_t i = 1; i <= more; i++)
            if ((at[i] & 0xc0) != 0x80)
                return false;
        /* Overlong forms, surrogates, and what is above the last character. */
        if ((head == 0xe0 && at[1] < 0xa0) || (head == 0xed && at[1] > 0x9f) ||
            (head == 0xf0 && at[1] < 0x90) || (head == 0xf4 && at[1] > 0x8f))
            return false;
        at += more + 1;
        left -= more + 1;
    }
    return true;
}

int aksara_compare(aksara_str a, aksara_str b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 || a.len == b.len ? order : a.len < b.len ? -1 : 1;
}

/* A text for people: what is not UTF-8 in it is shown as U+FFFD, so that no message is lost by its text. */
static aksara_str readable(aksara_str text) {
    if (is_utf8((const uint8_t *)text.data, text.len))
        return text;
    char *made = (char *)aksara_alloc(text.len * 3 + 1);
    if (made == NULL)
        return aksara_cstr(OUT_OF_MEMORY);
    aksara_str shown = {made, 0};
    for (size_t at = 0; at < text.len;) {
        size_t len = 1;
        while (len <= 4 && at + len <= text.len && !is_utf8((const uint8_t *)text.data + at, len))
            len++;
        bool bad = len > 4 || at + len > text.len;
        memcpy(made + shown.len, bad ? "\xef\xbf\xbd" : text.data + at, bad ? 3 : len);
        shown.len += bad ? 3 : len;
        at += bad ? 1 : len;
    }
    made[shown.len] = 0;
    return shown;
}

/* Shell's: no recursion, and nothing to link. */
static void sort(aksara_str *keys, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (size_t i = gap; i < count; i++) {
            aksara_str key = keys[i];
            size_t to = i;
            for (; to >= gap && aksara_compare(keys[to - gap], key) > 0; to -= gap)
                keys[to] = keys[to - gap];
            keys[to] = key;
        }
}

static const char *check(const uint8_t *at, size_t left, unsigned depth, size_t *size);

static const char *check_map(const uint8_t *at, size_t left, size_t count, unsigned depth, size_t *size) {
    aksara_str *keys = (aksara_str *)aksara_alloc(count * sizeof(aksara_str));
    if (keys == NULL)
        return OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        token key;
        const char *wrong = scan(at + *size, left - *size, &key);
        if (wrong != NULL)
            return wrong;
        if (key.kind != AKSARA_KIND_TEXT || !is_utf8(key.data, key.count))
            return "it has a map with a key that is no text";
        keys[i].data = (const char *)key.data;
        keys[i].len = key.count;
        *size += key.size;
        if ((wrong = check(at, left, depth, size)) != NULL)
            return wrong;
    }
    sort(keys, count);
    for (size_t i = 1; i < count; i++)
        if (aksara_compare(keys[i - 1], keys[i]) == 0)
            return "it has a map with one key twice";
    return NULL;
}

/* Goes through the value at `*size`, and adds its size. */
static const char *check(const uint8_t *at, size_t left, unsigned depth, size_t *size) {
    token found;
    const char *wrong = scan(at + *size, left - *size, &found);
    if (wrong != NULL)
        return wrong;
    *size += found.size;
    if (found.kind != AKSARA_KIND_LIST && found.kind != AKSARA_KIND_MAP)
        return NULL;
    if (depth == 0)
        return "it nests deeper than 128 levels";
    if (found.kind == AKSARA_KIND_MAP) {
        place before = arena;
        wrong = check_map(at, left, found.count, depth - 1, size);
        arena = before;
        return wrong;
    }
    while (found.count-- > 0)
        if ((wrong = check(at, left, depth - 1, size)) != NULL)
            return wrong;
    return NULL;
}

/* What is wrong with the bytes of a message, or NULL. */
static const char *check_message(const uint8_t *data, size_t len) {
    size_t size = 0;
    const char *wrong = check(data, len, DEPTH_MAX, &size);
    return wrong != NULL ? wrong : size < len ? "there is more after its end" : NULL;
}

/* The size of a value that is known to be well-formed; its nesting takes no stack. */
static size_t extent(const uint8_t *at, size_t left) {
    size_t size = 0;
    token found;
    for (uint64_t open = 1; open > 0 && scan(at + size, left - size, &found) == NULL; open--) {
        size += found.size;
        open += found.kind == AKSARA_KIND_LIST  ? found.count
                : found.kind == AKSARA_KIND_MAP ? 2 * (uint64_t)found.count
                                                : 0;
    }
    return size;
}

aksara_value aksara_read(aksara_bytes message) {
    const char *wrong = check_message(message.data, message.len);
    if (wrong != NULL)
        return aksara_error_of(aksara_format("malformed MessagePack: %s", wrong));
    aksara_value value = {message.data, message.len, {NULL, 0}};
    return value;
}

/* ---- values ---- */

static aksara_kind token_of(aksara_value value, token *found) {
    if (value.data == NULL || scan(value.data, value.len, found) != NULL) {
        memset(found, 0, sizeof *found);
        found->kind = AKSARA_KIND_ERROR;
    }
    return found->kind;
}

aksara_kind aksara_kind_of(aksara_value value) {
    token found;
    return token_of(value, &found);
}

static const char *const KINDS[] = {"null",    "a boolean", "an integer", "an integer above 2^63",
                                    "a float", "text",      "bytes",      "a timestamp",
                                    "a list",  "a map",     "an error"};
static const char *const GETTERS[] = {"is_nil",   "as_bool", "as_i64", "as_u64", "as_f64", "as_str",
                                      "as_bytes", "as_time", "each",   "each",   "error"};

/* Fails the event: a value is of another kind than the one that was asked for. */
static void mismatch(aksara_value value, const token *found, const char *wanted) {
    if (found->kind == AKSARA_KIND_ERROR) {
        record(FAILURE, value.name);
        return;
    }
    aksara_str name =
        value.name.len == 0 ? aksara_cstr("a value") : aksara_format("`%.*s`", AKSARA_ARG(value.name));
    record(FAILURE, found->kind == AKSARA_KIND_NIL
                        ? aksara_format("%.*s is null, not %s; ask `aksara_is_nil` or `aksara_is_null` first",
                                        AKSARA_ARG(name), wanted)
                        : aksara_format("%.*s is %s, not %s; read it with `aksara_%s`", AKSARA_ARG(name),
                                        KINDS[found->kind], wanted, GETTERS[found->kind]));
}

/* Reads a scalar of this kind, or fails the event and leaves zeros. */
static token expect(aksara_value value, aksara_kind kind) {
    token found;
    if (token_of(value, &found) != kind) {
        mismatch(value, &found, KINDS[kind]);
        memset(&found, 0, sizeof found);
    }
    return found;
}

bool aksara_is_nil(aksara_value value) {
    token found;
    if (token_of(value, &found) == AKSARA_KIND_ERROR)
        mismatch(value, &found, "");
    return found.kind == AKSARA_KIND_NIL || found.kind == AKSARA_KIND_ERROR;
}

bool aksara_as_bool(aksara_value value) { return expect(value, AKSARA_KIND_BOOL).integer != 0; }

int64_t aksara_as_i64(aksara_value value) { return expect(value, AKSARA_KIND_INT).integer; }

uint64_t aksara_as_u64(aksara_value value) {
    token found;
    if (token_of(value, &found) == AKSARA_KIND_INT && found.integer >= 0)
        return (uint64_t)found.integer;
    return expect(value, AKSARA_KIND_UINT).natural;
}

double aksara_as_f64(aksara_value value) {
    token found;
    if (token_of(value, &found) == AKSARA_KIND_INT)
        return (double)found.integer;
    return expect(value, AKSARA_KIND_FLOAT).number;
}

aksara_str aksara_as_str(aksara_value value) {
    token found = expect(value, AKSARA_KIND_TEXT);
    aksara_str text = {found.data == NULL ? "" : (const char *)found.data, found.count};
    return text;
}

aksara_bytes aksara_as_bytes(aksara_value value) {
    token found = expect(value, AKSARA_KIND_BYTES);
    aksara_bytes bytes = {found.data == NULL ? (const uint8_t *)"" : found.data, found.count};
    return bytes;
}

aksara_time aksara_as_time(aksara_value value) { return expect(value, AKSARA_KIND_TIME).time; }

aksara_iter aksara_each(aksara_value value) {
    aksara_iter it;
    memset(&it, 0, sizeof it);
    token found;
    switch (token_of(value, &found)) {
    case AKSARA_KIND_LIST:
    case AKSARA_KIND_MAP:
        it.rest = value;
        it.rest.data += found.size;
        it.rest.len -= found.size;
        it.left = found.count;
        it.of_map = found.kind == AKSARA_KIND_MAP;
        break;
    case AKSARA_KIND_NIL:
        break;
    default:
        mismatch(value, &found, "a list or map");
    }
    return it;
}

bool aksara_next(aksara_iter *it) {
    if (it->left == 0)
        return false;
    it->index = it->started ? it->index + 1 : 0;
    it->started = true;
    it->left--;
    it->value.name = it->rest.name;
    if (it->of_map) {
        token key;
        scan(it->rest.data, it->rest.len, &key);
        it->key.data = (const char *)key.data;
        it->key.len = key.count;
        it->value.name = it->key;
        it->rest.data += key.size;
        it->rest.len -= key.size;
    }
    it->value.data = it->rest.data;
    it->value.len = extent(it->rest.data, it->rest.len);
    it->rest.data += it->value.len;
    it->rest.len -= it->value.len;
    return true;
}

size_t aksara_count(aksara_value value) { return aksara_each(value).left; }

static bool lookup(aksara_value map, aksara_str key, aksara_value *member) {
    aksara_iter it = aksara_each(map);
    while (it.of_map && aksara_next(&it))
        if (aksara_compare(it.key, key) == 0) {
            *member = it.value;
            return true;
        }
    return false;
}

bool aksara_has(aksara_value map, const char *key) {
    aksara_value member;
    return lookup(map, aksara_cstr(key), &member);
}

aksara_value aksara_member(aksara_value map, const char *key) {
    aksara_value member;
    if (map.data == NULL || lookup(map, aksara_cstr(key), &member))
        return map.data == NULL ? map : member;
    return aksara_error_of(aksara_format("there is no key `%s`; ask `aksara_has` first", key));
}

aksara_value aksara_item(aksara_value list, size_t index) {
    for (aksara_iter it = aksara_each(list); aksara_next(&it);)
        if (it.index == index)
            return it.value;
    return aksara_error_of(
        aksara_format("there is no item %zu of %zu; ask `aksara_count` first", index, aksara_count(list)));
}

bool aksara_same(aksara_value a, aksara_value b) {
    token one, other;
    if (token_of(a, &one) != token_of(b, &other) || one.count != other.count)
        return false;
    if (one.kind == AKSARA_KIND_LIST || one.kind == AKSARA_KIND_MAP) {
        aksara_iter left = aksara_each(a), right = aksara_each(b);
        while (aksara_next(&left) && aksara_next(&right))
            if (aksara_compare(left.key, right.key) != 0 || !aksara_same(left.value, right.value))
                return false;
        return true;
    }
    return one.integer == other.integer && one.natural == other.natural &&
           memcmp(&one.number, &other.number, sizeof one.number) == 0 &&
           one.time.seconds == other.time.seconds && one.time.nanoseconds == other.time.nanoseconds &&
           (one.count == 0 || memcmp(one.data, other.data, one.count) == 0);
}

/* ---- writing MessagePack ---- */

static uint8_t *put_big_endian(uint8_t *at, uint64_t number, size_t bytes) {
    for (size_t i = bytes; i-- > 0; number >>= 8)
        at[i] = (uint8_t)number;
    return at + bytes;
}

/* The shortest head for a length: in the head itself up to `small`, else in 1 (if `one` is a head), 2 or 4
 * bytes. */
static uint8_t *put_length(uint8_t *at, size_t length, size_t small, uint8_t zero, uint8_t one, uint8_t two) {
    if (small != 0 && length <= small) {
        *at = (uint8_t)(zero | length);
        return at + 1;
    }
    size_t width = one != 0 && length <= 0xff ? 1 : length <= 0xffff ? 2 : 4;
    *at = width == 1 ? one : width == 2 ? two : (uint8_t)(two + 1);
    return put_big_endian(at + 1, length, width);
}

static aksara_value value_of(const uint8_t *begin, const uint8_t *end) {
    aksara_value value = {begin, (size_t)(end - begin), {NULL, 0}};
    return value;
}

/* A head byte and a number behind it. */
static aksara_value scalar(uint8_t head, uint64_t bits, size_t width) {
    uint8_t *at = (uint8_t *)aksara_alloc(1 + width);
    if (at == NULL)
        return out_of_memory();
    *at = head;
    return value_of(at, put_big_endian(at + 1, bits, width));
}

aksara_value aksara_nil(void) {
    static const uint8_t nil = 0xc0;
    return value_of(&nil, &nil + 1);
}

aksara_value aksara_bool(bool value) {
    static const uint8_t bools[] = {0xc2, 0xc3};
    return value_of(&bools[value], &bools[value] + 1);
}

aksara_value aksara_u64(uint64_t value) {
    return value < 0x80          ? scalar((uint8_t)value, 0, 0)
           : value <= UINT8_MAX  ? scalar(0xcc, value, 1)
           : value <= UINT16_MAX ? scalar(0xcd, value, 2)
           : value <= UINT32_MAX ? scalar(0xce, value, 4)
                                 : scalar(0xcf, value, 8);
}

aksara_value aksara_i64(int64_t value) {
    uint64_t bits = (uint64_t)value;
    return value >= 0           ? aksara_u64(bits)
           : value >= -32       ? scalar((uint8_t)bits, 0, 0)
           : value >= INT8_MIN  ? scalar(0xd0, bits, 1)
           : value >= INT16_MIN ? scalar(0xd1, bits, 2)
           : value >= INT32_MIN ? scalar(0xd2, bits, 4)
                                : scalar(0xd3, bits, 8);
}

aksara_value aksara_f64(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return scalar(0xcb, bits, 8);
}

/* A length-prefixed run of bytes. */
static aksara_value run(const void *data, size_t len, size_t small, uint8_t zero, uint8_t one, uint8_t two) {
    uint8_t *begin = len > UINT32_MAX ? NULL : (uint8_t *)aksara_alloc(5 + len);
    if (begin == NULL)
        return out_of_memory();
    uint8_t *at = put_length(begin, len, small, zero, one, two);
    if (len != 0)
        memcpy(at, data, len);
    return value_of(begin, at + len);
}

aksara_value aksara_string(aksara_str value) {
    if (value.data == NULL)
        return aksara_nil();
    if (!is_utf8((const uint8_t *)value.data, value.len))
        return mistake(aksara_cstr(
            "a text is no UTF-8; cut texts between characters, and send bytes with `aksara_blob`"));
    return run(value.data, value.len, 31, 0xa0, 0xd9, 0xda);
}

aksara_value aksara_text(const char *value) {
    aksara_str text = {value, value == NULL ? 0 : strlen(value)};
    return aksara_string(text);
}

aksara_value aksara_blob(aksara_bytes value) {
    return value.data == NULL ? aksara_nil() : run(value.data, value.len, 0, 0, 0xc4, 0xc5);
}

aksara_value aksara_timestamp(aksara_time value) {
    uint64_t seconds = (uint64_t)value.seconds;
    if (value.nanoseconds >= 1000000000)
        return mistake(aksara_cstr("a time has a second's worth of nanoseconds or more; carry them over"));
    uint8_t *begin = (uint8_t *)aksara_alloc(15), *at = begin;
    if (begin == NULL)
        return out_of_memory();
    *at++ = seconds >> 34 != 0 ? 0xc7 : seconds >> 32 != 0 || value.nanoseconds != 0 ? 0xd7 : 0xd6;
    if (*begin == 0xc7)
        *at++ = 12;
    *at++ = 0xff;
    if (*begin == 0xc7)
        at = put_big_endian(put_big_endian(at, value.nanoseconds, 4), seconds, 8);
    else if (*begin == 0xd7)
        at = put_big_endian(at, (uint64_t)value.nanoseconds << 34 | seconds, 8);
    else
        at = put_big_endian(at, seconds, 4);
    return value_of(begin, at);
}

aksara_value aksara_list(const aksara_value *items, size_t count) {
    size_t len = 5;
    for (size_t i = 0; i < count; i++) {
        if (items[i].data == NULL)
            return items[i];
        len += items[i].len;
    }
    uint8_t *begin = (uint8_t *)aksara_alloc(len);
    if (begin == NULL)
        return out_of_memory();
    uint8_t *at = put_length(begin, count, 15, 0x90, 0, 0xdc);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, items[i].data, items[i].len);
        at += items[i].len;
    }
    return value_of(begin, at);
}

aksara_value aksara_map(const aksara_pair *pairs, size_t count) {
    size_t len = 5;
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].value.data == NULL)
            return pairs[i].value;
        len += 5 + strlen(pairs[i].key) + pairs[i].value.len;
    }
    uint8_t *begin = (uint8_t *)aksara_alloc(len);
    if (begin == NULL)
        return out_of_memory();
    uint8_t *at = put_length(begin, count, 15, 0x80, 0, 0xde);
    for (size_t i = 0; i < count; i++) {
        size_t key = strlen(pairs[i].key);
        at = put_length(at, key, 31, 0xa0, 0xd9, 0xda);
        memcpy(at, pairs[i].key, key);
        memcpy(at + key, pairs[i].value.data, pairs[i].value.len);
        at += key + pairs[i].value.len;
    }
    return value_of(begin, at);
}

#endif
