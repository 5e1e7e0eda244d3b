"""Tests of handlers, natively: the host's part is played here.

    from aksara.testing import Host

    def test_a_slug_is_made_of_the_title():
        with Host() as host:
            post = host.fire("pre_save", Post(title="Hello World"))
        assert post.slug == "hello-world"

What handlers ask for is answered from memory: rows (`add`), services, settings, a cache, HTTP responses. What they save is saved
there, with its signals, and what they log and send is kept in `lines` and `sent`. Everything crosses as MessagePack,
as it does in a component. Grants and limits are not checked; `aksara call` runs the component.
"""

from .. import host as current
from .. import msgpack, runtime, signals
from ..errors import AksaraError, HostError
from ..model import Model
from .rows import Rows, computed

__all__ = ["Host"]

# 2026-01-01T00:00:00Z as the first half of a UUIDv7.
_EVENT_ID = (1_767_225_600_000).to_bytes(6) + b"\x70\x00\x80" + bytes(7)


class Host:
    """A host in memory. As a context manager it is the one that handlers ask."""

    def __init__(self, *, services=None, settings=None):
        self.rows = Rows()
        #: What services answer, by name: a value, or a function of the arguments.
        self.services = dict(services or {})
        self.settings = dict(settings or {})
        #: Values by bucket and key.
        self.buckets: dict[str, dict[str, bytes]] = {}
        #: What HTTP requests get, by URL: `{"status": 200, "headers": {..}, "body": ".."}`, all of it optional.
        self.responses: dict[str, dict] = {}
        #: The lines of the log, with the keys `level`, `message` and those of the fields.
        self.lines: list[dict] = []
        #: The custom signals that were sent: maps with `signal`, `args`, `sender`, `key`.
        self.sent: list[dict] = []
        #: What was asked, in order: `("models.get", {..})`.
        self.requests: list[tuple[str, dict]] = []
        self._depth = 0
        self._before = None

    def __enter__(self):
        self._before = current.use(self)
        return self

    def __exit__(self, *_):
        current.use(self._before)

    def add(self, *instances: Model) -> None:
        """Puts rows into the database, without signals. A key that is missing is given."""
        for instance in instances:
            row = self.rows.insert(instance._meta, msgpack.unpack(msgpack.pack(_wire(instance))))
            instance.__dict__.update(_wire=row, _read={}, _values={}, _stored=True)

    def messages(self, level: str | None = None) -> list[str]:
        """The messages of the log, of one level or of all."""
        return [line["message"] for line in self.lines if level in (None, line["level"])]

    def fire(self, signal, instance: Model | None = None, *, sender=None, created=True, **more) -> Model | None:
        """Calls the handlers of a signal, highest priority first, and puts what they change into the instance.

        `more` is any further key of an event: `update_fields`, `changes`, `origin`, `args` and so on. What a handler
        raises is raised here.
        """
        name = signal if isinstance(signal, str) else signal.name
        label = sender._meta.label if isinstance(sender, type) else sender
        label = label or (instance._meta.label if instance is not None else "")
        event = {"v": 0, "id": _EVENT_ID, "operation": _EVENT_ID, "signal": name, "sender": label, "db": "default"}
        event["depth"] = self._depth
        if name in ("pre_save", "post_save", "after_commit"):
            event["created"] = created
        event.update(more)
        wire = None if instance is None else _wire(instance)
        for connection in self._connections(name, label, event):
            sent = dict(event)
            if wire is not None:
                sent["instance"] = _only(wire, connection.reads)
            reply = self._call(connection, sent)
            if wire is not None and instance is not None:
                for field, value in _checked(connection, reply).items():
                    wire[field] = value
                    instance._values[field] = instance._meta.from_wire(field, value)
        return instance

    def _connections(self, name, label, event):
        wanted = [
            one
            for one in signals.connections()
            if one.signal.name == name
            and one.sender in (None, label)
            and one.created in (None, event.get("created"))
            and (not one.changed or event.get("created") or _changed(event) & set(one.changed))
        ]
        return sorted(wanted, key=lambda one: -one.priority)

    def _call(self, connection, event) -> dict:
        self._depth += 1
        try:
            return msgpack.unpack(msgpack.pack(runtime.call(connection, msgpack.pack(event))))
        finally:
            self._depth -= 1

    # What the handlers ask for.

    def log(self, line: bytes) -> None:
        """Keeps a line."""
        self.lines.append(msgpack.unpack(line))

    def request(self, interface: str, operation: str, request: bytes) -> bytes:
        """Answers a request."""
        decoded = msgpack.unpack(request)
        self.requests.append((f"{interface}.{operation}", decoded))
        try:
            return msgpack.pack(getattr(self, f"_{interface}_{operation}")(decoded))
        except Exception as error:
            # A handler that is called inside of a request fails the request, as it does on a host.
            raise current.Refusal(msgpack.pack({"error": str(error)})) from error

    def cache(self, bucket: str, operation: str, *arguments):
        """Works on a bucket."""
        values, key = self.buckets.setdefault(bucket, {}), arguments[0]
        match operation:
            case "get":
                return values.get(key)
            case "exists":
                return key in values
            case "set":
                values[key] = arguments[1]
            case "delete":
                values.pop(key, None)

    def http(self, method: str, url: str, scheme: str, authority: str, path: str, headers: list, body: bytes):
        """Answers an HTTP request."""
        shown = {name: value.decode() for name, value in headers}
        self.requests.append(("http", {"method": method, "url": url, "headers": shown, "body": body}))
        if url not in self.responses:
            raise HostError(f"`{url}`: there is no response; give the host one in `responses`")
        response = self.responses[url]
        answer = response.get("body", b"")
        found = [(name, value.encode()) for name, value in response.get("headers", {}).items()]
        return response.get("status", 200), found, answer.encode() if isinstance(answer, str) else answer

    def _models_get(self, request):
        row = self.rows.get(request["model"], request["key"])
        return None if row is None else _only(row, request.get("fields"))

    def _models_find(self, request):
        return [_only(row, request.get("fields")) for row in self.rows.find(request)]

    def _models_count(self, request):
        return len(self.rows.find(request))

    def _models_create(self, request):
        model = _model(request)
        instance = model(**{name: model._meta.from_wire(name, value) for name, value in request["values"].items()})
        self.fire("pre_save", instance, created=True)
        self.add(instance)
        self.fire("post_save", instance, created=True, changes=_changes(instance._wire))
        return instance._wire

    def _models_update(self, request):
        if "filter" in request:
            return self.rows.update(request)
        row = self.rows.get(request["model"], request["key"])
        if row is None:
            return 0
        values, model = {**request["values"], **computed(row, request)}, _model(request)
        instance = model._loaded({**row, **values})
        names = sorted(values)
        self.fire("pre_save", instance, created=False, update_fields=names)
        row.update((name, value) for name, value in _wire(instance).items() if name in names)
        changes = [{"field": name, "old": None, "new": row[name]} for name in names]
        self.fire("post_save", model._loaded(dict(row)), created=False, update_fields=names, changes=changes)
        return 1

    def _models_delete(self, request):
        model = _model(request)
        if "key" in request:
            row = self.rows.get(request["model"], request["key"])
            rows, origin = [] if row is None else [row], "instance"
        else:
            rows, origin = self.rows.find(request), "query"
        for row in rows:
            self.fire("pre_delete", model._loaded(dict(row)), origin=origin)
            self.rows.remove(model._meta, row)
            self.fire("post_delete", model._loaded(dict(row)), origin=origin)
        return len(rows)

    def _bus_send(self, request):
        self.sent.append(request)
        sender, instance = request.get("sender"), None
        if request.get("key") is not None:
            row = self.rows.get(sender, request["key"])
            if row is None:
                raise AksaraError(f"no `{sender}` has this key")
            instance = _model({"model": sender})._loaded(dict(row))
        args = request["args"]
        if not request.get("robust"):
            self.fire(request["signal"], instance, sender=sender, args=args)
            return None
        outcomes = []
        for connection in self._connections(request["signal"], sender or "", {}):
            event = {"v": 0, "id": _EVENT_ID, "operation": _EVENT_ID, "signal": request["signal"], "args": args}
            event["sender"] = sender or ""
            if instance is not None:
                event["instance"] = instance._wire
            outcome = {"handler": connection.name, "error": None}
            try:
                self._call(connection, event)
            except Exception as error:
                outcome["error"] = str(error)
            outcomes.append(outcome)
        return outcomes

    def _services_call(self, request):
        name = request["service"]
        if name not in self.services:
            raise AksaraError(f"there is no service `{name}`; give this host one: `host.services[{name!r}] = ..`")
        answer = self.services[name]
        return answer(request["args"]) if callable(answer) else answer

    def _config_get(self, request):
        return self.settings.get(request["name"])


def _model(request) -> type[Model]:
    from ..meta import model_of

    return model_of(request["model"])


def _wire(instance) -> dict:
    """All fields of an instance, as the host has them."""
    return {**instance._wire, **instance._changes()}


def _only(row, names) -> dict:
    return dict(row) if names is None else {name: row[name] for name in names if name in row}


def _changed(event) -> set:
    named = event.get("update_fields") or ()
    return {change["field"] for change in event.get("changes") or ()} | set(named)


def _changes(row) -> list[dict]:
    return [{"field": name, "old": None, "new": value} for name, value in row.items()]


def _checked(connection, reply) -> dict:
    """What a handler changed, as far as it may."""
    changed = reply.get("instance") or {}
    for name in changed:
        if connection.writes is not None and name not in connection.writes:
            raise AksaraError(f"handler `{connection.name}` set `{name}`, which is not in its `writes`")
    return changed
