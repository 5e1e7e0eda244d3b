"""Takes the code blocks out of the page, and writes a plugin folder for each: `python extract.py OUTPUT`.

The page has no fences. A block is what stands between its heading and the next one, from the first line on from
which all of that is Python: the prose and the tables above it are not.
"""

import ast
import json
import sys
from pathlib import Path

from blocks import BLOCKS, HEADINGS, NATIVE, Block

HERE = Path(__file__).parent
PAGE = HERE / "page.txt"
# On the page some lines stand outside of any function and wait for something: `await signal.send(..)`.
_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def code_of(heading: str, page: str) -> str:
    """The code below a heading of the page."""
    lines = page.splitlines()
    # The heading also stands elsewhere as a part of a sentence, never as a line of its own.
    begin = lines.index(heading) + 1
    end = next((at for at in range(begin, len(lines)) if lines[at] in HEADINGS), len(lines))
    for first in range(begin, end):
        if not lines[first].strip() or lines[first][0].isspace():
            continue
        code = "\n".join(lines[first:end]).strip("\n") + "\n"
        try:
            compile(code, heading, "exec", _FLAGS)
        except SyntaxError:
            continue
        return code
    raise ValueError(f"there is no code below `{heading}`")


def split(code: str) -> tuple[str, str]:
    """The code that is run when the module is imported, and the statements that wait for something."""
    lines, awaited = code.splitlines(), set()
    for statement in compile(code, "block", "exec", _FLAGS).body:
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and any(
            isinstance(node, (ast.Await, ast.AsyncWith, ast.AsyncFor)) for node in ast.walk(statement)
        ):
            awaited |= set(range(statement.lineno - 1, statement.end_lineno))
    kept = [line for at, line in enumerate(lines) if at not in awaited]
    return "\n".join(kept) + "\n", "".join(f"    {lines[at]}\n" for at in sorted(awaited))


def module_of(block: Block, page: str) -> str:
    """The module of a plugin with the block in it."""
    kept, awaited = split(code_of(block.heading, page))
    module = f"from preamble import *\n{kept}"
    if awaited:
        # The statements that wait get a handler to stand in, and the names that they use.
        module += f"\n\n{block.wrapped}{awaited}"
    return module


def write(block: Block, page: str, folder: Path) -> Path:
    """Writes the plugin of a block."""
    made = folder / block.name
    made.mkdir(parents=True, exist_ok=True)
    (made / "block.py").write_text(module_of(block, page), encoding="utf-8")
    (made / "preamble.py").write_text((HERE / "preamble.py").read_text(encoding="utf-8"), encoding="utf-8")
    grants = "".join(f"{kind} = {_toml(granted)}\n" for kind, granted in block.grants.items())
    manifest = (
        f'[project]\nname = "page-{block.name}"\nversion = "1.0.0"\ndependencies = {json.dumps(block.dependencies)}\n\n'
        f'[tool.aksara]\nentry = "block.py"\n\n[tool.aksara.grants]\n{grants}'
    )
    (made / "pyproject.toml").write_text(manifest, encoding="utf-8")
    return made


def write_native(page: str, folder: Path) -> Path:
    """Writes the page's own tests, and the module `myapp.signals` that they are about."""
    package = folder / "native" / "myapp"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (folder / "native" / "preamble.py").write_text((HERE / "preamble.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "native" / "conftest.py").write_text((HERE / "native.py").read_text(encoding="utf-8"), encoding="utf-8")
    (package / "signals.py").write_text(
        "from preamble import *\n" + code_of("Signal Decorators", page), encoding="utf-8"
    )
    tests = [code_of(heading, page) for heading in NATIVE]
    imported = "from myapp.signals import Post, generate_slug\n"
    (folder / "native" / "test_page.py").write_text(imported + "\n".join(tests), encoding="utf-8")
    return folder / "native"


def _toml(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python extract.py OUTPUT")
    page, folder = PAGE.read_text(encoding="utf-8"), Path(sys.argv[1])
    for block in BLOCKS:
        write(block, page, folder)
    write_native(page, folder)


if __name__ == "__main__":
    main()
