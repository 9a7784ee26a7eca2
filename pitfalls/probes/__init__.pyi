# What `pf.probes` offers and where it lives: __init__.py and type checkers read it here.
from .classifiers import ConvergedLinearProbe
from .control import hold_out_forms
from .curves import gaussian_path_curves

__all__ = [
    "ConvergedLinearProbe",
    "gaussian_path_curves",
    "hold_out_forms",
]
