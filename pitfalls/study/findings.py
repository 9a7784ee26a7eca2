"""What a published table shows: its title, and in one sentence what its numbers say, compared with chance or a rival.

A table is recognised by its columns, so a figure that a reader adds gets a title and a sentence too. Every sentence is
computed from the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.style import language_name, ranking_name
from pitfalls.site import Site, with_site

#: Differences are significant below this adjusted p-value.
_LEVEL = 0.05
_LAYER = r"[^.:(]*?, layer \d+"


class Entry(NamedTuple):
    """A kind of table: the columns that identify it, its part of the report, its title, and how to sum it up.

    ``about`` is a pattern that finds in a caption what the table is about, such as "Spanish Gender, layer 2".
    """

    columns: set[str]
    part: str
    title: str
    finding: Callable[[pd.DataFrame], str]
    about: str = _LAYER


def kind_of(table: pd.DataFrame) -> Entry | None:
    """The first kind whose columns the table has, if there is one."""
    return next((kind for kind in KINDS if kind.columns <= set(table.columns)), None)


def title(kind: Entry | None, published_id: str, caption: str) -> str:
    """The title of a figure or table: its number in the paper, if it has one, and what it shows.

    >>> title(None, "fig12-my_own", "Anything."), title(None, "03_my_own", "Anything.")
    ('Figure 12. My own', 'My own')
    """
    of_paper = re.fullmatch(r"(fig|tab)(\d+[a-z]?)(?:-(.+))?", published_id)
    label = f"{'Figure' if of_paper[1] == 'fig' else 'Table'} {of_paper[2]}. " if of_paper else ""
    if kind is None:
        rest = (of_paper[3] or "") if of_paper else re.sub(r"^\d+_", "", published_id)
        return (label + re.sub("[-_]", " ", rest).capitalize()).strip()
    about = re.search(kind.about, caption)
    return f"{label}{kind.title}: {about[0].replace(': ', ', ')}" if about else label + kind.title


def finding(kind: Entry | None, table: pd.DataFrame) -> str:
    """What the numbers say, in a sentence for each model; for a table of no known kind, how many rows and columns."""
    if kind is None or (table.empty and kind.part != _LEFT_OUT):
        return f"The table has {_number(len(table), 'row')} and {_number(len(table.columns), 'column')}."
    if "model" in table.columns and table["model"].nunique() > 1:
        of_models = table.groupby("model", sort=False)
        return " ".join(f"{model}: {kind.finding(own)}" for model, own in of_models)
    return kind.finding(table)


# ------------------------------------------------------------------------------------- the sentences


def _number(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _highest(table: pd.DataFrame, column: str) -> dict[str, Any]:
    place = int(np.nanargmax(table[column].to_numpy(dtype=float)))
    return {str(name): value for name, value in table.iloc[place].items()}


def _name(row: dict[str, Any]) -> str:
    return ranking_name(row["ranking"], row["direction"])


def _beside_random(table: pd.DataFrame, column: str) -> str:
    """What random rankings reach, if the table has any and they are not the best themselves."""
    random = table[table["ranking"] == "random"]
    if random.empty or _highest(table, column)["ranking"] == "random":
        return ""
    return f"; random rankings reach {random[column].max():.2f}"


#: Of one and of several.
_VERBS = {
    "holds": ("holds", "hold"),
    "holds in part": ("holds in part", "hold in part"),
    "fails": ("fails", "fail"),
    "undecided here": ("is undecided here", "are undecided here"),
    "not testable": ("cannot be tested", "cannot be tested"),
}


def _verdicts(what: str) -> Callable[[pd.DataFrame], str]:
    """A function that counts the verdicts of a table."""

    def told(table: pd.DataFrame) -> str:
        counts = table["verdict"].value_counts().to_dict()
        parts = [f"{n} {verbs[min(n, 2) - 1]}" for verdict, verbs in _VERBS.items() if (n := counts.get(verdict, 0))]
        return f"Of {len(table)} {what} {', '.join(parts)}."

    return told


def _curves(table: pd.DataFrame) -> str:
    measure = "selectivity" if "selectivity" in table else "accuracy"
    k = min(table["k"].unique(), key=lambda k: (abs(k - 10), k))
    at = table[table["k"] == k]
    best = _highest(at, measure)
    probe = ranking_name(best["probe"], "ttb")
    own = at[at["probe"] == best["probe"]]
    return (
        f"With {_number(k, 'neuron')} the {probe} probe reaches the highest {measure}, {best[measure]:.2f}, on the "
        f"ranking {_name(best)}{_beside_random(own, measure)}."
    )


def _rates(table: pd.DataFrame) -> str:
    flips = table[table["measure"] == "CLWV"]
    panels = flips.groupby([column for column in CONFIGURATION if column in flips] or ["measure"]).size()
    means = flips.groupby(["ranking", "direction", "k"], as_index=False, sort=False)["rate"].mean()
    best = _highest(means, "rate")
    over = f", averaged over {len(panels)} panels," if len(panels) > 1 else ""
    return (
        f"The highest CLWV{over} is {best['rate']:.2f}, by {_name(best)} at k = {best['k']}"
        f"{_beside_random(means, 'rate')}."
    )


def _histograms(table: pd.DataFrame) -> str:
    shares = table.pivot_table(index="from", columns="value", values="share", fill_value=0.0)
    common = {pair: float(np.minimum(shares[pair[0]], shares[pair[1]]).sum()) for pair in combinations(shares, 2)}
    if not common:
        return f"All words have the value {shares.columns[0]}."
    (one, other), least = min(common.items(), key=lambda item: item[1])
    extreme = ", the least of all pairs" if len(common) > 1 else ""
    return f"The histograms of {one} and {other} share {100 * least:.0f} % of their area{extreme}."


def _forms(table: pd.DataFrame) -> str:
    return f"{table['kept'].sum()} of {len(table)} values have enough distinct word forms in every split."


def _above_chance(what: str) -> Callable[[pd.DataFrame], str]:
    """A function that sums up a table of overlaps with their intervals of chance."""

    def told(table: pd.DataFrame) -> str:
        above = int((table["overlap"] > table["high"]).sum())
        return (
            f"{above} of {len(table)} {what} share more of their first {table['k'].iloc[0]} neurons than the 95 % "
            "interval of chance allows."
        )

    return told


def _agreement(table: pd.DataFrame) -> str:
    above, first = int((table["p_value"] < _LEVEL).sum()), table.iloc[0]
    return (
        f"{above} of {len(table)} pairs of rankings share more of their first {first['k']} neurons than chance allows "
        f"(one-sided p < {_LEVEL}); the median is {table['overlap'].median():g}, and {first['expected']:.1f} by chance."
    )


def _truth(table: pd.DataFrame) -> str:
    told = []
    for against, own in table.groupby("against", sort=False):
        best = _highest(own, "area")
        others = int((own["area"] > best["area"] - 0.005).sum()) - 1
        names = _name(best) + (f" and {_number(others, 'other')}" if others else "")
        told.append(f"{best['area']:.2f} against the {against} neurons, by {names} (chance: {best['chance']:.2f})")
    return f"The highest scores are {'; '.join(told)}."


def _strengths(table: pd.DataFrame) -> str:
    column = "max_clwv" if "max_clwv" in table else "clwv"
    best = _highest(table, column)
    return (
        f"The highest CLWV is {best[column]:.2f}, by {_name(best)} under a {best['kind']} of strength "
        f"{best['strength']:g}{_beside_random(table, column)}."
    )


def _roles(table: pd.DataFrame) -> str:
    told = []
    for role, own in table.groupby("role", sort=True):
        best = _highest(own, "area")
        told.append(f"for what is {role} {_name(best)} has the highest area ({best['measure']}), {best['area']:.2f}")
    first, *rest = told
    return f"{first[0].upper()}{first[1:]}{''.join(f'; {one}' for one in rest)}."


def _bases(table: pd.DataFrame) -> str:
    moved, told = table[table["measure"] == "CLWV"], []
    for (ranking, direction), own in moved.groupby(["ranking", "direction"], sort=False):
        areas = own.set_index("basis")[["area", "low", "high"]]
        (mean, low, high), single = areas.loc["rotated"], areas.loc["own", "area"]
        name = ranking_name(str(ranking), str(direction))
        told.append(f"{name} {single:.2f} against {mean:.2f} ({low:.2f} to {high:.2f})")
    return f"Areas under CLWV in the model's own basis against random ones: {', '.join(told)}."


def _depth(table: pd.DataFrame) -> str:
    told = []
    for measure, own in table.groupby("measure", sort=False):
        best = own.iloc[int(own["mean"].to_numpy().argmax())]
        random = own[(own["ranking"] == "random") & (own["layer"] == best["layer"])]["mean"]
        against = f" (random there {random.iloc[0]:.2f})" if len(random) else ""
        name = ranking_name(str(best["ranking"]), str(best["direction"]))
        told.append(f"{measure}: {name}, {best['mean']:.2f} at layer {best['layer']}{against}")
    return f"The highest of each measure: {'; '.join(told)}."


def _subsets(table: pd.DataFrame) -> str:
    size = table["size"].max()
    bits = table[table["size"] == size].set_index("search")["information"]
    best, greedy = bits["best"], bits["greedy"]
    return f"The best {_number(size, 'neuron')} have {best:.3f} bits, and those of the greedy search {greedy:.3f}."


def _alignment(table: pd.DataFrame) -> str:
    best = _highest(table, "difference")
    interval = f"{best['difference']:.2f} [{best['low']:.2f}, {best['high']:.2f}]"
    return (
        f"The search gains most over random labels with {_number(best['dims'], 'direction')}: {best['real']:.2f} "
        f"against {best['control']:.2f}, which is {interval} more."
    )


def _isolation(table: pd.DataFrame) -> str:
    changed = table[table["words"] == "changed"]
    aimed = changed["attribute"] == changed["measured"]
    own, other = (changed[which]["changed"].sum() / changed[which]["count"].sum() for which in (aimed, ~aimed))
    return (
        f"Of the words that were pushed, {100 * own:.0f} % change the attribute aimed at; of their values of other "
        f"attributes, {100 * other:.0f} % change."
    )


def _outcomes(table: pd.DataFrame) -> str:
    kept = table[table["outcome"] == "unchanged"].set_index("what")["share"]
    return (
        f"Words stay as they are most often with {kept.idxmax()} ({kept.max():.2f}), and least often with "
        f"{kept.idxmin()} ({kept.min():.2f})."
    )


def _clusters(table: pd.DataFrame) -> str:
    sizes = table["cluster"].value_counts()
    return f"{', '.join(f'{name} has {n}' for name, n in sizes.items())} of {len(table)} configurations."


def _seeds(table: pd.DataFrame) -> str:
    told = [
        f"{row['cluster']} by {language_name(row['language'])} {row['attribute']}, {Site(row['site'], row['layer'])}"
        for row in with_site(table).to_dict("records")
    ]
    return f"The patterns are represented as follows: {'; '.join(told)}."


def _stability(table: pd.DataFrame) -> str:
    means = table.groupby("change", sort=False)["adjusted_rand"].mean()
    changes = {"initialisation": "from another initialisation", "ks": "on other k", "language": "without a language"}
    told = [f"{mean:.2f} {changes.get(str(change), change)}" for change, mean in means.items()]
    return f"Mean agreement with the clusters shown (1: the same): {', '.join(told)}."


def _tests(table: pd.DataFrame) -> str:
    significant = int((table["p_adjusted"] < _LEVEL).sum())
    return f"{significant:,} of {len(table):,} differences between methods have an adjusted p below {_LEVEL}."


def _saturation(table: pd.DataFrame) -> str:
    moved = table[table["kind"] == "translation"]
    means = moved.groupby(["ranking", "direction"], as_index=False, sort=False)["max_clwv"].mean()
    best = _highest(means, "max_clwv")
    return (
        f"Translation along {_name(best)} reaches the highest CLWV on average, {best['max_clwv']:.2f}"
        f"{_beside_random(means, 'max_clwv')}."
    )


def _examples(table: pd.DataFrame) -> str:
    intended = int((table["outcome"] == "intended").sum())
    return f"{intended} of the {len(table)} changed words shown came out as intended."


def _left_out(table: pd.DataFrame) -> str:
    if table.empty:
        return "Nothing is left out: this world has enough configurations for every table."
    return f"This world is too small for {_number(len(table), 'table')}: {', '.join(table['table'])}."


_PROBING, _SHARED, _MOVING = "Probing: what can be read", "Overlap: shared neurons", "Interventions: what is used"
_COMPARED, _WORDS, _LEFT_OUT = "Methods compared", "Words and neurons", "Left out"
PARTS = (_PROBING, _SHARED, _MOVING, _COMPARED, _WORDS, _LEFT_OUT)
"""The parts of the report that hold the paper's figures and tables, in order."""

