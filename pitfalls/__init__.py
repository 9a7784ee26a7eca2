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
from pitfalls.language.analysers import FirstOf, LexiconAnalyser, SimplemmaAnalyser, SpacyAnalyser
from pitfalls.model.activations import Activations, Splits
from pitfalls.model.blueprint import PlantedParameters, Truth
from pitfalls.model.masked_lm import MaskedLM
from pitfalls.neurons.agreement import avg_overlap, neuron_vote, overlap, overlaps, rank_biased_overlap
from pitfalls.neurons.beta import choose_beta, scaled_against_constant, sweep_alpha, sweep_beta
from pitfalls.neurons.control import control_task, hold_out_forms
from pitfalls.neurons.counts import counts
from pitfalls.neurons.curves import gaussian_path_curves, probe_curve, probe_curves, probes
from pitfalls.neurons.damage import damage
from pitfalls.neurons.directions import LeaceErasure, OtherAttribute, RandomDirection
from pitfalls.neurons.draws import interval
from pitfalls.neurons.intervals import rate_intervals
from pitfalls.neurons.interventions import (
    Ablation,
    ConstantTranslation,
    Translation,
    examples,
    intervene,
    outcomes_by_word,
)
from pitfalls.neurons.outcomes import clwv, error_rate, with_baseline
from pitfalls.neurons.probes import ConvergedLinearProbe, GaussianProbe, LinearProbe
from pitfalls.neurons.rankings import PAPER_RANKINGS, Ranking, random_rankings, rank, ranker, rankings
from pitfalls.neurons.saturation import saturation_table
from pitfalls.neurons.selectivity import selectivity, selectivity_curves
from pitfalls.neurons.stability import stability_over_bootstrap, stability_over_seeds
from pitfalls.neurons.truth import ranking_areas, score_rankings
from pitfalls.study.output import publish, publish_table, stored_study, stored_table
from pitfalls.study.worlds import World, load_world, truth, world_from_files

__version__ = "0.1.0"

__all__ = [
    "PAPER_RANKINGS",
    "Ablation",
    "Activations",
    "ConstantTranslation",
    "ConvergedLinearProbe",
    "FirstOf",
    "GaussianProbe",
    "LeaceErasure",
    "LexiconAnalyser",
    "LinearProbe",
    "MaskedLM",
    "OtherAttribute",
    "PlantedParameters",
    "RandomDirection",
    "Ranking",
    "SimplemmaAnalyser",
    "SpacyAnalyser",
    "Splits",
    "Translation",
    "Truth",
    "World",
    "avg_overlap",
    "choose_beta",
    "clwv",
    "control_task",
    "counts",
    "damage",
    "error_rate",
    "examples",
    "figures",
    "gaussian_path_curves",
    "hold_out_forms",
    "interval",
    "intervene",
    "load_world",
    "neuron_vote",
    "outcomes_by_word",
    "overlap",
    "overlaps",
    "probe_curve",
    "probe_curves",
    "probes",
    "publish",
    "publish_table",
    "random_rankings",
    "rank",
    "rank_biased_overlap",
    "ranker",
    "ranking_areas",
    "rankings",
    "rate_intervals",
    "saturation_table",
    "scaled_against_constant",
    "score_rankings",
    "selectivity",
    "selectivity_curves",
    "stability_over_bootstrap",
    "stability_over_seeds",
    "stored_study",
    "stored_table",
    "sweep_alpha",
    "sweep_beta",
    "truth",
    "with_baseline",
    "world_from_files",
]
