"""What authors of Aksara plugins in Python import.

    from aksara import Model, fields
    from aksara.signals import pre_save

    class Post(Model):
        title = fields.String(max_length=200)
        slug = fields.String(max_length=200)

    @pre_save(Post)
    async def generate_slug(sender, instance, **kwargs):
        if not instance.slug:
            instance.slug = instance.title.lower().replace(" ", "-")

`python -m aksara_build PLUGIN -o NAME.wasm` makes a component of a folder with a `pyproject.toml`; in tests,
`aksara.testing` plays the host.
"""

from . import cache, config, fields, http, log, services, signals
from .errors import (
    AksaraError,
    DoesNotExist,
    HostError,
    MultipleObjectsReturned,
    NotGranted,
    Rejected,
    ValidationError,
    invalid,
    reject,
)
from .model import Model
from .query import F, Q
from .services import service

__all__ = [
    "AksaraError",
    "DoesNotExist",
    "F",
    "HostError",
    "Model",
    "MultipleObjectsReturned",
    "NotGranted",
    "Q",
    "Rejected",
    "ValidationError",
    "cache",
    "config",
    "fields",
    "http",
    "invalid",
    "log",
    "reject",
    "service",
    "services",
    "signals",
]
