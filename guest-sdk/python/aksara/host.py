"""The host as the rest of the SDK sees it: requests by name, whoever serves them.

In a component `aksara_guest.wit` serves them with the imports of the WIT world; in an author's tests
`aksara.testing.Host` does.
"""

import json
from typing import Protocol

from . import msgpack
from .errors import AksaraError, NotGranted, host_error


class Refusal(Exception):
    """What a host raises for a refused request: the bytes of its Err side."""

    def __init__(self, answer: bytes):
        super().__init__(answer)
        self.answer = answer


class Host(Protocol):
    """What there has to be for a plugin to run."""

    def log(self, line: bytes) -> None: ...

    def request(self, interface: str, operation: str, request: bytes) -> bytes: ...

    def cache(self, bucket: str, operation: str, *arguments): ...

    def http(self, method: str, url: str, scheme: str, authority: str, path: str, headers: list, body: bytes): ...


_current: Host | None = None


def use(host: Host | None) -> Host | None:
    """Makes this the host, and answers with the one before it."""
    global _current
    before, _current = _current, host
    return before


def current() -> Host:
    """The host; there is none while a component is built, nor in a test that has not made one."""
    if _current is None:
        raise AksaraError(
            "there is no host here: modules are imported when the component is built, and only handlers can ask the "
            "host; in a test, use `with aksara.testing.Host():`"
        )
    return _current


def is_there() -> bool:
    """Whether there is a host to ask."""
    return _current is not None


def ask(interface: str, operation: str, request: dict):
    """Asks the host, and answers with the decoded answer. Raises `HostError`."""
    try:
        answer = current().request(interface, operation, msgpack.pack(request))
    except Refusal as refusal:
        refused = msgpack.unpack(refusal.answer)
    else:
        return msgpack.unpack(answer) if answer else None
    # Raised here, so that the trace of the author's exception does not show the host's bytes as well.
    error = host_error(refused.get("error", "the host refused without a reason"), refused.get("violation"))
    grant = _grant(interface, operation, request)
    if isinstance(error, NotGranted) and grant:
        error.add_note(f"a plugin in Python asks for it in `pyproject.toml`, below `[tool.aksara.grants]`: {grant}")
    raise error


def _grant(interface: str, operation: str, request: dict) -> str:
    """The line of a manifest that asks for what a request needs."""
    match interface:
        case "models":
            label = request["model"]
            return f'models = {{ {label if label.isidentifier() else json.dumps(label)} = ["{operation}"] }}'
        case "bus":
            return f"signals = [{json.dumps(request['signal'])}]"
        case "services":
            return f"services = [{json.dumps(request['service'])}]"
    return ""
