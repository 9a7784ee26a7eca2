"""The strength of a translation over many configurations: the highest CLWV by strength, one line per ranking."""

from __future__ import annotations

import pandas as pd

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.by_strength import check_kinds, draw_by_strength
from pitfalls.figures.points import require
from pitfalls.figures.style import Plot, settings

_NEEDED = ("language", "attribute", "layer", "ranking", "direction", "kind", "strength", "max_clwv")
_WHAT = "a figure of strengths over configurations"


def strengths(table: pd.DataFrame) -> Plot:
    """Draw the highest CLWV over k against the strength: means over configurations; bands hold their middle half.

    Parameters
    ----------
    table:
        Columns language, attribute, layer, ranking, direction, kind ("translation", "constant translation"), strength
        and max_clwv (fraction of words), such as the table ``strengths`` of a study.

    Raises
    ------
    ValueError
        If a column is missing, there are no rows, or some are of another kind.

    Examples
    --------
    >>> table = pd.DataFrame({"language": "spa", "attribute": ["Gender", "Tense"] * 2, "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "kind": "translation", "strength": [2.0, 2.0, 8.0, 8.0],
    ...     "max_clwv": [0.1, 0.3, 0.4, 0.6]})
    >>> print(strengths(table).alt)
    Line chart over the strength of a translation, means over 2 configurations: highest CLWV over k, as a fraction of
    words. Scaled by rank: Linear 0.200 at β = 2, 0.500 at β = 8.
    """
    require(table, _NEEDED, _WHAT)
    check_kinds(table, _WHAT)
    n = len(table[CONFIGURATION].drop_duplicates())
    points = _over_configurations(table)
    with settings():
        figure, all_axes, told = draw_by_strength(points)
        all_axes[0].set_ylim(bottom=-0.01)
        figure.suptitle(f"{n} configurations")
    about = f"means over {n} configurations"
    alt = (
        f"Line chart over the strength of a translation, {about}: highest CLWV over k, as a fraction of words. "
        f"{' '.join(told)}"
    )
    caption = (
        f"Highest CLWV (right lemma, another value) over all k, against the strength of the translation: {about}; "
        "bands hold the middle half of them."
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "max_clwv", "draws": "configurations"}))


def _over_configurations(table: pd.DataFrame) -> pd.DataFrame:
    """Kind, ranking, direction, strength, mean, low and high (quartiles), draws (configurations)."""
    keys = ["kind", "ranking", "direction", "strength"]
    # Draws of one configuration count once.
    single = table.groupby([*keys, *CONFIGURATION], sort=True)["max_clwv"].mean().reset_index()
    rates = single.groupby(keys, sort=True)["max_clwv"]
    found = pd.DataFrame({"mean": rates.mean(), "low": rates.quantile(0.25), "high": rates.quantile(0.75)})
    return found.assign(draws=rates.size()).reset_index()
