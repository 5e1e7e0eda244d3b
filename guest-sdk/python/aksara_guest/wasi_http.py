"""The import `wasi:http`: one request, from its first header to the last byte of the response."""

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler, streams, types

from aksara.errors import HostError, NotGranted
from aksara.http import shown

# What the host takes at once of a body, and what is asked of it at once.
_WRITE = 4096
_READ = 65536

_METHODS = {
    "GET": types.Method_Get,
    "HEAD": types.Method_Head,
    "POST": types.Method_Post,
    "PUT": types.Method_Put,
    "DELETE": types.Method_Delete,
    "CONNECT": types.Method_Connect,
    "OPTIONS": types.Method_Options,
    "TRACE": types.Method_Trace,
    "PATCH": types.Method_Patch,
}
_SCHEMES = {"http": types.Scheme_Http, "https": types.Scheme_Https}


def send(method, url, scheme, authority, path, headers, body):
    """Status, headers and body of the response."""
    request = types.OutgoingRequest(_said(url, "a header is refused", types.Fields.from_list, headers))
    _said(url, "the method is none", request.set_method, _METHODS.get(method, lambda: types.Method_Other(method))())
    _said(url, "the scheme is none", request.set_scheme, _SCHEMES.get(scheme, lambda: types.Scheme_Other(scheme))())
    _said(url, "the host is none", request.set_authority, authority)
    _said(url, "the path is none", request.set_path_with_query, path)
    to = request.body()
    try:
        future = outgoing_handler.handle(request, None)
    except Err as error:
        raise _no_response(url, error.value) from None
    # Each is dropped before those that it is a part of.
    with future:
        _said(url, "the body cannot be written", _write, to, body)
        with future.subscribe() as ready:
            ready.block()
        match future.get():
            case Ok(Ok(response)):
                pass
            case Ok(Err(error)):
                raise _no_response(url, error)
            case _:
                raise HostError(f"`{shown(url)}`: there is no response")
        with response:
            with response.headers() as fields:
                found = fields.entries()
            return response.status(), found, _said(url, "the response ends too early", _read, response)


def _said(url, problem, function, *arguments):
    try:
        return function(*arguments)
    except Err:
        raise HostError(f"`{shown(url)}`: {problem}") from None


def _no_response(url, error):
    kind = type(error).__name__.removeprefix("ErrorCode_")
    if kind == "HttpRequestDenied":
        grants = "ask for them by `http` in `[tool.aksara.grants]`, and let the operator grant them"
        return NotGranted(f"`{shown(url)}`: the host and port are not granted; {grants}")
    value = getattr(error, "value", None)
    return HostError(f"`{shown(url)}`: there is no response: {kind}{f': {value}' if isinstance(value, str) else ''}")


def _write(body, data):
    with body.write() as stream:
        for at in range(0, len(data), _WRITE):
            stream.blocking_write_and_flush(data[at : at + _WRITE])
    types.OutgoingBody.finish(body, None)


def _read(response):
    pieces = []
    with response.consume() as body, body.stream() as stream:
        while True:
            try:
                pieces.append(stream.blocking_read(_READ))
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    return b"".join(pieces)
                raise
