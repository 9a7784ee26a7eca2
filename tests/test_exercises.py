"""Every exercise: heading and check agree, the notebook's own solution passes, and each mistake gets its own hint."""

from __future__ import annotations

import ast
import re
import signal
import time

import jupytext
import nbformat
import numpy as np
import pandas as pd
import pytest

from pitfalls import course
from pitfalls.course import checking
from pitfalls.course.checking import WrongAnswer, exercises

IDS = list(exercises())
#: Tests that run once per exercise would all pass if there were none.
AT_LEAST = 20

HEADING = re.compile(r"^### Exercise (\d\d\.\d+) ([★☆]{3}) (\d+) minutes: (.+)$", re.M)
SOLUTION = re.compile(r"^( +)### BEGIN SOLUTION\n.*?^\1### END SOLUTION$", re.M | re.S)
STUB = r"\1raise NotImplementedError"


@pytest.fixture(scope="module")
def cells(root):
    """The cells of every source, by the notebook's number."""
    sources = sorted((root / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
    return {source.name[:2]: jupytext.read(source).cells for source in sources}


@pytest.fixture(scope="module")
def headings(cells):
    """The id, stars, minutes and title of every exercise in the notebooks, in order."""
    return [
        found
        for notebook in cells.values()
        for cell in notebook
        if cell.cell_type == "markdown"
        for found in HEADING.findall(cell.source)
    ]


def answer_cell(cells, exercise_id):
    """The one code cell that checks an exercise."""
    found = [
        cell
        for cell in cells[exercise_id[:2]]
        if cell.cell_type == "code" and f'course.check("{exercise_id}"' in cell.source
    ]
    assert len(found) == 1, f"{exercise_id} is checked in {len(found)} cells"
    return found[0]


def names_before(cells, exercise_id):
    """What the imports of a notebook define: an answer may use them, and nothing else from its notebook."""
    names = {}
    for cell in cells[exercise_id[:2]]:
        if cell.cell_type == "code":
            code = "\n".join("" if line.startswith(("%", "!")) else line for line in cell.source.split("\n"))
            imports = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), exercise_id, "exec"), names)
    return names


def said(exercise, answer):
    """The hint that an answer gets."""
    with pytest.raises(WrongAnswer) as caught:
        exercise.check(answer)
    return str(caught.value)


def test_there_are_exercises_and_their_headings_are_numbered_from_one(headings):
    assert len(IDS) >= AT_LEAST
    ids = [found[0] for found in headings]
    assert sorted(ids) == sorted(IDS)
    for number in {exercise_id[:2] for exercise_id in ids}:
        own = [exercise_id for exercise_id in ids if exercise_id.startswith(number)]
        assert own == [f"{number}.{i + 1}" for i in range(len(own))]


@pytest.mark.parametrize("exercise_id", IDS)
def test_heading_task_and_folded_hints_stand_above_the_answer(exercise_id, cells):
    exercise, notebook = exercises()[exercise_id], cells[exercise_id[:2]]
    above = notebook[notebook.index(answer_cell(cells, exercise_id)) - 1]
    assert HEADING.findall(above.source) == [(exercise_id, exercise.stars, str(exercise.minutes), exercise.title)]
    assert 1 <= exercise.minutes <= 15
    assert 1 <= above.source.count("<details>") == above.source.count("</details>") <= 2
    assert above.source.count("<summary>Hint") == above.source.count("<details>")


@pytest.mark.parametrize("exercise_id", IDS)
def test_every_wrong_answer_gets_its_own_hint(exercise_id):
    exercise = exercises()[exercise_id]
    hints = {words: said(exercise, answer) for words, answer in exercise.wrong.items()}
    for words in hints:
        # Words that another's hint contains, too, would not tell the two apart.
        assert [other for other, hint in hints.items() if words in hint] == [words]
    assert len(set(hints.values())) == len(hints) >= 2


@pytest.mark.parametrize("exercise_id", IDS)
def test_an_answer_without_return_gets_a_hint_and_the_stub_gets_none(exercise_id, cells):
    assert said(exercises()[exercise_id], lambda *args, **kwargs: None)
    stub, replaced = SOLUTION.subn(STUB, answer_cell(cells, exercise_id).source)
    assert replaced == 1
    with pytest.raises(NotImplementedError):
        exec(stub, names_before(cells, exercise_id))


