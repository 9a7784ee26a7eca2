"""What is printed and stored does not depend on how a processor rounds.

``make portable`` multiplies weights and word vectors by 1 + 1e-12 u (:mod:`pitfalls.models.perturbation`), runs the
notebooks under strict nbval, and recomputes four configurations of the study: their counts, orders and choices must
be the stored ones. ``PITFALLS_PORTABLE=all`` recomputes all 108 (half an hour) and prints how many numbers differ.
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from tiny_worlds import few_sentences

import pitfalls as pf
from pitfalls.models.perturbation import VARIABLE, perturbed
from pitfalls.site import Site
from pitfalls.study.configurations import Configuration, configurations
from pitfalls.study.measures import measure, tasks
from pitfalls.study.plan import Plan
from pitfalls.study.spot_checks import differences, differing
from pitfalls.study.stored import read_result
from pitfalls.worlds.world import World

#: One of each language and each layer; the first is the one in which processors differed most in float32.
FOUR = (("spa", "Part of Speech", 2), ("eng", "Number", 1), ("rus", "Case", 3), ("tur", "Polarity", 4))
under_the_switch = pytest.mark.skipif(
    VARIABLE not in os.environ or "PITFALLS_PORTABLE" not in os.environ, reason="`make portable` runs it (minutes)"
)


@pytest.fixture(scope="module")
def stored(root):
    return read_result(root / "results" / "study-mini-bert.zip").tables


def compared(configuration: Configuration, stored: dict[str, pd.DataFrame]) -> dict[str, dict[str, int]]:
    """How many entries of a recomputed configuration differ from the stored study, by table and column."""
    (task,) = tasks({"name": "mini"}, [configuration], Plan(), "x")
    return differences(stored, measure(task.parameters))


@under_the_switch
@pytest.mark.parametrize("which", FOUR, ids=str)
def test_a_configuration_gives_the_stored_tables(which, stored):
    assert compared(Configuration(which[0], which[1], Site("residual", which[2])), stored) == {}


@pytest.mark.skipif(os.environ.get("PITFALLS_PORTABLE") != "all", reason="half an hour: PITFALLS_PORTABLE=all")
@under_the_switch
def test_the_whole_study_gives_the_stored_tables(stored, capsys):
    which = configurations(pf.load_world("mini"))
    differences = {one.id: found for one in which if (found := compared(one, stored))}
    sizes = {name: len(table) for name, table in stored.items()}
    with capsys.disabled():
        print(f"\nrows compared: {sizes}; differing entries, by configuration, table and column: {differences}")
    assert differences == {}


def test_the_switch_moves_every_number_by_its_size_and_by_the_same_in_every_process(monkeypatch):
    values = np.linspace(1, 2, 1000)
    monkeypatch.setenv(VARIABLE, "1e-6")
    moved = perturbed(values, "a")
    assert 5e-7 < np.abs(moved / values - 1).max() <= 1.000001e-6
    np.testing.assert_array_equal(moved, perturbed(values, "a"))
    assert np.abs(moved - perturbed(values, "b")).max() > 1e-7
    assert perturbed(values.astype(np.float32), "a").dtype == np.float32
    for off in ("", "0"):
        monkeypatch.setenv(VARIABLE, off)
        assert perturbed(values, "a") is values


@pytest.mark.parametrize("stated", ["yes", "2", "-1", "nan"])
def test_a_switch_that_is_no_number_is_refused(stated, monkeypatch):
    monkeypatch.setenv(VARIABLE, stated)
    with pytest.raises(ValueError, match=r"PITFALLS_PERTURB is '.*': give a number from 0 to 1"):
        perturbed(np.ones(1), "a")
    with pytest.raises(ValueError, match=r"^PITFALLS_PERTURB is"):  # and not that the model's files are damaged
        pf.load_world("mini")


@pytest.mark.parametrize("name", ["mini", "planted"])
def test_the_switch_reaches_weights_and_word_vectors(name, monkeypatch, tmp_path):
    def loaded():
        world = pf.load_world(name)
        return World(name, world.model, few_sentences(tmp_path, 300), 5) if name == "mini" else world

    plain = loaded()
    language = plain.languages[0]
    before = plain.activations(language, "Number", 1).train.X
    assert before.dtype == np.float64
    monkeypatch.setenv(VARIABLE, "1e-6")
    other = loaded()
    assert other.model.fingerprint() != plain.model.fingerprint()
    after = other.activations(language, "Number", 1).train.X
    change = np.abs(after - before).max() / np.abs(before).max()
    assert 1e-8 < change < 1e-4


def test_a_change_of_one_word_or_place_is_seen(stored):
    curves = stored["curves"].head(50)
    assert differing(curves, curves.copy()) == {}
    assert differing(curves, curves.assign(accuracy=curves["accuracy"] + np.eye(1, 50, 7)[0] / 4000)) == {"accuracy": 1}
    orders = stored["orders"].head(20)
    swapped = orders.assign(neuron=orders["neuron"].to_numpy()[[1, 0, *range(2, 20)]])
    assert differing(orders, swapped) == {"neuron": 2}
    assert differing(orders, orders.head(19))["neuron"] == 20
