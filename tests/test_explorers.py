"""Explorers show what the package computes, and without a front end they show the first view as text and pictures."""

from __future__ import annotations

import html
import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from oracles import splits

import pitfalls as pf
from pitfalls.course import explorers, frontend, neuron_view, sentence_view
from pitfalls.worlds.experiment import Experiment

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def number(planted):
    """The planted world, and its words."""
    return planted, planted.activations("art", "Number", 1)


@pytest.fixture(scope="module")
def gender(mini):
    """The mini world, and its Spanish words with Gender."""
    return mini, mini.activations("spa", "Gender", 2)


def test_values_are_those_of_the_test_words(number):
    _, data = number
    table = neuron_view.neuron_values(data, 5)
    np.testing.assert_array_equal(table["activation"], data.test.X[:, 5])
    assert table["value"].tolist() == [data.test.values[i] for i in data.test.y]


def test_neurons_that_are_none_are_refused(number):
    _, data = number
    for neuron in (-1, 128):
        with pytest.raises(ValueError, match="no neuron"):
            neuron_view.neuron_values(data, neuron)
    with pytest.raises(ValueError, match="no neuron"):
        neuron_view.neuron_positions(128, [pf.rank("probeless", data)])


def test_top_words_are_the_extremes_in_their_own_sentences(gender):
    world, data = gender
    part, neuron = data.test, 17  # its lows are larger than its highs: absolute values would give another order
    top = neuron_view.top_words(world, data, neuron, n=6)
    best = {}
    for form, activation in zip(part.forms, part.X[:, neuron].tolist(), strict=True):
        low, high = best.get(form, (activation, activation))
        best[form] = min(low, activation), max(high, activation)
    highest = top[top["end"] == "highest"]
    assert highest["activation"].tolist() == sorted((high for _, high in best.values()), reverse=True)[:6]
    assert top[top["end"] == "lowest"]["activation"].tolist() == sorted(low for low, _ in best.values())[:6]
    sentences = [" ".join(sentence.forms) for sentence in world.sentences("spa", "test")]
    for row in top.itertuples():
        assert re.findall(r"\*(.+?)\*", row.sentence) == [row.word]
        (i, *_) = [i for i, form in enumerate(part.forms) if form == row.word and part.X[i, neuron] == row.activation]
        assert row.value == part.values[part.y[i]]
        assert row.sentence.replace("*", "") == sentences[part.sentence_ids[i]]


@pytest.mark.slow
def test_positions_are_those_in_the_rankings(number):
    _, data = number
    orders = neuron_view.explorer_rankings(data)
    assert [order.name for order in orders] == list(pf.RANKINGS)
    for row, order in zip(neuron_view.neuron_positions(7, orders).itertuples(), orders, strict=True):
        assert order.order[row.position - 1] == 7 and row.of == data.n_neurons


# A draw of one word lacks the other value, so all words are taken instead.
@pytest.mark.parametrize("max_words", [1, 10**6])
def test_rankings_of_few_words_keep_every_value(number, max_words):
    _, data = number
    (order,) = neuron_view.explorer_rankings(data, ["probeless"], max_words)
    np.testing.assert_array_equal(order.order, pf.rank("probeless", data).order)


def test_of_very_many_neurons_the_gaussian_search_takes_some():
    data = splits(n=40, d=1030)
    with pytest.warns(UserWarning, match="1,030 neurons: the Gaussian search takes the 1,024 .* by Probeless"):
        orders = neuron_view.explorer_rankings(data, ["gaussian", "probeless"])
    assert [order.name for order in orders] == ["gaussian among probeless", "probeless"]
    assert neuron_view.neuron_positions(7, orders)["of"].tolist() == [1030, 1030]


def test_a_report_says_what_the_tables_say(number):
    world, data = number
    orders = neuron_view.explorer_rankings(data, ["probeless", "anova"])
    report = neuron_view.neuron_report(world, data, 7, orders)
    alt = pf.figures.neuron(neuron_view.neuron_values(data, 7), "Neuron 7, Artificial Number, layer 1").alt
    assert f'alt="{html.escape(alt)}"' in report and "data:image/png;base64," in report
    for row in neuron_view.neuron_positions(7, orders).itertuples():
        assert f"<td>{row.ranking}</td><td>{row.position}</td><td>{row.of}</td>" in report
    assert report.count("<u>*") == 10


