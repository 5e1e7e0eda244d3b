"""How a handler says no, and what goes wrong between a plugin and its host."""

from typing import NamedTuple


class AksaraError(Exception):
    """What this SDK raises by itself."""


class Violation(NamedTuple):
    """A violated constraint: which fields are wrong."""

    kind: str
    """`unique`, `foreign_key`, `not_null` or `check`."""
    model: str
    """Label of the model whose constraint it is."""
    fields: list[str]
    """Empty where the database does not say."""
    constraint: str | None = None
    """Its name in the database, where it has one."""


class HostError(AksaraError):
    """The host refused a request; the text is its own."""

    violation: Violation | None = None
    """The constraint of the database that a write violated, if it was that."""


class NotGranted(HostError, PermissionError):
    """The plugin asked for what it is not granted; `[tool.aksara.grants]` asks for it, its operator allows it."""


class DoesNotExist(AksaraError):
    """No instance is what `get` looks for."""


class MultipleObjectsReturned(AksaraError):
    """More than one instance is what `get` looks for."""


class Rejected(AksaraError):
    """The handler refuses the operation; its caller gets the message."""


class ValidationError(AksaraError):
    """Fields are invalid; the caller of `save` gets the messages by field.

    `ValidationError(title="is empty")`, or `ValidationError({"title": ["is empty", "is short"]})`.
    """

    def __init__(self, messages=None, **fields):
        self.messages = {}
        for field, texts in {**(messages or {}), **fields}.items():
            for text in [texts] if isinstance(texts, str) else texts:
                self.add(field, text)
        super().__init__(self.messages)

    def add(self, field: str, message: str) -> "ValidationError":
        """Adds a message about a field."""
        self.messages.setdefault(field, []).append(str(message))
        return self

    def __str__(self):
        return "; ".join(f"`{field}` {text}" for field, texts in self.messages.items() for text in texts)


def reject(message: str):
    """Refuses the operation under way: raises `Rejected`, which its caller gets as a refusal with this message."""
    raise Rejected(message)


def invalid(field: str, *messages: str):
    """Finds a field invalid: raises `ValidationError`. For several fields, raise one yourself."""
    raise ValidationError({field: messages})


def host_error(text: str, violation: dict | None = None) -> HostError:
    """The exception for a refusal in the host's words."""
    error = (NotGranted if "not granted" in text else HostError)(text)
    if violation:
        error.violation = Violation(**{name: violation[name] for name in Violation._fields if name in violation})
    return error
