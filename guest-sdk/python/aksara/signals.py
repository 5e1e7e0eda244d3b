"""Signals: what a plugin handles, and what it sends.

    @pre_save(Post)                             # as a decorator, with a sender
    @post_save()                                # of every model
    post_save.connect(handler, sender=Post)     # or by hand

A handler is called with `sender` (the model), `instance`, and keyword arguments, of which it gets those that it names,
or all where it has `**kwargs`. Options of `connect` and of the decorators: `priority` (higher runs first), `reads` and
`writes` (names of fields), `created` (True: only inserts, False: only updates), `changed` (only when one of these
fields changed), `name` (for errors and logs).
"""

import inspect
import os

from . import host, query
from .errors import AksaraError
from .model import Model

BUILT_IN = (
    "pre_init",
    "post_init",
    "pre_save",
    "post_save",
    "pre_delete",
    "post_delete",
    "pre_bulk_create",
    "post_bulk_create",
    "pre_bulk_update",
    "post_bulk_update",
    "m2m_changed",
    "after_commit",
    "after_rollback",
)

_connected: list["Connection"] = []
_own: list["Signal"] = []
_frozen = False


class Connection:
    """A handler, the events that it gets, and what it is told of them."""

    def __init__(self, signal, handler, sender, priority, reads, writes, created, changed, name):
        if not callable(handler):
            raise TypeError(f"a handler is a function, found {handler!r}")
        self.signal, self.handler, self.model = signal, handler, sender
        self.sender = sender._meta.label if isinstance(sender, type) else sender
        if reads is None and isinstance(sender, type):
            reads = sender._meta.reads()
        self.priority, self.reads, self.writes = priority, reads, writes
        self.created, self.changed = created, changed
        self.name = name or _name_of(handler)
        try:
            self.parameters = [*inspect.signature(handler).parameters.values()]
        except (TypeError, ValueError):
            self.parameters = None

    def describe(self) -> dict:
        """As the host is told of it."""
        described = {
            "handler": self.name,
            "signal": self.signal.name,
            "sender": self.sender,
            "priority": self.priority,
            "reads": None if self.reads is None else sorted(self.reads),
            "writes": None if self.writes is None else sorted(self.writes),
        }
        when = {}
        if self.created is not None:
            when["created"] = self.created
        if self.changed:
            when["changed"] = sorted(self.changed)
        return {**described, "when": when} if when else described

    def accepts(self, arguments: dict) -> dict:
        """Those of the keyword arguments that the handler takes, besides the sender and the instance."""
        if self.parameters is None:
            return arguments
        by_position = {one.name for one in self.parameters[:2] if one.kind is not one.VAR_KEYWORD}
        arguments = {name: value for name, value in arguments.items() if name not in by_position}
        if any(one.kind is one.VAR_KEYWORD for one in self.parameters):
            return arguments
        return {one.name: arguments[one.name] for one in self.parameters if one.name in arguments}


