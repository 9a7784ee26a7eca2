# What `pf.comparison` offers and where it lives: __init__.py and type checkers read it here.
from .chance import interval
from .max_t import neuron_null
from .overlap import overlaps
from .ranking_agreement import avg_overlap, neuron_vote
from .rbo import rank_biased_overlap
from .roles import role_areas
from .selectivity import selectivity_curves
from .stability import stability_over_bootstrap, stability_over_seeds
from .subsets import greedy_gap
from .truth import ranking_areas, score_rankings

__all__ = [
    "avg_overlap",
    "greedy_gap",
    "interval",
    "neuron_null",
    "neuron_vote",
    "overlaps",
    "rank_biased_overlap",
    "ranking_areas",
    "role_areas",
    "score_rankings",
    "selectivity_curves",
    "stability_over_bootstrap",
    "stability_over_seeds",
]
