"""MessagePack, as the contract uses it: maps with text keys, and timestamps as the only extension.

| Python | MessagePack |
|---|---|
| `None`, `bool`, `int`, `float`, `str` | nil, boolean, integer, float 64, str |
| `bytes`, `bytearray`, `uuid.UUID` | bin |
| `list`, `tuple`, `set`, `dict` | array, map |
| `datetime` (a naive one is taken as UTC) | timestamp |
| `date`, `Decimal` | str |
"""

import struct
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIMESTAMP = -1
# Levels of lists and dicts in one message, as the host has it.
_DEPTH_MAX = 128
# As much of a place as an error shows.
_PLACE_MAX = 200


class DecodeError(ValueError):
    """The bytes are not one MessagePack value, or not one of those that the contract knows."""


class Timestamp(datetime):
    """A `datetime` with the nanoseconds below its last microsecond, which a plain one would lose on its way back."""

    nanosecond = 0

    def __reduce_ex__(self, protocol):
        return _timestamp_of, (self.replace(tzinfo=None), self.nanosecond)


def _timestamp_of(naive, nanosecond):
    made = Timestamp(*naive.timetuple()[:6], naive.microsecond, tzinfo=timezone.utc)
    made.nanosecond = nanosecond
    return made


def pack(value, name: str = "") -> bytes:
    """Encodes a value; `name` is what it is called in errors.

    Raises `TypeError` for what MessagePack has no form for, `OverflowError` for an integer of more than 64 bits, and
    `ValueError` for text that is not whole and for what is nested too deep. The text says where: `meta.items[3].at`.
    """
    out = bytearray()
    try:
        _pack(value, out, 0)
    except Exception as error:
        raise placed(error, name) from None
    return bytes(out)


def within(error: Exception, place: str) -> Exception:
    """The same error, inside of this place."""
    error.place = place + getattr(error, "place", "")
    return error


def placed(error: Exception, name: str) -> Exception:
    """The error with the place where it was found in front of its text."""
    place = (name + getattr(error, "place", "")).removeprefix(".")
    if len(place) > _PLACE_MAX:
        place = place[:_PLACE_MAX] + ".."
    return type(error)(f"`{place}`: {error}") if place else error


