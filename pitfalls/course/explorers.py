"""Explorers: look at any neuron, and change any sentence, by dropdowns and sliders.

What is shown is computed by the functions here, tables and HTML from a world; the widgets only choose what they are
called with. Where no widget can be shown, the first view stands still (:mod:`~pitfalls.course.frontend`).
"""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.course.frontend import show
from pitfalls.figures.neuron import neuron as draw_neuron
from pitfalls.figures.style import Plot, language_name, ranking_name
from pitfalls.interventions.replay import Sample, Targets, prepare
from pitfalls.interventions.run import judged_words
from pitfalls.interventions.translation import Translation
from pitfalls.rankings import RANKINGS, rank
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.world import World

#: Training words that the neuron explorer ranks by: all rankings of as many take some seconds.
MAX_WORDS = 4000

_SEARCHED = 32  # neurons that greedy rankings choose before they complete their order
_WIDE = "30em"
_TOP_COLUMNS = ["end", "activation", "word", "value", "sentence"]
_WORD_COLUMNS = ["position", "word", "predicted", "outcome", "value", "intended", "before", "after"]


# ------------------------------------------------------------------------------------- one neuron


def neuron_values(data: Splits, neuron: int) -> pd.DataFrame:
    """A neuron's activation in every test word: value, activation; as :func:`pitfalls.figures.neuron` takes it.

    Raises
    ------
    ValueError
        There is no such neuron.
    """
    part = data.test
    if not 0 <= neuron < part.n_neurons:
        raise ValueError(f"no neuron {neuron}: there are 0 to {part.n_neurons - 1}")
    return pd.DataFrame(
        {"value": [part.values[i] for i in part.y.tolist()], "activation": np.asarray(part.X)[:, neuron]}
    )


def top_words(world: World, data: Splits, neuron: int, n: int = 5) -> pd.DataFrame:
    """The test words in which a neuron is highest, and those in which it is lowest, in their sentences.

    A form comes once at an end, where it is most extreme; of equal ones the first in the text.

    Returns
    -------
    ``2 n`` rows (fewer where there are fewer forms): end ("highest", "lowest"), activation, word, value, sentence,
    with the word between asterisks.

    Raises
    ------
    ValueError
        There is no such neuron.
    """
    activation = neuron_values(data, neuron)["activation"].to_numpy()
    part, rows = data.test, []
    sentences = world.sentences(part.language, "test")
    for end, order in (
        ("highest", np.argsort(-activation, kind="stable")),
        ("lowest", np.argsort(activation, kind="stable")),
    ):
        for i in _first_of_each_form(part, order.tolist(), n):
            place = int(part.positions[i])
            words = list(sentences[int(part.sentence_ids[i])].forms)
            words[place] = f"*{words[place]}*"
            rows.append([end, float(activation[i]), part.forms[i], part.values[int(part.y[i])], " ".join(words)])
    return pd.DataFrame(rows, columns=_TOP_COLUMNS)


def _first_of_each_form(part: Activations, order: list[int], n: int) -> list[int]:
    found: dict[str, int] = {}
    for i in order:
        found.setdefault(part.forms[i], i)
        if len(found) == n:
            break
    return list(found.values())


def explorer_rankings(data: Splits, names: Sequence[str] | None = None, max_words: int = MAX_WORDS) -> list[Ranking]:
    """Rankings for an explorer, by default all that there are, fast: of at most ``max_words`` training and dev words.

    Where a draw of words lacks one of the values, all words are taken.
    """
    with contextlib.suppress(ValueError):
        data = Splits(data.train.sample(max_words), data.dev.sample(max_words), data.test)
    return [rank(name, data, max_neurons=min(_SEARCHED, data.n_neurons)) for name in names or RANKINGS]


def neuron_positions(neuron: int, orders: Sequence[Ranking]) -> pd.DataFrame:
    """Where a neuron stands in rankings: ranking (its name), position (1 is the first), of (neurons).

    Examples
    --------
    >>> neuron_positions(4, [Ranking.of_first([3, 4], 6, "mine")]).to_dict("records")
    [{'ranking': 'Mine', 'position': 2, 'of': 6}]
    """
    rows = [[label, _position(order, neuron), len(order)] for label, order in labelled(orders).items()]
    return pd.DataFrame(rows, columns=["ranking", "position", "of"])


