"""An author's mistakes: each is an exception in Python's own terms, at the line that makes it."""

from pathlib import Path

import pytest

import aksara
from aksara import F, Model, fields, msgpack, runtime
from aksara.host import Refusal
from aksara.signals import pre_save


class Author(Model):
    name = fields.String()


class Row(Model):
    text = fields.String()
    integer = fields.Integer()
    float = fields.Float()
    boolean = fields.Boolean()
    bytes = fields.Binary()
    decimal = fields.Decimal()
    time = fields.DateTime()
    date = fields.Date()
    uuid = fields.UUID()
    json = fields.JSON()
    author = fields.ForeignKey(Author)


class Undeclared(Model):
    pass


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", 7, "`text` is a text, found the int 7"),
        ("integer", "seven", "`integer` is an integer, found the text 'seven'"),
        ("integer", 7.0, "`integer` is an integer, found the float 7.0"),
        ("integer", True, "`integer` is an integer, found the bool True"),
        ("integer", 1 << 63, "`integer` is an integer of at most 64 bits, found 9223372036854775808"),
        ("float", "1.5", "`float` is a float, found the text '1.5'"),
        ("boolean", 1, "`boolean` is a boolean, found the int 1"),
        ("bytes", "text", "`bytes` is bytes, found the text 'text'"),
        ("decimal", "one", "`decimal` is a decimal, found the text 'one'"),
        ("decimal", "NaN", "`decimal` is a decimal, found the text 'NaN'"),
        ("decimal", 0.1, "`decimal` is a decimal, found the float 0.1; use `Decimal('0.1')`"),
        ("time", 1_700_000_000, "`time` is a datetime, found the int 1700000000"),
        ("time", "noon", "`time` is a datetime, found the text 'noon'"),
        ("date", "today", "`date` is a date, found the text 'today'"),
        ("uuid", b"bytes", "`uuid` is a UUID, found the bytes b'bytes'"),
        ("uuid", "x", "`uuid` is a UUID, found the text 'x'"),
        ("json", {"a": 1j}, "`json.a`: a `complex` has no form in JSON; convert it first"),
        ("text", ["x" * 100], "`text` is a text, found the list ['" + "x" * 58 + ".."),
    ],
)
def test_a_value_of_a_wrong_type_is_an_error_where_it_is_assigned(field, value, message):
    row = Row._loaded({field: None})
    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
        setattr(row, field, value)
    assert str(caught.value) == message
    assert row.changed_fields() == []


def test_a_value_that_has_no_form_is_an_error_without_a_declaration_as_well():
    with pytest.raises(TypeError, match="`name`: a `complex` cannot be sent to the host; convert it first"):
        Undeclared._loaded({}).name = 1j
    with pytest.raises(OverflowError, match="`name`: the integer 18446744073709551616 has more than 64 bits"):
        Undeclared._loaded({}).name = 1 << 64


def test_queries_take_values_of_the_fields_types(host, run):
    with pytest.raises(TypeError, match="`integer` is an integer, found the text '3'"):
        Row.objects.filter(integer__gte="3")._request()
    with pytest.raises(TypeError, match="`integer` is an integer, found the text '3'"):
        run(Row.objects.create(integer="3"))
    with pytest.raises(TypeError, match="`integer` is an integer, found the text '1'"):
        run(Row.objects.update(integer=F("integer") + "1"))
    assert host.requests == []


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        # Declared, and not among the `reads` of this handler.
        (Row, "integer", "here; there are `id`, `text`; name it in the `reads` of the handler"),
        # Not declared: the handler reads what is.
        (Row, "txt", "here; there are `id`, `text`; declare `txt` in `class Row(Model)`"),
        # All that the application has.
        (Undeclared, "txt", "here; there are `id`, `text`"),
    ],
)
def test_a_field_that_is_not_there_is_an_attribute_error_with_those_that_are(model, name, message):
    row = model._loaded({"text": "x", "id": 1})
    assert not hasattr(row, name)
    with pytest.raises(AttributeError) as caught:
        getattr(row, name)
    assert str(caught.value) == f"`{model._meta.label}` has no field `{name}` {message}"


def failure_of(handler, model=Row, row=None):
    """The error that a handler fails with, as the host gets it."""
    pre_save.connect(handler, sender=model)
    event = {"v": 0, "signal": "pre_save", "sender": model._meta.label, "instance": row or {"id": 1, "text": "x"}}
    succeeded, answer = runtime.handle(0, msgpack.pack(event))
    assert not succeeded
    return msgpack.unpack(answer)["error"]


def test_the_stack_trace_ends_at_the_authors_line():
    def helper(instance):
        instance.integer = "seven"

    def handler(sender, instance):
        helper(instance)

    trace = failure_of(handler)
    assert 'test_mistakes.py", line ' in trace and 'in helper\n    instance.integer = "seven"\n' in trace
    # The folder of the repository may be called `aksara` too.
    assert str(Path(aksara.__file__).parent) not in trace and trace.endswith("TypeError: `integer` is an integer, found the text 'seven'")


def test_a_handler_with_a_wrong_signature_is_a_type_error():
    def handler(instance):
        pass

    assert "takes 1 positional argument but 2 were given" in failure_of(handler)


def test_a_coroutine_that_waits_for_something_else_is_told_why():
    import asyncio

    async def handler(sender, instance):
        await asyncio.sleep(1)

    # In a component `asyncio.sleep` says so itself.
    assert failure_of(handler).rpartition("\n")[2].startswith("RuntimeError: no running event loop")


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (lambda: Row.objects.get(1), 'models = { Row = ["get"] }'),
        (lambda: Row.objects.filter(integer=1).update(text="x"), 'models = { Row = ["update"] }'),
        (lambda: aksara.service("mail.send")(), 'services = ["mail.send"]'),
        (lambda: aksara.signals.Signal("shop.closed").send(), 'signals = ["shop.closed"]'),
    ],
)
def test_a_grant_that_is_missing_is_named_as_the_manifest_asks_for_it(host, run, ask, line):
    def deny(*_):
        raise Refusal(msgpack.pack({"error": "it is not granted"}))

    host.request = deny

    async def handler(sender, instance):
        await ask()

    trace = failure_of(handler).splitlines()
    assert trace[-2] == "aksara.errors.NotGranted: it is not granted"
    assert trace[-1].endswith(f"below `[tool.aksara.grants]`: {line}")
