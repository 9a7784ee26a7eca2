"""One function per figure: a tidy table in, a :class:`Plot` out (figure, alt text, caption, numbers)."""

from pitfalls.extras import extra

with extra("figures"):
    from pitfalls.figures.accuracy import accuracy
    from pitfalls.figures.alignment import alignment
    from pitfalls.figures.bases import bases
    from pitfalls.figures.beside import beside
    from pitfalls.figures.calibration import calibration
    from pitfalls.figures.cluster_map import clusters
    from pitfalls.figures.depth import depth
    from pitfalls.figures.effect_curves import ablation, effects, translation
    from pitfalls.figures.effects_grid import effects_grid
    from pitfalls.figures.form_counts import forms
    from pitfalls.figures.isolation_map import isolation
    from pitfalls.figures.matrix import matrix
    from pitfalls.figures.neuron import neuron
    from pitfalls.figures.outcome_bars import outcomes
    from pitfalls.figures.overlap_bars import overlap_bars
    from pitfalls.figures.overlap_map import overlap_map
    from pitfalls.figures.overlap_matrix import overlaps
    from pitfalls.figures.roles import roles
    from pitfalls.figures.strengths import beta, strengths
    from pitfalls.figures.style import Plot
    from pitfalls.figures.subsets import subsets
    from pitfalls.figures.truth_areas import truth
    from pitfalls.figures.wilcoxon_matrix import wilcoxon

__all__ = [
    "Plot",
    "ablation",
    "accuracy",
    "alignment",
    "bases",
    "beside",
    "beta",
    "calibration",
    "clusters",
    "depth",
    "effects",
    "effects_grid",
    "forms",
    "isolation",
    "matrix",
    "neuron",
    "outcomes",
    "overlap_bars",
    "overlap_map",
    "overlaps",
    "roles",
    "strengths",
    "subsets",
    "translation",
    "truth",
    "wilcoxon",
]
