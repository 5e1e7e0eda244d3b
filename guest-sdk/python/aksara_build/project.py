"""A plugin's folder: its `pyproject.toml` and its modules.

[project]
name = "audit"
version = "1.0.0"
dependencies = ["python-slugify==9.2.0"]    # pure Python only

[tool.aksara]
entry = "audit.py"                          # the module with the handlers
include = ["encodings.cp437"]               # modules that nothing imports by name

[tool.aksara.grants]
models = { AuditLog = ["create"] }
signals = ["billing.payment_processed"]
services = ["notifications.send"]
keyvalue = ["cache"]
http = ["api.example.com:443"]
"""

import ast
import re
import sys
import tomllib
from functools import cached_property
from pathlib import Path

from . import grants

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SDK = {"aksara", "aksara_guest"}
_SDK_PACKAGE = re.compile(r"aksara(?![A-Za-z0-9_.-])", re.IGNORECASE)


class BuildError(Exception):
    """Why a plugin cannot be built, for its author."""


class Project:
    """What there is to build."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        path = self.folder / "pyproject.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BuildError(f"`{folder}` is no plugin: it has no `pyproject.toml`") from None
        except tomllib.TOMLDecodeError as error:
            raise BuildError(f"`{path}` is no TOML: {error}") from None
        project, own = table.get("project", {}), table.get("tool", {}).get("aksara", {})
        self.name = project.get("name", "")
        if not _NAME.fullmatch(self.name):
            raise BuildError(f"`project.name` is {self.name!r}; use letters, digits, `-` and `_`")
        self.version = project.get("version", "0.0.0")
        self.dependencies = [one for one in project.get("dependencies", ()) if not _SDK_PACKAGE.match(one)]
        self.include = list(own.get("include", ()))
        self.entry = own.get("entry", "")
        if not self.entry.endswith(".py") or not (self.folder / self.entry).is_file():
            raise BuildError(
                f"`tool.aksara.entry` is {self.entry!r}; name the module with the handlers, such as `plugin.py`"
            )
        self._grants = own.get("grants")

    @property
    def entry_module(self) -> str:
        """The name by which the entry is imported."""
        return _module_name(Path(self.entry))

    @cached_property
    def modules(self) -> dict[str, ast.Module]:
        """The modules of the plugin that are imported, from the entry on, by name."""
        found, pending = {}, [self.entry_module]
        while pending:
            name = pending.pop()
            path = self._path_of(name)
            if name in found or path is None:
                continue
            if name.partition(".")[0] in sys.stdlib_module_names:
                raise BuildError(f"`{path.name}` has the name of a module of Python's own; rename it")
            try:
                found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
            except SyntaxError as error:
                raise BuildError(f"`{path}`, line {error.lineno}: {error.msg}") from None
            pending += _imports(found[name], name, path.name == "__init__.py")
        return found

    @cached_property
    def imports(self) -> list[str]:
        """Everything that a module of the plugin imports anywhere, also inside of a function."""
        names = {name for module, tree in self.modules.items() for name in _imports(tree, module, False)}
        foreign = {name for name in names if name.partition(".")[0] not in _SDK}
        return sorted(foreign | set(self.include))

    @cached_property
    def grants(self) -> dict:
        """What the plugin asks for: what the manifest says, or what the code can need."""
        if self._grants is None:
            return grants.needed(self.name, self.modules)
        known = {"models", "signals", "services", "keyvalue", "http"}
        unknown = sorted(set(self._grants) - known)
        if unknown:
            raise BuildError(
                f"`tool.aksara.grants` has `{unknown[0]}`; there are `models`, `signals`, `services`, "
                "`keyvalue`, `http`"
            )
        for model, operations in self._grants.get("models", {}).items():
            wrong = [one for one in operations if one not in grants.OPERATIONS]
            if wrong:
                there = "`, `".join(grants.OPERATIONS)
                raise BuildError(f"the grants of `{model}` have `{wrong[0]}`; there are `{there}`")
        return self._grants

    @property
    def world(self) -> str:
        """The WIT world that the component is built for: it imports what its world does, used or not."""
        imports = {"keyvalue": "wasi:keyvalue/store@0.2.0-draft", "http": "wasi:http/outgoing-handler@0.2.0"}
        lines = [f"    import {name};" for kind, name in imports.items() if self.grants.get(kind)]
        return "\n".join(["world built {", "    include plugin-with-runtime;", *lines, "}", ""])

    def _path_of(self, name) -> Path | None:
        path = self.folder.joinpath(*name.split("."))
        found = [path.with_suffix(".py"), path / "__init__.py"]
        return next((one for one in found if one.is_file()), None)


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.Module, module: str, is_package: bool) -> list[str]:
    """The modules that the statements of a module name; `from a import b` may mean the module `a.b`."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")
                above = above[: len(above) - node.level + is_package]
                base = ".".join([*above, *([base] if base else [])])
            names += [base] if base else []
            names += [f"{base}.{alias.name}" if base else alias.name for alias in node.names if alias.name != "*"]
    return names
