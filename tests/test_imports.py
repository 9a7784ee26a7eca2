"""What each way into the package imports, and what it says where an optional package is missing."""

from __future__ import annotations

import ast
import json
import pickle
import re
import subprocess
import sys

import pytest

import pitfalls as pf
from pitfalls.cli import KINDS, main

# What arrays need, and what only some parts of the package need.
HEAVY = {"torch", "numpy", "pandas", "scipy", "sklearn", "joblib", "filelock", "tqdm"}
MODELS = {"transformers", "huggingface_hub", "tokenizers", "safetensors", "conllu", "simplemma", "concept_erasure"}
SHOWING = {"matplotlib", "seaborn", "IPython", "ipywidgets", "nbformat", "nbconvert", "nbclient"}
CLUSTERS = {"dask", "distributed"}
# transformers imports PIL and jinja2 itself.
OPTIONAL = MODELS | SHOWING | CLUSTERS | {"PIL", "jinja2", "spacy", "jupyterlab", "gguf", "accelerate"}
COMMANDS = ("probe", "intervene", "sweep", "configs", "reproduce", "fetch", "real", "mini", "pretrain", "card")

ARRAYS = """
import numpy as np, pitfalls as pf
from pitfalls.rankings import ranker
draw = np.random.default_rng(0)
def part(n):
    y = np.arange(n) % 2
    return draw.normal(size=(n, 5)) + y[:, None], y
data = pf.Splits.from_arrays(train=part(40), dev=part(20), test=part(20))
orders = [pf.rank(name, data, max_neurons=3) for name in pf.RANKINGS]
for probe in pf.PROBES:
    pf.probe_curve(orders[0], data, ks=[1, 3, 5], probe=probe)
pf.comparison.overlaps(orders[:2] + pf.random_rankings(data, draws=2), ks=[2])
pf.comparison.selectivity_curves(data, ks=[2])
ranker("gaussian", k=2).fit(*part(40))
"""


def run(script, *arguments):
    """What a fresh process prints as its last line, read as JSON."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def imported(script):
    """The top-level modules that a fresh process has imported after running a script."""
    return set(run(f"{script}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"))


def command(*arguments):
    return f"from pitfalls.cli import main\ntry:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass"


@pytest.mark.parametrize(
    "script",
    [
        "import pitfalls; dir(pitfalls); hasattr(pitfalls, 'rnak')",
        command("--version"),
        "\n".join([command("--help"), *(command(name, "--help") for name in COMMANDS)]),
        command("sweep", "--sentences", "none"),
    ],
    ids=["import", "version", "help", "bad option"],
)
def test_nothing_heavy_is_imported_before_it_is_used(script):
    assert not imported(script) & (HEAVY | OPTIONAL)


@pytest.mark.slow
def test_worlds_and_the_workers_of_a_sweep_import_no_more_than_they_need():
    """In one process, one after the other: each may import what the one before it did."""
    after_world, in_worker = run(
        "import json, sys, pitfalls as pf\n"
        "def now(): return sorted({m.split('.')[0] for m in sys.modules})\n"
        'pf.load_world("mini"); found = [now()]\n'
        "import pitfalls.study.measures, pitfalls.study.sweep; found.append(now())\n"
        "print(json.dumps(found))"
    )
    assert "transformers" in after_world
    assert not set(after_world) & (SHOWING | CLUSTERS | {"concept_erasure", "spacy"})
    assert not set(in_worker) & (SHOWING | CLUSTERS | {"spacy"})


HIDDEN = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def test_with_the_required_packages_alone_arrays_work_and_all_else_names_its_extra():
    asked = {
        'pf.load_world("mini")': "models",
        'pf.load_world("planted")': "models",
        "pf.interventions.LeaceErasure(beta=1)": "models",
        'from pitfalls.language.analysers import SimplemmaAnalyser; SimplemmaAnalyser("eng")': "models",
        "import pitfalls.models.pretrain": "models",
        "from pitfalls.models.real import model_folder": "models",
        "pf.figures": "figures",
        "from pitfalls import figures": "figures",
        "from pitfalls.figures.style import Plot": "figures",
        "import pitfalls.study.paper": "figures",
        "from pitfalls import course": "course",
        "import pitfalls.course.explorers": "course",
        "import pitfalls.study.reproduce": "course",
        'executors.DaskCluster("tcp://127.0.0.1:1").workers()': "dask",
    }
    said = run(
        f"""{HIDDEN}{ARRAYS}
import json
from pitfalls.extras import MissingExtraError
from pitfalls.study import executors, machine
found = {{}}
for code in {list(asked)}:
    try:
        exec(code)
    except MissingExtraError as error:
        found[code] = str(error)
assert machine.describe()["torch"]
print(json.dumps(found))""",
        *OPTIONAL,
    )
    assert said.keys() == asked.keys()
    for code, extra in asked.items():
        assert said[code].endswith(f" is not installed: pip install 'pitfalls[{extra}]'"), (code, said[code])


def test_a_command_without_its_packages_ends_with_one_line():
    asked = {
        "probe --model m --treebank a --attribute Number --layer 1": "figures",
        "sweep --world planted --dry-run": "models",
        "configs": "models",
        "fetch": "models",
        "real": "models",
        "reproduce": "course",
    }
    said = run(
        f"""{HIDDEN}
import contextlib, io, json
from pitfalls.cli import main
found = {{}}
for line in {list(asked)}:
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(line.split())
    found[line] = [code, said.getvalue()]
print(json.dumps(found))""",
        *(OPTIONAL - SHOWING),
        "nbclient",
    )
    for line, extra in asked.items():
        code, text = said[line]
        assert code == 2
        assert re.fullmatch(
            rf"pitfalls {line.split()[0]}: \w+ is not installed: pip install 'pitfalls\[{extra}\]'\n", text
        )


def test_an_error_in_the_package_itself_is_not_taken_for_a_missing_extra():
    from pitfalls.extras import MissingExtraError, extra

    with pytest.raises(ModuleNotFoundError, match=r"pitfalls\.no_such") as caught, extra("models"):
        import pitfalls.no_such  # noqa: F401
    assert not isinstance(caught.value, MissingExtraError)
    with pytest.raises(ImportError, match="cannot import name") as other, extra("models"):
        from json import no_such  # noqa: F401
    assert not isinstance(other.value, MissingExtraError)


def test_every_name_that_the_face_offers_is_there(root):
    stub = ast.parse((root / "pitfalls" / "__init__.pyi").read_text(encoding="utf-8"))
    (listed,) = (ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(listed) == sorted(pf.__all__)
    assert set(pf.__all__) <= set(dir(pf))
    for name in pf.__all__:
        found = getattr(pf, name)
        assert getattr(found, "__name__", name) in (name, f"pitfalls.{name}")
    for one in (pf.LinearProbe, pf.World, pf.rank):
        assert pickle.loads(pickle.dumps(one)) is one
    with pytest.raises(AttributeError, match="No pitfalls attribute rnak"):
        pf.rnak  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'rnak' from 'pitfalls'"):
        from pitfalls import rnak  # noqa: F401


def test_what_the_parser_offers_is_what_the_commands_know(capsys):
    import torch

    from pitfalls.cli import intervene
    from pitfalls.worlds.names import DTYPES

    assert tuple(intervene._KINDS) == KINDS
    assert all(isinstance(getattr(torch, name), torch.dtype) for name in DTYPES)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"pitfalls {pf.__version__}\n"
