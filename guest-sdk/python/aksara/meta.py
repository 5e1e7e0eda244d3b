"""What is known of a model: its label, its key, the fields that the plugin declares. And all models by label."""

from . import fields, msgpack
from .errors import AksaraError

_by_label: dict[str, type] = {}


class Meta:
    """What `class Post(Model)` says about itself; `Post._meta`."""

    def __init__(self, name: str, options: type | None, declared: dict[str, fields.Field]):
        self.label = getattr(options, "label", name)
        keys = [field.name for field in declared.values() if field.primary_key]
        self.key = getattr(options, "key", keys[0] if keys else "id")
        self.relations = {name: field for name, field in declared.items() if isinstance(field, fields.ForeignKey)}
        plain = [field for field in declared.values() if not isinstance(field, fields.ManyToMany)]
        self.fields = {field.column: field for field in plain}
        self.declared = bool(self.fields)

    def reads(self) -> list[str] | None:
        """What a handler of this model is sent: the declared fields and the key, or all where none is declared."""
        return sorted({*self.fields, self.key}) if self.declared else None

    def column(self, name: str) -> str:
        """The field's name on the wire; that of a foreign key may be `post` or `post_id`."""
        if name == "pk":
            return self.key
        return self.relations[name].column if name in self.relations else name

    def to_wire(self, column: str, value):
        """A value as the host takes it. A model's instance stands for its key."""
        if value is None:
            return None
        if hasattr(value, "_meta"):
            value = value.pk
        field = self.fields.get(column)
        return value if field is None or value is None else field.to_wire(value)

    def check(self, column: str, value) -> None:
        """Raises `TypeError` and the like for a value that the host would not take."""
        msgpack.pack(self.to_wire(column, value), column)

    def from_wire(self, column: str, value):
        """A value of the host as handlers see it."""
        field = self.fields.get(column)
        return fields.key_from_wire(value) if field is None or value is None else field.from_wire(value)


def register(model: type) -> None:
    """Makes a declared model known by its label. A later declaration of the same label takes its place."""
    _by_label[model._meta.label] = model


def model_of(label: str) -> type:
    """The model with this label, made up where the plugin does not declare it."""
    found = _by_label.get(label)
    if found is None:
        from .model import Model

        # The label of a relation or of a model in a namespace is all that is known of its name.
        found = type(Model)(label, (Model,), {"__doc__": f"`{label}`, as the host sends it."})
    return found


def declared(name: str) -> type | None:
    """The model that the plugin declares by this label or class name."""
    if name in _by_label:
        return _by_label[name]
    return next((model for model in _by_label.values() if model.__name__ == name), None)


def related_model(model: type, name: str, to) -> type:
    """The model that a foreign key points to; `to` is a model, its name, or None where none is declared."""
    if to is None:
        to = "".join(part.capitalize() for part in name.split("_"))
        found = declared(to)
        if found is None:
            label = model._meta.label
            raise AksaraError(
                f"`{label}.{name}` points to a model that this plugin does not name; declare "
                f"`{name} = fields.ForeignKey(..)` in `{label}`"
            )
        return found
    if isinstance(to, str):
        return model if to == "self" else declared(to) or model_of(to)
    return to
