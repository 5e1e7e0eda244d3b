/* The part of `aksara.c` that sends HTTP requests: `wasi:http` and what it takes of `wasi:io`, by the canonical ABI. */

#ifndef AKSARA_HTTP_H
#define AKSARA_HTTP_H

/* A URL as errors show it: without its query and its user, which may be secrets. */
static aksara_str shown_url(const char *url) {
    const char *after = strstr(url, "://"), *end = url + strcspn(url, "?#");
    const char *host = after == NULL || after > end ? url : after + 3;
    const char *path = host + strcspn(host, "/?#"), *user = host;
    for (const char *at = host; at < path; at++)
        if (*at == '@')
            user = at + 1;
    return aksara_format("%.*s%.*s", (int)(host - url), url, (int)(end - user), user);
}

#ifdef __wasm__
/* What the host takes at once of a body, and what is asked of it at once. */
enum { WRITE_MAX = 4096, READ_MAX = 65536 };

/* Where functions return, by the canonical ABI: `result<handle>`; .. */
typedef struct {
    uint8_t failed;
    uint32_t handle; /* or which error */
} made;

/* .. `result<list<u8>, stream-error>` and `result<_, stream-error>`; .. */
typedef struct {
    uint8_t failed;
    union {
        aksara_bytes bytes;
        struct {
            uint8_t is_closed;
            uint32_t error;
        } failure;
    } of;
} streamed;

/* .. `error-code`, whose largest case has 24 bytes, aligned to 8; .. */
typedef struct {
    uint8_t which;
    union {
        uint64_t words[3];
        struct {
            uint8_t is_there;
            aksara_str text;
        } reason;
    } of;
} error_code;

/* .. `result<handle, error-code>`; .. */
typedef struct {
    uint8_t failed;
    union {
        uint32_t handle;
        error_code error;
    } of;
} sent;

/* .. `option<result<result<handle, error-code>>>`. */
typedef struct {
    uint8_t is_there;
    struct {
        uint8_t failed;
        sent response;
    } once;
} arrived;

typedef struct {
    aksara_str name;
    aksara_str value;
} header;

typedef struct {
    header *items;
    size_t count;
} header_list;

#define HTTP(name) IMPORT("wasi:http/types@0.2.0", name)
HTTP("[static]fields.from-list") void fields_from_list(const header *entries, size_t count, made *area);
HTTP("[method]fields.entries") void fields_entries(uint32_t fields, header_list *area);
HTTP("[resource-drop]fields") void fields_drop(uint32_t fields);
HTTP("[constructor]outgoing-request") uint32_t request_new(uint32_t fields);
HTTP("[method]outgoing-request.set-method")
uint32_t request_set_method(uint32_t request, uint32_t which, const char *other, size_t len);
HTTP("[method]outgoing-request.set-scheme")
uint32_t request_set_scheme(uint32_t request, uint32_t some, uint32_t which, const char *other, size_t len);
HTTP("[method]outgoing-request.set-authority")
uint32_t request_set_authority(uint32_t request, uint32_t some, const char *authority, size_t len);
HTTP("[method]outgoing-request.set-path-with-query")
uint32_t request_set_path(uint32_t request, uint32_t some, const char *path, size_t len);
HTTP("[method]outgoing-request.body") void request_body(uint32_t request, made *area);
HTTP("[resource-drop]outgoing-request") void request_drop(uint32_t request);
HTTP("[method]outgoing-body.write") void body_write(uint32_t body, made *area);
HTTP("[static]outgoing-body.finish")
void body_finish(uint32_t body, uint32_t some, uint32_t trailers, sent *area);
HTTP("[resource-drop]outgoing-body") void body_drop(uint32_t body);
HTTP("[method]future-incoming-response.subscribe") uint32_t future_subscribe(uint32_t future);
HTTP("[method]future-incoming-response.get") void future_get(uint32_t future, arrived *area);
HTTP("[resource-drop]future-incoming-response") void future_drop(uint32_t future);
HTTP("[method]incoming-response.status") uint32_t response_status(uint32_t response);
HTTP("[method]incoming-response.headers") uint32_t response_headers(uint32_t response);
HTTP("[method]incoming-response.consume") void response_consume(uint32_t response, made *area);
HTTP("[resource-drop]incoming-response") void response_drop(uint32_t response);
HTTP("[method]incoming-body.stream") void incoming_stream(uint32_t body, made *area);
HTTP("[resource-drop]incoming-body") void incoming_drop(uint32_t body);
IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void http_handle(uint32_t request, uint32_t some, uint32_t options, sent *area);
#define STREAMS(name) IMPORT("wasi:io/streams@0.2.0", name)
STREAMS("[method]output-stream.blocking-write-and-flush")
void output_write(uint32_t stream, const uint8_t *data, size_t len, streamed *area);
STREAMS("[resource-drop]output-stream") void output_drop(uint32_t stream);
STREAMS("[method]input-stream.blocking-read") void input_read(uint32_t stream, uint64_t len, streamed *area);
STREAMS("[resource-drop]input-stream") void input_drop(uint32_t stream);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(uint32_t pollable);
IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(uint32_t pollable);
IMPORT("wasi:io/error@0.2.0", "[resource-drop]error") void io_error_drop(uint32_t error);

