"""Predict, then reveal: a range slider with which the reader commits to a guess before the result.

:mod:`~pitfalls.course.guesses` says what is kept and where. Without widgets, one line of code does the same.
"""

from __future__ import annotations

import html
import math

import ipywidgets

from pitfalls.course import guesses
from pitfalls.course.frontend import show

_STEPS = 50


def predict(guess_id: str, question: str, low: float, high: float, unit: str = "") -> None:
    """Ask for a range that the reader expects to hold the result in 8 of 10 such questions.

    Shows a slider from ``low`` to ``high`` and a button that commits. Afterwards, and when the cell is run again, both
    are disabled and the reader sees what was kept. Where no widget can be shown, the cell shows a line of code that
    commits.

    Parameters
    ----------
    guess_id : notebook and letter, such as ``"05-a"``; :func:`~pitfalls.course.guesses.reveal` takes the same id
    question : one sentence
    low, high : the ends of the slider; all sensible results lie between them
    unit : such as ``"neurons"``; empty for a share

    Raises
    ------
    ValueError
        If the ends are not an interval.

    Examples
    --------
    >>> print(instead("05-a", "How accurate is it?", 0, 1))
    Predict: How accurate is it? Between 0 and 1, which range holds it, in 8 of 10 such questions?
    To commit, put two numbers for low and high and run: course.guess("05-a", "How accurate is it?", low, high)
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{guess_id}: a slider from {low} to {high} cannot be moved; give two ends, the lower first")
    text = instead(guess_id, question, low, high, unit)
    show(text, _paragraphs(text), lambda: _widget(guess_id, question, low, high, unit))


def instead(guess_id: str, question: str, low: float, high: float, unit: str = "") -> str:
    """What replaces the widget: the question and the code that commits. It does not depend on what was guessed."""
    call = ", ".join([_quoted(guess_id), _quoted(question), "low", "high", *([_quoted(unit)] if unit else [])])
    return (
        f"Predict: {question} Between {low:g} and {_with_unit(f'{high:g}', unit)}, which range holds it, in 8 of 10 "
        f"such questions?\nTo commit, put two numbers for low and high and run: course.guess({call})"
    )


def step_of(low: float, high: float) -> float:
    """The step of the slider: 1, 2 or 5 times a power of ten, for 50 to 125 steps from end to end.

    Examples
    --------
    >>> step_of(0, 1), step_of(0, 128), step_of(0, 10000)
    (0.02, 2.0, 200.0)
    """
    wanted = (high - low) / _STEPS
    power = 10.0 ** math.floor(math.log10(wanted))
    return float(max(factor * power for factor in (1, 2, 5) if factor * power <= wanted * (1 + 1e-9)))


def kept_in_words(low: float, high: float, unit: str = "") -> str:
    """What the reader is told after committing.

    Examples
    --------
    >>> kept_in_words(0.2, 0.5)
    'Kept: 0.2 to 0.5. It stays on this computer.'
    """
    return f"Kept: {low:g} to {_with_unit(f'{high:g}', unit)}. It stays on this computer."


def _quoted(text: str) -> str:
    """A text as Python source, in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _with_unit(number: str, unit: str) -> str:
    return f"{number} {unit}" if unit else number


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines())


def _widget(guess_id: str, question: str, low: float, high: float, unit: str) -> ipywidgets.Widget:
    step = step_of(low, high)
    digits = max(0, -math.floor(math.log10(step)))
    slider = ipywidgets.FloatRangeSlider(
        value=(low, high),
        min=low,
        max=high,
        step=step,
        readout_format=f".{digits}f",
        description=unit or "range",
        layout=ipywidgets.Layout(width="36em", max_width="100%"),
    )
    # The slider starts with the whole range, which is no guess, because it holds every result.
    button = ipywidgets.Button(description="Commit", disabled=True)
    said = ipywidgets.HTML("Move the ends until you expect the result between them in 8 of 10 such questions.")

    def moved(_: object) -> None:
        button.disabled = tuple(slider.value) == (low, high)

    def done(kept: tuple[float, float]) -> None:
        slider.unobserve(moved, "value")
        lower, upper = (min(max(bound, low), high) for bound in kept)  # a guess made in code may lie beyond the ends
        slider.value = (lower, upper)
        slider.disabled = button.disabled = True
        said.value = html.escape(kept_in_words(*kept, unit))

    def commit(_: object) -> None:
        lower, upper = (round(bound, digits) for bound in slider.value)
        try:
            guesses.guess(guess_id, question, lower, upper, unit)
        except OSError as error:
            said.value = html.escape(f"This guess cannot be kept here ({error}): set PITFALLS_GUESSES to a file.")
        else:
            done(guesses.kept(guess_id) or (lower, upper))

    slider.observe(moved, "value")
    button.on_click(commit)
    earlier = guesses.kept(guess_id)
    if earlier:
        done(earlier)
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>{html.escape(question)}</b>"), slider, button, said])
