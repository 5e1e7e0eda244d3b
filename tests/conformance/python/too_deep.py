"""What recurses over data that is too deep, or without end: each is an error that a handler can catch."""

import copy
import json
import pickle

LEVELS = 100_000
# Freeing a list takes stack as well, and nothing checks for it: 60,000 levels end the call.
BUILT = 20_000


def nested():
    value = []
    for _ in range(BUILT):
        value = [value]
    return value


def forever(depth):
    return forever(depth + 1) + 1


def key(value):
    return sorted([value, value], key=key)


ATTEMPTS = {
    "nest": [
        lambda: json.loads("[" * LEVELS + "]" * LEVELS),
        lambda: json.loads('{"a":' * LEVELS + "1" + "}" * LEVELS),
        lambda: json.dumps(nested()),
        lambda: repr(nested()),
        lambda: nested() == nested(),
        lambda: nested() < nested(),
        lambda: copy.deepcopy(nested()),
        lambda: pickle.dumps(nested()),
    ],
    "recurse": [lambda: forever(0), lambda: key(1)],
}


def caught(kind):
    """The names of the errors."""
    names = []
    for attempt in ATTEMPTS[kind]:
        try:
            attempt()
            names.append("none")
        except Exception as error:
            names.append(type(error).__name__)
    return names