static aksara_value http_failed(const char *url, const char *why) {
    return aksara_error_of(aksara_format("`%.*s`: %s", AKSARA_ARG(shown_url(url)), why));
}

static aksara_value no_response(const char *url, const error_code *error) {
    static const char *const names[] = {
        "DNS timeout",
        "DNS error",
        "destination not found",
        "destination unavailable",
        "destination IP prohibited",
        "destination IP unroutable",
        "connection refused",
        "connection terminated",
        "connection timeout",
        "connection read timeout",
        "connection write timeout",
        "connection limit reached",
        "TLS protocol error",
        "TLS certificate error",
        "TLS alert received",
        "HTTP request denied",
        "HTTP request length required",
        "HTTP request body size",
        "HTTP request method invalid",
        "HTTP request URI invalid",
        "HTTP request URI too long",
        "HTTP request header section size",
        "HTTP request header size",
        "HTTP request trailer section size",
        "HTTP request trailer size",
        "HTTP response incomplete",
        "HTTP response header section size",
        "HTTP response header size",
        "HTTP response body size",
        "HTTP response trailer section size",
        "HTTP response trailer size",
        "HTTP response transfer coding",
        "HTTP response content coding",
        "HTTP response timeout",
        "HTTP upgrade failed",
        "HTTP protocol error",
        "loop detected",
        "configuration error",
        "internal error",
    };
    enum { DENIED = 15, INTERNAL = 38 };
    if (error->which == DENIED)
        return http_failed(url,
                           "the host and port are not granted; ask for them by `http` in the grants, and "
                           "let the operator grant them");
    const char *name = error->which <= INTERNAL ? names[error->which] : "an unknown error";
    aksara_str reason = {NULL, 0};
    if (error->which == INTERNAL && error->of.reason.is_there)
        reason = error->of.reason.text;
    return aksara_error_of(aksara_format("`%.*s`: there is no response: %s%s%.*s", AKSARA_ARG(shown_url(url)), name,
                                         reason.len > 0 ? ": " : "", AKSARA_ARG(reason)));
}

static void drop_failure(const streamed *area) {
    if (!area->of.failure.is_closed)
        io_error_drop(area->of.failure.error);
}

/* Writes a body to its end; whether it could be. */
static bool write_body(uint32_t body, aksara_bytes bytes) {
    made stream;
    body_write(body, &stream);
    bool is_written = !stream.failed;
    for (size_t at = 0; is_written && at < bytes.len; at += WRITE_MAX) {
        size_t left = bytes.len - at;
        streamed area;
        output_write(stream.handle, bytes.data + at, left < WRITE_MAX ? left : WRITE_MAX, &area);
        is_written = !area.failed;
        if (area.failed)
            drop_failure(&area);
    }
    if (!stream.failed)
        output_drop(stream.handle);
    sent finished;
    body_finish(body, 0, 0, &finished);
    return is_written && !finished.failed;
}

/* Reads a body to its end; whether it could be. */
static bool read_body(uint32_t response, aksara_bytes *whole) {
    typedef struct piece {
        struct piece *next;
        aksara_bytes bytes;
    } piece;
    piece *first = NULL, **last = &first;
    made body, stream;
    streamed area;
    response_consume(response, &body);
    if (body.failed)
        return false;
    incoming_stream(body.handle, &stream);
    whole->len = 0;
    for (area.failed = stream.failed; !area.failed;) {
        input_read(stream.handle, READ_MAX, &area);
        piece *read = area.failed ? NULL : (piece *)aksara_alloc(sizeof(piece));
        if (read == NULL)
            continue;
        read->next = NULL;
        read->bytes = area.of.bytes;
        whole->len += read->bytes.len;
        *last = read;
        last = &read->next;
    }
    bool is_read = !stream.failed && area.of.failure.is_closed;
    if (!stream.failed) {
        drop_failure(&area);
        input_drop(stream.handle);
    }
    incoming_drop(body.handle);
    uint8_t *data = (uint8_t *)aksara_alloc(whole->len);
    whole->data = data;
    for (; data != NULL && first != NULL; data += first->bytes.len, first = first->next)
        memcpy(data, first->bytes.data, first->bytes.len);
    return is_read && whole->data != NULL;
}

/* The response as a value, and the end of it. */
static aksara_value response_of(const char *url, uint32_t response) {
    header_list headers;
    uint32_t fields = response_headers(response);
    fields_entries(fields, &headers);
    fields_drop(fields);
    aksara_value *items = (aksara_value *)aksara_alloc(headers.count * sizeof(aksara_value));
    for (size_t i = 0; items != NULL && i < headers.count; i++)
        items[i] = AKSARA_LIST(aksara_string(headers.items[i].name), aksara_string(headers.items[i].value));
    uint32_t status = response_status(response);
    aksara_bytes body;
    bool is_read = read_body(response, &body);
    response_drop(response);
    if (!is_read)
        return http_failed(url, "the response ends too early");
    return items == NULL
               ? out_of_memory()
               : AKSARA_MAP({"status", aksara_u64(status)}, {"headers", aksara_list(items, headers.count)},
                            {"body", aksara_blob(body)});
}