def _position(order: Ranking, neuron: int) -> int:
    found = np.flatnonzero(order.order == neuron)
    if not len(found):
        raise ValueError(f"no neuron {neuron}: the ranking {order.name} orders 0 to {len(order) - 1}")
    return int(found[0]) + 1


def labelled(orders: Sequence[Ranking]) -> dict[str, Ranking]:
    """Rankings by what a reader is shown: their names, and their seeds where two have one name.

    Raises
    ------
    ValueError
        No ranking.

    Examples
    --------
    >>> list(labelled([Ranking(np.arange(2), None, "random", seed=seed) for seed in (0, 1)]))
    ['Random, seed 0', 'Random, seed 1']
    """
    if not orders:
        raise ValueError("no ranking to show: give one or more, such as [pf.rank('probeless', data)]")
    names = [ranking_name(order.name, order.direction) for order in orders]
    return {
        name if names.count(name) == 1 else f"{name}, seed {order.seed}": order
        for name, order in zip(names, orders, strict=True)
    }


def neuron_title(data: Splits, neuron: int) -> str:
    """What is shown, such as "Neuron 21, Spanish Gender, layer 3"."""
    return f"Neuron {neuron}, {language_name(data.language)} {data.attribute}, {data.site}"


def neuron_report(world: World, data: Splits, neuron: int, orders: Sequence[Ranking]) -> str:
    """Everything about a neuron as HTML: histogram by value, top words in context, its position in the rankings."""
    top = top_words(world, data, neuron)
    top["activation"] = [f"{activation:.2f}" for activation in top["activation"]]
    plot: Plot = draw_neuron(neuron_values(data, neuron), neuron_title(data, neuron))
    return (
        plot._repr_html_()
        + _table(neuron_positions(neuron, orders), "Its position in every ranking (1 is the first)")
        + _table(top, "Test words in which it is highest and lowest")
    )


# ----------------------------------------------------------------------------------- one sentence


def example_sentences(data: Splits, n: int = 20, seed: int = 0) -> list[int]:
    """Test sentences with a word of the attribute, drawn with a seed: their indices, ascending."""
    found = np.unique(data.test.sentence_ids)
    drawn = np.random.default_rng(seed).choice(found, size=min(n, len(found)), replace=False)
    return sorted(drawn.tolist())


def sentence_words(experiment: Experiment, ranking: Ranking, sentence: int, k: int, beta: float) -> pd.DataFrame:
    """What becomes of a test sentence's words when k neurons are translated: a row a word that carries the attribute.

    The numbers are those of a run's examples, also for words that stay as they are.

    Returns
    -------
    position, word, predicted, outcome, value, intended, before, after: the last two are the sentence, with every word
    that came out different between asterisks.

    Raises
    ------
    ValueError
        The sentence has no word of the attribute, or as of an intervention.
    """
    data, whole = experiment.data, prepare(experiment, ranking, Translation(beta), [0, k], Sample())
    chosen = whole.targets.sentences == sentence
    if not chosen.any():
        raise ValueError(f"test sentence {sentence} has no word of {data.attribute}: take one of example_sentences")
    part = [column[chosen] for column in (whole.targets.sentences, whole.targets.positions, whole.targets.values)]
    one = replace(whole, targets=Targets(*part), whole=whole.targets)
    words = judged_words(one, [k])
    words["value"] = [data.values[i] for i in part[2].tolist()]
    words["intended"] = [data.values[i] for i in whole.aims[part[2]].tolist()]
    words["before"], words["after"] = _marked(list(experiment.sentences("test")[sentence].forms), words)
    return words[_WORD_COLUMNS]


def _marked(forms: list[str], words: pd.DataFrame) -> tuple[str, str]:
    before, after = list(forms), list(forms)
    for word in words[words["outcome"] != "unchanged"].itertuples():
        before[word.position], after[word.position] = f"*{word.word}*", f"*{word.predicted}*"
    return " ".join(before), " ".join(after)


