"""A cache: bytes by key, in a bucket that the application and other plugins share. Grant: `keyvalue`.

A cache takes no part in the transaction. `cache` is the bucket with the name `cache`; `bucket(name)` is any other.
"""

import json

from . import host


class Bucket:
    """A bucket, by name."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self):
        return f"bucket({self.name!r})"

    async def get(self, key: str, default=None) -> bytes | None:
        """The value of a key, or the default."""
        value = host.current().cache(self.name, "get", key)
        return default if value is None else value

    async def get_text(self, key: str, default=None) -> str | None:
        """The value of a key as UTF-8 text, or the default."""
        value = await self.get(key)
        return default if value is None else value.decode()

    async def get_json(self, key: str, default=None):
        """The value of a key, which `set_json` wrote, or the default."""
        value = await self.get(key)
        return default if value is None else json.loads(value)

    async def set(self, key: str, value: bytes | str) -> None:
        """Writes bytes, or text as UTF-8, over what is there."""
        if isinstance(value, str):
            value = value.encode()
        if not isinstance(value, (bytes, bytearray)):
            found = type(value).__name__
            raise TypeError(f"a cache holds bytes and text, found `{found}`; use `set_json` for anything else")
        host.current().cache(self.name, "set", key, bytes(value))

    async def set_json(self, key: str, value) -> None:
        """Writes the value as JSON, over what is there."""
        await self.set(key, json.dumps(value))

    async def delete(self, key: str) -> None:
        """Deletes a value, if there is one."""
        host.current().cache(self.name, "delete", key)

    async def exists(self, key: str) -> bool:
        """Whether there is a value."""
        return host.current().cache(self.name, "exists", key)


def bucket(name: str) -> Bucket:
    """The bucket with this name."""
    return Bucket(name)


cache = Bucket("cache")
