# What `pf.interventions` offers, and where each name lives: __init__.py and type checkers read it here.
from .alignment import AlignedInterchange
from .controls import OtherAttribute, RandomDirection
from .erasure import LeaceErasure
from .interchange import Interchange, ResampleAblation
from .intervals import rate_intervals
from .isolation import isolation_matrix, isolation_scores
from .outcomes import counts
from .rates import clwv, error_rate, with_baseline
from .saturation import saturation_table
from .strength import choose_beta, run_all, scaled_against_constant

__all__ = [
    "AlignedInterchange",
    "Interchange",
    "LeaceErasure",
    "OtherAttribute",
    "RandomDirection",
    "ResampleAblation",
    "choose_beta",
    "clwv",
    "counts",
    "error_rate",
    "isolation_matrix",
    "isolation_scores",
    "rate_intervals",
    "run_all",
    "saturation_table",
    "scaled_against_constant",
    "with_baseline",
]
