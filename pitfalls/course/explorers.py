"""Explorers: look at any neuron, and change any sentence, with dropdowns and sliders.

Tables and HTML come from :mod:`~pitfalls.course.neuron_view` and :mod:`~pitfalls.course.sentence_view`; the widgets
only choose their arguments. Where widgets cannot be shown, the first view appears without them
(:mod:`~pitfalls.course.frontend`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.course.frontend import show
from pitfalls.course.neuron_view import explorer_rankings, labelled, neuron_report, neuron_title
from pitfalls.course.sentence_view import example_sentences, sentence_report, sentence_words
from pitfalls.figures.style import language_name
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.world import World

_WAIT = "<p>Computing, a few seconds …</p>"


def neuron_explorer(
    world: World,
    language: str | None = None,
    attribute: str | None = None,
    layer: int | None = None,
    neuron: int = 0,
    names: Sequence[str] | None = None,
) -> None:
    """Look at any neuron of a world: its activations by value, its top words, its position in every ranking.

    Parameters
    ----------
    world : of any kind
    language, attribute, layer, neuron : where to start (default: the first ones, in the middle layer)
    names : the rankings shown (default: all), each made from at most :data:`~.neuron_view.MAX_WORDS` training words

    Raises
    ------
    ValueError
        If there is no such language, attribute, layer or neuron.
    """
    language = language or world.languages[0]
    attribute = attribute or str(world.pairs([language])["attribute"].iloc[0])
    data = world.activations(language, attribute, world.model.n_layers // 2 if layer is None else layer)
    orders = explorer_rankings(data, names)
    shown = neuron_report(world, data, neuron, orders)
    text = f"Neuron explorer: {neuron_title(data, neuron)}. Run this cell in JupyterLab to choose others."
    show(text, shown, lambda: _NeuronExplorer(world, data, neuron, names, orders, shown).box)


class _NeuronExplorer:
    """Four choices and a report; the vectors and rankings of a configuration are kept."""

    def __init__(
        self, world: World, data: Splits, neuron: int, names: Sequence[str] | None, orders: list[Ranking], shown: str
    ) -> None:
        self.world, self.names = world, names
        self.known = {(data.language, data.attribute, data.site.layer): (data, orders)}
        self.language = _dropdown("language", [(language_name(code), code) for code in world.languages], data.language)
        self.attribute = _dropdown("attribute", self._attributes(data.language), data.attribute)
        self.layer = _dropdown("layer", [(str(layer), layer) for layer in world.layers], data.site.layer)
        self.neuron = _slider(ipywidgets.IntSlider, "neuron", neuron, 0, data.n_neurons - 1)
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
    rankings : the rankings to choose from
    k, beta : where to start (by default, k is a quarter of the neurons)
    sentences, seed : how many test sentences to choose from, and the seed that draws them

    Raises
    ------
    ValueError
        If there is no ranking, or an intervention would reject the arguments.
    """
    orders = labelled(rankings)
    data = experiment.data
    first, start = next(iter(orders)), data.n_neurons // 4 if k is None else k
    offered = example_sentences(data, sentences, seed)
    tables: dict[int, pd.DataFrame] = {}
    # Start with the first sentence in which something happens.
    for sentence in offered:
        tables[sentence] = sentence_words(experiment, orders[first], sentence, start, beta)
        if (tables[sentence]["outcome"] != "unchanged").any():
            break
    else:
        sentence = offered[0]
    shown = sentence_report(tables[sentence], first, start, beta)
    about = f"{language_name(data.language)} {data.attribute}, {data.site}"
    text = f"Intervention explorer: {about}. Run this cell in JupyterLab to choose sentence, ranking, k and β."
    show(text, shown, lambda: _InterventionExplorer(experiment, orders, offered, (sentence, start, beta), shown).box)


class _InterventionExplorer:
    """Four choices and a report."""

    def __init__(
        self,
        experiment: Experiment,
        orders: dict[str, Ranking],
        offered: list[int],
        start: tuple[int, int, float],
        shown: str,
    ) -> None:
        self.experiment, self.orders = experiment, orders
        sentence, k, beta = start
        texts = experiment.sentences("test")
        self.sentence = _dropdown("sentence", [(f"{i}: {' '.join(texts[i].forms)}", i) for i in offered], sentence)
        self.ranking = _dropdown("ranking", list(orders), next(iter(orders)))
        self.k = _slider(ipywidgets.IntSlider, "k", k, 0, experiment.data.n_neurons)
        self.beta = _slider(ipywidgets.FloatSlider, "β", beta, 0.5, max(12.0, beta), step=0.5)
        self.report = ipywidgets.HTML(shown)
        choices = [self.sentence, self.ranking, self.k, self.beta]
        for choice in choices:
            choice.observe(self._chosen, "value")
        self.box = ipywidgets.VBox([*choices, self.report])

    def _chosen(self, _: Any) -> None:
        name, k, beta = self.ranking.value, self.k.value, self.beta.value
        words = sentence_words(self.experiment, self.orders[name], self.sentence.value, k, beta)
        self.report.value = sentence_report(words, name, k, beta)


def _layout() -> ipywidgets.Layout:
    return ipywidgets.Layout(width="30em", max_width="100%")


def _dropdown(description: str, options: Sequence[Any], value: Any) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(description=description, options=options, value=value, layout=_layout())


def _slider(kind: Any, description: str, value: float, low: float, high: float, **options: Any) -> Any:
    # Update only when the slider is released: a report takes longer than a step.
    options |= {"continuous_update": False, "layout": _layout()}
    return kind(description=description, value=value, min=low, max=high, **options)
