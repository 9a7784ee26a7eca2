"""The sweep over a translation's strength: the highest CLWV by beta, for all rankings (SOURCES.md, Figures, 10)."""

from __future__ import annotations

import pandas as pd

from pitfalls.figures.by_strength import check_kinds, draw_by_strength, kinds_of
from pitfalls.figures.points import if_draws, one_configuration, over_draws
from pitfalls.figures.style import Plot, settings

_COLUMNS = ("ranking", "direction", "kind", "strength", "k", "outcome", "count")
_CLWV = ("intended", "another")
_MEANT = {
    "translation": "β, where the factor falls from β to 0.001 over the ranks",
    "constant translation": "α, where it is the same for all ranks",
}


def beta(sweep: pd.DataFrame) -> Plot:
    """Draw the highest CLWV over all k against the strength of a translation, with one line per ranking.

    Each kind of translation in the table, scaled by rank or constant, has its own panel. Rankings from bottom to top
    have hollow markers and paler lines. Rows that differ in their seeds only are averaged, with a band from the lowest
    to the highest.

    Parameters
    ----------
    sweep:
        Tables of ``sweep_beta`` (and of ``sweep_alpha``), concatenated; of one language, attribute, layer and split.

    Raises
    ------
    ValueError
        If a column is missing, or the rows are of several configurations or of anything but translations.

    Examples
    --------
    >>> sweep = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "kind": "translation", "strength": [2.0, 2.0, 8.0, 8.0], "k": 9,
    ...     "outcome": ["unchanged", "intended"] * 2, "count": [9, 1, 6, 4]})
    >>> print(beta(sweep).alt)
    Line chart over the strength of a translation: highest CLWV over k, as a fraction of words, Spanish Gender, layer 3.
    Scaled by rank: Linear 0.100 at β = 2, 0.400 at β = 8.
    """
    what = "a figure of translation strengths"
    about = one_configuration(sweep, _COLUMNS, ("split", "target"), what)
    check_kinds(sweep, what)
    points = _highest(sweep)
    with settings():
        figure, all_axes, sentences = draw_by_strength(points)
        all_axes[0].set_ylim(-0.02, 1.02)
        split = f", {sweep['split'].iloc[0]} words" if "split" in sweep.columns else ""
        figure.suptitle(f"{about}{split}")
    alt = (
        "Line chart over the strength of a translation: highest CLWV over k, as a fraction of words, "
        f"{about}{split}. {' '.join(sentences)}"
    )
    meant = " and ".join(_MEANT[kind] for kind in kinds_of(points))
    caption = (
        f"{about}{split}. Highest CLWV (right lemma, another value) over all k, against the strength of the "
        f"translation: {meant}. Hollow markers: bottom to top." + if_draws(points, " Bands span the draws.")
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "clwv"}))


def _highest(sweep: pd.DataFrame) -> pd.DataFrame:
    """Highest rates over draws: kind, ranking, direction, strength, mean, low, high, draws."""
    point = [column for column in sweep.columns if column not in ("outcome", "count", "rate")]
    counts = sweep.assign(hits=sweep["count"].where(sweep["outcome"].isin(_CLWV), 0))
    sums = counts.groupby(point, dropna=False)[["count", "hits"]].sum().reset_index()
    curve = [column for column in point if column != "k"]
    rates = sums.assign(rate=sums["hits"] / sums["count"]).groupby(curve, dropna=False)["rate"].max().reset_index()
    return over_draws(rates, ["kind", "ranking", "direction", "strength"], "rate")
