"""Gives imports of a component their names back.

componentize-py's `--stub-wasi` replaces every import of the namespace `wasi`, also those that the world asks for. The
world is built with `host:` in its place, and this undoes that in the component's own import sections.
"""

_IMPORTS = 10


def restore_wasi(component: bytes) -> bytes:
    """The component, importing `wasi:` where it was built with `host:`. The names have the same length."""
    made = bytearray(component)
    at = 8
    while at < len(made):
        kind = made[at]
        size, begin = _number(made, at + 1)
        if kind == _IMPORTS:
            section = bytes(made[begin : begin + size])
            made[begin : begin + size] = section.replace(b"host:", b"wasi:")
        at = begin + size
    return bytes(made)


def _number(data, at) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
