"""Builds the plugin of every block and calls it: `AKSARA=.. python check.py OUTPUT [BLOCK ..]`.

`AKSARA` is the program `aksara`; without it, the one on the PATH. The SDK is the one that can be imported.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from blocks import BLOCKS, MODELS, SERVICES, Block, Call
from extract import HERE, write, write_native

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def call(block: Block, one: Call, folder: Path) -> list[str]:
    """Calls a plugin once; what is wrong with what it did."""
    files = {"instance": one.instance, "models": MODELS, "services": dict.fromkeys(SERVICES)}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    command = [os.environ.get("AKSARA", "aksara"), "call", folder / f"page-{block.name}.wasm"]
    command += ["--signal", one.signal, "--sender", one.sender]
    command += [part for name in files for part in (f"--{name}", folder / f"{name}.json")]
    command += ["--created"] if one.created else []
    command += ["--update-fields", one.update_fields] if one.update_fields else []
    ran = subprocess.run(command, capture_output=True, text=True)
    printed = _COLOUR.sub("", ran.stdout + ran.stderr)
    wrong = [f"`{text}` is not in what it prints" for text in one.expect if text not in printed]
    wrong += [f"`{text}` is in what it prints" for text in one.absent if text in printed]
    wrong += [f"it exits with {ran.returncode}"] if ran.returncode != one.code else []
    return [f"{one.signal} of {one.sender}: {problem}\n{printed}" for problem in wrong]


def check(block: Block, page: str, output: Path) -> list[str]:
    """Builds a block and makes its calls; what is wrong."""
    folder = write(block, page, output)
    component = folder / f"page-{block.name}.wasm"
    built = subprocess.run(
        [sys.executable, "-m", "aksara_build", folder, "-o", component], capture_output=True, text=True
    )
    if built.returncode != 0:
        return [built.stderr]
    return [problem for one in block.calls for problem in call(block, one, folder)]


def main() -> int:
    page, output, chosen = (HERE / "page.txt").read_text(encoding="utf-8"), Path(sys.argv[1]), set(sys.argv[2:])
    failed = 0
    for block in BLOCKS:
        if chosen and block.name not in chosen:
            continue
        begin = time.monotonic()
        wrong = check(block, page, output)
        failed += bool(wrong)
        calls = f"{len(block.calls)} calls, {time.monotonic() - begin:.1f} s"
        print(f"{'FAILED' if wrong else 'ok    '}  {block.heading} ({calls})", *wrong, sep="\n        ", flush=True)
    if not chosen:
        native = write_native(page, output)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(native), os.environ.get("PYTHONPATH", "")])}
        failed += subprocess.run([sys.executable, "-m", "pytest", "-q", native], env=environment).returncode != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