static uint32_t set_method(uint32_t request, const char *method) {
    static const char *const names[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    uint32_t which = 0, other = sizeof names / sizeof *names;
    while (which < other && strcmp(names[which], method) != 0)
        which++;
    return request_set_method(request, which, method, strlen(method));
}

static uint32_t set_scheme(uint32_t request, aksara_str scheme) {
    uint32_t which = aksara_equals(scheme, "http") ? 0 : aksara_equals(scheme, "https") ? 1 : 2;
    return request_set_scheme(request, 1, which, scheme.data, scheme.len);
}

/* The request; 0 and the error when it cannot be made. */
static uint32_t request_of(const char *method, const char *url, const aksara_str parts[3],
                           aksara_value headers, aksara_value *error) {
    size_t count = aksara_count(headers);
    header *entries = (header *)aksara_alloc(count * sizeof(header));
    if (entries == NULL)
        return *error = out_of_memory(), 0;
    for (aksara_iter it = aksara_each(headers); aksara_next(&it);) {
        entries[it.index].name = it.key;
        entries[it.index].value = aksara_as_str(it.value);
    }
    made fields;
    fields_from_list(entries, count, &fields);
    if (fields.failed)
        return *error = http_failed(url, "a header is refused"), 0;
    uint32_t request = request_new(fields.handle);
    const char *wrong = set_method(request, method)     ? "the method is none"
                        : set_scheme(request, parts[0]) ? "the scheme is none"
                        : request_set_authority(request, 1, parts[1].data, parts[1].len) != 0
                            ? "the host is none"
                        : request_set_path(request, 1, parts[2].data, parts[2].len) != 0 ? "the path is none"
                                                                                         : NULL;
    if (wrong == NULL)
        return request;
    request_drop(request);
    return *error = http_failed(url, wrong), 0;
}

static aksara_value http_send(const char *method, const char *url, const aksara_str parts[3],
                              aksara_value headers, aksara_bytes body) {
    aksara_value error;
    uint32_t request = request_of(method, url, parts, headers, &error);
    if (request == 0)
        return error;
    made to;
    sent future;
    arrived now;
    request_body(request, &to);
    http_handle(request, 0, 0, &future);
    if (future.failed) {
        if (!to.failed)
            body_drop(to.handle);
        return no_response(url, &future.of.error);
    }
    bool is_written = !to.failed && write_body(to.handle, body);
    uint32_t pollable = future_subscribe(future.of.handle);
    pollable_block(pollable);
    pollable_drop(pollable);
    future_get(future.of.handle, &now);
    future_drop(future.of.handle);
    if (!now.is_there || now.once.failed)
        return http_failed(url, "there is no response");
    if (now.once.response.failed)
        return no_response(url, &now.once.response.of.error);
    if (!is_written) {
        response_drop(now.once.response.of.handle);
        return http_failed(url, "the body cannot be written");
    }
    return response_of(url, now.once.response.of.handle);
}
#else
REQUEST(http, send)

static aksara_value http_send(const char *method, const char *url, const aksara_str parts[3],
                              aksara_value headers, aksara_bytes body) {
    (void)parts;
    return ask_http_send(AKSARA_MAP({"method", aksara_text(method)}, {"url", aksara_text(url)},
                                    {"headers", headers}, {"body", aksara_blob(body)}));
}
#endif

aksara_value aksara_http(const char *method, const char *url, aksara_value headers, aksara_bytes body) {
    const char *after = strstr(url, "://");
    if (after == NULL)
        return aksara_error_of(aksara_format("`%.*s` has no `http://` or `https://`", AKSARA_ARG(shown_url(url))));
    const char *host = after + 3, *path = host + strcspn(host, "/?");
    if (path == host)
        return aksara_error_of(aksara_format("`%.*s` names no host", AKSARA_ARG(shown_url(url))));
    aksara_str parts[3] = {{url, (size_t)(after - url)},
                           {host, (size_t)(path - host)},
                           aksara_format("%s%s", *path == '/' ? "" : "/", path)};
    return http_send(method, url, parts, headers, body);
}

static char lower(char letter) {
    return (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

aksara_value aksara_http_header(aksara_value response, const char *name) {
    for (aksara_iter it = aksara_each(aksara_member(response, "headers")); aksara_next(&it);) {
        aksara_str found = aksara_as_str(aksara_item(it.value, 0));
        size_t same = 0;
        while (same < found.len && lower(name[same]) == lower(found.data[same]))
            same++;
        if (same == found.len && name[same] == 0)
            return aksara_item(it.value, 1);
    }
    return aksara_nil();
}

#endif
