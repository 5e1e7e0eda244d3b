"""What a plugin says about the fields of a model: which Python type each has.

The wire knows text, numbers, bytes and times; which text is a date or a decimal, and which bytes are a UUID, is known
only here. Options such as `max_length` are the host's to check: they are taken, so that a declaration can be copied
from the application, and not used.
"""

import copy
import dataclasses
import json
from datetime import date, datetime, timezone
from decimal import Decimal as _Decimal
from decimal import InvalidOperation
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID as _UUID

from .msgpack import placed, within

_T = TypeVar("_T")

# So much of a wrong value is in the text of an error.
_SHOWN_MAX = 60

# So many levels a document may have, in the database too.
_JSON_DEPTH_MAX = 100


def key_from_wire(value):
    """A value of which nothing is declared: 16 bytes are a UUID, as a key is more often than a blob."""
    return _UUID(bytes=value) if isinstance(value, bytes) and len(value) == 16 else value


class Field(Generic[_T]):
    """A field of the wire's own types. The others derive from it."""

    if TYPE_CHECKING:
        # What checkers of types make of `post.title`: an instance has values in the place of its fields.
        def __get__(self, instance, owner) -> _T: ...

        def __set__(self, instance, value: _T | None) -> None: ...

    def __init__(self, *, default=None, primary_key=False, **options):
        self.default = default
        self.primary_key = primary_key
        self.options = options
        self.name = ""

    def __set_name__(self, owner, name):
        self.name = name

    @property
    def column(self) -> str:
        """The field's name on the wire."""
        return self.name

    def initial(self):
        """The value of an instance that says nothing about this field."""
        return self.default() if callable(self.default) else copy.deepcopy(self.default)

    def from_wire(self, value):
        """The Python value of what the host sent, which is not None."""
        return value

    def to_wire(self, value):
        """What the host is sent for this Python value, which is not None. Raises for one that is not the field's."""
        return value

    def _checked(self, value, kinds, what):
        """The value, which has one of these types. A boolean is no number here."""
        if isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool)):
            return value
        raise self._wrong(value, what, TypeError)

    def _parsed(self, value, kind, what):
        """The value, which has this type or is its text."""
        if not isinstance(value, str):
            return self._checked(value, kind, what)
        try:
            return kind.fromisoformat(value)
        except ValueError:
            raise self._wrong(value, what, ValueError) from None

    def _wrong(self, value, what, error):
        kind = "text" if isinstance(value, str) else type(value).__name__
        shown = repr(value) if len(repr(value)) <= _SHOWN_MAX else f"{repr(value)[:_SHOWN_MAX]}.."
        return error(f"`{self.name}` is {what}, found the {kind} {shown}")

    def __repr__(self):
        return f"fields.{type(self).__name__}({self.name!r})"


class String(Field[str]):
    """Text."""

    def to_wire(self, value):
        return self._checked(value, str, "a text")


class Text(String):
    """Text without a limit."""


class Integer(Field[int]):
    """An integer of at most 64 bits."""

    def to_wire(self, value):
        value = self._checked(value, int, "an integer")
        if not -(1 << 63) <= value < 1 << 63:
            raise OverflowError(f"`{self.name}` is an integer of at most 64 bits, found {value}")
        return value


class BigInteger(Integer):
    """The same as `Integer` here: the column's width is the host's business."""


class Boolean(Field[bool]):
    """True or false."""

    def to_wire(self, value):
        return self._checked(value, bool, "a boolean")


class Float(Field[float]):
    """A float. Integers and decimals become floats."""

    def to_wire(self, value):
        return float(self._checked(value, (float, int, _Decimal), "a float"))


class Decimal(Field[_Decimal]):
    """A `decimal.Decimal`, with its scale. Text and integers become decimals; a float has no scale."""

    def from_wire(self, value):
        return _Decimal(value) if isinstance(value, str) else value

    def to_wire(self, value):
        if isinstance(value, float):
            raise TypeError(f"`{self.name}` is a decimal, found the float {value!r}; use `Decimal({str(value)!r})`")
        value = self._checked(value, (_Decimal, str, int), "a decimal")
        try:
            exact = _Decimal(value)
        except InvalidOperation:
            raise self._wrong(value, "a decimal", ValueError) from None
        if not exact.is_finite():
            raise self._wrong(value, "a decimal", ValueError)
        return exact


