"""HTTP requests to hosts that are granted, with their ports. Grant: `http = ["api.example.com:443"]`.

A request takes of the time that the event may wait, 5 s in all unless the operator says otherwise: send it from
`after_commit` where you can. Redirects are not followed.
"""

import json as _json

from . import host
from .errors import HostError


class Response:
    """What came back, whatever its status."""

    def __init__(self, url: str, status: int, headers: list[tuple[str, bytes]], body: bytes):
        self.url = url
        #: 200, 404 and so on.
        self.status = status
        #: By their names in lower case; several values have `, ` between them.
        self.headers: dict[str, str] = {}
        for name, value in headers:
            name, text = name.lower(), value.decode("latin-1")
            self.headers[name] = f"{self.headers[name]}, {text}" if name in self.headers else text
        self.body = body

    def __repr__(self):
        return f"<Response {self.status} of {self.url}>"

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body, which has to be UTF-8."""
        return self.body.decode()

    def json(self):
        """The body, which has to be JSON."""
        return _json.loads(self.body)


async def request(method: str, url: str, *, headers=None, body: bytes | str = b"", json=None) -> Response:
    """Sends a request, with a body of bytes, text as UTF-8, or a value as JSON. Raises `HostError`."""
    headers = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
    if json is not None:
        if body:
            raise TypeError("a request has a `body` or `json`, not both")
        body = _json.dumps(json)
        headers.setdefault("content-type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, (bytes, bytearray)):
        raise TypeError(f"a body is bytes or text, found `{type(body).__name__}`; use `json` for anything else")
    scheme, authority, path = _parts(url)
    pairs = [(name, value.encode()) for name, value in headers.items()]
    status, found, answer = host.current().http(method.upper(), url, scheme, authority, path, pairs, bytes(body))
    return Response(url, status, found, answer)


async def get(url: str, *, headers=None) -> Response:
    """Sends a GET request. Raises `HostError`."""
    return await request("GET", url, headers=headers)


async def post(url: str, body: bytes | str = b"", *, headers=None, json=None) -> Response:
    """Sends a POST request, with a body of bytes, text as UTF-8, or a value as JSON. Raises `HostError`."""
    return await request("POST", url, headers=headers, body=body, json=json)


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, host with its port, and path with its query."""
    scheme, found, rest = url.partition("://")
    if not found:
        raise HostError(f"`{shown(url)}` has no `http://` or `https://`")
    length = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    if length == 0:
        raise HostError(f"`{shown(url)}` names no host")
    path = rest[length:]
    return scheme, rest[:length], path if path.startswith("/") else f"/{path}"


def shown(url: str) -> str:
    """A URL as errors show it: without its query and its user, which may be secrets."""
    scheme, found, rest = url.split("?")[0].split("#")[0].rpartition("://")
    authority, slash, path = rest.partition("/")
    return scheme + found + authority.rpartition("@")[2] + slash + path
