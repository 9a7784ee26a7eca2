"""What the intervention explorer shows: a sentence before and after neurons are translated, and its words."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.course.html_text import emphasised, html_table, marked
from pitfalls.interventions.replay import Sample, Targets, prepare
from pitfalls.interventions.run import judged_words
from pitfalls.interventions.translation import Translation
from pitfalls.worlds.experiment import Experiment

_COLUMNS = ["position", "word", "predicted", "outcome", "value", "intended", "before", "after"]


def example_sentences(data: Splits, n: int = 20, seed: int = 0) -> list[int]:
    """The indices, ascending, of ``n`` test sentences drawn from those that have a word with the attribute."""
    found = np.unique(data.test.sentence_ids)
    drawn = np.random.default_rng(seed).choice(found, size=min(n, len(found)), replace=False)
    return sorted(drawn.tolist())


def sentence_words(experiment: Experiment, ranking: Ranking, sentence: int, k: int, beta: float) -> pd.DataFrame:
    """What becomes of a test sentence's words when k neurons are translated.

    The columns mean what they do in a run's examples, but unchanged words have rows, too.

    Returns
    -------
    One row per word that carries the attribute: position, word, predicted, outcome, value, intended, before, after.
    The last two hold the sentence before and after, with each changed word between asterisks.

    Raises
    ------
    ValueError
        If the sentence has no word with the attribute, or an intervention would reject the arguments.
    """
    data, whole = experiment.data, prepare(experiment, ranking, Translation(beta), [0, k], Sample())
    chosen = whole.targets.sentences == sentence
    if not chosen.any():
        raise ValueError(f"test sentence {sentence} has no word with {data.attribute}: see example_sentences")
    targets = Targets(whole.targets.sentences[chosen], whole.targets.positions[chosen], whole.targets.values[chosen])
    words = judged_words(replace(whole, targets=targets, whole=whole.targets), [k])
    words["value"] = [data.values[i] for i in targets.values.tolist()]
    words["intended"] = [data.values[i] for i in whole.aims[targets.values].tolist()]
    forms = experiment.sentences("test")[sentence].forms
    changed = words[words["outcome"] != "unchanged"].set_index("position")
    words["before"], words["after"] = (marked(forms, changed[column].to_dict()) for column in ("word", "predicted"))
    return words[_COLUMNS]


def sentence_report(words: pd.DataFrame, ranking: str, k: int, beta: float) -> str:
    """A sentence before and after as HTML, from the table of :func:`sentence_words`."""
    changed = int((words["outcome"] != "unchanged").sum())
    of_words = words[["word", "predicted", "outcome", "value", "intended"]]
    return (
        f"<p>{html.escape(ranking)}, k = {k}, β = {beta:g}: {changed} of {len(words)} words come out different, "
        "between asterisks.</p>"
        f"<p>before: {emphasised(words['before'].iloc[0])}</p>"
        f"<p>after: {emphasised(words['after'].iloc[0])}</p>"
        + html_table(of_words, "The words that carry the attribute")
    )
