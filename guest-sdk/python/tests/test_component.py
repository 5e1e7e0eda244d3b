"""Python's own world in a component, and how it fails there: the plugin in `sandbox`, run by `aksara call`.

Skipped where componentize-py is missing, or the program `aksara`, which `AKSARA` names or the PATH has.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aksara_build.component import build
from aksara_build.project import BuildError, Project

AKSARA = shutil.which(os.environ.get("AKSARA", "aksara"))
MISSING = AKSARA is None or importlib.util.find_spec("componentize_py") is None

pytestmark = pytest.mark.skipif(MISSING, reason="needs componentize-py and the program `aksara`; set AKSARA")


@pytest.fixture(scope="module")
def component(tmp_path_factory):
    made = tmp_path_factory.mktemp("component") / "sandbox.wasm"
    folder = Path(__file__).parent / "sandbox"
    subprocess.run([sys.executable, "-m", "aksara_build", folder, "-o", made], check=True)
    return made


@pytest.fixture
def probe(component):
    def probed(name):
        instance = component.with_name("instance.json")
        instance.write_text(json.dumps({"id": 1, "name": name, "seen": None}))
        command = [AKSARA, "call", component, "--signal", "pre_save", "--sender", "Probe", "--instance", instance]
        ran = subprocess.run([*command, "--created"], capture_output=True, text=True)
        return ran.stdout + ran.stderr

    return probed


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import numpyy\n", "ModuleNotFoundError: No module named 'numpyy'"),
        (
            "from aksara import config\n\n\nconfig.get('greeting')\n",
            "only handlers can ask the host; in a test, use `with aksara.testing.Host():`",
        ),
        ("from aksara import fields\n\n\nfields.Strin()\n", "has no attribute 'Strin'. Did you mean: 'String'?"),
    ],
)
def test_a_module_that_cannot_be_imported_is_shown_with_its_line(tmp_path, monkeypatch, source, wanted):
    monkeypatch.setenv("RUST_BACKTRACE", "1")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "bad"\n\n[tool.aksara]\nentry = "bad.py"\n')
    (tmp_path / "bad.py").write_text(source)
    with pytest.raises(BuildError) as caught:
        build(Project(tmp_path), tmp_path / "bad.wasm")
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["`bad` cannot be made a component:", "Traceback (most recent call last):"]
    assert lines[2] == f'  File "bad.py", line {len(source.splitlines())}, in <module>'
    assert lines[-1].endswith(wanted) and not [line for line in lines[3:] if "File" in line]


def test_the_time_is_the_hosts(probe):
    assert '+ seen: "20' in probe("now")


def test_every_instance_draws_other_numbers(probe):
    first, second = probe("chance"), probe("chance")
    drawn = [[line for line in printed.splitlines() if line.startswith("+ seen: ")] for printed in (first, second)]
    assert len(drawn[0]) == 1 and drawn[0] != drawn[1]


def test_imports_inside_of_functions_are_in_the_component(probe):
    assert "(0.0, 0.0, 0.0) No module named 'wave' in this component" in probe("imports")


def test_files_and_sleeping_are_refused(probe):
    assert "['a plugin has no files', 'a plugin cannot sleep: its caller would wait with it']" in probe("files")


def test_what_asks_the_system_or_waits_raises(probe):
    assert '+ seen: "passed: []"' in probe("alone")


def test_print_and_logging_go_to_the_log(probe):
    printed = probe("streams")
    for line in ("one two", "no end", "a warning of two parts", "number=7", "caught", 'int("seven")'):
        assert line in printed


def test_coroutines_are_run_one_after_the_other(probe):
    assert '+ seen: "[1, 1]"' in probe("waits")
    assert "OSError: a plugin has no event loop, and cannot wait" in probe("forever")


def test_a_loop_that_catches_everything_ends_as_well(probe):
    assert "ran longer than" in probe("swallows")


def test_codecs_are_there(probe):
    assert "xn--9ca" in probe("codecs")


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("fails", "ValueError: with a cause"),
        ("ends", "SystemExit: 3"),
        ("assigns", "TypeError: `seen` is a text, found the int 7"),
        ("mistypes", "Did you mean: 'name'?"),
        ("denied", 'below `[tool.aksara.grants]`: models = { Probe = ["get"] }'),
    ],
)
def test_failures_name_the_authors_lines(probe, name, last):
    printed = probe(name)
    assert 'File "probes.py", line ' in printed and f"in {name}" in printed and last in printed
    assert "aksara/runtime.py" not in printed
