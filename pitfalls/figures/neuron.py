"""One neuron: how its activations are distributed over the words of each value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pitfalls.figures.points import of_one_model
from pitfalls.figures.style import Plot, panels, settings

_LINES = ("-", "--", ":", "-.")
_BINS = 40


def neuron(activations: pd.DataFrame, name: str) -> Plot:
    """Draw how a neuron's activations are distributed for each value, as shares of that value's words.

    Parameters
    ----------
    activations:
        Columns ``value`` (of the word) and ``activation`` (of the neuron, in the model's own unit); one row per word.
    name:
        What is shown, such as "neuron 21, Spanish Gender, layer 3".

    Raises
    ------
    ValueError
        If a column is missing or there are no words.

    Examples
    --------
    >>> table = pd.DataFrame({"value": ["FEM", "FEM", "MASC"], "activation": [1.0, 2.0, -1.0]})
    >>> neuron(table, "neuron 0").alt
    'Two histograms, neuron 0: FEM has mean 1.50, MASC has mean -1.00; the histograms share 0 % of their area.'
    """
    missing = [column for column in ("value", "activation") if column not in activations.columns]
    if missing or activations.empty:
        raise ValueError(f"need at least one row with the columns value and activation; missing: {missing or 'rows'}")
    of_one_model(activations, "a figure of one neuron")
    edges = np.histogram_bin_edges(activations["activation"], bins=_BINS)
    groups = {str(value): part["activation"].to_numpy() for value, part in activations.groupby("value", sort=True)}
    shares = {value: np.histogram(part, bins=edges)[0] / len(part) for value, part in groups.items()}
    table = pd.concat(
        [
            pd.DataFrame({"value": value, "from": edges[:-1], "to": edges[1:], "share": share})
            for value, share in shares.items()
        ],
        ignore_index=True,
    )
    common = np.minimum.reduce(list(shares.values())).sum()
    means = ", ".join(f"{value} has mean {part.mean():.2f}" for value, part in groups.items())
    count = {1: "One histogram", 2: "Two histograms"}.get(len(groups), f"{len(groups)} histograms")
    alt = f"{count}, {name}: {means}; the histograms share {100 * common:.0f} % of their area."
    caption = f"{name}: activation of the words of each value, as a share of the value's words."
    return Plot(_draw(table, edges, name), alt, caption, table)


def _draw(table: pd.DataFrame, edges: NDArray[np.float64], name: str) -> Figure:
    with settings():
        figure, (axes,) = panels(1)
        colours = sns.color_palette("colorblind")
        for index, (value, part) in enumerate(table.groupby("value", sort=True)):
            sns.histplot(
                x=(part["from"] + part["to"]) / 2,
                weights=part["share"],
                bins=list(edges),
                element="step",
                alpha=0.25,
                color=colours[index % len(colours)],
                linestyle=_LINES[index % len(_LINES)],
                label=str(value),
                ax=axes,
            )
        axes.set(xlabel="activation", ylabel="share of the value's words", title=name)
        axes.legend()
    return figure
