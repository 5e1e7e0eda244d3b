"""The part of the SDK that is in components only: Python's own world, made of what the host gives a plugin.

CPython in a component finds no clock, no random numbers, no files and no standard output; each of them ends the call
at once. `install` puts the imports of the WIT world in their place. It comes before any other import, because modules
keep what they import by name.
"""

from . import clock, files, randomness, streams, tasks


def install() -> None:
    """Replaces what CPython would ask the system for."""
    clock.install()
    randomness.install()
    # What it imports keeps the clock by name.
    from . import alone

    alone.install()
    files.install()


def seal(modules) -> None:
    """Ends the build: from now on there is a host, and no file can be read. Called after the last import."""
    from aksara import host

    from . import alone
    from .wit import WitHost

    streams.connect_logging()
    tasks.seal()
    alone.seal()
    files.seal(modules)
    streams.seal()
    host.use(WitHost())
