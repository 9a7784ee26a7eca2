# What `import pitfalls as pf` offers and where it lives: __init__.py and type checkers read it here.
from . import figures
from .arrays.ranking import Ranking
from .arrays.splits import Activations, Splits
from .comparison.draws import interval
from .comparison.overlap import overlap, overlaps
from .comparison.rank_biased_overlap import rank_biased_overlap
from .comparison.ranking_agreement import avg_overlap, neuron_vote
from .comparison.selectivity import selectivity, selectivity_curves
from .comparison.stability import stability_over_bootstrap, stability_over_seeds
from .comparison.truth import ranking_areas, score_rankings
from .interventions.ablation import Ablation
from .interventions.controls import OtherAttribute, RandomDirection
from .interventions.counts import counts
from .interventions.erasure import LeaceErasure
from .interventions.intervals import rate_intervals
from .interventions.outcomes import clwv, error_rate, with_baseline
from .interventions.replay import Sample
from .interventions.saturation import saturation_table
from .interventions.strength import choose_beta, scaled_against_constant, sweep
from .interventions.translation import ConstantTranslation, Translation
from .language.analysers import FirstOf, LexiconAnalyser, SimplemmaAnalyser, SpacyAnalyser
from .models.masked import MaskedLM
from .probes.classifiers import ConvergedLinearProbe, GaussianProbe, LinearProbe
from .probes.control import control_task, hold_out_forms
from .probes.curves import PROBES, gaussian_path_curves, probe_curve, probe_curves
from .rankings import PAPER_RANKINGS, RANKINGS, random_rankings, rank, ranker
from .study.output import publish, publish_table, stored_study, stored_table
from .worlds.blueprint import PlantedParameters, Truth
from .worlds.experiment import Experiment
from .worlds.load import load_world, truth, world_from_files
from .worlds.world import World

__version__: str

__all__ = [
    "PAPER_RANKINGS",
    "PROBES",
    "RANKINGS",
    "Ablation",
    "Activations",
    "ConstantTranslation",
    "ConvergedLinearProbe",
    "Experiment",
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
    "Sample",
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
    "error_rate",
    "figures",
    "gaussian_path_curves",
    "hold_out_forms",
    "interval",
    "load_world",
    "neuron_vote",
    "overlap",
    "overlaps",
    "probe_curve",
    "probe_curves",
    "publish",
    "publish_table",
    "random_rankings",
    "rank",
    "rank_biased_overlap",
    "ranker",
    "ranking_areas",
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
    "sweep",
    "truth",
    "with_baseline",
    "world_from_files",
]
