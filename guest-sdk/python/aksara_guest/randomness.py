"""Random numbers, from `wasi:random/random`.

The state of the module `random` would otherwise be part of the component: every instance would draw the same numbers.
"""

import os

from wit_world.imports import random as wasi

from . import live

_SEED_BYTES = 32
_BYTES_AT_ONCE = 32 << 10
_built = os.urandom


def urandom(size: int) -> bytes:
    """So many random bytes of the host."""
    if not live.is_running():
        return _built(size)
    parts = [wasi.get_random_bytes(min(_BYTES_AT_ONCE, size - at)) for at in range(0, size, _BYTES_AT_ONCE)]
    return b"".join(parts)


def install() -> None:
    """Puts the host's random numbers in the place of the system's."""
    os.urandom = urandom
    os.getrandom = lambda size, flags=0: urandom(size)

    import random

    random._urandom = urandom
    generator, seed = random.Random, random.Random.seed

    def seeded(self, a=None, version=2):
        """Without a seed, that of the host."""
        seed(self, int.from_bytes(urandom(_SEED_BYTES)) if a is None else a, version)

    # The C type seeds itself when it is made, from the system, unless it is given something.
    generator.__new__ = staticmethod(lambda cls, x=None: super(generator, cls).__new__(cls, 0))
    generator.seed = seeded
    random.seed = random._inst.seed


def begin() -> None:
    """Seeds the module `random`, once per instance of the component."""
    import random

    random.seed()
