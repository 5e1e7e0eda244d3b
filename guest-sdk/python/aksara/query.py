"""Questions and orders to the models of the application: `Post.objects.filter(stars__gte=3).order_by("-stars")`.

A query set is not sent before it is awaited. Each operation needs its grant on the model.
"""

from collections.abc import AsyncIterator, Generator
from typing import Any, Generic, TypeVar

from . import host
from .errors import DoesNotExist, MultipleObjectsReturned

_M = TypeVar("_M")

_OPERATORS = {
    "exact": "eq",
    "ne": "ne",
    "lt": "lt",
    "lte": "le",
    "gt": "gt",
    "gte": "ge",
    "in": "in",
    "isnull": "is_null",
    "contains": "contains",
    "startswith": "starts_with",
}

_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/"}

# Models whose signals are disabled, as often as `SignalContext` was entered.
_muted: list = []


def is_muted(model) -> bool:
    """Whether what the plugin saves of this model is to send no signals."""
    return any(muted is None or muted is model for muted in _muted)


class F:
    """The present value of a field, for updates: `update(view_count=F("view_count") + 1)`."""

    def __init__(self, field: str):
        self.field = field

    def __add__(self, value):
        return Expression(self.field, "add", value)

    def __radd__(self, value):
        return Expression(self.field, "add", value)

    def __sub__(self, value):
        return Expression(self.field, "sub", value)

    def __mul__(self, value):
        return Expression(self.field, "mul", value)

    def __rmul__(self, value):
        return Expression(self.field, "mul", value)

    def __truediv__(self, value):
        return Expression(self.field, "div", value)

    def __repr__(self):
        return f"F({self.field!r})"


class Expression:
    """A field and one operation on it, which the database carries out."""

    def __init__(self, field, op, value):
        if isinstance(value, (F, Expression)):
            raise TypeError('an expression is one field and one constant, such as `F("stars") + 1`')
        self.field, self.op, self.value = field, op, value

    def _refuse(self, _):
        raise TypeError(f"`{self!r}` is one operation already, and no more than one can be sent")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _refuse

    def __repr__(self):
        return f"F({self.field!r}) {_ARITHMETIC[self.op]} {self.value!r}"


class Q:
    """A condition that can be combined: `Q(stars__gte=3) | Q(title__startswith="A")`, `~Q(slug="")`."""

    def __init__(self, *others, **lookups):
        self.others, self.lookups = others, lookups

    def _wire(self, meta) -> dict:
        parts = [other._wire(meta) for other in self.others]
        parts += [_lookup(meta, name, value) for name, value in self.lookups.items()]
        return parts[0] if len(parts) == 1 else {"and": parts}

    def __and__(self, other):
        return Q(self, other)

    def __or__(self, other):
        return _Either(self, other)

    def __invert__(self):
        return _Not(self)


class _Either(Q):
    def _wire(self, meta):
        return {"or": [other._wire(meta) for other in self.others]}


class _Not(Q):
    def _wire(self, meta):
        return {"not": self.others[0]._wire(meta)}


def _lookup(meta, name, value) -> dict:
    """`stars__gte=3` as the host takes it."""
    field, _, operator = name.partition("__")
    column = meta.column(field)
    if operator == "range":
        least, most = value
        return Q(**{f"{field}__gte": least, f"{field}__lte": most})._wire(meta)
    if operator and operator not in _OPERATORS:
        known = "`, `".join([*_OPERATORS, "range"])
        raise TypeError(f"`{name}` has no operator that is known; there are `{known}`, and none follows relations")
    if not operator and value is None:
        operator, value = "isnull", True
    if operator == "isnull":
        sent = bool(value)
    elif operator == "in":
        sent = [meta.to_wire(column, item) for item in value]
    else:
        sent = meta.to_wire(column, value)
    return {"field": column, "op": _OPERATORS[operator or "exact"], "value": sent}


