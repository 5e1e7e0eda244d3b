"""Probes of Python's own world in a component: each sets `seen` to what it found, or fails."""

import asyncio
import datetime as module
import functools
import logging
import os
import queue
import random
import secrets
import socket
import sys
import threading
import time
import uuid
import zoneinfo
from datetime import date, datetime, timedelta, timezone

from aksara import Model, fields
from aksara.signals import pre_save

BUILT = datetime.now()
logger = logging.getLogger(__name__)


class Probe(Model):
    name = fields.String()
    seen = fields.Text()


@pre_save(Probe)
async def probe(sender, instance, **kwargs):
    probe = PROBES[instance.name]
    found = probe() if probe in ALONE else probe(instance)
    instance.seen = str(await found if asyncio.iscoroutine(found) else found)


def now():
    times = [
        datetime.now(),
        datetime.utcnow(),
        datetime.today(),
        module.datetime.now(timezone.utc).replace(tzinfo=None),
        datetime.now(timezone(timedelta(hours=2))).astimezone(timezone.utc).replace(tzinfo=None),
        datetime.fromtimestamp(time.time()),
        datetime(1970, 1, 1) + timedelta(microseconds=time.time_ns() // 1_000),
        datetime(*time.gmtime()[:6]),
        datetime.strptime(time.strftime("%Y-%m-%d %H:%M:%S"), "%Y-%m-%d %H:%M:%S"),
    ]
    assert all(abs(one - times[0]) < timedelta(seconds=2) for one in times), times
    assert all(isinstance(one, datetime) and isinstance(one, date) for one in times)
    assert isinstance(date.today(), date) and date.today() == times[0].date()
    assert times[0] > BUILT and time.monotonic() <= time.perf_counter()
    assert repr(datetime(2026, 3, 1)) == "datetime.datetime(2026, 3, 1, 0, 0)", repr(datetime(2026, 3, 1))
    assert datetime(2026, 3, 1).isoformat() == "2026-03-01T00:00:00"
    return times[0].isoformat()


def chance():
    drawn = [random.random(), random.Random().random(), random.SystemRandom().random(), secrets.token_hex(8)]
    drawn += [uuid.uuid4(), random.randint(1, 10**9), random.sample(range(1_000), 3)]
    assert random.Random(5).random() == 0.6229016948897019
    assert uuid.uuid4().version == 4 and uuid.uuid4() != uuid.uuid4()
    return drawn


def imports():
    import colorsys  # Only here, and in the component all the same.

    try:
        __import__("wave")
    except ModuleNotFoundError as error:
        return f"{colorsys.rgb_to_hls(0, 0, 0)} {error}"


def files():
    refused = []
    for attempt in (functools.partial(open, "/etc/passwd"), functools.partial(time.sleep, 1)):
        try:
            attempt()
        except OSError as error:
            refused.append(str(error))
    return refused


def alone():
    """What asks for something outside of the plugin, or waits for another thread."""
    taken = threading.Lock()
    taken.acquire()
    attempts = {
        "socket": socket.socket,
        "connect": lambda: socket.create_connection(("127.0.0.1", 80), timeout=1),
        "name": lambda: socket.gethostbyname("localhost"),
        "input": input,
        "stdin": sys.stdin.read,
        "lock": taken.acquire,
        "lock in time": lambda: taken.acquire(timeout=0.01),
        "event": lambda: threading.Event().wait(0.01),
        "queue": lambda: queue.Queue().get(timeout=0.01),
        "simple queue": lambda: queue.SimpleQueue().get(timeout=0.01),
        "thread": lambda: threading.Thread(target=print).start(),
        "exit": lambda: os._exit(1),
        "abort": os.abort,
        "zone": lambda: zoneinfo.ZoneInfo("Europe/Berlin"),
    }
    passed = []
    for name, attempt in attempts.items():
        try:
            passed.append((name, attempt()))
        except (OSError, RuntimeError, zoneinfo.ZoneInfoNotFoundError):
            pass
    with threading.Lock(), threading.RLock(), threading.Condition():
        waiting = queue.Queue()
        waiting.put(1)
        assert (waiting.get(timeout=1), taken.acquire(blocking=False)) == (1, False)
    return f"passed: {passed}"


def streams():
    print("one", "two")
    print("no end", end="")
    logger.debug("a debug line")
    logger.warning("a warning of %s", "two parts", extra={"number": 7})
    try:
        int("seven")
    except ValueError:
        logger.exception("caught")


async def waits():
    async def one():
        await asyncio.sleep(0)
        return 1

    return await asyncio.gather(one(), one())


async def forever():
    await asyncio.sleep(1)


def codecs():
    return ["é".encode(name) for name in ("utf-16", "latin-1", "idna", "cp1252")]


def fails():
    try:
        {}["nothing"]
    except KeyError as error:
        raise ValueError("with a cause") from error


def ends():
    raise SystemExit(3)


def assigns(instance):
    instance.seen = 7


def mistypes(instance):
    return instance.names


async def denied():
    await Probe.objects.get(1)


def swallows():
    while True:
        try:
            raise MemoryError
        except BaseException:
            pass


ALONE = (now, chance, imports, files, alone, streams, waits, forever, codecs, fails, ends, denied, swallows)
PROBES = {probe.__name__: probe for probe in (*ALONE, assigns, mistypes)}
