"""Is a neuron special? Rankings in the model's own basis, beside the same in random bases of the same states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from pitfalls.columns import configuration_of
from pitfalls.comparison.roles import role_areas
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.translation import Translation

if TYPE_CHECKING:
    from pitfalls.worlds.experiment import Experiment

_MEASURES = {"encoded": "probing", "used": "CLWV"}


def basis_areas(
    experiments: Sequence[Experiment],
    rankings: Sequence[str] = ("probeless", "linear", "random"),
    ks: Iterable[int] = (1, 2, 4, 8, 16, 32, 64),
    kind: Kind | None = None,
    probe: str = "linear",
    sentences: int | None = None,
) -> pd.DataFrame:
    """The areas under probing accuracy and CLWV over k, for every ranking in every basis.

    Parameters
    ----------
    experiments
        One in the model's own basis, and others in random ones (``world.rotated(seed)``, ``Site("rotated", layer)``),
        all of the same words and layer.
    rankings
        Names of methods; each is run in every basis.
    ks
        Of both curves.
    kind
        The intervention, by default ``Translation(8)``.
    sentences
        How many test sentences are changed, by default all.

    Returns
    -------
    One row per basis, ranking and measure: language, attribute, layer, basis ("own" or "rotated"), rotation (a number
    for each rotated experiment, -1 for the own basis), ranking, direction, measure ("probing" or "CLWV"), and area
    (mean height over the range of k).

    Raises
    ------
    ValueError
        Not exactly one experiment is in the own basis, there is no other, two have the same basis, or they are of
        several configurations.

    Examples
    --------
    >>> import pitfalls as pf
    >>> world = pf.load_world("planted")
    >>> pair = [world.experiment("art", "Number", layer=1),
    ...     world.rotated(0).experiment("art", "Number", site=pf.Site("rotated", 1))]
    >>> table = basis_areas(pair, ["probeless"], ks=[8, 12], sentences=20)
    >>> table[["basis", "measure", "area"]].round(1).values.tolist()
    [['own', 'probing', 1.0], ['own', 'CLWV', 1.0], ['rotated', 'probing', 1.0], ['rotated', 'CLWV', 0.1]]
    """
    _check(experiments)
    steps, how, rows, rotation = sorted(set(ks)), kind or Translation(), [], 0
    for one in experiments:
        own = one.data.site.kind != "rotated"
        about = {name: value for name, value in configuration_of(one.data).items() if name != "site"}
        about |= {"basis": "own" if own else "rotated", "rotation": -1 if own else rotation}
        rotation += not own
        rows += [{**about, **measured} for measured in _areas(one, rankings, steps, how, probe, sentences)]
    return pd.DataFrame(rows)


def _areas(
    one: Experiment, names: Sequence[str], ks: Sequence[int], kind: Kind, probe: str, sentences: int | None
) -> list[dict[str, Any]]:
    orders = [one.rank(name) for name in names]
    used = [one.intervene(order, kind, ks, sentences=sentences).counts() for order in orders]
    found = role_areas(one.probe(orders, ks, [probe]), pd.concat(used, ignore_index=True), ks[-1])
    measures = found["role"].map(_MEASURES)
    return found[["ranking", "direction"]].assign(measure=measures, area=found["area"]).to_dict("records")


def _check(experiments: Sequence[Experiment]) -> None:
    kinds = [one.data.site.kind for one in experiments]
    about = {(one.data.language, one.data.attribute, one.data.site.layer) for one in experiments}
    if sorted(set(kinds)) != ["residual", "rotated"] or kinds.count("residual") > 1 or len(about) > 1:
        raise ValueError(
            f"the experiments are at {', '.join(str(one.data.site) for one in experiments)}, of {len(about)} "
            "configurations: give one at a layer, and others at the same layer in worlds made by world.rotated(seed)"
        )
    bases = [one.world.model.fingerprint() for one in experiments if one.data.site.kind == "rotated"]
    if len(set(bases)) < len(bases):
        raise ValueError(f"{len(bases)} experiments have {len(set(bases))} random bases: give each world its own seed")