def whole(text: str) -> str:
    """A text for people, in which half of a character is shown as `\\ud83d`: nothing that is said fails by its text."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _pack(value, out, depth):
    kind = type(value)
    if kind is str:
        _pack_text(value, out)
    elif value is None:
        out.append(0xC0)
    elif kind is bool:
        out.append(0xC3 if value else 0xC2)
    elif kind is int:
        _pack_int(value, out)
    elif kind is float:
        out += struct.pack(">Bd", 0xCB, value)
    elif kind is dict:
        _pack_length(len(value), out, 0x80, 16, None, 0xDE)
        _check_depth(depth)
        key = ""
        try:
            for key, item in value.items():
                if not isinstance(key, str):
                    raise TypeError("a key of a map is not text; use text keys")
                _pack_text(key, out)
                _pack(item, out, depth + 1)
        except Exception as error:
            raise within(error, f".{key}")
    elif kind is list or kind is tuple:
        _pack_length(len(value), out, 0x90, 16, None, 0xDC)
        _check_depth(depth)
        index = 0
        try:
            for index, item in enumerate(value):
                _pack(item, out, depth + 1)
        except Exception as error:
            raise within(error, f"[{index}]")
    else:
        _pack_other(value, out, depth)


def _check_depth(depth):
    if depth >= _DEPTH_MAX:
        raise ValueError(f"is nested too deep, or contains itself; a message has at most {_DEPTH_MAX} levels")


def _pack_other(value, out, depth):
    """Everything rarer, and subclasses of what is not rare."""
    if isinstance(value, (bytes, bytearray)):
        _pack_length(len(value), out, None, 0, 0xC4, 0xC5)
        out += value
    elif isinstance(value, UUID):
        _pack_other(value.bytes, out, depth)
    elif isinstance(value, datetime):
        _pack_timestamp(value, out)
    elif isinstance(value, date):
        _pack_text(value.isoformat(), out)
    elif isinstance(value, Decimal):
        _pack_text(format(value, "f"), out)
    elif isinstance(value, (set, frozenset)):
        _pack(sorted(value), out, depth)
    else:
        for kind in (bool, int, float, str, dict, list, tuple):
            if isinstance(value, kind):
                return _pack(kind(value), out, depth)
        raise TypeError(f"a `{type(value).__name__}` cannot be sent to the host; convert it first")


def _pack_text(value, out):
    try:
        data = value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the text has half of a character at {error.start}, a surrogate without its other half"
        ) from None
    _pack_length(len(data), out, 0xA0, 32, 0xD9, 0xDA)
    out += data


def _pack_length(length, out, fix, fix_max, marker8, marker16):
    if length < fix_max:
        out.append(fix | length)
    elif marker8 is not None and length < 1 << 8:
        out += bytes((marker8, length))
    elif length < 1 << 16:
        out += struct.pack(">BH", marker16, length)
    else:
        out += struct.pack(">BI", marker16 + 1, length)


def _pack_int(value, out):
    if -32 <= value < 128:
        out.append(value & 0xFF)
    elif value >= 0:
        for marker, form, bits in ((0xCC, ">BB", 8), (0xCD, ">BH", 16), (0xCE, ">BI", 32), (0xCF, ">BQ", 64)):
            if value < 1 << bits:
                out += struct.pack(form, marker, value)
                return
        raise OverflowError(f"the integer {value} has more than 64 bits")
    else:
        for marker, form, bits in ((0xD0, ">Bb", 7), (0xD1, ">Bh", 15), (0xD2, ">Bi", 31), (0xD3, ">Bq", 63)):
            if value >= -(1 << bits):
                out += struct.pack(form, marker, value)
                return
        raise OverflowError(f"the integer {value} has more than 64 bits")


def _pack_timestamp(value, out):
    aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
    since = aware - EPOCH
    seconds = since.days * 86_400 + since.seconds
    nanoseconds = since.microseconds * 1_000 + getattr(value, "nanosecond", 0)
    if nanoseconds == 0 and 0 <= seconds < 1 << 32:
        out += struct.pack(">BbI", 0xD6, _TIMESTAMP, seconds)
    elif 0 <= seconds < 1 << 34:
        out += struct.pack(">BbQ", 0xD7, _TIMESTAMP, nanoseconds << 34 | seconds)
    else:
        out += struct.pack(">BBbIq", 0xC7, 12, _TIMESTAMP, nanoseconds, seconds)


def unpack(data: bytes):
    """Decodes exactly one value. Raises `DecodeError`."""
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (IndexError, struct.error):
        raise DecodeError("the MessagePack value is cut off") from None
    if reader.at != len(data):
        raise DecodeError(f"{len(data) - reader.at} bytes after the end of the MessagePack value")
    return value


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def value(self, depth):
        marker = self.data[self.at]
        self.at += 1
        if marker < 0x80:
            return marker
        if marker >= 0xE0:
            return marker - 0x100
        if 0xA0 <= marker < 0xC0:
            return self.text(marker & 0x1F)
        if marker < 0x90:
            return self.map(marker & 0x0F, depth)
        if marker < 0xA0:
            return self.list(marker & 0x0F, depth)
        return self.marked(marker, depth)

    def marked(self, marker, depth):
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _NUMBERS:
            return self.number(_NUMBERS[marker])
        if marker not in _SIZED:
            raise DecodeError(f"0x{marker:02x} is no marker of MessagePack")
        kind, form = _SIZED[marker]
        length = form if isinstance(form, int) else self.number(form)
        if kind == "str":
            return self.text(length)
        if kind == "bin":
            return self.take(length)
        if kind == "ext":
            return self.extension(self.number(">b"), length)
        if length > len(self.data) - self.at:
            raise DecodeError("the MessagePack value is cut off")
        return self.list(length, depth) if kind == "array" else self.map(length, depth)

    def take(self, length):
        end = self.at + length
        if end > len(self.data):
            raise DecodeError("the MessagePack value is cut off")
        taken = bytes(self.data[self.at : end])
        self.at = end
        return taken

    def number(self, form):
        (number,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return number

    def text(self, length):
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"a text is not UTF-8: {error}") from None

    def list(self, length, depth):
        self.deeper(depth)
        return [self.value(depth + 1) for _ in range(length)]

    def deeper(self, depth):
        if depth >= _DEPTH_MAX:
            raise DecodeError(f"the MessagePack value is nested more than {_DEPTH_MAX} deep")

    def map(self, length, depth):
        self.deeper(depth)
        found = {}
        for _ in range(length):
            marker = self.data[self.at]
            if not (0xA0 <= marker < 0xC0 or 0xD9 <= marker <= 0xDB):
                raise DecodeError("the key of a map is not text")
            key = self.value(depth + 1)
            if key in found:
                raise DecodeError(f"the key `{key}` is there twice")
            found[key] = self.value(depth + 1)
        return found

    def extension(self, kind, length):
        body = self.take(length)
        if kind != _TIMESTAMP:
            raise DecodeError(f"unknown extension type {kind}")
        if length == 4:
            seconds, nanoseconds = int.from_bytes(body), 0
        elif length == 8:
            both = int.from_bytes(body)
            seconds, nanoseconds = both & (1 << 34) - 1, both >> 34
        elif length == 12:
            nanoseconds, seconds = struct.unpack(">Iq", body)
        else:
            raise DecodeError(f"a timestamp of {length} bytes")
        if nanoseconds >= 1_000_000_000:
            raise DecodeError("a timestamp with a second or more of nanoseconds")
        return timestamp(seconds, nanoseconds)


def timestamp(seconds: int, nanoseconds: int = 0) -> datetime:
    """The time so long after the epoch: a plain `datetime` where it is exact, else a `Timestamp`."""
    microseconds, rest = divmod(nanoseconds, 1_000)
    try:
        plain = EPOCH + timedelta(seconds=seconds, microseconds=microseconds)
    except OverflowError:
        raise DecodeError("a timestamp outside of the years 1 to 9999, which a `datetime` cannot hold") from None
    return _timestamp_of(plain.replace(tzinfo=None), rest) if rest else plain


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_SIZED = {
    0xC4: ("bin", ">B"),
    0xC5: ("bin", ">H"),
    0xC6: ("bin", ">I"),
    0xC7: ("ext", ">B"),
    0xC8: ("ext", ">H"),
    0xC9: ("ext", ">I"),
    0xD4: ("ext", 1),
    0xD5: ("ext", 2),
    0xD6: ("ext", 4),
    0xD7: ("ext", 8),
    0xD8: ("ext", 16),
    0xD9: ("str", ">B"),
    0xDA: ("str", ">H"),
    0xDB: ("str", ">I"),
    0xDC: ("array", ">H"),
    0xDD: ("array", ">I"),
    0xDE: ("map", ">H"),
    0xDF: ("map", ">I"),
}
