"""Damage: how many words that were left alone come out different because their neighbours were changed.

An intervention is meant for the words that carry the attribute. Layers above mix words, so the other words of the same
sentences may come out different too, and an intervention that breaks them is no evidence of fine control.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.interventions.replay import Places, Replay

if TYPE_CHECKING:
    from pitfalls.models.interface import LanguageModel


def damage(replay: Replay, ks: Sequence[int]) -> pd.DataFrame:
    """Count the words left alone that come out different from what the model predicts without an intervention.

    The comparison is with the model's own prediction (k = 0), right or wrong, so at k = 0 nothing is damaged. A word is
    damaged if its tokens spell another form, or spell one word at only one of the two k; if they spell a word at
    neither, the tokens themselves are compared. Words that have the target already are left alone, so they count here.

    Parameters
    ----------
    replay:
        One whose first k is 0.
    ks:
        Which of its k to report.

    Returns
    -------
    One row per k: the keys of :attr:`~.run.Run.outcomes`, k, others (words left alone, in the sentences with a
    changed word), damaged, and damage: damaged / others.

    Raises
    ------
    ValueError
        If no word of these sentences is left alone.

    Examples
    --------
    >>> import pitfalls as pf
    >>> planted = pf.load_world("planted")  # where no word reads the words that carry the attribute
    >>> experiment = planted.experiment("art", "Number", layer=0)
    >>> run = experiment.intervene(experiment.rank("probeless"), pf.Translation(), [64], sentences=9)
    >>> run.damage()["damage"].tolist()
    [0.0]
    """
    others = left_alone(replay)
    if not len(others):
        raise ValueError(
            f"all {len(replay.targets)} words of these sentences are changed, so none can be damaged: take more "
            "sentences, or an attribute that fewer words carry"
        )
    damaged = _damaged(replay, others)[[replay.ks.index(k) for k in ks]]
    return pd.DataFrame(
        {**replay.keys, "k": ks, "others": len(others), "damaged": damaged, "damage": damaged / len(others)}
    )


def left_alone(replay: Replay) -> Places:
    """All words of the replayed sentences except those that are changed; there may be none."""
    targets = replay.targets
    changed = set(zip(targets.sentences.tolist(), targets.positions.tolist(), strict=True))
    everything = [(s, p) for s in np.unique(targets.sentences).tolist() for p in range(len(replay.sentences[s].words))]
    left = np.array([place for place in everything if place not in changed], dtype=np.int64).reshape(-1, 2)
    return Places(left[:, 0], left[:, 1])


def _damaged(replay: Replay, others: Places) -> NDArray[np.int64]:
    """The number of damaged words at every k of ``replay``, the first of which is 0, [n_ks]."""
    model, counts = replay.subject.model, np.zeros(len(replay.ks), dtype=np.int64)
    # For every word, the prediction without an intervention comes first.
    baseline: dict[int, tuple[int, ...]] = {}
    for i, word, own, predicted in replay.predictions(others):
        counts[i] += not _same(model, own, baseline.setdefault(word, predicted), predicted)
    return counts


def _same(model: LanguageModel, own: Sequence[int], one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether the tokens predicted at one word's slots spell the same word."""
    if one == other:
        return True
    # The same form may be cut into different tokens.
    form = model.join(one, like=own)
    return form is not None and form == model.join(other, like=own)
