"""What the course teaches with: exercises and their checks, guesses before results, explorers, notebook versions."""

from pitfalls.extras import extra

with extra("course"):
    from pitfalls.course.checking import Exercise, WrongAnswer, check, exercises, expect
    from pitfalls.course.explorers import intervention_explorer, neuron_explorer
    from pitfalls.course.guesses import calibration, guess, reveal
    from pitfalls.course.predict import predict

__all__ = [
    "Exercise",
    "WrongAnswer",
    "calibration",
    "check",
    "exercises",
    "expect",
    "guess",
    "intervention_explorer",
    "neuron_explorer",
    "predict",
    "reveal",
]
