"""The time, from `wasi:clocks/wall-clock`.

`datetime.datetime` is a type that cannot be changed, so a subclass takes its place, and counts any datetime as its
instance. There is one time zone, UTC, and no sleeping.
"""

import datetime as _module
import time as _time

from wit_world.imports import wall_clock

from . import live

_REAL = {name: getattr(_time, name) for name in ("time_ns", "gmtime", "localtime", "strftime", "ctime", "asctime")}
_date, _datetime = _module.date, _module.datetime


def time_ns() -> int:
    """Nanoseconds since the epoch."""
    if not live.is_running():
        return _REAL["time_ns"]()
    now = wall_clock.now()
    return now.seconds * 1_000_000_000 + now.nanoseconds


def _seconds() -> float:
    return time_ns() / 1_000_000_000


def _sleep(_seconds):
    raise OSError("a plugin cannot sleep: its caller would wait with it")


class _DateType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, _date)


class _DatetimeType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, _datetime)


class date(_date, metaclass=_DateType):
    """`datetime.date`, which knows today by the host's clock."""

    @classmethod
    def today(cls):
        """The date in UTC."""
        return cls.fromtimestamp(_seconds())


class datetime(_datetime, metaclass=_DatetimeType):
    """`datetime.datetime`, which knows the time by the host's clock."""

    @classmethod
    def now(cls, tz=None):
        """The time, in UTC unless a time zone is given."""
        microseconds = time_ns() // 1_000
        made = cls(1970, 1, 1, tzinfo=_module.timezone.utc) + _module.timedelta(microseconds=microseconds)
        return made.replace(tzinfo=None) if tz is None else made.astimezone(tz)

    @classmethod
    def today(cls):
        """The time in UTC, without a time zone."""
        return cls.now()

    @classmethod
    def utcnow(cls):
        """The time in UTC, without a time zone."""
        return cls.now()


def _defaulting(name, argument):
    """`time.gmtime` and its like: of the present time, unless another is given."""
    real = _REAL[name]
    if argument == 0:
        return lambda seconds=None: real(_seconds() if seconds is None else seconds)
    return lambda *given: real(*given, *([] if len(given) == argument else [_REAL["gmtime"](_seconds())]))


def install() -> None:
    """Puts the host's clock in the place of the system's."""
    for name in ("time", "monotonic", "perf_counter", "process_time"):
        setattr(_time, name, _seconds)
        setattr(_time, f"{name}_ns", time_ns)
    _time.sleep = _sleep
    for name, argument in (("gmtime", 0), ("localtime", 0), ("ctime", 0), ("strftime", 2), ("asctime", 1)):
        setattr(_time, name, _defaulting(name, argument))
    date.__module__ = datetime.__module__ = "datetime"
    # A C type's repr has the module in it, and authors compare it.
    datetime.__repr__ = lambda self: "datetime." + _datetime.__repr__(self)
    date.__repr__ = lambda self: "datetime." + _date.__repr__(self)
    datetime.min, datetime.max = (_as_datetime(bound) for bound in (_datetime.min, _datetime.max))
    _module.date, _module.datetime = date, datetime


def _as_datetime(plain):
    return datetime(*plain.timetuple()[:6], plain.microsecond)
