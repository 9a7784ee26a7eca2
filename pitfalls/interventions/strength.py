"""How strong a translation should be: sweeps over beta (and over constant alphas) on dev, and the choice.

A translation that is too weak changes no word, and one that is too strong breaks words, so the strength is swept and
the best one kept (the authors sweep beta from 2 to 12 on dev [C]; SOURCES.md, Figures, 10). The choice is made on dev
words: a strength chosen on the words that are then reported would flatter the ranking it was chosen for.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import RANKING
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.replay import Sample, Subject
from pitfalls.interventions.run import intervene
from pitfalls.interventions.saturation import peaks

#: The betas that the paper sweeps [C].
BETAS = tuple(range(2, 13))
#: The constant alphas that it compares with [C].
ALPHAS = (1, 2, 4, 6, 8)

_DEV = Sample("dev")


def run_all(
    subject: Subject, rankings: Iterable[Ranking], kinds: Iterable[Kind], ks: Iterable[int], sample: Sample = _DEV
) -> pd.DataFrame:
    """Intervene with every kind (one per strength) along every ranking: the runs' counts, concatenated.

    Parameters
    ----------
    kinds:
        Such as ``[Translation(beta) for beta in BETAS]``.
    sample:
        By default all dev words: a strength is chosen there.

    Raises
    ------
    ValueError
        If there is no ranking or no kind, and as in :func:`~.run.intervene`.
    """
    orders, strengths, steps = list(rankings), list(kinds), list(ks)
    if not orders or not strengths:
        raise ValueError(
            f"nothing to sweep: {len(orders)} rankings and {len(strengths)} strengths; give at least one of each"
        )
    runs = [intervene(subject, order, kind, steps, sample) for order in orders for kind in strengths]
    return pd.concat([run.counts() for run in runs], ignore_index=True)


def choose_beta(sweep: pd.DataFrame) -> pd.DataFrame:
    """The beta with the highest CLWV over all k: the best for every ranking, and the best for all of them together.

    The overall beta has the highest mean over the rankings (a ranking drawn with several seeds counts once, with the
    mean over its draws). Ties go to the smaller beta.

    Parameters
    ----------
    sweep:
        From :func:`run_all` over beta on dev; of one configuration, or of several, each of which gets its own choice.

    Returns
    -------
    One row per ranking: language, attribute, site, layer, split, ranking, direction, ranking_seed, kind, target, words,
    beta, clwv, k (the first that reaches it), then overall_beta and overall_clwv (its mean), the same for all rankings.

    Raises
    ------
    ValueError
        If a word is not from dev, a kind is not "translation", or a ranking lacks a beta.

    Examples
    --------
    >>> sweep = pd.DataFrame({"split": "dev", "ranking": ["linear"] * 4 + ["random"] * 4, "direction": "ttb",
    ...     "ranking_seed": 0, "kind": "translation", "strength": [2.0, 2.0, 8.0, 8.0] * 2, "k": 10,
    ...     "outcome": ["unchanged", "intended"] * 4, "count": [7, 3, 8, 2, 9, 1, 5, 5]})
    >>> choose_beta(sweep)[["ranking", "beta", "clwv", "overall_beta", "overall_clwv"]].values.tolist()
    [['linear', 2.0, 0.3, 8.0, 0.35], ['random', 8.0, 0.5, 8.0, 0.35]]
    """
    _check(sweep, {"translation"}, "choosing beta")
    found = peaks(sweep).rename(columns={"max_clwv": "clwv", "max_k": "k", "strength": "beta"})
    configuration = [key for key in found.columns if key not in (*RANKING, "words", "beta", "clwv", "k")]
    chosen = [
        _best(part, [*configuration, *RANKING]).assign(**_overall(part))
        for _, part in found.groupby(configuration, sort=False, dropna=False)
    ]
    return pd.concat(chosen, ignore_index=True)


def _best(found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The rows of the highest CLWV, one per combination of ``keys``, with the smaller beta among equals."""
    # The highest comes first and, among equals, the smaller beta; then the rankings return to their original order.
    ordered = found.sort_values(["clwv", "beta"], ascending=[False, True], kind="stable")
    best = ordered.drop_duplicates(keys).set_index(keys)
    return best.loc[pd.MultiIndex.from_frame(found[keys].drop_duplicates())].reset_index()


def _overall(found: pd.DataFrame) -> dict[str, float]:
    of_beta = found.groupby([*RANKING, "beta"])["clwv"].mean().unstack("beta")
    lacking = of_beta[of_beta.isna().any(axis=1)]
    if len(lacking):
        raise ValueError(
            f"the rankings were not all swept over the same betas: {lacking.index[0]} lacks "
            f"{lacking.columns[lacking.iloc[0].isna()].tolist()}; sweep them together"
        )
    # Rounded, because equal means of different rates may differ in the last bit and must stay ties.
    means = of_beta.groupby(["ranking", "direction"]).mean().mean().round(12)
    # Columns are ascending and argmax takes the first of equals: the smaller beta.
    return {"overall_beta": float(means.index.to_numpy()[means.argmax()]), "overall_clwv": float(means.max())}


def scaled_against_constant(sweeps: pd.DataFrame) -> pd.DataFrame:
    """What scaling by rank gains: each ranking's best beta beside its best constant alpha (SOURCES.md, Figures, 10).

    Parameters
    ----------
    sweeps:
        From :func:`run_all` on dev, over betas and over constant alphas.

    Returns
    -------
    One row per ranking: its keys, beta, scaled_clwv, scaled_k, alpha, constant_clwv, constant_k, and gain:
    ``scaled_clwv - constant_clwv``. Ties go to the smaller strength.

    Raises
    ------
    ValueError
        If a word is not from dev, a kind is neither of the two, or a ranking was not swept both ways.
    """
    _check(sweeps, {"translation", "constant translation"}, "comparing scaled with constant translations")
    found = peaks(sweeps).rename(columns={"strength": "beta", "max_clwv": "clwv", "max_k": "k"})
    keys = [key for key in found.columns if key not in ("kind", "words", "beta", "clwv", "k")]
    best = _best(found, [*keys, "kind"])[[*keys, "kind", "beta", "clwv", "k"]]
    scaled, constant = (
        best[best["kind"] == kind].drop(columns="kind") for kind in ("translation", "constant translation")
    )
    scaled = scaled.rename(columns={"clwv": "scaled_clwv", "k": "scaled_k"})
    constant = constant.rename(columns={"beta": "alpha", "clwv": "constant_clwv", "k": "constant_k"})
    table = scaled.merge(constant, on=keys, how="outer", sort=False)
    if table[["beta", "alpha"]].isna().any(axis=None):
        raise ValueError("every ranking needs a sweep over beta and one over alpha: concatenate both tables")
    return table.assign(gain=table["scaled_clwv"] - table["constant_clwv"])


def _check(sweep: pd.DataFrame, kinds: set[str], what: str) -> None:
    splits = sorted(set(sweep["split"]))
    if splits != ["dev"]:
        raise ValueError(f'{what} takes dev words only, and these are of {splits}: sweep with pf.Sample("dev")')
    if not set(sweep["kind"]) <= kinds:
        raise ValueError(f"{what} takes the kinds {sorted(kinds)}, and the table has {sorted(set(sweep['kind']))}")
