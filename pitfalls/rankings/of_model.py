"""The rankings that ask the model, by name: what :meth:`Experiment.rank` knows besides the rankings of arrays."""

from __future__ import annotations

import dataclasses
from typing import Any

from pitfalls.arrays.ranking import Direction, Ranking
from pitfalls.columns import ASKING
from pitfalls.interventions.replay import Subject
from pitfalls.rankings import checked_options
from pitfalls.rankings.asking import Asking
from pitfalls.rankings.attribution import Attribution
from pitfalls.rankings.effect import Effect
from pitfalls.rankings.mask import Mask

_METHODS: dict[str, type[Asking]] = dict(zip(ASKING, (Attribution, Effect, Mask), strict=True))


def ask(subject: Subject, name: str, direction: Direction = "ttb", seed: int = 0, **options: Any) -> Ranking:
    """Rank the units of a subject's site by asking its model.

    Parameters
    ----------
    subject : Subject
        Such as an :class:`~pitfalls.worlds.experiment.Experiment`.
    name : str
        One of :data:`~pitfalls.columns.ASKING`.
    direction, seed, **options:
        As for :class:`~.asking.Asking`: items, sentences, target; and for "mask" also penalty.

    Raises
    ------
    ValueError
        The model is causal and there are no items, no word has a trial, or an option is unknown or bad.

    Warns
    -----
    UserWarning
        Some words or items are left out; how many, and why.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> found = ask(experiment, "attribution", sentences=20)
    >>> bool(pf.truth(experiment.world).used[found.order[:8]].all())
    True
    """
    method = _METHODS[name]
    checked_options(name, [field.name for field in dataclasses.fields(method)], options)
    return method(direction=direction, seed=seed, **options).rank(subject)