@pytest.mark.parametrize("exercise_id", IDS)
def test_the_notebooks_solution_is_right_and_a_check_says_the_same_again(exercise_id, cells, capsys):
    """A check that draws its inputs must draw them with a seed, and must not hand out inputs that answers can spoil."""
    names = names_before(cells, exercise_id)
    exec(answer_cell(cells, exercise_id).source, names)
    assert capsys.readouterr().out == f"{exercise_id} is right.\n"
    right = names[re.search(rf'course\.check\("{exercise_id}", (\w+)\)', answer_cell(cells, exercise_id).source)[1]]

    def spoiling(*args, **kwargs):
        result = right(*args, **kwargs)
        for arg in args:
            if isinstance(arg, np.ndarray):
                arg[...] = 0
            elif isinstance(arg, pd.DataFrame):
                for column in list(arg.columns):
                    del arg[column]
            elif isinstance(arg, list):
                arg.clear()
        return result

    course.check(exercise_id, spoiling)
    exercise = exercises()[exercise_id]
    for answer in exercise.wrong.values():
        assert said(exercise, answer) == said(exercise, answer)


def test_an_unknown_exercise_names_the_known():
    with pytest.raises(ValueError, match=r"no exercise '99.9'; there are: .*" + re.escape(IDS[0])):
        course.check("99.9", len)


@pytest.mark.slow
def test_in_a_notebook_only_the_hint_of_a_wrong_answer_is_shown(tmp_path):
    """The way to the hint leads through the reference solution, and a student would read it there."""
    from nbclient import NotebookClient

    sources = [
        "import numpy as np\nfrom pitfalls import course",
        "def first_neurons(mean, covariance, order, k):\n    return mean[:k], covariance[:k, :k]\n\n"
        'course.check("05.1", first_neurons)',
        "def first_neurons(mean, covariance, order, k):\n    return mean[order[:k]], covariance[nowhere]\n\n"
        'course.check("05.1", first_neurons)',
        "from pitfalls.course import checking\nchecking.TIME_LIMIT = 0.5\n\n"
        "def first_neurons(mean, covariance, order, k):\n    while True:\n        pass\n\n"
        'course.check("05.1", first_neurons)',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute()
    wrong, broken, endless = (cell.outputs[0] for cell in notebook.cells[1:])
    assert (endless.ename, "still ran after 0.5 seconds" in endless.evalue) == ("WrongAnswer", True)
    assert wrong.ename == "WrongAnswer"
    assert wrong.traceback == [f"WrongAnswer: {wrong.evalue}"] and "order[:k]" in wrong.evalue
    assert broken.ename == "NameError"
    shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(broken.traceback))
    assert "covariance[nowhere]" in shown and "questions" not in shown


def endless(*_):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


def stubborn(*_):
    """Swallows one interruption."""
    try:
        endless()
    except:  # noqa: E722 - as students write it
        endless()


@pytest.mark.parametrize("way", ["_alarm", "_interruption"])
@pytest.mark.parametrize("answer", [endless, stubborn])
def test_an_answer_that_never_ends_is_wrong(monkeypatch, way, answer):
    if way == "_interruption":
        if answer is stubborn:
            pytest.skip("only an alarm rings again")
        monkeypatch.delattr(signal, "setitimer")
    elif not hasattr(signal, "setitimer"):
        pytest.skip("this system has no alarms")
    monkeypatch.setattr(checking, "TIME_LIMIT", 0.2)
    handlers = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT)]
    with pytest.raises(WrongAnswer, match=r"still ran after 0\.2 seconds and was stopped: look for a loop"):
        course.check("05.1", answer)
    assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT)] == handlers
    if way == "_alarm":
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_interrupt_key_still_interrupts_an_answer(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    with pytest.raises(KeyboardInterrupt), checking.time_limit(60):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no alarms")
def test_an_alarm_that_was_set_before_goes_on():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with checking.time_limit(60):
            time.sleep(0.05)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.3
        time.sleep(0.6)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
