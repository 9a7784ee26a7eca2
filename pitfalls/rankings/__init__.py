"""Rankings of neurons: each is an order, and where it came from.

A ranking may come from a probe's weights, a greedy search, class means or chance; whatever evaluates it
(:mod:`~pitfalls.probes.curves`, :mod:`~pitfalls.interventions.run`) sees only the order.

To add a method, write a small class (a :class:`~pitfalls.rankings.base.Scorer` with ``score_neurons``) and add it to
``_METHODS``. Methods that ask the model need more than arrays; they are in :mod:`~pitfalls.rankings.of_model`, and
``experiment.rank`` knows them all.
"""

from __future__ import annotations

import dataclasses
import difflib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from tqdm import tqdm

from pitfalls.arrays.ranking import Direction, Ranking, check_direction
from pitfalls.arrays.splits import Splits
from pitfalls.columns import ASKING
from pitfalls.numbers import whole
from pitfalls.rankings.anova import Anova
from pitfalls.rankings.average_precision import AveragePrecision
from pitfalls.rankings.base import Greedy, Ranker, Scorer
from pitfalls.rankings.conditional_mi import ConditionalMI
from pitfalls.rankings.gaussian import MAX_CANDIDATES, Gaussian
from pitfalls.rankings.lca import LCA
from pitfalls.rankings.linear import Linear
from pitfalls.rankings.mean_selectivity import MeanSelectivity
from pitfalls.rankings.mutual_information import MutualInformation
from pitfalls.rankings.penalised import Lasso, LinearConverged, Ridge
from pitfalls.rankings.probeless import Probeless
from pitfalls.rankings.random import Random
from pitfalls.rankings.random_forest import RandomForest

#: The seven rankings of the paper, as ``(name, direction)`` (SOURCES.md, Rankings [C]).
PAPER_RANKINGS: tuple[tuple[str, Direction], ...] = (
    ("linear", "ttb"),
    ("gaussian", "ttb"),
    ("probeless", "ttb"),
    ("random", "ttb"),
    ("linear", "btt"),
    ("gaussian", "btt"),
    ("probeless", "btt"),
)

_METHODS: dict[str, type[Ranker]] = {
    method.name: method
    for method in (
        # the paper's
        Linear,
        Gaussian,
        Probeless,
        Random,
        # beyond the paper
        LinearConverged,
        LCA,
        Lasso,
        Ridge,
        MeanSelectivity,
        AveragePrecision,
        MutualInformation,
        Anova,
        RandomForest,
        ConditionalMI,
    )
}


#: The names that :func:`rank` knows, the paper's four first.
RANKINGS = tuple(_METHODS)


def ranker(name: str, direction: Direction = "ttb", seed: int = 0, **options: Any) -> Ranker:
    """The method called ``name``, a scikit-learn selector, with its options.

    Raises
    ------
    ValueError
        For an unknown name or direction, or an option that the method does not have.

    Examples
    --------
    >>> ranker("lasso", l1=0.01)
    Lasso(l1=0.01)
    """
    if name in ASKING:
        raise ValueError(
            f"the ranking {name!r} asks the model, and activations have none: take experiment.rank({name!r}), of an "
            "experiment such as world.experiment(language, attribute, layer)"
        )
    if not isinstance(name, str) or name not in _METHODS:
        near = difflib.get_close_matches(str(name), [*_METHODS, *ASKING], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"no ranking {name!r}: there are {', '.join(RANKINGS)}; and of an experiment, {', '.join(ASKING)}{hint}"
        )
    check_direction(direction)
    method = _METHODS[name]
    checked_options(name, [field.name for field in dataclasses.fields(method)], options)
    return method(direction=direction, seed=seed, **options)


def checked_options(name: str, known: Iterable[str], options: Mapping[str, Any]) -> None:
    """Refuse an option that a method does not have.

    Raises
    ------
    ValueError
        The message names it, and the options that there are.
    """
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"the ranking {name!r} has no option {', '.join(unknown)}; it has {', '.join(known)}")


