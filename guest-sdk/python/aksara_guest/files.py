"""There are no files: what would read one raises, where CPython would end the call.

That concerns imports as well. What a plugin needs is imported while the component is built; the build does that for
every import statement in the plugin's modules, wherever it stands.
"""

import builtins
import importlib.machinery
import io
import linecache
import os
import sys
import traceback

# Modules that the standard library imports when they are first needed.
_LATER = (
    "_strptime",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.utf_16",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_8_sig",
    "encodings.unicode_escape",
    "json.decoder",
    "locale",
    "logging",
    "secrets",
    "string",
    "stringprep",
    "textwrap",
    "unicodedata",
    "uuid",
)

# What of `os` asks the system, with a path or a name.
_REFUSED = (
    "listdir",
    "lstat",
    "mkdir",
    "open",
    "remove",
    "rename",
    "rmdir",
    "scandir",
    "stat",
    "system",
    "unlink",
)


class _Sealed:
    """The last finder of modules: nothing can be imported any more that was not there at the build."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        raise ModuleNotFoundError(
            f"No module named '{name}' in this component; import it at the top of a module of the plugin, or list it "
            "in `include` of `[tool.aksara]`",
            name=name,
        )


def _refuse(*_arguments, **_options):
    raise PermissionError("a plugin has no files")


def install() -> None:
    """Imports what would be imported too late."""
    for name in _LATER:
        __import__(name)


def seal(modules) -> None:
    """Keeps the source of these modules for stack traces, and closes the way to files."""
    for module in modules:
        if getattr(module, "__file__", None):
            linecache.getlines(module.__file__, vars(module))
    linecache.checkcache = lambda filename=None: None
    linecache.updatecache = lambda filename, module_globals=None, **_: []
    # To place the carets below a line it is parsed, and a line that is no statement makes CPython look for a file.
    traceback.StackSummary._should_show_carets = lambda *_: False
    traceback._extract_caret_anchors_from_line_segment = lambda _: None
    for name in _REFUSED:
        if hasattr(os, name):
            setattr(os, name, _refuse)
    builtins.open = io.open = _refuse
    built_in = (importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter)
    sys.meta_path[:] = [*built_in, _Sealed]