class DateTime(Field[datetime]):
    """A `datetime` in UTC. A naive one is taken as UTC, and text is read as ISO 8601."""

    def to_wire(self, value):
        value = self._parsed(value, datetime, "a datetime")
        return value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)


class Date(Field[date]):
    """A `date`. A `datetime` becomes its date, and text is read as ISO 8601."""

    def from_wire(self, value):
        return date.fromisoformat(value) if isinstance(value, str) else value

    def to_wire(self, value):
        return value.date() if isinstance(value, datetime) else self._parsed(value, date, "a date")


class UUID(Field[_UUID]):
    """A `uuid.UUID`. Text that is one becomes one."""

    def from_wire(self, value):
        return key_from_wire(value)

    def to_wire(self, value):
        if isinstance(value, str):
            try:
                return _UUID(value)
            except ValueError:
                raise self._wrong(value, "a UUID", ValueError) from None
        return self._checked(value, _UUID, "a UUID")


class Binary(Field[bytes]):
    """Bytes."""

    def to_wire(self, value):
        return self._checked(value, (bytes, bytearray), "bytes")


class JSON(Field[Any]):
    """A JSON document: dicts, lists, text, numbers, booleans and None.

    What else an instance's `to_dict()` has in it goes as text: times in ISO 8601 and UTC, dates, UUIDs and decimals as
    they are written, bytes in hexadecimal. A dataclass is a dict of its fields. `docs/plugins.md` has the table.
    """

    def from_wire(self, value):
        # A copy, because the handler may change it in place.
        return copy.deepcopy(value)

    def to_wire(self, value):
        try:
            return _json(value, 0)
        except Exception as error:
            raise placed(error, self.name) from None


class ForeignKey(Field[Any]):
    """A row of another model: `await instance.post` is that row, `instance.post_id` its key."""

    def __init__(self, to, *, column=None, **options):
        super().__init__(**options)
        self.to = to
        self.given_column = column

    @property
    def column(self):
        return self.given_column or f"{self.name}_id"

    def from_wire(self, value):
        return key_from_wire(value)


class ManyToMany(Field[Any]):
    """A relation through a table of its own. It has no value in the instance: `m2m_changed` tells of its changes."""

    def __init__(self, to=None, **options):
        super().__init__(**options)
        self.to = to


def _json(value, depth):
    """The document with the text of what JSON does not have. An error in it knows where it is."""
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"JSON has no form for {value}")
        return value
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if depth > _JSON_DEPTH_MAX:
        raise ValueError(f"is nested deeper than {_JSON_DEPTH_MAX} levels, or contains itself")
    if isinstance(value, dict):
        return _json_entries(value.items(), depth)
    if isinstance(value, (list, tuple)):
        return _json_items(value, depth)
    if isinstance(value, (set, frozenset)):
        return sorted(_json_items(value, depth))
    if isinstance(value, datetime):
        return _time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, _UUID):
        return str(value)
    if isinstance(value, _Decimal):
        if not value.is_finite():
            raise ValueError(f"JSON has no form for {value}")
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if hasattr(value, "to_dict"):
        return _json(value.to_dict(), depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _json_entries(((one.name, getattr(value, one.name)) for one in dataclasses.fields(value)), depth)
    raise TypeError(f"a `{type(value).__name__}` has no form in JSON; convert it first")


def _json_entries(entries, depth):
    found, key = {}, ""
    try:
        for key, item in entries:
            found[key if isinstance(key, str) else _json_key(key)] = _json(item, depth + 1)
    except Exception as error:
        raise within(error, f".{key}")
    return found


def _json_items(items, depth):
    found = []
    try:
        for item in items:
            found.append(_json(item, depth + 1))
    except Exception as error:
        raise within(error, f"[{len(found)}]")
    return found


def _json_key(key):
    """As `json.dumps` writes keys that are not text: `True` is `"true"`."""
    plain = _json(key, 0)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _time_text(value):
    """As the host writes a time: in UTC, with 0, 3, 6 or 9 digits behind the second."""
    utc = value if value.tzinfo is None else value.astimezone(timezone.utc)
    text = utc.replace(tzinfo=None, microsecond=0).isoformat()
    nanoseconds = value.microsecond * 1_000 + getattr(value, "nanosecond", 0)
    digits = f"{nanoseconds:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z" if digits else f"{text}Z"