def sentence_report(words: pd.DataFrame, ranking: str, k: int, beta: float) -> str:
    """A sentence before and after as HTML, from the table of :func:`sentence_words`."""
    changed = int((words["outcome"] != "unchanged").sum())
    of_words = words[["word", "predicted", "outcome", "value", "intended"]]
    return (
        f"<p>{html.escape(ranking)}, k = {k}, β = {beta:g}: {changed} of {len(words)} words come out different, "
        "between asterisks.</p>"
        f"<p>before: {_emphasised(words['before'].iloc[0])}</p>"
        f"<p>after: {_emphasised(words['after'].iloc[0])}</p>" + _table(of_words, "The words that carry the attribute")
    )


# ------------------------------------------------------------------------------------------- HTML


def _emphasised(text: str) -> str:
    """Text as HTML; what stands between asterisks is bold and underlined too, asterisks and all.

    Examples
    --------
    >>> _emphasised("los *gat ##as* 2 * 3 < 7")
    'los <b><u>*gat ##as*</u></b> 2 * 3 &lt; 7'
    """
    return re.sub(r"(?<!\S)\*[^\s*](?:[^*]*[^\s*])?\*(?!\S)", r"<b><u>\g<0></u></b>", html.escape(text))


def _table(table: pd.DataFrame, caption: str) -> str:
    """A table as HTML, with its caption and its columns' names as headings."""
    head = "".join(f'<th scope="col">{html.escape(str(column))}</th>' for column in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_emphasised(str(cell))}</td>' for cell in row)}</tr>"
        for row in table.itertuples(index=False)
    )
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


# ---------------------------------------------------------------------------------------- widgets


