"""Models and their instances, as handlers see them.

An instance of an event holds what the host sent, and converts a field when it is first read. What goes back is what
differs from that at the end, so changing a JSON document in place counts as well, and assigning the value that is
there does not.
"""

from typing import TypeVar

from . import fields, host, msgpack
from .errors import DoesNotExist
from .meta import Meta, register, related_model
from .query import Manager, is_muted

_M = TypeVar("_M")


class ModelType(type):
    """Takes the fields out of the class: an instance has values in their place."""

    def __new__(mcs, name, bases, namespace):
        inherited = {}
        for base in reversed(bases):
            inherited.update(getattr(base, "_declared", {}))
        own = {key: value for key, value in namespace.items() if isinstance(value, fields.Field)}
        options = namespace.get("Meta")
        kept = {key: value for key, value in namespace.items() if key not in own and key != "Meta"}
        cls = super().__new__(mcs, name, bases, kept)
        for key, field in own.items():
            field.__set_name__(cls, key)
        cls._declared = {**inherited, **own}
        cls._meta = Meta(name, options, cls._declared)
        if bases:
            register(cls)
        return cls


class _Objects:
    """`Post.objects`: a new manager each time, none on an instance."""

    def __get__(self, instance, model: type[_M]) -> Manager[_M]:
        if instance is not None:
            raise AttributeError("`objects` belongs to the model, not to its instances")
        return Manager(model)


