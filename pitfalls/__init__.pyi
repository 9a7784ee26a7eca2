# What `import pitfalls as pf` offers and where it lives: __init__.py and type checkers read it here.
from . import comparison, figures, interventions, probes
from .arrays.ranking import Ranking
from .arrays.splits import Activations, Splits
from .interventions.ablation import Ablation
from .interventions.replay import Sample
from .interventions.translation import ConstantTranslation, Translation
from .probes.classifiers import GaussianProbe, LinearProbe
from .probes.control import control_task
from .probes.curves import PROBES, probe_curve, probe_curves
from .rankings import RANKINGS, random_rankings, rank, rank_all
from .site import Site
from .study.output import publish, stored_study
from .worlds.blueprint import PlantedParameters
from .worlds.experiment import Experiment
from .worlds.load import load_world, truth, world_from_files
from .worlds.world import World

__version__: str

__all__ = [
    "PROBES",
    "RANKINGS",
    "Ablation",
    "Activations",
    "ConstantTranslation",
    "Experiment",
    "GaussianProbe",
    "LinearProbe",
    "PlantedParameters",
    "Ranking",
    "Sample",
    "Site",
    "Splits",
    "Translation",
    "World",
    "comparison",
    "control_task",
    "figures",
    "interventions",
    "load_world",
    "probe_curve",
    "probe_curves",
    "probes",
    "publish",
    "random_rankings",
    "rank",
    "rank_all",
    "stored_study",
    "truth",
    "world_from_files",
]
