"""What the component exports. The module that the build generates makes a `Handler` of this."""

from componentize_py_types import Err

from aksara import runtime

from . import live, randomness, streams


def describe() -> bytes:
    """The answer to `describe`."""
    return runtime.describe()


def handle(subscription: int, event: bytes) -> bytes:
    """Handles one event."""
    if live.begin():
        randomness.begin()
    succeeded, answer = runtime.handle(subscription, event)
    streams.finish()
    if not succeeded:
        raise Err(answer)
    return answer