KINDS = (
    Entry({"claim", "verdict", "evidence"}, "Claims", "The claims", _verdicts("claims")),
    Entry({"part", "limit", "verdict"}, _COMPARED, "The claims, part by part", _verdicts("parts of claims")),
    Entry({"table", "reason"}, _LEFT_OUT, "Tables that this world is too small for", _left_out),
    Entry({"cluster", "chosen"}, _PROBING, "Configurations that stand for the three patterns", _seeds),
    Entry({"change", "adjusted_rand"}, _PROBING, "Stability of the clusters", _stability),
    Entry({"cluster", "x", "y"}, _PROBING, "Clusters of probing curves", _clusters),
    Entry({"measure", "ranking", "direction", "k", "rate"}, _MOVING, "Changed words", _rates, r"^.*?(?=\. )"),
    Entry({"value", "from", "to", "share"}, _WORDS, "Activations by value", _histograms, r"^[^:]*"),
    Entry({"words", "forms", "kept"}, _WORDS, "Which values are kept", _forms),
    Entry(
        {"attribute_a", "overlap", "high"}, _SHARED, "Neurons that configurations share",
        _above_chance("pairs of configurations"), r"^[^:]*",
    ),
    Entry(
        {"rankings", "overlap", "high"}, _SHARED, "Neurons that rankings share",
        _above_chance("pairs or triples of rankings"),
    ),
    Entry(
        {"languages", "overlap", "high"}, _SHARED, "Neurons that languages share",
        _above_chance("cases of an attribute in several languages"),
    ),
    Entry({"ranking_a", "overlap", "expected", "p_value"}, _SHARED, "Agreement of the rankings", _agreement),
    Entry({"against", "area", "chance"}, _WORDS, "Rankings against the planted truth", _truth),
    Entry({"probe", "k", "accuracy"}, _PROBING, "Probing accuracy", _curves),
    Entry({"probe", "k", "selectivity"}, _PROBING, "Selectivity of the probes", _curves),
    Entry({"kind", "ranking", "direction", "saturation_k"}, _MOVING, "Where CLWV saturates", _saturation),
    Entry({"kind", "ranking", "direction", "strength", "clwv"}, _MOVING, "CLWV by strength", _strengths),
    Entry({"kind", "ranking", "direction", "strength", "max_clwv"}, _MOVING, "CLWV by strength", _strengths),
    Entry({"role", "measure", "ranking", "area"}, _MOVING, "Encoded and used, by ranking", _roles),
    Entry({"basis", "measure", "ranking", "area"}, _MOVING, "Neurons and random directions", _bases),
    Entry({"measure", "ranking", "direction", "layer", "mean"}, _MOVING, "Measures by layer", _depth, r"^[^:]*"),
    Entry({"dims", "real", "control"}, _MOVING, "Directions found by alignment search", _alignment),
    Entry({"size", "search", "information"}, _WORDS, "Best subsets and the greedy search", _subsets),
    Entry({"measured", "attribute", "unread", "share"}, _MOVING, "What else changes", _isolation, r"^[^:]*"),
    Entry({"what", "outcome", "share"}, _MOVING, "What became of the words", _outcomes),
    Entry({"outcome", "before", "after"}, _MOVING, "Sentences before and after the translation", _examples),
    Entry({"probe_a", "p_adjusted", "flips"}, _COMPARED, "Methods compared by permutations", _tests),
    Entry({"probe_a", "p_adjusted"}, _COMPARED, "Methods compared by Wilcoxon's test", _tests, r"first \d+ neurons"),
)  # fmt: skip
