# What `import pitfalls as pf` offers and where it lives: __init__.py and type checkers read it here.
from . import figures
from .language.analysers import FirstOf, LexiconAnalyser, SimplemmaAnalyser, SpacyAnalyser
from .model.activations import Activations, Splits
from .model.blueprint import PlantedParameters, Truth
from .model.masked_lm import MaskedLM
from .neurons.agreement import avg_overlap, neuron_vote, overlap, overlaps, rank_biased_overlap
from .neurons.beta import choose_beta, scaled_against_constant, sweep_alpha, sweep_beta
from .neurons.control import control_task, hold_out_forms
from .neurons.counts import counts
from .neurons.curves import gaussian_path_curves, probe_curve, probe_curves, probes
from .neurons.damage import damage
from .neurons.directions import LeaceErasure, OtherAttribute, RandomDirection
from .neurons.draws import interval
from .neurons.intervals import rate_intervals
from .neurons.interventions import (
    Ablation,
    ConstantTranslation,
    Translation,
    examples,
    intervene,
    outcomes_by_word,
)
from .neurons.outcomes import clwv, error_rate, with_baseline
from .neurons.probes import ConvergedLinearProbe, GaussianProbe, LinearProbe
from .neurons.rankings import PAPER_RANKINGS, Ranking, random_rankings, rank, ranker, rankings
from .neurons.saturation import saturation_table
from .neurons.selectivity import selectivity, selectivity_curves
from .neurons.stability import stability_over_bootstrap, stability_over_seeds
from .neurons.truth import ranking_areas, score_rankings
from .study.output import publish, publish_table, stored_study, stored_table
from .study.worlds import World, load_world, truth, world_from_files

__version__: str

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
