"""Outcomes: what became of a changed word, judged by the readings of its new form, and how many words had each outcome.

Every word has exactly one outcome, so the counts of one intervention sum to its number of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pitfalls.language.forms import composed


def counts(by_word: pd.DataFrame) -> pd.DataFrame:
    """Count the words of each outcome, at every k.

    Parameters
    ----------
    by_word:
        The ``outcomes`` of runs (:class:`~.run.Run`), concatenated.

    Returns
    -------
    The counts of the same runs (:meth:`~.run.Run.counts`), in their order: one row per k and outcome
    (:data:`~.outcomes.OUTCOMES`, also where no word has it), with the keys, k, outcome, count and rate.

    Raises
    ------
    ValueError
        If an outcome is not one of them.

    Examples
    --------
    >>> words = pd.DataFrame({"ranking": "linear", "k": [0, 0, 8, 8], "sentence": 3, "position": [1, 2, 1, 2],
    ...     "outcome": ["unchanged", "unchanged", "unchanged", "intended"]})
    >>> found = counts(words)
    >>> found[found["count"] > 0].values.tolist()
    [['linear', 0, 'unchanged', 2, 1.0], ['linear', 8, 'unchanged', 1, 0.5], ['linear', 8, 'intended', 1, 0.5]]
    """
    unknown = sorted(set(by_word["outcome"]) - set(OUTCOMES))
    if unknown:
        raise ValueError(f"the outcomes {unknown} are not among {list(OUTCOMES)}")
    keys = [column for column in by_word.columns if column not in WORD_COLUMNS]
    # One of the outcomes is called "split", as is a key.
    columns = {f"words {outcome}": (by_word["outcome"] == outcome).astype("int64") for outcome in OUTCOMES}
    hits = pd.DataFrame(columns)
    # NaN is the strength of an ablation: dropna=False keeps it.
    grouped = by_word[[*keys, "k"]].join(hits).groupby([*keys, "k"], sort=False, dropna=False)
    sums = grouped.sum().reset_index()
    found = sums[list(columns)].to_numpy(dtype=np.int64)
    rows = sums[[*keys, "k"]].loc[sums.index.repeat(len(OUTCOMES))].reset_index(drop=True)
    return rows.assign(
        outcome=list(OUTCOMES) * len(sums),
        count=found.ravel(),
        rate=(found / found.sum(axis=1, keepdims=True)).ravel(),
    )


if TYPE_CHECKING:
    from pitfalls.language.lexicon import Analysis
    from pitfalls.models.interface import LanguageModel

#: What can become of a changed word.
#: unchanged: the same form. Right lemma: intended (the value aimed at), same (the word's own value in
#: another form), another (any other value), lost (no value of the attribute). Wrong lemma: wrong_intended,
#: wrong_other (another value, none, or none that the analyser could tell). split: not one word. unknown: no word that
#: the analyser knows, or the right lemma with a value that it cannot tell.
OUTCOMES = (
    "unchanged",
    "intended",
    "another",
    "same",
    "lost",
    "wrong_intended",
    "wrong_other",
    "split",
    "unknown",
)
#: Right lemma, other value: what the paper calls CLWV, kept apart from "lost" (SOURCES.md, Traps).
CLWV = ("intended", "another")

#: Columns of a table of words (``Run.outcomes``) that are about single words; all others tell runs apart.
WORD_COLUMNS = ("k", "sentence", "position", "word", "predicted", "outcome", "baseline")

# The columns of a table of counts that are not keys.
MEASURES = ("outcome", "count", "rate")


def new_form(model: LanguageModel, form: str, own: Sequence[int], predicted: Sequence[int]) -> str | None:
    """The form that the tokens predicted at a word's slots spell; None if they are not one word.

    The tokenizer's own spelling of the word counts as the word, ``form``: it may lack the accents.
    """
    if predicted == own:
        return form
    spelt = model.join(predicted, own, form)
    if spelt is None:
        return None
    spelt = composed(spelt)
    return form if spelt in (form, composed(model.join(own, own, form) or "")) else spelt


def classify(readings: Iterable[Analysis], attribute: str, lemma: str, value: str, intended: str | None) -> str:
    """The outcome of a changed word whose new form has these ``readings``.

    A form can be read in several ways ("sheep", "cut"), and it *has* a lemma or a value when one of its readings has
    it. Among the readings with the right lemma, the first of these outcomes that occurs decides: intended, same,
    another, lost.

    A lemmatiser's reading (``knows_attributes`` is False) can tell that a lemma is wrong. If the lemma is right, it
    cannot tell the value, and "lost" or "another" would be a guess, so the outcome is "unknown".

    Parameters
    ----------
    readings:
        Those of the new form; none if the analyser does not know it.
    lemma, value:
        Those of the original word.
    intended:
        The value aimed at; None when none is.

    Examples
    --------
    >>> from pitfalls.language.lexicon import Analysis
    >>> cats = [Analysis.of("cat", {"Number": "PL"})]
    >>> classify(cats, "Number", "cat", "SG", "PL"), classify(cats, "Number", "dog", "SG", "PL")
    ('intended', 'wrong_intended')
    """
    readings = list(readings)
    if not readings:
        return "unknown"
    right = [reading for reading in readings if reading.lemma == lemma]
    if not right:
        aimed = intended is not None and any(reading.value(attribute) == intended for reading in readings)
        return "wrong_intended" if aimed else "wrong_other"
    found = {reading.value(attribute) for reading in right if reading.knows_attributes}
    if not found:
        return "unknown"
    if intended is not None and intended in found:
        return "intended"
    if value in found:
        return "same"
    return "lost" if found == {None} else "another"
