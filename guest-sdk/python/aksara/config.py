"""The plugin's own settings and secrets, as its operator set them: `config.get("greeting")`."""

from . import host


def get(name: str, default=None):
    """The setting with this name, or the default."""
    value = host.ask("config", "get", {"name": name})
    return default if value is None else value