class Model(metaclass=ModelType):
    """A model of the application. `class Post(Model)` declares the fields that handlers read.

    The label is the name of the class; `class Meta: label = "blog.Post"` says otherwise. The key is the field with
    `primary_key=True`, and `id` where there is none.
    """

    objects = _Objects()
    DoesNotExist = DoesNotExist

    def __init__(self, **values):
        state = self.__dict__
        state.update(_wire={}, _values={}, _read={}, _related={}, _stored=False)
        for column, field in self._meta.fields.items():
            state["_values"][column] = field.initial()
        state["_values"].setdefault(self._meta.key, None)
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def _loaded(cls, wire: dict, stored: bool = True) -> "Model":
        """An instance with what the host sent."""
        instance = cls.__new__(cls)
        instance.__dict__.update(_wire=wire, _values={}, _read={}, _related={}, _stored=stored)
        return instance

    def __getattr__(self, name):
        # Only called for what is no attribute of the class: the fields.
        if name.startswith("_"):
            raise AttributeError(name)
        values, read, wire, meta = self._values, self._read, self._wire, self._meta
        if name in values:
            return values[name]
        if name in read:
            return read[name]
        if name in wire:
            read[name] = value = meta.from_wire(name, wire[name])
            return value
        if name in meta.relations or f"{name}_id" in values or f"{name}_id" in wire:
            return Related(self, name)
        raise AttributeError(self._missing(name), name=name, obj=self)

    def _missing(self, name) -> str:
        """Why there is no such field."""
        meta, there = self._meta, sorted({*self._wire, *self._values})
        listed = ", ".join(f"`{column}`" for column in there) or "none"
        text = f"`{meta.label}` has no field `{name}` here; there are {listed}"
        if name in meta.fields:
            return f"{text}; name it in the `reads` of the handler"
        return f"{text}; declare `{name}` in `class {type(self).__name__}(Model)`" if meta.declared else text

    def __setattr__(self, name, value):
        if name.startswith("_") or isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
            return
        column = self._meta.column(name)
        self._related.clear()
        if isinstance(value, Model):
            column = column if name in self._meta.relations else f"{name}_id"
            self._related[name] = value
            value = value.pk
        # Here the stack trace still shows the author's line.
        self._meta.check(column, value)
        self._values[column] = value

    def __dir__(self):
        # Also what Python looks through for "Did you mean".
        return {*super().__dir__(), *self._wire, *self._values, *self._meta.relations}

    def __delattr__(self, name):
        raise AttributeError(f"the field `{name}` cannot be deleted; set it to None")

    @property
    def pk(self):
        """The value of the key; None before the first save."""
        return getattr(self, self._meta.key, None)

    @pk.setter
    def pk(self, value):
        setattr(self, self._meta.key, value)

    def to_dict(self) -> dict:
        """The fields by name, as Python values."""
        names = [*self._wire, *(name for name in self._values if name not in self._wire)]
        return {name: getattr(self, name) for name in names}

    def changed_fields(self) -> list[str]:
        """Names of the fields that differ from what was loaded."""
        return list(self._changes())

    def _changes(self) -> dict:
        """The fields that differ from what was loaded, as the host takes them."""
        wire, changed = self._wire, {}
        # What was only read is as the host sent it, unless it can be changed in place.
        documents = {name: value for name, value in self._read.items() if isinstance(value, (dict, list))}
        for name, value in {**documents, **self._values}.items():
            sent = self._meta.to_wire(name, value)
            if name not in wire or not _same(sent, wire[name]):
                changed[name] = sent
        return changed

    async def save(self, update_fields=None) -> None:
        """Saves what changed, with the signals of a save: a new instance is created, another updated by its key.

        Grants: `create`, `update`. Inside `SignalContext.disable_for` an update sends no signals.
        """
        meta, changes = self._meta, self._changes()
        if update_fields is not None:
            named = {meta.column(name) for name in update_fields}
            changes = {name: value for name, value in changes.items() if name in named}
        if not self._stored:
            values = {name: value for name, value in changes.items() if name != meta.key or value is not None}
            created = await Manager(type(self)).create(**values)
            self._wire.update(created._wire)
            self._values.clear()
            self._read.clear()
            self.__dict__["_stored"] = True
            return
        changes.pop(meta.key, None)
        if changes:
            key = meta.to_wire(meta.key, self.pk)
            request = {"model": meta.label, "values": changes}
            if is_muted(type(self)):
                request["filter"] = {"field": meta.key, "op": "eq", "value": key}
            else:
                request["key"] = key
            if host.ask("models", "update", request) == 0:
                raise DoesNotExist(f"no `{meta.label}` has the key {self.pk!r}")
            self._wire.update(changes)

    async def delete(self) -> int:
        """Deletes the row, with the signals and the cascade; the number of rows. Grant: `delete`."""
        return await Manager(type(self)).filter(pk=self.pk).delete()

    def __eq__(self, other):
        if not isinstance(other, Model) or other._meta.label != self._meta.label:
            return NotImplemented
        return self is other or (self.pk is not None and self.pk == other.pk)

    def __hash__(self):
        return hash((self._meta.label, self.pk))

    def __repr__(self):
        return f"{type(self).__name__}({self._meta.key}={self.pk!r})"


class Related:
    """The row that a foreign key points to, when awaited: `post = await comment.post`. Grant: `get` on its model."""

    def __init__(self, instance: Model, name: str):
        self._instance = instance
        self._name = name

    def __await__(self):
        return self._row().__await__()

    async def _row(self):
        instance, name = self._instance, self._name
        if name not in instance._related:
            relation = instance._meta.relations.get(name)
            key = getattr(instance, relation.column if relation else f"{name}_id")
            model = related_model(type(instance), name, relation and relation.to)
            instance._related[name] = None if key is None else await model.objects.get_or_none(key)
        return instance._related[name]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        text = f"`{self._name}` is read from the host: `(await instance.{self._name}).{name}`"
        raise AttributeError(text)

    def __repr__(self):
        return f"<`{self._name}` of {self._instance!r}, not awaited>"


def _same(one, other) -> bool:
    """Whether both are the same to the host: for Python `1 == True == 1.0`."""
    if one is other:
        return True
    try:
        return msgpack.pack(one) == msgpack.pack(other)
    except (TypeError, ValueError, OverflowError):
        return False
