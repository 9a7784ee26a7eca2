"""The paper's figures and tables from the tables of a study, each under a stable id.

======== =======================================================================================================
id       what (SOURCES.md, "Figures")
======== =======================================================================================================
fig1a-c  probing curves, accuracy and selectivity, of the configurations nearest to the three patterns
fig2     clusters of all configurations
fig3     what the first neurons of different rankings share
fig4     what the first neurons for different attributes and languages share
fig5-*   translation, one figure per language and one panel per configuration
fig6-*   ablation, likewise
tab7     where CLWV saturates, and where it is highest
fig8-k*  differences of all methods with Wilcoxon's test, all configurations, at one k; ``tab8`` also by group
tab9     sentences before and after
fig10    the highest CLWV on dev by strength, scaled and constant, over all configurations
claims   the ledger, of all models together; per model permutations, shared, seeds, stability and left_out (what this
         world is too small for)
======== =======================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from pitfalls import figures
from pitfalls.columns import CONFIGURATION
from pitfalls.comparison.pairs import Grouping
from pitfalls.comparison.permutation import blocked_permutations
from pitfalls.comparison.selectivity import selectivity
from pitfalls.comparison.wilcoxon import wilcoxon_matrix
from pitfalls.interventions.saturation import saturation_table
from pitfalls.rankings import PAPER_RANKINGS
from pitfalls.site import one_kind, with_site
from pitfalls.study.claims import ledger, parts
from pitfalls.study.clusters import PATTERNS, cluster, cluster_stability, seed_configurations
from pitfalls.study.effects import long, strengths
from pitfalls.study.output import publish, publish_table, withdraw
from pitfalls.study.shared_neurons import pair_overlaps, ranking_overlaps, shared_across_languages
from pitfalls.worlds.names import UNTRAINED

#: (language, attribute) of the configurations in the paper's figure 3, in its order [C].
OVERLAP_PAIRS = (
    ("fin", "Number"),
    ("fra", "Part of Speech"),
    ("hin", "Gender"),
    ("rus", "Voice"),
    ("rus", "Number"),
    ("ara", "Part of Speech"),
    ("bul", "Part of Speech"),
    ("rus", "Aspect"),
)
#: How many configurations figure 3 shows.
_BARS = 8

#: All ids that this module may write.
_IDS = re.compile(r"(fig|tab)[0-9].*|" + "|".join(("permutations", "shared", "stability", "seeds", "left_out")))
#: Table and caption by id.
_TABLES = {
    "tab7": (
        "saturation",
        "Where CLWV saturates (saturation_k, saturation_clwv), and where it is highest (max_k, max_clwv).",
    ),
    "tab8": ("wilcoxon", "Wilcoxon's signed-rank test for each pair of methods, on all configurations and by group."),
    "tab9": ("examples", "Sentences before and after the translation, at the ranking and k with the highest CLWV."),
    "permutations": ("permutations", "Differences of methods, tested by permutations that keep a language whole."),
    "shared": ("shared", "Neurons that are among the first for an attribute in every language that has it."),
    "seeds": ("seeds", "The configurations that stand for the three patterns of curves."),
    "stability": (
        "stability",
        "How far other clusterings agree with the seeded one: adjusted Rand index, 1 for the same, 0 by chance.",
    ),
    "left_out": ("left_out", "Tables that this world is too small for."),
}


_CLAIMS = (
    "The claims in this world: the verdict over languages and models, the evidence (mean, 95 % interval, limit) with "
    "its control subtracted, and the same in an untrained twin."
)
_PARTS = "Each part of each claim: what must be above the limit, its mean over languages and models, and its interval."


def tables_of(study: Mapping[str, pd.DataFrame], n_neurons: int) -> dict[str, pd.DataFrame]:
    """Everything that follows from a study's own tables (curves, leads, orders, dev, effects, areas, examples).

    Returns
    -------
    The tables of :func:`claim_tables`, and: strengths (:func:`.effects.strengths`), saturation, shared (see
    :mod:`~.shared_neurons`), seeds, clusters, stability (:mod:`~.clusters`), wilcoxon, permutations
    (:mod:`~pitfalls.comparison.permutation`). A study with too few configurations lacks some; left_out has a row for
    each of them: table, reason.

    Raises
    ------
    ValueError
        For a study of several kinds of units, whose layers cannot be compared.
    """
    found = claim_tables(study, n_neurons)
    real, where = of_the_paper(found["curves"]), found["areas"][CONFIGURATION].drop_duplicates()
    left_out = _left_out(where)
    found["strengths"] = strengths(found["dev"])
    found["saturation"] = saturation_table(at_one_strength(found["effects"]))
    if "shared" not in left_out:
        orders = found["orders"]
        found["shared"] = shared_across_languages(_of_probeless(orders), _top(orders), n_neurons)
    if "clusters" not in left_out:
        found["seeds"] = seed_configurations(real)
        found["clusters"] = cluster(real, found["seeds"])
        found["stability"] = cluster_stability(real, draws=20)
    ks = compared_ks(real)
    groups: tuple[Grouping | None, ...] = (None, "layer", "language", "attribute")
    found["wilcoxon"] = pd.concat([wilcoxon_matrix(real, ks, by) for by in groups], ignore_index=True)
    found["permutations"] = blocked_permutations(real, ks)
    found["left_out"] = pd.DataFrame(list(left_out.items()), columns=["table", "reason"])
    return found


def claim_tables(study: Mapping[str, pd.DataFrame], n_neurons: int) -> dict[str, pd.DataFrame]:
    """What the claims are tested on: a study's own tables, its effects in long form, overlaps, and pairs if it has any.

    Parameters and errors are those of :func:`tables_of`.
    """
    found = {name: with_site(table) for name, table in study.items()}
    one_kind(found["areas"])
    found["effects"] = long(found["effects"])
    orders = found["orders"]
    found["overlaps"] = ranking_overlaps(orders, _top(orders), n_neurons)
    if layers := _with_pairs(found["areas"][CONFIGURATION].drop_duplicates()):
        found["pairs"] = pair_overlaps(_of_layers(_of_probeless(orders), layers), _top(orders), n_neurons)
    return found


def _top(orders: pd.DataFrame) -> int:
    return int(orders["position"].max()) + 1


def _of_probeless(orders: pd.DataFrame) -> pd.DataFrame:
    return orders[(orders["ranking"] == "probeless") & (orders["direction"] == "ttb")]


def of_the_paper(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves of the attribute on test, along the paper's rankings."""
    named = curves["ranking"].isin([name for name, _ in PAPER_RANKINGS])
    return curves[named & (curves["task"] == "real") & (curves["split"] == "test")]


