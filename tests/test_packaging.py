"""The frame: what the package, conda, CI and the README say about each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONDA_NAMES = {"huggingface-hub": "huggingface_hub", "torch": "pytorch"}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def expanded(project, extra):
    """What an extra brings, and what the extras that it names bring."""
    found = []
    for text in project["optional-dependencies"][extra]:
        own = re.fullmatch(r"pitfalls\[([\w,]+)\]", text)
        found += [text] if own is None else [one for name in own[1].split(",") for one in expanded(project, name)]
    return list(dict.fromkeys(found))


def floors(requirements):
    found = {}
    for requirement in requirements:
        text, _, marker = requirement.partition(";")
        if "python_version" in marker:
            continue  # conda's Python is the environment's own
        name, floor = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?\s*(>=\S+)", text.strip()).groups()
        found[CONDA_NAMES.get(name, name)] = floor
    return found


def test_conda_names_the_same_packages_and_floors(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    lines = [line for line in environment["dependencies"] if isinstance(line, str)]
    (by_pip,) = (entry["pip"] for entry in environment["dependencies"] if not isinstance(entry, str))
    # conda hands these to pip as a file of requirements, one per line, where few of pip's options are allowed.
    assert [line for line in by_pip if line.startswith("-")] == ["-e ."]
    lines += [line for line in by_pip if not line.startswith("-")]
    stated = {re.match(r"[\w.-]+", line).group(): line[re.match(r"[\w.-]+", line).end() :] for line in lines}
    python, pip = stated.pop("python"), stated.pop("pip")
    assert python == project["requires-python"]
    assert pip == ""
    assert stated == floors([*project["dependencies"], *expanded(project, "dev")])


def test_constraints_pin_every_requirement_at_or_above_its_floor(root, project):
    from packaging.requirements import Requirement
    from packaging.version import Version

    pins: dict[str, list[Version]] = {}
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            pins.setdefault(requirement.name.lower().replace("_", "-"), []).append(Version(pin.version))
    for text in [*project["dependencies"], *expanded(project, "dev"), *expanded(project, "bench")]:
        requirement = Requirement(text)
        if requirement.marker is None:
            assert requirement.name in pins, requirement.name
            assert all(requirement.specifier.contains(pin) for pin in pins[requirement.name]), text


def test_few_packages_are_required_and_every_other_has_an_extra(project):
    # nnsight is for benchmarks alone, which say so where it is missing.
    extras = project["optional-dependencies"].keys() - {"all", "dev", "bench"}
    assert len(project["dependencies"]) <= 12
    assert extras == {"models", "real", "figures", "course", "lab", "dask", "spacy"}
    assert set(expanded(project, "all")) == {text for extra in extras for text in expanded(project, extra)}
    # Tests stand in for spaCy, and Colab's own front end must stay.
    assert set(expanded(project, "dev")) >= set(expanded(project, "all")) - set(expanded(project, "spacy"))
    assert set(expanded(project, "course")) >= {*expanded(project, "models"), *expanded(project, "figures")}
    assert not any(text.startswith("jupyterlab") for text in expanded(project, "course"))


# All modules of these packages are imported inside the `with extra(…)` of their __init__.py.
GUARDED = {"figures": "figures", "course": "course"}


def imports(node, extra=None):
    """Every import in a module's tree, as (module, names, the extra inside whose `with` it stands)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, (), extra) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "name the module in full"
            yield child.module, tuple(alias.name for alias in child.names), extra
        elif isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        else:
            yield from imports(child, _extra(child) or extra)


def _extra(node):
    calls = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    named = [c.args[0].value for c in calls if isinstance(c, ast.Call) and getattr(c.func, "id", "") == "extra"]
    return named[0] if named else None


def test_the_package_imports_what_it_requires_and_all_else_inside_its_extra(root, project):
    from packaging.requirements import Requirement

    modules = {"scikit-learn": "sklearn", "pillow": "PIL", "ipython": "IPython"}

    def brought(texts):
        names = [Requirement(text).name for text in texts]
        return {modules.get(name, name.replace("-", "_")) for name in names}

    required = brought(project["dependencies"])
    for path in sorted((root / "pitfalls").rglob("*.py")):
        wing = path.relative_to(root / "pitfalls").parts[0]
        for module, _, extra in imports(ast.parse(path.read_text(encoding="utf-8"))):
            top = module.partition(".")[0]
            if top == "pitfalls" or top in sys.stdlib_module_names or top in required:
                continue
            guard = extra or GUARDED.get(wing)
            assert guard is not None, f"{path} imports {module} outside any `with extra(…)`"
            assert top in brought(expanded(project, guard)), f"{path}: the extra {guard} does not bring {module}"
    for wing, extra in GUARDED.items():
        tree = ast.parse((root / "pitfalls" / wing / "__init__.py").read_text(encoding="utf-8"))
        found = {inside for module, _, inside in imports(tree) if module.startswith(f"pitfalls.{wing}.")}
        assert found == {extra}


