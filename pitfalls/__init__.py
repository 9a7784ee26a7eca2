"""pitfalls: why "this neuron encodes X" is not evidence, and an honest tool to test it.

The whole face::

    import pitfalls as pf
    world = pf.load_world("mini")
    data = world.activations("spa", "Gender", layer=3)
    order = pf.rank("probeless", data)
    curve = pf.probe_curve("linear", order, data, ks=range(1, 129))
    effect = pf.intervene(world, data, order, pf.Translation(beta=8), ks=range(0, 129, 8))
    pf.figures.translation(effect).show()
"""

from __future__ import annotations

from pitfalls import figures
from pitfalls.model.activations import Activations, Splits
from pitfalls.model.masked_lm import MaskedLM
from pitfalls.neurons.control import control_task, selectivity
from pitfalls.neurons.curves import probe_curve
from pitfalls.neurons.interventions import (
    Ablation,
    ConstantTranslation,
    Translation,
    clwv,
    error_rate,
    examples,
    intervene,
)
from pitfalls.neurons.rankings import PAPER_RANKINGS, Ranking, rank, rankings
from pitfalls.study.output import publish, publish_table
from pitfalls.study.worlds import World, load_world, world_from_files

__version__ = "0.1.0"

__all__ = [
    "PAPER_RANKINGS",
    "Ablation",
    "Activations",
    "ConstantTranslation",
    "MaskedLM",
    "Ranking",
    "Splits",
    "Translation",
    "World",
    "clwv",
    "control_task",
    "error_rate",
    "examples",
    "figures",
    "intervene",
    "load_world",
    "probe_curve",
    "publish",
    "publish_table",
    "rank",
    "rankings",
    "selectivity",
    "world_from_files",
]
