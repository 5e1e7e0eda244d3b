"""The build itself: a folder for componentize-py, and what has to be done to the component that it makes."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .imports import restore_wasi
from .project import BuildError, Project
from .stack import limit_stack

# What makes a component of Python, in the version that this package is tested with.
_COMPILER = "componentize-py==0.25.1"

# The module that componentize-py is given. The order matters: the sandbox comes before anything that could keep a name
# of what it replaces.
_APP = """\
import aksara_guest

aksara_guest.install()

import sys

import wit_world.exports

from aksara import runtime
from aksara_guest import exports

for name in {imports!r}:
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        # `from a import b` may name no module, and an import that is guarded may be of none.
        if name.partition(".")[0] == error.name and name in {include!r}:
            raise

__import__({entry!r})
root = sys.modules[{entry!r}.partition(".")[0]].__file__
root = root[: root.index("/", 1) + 1]
modules = [one for one in [*sys.modules.values()] if (getattr(one, "__file__", None) or "").startswith(root)]
runtime.ready({name!r}, {version!r}, {grants!r}, modules, root)
aksara_guest.seal(modules)


class Handler(wit_world.exports.Handler):
    def describe(self):
        return exports.describe()

    def handle(self, subscription, event):
        return exports.handle(subscription, event)
"""


def build(project: Project, output: Path, wit: Path | None = None, verbose: bool = False) -> None:
    """Builds the component. Raises `BuildError`."""
    if importlib.util.find_spec("componentize_py") is None:
        raise BuildError(f"`{sys.executable}` has no componentize-py; run `pip install {_COMPILER}` in it")
    with tempfile.TemporaryDirectory(prefix="aksara-") as scratch:
        folder = Path(scratch)
        _write_wit(wit or _wit(), project.world, folder / "wit")
        _write_app(project, folder / "app")
        paths = [folder / "app", project.folder, _write_sdk(folder / "sdk"), *_dependencies(project)]
        made = folder / "made.wasm"
        command = [sys.executable, "-c", "import componentize_py; componentize_py.script()"]
        command += ["-d", folder / "wit", "-w", "built", "componentize", "aksara_app", "--stub-wasi"]
        command += [argument for path in paths for argument in ("-p", path)] + ["-o", made]
        # Where in the compiler a plugin has failed is of no use to its author.
        quiet = {**os.environ, "RUST_BACKTRACE": "0"}
        ran = subprocess.run(command, capture_output=True, text=True, env=quiet)
        if ran.returncode != 0 or not made.is_file():
            raise BuildError(f"`{project.name}` cannot be made a component:\n{_explain(ran.stdout + ran.stderr)}")
        if verbose:
            print(ran.stdout + ran.stderr, end="")
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(limit_stack(restore_wasi(made.read_bytes())))


def _wit() -> Path:
    """The contract: that of the repository, or that of the installed package."""
    here = Path(__file__).resolve().parent
    found = [folder for folder in (here / "wit", here.parents[2] / "wit" / "v0") if (folder / "signals.wit").is_file()]
    if not found:
        raise BuildError("the WIT of the contract is not there; name its folder with `--wit`")
    return found[0]


def _write_wit(source: Path, world: str, folder: Path) -> None:
    """The contract and the plugin's world, with the interfaces of WASI under another name: `--stub-wasi` would replace
    them as well."""
    texts = {path.relative_to(source): path.read_text(encoding="utf-8") for path in source.rglob("*.wit")}
    for name, text in {**texts, Path("built.wit"): world}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("wasi:", "host:"), encoding="utf-8")


def _write_app(project: Project, folder: Path) -> None:
    folder.mkdir()
    filled = _APP.format(
        imports=project.imports,
        include=project.include,
        entry=project.entry_module,
        name=project.name,
        version=project.version,
        grants=project.grants,
    )
    (folder / "aksara_app.py").write_text(filled, encoding="utf-8")


def _write_sdk(folder: Path) -> Path:
    """The two packages of the SDK that go into a component."""
    here = Path(__file__).resolve().parents[1]
    for package in ("aksara", "aksara_guest"):
        shutil.copytree(here / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "testing*"))
    return folder


def _dependencies(project: Project) -> list[Path]:
    """The folder with the packages that the plugin depends on, which is kept for the next build."""
    if not project.dependencies:
        return []
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aksara" / "python"
    key = hashlib.sha256("\n".join(sorted(project.dependencies)).encode()).hexdigest()[:16]
    folder = cache / key
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch) / "made"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", made]
            ran = subprocess.run([*command, *project.dependencies], capture_output=True, text=True)
            if ran.returncode != 0:
                raise BuildError(f"pip cannot install the dependencies of `{project.name}`:\n{ran.stderr.strip()}")
            try:
                made.rename(folder)
            except OSError:
                # Another build may have made the same meanwhile.
                if not folder.is_dir():
                    raise
    native = next(folder.rglob("*.so"), None)
    if native is not None:
        raise BuildError(f"`{native.relative_to(folder)}` is machine code; a plugin can depend on pure Python only")
    return [folder]


def _explain(text: str) -> str:
    """The author's exception, out of what componentize-py says: without the frames of the build and of this SDK."""
    text = text.partition("\nCaused by:")[0]
    lines, is_kept = [], True
    for line in (text.partition("AssertionError: ")[2] or text).rstrip().splitlines():
        if line.startswith("  File "):
            # The folders are numbered as they are given.
            is_kept = not line.startswith(('  File "/0/', '  File "/2/'))
            line = line.replace('File "/1/', 'File "', 1)
        elif not line.startswith("    "):
            is_kept = True
        if is_kept:
            lines.append(line)
    return "\n".join(lines)