class Signal:
    """A custom signal: `payment_processed = Signal(providing_args=["amount", "currency"])`.

    Its name is that of the plugin and of the variable, `billing.payment_processed`, unless it is given:
    `Signal("billing.payment_processed", providing_args=[..])`. A signal with a name and without `providing_args` is
    one that somebody else declares.
    """

    def __init__(self, name: str | None = None, *, providing_args=None):
        if name is not None and "." not in name and name not in BUILT_IN:
            raise ValueError(f"`{name}` is no name of a custom signal; it has a `.`, as in `billing.{name}`")
        self.name = name
        self.declared = providing_args is not None or name is None
        self.providing_args = list(providing_args or ())
        if self.declared:
            _own.append(self)

    def __call__(self, sender=None, **options):
        """As a decorator: `@pre_save(Post)`, `@pre_save()`; and `@pre_save` for every model."""
        if inspect.isfunction(sender):
            return self.connect(sender, **options)
        return lambda handler: self.connect(handler, sender=sender, **options)

    def connect(
        self,
        handler=None,
        *,
        sender=None,
        priority=0,
        reads=None,
        writes=None,
        created=None,
        changed=None,
        name=None,
    ):
        """Connects a handler, and answers with it; without one, it is a decorator. The sender is a model or a label."""
        options = (sender, priority, reads, writes, created, changed, name)
        if handler is None:
            return lambda handler: self._connect(handler, *options)
        return self._connect(handler, *options)

    def _connect(self, handler, *options):
        _changeable("connect")
        made = Connection(self, handler, *options)
        if not any((one.signal, one.handler, one.sender) == (self, handler, made.sender) for one in _connected):
            _connected.append(made)
        return handler

    def disconnect(self, handler, *, sender=None) -> bool:
        """Takes back `connect`; whether there was something to take back."""
        _changeable("disconnect")
        label = sender._meta.label if isinstance(sender, type) else sender
        kept = [one for one in _connected if (one.signal, one.handler, one.sender) != (self, handler, label)]
        found = len(kept) < len(_connected)
        _connected[:] = kept
        return found

    async def send(self, sender=None, instance=None, **arguments):
        """Sends the signal to its handlers, in the application and in all plugins. Grant: `signals`."""
        return self._send(sender, instance, arguments, {})

    async def send_robust(self, sender=None, instance=None, **arguments) -> list[dict]:
        """As `send`, and a handler that fails does not stop it: `{"handler": .., "error": ..}` for each."""
        return self._send(sender, instance, arguments, {"robust": True})

    def _send(self, sender, instance, arguments, more):
        if self.name in BUILT_IN:
            raise AksaraError(f"`{self.name}` is sent by the host, when something happens to an instance")
        if self.name is None:
            raise AksaraError("this signal has no name; assign it to a variable of a module, or name it")
        if instance is not None and sender is None:
            sender = type(instance)
        if isinstance(sender, type):
            sender = sender._meta.label
        request = {
            "signal": self.name,
            "args": {key: _plain(value) for key, value in arguments.items()},
            **more,
        }
        if sender is not None:
            request["sender"] = sender
        if instance is not None and instance.pk is not None:
            request["key"] = instance._meta.to_wire(instance._meta.key, instance.pk)
        return host.ask("bus", "send", request)

    def __repr__(self):
        return f"<signal `{self.name}`>"


class SignalContext:
    """`async with SignalContext.disable_for(Post):` saves without signals, as far as a plugin can.

    It concerns what this plugin does inside of the block: `instance.save()` and `objects.update_one` write the row
    in one statement that sends no signals, in place of a save. `create` and `delete` cannot do without signals, and
    raise `TypeError`. What the application and other plugins do is not concerned.
    """

    def __init__(self, models):
        self.models = models

    @classmethod
    def disable_for(cls, *models) -> "SignalContext":
        """For these models; for all without one."""
        return cls(models or (None,))

    def __enter__(self):
        query._muted.extend(self.models)
        return self

    def __exit__(self, *_):
        for model in self.models:
            query._muted.remove(model)

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *_):
        self.__exit__()


def connections() -> list[Connection]:
    """All handlers, in the order in which they were connected."""
    return _connected


def name_signals(plugin: str, modules) -> None:
    """Names the signals that are assigned to variables of these modules."""
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, Signal) and value.name is None:
                value.name = f"{plugin}.{name}"


def own_signals() -> dict[str, list[str]]:
    """The arguments of the signals that the plugin declares, by name."""
    nameless = sum(signal.name is None for signal in _own)
    if nameless:
        raise AksaraError(f"{nameless} signals have no name; assign each to a variable of a module, or name it")
    return {signal.name: sorted(signal.providing_args) for signal in _own}


def freeze() -> None:
    """What is connected now is what the host is told of."""
    global _frozen
    _frozen = True


def reset() -> None:
    """Forgets all handlers and signals: for tests that load several plugins."""
    global _frozen
    _connected.clear()
    _own.clear()
    _frozen = False


def _changeable(operation):
    if _frozen:
        raise AksaraError(
            f"`{operation}` comes too late: the host is told of all handlers when it loads the plugin; call it while "
            "the module is imported"
        )


def _name_of(handler) -> str:
    """The handler's name; that of a lambda is where it is written, `audit.py:27`."""
    name = getattr(handler, "__name__", type(handler).__name__)
    code = getattr(handler, "__code__", None)
    if name == "<lambda>" and code is not None:
        return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"
    return name


def _plain(value):
    """An instance among the arguments stands for its key."""
    return value.pk if isinstance(value, Model) else value


pre_init = Signal("pre_init")
post_init = Signal("post_init")
pre_save = Signal("pre_save")
post_save = Signal("post_save")
pre_delete = Signal("pre_delete")
post_delete = Signal("post_delete")
pre_bulk_create = Signal("pre_bulk_create")
post_bulk_create = Signal("post_bulk_create")
pre_bulk_update = Signal("pre_bulk_update")
post_bulk_update = Signal("post_bulk_update")
m2m_changed = Signal("m2m_changed")
after_commit = Signal("after_commit")
after_rollback = Signal("after_rollback")
