"""What a plugin says about the fields of a model: which Python type each has.

The wire knows text, numbers, bytes and times; which text is a date or a decimal, and which bytes are a UUID, is known
only here. Options such as `max_length` are the host's to check: they are taken, so that a declaration can be copied
from the application, and not used.
"""

import copy
import json
from datetime import date, datetime, timezone
from decimal import Decimal as _Decimal
from decimal import InvalidOperation
from uuid import UUID as _UUID


def key_from_wire(value):
    """A value of which nothing is declared: 16 bytes are a UUID, as a key is more often than a blob."""
    return _UUID(bytes=value) if isinstance(value, bytes) and len(value) == 16 else value


class Field:
    """A field of the wire's own types. The others derive from it."""

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
        """What the host is sent for this Python value, which is not None."""
        return value

    def __repr__(self):
        return f"fields.{type(self).__name__}({self.name!r})"


class String(Field):
    """Text."""


class Text(String):
    """Text without a limit."""


class Integer(Field):
    """An integer of at most 64 bits."""


class BigInteger(Integer):
    """The same as `Integer` here: the column's width is the host's business."""


class Boolean(Field):
    """True or false."""


class Float(Field):
    """A float."""

    def to_wire(self, value):
        return float(value) if isinstance(value, (int, _Decimal)) and not isinstance(value, bool) else value


class Decimal(Field):
    """A `decimal.Decimal`, with its scale."""

    def from_wire(self, value):
        return _Decimal(value) if isinstance(value, str) else value

    def to_wire(self, value):
        if isinstance(value, str):
            try:
                value = _Decimal(value)
            except InvalidOperation:
                raise ValueError(f"`{self.name}` is a decimal, found the text {value!r}") from None
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class DateTime(Field):
    """A `datetime` in UTC. A naive one is taken as UTC."""

    def to_wire(self, value):
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value


class Date(Field):
    """A `date`."""

    def from_wire(self, value):
        return date.fromisoformat(value) if isinstance(value, str) else value

    def to_wire(self, value):
        return value.date() if isinstance(value, datetime) else value


class UUID(Field):
    """A `uuid.UUID`."""

    def from_wire(self, value):
        return key_from_wire(value)

    def to_wire(self, value):
        return _UUID(value) if isinstance(value, str) else value


class Binary(Field):
    """Bytes."""


class JSON(Field):
    """A JSON document: dicts, lists, text, numbers, booleans and None.

    What else an instance's `to_dict()` has in it goes as text: times and dates in ISO 8601, UUIDs and decimals as
    they are written, bytes in hexadecimal.
    """

    def from_wire(self, value):
        # A copy, because the handler may change it in place.
        return copy.deepcopy(value)

    def to_wire(self, value):
        return _json(value)


class ForeignKey(Field):
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


class ManyToMany(Field):
    """A relation through a table of its own. It has no value in the instance: `m2m_changed` tells of its changes."""

    def __init__(self, to=None, **options):
        super().__init__(**options)
        self.to = to


def _json(value):
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _json_key(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_json(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (_UUID, _Decimal)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if hasattr(value, "to_dict"):
        return _json(value.to_dict())
    raise TypeError(f"a `{type(value).__name__}` has no form in JSON; convert it first")


def _json_key(key):
    """As `json.dumps` writes keys that are no text: `True` is `"true"`."""
    plain = _json(key)
    return plain if isinstance(plain, str) else json.dumps(plain)
