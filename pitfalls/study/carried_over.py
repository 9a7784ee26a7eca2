"""Claim 8 of the ledger, which compares models: how many verdicts on the other claims carry over to XLM-R."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

_CARRIED = {"claim": "8", "tag": "P", "text": "most findings carry over to XLM-R", "untrained": "",
            "unit": "part of a claim", "k": ""}  # fmt: skip
#: The model that claim 8 is about; and how many parts must be decided in it and in another model.
_XLMR, _ENOUGH = "xlmr", 8


def carried_over(verdicts: pd.DataFrame) -> dict[str, object]:
    """Claim 8: whether XLM-R's verdicts are those of the other models.

    Two models are compared on the parts that are decided in both, and a part counts once, however many models there
    are. The claim holds if 80 % or more of XLM-R's verdicts are the same and that is more than chance gives, which is
    how often its verdict on one part is the others' on any part. It fails if half or fewer are the same though the
    others agree with each other on 80 % or more: where they do not, the difference need not be XLM-R's.

    Parameters
    ----------
    verdicts : from :func:`.claims.verdicts_by_model`

    Returns
    -------
    A row of :func:`.claims.ledger`.

    Examples
    --------
    >>> verdicts = pd.DataFrame({"bert": ["holds", "fails"] * 5, "xlmr": ["holds", "fails"] * 4 + ["holds"] * 2})
    >>> row = carried_over(verdicts)
    >>> row["verdict"], row["evidence"]
    ('holds', 'on the 10 parts that are decided in xlmr and another model: 90% the same')
    """
    others = [str(model) for model in verdicts if model != _XLMR]
    if _XLMR not in verdicts or not others:
        lacking = f"no study of {_XLMR} and another model"
        return {**_CARRIED, "verdict": "not testable", "evidence": lacking, "control": ""}
    decided = verdicts.where(verdicts.isin(["holds", "fails"]))
    own = _agreement(decided, [(_XLMR, other) for other in others])
    among = _agreement(decided, list(itertools.combinations(others, 2)))
    chance = float((decided[_XLMR].value_counts(normalize=True) * _shares(decided[others])).sum())
    share = float(own.mean()) if len(own) >= _ENOUGH else np.nan
    alike = not len(among) or among.mean() >= 0.8
    verdict = "holds" if share >= 0.8 and share > chance else "fails" if share <= 0.5 and alike else "undecided here"
    told = f"on the {len(own)} parts that are decided in {_XLMR} and another model: {own.mean():.0%} the same"
    control = f"{among.mean():.0%} among the others ({len(among)} parts); " if len(among) else ""
    return {**_CARRIED, "verdict": verdict, "evidence": told, "control": f"{control}{chance:.0%} by chance"}


def _agreement(decided: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.Series:
    """Of each part that is decided in both models of a pair: the share of these pairs with the same verdict."""
    same = {
        pair: (decided[pair[0]] == decided[pair[1]]).astype(float).where(decided[list(pair)].notna().all(axis=1))
        for pair in pairs
    }
    return pd.DataFrame(same, decided.index).mean(axis=1).dropna()


def _shares(decided: pd.DataFrame) -> pd.Series:
    """The share of each verdict, on average over models."""
    return (
        pd.DataFrame({model: decided[model].value_counts(normalize=True) for model in decided}).fillna(0).mean(axis=1)
    )
