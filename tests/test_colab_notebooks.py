"""Both versions of every notebook on a stand-in for Google Colab: its versions, an empty folder, and a wheel.

They build a separate environment and run all notebooks in it, which takes half an hour. ``make colab`` does that; CI
runs the quickest notebook (``make colab COLAB=00``); elsewhere these tests skip.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
WANTED = os.environ.get("PITFALLS_COLAB", "all")
INSTRUCTOR = sorted(
    path.stem
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")
    if WANTED == "all" or path.stem[:2] in WANTED.split(",")
)
STUDENT = [f"student/{stem}" for stem in INSTRUCTOR]
VERSIONS = Path(__file__).with_name("colab_versions.txt")
pytestmark = [
    pytest.mark.colab,
    pytest.mark.skipif("PITFALLS_COLAB" not in os.environ, reason="builds an environment: `make colab` runs it"),
]


class Machine:
    """A fresh environment with Colab's versions, a stand-in for ``google.colab``, and a kernel in it."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.python = folder / "venv" / "bin" / "python"
        self.pip("install", "-q", "-r", VERSIONS)
        (site,) = (folder / "venv" / "lib").glob("python3.*/site-packages")
        (site / "google" / "colab").mkdir(parents=True)
        (site / "google" / "colab" / "__init__.py").touch()
        self.wheel = self._wheel()
        kernel = folder / "jupyter" / "kernels" / "colab"
        kernel.mkdir(parents=True)
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))

    def pip(self, *arguments):
        done = subprocess.run([self.python, "-m", "pip", *arguments], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def installed(self):
        return {one["name"]: one["version"] for one in json.loads(self.pip("list", "--format=json"))}

    def _wheel(self):
        """The package of this checkout, built from a copy because a build writes beside its source."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                target = self.folder / "source" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target)
        self.pip("wheel", "-q", "--no-deps", "-w", self.folder, self.folder / "source")
        (wheel,) = self.folder.glob("*.whl")
        return wheel

    def run(self, name):
        """Run a notebook from a folder that holds nothing else; return its output, and the executed notebook."""
        folder = self.folder / "runs" / name.replace("/", "-")
        empty, home, ran = folder / "content", folder / "home", folder / "ran"
        for each in (empty, home, ran):
            each.mkdir(parents=True)
        source = ROOT / "notebooks" / f"{name}.ipynb"
        shutil.copy(source, empty)
        ours = ("PITFALLS_", "PYTHONPATH", "HF_", "TRANSFORMERS_", "OMP_NUM_THREADS")
        given = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        given |= {"HOME": str(home), "JUPYTER_PATH": str(self.folder / "jupyter"), "IPYTHONDIR": str(home / "ipython")}
        given |= {"PITFALLS_PACKAGE": str(self.wheel), "PITFALLS_CACHE": str(home / "cache"), "TQDM_DISABLE": "1"}
        given["OMP_NUM_THREADS"] = "1"  # two notebooks run at a time
        # No model hub: what a notebook needs must come with the package.
        given |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", source.name, "--allow-errors"]
        command += ["--ExecutePreprocessor.kernel_name=colab", "--ExecutePreprocessor.timeout=900"]
        command += [f"--output-dir={ran}"]
        done = subprocess.run(command, cwd=empty, env=given, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(home)
        return nbformat.read(ran / source.name, as_version=4)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return Machine(tmp_path_factory.mktemp("colab"))


@pytest.fixture(scope="module")
def before(machine):
    return machine.installed()


@pytest.fixture(scope="module")
def runs(machine, before):
    """All notebooks, executed: one alone, because its first cell installs the package, then two at a time."""
    first, *others = [*INSTRUCTOR, *STUDENT]
    done = {first: machine.run(first)}
    with ThreadPoolExecutor(2) as pool:
        done |= dict(zip(others, pool.map(machine.run, others), strict=True))
    return done


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def errors(notebook):
    found = [output for cell in code(notebook) for output in cell.outputs if output.output_type == "error"]
    return [f"{output.ename}: {output.evalue}" for output in found]


@pytest.mark.parametrize("name", [*INSTRUCTOR, *STUDENT])
def test_the_first_cell_tells_the_versions(runs, name):
    table = said(code(runs[name])[0])
    assert "pitfalls      0." in table and "torch         2." in table, table


@pytest.mark.parametrize("name", INSTRUCTOR)
def test_a_notebook_runs_from_an_empty_folder(runs, name):
    assert errors(runs[name]) == []


@pytest.mark.parametrize("name", STUDENT)
def test_a_students_notebook_fails_only_where_an_answer_is_missing(runs, name):
    exercises = sum("exercise" in tags(cell) for cell in code(runs[name]))
    found = errors(runs[name])
    assert len(found) >= 2 * exercises > 0  # the answer's cell and the locked check under it
    assert {error.partition(":")[0] for error in found} == {"NotImplementedError"}, found


def test_the_first_cell_installed_the_package_and_moved_nothing(machine, before, runs):
    assert "pitfalls" not in before
    after = machine.installed()
    assert "pitfalls" in after
    assert {name: after.get(name) for name in before} == before
    machine.pip("check")


def test_outputs_differ_from_the_stored_ones_in_few_cells(runs):
    """Other versions and another number of threads round differently; a reader must still find what the text says."""
    compared, differ = 0, []
    for name in INSTRUCTOR:
        stored = code(nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4))
        for index, (old, new) in enumerate(zip(stored, code(runs[name]), strict=True)):
            if said(old) and not {"colab", "nbval-ignore-output"} & tags(old):
                compared += 1
                differ += [(name, index)] if said(old) != said(new) else []
    print(f"{len(differ)} of {compared} cells say something else: {differ}")
    # Notebook 00, the shortest, has eight.
    assert compared >= (150 if WANTED == "all" else 8 * len(INSTRUCTOR))
    assert len(differ) <= 0.1 * compared, differ


def tags(cell):
    return set(cell.metadata.get("tags", []))


def said(cell):
    return "".join(
        output.get("text", "") if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
        if output.get("name") != "stderr"
    )
