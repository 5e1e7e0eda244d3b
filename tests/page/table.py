"""Checks the table of `docs/page-python.md` against what becomes of each block: `python table.py`.

`python table.py --write` writes the table. A block is as written when the module of its plugin has all of its lines.
"""

import sys
from pathlib import Path

from blocks import BLOCKS, NATIVE, Block
from extract import HERE, PAGE, code_of, module_of, split

_DOCS = HERE.parents[1] / "docs" / "page-python.md"


def rows(page: str, tests: str) -> list[str]:
    """The table. `tests` is the source of the tests."""
    made = ["| heading | test | the block | around it |", "|---|---|---|---|"]
    for block in BLOCKS:
        test = block.name.replace("-", "_")
        if f"async fn {test}()" not in tests:
            raise SystemExit(f"error: `main.rs` has no test `{test}` for the block `{block.heading}`")
        made.append(f"| {block.heading} | `{test}` | {_outcome(block, page)} | {_around(block)} |")
    around = "a host in memory, the first block as a module"
    return made + [f"| {heading} | itself, by pytest | as written | {around} |" for heading in NATIVE]


def _outcome(block: Block, page: str) -> str:
    code = code_of(block.heading, page)
    if code in module_of(block, page):
        return "as written"
    _, awaited = split(code)
    lines = [line.removeprefix("    ") for line in awaited.splitlines()]
    begins = ", ".join(f"`{line}`" for line in lines if line.startswith(("await ", "async ")))
    return f"as written, but what waits stands in a handler: {begins}"


def _around(block: Block) -> str:
    granted = block.grants.get("models", {}).items()
    parts = [f"{_names(operations)} on the model `{label}`" for label, operations in granted]
    for kind, named in (("signals", "signal"), ("services", "service"), ("keyvalue", "bucket")):
        parts += [f"{named} {_names([one])}" for one in block.grants.get(kind, ())]
    parts += [f"package {_names([one])}" for one in block.dependencies]
    return ", ".join(parts)


def _names(names) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> int:
    page, docs = PAGE.read_text(encoding="utf-8"), _DOCS.read_text(encoding="utf-8").splitlines()
    wanted = rows(page, (HERE / "main.rs").read_text(encoding="utf-8"))
    found = [line for line in docs if line.startswith("|")]
    if found == wanted:
        return 0
    if "--write" not in sys.argv:
        name = Path(_DOCS.parent.name) / _DOCS.name
        print(f"error: the table of `{name}` is not what becomes of the blocks; run `python table.py --write`")
        return 1
    begin = docs.index(found[0]) if found else len(docs)
    docs = [line for line in docs if not line.startswith("|")]
    _DOCS.write_text("\n".join([*docs[:begin], *wanted, *docs[begin:]]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
