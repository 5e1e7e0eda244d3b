"""The limit of the stack in a component, below which CPython raises `RecursionError`.

CPython 3.14 measures its stack in memory and lets it be used up to the end, 1 MiB. WebAssembly's own stack, of which the
host gives 16 MiB, would be over before: 1 MiB here was up to 48 MiB there (`json.loads` of nested objects), and its end is
a trap, which no handler can catch. A component holds the interpreter's memory as it was once the plugin was imported: the
limit is set there.
"""

import struct

_TOP = 1 << 20
_MARGIN = 1 << 13
# How much may be used: less than 12 MiB of WebAssembly's stack.
_USED = 1 << 18

# Where the stack begins, where `RecursionError` is raised, and where CPython gives up.
_FORM = struct.Struct("<3I")


def limit_stack(component: bytes) -> bytes:
    """The component with the limit. Raises `ValueError` where CPython does not keep it as this version does."""
    kept = _FORM.pack(_TOP, 2 * _MARGIN, _MARGIN)
    places = component.count(kept)
    if places != 1:
        raise ValueError(f"the limit of the stack is at {places} places of the component; it is to be at one")
    return component.replace(kept, _FORM.pack(_TOP, _TOP - _USED, _MARGIN))
