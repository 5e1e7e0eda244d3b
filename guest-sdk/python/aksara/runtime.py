"""The plugin as the host sees it: `describe` and `handle`, over bytes."""

import inspect
import sys
import traceback

from . import msgpack, signals
from .errors import AksaraError, Rejected, ValidationError
from .event import decode

CONTRACT = "0.1.0"

# Directories whose frames say nothing to the author of a plugin.
_INTERNAL = ("/aksara", "/aksara_guest")

_plugin = {"name": "", "version": "0.0.0", "grants": {}, "root": ""}


def ready(name: str, version: str, grants: dict, modules, root: str = "") -> None:
    """Ends the import of a plugin: its signals have names now, and what is connected stays connected.

    The root is the folder of its modules, which stack traces leave out.
    """
    signals.name_signals(name, modules)
    _plugin.update(name=name, version=version, grants={"models": {}, **grants}, root=root)
    _name_apart(signals.connections())
    signals.freeze()


def describe() -> bytes:
    """The answer to `describe`."""
    own = signals.own_signals()
    return msgpack.pack(
        {
            "name": _plugin["name"],
            "version": _plugin["version"],
            "contract": CONTRACT,
            "subscriptions": [connection.describe() for connection in signals.connections()],
            **({"signals": own} if own else {}),
            "grants": _plugin["grants"],
        }
    )


def handle(subscription: int, data: bytes) -> tuple[bool, bytes]:
    """Handles one event: whether it succeeded, and the bytes of the reply or of the failure."""
    try:
        connection = signals.connections()[subscription]
        reply = call(connection, data)
        return True, msgpack.pack(reply) if reply else b""
    except BaseException as error:  # Also `SystemExit` and the like: whatever it is, the save fails and not the host.
        return False, msgpack.pack(_failure(error))


def _failure(error: BaseException) -> dict:
    """What the host is told of an exception. It may have any text, and any trouble to say it."""
    try:
        if isinstance(error, Rejected):
            return {"reject": msgpack.whole(str(error))}
        if isinstance(error, ValidationError):
            fields = error.messages.items()
            return {"invalid": {name: [msgpack.whole(str(text)) for text in texts] for name, texts in fields}}
        return {"error": msgpack.whole(trace(error))}
    except Exception as problem:
        return {"error": f"a `{type(error).__name__}`, whose text cannot be made: a `{type(problem).__name__}`"}


def call(connection, data: bytes) -> dict:
    """Calls the handler of a connection with an event; what it changed."""
    model = connection.model if isinstance(connection.model, type) else None
    event = decode(data, model)
    arguments = connection.accepts(event.arguments())
    run(_present(connection.handler)(event.model, event.subject, **arguments))
    return event.reply()


def run(value):
    """What a handler returned: a coroutine is run to its end.

    The host answers at once, so a coroutine that awaits only what this SDK has never waits. There is no event loop.
    """
    if not inspect.isawaitable(value):
        return value
    steps = value.__await__()
    try:
        while True:
            awaited = next(steps)
            # `asyncio.sleep(0)` gives way to others with None, and there are no others.
            if awaited is not None:
                steps.throw(
                    AksaraError(f"a plugin has no event loop: it cannot wait for {awaited!r}, only for the host")
                )
    except StopIteration as end:
        return end.value


def trace(error: BaseException) -> str:
    """The stack trace of an exception, without the frames of this SDK around it."""
    formatted = traceback.TracebackException.from_exception(error, compact=True)
    _own_frames(formatted)
    return "".join(formatted.format()).rstrip()


def _own_frames(formatted) -> None:
    author = [frame for frame in formatted.stack if not _is_internal(frame.filename)]
    if author:
        formatted.stack[:] = author
    for frame in author:
        # The line is looked up by the whole name, when it is first asked for.
        frame.line  # noqa: B018
        frame.filename = frame.filename.removeprefix(_plugin["root"])
    for further in (formatted.__cause__, formatted.__context__, *(formatted.exceptions or ())):
        if further is not None:
            _own_frames(further)


def _is_internal(filename: str) -> bool:
    folder = filename.rpartition("/")[0]
    return folder.endswith(_INTERNAL) and folder + "/" != _plugin["root"]


def _present(handler):
    """The handler, or what `unittest.mock.patch` has put in its place."""
    name = getattr(handler, "__name__", None)
    module = sys.modules.get(getattr(handler, "__module__", None))
    there = getattr(module, name, handler) if name and name.isidentifier() else handler
    return there if type(there).__module__ == "unittest.mock" else handler


def _name_apart(connections) -> None:
    """Two handlers of one signal and sender have two names."""
    taken = {}
    for connection in connections:
        name, count = connection.name, 1
        key = (connection.signal.name, connection.sender)
        while (connection.name, *key) in taken:
            count += 1
            connection.name = f"{name}_{count}"
        taken[connection.name, *key] = connection