def neuron_explorer(
    world: World,
    language: str | None = None,
    attribute: str | None = None,
    layer: int | None = None,
    neuron: int = 0,
    names: Sequence[str] | None = None,
) -> None:
    """Look at any neuron of a world: how its values are distributed, its top words, its position in every ranking.

    Parameters
    ----------
    world : of any kind
    language, attribute, layer, neuron : where to start (default: the first that there are, the middle layer)
    names : the rankings shown (default: all), each of at most :data:`MAX_WORDS` training words

    Raises
    ------
    ValueError
        There is no such language, attribute, layer or neuron.
    """
    language = language or world.languages[0]
    attribute = attribute or str(world.pairs([language])["attribute"].iloc[0])
    data = world.activations(language, attribute, world.model.n_layers // 2 if layer is None else layer)
    orders = explorer_rankings(data, names)
    shown = neuron_report(world, data, neuron, orders)
    text = f"Neuron explorer: {neuron_title(data, neuron)}. Run this cell in JupyterLab to choose others."
    show(text, shown, lambda: _NeuronExplorer(world, data, neuron, names, orders, shown).box)


class _NeuronExplorer:
    """Four choices and a report; a configuration's vectors and rankings are kept."""

    def __init__(
        self, world: World, data: Splits, neuron: int, names: Sequence[str] | None, orders: list[Ranking], shown: str
    ) -> None:
        self.world, self.names = world, names
        self.known = {(data.language, data.attribute, data.site.layer): (data, orders)}
        self.language = _dropdown("language", {language_name(code): code for code in world.languages}, data.language)
        self.attribute = _dropdown("attribute", self._attributes(data.language), data.attribute)
        self.layer = _dropdown("layer", {str(layer): layer for layer in world.layers}, data.site.layer)
        self.neuron = _whole_slider("neuron", 0, data.n_neurons - 1, neuron)
        self.report = ipywidgets.HTML(shown)
        self.language.observe(self._language_chosen, "value")
        for choice in (self.attribute, self.layer, self.neuron):
            choice.observe(self._chosen, "value")
        self.box = ipywidgets.VBox([self.language, self.attribute, self.layer, self.neuron, self.report])

    def _attributes(self, language: str) -> list[str]:
        return [str(attribute) for attribute in self.world.pairs([language])["attribute"]]

    def _language_chosen(self, change: Any) -> None:
        self.report.value = _WAIT
        offered, earlier = self._attributes(change["new"]), self.attribute.value
        self.attribute.unobserve(self._chosen, "value")
        self.attribute.options = offered
        self.attribute.value = earlier if earlier in offered else offered[0]
        self.attribute.observe(self._chosen, "value")
        self._chosen(change)

    def _chosen(self, _: Any) -> None:
        key = self.language.value, self.attribute.value, self.layer.value
        if key not in self.known:
            self.report.value = _WAIT
            data = self.world.activations(*key)
            self.known[key] = data, explorer_rankings(data, self.names)
        data, orders = self.known[key]
        self.report.value = neuron_report(self.world, data, self.neuron.value, orders)


def intervention_explorer(
    experiment: Experiment,
    rankings: Sequence[Ranking],
    k: int | None = None,
    beta: float = 4.0,
    sentences: int = 20,
    seed: int = 0,
) -> None:
    """Translate neurons in a sentence and read what the model makes of it, before and after.

    Parameters
    ----------
    experiment : the attribute, and the layer of the world's model to change
    rankings : to choose from
    k, beta : where to start (default: a quarter of the neurons)
    sentences, seed : how many test sentences to choose from, and the seed that draws them

    Raises
    ------
    ValueError
        No ranking, or as of an intervention.
    """
    orders = labelled(rankings)
    data = experiment.data
    first, start = next(iter(orders)), data.n_neurons // 4 if k is None else k
    offered = example_sentences(data, sentences, seed)
    tables: dict[int, pd.DataFrame] = {}
    # The first in which something happens says more than the first one.
    for sentence in offered:
        tables[sentence] = sentence_words(experiment, orders[first], sentence, start, beta)
        if (tables[sentence]["outcome"] != "unchanged").any():
            break
    else:
        sentence = offered[0]
    shown = sentence_report(tables[sentence], first, start, beta)
    about = f"{language_name(data.language)} {data.attribute}, {data.site}"
    text = f"Intervention explorer: {about}. Run this cell in JupyterLab to choose sentence, ranking, k and β."
    show(text, shown, lambda: _InterventionExplorer(experiment, orders, offered, sentence, start, beta, shown).box)


class _InterventionExplorer:
    """Four choices and a report."""

    def __init__(
        self,
        experiment: Experiment,
        orders: dict[str, Ranking],
        offered: list[int],
        sentence: int,
        k: int,
        beta: float,
        shown: str,
    ) -> None:
        self.experiment, self.orders = experiment, orders
        texts = experiment.sentences("test")
        by_text = {f"{i}: {' '.join(texts[i].forms)}": i for i in offered}
        self.sentence = _dropdown("sentence", by_text, sentence)
        self.ranking = _dropdown("ranking", list(orders), next(iter(orders)))
        self.k = _whole_slider("k", 0, experiment.data.n_neurons, k)
        self.beta = ipywidgets.FloatSlider(
            value=beta,
            min=0.5,
            max=max(12.0, beta),
            step=0.5,
            description="β",
            continuous_update=False,
            layout=_layout(),
        )
        self.report = ipywidgets.HTML(shown)
        choices = [self.sentence, self.ranking, self.k, self.beta]
        for choice in choices:
            choice.observe(self._chosen, "value")
        self.box = ipywidgets.VBox([*choices, self.report])

    def _chosen(self, _: Any) -> None:
        name, k, beta = self.ranking.value, self.k.value, self.beta.value
        words = sentence_words(self.experiment, self.orders[name], self.sentence.value, k, beta)
        self.report.value = sentence_report(words, name, k, beta)


_WAIT = "<p>Computing, a few seconds …</p>"


def _layout() -> ipywidgets.Layout:
    return ipywidgets.Layout(width=_WIDE, max_width="100%")


def _dropdown(description: str, options: Any, value: Any) -> ipywidgets.Dropdown:
    pairs = list(options.items()) if isinstance(options, dict) else options
    return ipywidgets.Dropdown(description=description, options=pairs, value=value, layout=_layout())


def _whole_slider(description: str, low: int, high: int, value: int) -> ipywidgets.IntSlider:
    # Not while it moves: a report takes longer than a step.
    return ipywidgets.IntSlider(
        value=value, min=low, max=high, description=description, continuous_update=False, layout=_layout()
    )
