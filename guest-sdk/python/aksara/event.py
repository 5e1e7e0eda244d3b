"""One event: what the host sends, what the handler is called with, and what goes back."""

from datetime import datetime, timezone

from . import log, msgpack
from .fields import key_from_wire
from .meta import model_of
from .model import Model

# The signals whose handlers may change what they are about.
_CHANGING = {"pre_init", "pre_save", "pre_bulk_create", "pre_bulk_update"}

# The keys of an event that handlers get as keyword arguments, besides those made of them below.
_ARGUMENTS = (
    "created",
    "origin",
    "fields",
    "rows",
    "action",
    "reverse",
    "key",
    "deleted",
)


class Change:
    """A field that a save changed: its name, its value before and after."""

    def __init__(self, field, old, new):
        self.field, self.old, self.new = field, old, new

    def __repr__(self):
        return f"Change({self.field!r}, {self.old!r}, {self.new!r})"


class Event:
    """What a handler that takes `event` is told: everything about the occasion."""

    def __init__(self, wire: dict, model: type | None = None):
        self._wire = wire
        self.signal: str = wire["signal"]
        self.sender: str = wire.get("sender", "")
        self.db: str = wire.get("db", "default")
        self.depth: int = wire.get("depth", 0)
        self.id: bytes = wire.get("id", bytes(16))
        # Shared by all events of one operation: of one save, one delete with its cascade, one bulk operation.
        self.operation: bytes | None = wire.get("operation")
        self.model = model or (model_of(self.sender) if self.sender else None)
        self.instance: Model | None = None
        self.instances: list[Model] | None = None
        update_fields = wire.get("update_fields")
        self.update_fields: list[str] | None = None if update_fields is None else list(update_fields)
        keys = wire.get("pk_set")
        self.pk_set: list | None = None if keys is None else [key_from_wire(key) for key in keys]
        self._keys = None if keys is None else list(self.pk_set)
        if self.model is not None:
            stored = not (self.signal in _CHANGING and wire.get("created", self.signal != "pre_bulk_update"))
            if wire.get("instance") is not None:
                self.instance = self.model._loaded(wire["instance"], stored)
            if wire.get("instances") is not None:
                self.instances = [self.model._loaded(row, stored) for row in wire["instances"]]

    @property
    def time(self) -> datetime:
        """When the event was made, to the millisecond."""
        milliseconds = int.from_bytes(self.id[:6])
        return datetime.fromtimestamp(milliseconds / 1_000, timezone.utc)

    @property
    def changes(self) -> list[Change]:
        """What the save changed, in `post_save` and `after_commit`."""
        value = self.model._meta.from_wire if self.model else lambda _, wire: wire
        return [
            Change(
                change["field"],
                value(change["field"], change.get("old")),
                value(change["field"], change.get("new")),
            )
            for change in self._wire.get("changes") or ()
        ]

    def __getattr__(self, name):
        if name in _ARGUMENTS:
            return key_from_wire(self._wire.get(name))
        raise AttributeError(f"an event has no `{name}`")

    @property
    def raw(self) -> bool:
        """Whether the save loads fixtures."""
        return bool(self._wire.get("raw"))

    @property
    def subject(self):
        """The second argument of handlers: the instance, or the list of them."""
        return self.instances if self.instances is not None else self.instance

    def arguments(self) -> dict:
        """The keyword arguments of handlers."""
        wire = self._wire
        named = {"event": self, "signal": self.signal}
        named.update((name, key_from_wire(wire[name])) for name in _ARGUMENTS if wire.get(name) is not None)
        if "created" in wire:
            named.update(update_fields=self.update_fields, raw=self.raw)
        if "changes" in wire:
            named["changes"] = self.changes
        if self.pk_set is not None:
            named["pk_set"] = self.pk_set
            named["model"] = model_of(wire["model"]) if wire.get("model") else None
        named.update({name: key_from_wire(value) for name, value in (wire.get("args") or {}).items()})
        return named

    def reply(self) -> dict:
        """What goes back: what the handler changed."""
        if self.signal == "m2m_changed":
            changed = self._wire.get("action") == "pre_add" and self.pk_set != self._keys
            return {"pk_set": self.pk_set} if changed else {}
        if self.signal not in _CHANGING:
            return self._nothing()
        reply = {}
        if self.instances is not None:
            changes = [instance._changes() for instance in self.instances]
            if any(changes):
                reply["instances"] = changes
        elif self.instance is not None:
            changes = self.instance._changes()
            if changes:
                reply["instance"] = changes
        before = self._wire.get("update_fields") or ()
        added = [name for name in self.update_fields or () if name not in before]
        if added:
            reply["update_fields"] = added
        return reply

    def _nothing(self) -> dict:
        """A handler of a signal that comes too late for changes may use the instance as it likes, and is told so."""
        if self.instance is not None:
            changed = self.instance.changed_fields()
            if changed:
                names = "`, `".join(changed)
                log.warning(f"changes of `{names}` are dropped: `{self.signal}` comes after what it tells of")
        return {}

    def __repr__(self):
        return f"<event `{self.signal}` of `{self.sender}`>"


def decode(data: bytes, model: type | None) -> Event:
    """The event in these bytes, for a handler of this model."""
    wire = msgpack.unpack(data)
    if not isinstance(wire, dict) or "signal" not in wire:
        raise msgpack.DecodeError("the event is no map with a `signal`")
    return Event(wire, model if model is not None and model._meta.label == wire.get("sender") else None)
