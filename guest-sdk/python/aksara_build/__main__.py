"""The command line of the build."""

import argparse
import sys
from pathlib import Path

from .component import build
from .project import BuildError, Project


def main(arguments=None) -> int:
    """Builds one plugin. The exit code is 1 when the plugin cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m aksara_build", description="Builds an Aksara plugin in Python.")
    parser.add_argument("plugin", type=Path, help="a folder with a `pyproject.toml`")
    parser.add_argument("-o", "--output", type=Path, help="the component; NAME.wasm in this folder unless given")
    parser.add_argument("--wit", type=Path, help="the folder with the contract's WIT; its own unless given")
    parser.add_argument("-v", "--verbose", action="store_true", help="shows what componentize-py says")
    options = parser.parse_args(arguments)
    try:
        project = Project(options.plugin)
        output = options.output or Path(f"{project.name}.wasm")
        build(project, output, wit=options.wit, verbose=options.verbose)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {output.stat().st_size / 1_000_000:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