def imports_by_room(root):
    """CONTRIBUTING's table: what each room imports from."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|((?: `\w+`,?)*) \|$", text, re.M)
    return {room: set(re.findall(r"\w+", others)) for room, others in rows}


def test_contributing_shows_every_room_once(root):
    tree = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    shown = re.findall(r"^  ([\w.]+)/? ", tree, re.M)
    there = {path for path in (root / "pitfalls").iterdir() if path.name[0] not in "_."}
    assert sorted(shown) == sorted(path.name for path in there if path.is_dir() or path.suffix == ".py")
    for name in re.findall(r"^([\w/]+/)", tree, re.M):
        assert (root / name).is_dir(), name


def test_imports_run_one_way(root):
    """Text, arrays, models, probes, rankings, interventions, comparisons, worlds, study; figures know tables only."""
    below = imports_by_room(root)
    assert len(below) == 9 and below["figures"] == below["language"] == set()
    rooms = set(below)
    may = {room: others | {room} for room, others in below.items()}
    may |= {"study": rooms | {"study"}, "course": rooms | {"study", "course"}}
    may["cli"] = rooms | {"study", "cli", "__version__"}
    everybody = {"columns", "extras", "files", "numbers", "site", "tables"}
    for name in everybody:
        text = (root / "pitfalls" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"^\s*(?:from|import) pitfalls(?!\.numbers)", text, re.M), name
    for wing, allowed in may.items():
        for path in sorted((root / "pitfalls" / wing).rglob("*.py")):
            used = set()
            for module, names, _ in imports(ast.parse(path.read_text(encoding="utf-8"))):
                # Everything is reachable through the package itself: `import pitfalls` must not be a way round.
                if module == "pitfalls":
                    used |= set(names or ["everything"])
                elif module.startswith("pitfalls."):
                    used.add(module.split(".")[1])
            assert used <= allowed | everybody, f"{path} imports {sorted(used - allowed)}"


def test_readme_badges_come_from_the_one_address(root):
    from pitfalls.study import readme

    text = (root / "README.md").read_text(encoding="utf-8")
    assert readme.renewed(text, readme.address(root), readme.stems(root)) == text, "run `make readme`"
    assert len(readme.stems(root)) == 13
    with pytest.raises(ValueError, match="lacks the marks"):
        readme.renewed("no marks", readme.address(root), [])
    with pytest.raises(ValueError, match="0 rows for the notebook 12_new: write one"):
        readme.renewed(text, readme.address(root), ["12_new"])


def test_version_and_repository_are_said_once(root, project):
    import pitfalls

    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == project["urls"]["Repository"]
    assert citation["version"] == pitfalls.__version__ == project["version"]


def test_readme_pictures_and_notebooks_exist(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    local = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert local
    for target in local:
        assert (root / target).exists(), target
    listed = set(re.findall(r"notebooks/(\d\d_\w+\.ipynb)", text))
    assert listed == {path.name for path in (root / "notebooks").glob("[0-9]*.ipynb")}


def test_the_readmes_picture_is_described_by_its_own_numbers(root):
    text = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    drawn = pd.read_csv(root / "results" / "01_translation.csv").query("direction == 'ttb'")
    highest = drawn.groupby(["ranking", "measure"])["rate"].max().unstack()
    alt = re.search(r"!\[(.+?)\]\(figures/01_translation\.png\)", text)[1]
    told = re.findall(r"(Probeless|Linear|Gaussian)[a-z ]* to (0\.\d\d) and (0\.\d\d)", alt)
    expected = {(name, *(f"{rate:.2f}" for rate in highest.loc[name.lower(), ["error rate", "CLWV"]]))
                for name in ("Probeless", "Linear", "Gaussian")}  # fmt: skip
    assert set(told) == expected and f"{drawn['words'].max():,} Spanish words" in alt
    assert highest.loc["random"].max() < 0.005
    at_16 = "k == 16 and direction == 'ttb'"
    read = pd.read_csv(root / "results" / "01_accuracy.csv").query(f"{at_16} and probe == 'linear'")
    moved = drawn.query("k == 16 and measure == 'CLWV'")
    percent = [
        [f"{100 * share:.0f} %" for share in table.set_index("ranking")[column][["gaussian", "linear", "probeless"]]]
        for table, column in ((read, "accuracy"), (moved, "rate"))
    ]
    assert f"{percent[0][0]} of the words from the first 16 (Gaussian ranking), {percent[0][1]} (Linear)" in text
    assert f"(Linear) or {percent[0][2]} (Probeless)" in text
    assert f"and {percent[1][0]}, {percent[1][1]} or {percent[1][2]} of the words change their gender" in text


def test_ci_runs_make_test(root):
    assert re.search(r"^make test\b", (root / ".ci" / "run").read_text(encoding="utf-8"), re.M)


def test_every_file_that_the_package_reads_is_in_git(root):
    """Only on a fresh machine would anybody notice a table that .gitignore leaves out."""
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "pitfalls", "data"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    known = set(listed.stdout.splitlines())
    for folder in ("pitfalls", "data"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith(".part"):
                assert path.relative_to(root).as_posix() in known
