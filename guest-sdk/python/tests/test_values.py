"""Values inside of documents: one form for each, and an error with its place for what has none. And what is raised."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from uuid import UUID

import pytest

from aksara import Model, ValidationError, fields, msgpack, runtime
from aksara.errors import Rejected
from aksara.signals import pre_save


class Row(Model):
    text = fields.String()
    time = fields.DateTime()
    meta = fields.JSON()


class Undeclared(Model):
    pass


@dataclass
class Point:
    x: int
    at: date


class Level(IntEnum):
    HIGH = 3


class Bad:
    def __str__(self):
        raise OSError("no text")


UTC = timezone.utc

# As `docs/plugins.md` has it, and as the host writes what the other SDKs send.
FORMS = [
    (datetime(2020, 5, 1, 10, tzinfo=UTC), "2020-05-01T10:00:00Z"),
    (datetime(2020, 5, 1, 10), "2020-05-01T10:00:00Z"),
    (datetime(2020, 5, 1, 12, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=2))), "2020-05-01T10:00:00.500Z"),
    (datetime(2020, 5, 1, 10, 0, 0, 123_456, tzinfo=UTC), "2020-05-01T10:00:00.123456Z"),
    (msgpack.timestamp(0, 1), "1970-01-01T00:00:00.000000001Z"),
    (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    (date(2020, 5, 1), "2020-05-01"),
    (UUID("0192A000-0000-7000-8000-0000000000FF"), "0192a000-0000-7000-8000-0000000000ff"),
    (b"\x00\xff", "00ff"),
    (bytes(16), "0" * 32),
    (Decimal("19.90"), "19.90"),
    (Decimal("1E+3"), "1000"),
    (1.0, 1.0),
    ((1, None), [1, None]),
    ({"b", "a"}, ["a", "b"]),
    (Point(1, date(2020, 5, 1)), {"x": 1, "at": "2020-05-01"}),
    (Level.HIGH, 3),
    (Row(text="a"), {"text": "a", "time": None, "meta": None, "id": None}),
    ({1: True, None: 2, True: 3}, {"1": 3, "null": 2}),
]


@pytest.mark.parametrize(("value", "form"), FORMS, ids=lambda value: str(value)[:30])
def test_a_value_inside_json_has_one_form(value, form):
    row = Row._loaded({"meta": None})
    row.meta = {"at": [value]}
    sent = msgpack.unpack(msgpack.pack(row._changes()))
    assert json.dumps(sent["meta"]) == json.dumps({"at": [form]})


ROUND = []
ROUND.append(ROUND)
DEEP = json.loads("[" * 150 + "]" * 150)

MISTAKES = [
    ({"items": [1, {"at": 1j}]}, TypeError, "`meta.items[1].at`: a `complex` has no form in JSON"),
    ({"items": [0.5, float("nan")]}, ValueError, "`meta.items[1]`: JSON has no form for nan"),
    ({"a": float("-inf")}, ValueError, "`meta.a`: JSON has no form for -inf"),
    ({"a": Decimal("NaN")}, ValueError, "`meta.a`: JSON has no form for NaN"),
    ({"a": 1 << 64}, OverflowError, "`meta.a`: the integer 18446744073709551616 has more than 64 bits"),
    ({"text": "hello \ud83d"}, ValueError, "`meta.text`: the text has half of a character at 6"),
    ({"go": print}, TypeError, "`meta.go`: a `builtin_function_or_method` has no form in JSON"),
    (ROUND, ValueError, "is nested deeper than 100 levels, or contains itself"),
    (DEEP, ValueError, "is nested deeper than 100 levels, or contains itself"),
]


@pytest.mark.parametrize(("value", "error", "text"), MISTAKES, ids=lambda value: str(value)[:30])
def test_what_json_has_no_form_for_is_an_error_with_its_place(value, error, text):
    with pytest.raises(error) as caught:
        Row._loaded({"meta": None}).meta = value
    assert text in str(caught.value)


def test_what_the_wire_has_no_form_for_is_an_error_with_its_place():
    with pytest.raises(ValueError, match="^`text`: the text has half of a character at 0"):
        Row._loaded({}).text = "\ud83d"
    with pytest.raises(TypeError, match=r"^`data\.a\[1\]`: a `complex` cannot be sent"):
        Undeclared._loaded({}).data = {"a": [0, 1j]}
    with pytest.raises(TypeError, match=r"^`data\.1`: a key of a map is not text"):
        Undeclared._loaded({}).data = {1: 2}
    with pytest.raises(ValueError, match="nested too deep, or contains itself"):
        Undeclared._loaded({}).data = ROUND


def failed(handler, **fields):
    """What the host is told when this handler fails."""
    pre_save.connect(handler, sender=Row, name=f"handler_{len(runtime.signals.connections())}")
    event = {"signal": "pre_save", "sender": "Row", "instance": {"id": 1, **fields}}
    succeeded, answer = runtime.handle(len(runtime.signals.connections()) - 1, msgpack.pack(event))
    assert not succeeded
    return msgpack.unpack(answer)


def raising(error):
    def handler(sender, instance):
        raise error

    return failed(handler)


def test_a_change_in_place_is_an_error_with_its_place():
    def handler(sender, instance):
        instance.meta["items"][0]["at"] = {1j}

    assert "`meta.items[0].at[0]`: a `complex` has no form" in failed(handler, meta={"items": [{}]})["error"]


def test_no_text_can_keep_a_failure_from_being_told():
    cut = json.loads('"hello \\ud83d"')
    assert raising(ValueError(f"too long: {cut}"))["error"].endswith("ValueError: too long: hello \\ud83d")
    assert raising(Rejected(cut)) == {"reject": "hello \\ud83d"}
    assert raising(ValidationError(text=cut)) == {"invalid": {"text": ["hello \\ud83d"]}}
    assert "<exception str() failed>" in raising(RuntimeError(Bad()))["error"]
    assert "whose text cannot be made: a `OSError`" in raising(Rejected(Bad()))["error"]


def test_causes_groups_and_notes_are_told():
    def handler(sender, instance):
        try:
            raise KeyError("the real reason")
        except KeyError as error:
            outer = ExceptionGroup("several", [ValueError("first"), OSError("second")])
            outer.add_note("as noted")
            raise outer from error

    text = failed(handler)["error"]
    for part in ("KeyError: 'the real reason'", "direct cause", "several", "ValueError: first", "OSError: second", "as noted"):
        assert part in text
    assert "aksara/runtime.py" not in text


def test_a_circle_of_causes_ends():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert "first" in raising(first)["error"]
