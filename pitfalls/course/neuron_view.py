"""What the neuron explorer shows: a neuron's activations by value, its top words, and its position in rankings."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pitfalls.arrays.ranking import Direction, Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.course.html_text import html_table, marked
from pitfalls.figures.neuron import neuron as draw_neuron
from pitfalls.figures.style import language_name, ranking_name
from pitfalls.rankings import RANKINGS, rank_all
from pitfalls.worlds.world import World

#: The most training words that the neuron explorer ranks from; with this many, all rankings take a few seconds.
MAX_WORDS = 4000

_SEARCHED = 32  # neurons that greedy rankings choose before they complete their order
_ENDS = {"highest": False, "lowest": True}  # whether to sort activations in ascending order


def neuron_values(data: Splits, neuron: int) -> pd.DataFrame:
    """A neuron's activation in every test word: the table that :func:`pitfalls.figures.neuron` draws.

    Raises
    ------
    ValueError
        If there is no such neuron.
    """
    part = data.test
    if not 0 <= neuron < part.n_neurons:
        raise ValueError(f"no neuron {neuron}: give 0 to {part.n_neurons - 1}")
    return pd.DataFrame(
        {"value": [part.values[i] for i in part.y.tolist()], "activation": np.asarray(part.X)[:, neuron]}
    )


def top_words(world: World, data: Splits, neuron: int, n: int = 5) -> pd.DataFrame:
    """The test words in which a neuron is highest, and those in which it is lowest, in their sentences.

    At each end a form appears once, where it is most extreme; ties go to the first in the text.

    Returns
    -------
    ``2 n`` rows (fewer where there are fewer forms): end ("highest", "lowest"), activation, word, value, sentence,
    with the word between asterisks.

    Raises
    ------
    ValueError
        If there is no such neuron.
    """
    part = data.test
    sentences = world.sentences(part.language, "test")
    words = neuron_values(data, neuron).assign(word=part.forms, place=part.positions, inside=part.sentence_ids)
    found = pd.concat(
        [
            words.sort_values("activation", ascending=ascending, kind="stable").drop_duplicates("word").head(n)
            for ascending in _ENDS.values()
        ],
        keys=list(_ENDS),
        names=["end", None],
    ).reset_index("end")
    found["sentence"] = [marked(sentences[row.inside].forms, {row.place: row.word}) for row in found.itertuples()]
    return found[["end", "activation", "word", "value", "sentence"]].reset_index(drop=True)


def explorer_rankings(data: Splits, names: Sequence[str] | None = None, max_words: int = MAX_WORDS) -> list[Ranking]:
    """Rankings for an explorer, by default all of them, made fast: from at most ``max_words`` training and dev words.

    If a draw of words lacks one of the values, all words are taken. Of very many neurons, the Gaussian search takes
    those that come first by Probeless, and says so (:func:`~pitfalls.rankings.rank_all`).
    """
    with contextlib.suppress(ValueError):
        data = Splits(data.train.sample(max_words), data.dev.sample(max_words), data.test)
    asked: list[tuple[str, Direction]] = [(name, "ttb") for name in names or RANKINGS]
    return rank_all(data, asked, max_neurons=min(_SEARCHED, data.n_neurons))


def neuron_positions(neuron: int, orders: Sequence[Ranking]) -> pd.DataFrame:
    """Where a neuron stands in rankings: ranking (its name), position (1 is the first), of (how many neurons).

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
    """Rankings by the label that the reader sees: the name, with the seed where two share a name.

    Raises
    ------
    ValueError
        If there is no ranking.

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
    """The title that the reader sees, such as "Neuron 21, Spanish Gender, layer 3"."""
    return f"Neuron {neuron}, {language_name(data.language)} {data.attribute}, {data.site}"


def neuron_report(world: World, data: Splits, neuron: int, orders: Sequence[Ranking]) -> str:
    """A neuron as HTML: its histogram by value, its position in the rankings, its top words in their sentences."""
    top = top_words(world, data, neuron)
    top["activation"] = [f"{activation:.2f}" for activation in top["activation"]]
    return (
        draw_neuron(neuron_values(data, neuron), neuron_title(data, neuron))._repr_html_()
        + html_table(neuron_positions(neuron, orders), "Its position in every ranking (1 is the first)")
        + html_table(top, "Test words in which it is highest and lowest")
    )
