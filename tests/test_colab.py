"""The Colab cell: the same in every notebook, silent here, and careful with what Colab's kernel runs on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import jupytext
import nbformat
import pytest

from pitfalls.course import colab, versions
from pitfalls.study.readme import address

# Stands in for Colab: a fresh machine, on which the course can be imported only once pip has run.
COLAB = """
import os, sys

class NotYet:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pitfalls" and not os.path.exists(os.environ["PIP_SAID"]):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotYet())
import importlib.util
_find = importlib.util.find_spec

def find_spec(name, package=None):
    try:
        return _find(name, package)
    except ModuleNotFoundError:
        return None

importlib.util.find_spec = find_spec
"""
PIP = """
import json, os, sys
if os.environ.get("PIP_FAILS"):
    sys.exit("ERROR: no matching distribution")
kept = open(sys.argv[sys.argv.index("-c") + 1]).read()
with open(os.environ["PIP_SAID"], "a") as said:
    said.write(json.dumps({"arguments": sys.argv[1:], "kept": kept.split()}) + "\\n")
"""


@pytest.fixture
def machine(tmp_path):
    """Stand-ins for ``google.colab`` and pip, and an empty folder to run in."""
    for name, text in {"google/__init__.py": "", "google/colab/__init__.py": COLAB, "pip/__main__.py": PIP}.items():
        target = tmp_path / "site" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (tmp_path / "site" / "pip" / "__init__.py").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def run(machine, *, stand_ins=True, times=1, **environment):
    """Run the cell in IPython, from an otherwise empty folder; return the process, and what pip was asked for."""
    script = machine / "cell.ipy"
    script.write_text("\n".join([colab.source("https://github.com/me/it")] * times), encoding="utf-8")
    said = machine / "pip.jsonl"
    given = {**os.environ, "PIP_SAID": str(said), "IPYTHONDIR": str(machine / "ipython"), **environment}
    given.pop("PITFALLS_PACKAGE", None) if "PITFALLS_PACKAGE" not in environment else None
    given["PYTHONPATH"] = str(machine / "site") if stand_ins else ""
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", str(script)]
    done = subprocess.run(command, cwd=machine / "empty", env=given, capture_output=True, text=True, timeout=120)
    assert list((machine / "empty").iterdir()) == []
    return done, [json.loads(line) for line in said.read_text().splitlines()] if said.exists() else []


def test_every_notebook_gets_the_same_cell_as_its_first_code(root):
    """tests/test_versions.py checks that the stored notebooks are in step with these."""
    sources = sorted((root / "notebooks" / "src").glob("*.py"))
    assert sources
    for path in sources:
        read = jupytext.read(path)
        assert not any(colab.TAG in cell.metadata.get("tags", []) for cell in read.cells), f"{path.name}: generated"
        code = [cell for cell in versions.instructor(read, address(root)).cells if cell.cell_type == "code"]
        tagged = [colab.TAG in cell.metadata.get("tags", []) for cell in code]
        assert tagged == [True] + [False] * (len(code) - 1)
        assert code[0].source == colab.source(address(root))


def test_elsewhere_it_does_nothing_and_says_nothing(machine):
    done, asked = run(machine, stand_ins=False)
    assert (done.returncode, done.stdout, asked) == (0, "", []), done.stderr


def test_on_colab_it_installs_the_package_keeps_what_the_kernel_runs_on_and_prints_versions(machine):
    done, asked = run(machine, times=2)  # the second time there is nothing to install
    assert done.returncode == 0, done.stderr
    ((arguments, kept),) = [(one["arguments"], one["kept"]) for one in asked]
    assert arguments[:3] == ["install", "-q", "-c"]
    assert arguments[4:] == ["pitfalls[course] @ git+https://github.com/me/it"]
    assert kept == [f"{name}=={version(name)}" for name in ("torch", "numpy", "ipython", "ipykernel")]
    table = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if len(line.split()) == 2)
    expected = {name: version(name) for name in ("pitfalls", "torch", "numpy")}
    assert {name: table[name] for name in expected} == expected
    assert table["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_wheel_or_a_fork_takes_the_addresss_place(machine):
    _, (asked,) = run(machine, PITFALLS_PACKAGE="/wheels/my own.whl")
    assert asked["arguments"][4:] == ["pitfalls[course] @ file:///wheels/my%20own.whl"]


def test_an_installation_that_failed_is_said(machine):
    done, _ = run(machine, PIP_FAILS="1")
    assert "no matching distribution" in done.stdout + done.stderr
    assert "pip did not install git+https://github.com/me/it" in done.stdout + done.stderr


def test_a_notebook_without_code_is_refused():
    with pytest.raises(ValueError, match="has no code cell"):
        colab.with_colab([nbformat.v4.new_markdown_cell("# words")], "https://github.com/me/it")