def at_one_strength(effects: pd.DataFrame) -> pd.DataFrame:
    """Ablations and translations, with the strength that all rankings of a configuration share: the random ones' own.

    The strengths that single rankings chose for themselves were run at a few k only.
    """
    shared = effects.loc[effects["ranking"] == "random", [*CONFIGURATION, "kind", "strength"]].drop_duplicates()
    own = effects[effects["ranking"].isin([name for name, _ in PAPER_RANKINGS])]
    return own.merge(shared, on=[*CONFIGURATION, "kind", "strength"])


def _left_out(where: pd.DataFrame) -> dict[str, str]:
    """The tables that a study of these configurations cannot have, and why."""
    reasons = {}
    if not _with_pairs(where):
        reasons["pairs"] = f"pairs need two configurations on one layer, and no layer has two of the {len(where)}"
    if where.groupby(["attribute", "layer"])["language"].nunique().max() < 2:
        reasons["shared"] = (
            f"no attribute has two languages on a layer; languages: {', '.join(where['language'].unique())}"
        )
    if len(where) < len(PATTERNS):
        few = f"{len(PATTERNS)} clusters need {len(PATTERNS)} configurations or more, and there are {len(where)}"
        reasons |= dict.fromkeys(("seeds", "clusters", "stability"), few)
    return reasons


def _with_pairs(where: pd.DataFrame) -> list[int]:
    """The layers that have two configurations or more."""
    counts = where["layer"].value_counts()
    return sorted(counts.index[counts >= 2].tolist())


def _of_layers(table: pd.DataFrame, layers: Sequence[int]) -> pd.DataFrame:
    return table[table["layer"].isin(layers)]


def compared_ks(curves: pd.DataFrame) -> list[int]:
    """The k at which methods are compared: the paper's 10, 50 and 150 [C], or the largest k below one that is missing.

    >>> compared_ks(pd.DataFrame({"k": [1, 10, 50, 64, 128]}))
    [10, 50, 128]
    """
    ks = sorted(set(curves["k"]))
    return sorted({max(k for k in ks if k <= wanted) for wanted in (10, 50, 150) if ks[0] <= wanted})