def rank(
    name: str,
    data: Splits,
    direction: Direction = "ttb",
    seed: int = 0,
    max_neurons: int | None = None,
    device: str | torch.device = "cpu",
    **options: Any,
) -> Ranking:
    """Rank the neurons of ``data`` for its attribute.

    Parameters
    ----------
    name : str
        One of :data:`RANKINGS`.
    data : Splits
        Methods are fitted on ``train``, and "gaussian" selects on ``dev``.
    direction : str
        "ttb", the best first, or "btt", the worst first.
    seed : int
        For what is drawn: the initial weights of "linear", the order of "random", the trees of "random_forest".
    max_neurons : int, optional
        How many neurons a greedy search ("gaussian", "conditional_mi") chooses before it completes the order by
        what each of the rest would add next; the other methods rank all neurons at no extra cost.
    device : str or torch.device
        Where to compute, such as "cuda".
    **options:
        Whatever else the method takes, such as ``value="PL"`` for "probeless" or ``l1`` for "lasso". Of more than
        :data:`~.gaussian.MAX_CANDIDATES` neurons, "gaussian" needs ``among=`` a ranking whose first ones it searches.

    Raises
    ------
    ValueError
        For an unknown name, direction or option, ``max_neurons`` below 1, too many neurons to search, and bad data.

    Examples
    --------
    >>> part = ([[0.0, 1.0], [0.1, -1.0]], ["PL", "SG"])
    >>> rank("probeless", Splits.from_arrays(train=part, dev=part, test=part)).order
    array([1, 0])
    """
    method = ranker(name, direction, seed, **options)
    if max_neurons is not None:
        # Checked for every method: a wrong number is wrong even if the method has no use for it.
        Greedy(max_neurons=max_neurons).steps(data.n_neurons)
        if isinstance(method, Greedy):
            method.max_neurons = max_neurons
    return method.rank(data, device)


def rank_all(
    data: Splits,
    rankings: Sequence[tuple[str, Direction]] = PAPER_RANKINGS,
    seed: int = 0,
    max_neurons: int | None = None,
    device: str | torch.device = "cpu",
) -> list[Ranking]:
    """Several rankings, as calls of :func:`rank` would give them, from as few fits as possible.

    Of more neurons than the Gaussian search takes, it searches those that come first by Probeless; a warning says so.

    Parameters
    ----------
    rankings : sequence of (name, direction)
        By default the paper's seven.

    Examples
    --------
    >>> part = ([[0.0, 1.0], [0.1, -1.0]], ["PL", "SG"])
    >>> both = [("probeless", "ttb"), ("probeless", "btt")]
    >>> [r.order.tolist() for r in rank_all(Splits.from_arrays(train=part, dev=part, test=part), both)]
    [[1, 0], [0, 1]]
    """
    found: dict[tuple[str, Direction], Ranking] = {}
    for name, direction in tqdm(rankings, desc="ranking", unit="ranking", leave=False):
        other = found.get((name, "btt" if direction == "ttb" else "ttb"))
        # A greedy search for what adds least is not a search for what adds most, read backwards.
        if other is not None and issubclass(_METHODS[name], Scorer):
            found[name, direction] = other.reversed()
        elif (name, direction) not in found:
            options = _preselected(data, direction) if name == Gaussian.name else {}
            found[name, direction] = rank(name, data, direction, seed, max_neurons, device, **options)
    return [found[one] for one in rankings]


def _preselected(data: Splits, direction: Direction) -> dict[str, Ranking]:
    """What the Gaussian search takes besides, where there are too many neurons for it."""
    if data.n_neurons <= MAX_CANDIDATES:
        return {}
    warnings.warn(
        f"there are {data.n_neurons:,} neurons: the Gaussian search takes the {MAX_CANDIDATES:,} that come first by "
        f"Probeless ({direction}), and the others follow in its order",
        stacklevel=3,
    )
    return {"among": rank("probeless", data, direction)}


def random_rankings(data: Splits, draws: int, seed: int = 0) -> Sequence[Ranking]:
    """Several random rankings, with the seeds ``seed``, ``seed + 1``, ...: they show what chance alone reaches.

    Examples
    --------
    >>> part = ([[0.0, 1.0], [0.1, -1.0]], ["PL", "SG"])
    >>> [r.seed for r in random_rankings(Splits.from_arrays(part, part, part), draws=3)]
    [0, 1, 2]
    """
    return [rank("random", data, seed=seed + i) for i in range(whole(draws, "draws", 1))]
