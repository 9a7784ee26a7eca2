"""Which rankings agree: a heat map of the neurons that each pair of rankings shares among its first k."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pitfalls.figures.heat_map import heat_map, square
from pitfalls.figures.points import only, require, subject
from pitfalls.figures.style import Plot, in_order, panels, ranking_name, settings

_SIZE = (8.4, 6.6)
_SIDES = [f"{name}_{side}" for side in "ab" for name in ("ranking", "direction", "ranking_seed")]
_NEEDED = [*_SIDES, "n_neurons", "k", "overlap", "expected", "p_value"]
_WHAT = "a heat map of overlaps"

# (name, direction, seed)
_Ranking = tuple[str, str, int]


def overlaps(table: pd.DataFrame, k: int) -> Plot:
    """Draw the top-k overlap of every pair of rankings: white at chance, purple above it, orange below.

    Parameters
    ----------
    table:
        A table of ``comparison.overlaps``: columns ``ranking_a``, ``direction_a``, ``ranking_seed_a``, the same for
        ``b``, ``n_neurons``, ``k``, ``overlap``, ``expected`` and ``p_value``; of one language, attribute and layer
        where it has these columns.
    k:
        The size of the top sets; the table must have it.

    Raises
    ------
    ValueError
        If a column is missing, the table lacks this k, has a pair twice or mixes configurations, or k equals n_neurons.

    Examples
    --------
    >>> a, b = ({f"ranking_{s}": name, f"direction_{s}": "ttb", f"ranking_seed_{s}": 0} for s, name in zip("ab", "xy"))
    >>> pair = {"n_neurons": 64, "k": 8, "overlap": 5, "expected": 1.0, "p_value": 0.001}
    >>> print(overlaps(pd.DataFrame([a | b | pair]), k=8).alt)
    Heat map, 2 rankings by 2: how many of their first 8 of 64 neurons they share; 1.0 by chance. Most: X and Y,
    5. Fewest: X and Y, 5. 1 of 1 pairs share more than chance (one-sided p < 0.05), median 5.0.
    """
    rows = _rows(table, k)
    n_neurons = int(only(rows, "n_neurons", _WHAT))
    about = f"{subject(rows, _WHAT)}: " if "language" in rows.columns else ""
    chance = float(rows["expected"].iloc[0])
    names = _names(rows)
    what = f"how many of their first {k} of {n_neurons} neurons they share"
    alt = (
        f"Heat map, {about}{len(names)} rankings by {len(names)}: {what}; {chance:.1f} by chance. "
        f"{_extremes(rows, names)}"
    )
    caption = (
        f"{about}{what[0].upper()}{what[1:]}, for every pair of rankings. White is what random rankings would share "
        f"({chance:.1f}), purple is more, orange less; grey: a ranking is not compared with itself."
    )
    numbers = rows[_NEEDED].assign(share=rows["overlap"] / k).reset_index(drop=True)
    return Plot(_draw(rows, names, k, about), alt, caption, numbers)


def _rows(table: pd.DataFrame, k: int) -> pd.DataFrame:
    """The rows of this k, one per pair."""
    require(table, _NEEDED, _WHAT)
    rows = table[table["k"] == k]
    if rows.empty:
        raise ValueError(f"the table has no k = {k!r}, only {sorted(set(table['k']))[:8]}: choose one of these")
    if (rows["n_neurons"] == k).any():
        raise ValueError(f"the first {k} of {k} neurons are the same in every ranking: choose a smaller k")
    n_pairs = len({frozenset(pair) for pair in _pairs(rows)})
    if n_pairs < len(rows):
        raise ValueError(f"{len(rows)} rows for {n_pairs} pairs of rankings: give one row per pair and k")
    return rows


def _pairs(rows: pd.DataFrame) -> list[tuple[_Ranking, _Ranking]]:
    pairs = rows[_SIDES].itertuples(index=False, name=None)
    return [((str(a), str(b), int(c)), (str(d), str(e), int(f))) for a, b, c, d, e, f in pairs]


def _names(rows: pd.DataFrame) -> dict[_Ranking, str]:
    """What the axes call each ranking, in the legends' order; a seed tells apart those with the same name."""
    rankings = {ranking for pair in _pairs(rows) for ranking in pair}
    places = {kind: place for place, kind in enumerate(in_order(ranking[:2] for ranking in rankings))}
    kinds = [ranking[:2] for ranking in rankings]
    return {
        (name, way, seed): ranking_name(name, way) + (f", seed {seed}" if kinds.count((name, way)) > 1 else "")
        for name, way, seed in sorted(rankings, key=lambda ranking: (places[ranking[:2]], ranking[2]))
    }


def _extremes(rows: pd.DataFrame, names: dict[_Ranking, str]) -> str:
    """The pairs that share the most and the fewest, and how many beat chance, in words."""
    pairs, counts = _pairs(rows), rows["overlap"].to_numpy()

    def said(index: int) -> str:
        a, b = pairs[index]
        return f"{names[a]} and {names[b]}, {counts[index]}"

    return (
        f"Most: {said(int(counts.argmax()))}. Fewest: {said(int(counts.argmin()))}. "
        f"{int((rows['p_value'] < 0.05).sum())} of {len(pairs)} pairs share more than chance (one-sided p < 0.05), "
        f"median {float(np.median(counts)):.1f}."
    )


def _draw(rows: pd.DataFrame, names: dict[_Ranking, str], k: int, about: str) -> Figure:
    cells = dict(zip(_pairs(rows), rows["overlap"], strict=True))
    shared = square(list(names), cells | {(b, a): count for (a, b), count in cells.items()})
    chance = float(rows["expected"].iloc[0])
    with settings():
        figure, (axes,) = panels(1, _SIZE)
        heat_map(
            axes,
            shared,
            [[f"{count:.0f}" for count in line] for line in shared],
            f"neurons shared (white: {chance:.1f}, chance)",
            # Centred, not stretched: one neuron more and one less than chance are equally far from white.
            center=chance,
            vmin=0,
            vmax=k,
            annot_kws={"fontsize": 9 if len(names) <= 10 else 7},
            square=True,
            linewidths=0.5,
            xticklabels=list(names.values()),
            yticklabels=list(names.values()),
            cbar_kws={"shrink": 0.8},
        )
        axes.set_title(f"{about}overlap of the first {k}")
    return figure