class QuerySet(Generic[_M]):
    """The instances that a filter selects. Its methods make a new one; awaiting it is a list. Grant: `find`."""

    def __init__(self, model, conditions=(), order=(), limit=None):
        self.model, self._conditions, self._order, self._limit = model, conditions, order, limit

    def _with(self, **parts) -> "QuerySet[_M]":
        now = {"conditions": self._conditions, "order": self._order, "limit": self._limit}
        return QuerySet(self.model, **{**now, **parts})

    def all(self) -> "QuerySet[_M]":
        """The same."""
        return self._with()

    def filter(self, *conditions, **lookups) -> "QuerySet[_M]":
        """Those of them that all conditions hold for."""
        return self._with(conditions=(*self._conditions, Q(*conditions, **lookups)))

    def exclude(self, *conditions, **lookups) -> "QuerySet[_M]":
        """Those of them that the conditions do not all hold for."""
        return self._with(conditions=(*self._conditions, ~Q(*conditions, **lookups)))

    def order_by(self, *names) -> "QuerySet[_M]":
        """In the order of these fields, descending with a leading `-`."""
        meta = self.model._meta
        order = [("-" if name.startswith("-") else "") + meta.column(name.lstrip("-")) for name in names]
        return self._with(order=tuple(order))

    def limit(self, count: int) -> "QuerySet[_M]":
        """At most so many of them."""
        return self._with(limit=count)

    def __getitem__(self, part: slice) -> "QuerySet[_M]":
        if not isinstance(part, slice) or part.start or part.step or part.stop is None or part.stop < 0:
            raise TypeError("a query set takes `[:n]`, the first n instances")
        return self.limit(part.stop)

    def _request(self, fields=False, **more) -> dict:
        meta = self.model._meta
        request = {"model": meta.label, **more}
        if self._conditions:
            request["filter"] = Q(*self._conditions)._wire(meta)
        reads = meta.reads() if fields else None
        if reads is not None:
            request["fields"] = reads
        return request

    def _whole(self, operation):
        if self._order or self._limit is not None:
            raise TypeError(f"`{operation}` works on all that the filter selects, without order and limit")

    async def _rows(self) -> list[_M]:
        request = self._request(fields=True)
        if self._order:
            request["order_by"] = list(self._order)
        if self._limit is not None:
            request["limit"] = self._limit
        return [self.model._loaded(row) for row in host.ask("models", "find", request)]

    def __await__(self) -> Generator[Any, Any, list[_M]]:
        return self._rows().__await__()

    async def __aiter__(self) -> AsyncIterator[_M]:
        for row in await self._rows():
            yield row

    async def first(self) -> _M | None:
        """The first instance, or None."""
        rows = await self.limit(1)
        return rows[0] if rows else None

    async def get(self, *conditions, **lookups) -> _M:
        """The one instance that the conditions hold for. Raises `DoesNotExist` and `MultipleObjectsReturned`."""
        rows = await self.filter(*conditions, **lookups).limit(2)
        if not rows:
            raise DoesNotExist(f"no `{self.model._meta.label}` is {lookups}")
        if len(rows) > 1:
            raise MultipleObjectsReturned(f"more than one `{self.model._meta.label}` is {lookups}")
        return rows[0]

    async def count(self) -> int:
        """The number of them. Grant: `count`."""
        self._whole("count")
        return host.ask("models", "count", self._request())

    async def exists(self) -> bool:
        """Whether there is one. Grant: `count`."""
        return await self.count() > 0

    async def update(self, **values) -> int:
        """Writes values and expressions in one statement, without signals; the number of rows. Grant: `update`."""
        self._whole("update")
        request = self._request(**_changes(self.model._meta, values))
        request.setdefault("filter", {"and": []})
        return host.ask("models", "update", request)

    async def delete(self) -> int:
        """Deletes them, with their signals and their cascade; the number of rows. Grant: `delete`."""
        self._whole("delete")
        _refuse_muted(self.model, "delete")
        request = self._request()
        request.setdefault("filter", {"and": []})
        return host.ask("models", "delete", request)

    def __repr__(self):
        return f"<the `{self.model._meta.label}` of a query, not awaited>"


class Manager(QuerySet[_M]):
    """`Post.objects`: all instances of a model, and what concerns one of them."""

    async def create(self, **values) -> _M:
        """Saves a new instance, with its signals; what it is then. Grant: `create`."""
        _refuse_muted(self.model, "create")
        meta, wire = self.model._meta, {}
        for name, value in values.items():
            column = meta.column(name)
            wire[column] = meta.to_wire(column, value)
        return self.model._loaded(host.ask("models", "create", {"model": meta.label, "values": wire}))

    async def get(self, *keys, **lookups) -> _M:
        """One instance, by `get(key)`, `get(id=key)` (grant: `get`) or other conditions (grant: `find`).

        Raises `DoesNotExist` and `MultipleObjectsReturned`.
        """
        meta = self.model._meta
        if len(keys) == 1 and not lookups and not isinstance(keys[0], Q):
            key = keys[0]
        elif not keys and len(lookups) == 1 and meta.column(next(iter(lookups))) == meta.key:
            key = next(iter(lookups.values()))
        else:
            return await super().get(*keys, **lookups)
        found = await self.get_or_none(key)
        if found is None:
            raise DoesNotExist(f"no `{meta.label}` has the key {key!r}")
        return found

    async def get_or_none(self, key) -> _M | None:
        """The instance with this key, or None. Grant: `get`."""
        meta = self.model._meta
        request = {"model": meta.label, "key": meta.to_wire(meta.key, key)}
        if meta.reads() is not None:
            request["fields"] = meta.reads()
        row = host.ask("models", "get", request)
        return None if row is None else self.model._loaded(row)

    async def update_one(self, key, **values) -> int:
        """Saves values and expressions of the instance with this key, with its signals; the number of rows.

        With `F`, as in `update_one(7, views=F("views") + 1)`, nothing is lost that others write at the same time.
        Grant: `update`.
        """
        meta = self.model._meta
        if is_muted(self.model):
            return await self.filter(pk=key).update(**values)
        request = {"model": meta.label, "key": meta.to_wire(meta.key, key), **_changes(meta, values)}
        return host.ask("models", "update", request)


def _changes(meta, values) -> dict:
    """What is written: values, and what the database computes."""
    plain, expressions = {}, {}
    for name, value in values.items():
        column = meta.column(name)
        if isinstance(value, F):
            raise TypeError(f"`{name}={value!r}` changes nothing; use an operation, such as `{value!r} + 1`")
        if isinstance(value, Expression):
            constant = meta.to_wire(column, value.value)
            expressions[column] = {"field": meta.column(value.field), "op": value.op, "value": constant}
        else:
            plain[column] = meta.to_wire(column, value)
    return {"values": plain, **({"expressions": expressions} if expressions else {})}


def _refuse_muted(model, operation):
    """The host sends the signals of creates and deletes, whatever a plugin asks for."""
    if is_muted(model):
        label = model._meta.label
        raise TypeError(f"`{operation}` of `{label}` cannot be done without signals; only `save` and `update` can")