def publish_paper(tables: Mapping[str, pd.DataFrame], output: Path, jobs: int = 1) -> None:
    """Write the figures and tables of :func:`tables_of` under their ids; delete those of an earlier study.

    What the study has no table for is left out; ``left_out`` says why.

    Parameters
    ----------
    jobs : processes that draw figures at the same time
    """
    drawings = dict(_drawings(tables))
    joblib.Parallel(jobs)(joblib.delayed(_publish_drawn)(draw, name, output) for name, draw in drawings.items())
    written = list(drawings)
    for table_id, (name, caption) in _TABLES.items():
        if name in tables:
            publish_table(tables[name], table_id, output, caption)
            written.append(table_id)
    withdraw(output, _IDS, written)


def _publish_drawn(draw: Callable[[], figures.Plot], figure_id: str, output: Path) -> None:
    publish(draw(), figure_id, output)


def publish_claims(by_model: Mapping[str, Mapping[str, pd.DataFrame]], n_neurons: int, output: Path) -> None:
    """Write the ledger over the studies of one or several models, and the numbers of each part of a claim.

    Parameters
    ----------
    by_model : of each model, what :func:`claim_tables` gives; those whose names say so are untrained
    """
    trained = {name: tables for name, tables in by_model.items() if not name.endswith(UNTRAINED)}
    twins = {name: tables for name, tables in by_model.items() if name.endswith(UNTRAINED)}
    publish_table(ledger(trained, n_neurons, twins), "claims", output, _CLAIMS)
    publish_table(parts(trained, n_neurons), "claims_parts", output, _PARTS)


def _drawings(tables: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, Callable[[], figures.Plot]]]:
    """The figures that there are tables for: each one's id, and what draws it."""
    for letter, where in zip("abc", _shown(tables), strict=False):
        real, control = _of_tasks(tables["curves"], where)
        yield f"fig1{letter}-accuracy", partial(figures.accuracy, real)
        yield f"fig1{letter}-selectivity", partial(figures.accuracy, selectivity(real, control), "selectivity")
    if "clusters" in tables:
        yield "fig2", partial(figures.clusters, tables["clusters"])
    yield "fig3", partial(figures.overlap_bars, _bars(tables["overlaps"]))
    if "pairs" in tables:
        pairs = tables["pairs"]
        yield "fig4", partial(figures.overlap_map, pairs[pairs["layer"] == _middle(pairs["layer"])])
    for figure_id, kind in (("fig5", "translation"), ("fig6", "ablation")):
        for language, own in at_one_strength(tables["effects"]).groupby("language", sort=True):
            yield f"{figure_id}-{language}", partial(figures.effects_grid, own[own["kind"] == kind])
    overall = tables["wilcoxon"][tables["wilcoxon"]["by"] == "all"]
    for k, matrix in overall.groupby("k", sort=True):
        yield f"fig8-k{k}", partial(figures.wilcoxon, matrix)
    yield "fig10", partial(figures.strengths, tables["strengths"])


def _shown(tables: Mapping[str, pd.DataFrame]) -> list[tuple[Any, ...]]:
    """The configurations that stand for the three patterns, or all of them if there are fewer than three."""
    if "seeds" not in tables:
        return list(tables["areas"][CONFIGURATION].drop_duplicates().itertuples(index=False, name=None))
    seeds = tables["seeds"].set_index("cluster").loc[list(PATTERNS), CONFIGURATION]
    return list(seeds.itertuples(index=False, name=None))


def _of_tasks(curves: pd.DataFrame, where: tuple[Any, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One configuration's curves, of the attribute and of the control task."""
    own = curves[(curves[CONFIGURATION] == list(where)).all(axis=1)]
    return of_the_paper(own), own[own["task"] == "control"]


def _middle(layers: pd.Series) -> int:
    """The paper's layer 7, or the middle one if the study lacks it."""
    found: Sequence[int] = sorted(set(layers))
    return 7 if 7 in found else found[(len(found) - 1) // 2]


def _bars(overlaps: pd.DataFrame) -> pd.DataFrame:
    """On one layer: the paper's configurations that the table has, then others up to eight."""
    on_layer = overlaps[overlaps["layer"] == _middle(overlaps["layer"])]
    there = list(dict.fromkeys(zip(on_layer["language"], on_layer["attribute"], strict=True)))
    chosen = [pair for pair in OVERLAP_PAIRS if pair in there]
    chosen += [pair for pair in there if pair not in chosen][: max(0, _BARS - len(chosen))]
    parts = [on_layer[(on_layer["language"] == a) & (on_layer["attribute"] == b)] for a, b in chosen]
    return pd.concat(parts, ignore_index=True)