@pytest.mark.slow
def test_words_become_what_examples_says(gender):
    world, data = gender
    ranking, kind = pf.rank("probeless", data), pf.Translation(4)
    expected = Experiment(world, data).intervene(ranking, kind, [40]).examples(n=6, seed=1)
    assert len(expected)
    ids = [sentence.id for sentence in world.sentences("spa", "test")]
    for sentence_id, rows in expected.groupby("sentence_id"):
        words = sentence_view.sentence_words(Experiment(world, data), ranking, ids.index(sentence_id), 40, 4)
        changed = words[words["outcome"] != "unchanged"]
        same = ["position", "word", "predicted", "outcome", "value", "intended"]
        pd.testing.assert_frame_equal(
            changed[same].reset_index(drop=True), rows[same].reset_index(drop=True), check_dtype=False
        )
        assert set(words["before"].str.replace("*", "")) == {rows["before"].iloc[0]}
        assert set(words["after"].str.replace("*", "")) == {rows["after"].iloc[0]}
        assert re.findall(r"\*([^*]+)\*", words["before"].iloc[0]) == changed["word"].tolist()
        assert re.findall(r"\*([^*]+)\*", words["after"].iloc[0]) == changed["predicted"].tolist()


def test_no_neurons_change_what_the_model_gets_wrong_by_itself_only(number):
    world, data = number
    ranking = pf.rank("probeless", data)
    itself = Experiment(world, data).intervene(ranking, pf.Translation(4), [0]).outcomes
    for sentence in sentence_view.example_sentences(data, 3):
        words = sentence_view.sentence_words(Experiment(world, data), ranking, sentence, 0, 4)
        own = itself[itself["sentence"] == sentence]
        assert words["outcome"].tolist() == own["outcome"].tolist()
        assert words["position"].tolist() == own["position"].tolist()


def test_sentences_offered_have_a_word_to_change(gender):
    _, data = gender
    offered = sentence_view.example_sentences(data, 20, seed=3)
    assert offered == sorted(set(offered)) and len(offered) == 20
    assert set(offered) <= set(data.test.sentence_ids.tolist())
    assert (
        offered
        == sentence_view.example_sentences(data, 20, seed=3)
        != sentence_view.example_sentences(data, 20, seed=4)
    )
    bare = next(i for i in range(10**6) if i not in set(data.test.sentence_ids.tolist()))
    with pytest.raises(ValueError, match=f"test sentence {bare} has no word with Gender"):
        sentence_view.sentence_words(Experiment(*gender), pf.rank("probeless", data), bare, 8, 4)


def test_changed_words_are_marked_by_more_than_colour():
    words = pd.DataFrame(
        {"word": ["a", "<b>"], "predicted": ["a", "b ##s"], "outcome": ["unchanged", "split"], "value": "X",
         "intended": "Y", "before": "a * *<b>*", "after": "a * *b ##s*"}
    )  # fmt: skip
    report = sentence_view.sentence_report(words, "Probeless", 3, 2.5)
    assert "Probeless, k = 3, β = 2.5: 1 of 2 words come out different" in report
    assert "<p>before: a * <b><u>*&lt;b&gt;*</u></b></p><p>after: a * <b><u>*b ##s*</u></b></p>" in report
    assert "<td>&lt;b&gt;</td><td>b ##s</td><td>split</td>" in report


@pytest.mark.slow
def test_the_neuron_widget_shows_the_report_of_what_is_chosen(gender):
    world, data = gender
    names = ["probeless"]
    orders = neuron_view.explorer_rankings(data, names)
    widget = explorers._NeuronExplorer(world, data, 3, names, orders, "first")
    assert widget.report.value == "first"
    widget.neuron.value = 4
    assert widget.report.value == neuron_view.neuron_report(world, data, 4, orders)
    widget.layer.value = 1
    widget.language.value = "eng"  # which has no Gender
    assert widget.attribute.value == widget.attribute.options[0] == "Number"
    english = world.activations("eng", "Number", 1)
    report = neuron_view.neuron_report(world, english, 4, neuron_view.explorer_rankings(english, names))
    assert widget.report.value == report
    widget.language.value = "spa"  # the attribute stays if the language has it
    assert widget.attribute.value == "Number" and "Spanish Number, layer 1" in widget.report.value


