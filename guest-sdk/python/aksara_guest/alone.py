"""A plugin is alone: there is no network, no keyboard, no other thread and no process, and what asks for one raises.

CPython would end the call.
"""

import _socket
import _thread
import io
import os
import queue
import socket
import sys
import threading
import zoneinfo


def _refuse(reason):
    def refuse(*_arguments, **_options):
        raise PermissionError(reason)

    return refuse


_no_socket = _refuse("a plugin has no sockets; `aksara.http` sends requests, where that is granted")
_no_exit = _refuse("a plugin cannot end its process")


class _Lock:
    """A lock where there is one thread: to wait for one that is taken would be to wait for ever."""

    def __init__(self):
        self._taken = False

    def acquire(self, blocking=True, timeout=-1):
        if not self._taken:
            self._taken = True
            return True
        if not blocking or timeout == 0:
            return False
        raise OSError("a plugin cannot wait: nothing else runs in it")

    def release(self):
        if not self._taken:
            raise RuntimeError("release unlocked lock")
        self._taken = False

    def locked(self):
        return self._taken

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()

    acquire_lock, release_lock, locked_lock = acquire, release, locked


class _NoInput(io.TextIOBase):
    """Standard input."""

    def readable(self):
        return True

    def read(self, size=-1):
        raise OSError("a plugin has no standard input")

    readline = read


def _no_zone(key):
    name = key.rpartition("/")[2].upper().replace("-", "_")
    raise zoneinfo.ZoneInfoNotFoundError(
        f"No time zone `{key}` in this component: it can only be read while that is built. Add `tzdata` to the plugin's "
        f'dependencies, and write `{name} = ZoneInfo("{key}")` at the top of a module'
    )


def install() -> None:
    """Replaces locks, before modules keep them by name."""
    _thread.allocate_lock = _thread.allocate = threading._allocate_lock = threading.Lock = _Lock
    # That in C waits by itself.
    queue.SimpleQueue = queue._PySimpleQueue


def seal() -> None:
    """Closes the ways out."""
    socket.socket.__init__ = _no_socket
    for name in ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "gethostname", "getnameinfo"):
        for module in (_socket, socket):
            if hasattr(module, name):
                setattr(module, name, _no_socket)
    os._exit = os.abort = _no_exit
    sys.stdin = sys.__stdin__ = _NoInput()
    # Both in C and in Python, it is looked up when a zone is first made.
    zoneinfo._common.load_tzdata = _no_zone
