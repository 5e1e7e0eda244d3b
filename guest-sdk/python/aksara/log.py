"""Structured lines in the host's log: `log.info("made a slug", slug=post.slug)`.

`print` and the module `logging` end there as well.
"""

from . import host, msgpack


def write(level: str, message: str, **fields) -> None:
    """Writes one line. While a component is built there is no log, and the line goes to standard output."""
    if not host.is_there():
        print(f"{level}: {message}", *(f"{name}={value}" for name, value in fields.items()))
        return
    line = {"level": level, "message": msgpack.whole(str(message))}
    line.update((name, _plain(value)) for name, value in fields.items() if name not in line)
    host.current().log(msgpack.pack(line))


def error(message: str, **fields) -> None:
    """A line of the level `error`."""
    write("error", message, **fields)


def warning(message: str, **fields) -> None:
    """A line of the level `warn`."""
    write("warn", message, **fields)


def info(message: str, **fields) -> None:
    """A line of the level `info`."""
    write("info", message, **fields)


def debug(message: str, **fields) -> None:
    """A line of the level `debug`."""
    write("debug", message, **fields)


def _plain(value):
    """The value, or its text where the wire has no form for it: a line of log is no reason to fail."""
    try:
        msgpack.pack(value)
        return value
    except Exception:
        return msgpack.whole(str(value))
