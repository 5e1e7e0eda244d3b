"""The golden payloads of the contract: every value at its limits, every message."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from aksara import msgpack

GOLDEN = json.loads((Path(__file__).parents[3] / "wit/golden/index.json").read_text(encoding="utf-8"))


def plain(value):
    """A decoded value as the index writes it."""
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
        nanoseconds = value.microsecond * 1_000 + getattr(value, "nanosecond", 0)
        fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
        return {"$timestamp": f"{text}{fraction}Z"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def exact(value):
    """An entry of the index without the forms that JSON's own numbers need."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, text),) = value.items()
        if kind == "$int":
            return int(text)
        if kind == "$float":
            return float(text)
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return value


DECODED = [entry for entry in GOLDEN if "value" in entry]
REFUSED = [entry for entry in GOLDEN if "refused" in entry]


@pytest.mark.parametrize("entry", DECODED, ids=lambda entry: entry["name"])
def test_what_is_decoded_is_what_the_index_says(entry):
    data = bytes.fromhex(entry["hex"])
    decoded = msgpack.unpack(data)
    # `repr` tells -0.0 from 0.0, True from 1, and is the same for all NaN.
    assert repr(sort(plain(decoded))) == repr(sort(exact(entry["value"])))
    again = msgpack.pack(decoded)
    assert repr(msgpack.unpack(again)) == repr(decoded)
    if entry["kind"] != "accepted":
        assert again == data


def sort(value):
    if isinstance(value, dict):
        return {key: sort(value[key]) for key in sorted(value)}
    return [sort(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry["name"])
def test_what_is_no_value_is_refused(entry):
    with pytest.raises(msgpack.DecodeError):
        msgpack.unpack(bytes.fromhex(entry["hex"]))


def test_a_naive_time_is_utc():
    naive = datetime(2026, 3, 1, 12)
    assert msgpack.pack(naive) == msgpack.pack(naive.replace(tzinfo=timezone.utc))


def test_what_has_no_form_is_named():
    with pytest.raises(TypeError, match="a `complex` cannot be sent"):
        msgpack.pack({"number": 1j})
    with pytest.raises(OverflowError, match="more than 64 bits"):
        msgpack.pack(1 << 64)
