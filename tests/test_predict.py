"""Guesses before results: the slider commits once, the code line does the same, and the figure says how it went."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from another_user import unreadable

from pitfalls import course
from pitfalls.course import guesses
from pitfalls.course.predict import _widget, instead, predict, step_of
from pitfalls.figures import calibration


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "here" / "guesses.json"
    monkeypatch.setenv("PITFALLS_GUESSES", str(path))
    return path


def parts(guess_id="05-a", low=0, high=1, unit=""):
    """The widget's slider, button and what it says."""
    _, slider, button, said = _widget(guess_id, "How accurate?", low, high, unit).children
    return slider, button, said


def test_a_guess_is_made_by_moving_and_committing(file):
    slider, button, said = parts()
    assert button.disabled and slider.value == (0, 1)  # the whole range is no guess
    slider.value = (0.2, 0.5)
    assert not button.disabled and not file.exists()
    slider.value = (0, 1)
    assert button.disabled
    slider.value = (0.2, 0.5)
    button.click()
    assert slider.disabled and button.disabled and "Kept: 0.2 to 0.5." in said.value
    assert guesses.kept("05-a") == (0.2, 0.5)
    assert course.reveal("05-a", 0.3).endswith("inside.")


def test_a_guess_that_is_kept_is_shown_and_cannot_be_changed():
    course.guess("05-a", "How accurate?", 0.25, 3)  # in code: beyond the slider's end
    slider, button, said = parts()
    assert slider.disabled and button.disabled and "0.25 to 3" in said.value
    assert slider.value == (0.25, 1)
    course.reveal("05-a", 0.5)
    button.click()
    assert guesses.kept("05-a") == (0.25, 3)
    course.guess("05-b", "How accurate?", 5, 6)
    assert parts("05-b")[0].value == (1, 1)


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("PITFALLS_GUESSES", str(tmp_path / "a file" / "guesses.json"))
    slider, button, said = parts()
    slider.value = (0.2, 0.5)
    button.click()
    assert "PITFALLS_GUESSES" in said.value and not button.disabled


@pytest.mark.parametrize("ends", [(1, 1), (2, 1), (0, math.inf), (math.nan, 1)])
def test_ends_that_are_no_interval_are_refused(ends):
    with pytest.raises(ValueError, match="cannot be moved"):
        predict("05-a", "How accurate?", *ends)


@pytest.mark.parametrize("low, high", [(0, 1), (0, 128), (-3, 0.5), (0.05, 0.06), (0, 1e6)])
def test_steps_are_round_and_neither_few_nor_many(low, high):
    step = step_of(low, high)
    assert 49 < (high - low) / step < 126
    assert f"{step:e}"[0] in "125"


def test_the_code_that_stands_for_the_slider_commits_the_same(capsys):
    predict("05-a", 'How many of "them"?', 0, 128, "neurons")  # no front end here
    said = instead("05-a", 'How many of "them"?', 0, 128, "neurons")
    assert "text/plain" in capsys.readouterr().out
    call = re.search(r"course\.guess\(.*\)", said).group()
    exec(call, {"course": course, "low": 3, "high": 9})
    assert guesses.kept("05-a") == (3, 9)
    assert instead("05-a", 'How many of "them"?', 0, 128, "neurons") == said  # whatever was guessed


def table(hits, n):
    i = np.arange(n)
    inside = i < hits
    text = {"id": [f"0{j}-a" for j in i], "question": [f"Question {j}?" for j in i], "unit": "words"}
    result = 10.0 * i + np.where(inside, 1.0, 5.0)
    return pd.DataFrame(text | {"low": 10.0 * i, "high": 10.0 * i + 4, "result": result, "inside": inside})


def test_the_figure_tells_every_guess_and_the_share():
    plot = calibration(table(7, 10))
    assert "7 of 10 results lie inside (70 %; wished for: 80 %)" in plot.alt
    for i in range(10):
        result = f"{10 * i + 1}, inside" if i < 7 else f"{10 * i + 5}, outside"
        assert f"Question {i}? {10 * i} to {10 * i + 4} words, result {result}." in plot.alt
    # The interval goes from 0 to 1: results lie a quarter into it, or a quarter beyond it.
    np.testing.assert_allclose(plot.table["place"], [0.25] * 7 + [1.25] * 3)
    (axes,) = plot.figure.axes
    drawn = {line.get_label(): (line.get_marker(), sorted(line.get_xdata())) for line in axes.get_lines()}
    assert drawn == {"inside": ("o", [0.25] * 7), "outside": ("X", [1.25] * 3)}
    assert plot.png() == calibration(table(7, 10)).png()


