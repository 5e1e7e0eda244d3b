"""What the application offers to plugins, by name. Grant: `services`."""

from . import host


async def call(name: str, arguments=None):
    """Calls a service with one value, for most a `dict`, and answers with what it answers."""
    return host.ask("services", "call", {"service": name, "args": arguments})


def service(name: str):
    """A service as a function: `await service("notifications.send")(user=7)`.

    Keyword arguments are sent as a map; one positional argument is sent as it is.
    """

    async def called(*positional, **named):
        if len(positional) > 1 or positional and named:
            raise TypeError(f"the service `{name}` takes one value, or keyword arguments")
        return await call(name, positional[0] if positional else named)

    called.__name__ = called.__qualname__ = name
    return called
