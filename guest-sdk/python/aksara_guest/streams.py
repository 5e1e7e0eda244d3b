"""`print` and the module `logging` write to the host's log.

Standard output is logged line by line at `info`, standard error at `warn`.
"""

import io
import sys


class _Lines(io.TextIOBase):
    """A stream whose lines go to the log."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, level):
        self.level = level
        self.pending = ""

    def writable(self):
        return True

    def write(self, text):
        *lines, self.pending = (self.pending + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def finish(self):
        """Logs a line that has no end, at the end of a call."""
        if self.pending:
            line, self.pending = self.pending, ""
            self._log(line)

    def _log(self, line):
        from aksara import log

        if line.strip():
            log.write(self.level, line)


_streams = (_Lines("info"), _Lines("warn"))


def connect_logging() -> None:
    """Gives the root logger a handler, which keeps the level and the `extra` of each record."""
    import logging

    from aksara import log

    plain = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    class ToHost(logging.Handler):
        """Writes records to the host's log."""

        def emit(self, record):
            level = "error" if record.levelno >= logging.ERROR else "warn"
            if record.levelno < logging.WARNING:
                level = "info" if record.levelno >= logging.INFO else "debug"
            extra = {name: value for name, value in vars(record).items() if name not in plain}
            log.write(level, self.format(record), **extra, logger=record.name)

    root = logging.getLogger()
    root.addHandler(ToHost())
    # The host decides which levels are kept.
    root.setLevel(logging.DEBUG)
    logging.raiseExceptions = False


def seal() -> None:
    """Puts the log in the place of the standard streams. What is printed before is seen by whoever builds."""
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = _streams


def finish() -> None:
    """Ends a call."""
    for stream in _streams:
        stream.finish()