def test_too_few_and_too_many_hits_are_told_from_chance():
    """With ten honest 80 % intervals, 95 % of readers get 5 to 10 hits: the binomial distribution, summed by hand."""
    probability = [math.comb(10, h) * 0.8**h * 0.2 ** (10 - h) for h in range(11)]
    assert sum(probability[5:]) >= 0.95 and sum(probability[:5]) < 0.025 < sum(probability[:6])
    for hits, n, said in ((4, 10, "too narrow"), (5, 10, "expected"), (10, 10, "expected"), (30, 30, "be narrower")):
        assert said in calibration(table(hits, n)).caption


def test_far_results_stay_in_the_picture_and_points_are_intervals_too():
    given = table(2, 2).assign(low=[1.0, 1.0], high=[1.0, 2.0], result=[1.0, 900.0], inside=[True, False])
    plot = calibration(given)
    (axes,) = plot.figure.axes
    assert all(axes.get_xlim()[0] < place < axes.get_xlim()[1] for place in plot.table["place"])
    assert "result 900, outside" in plot.alt


def test_what_the_reader_did_reaches_the_figure():
    plot = calibration(course.calibration())
    assert plot.alt.startswith("No guess has met its result yet") and plot.table.empty
    assert plot.png().startswith(b"\x89PNG")
    course.guess("05-a", "How accurate?", 0.2, 0.5)
    course.reveal("05-a", 0.75)
    course.guess("05-b", "How many?", 1, 2, "neurons")  # without a result: not counted
    assert "0 of 1 results" in calibration(course.calibration()).alt


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inside": False}, "'00-a', 0 to 4 with the result 1 and inside = False, has the wrong inside"),
        ({"low": 9.0}, "lower bound first"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        calibration(table(1, 1).assign(**change))


MANY = """
import sys, threading
from pitfalls.course import guesses
def keep(name):
    for i in range(75):
        guesses.guess(f"{name}-{i}", "How many?", 0, 1)
threads = [threading.Thread(target=keep, args=(f"{sys.argv[1]}-{n}",)) for n in range(2)]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.slow
def test_processes_and_threads_keep_all_guesses(file, root):
    environment = os.environ | {"PYTHONPATH": str(root)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", MANY, name], env=environment, **pipes) for name in "ab"]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait() for process in both] == [0, 0]
    assert len(json.loads(file.read_bytes())) == 300
    assert sorted(path.name for path in file.parent.iterdir()) == ["guesses.json", "guesses.json.lock"]


SOUND = {"05-a": {"question": "How?", "unit": "", "low": 0.2, "high": 0.5}}
DAMAGED = {
    "cut": json.dumps(SOUND)[:-9],
    "a list": "[]",
    "deep": "[" * 100_000,
    "no text": "\udc80",
    "an entry is a list": json.dumps({**SOUND, "05-b": [1]}),
    "an entry is deep": json.dumps({**SOUND, "05-b": 0})[:-2] + "[" * 400 + "]" * 400 + "}",
    "a bound is text": json.dumps({**SOUND, "05-b": {**SOUND["05-a"], "low": "0"}}),
    "a bound is too large": json.dumps({**SOUND, "05-b": {**SOUND["05-a"], "high": 10**400}}),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_kept_aside_and_what_is_sound_stays(file, damage):
    content = DAMAGED[damage].encode("utf-8", "surrogateescape")
    sound = {"05-a": (0.2, 0.5)} if damage.startswith(("an ", "a bound")) else {}
    for n in (1, 2):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        with pytest.warns(UserWarning, match="guesses that cannot be read are left out"):
            assert guesses.kept("05-b") is None and guesses.kept("05-a") == sound.get("05-a")
        with pytest.warns(UserWarning, match="guesses that cannot be read are left out"):
            assert len(guesses.calibration()) == 0
        assert file.read_bytes() == content
        with pytest.warns(UserWarning, match=rf"is damaged .*kept as .*guesses\.json\.damaged-{n}"):
            course.guess("05-c", "How?", 0, 1)
        assert (file.parent / f"guesses.json.damaged-{n}").read_bytes() == content
        assert guesses.kept("05-c") == (0, 1) and guesses.kept("05-a") == sound.get("05-a")


def test_a_file_that_may_not_be_read_is_not_replaced():
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        os.chmod(folder, 0o777)
        path = Path(folder) / "guesses.json"
        patch.setenv("PITFALLS_GUESSES", str(path))
        course.guess("05-a", "How?", 0.2, 0.5)
        (Path(folder) / "guesses.json.lock").chmod(0o666)
        before = path.read_bytes()
        with unreadable(path):
            with pytest.warns(UserWarning, match="Permission denied"):
                assert guesses.kept("05-a") is None
            with pytest.raises(PermissionError):
                course.guess("05-b", "How?", 0, 1)
        assert path.read_bytes() == before
