"""One function a figure: a tidy table in, a :class:`Plot` out (figure, alt text, caption, numbers)."""

from pitfalls.figures.accuracy import accuracy
from pitfalls.figures.agreement import overlaps
from pitfalls.figures.beta import beta
from pitfalls.figures.effects import ablation, effects, translation
from pitfalls.figures.effects_grid import effects_grid
from pitfalls.figures.encoded_used import encoded_used
from pitfalls.figures.matrix import matrix
from pitfalls.figures.neuron import neuron
from pitfalls.figures.outcomes import outcomes
from pitfalls.figures.style import Plot
from pitfalls.figures.tradeoff import tradeoff
from pitfalls.figures.truth import truth

__all__ = [
    "Plot",
    "ablation",
    "accuracy",
    "beta",
    "effects",
    "effects_grid",
    "encoded_used",
    "matrix",
    "neuron",
    "outcomes",
    "overlaps",
    "tradeoff",
    "translation",
    "truth",
]
