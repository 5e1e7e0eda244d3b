"""Whether the component runs, or is still being built: the host can be asked only when it runs."""

_calls = 0


def begin() -> bool:
    """A call of the host begins; whether it is the first of this instance."""
    global _calls
    _calls += 1
    return _calls == 1


def is_running() -> bool:
    """Whether a call of the host has begun."""
    return _calls > 0
