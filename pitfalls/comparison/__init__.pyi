# What `pf.comparison` offers and where it lives: __init__.py and type checkers read it here.
from .chance import interval
from .overlap import overlaps
from .ranking_agreement import avg_overlap, neuron_vote
from .rbo import rank_biased_overlap
from .selectivity import selectivity_curves
from .stability import stability_over_bootstrap, stability_over_seeds
from .truth import ranking_areas, score_rankings

__all__ = [
    "avg_overlap",
    "interval",
    "neuron_vote",
    "overlaps",
    "rank_biased_overlap",
    "ranking_areas",
    "score_rankings",
    "selectivity_curves",
    "stability_over_bootstrap",
    "stability_over_seeds",
]