def test_the_intervention_widget_shows_the_report_of_what_is_chosen(number):
    world, data = number
    orders = neuron_view.labelled([pf.rank("probeless", data), pf.rank("probeless", data, direction="btt")])
    offered = sentence_view.example_sentences(data, 4)
    widget = explorers._InterventionExplorer(Experiment(world, data), orders, offered, (offered[0], 8, 4.0), "first")
    assert widget.report.value == "first" and [i for _, i in widget.sentence.options] == offered
    widget.k.value, widget.beta.value, widget.sentence.value = 20, 8.0, offered[2]
    widget.ranking.value = name = "Probeless, bottom to top"
    words = sentence_view.sentence_words(Experiment(world, data), orders[name], offered[2], 20, 8.0)
    assert widget.report.value == sentence_view.sentence_report(words, name, 20, 8.0)


@pytest.mark.parametrize(("stated", "shown"), [("1", True), ("0", False), ("", False)])
def test_the_environment_decides_about_widgets(monkeypatch, stated, shown):
    monkeypatch.setenv("PITFALLS_WIDGETS", stated)
    assert frontend.has_widgets() is shown


SET_UP = """import os
import pitfalls as pf
from pitfalls.course import guesses
from pitfalls.course.explorers import intervention_explorer, neuron_explorer
from pitfalls.course.predict import predict
world = pf.load_world("planted")
data = world.activations("art", "Number", 1)"""
SHOWN = [
    'predict("00-a", "How many?", 0, 128, "neurons")',
    'neuron_explorer(world, layer=1, neuron=7, names=["probeless"])',
    'intervention_explorer(pf.Experiment(world, data), [pf.rank("probeless", data)])',
]
PERSON = 'os.environ["PITFALLS_WIDGETS"] = "1"\nguesses.guess("00-a", "How many?", 1, 2)'


@pytest.mark.slow
def test_where_nobody_sits_the_first_view_stands_still(tmp_path, monkeypatch, number):
    """Executed by nbclient, as nbval, nbconvert and `pitfalls reproduce` do: no widget, fixed text, true pictures."""
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    monkeypatch.setenv("PITFALLS_GUESSES", str(tmp_path / "guesses.json"))
    monkeypatch.delenv("PITFALLS_WIDGETS", raising=False)
    monkeypatch.setenv("TQDM_DISABLE", "1")  # as for stored notebooks: progress bars are outputs, too
    code = [nbformat.v4.new_code_cell(source) for source in [SET_UP, *SHOWN, PERSON, *SHOWN]]
    notebook = nbformat.v4.new_notebook(cells=code)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    still = [cell.outputs[0].data for cell in notebook.cells[1:4]]
    assert [set(data) for data in still] == [{"text/plain", "text/html"}] * 3
    assert [re.split(r"[.?]", data["text/plain"])[0] for data in still] == [
        "Predict: How many",
        "Neuron explorer: Neuron 7, Artificial Number, layer 1",
        "Intervention explorer: Artificial Number, layer 1",
    ]
    world, data = number
    ranked = neuron_view.explorer_rankings(data, ["probeless"])
    assert still[1]["text/html"] == neuron_view.neuron_report(world, data, 7, ranked)
    # A person's front end gets the same plus the widget, and a guess that is kept changes no notebook.
    live = [cell.outputs[0].data for cell in notebook.cells[5:]]
    assert [set(data) for data in live] == [{"text/plain", "text/html", VIEW}] * 3
    for one, other in zip(still, live, strict=True):
        assert (one["text/plain"], one["text/html"]) == (other["text/plain"], other["text/html"])
    # Exported: the pictures and texts of both, and no widget, whose model is gone.
    notebook.metadata.pop("widgets", None)
    exported, _ = HTMLExporter().from_notebook_node(notebook)
    assert exported.count("<figure>") == 2 and exported.count("words come out different") == 2
    assert VIEW not in exported
