"""Interventions: change the first k neurons of a ranking inside the model, and say what became of each word.

That a neuron carries an attribute does not mean that the model reads it (the paper's second pitfall). So the
neurons of the words that carry the attribute are changed at one layer of whole, unmasked sentences; the
layers above and the head run on, and the word predicted at each changed word's own slots is looked up.

What is done to a state is in :mod:`~.kinds`, how the model runs on in :mod:`~.replay`, what can become of a word in
:mod:`~.outcomes`; the names that users need of these can be imported from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.kinds import Change, Kind, Means
from pitfalls.interventions.outcomes import CLWV, OUTCOMES, classify, clwv, error_rate
from pitfalls.interventions.replay import Run, World, checked_steps, prepare
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.forms import composed
from pitfalls.probes.curves import Split

__all__ = [
    "CLWV",
    "OUTCOMES",
    "Ablation",
    "Change",
    "ConstantTranslation",
    "Kind",
    "Means",
    "Translation",
    "World",
    "classify",
    "clwv",
    "error_rate",
    "examples",
    "intervene",
    "judged_words",
    "outcomes_by_word",
]

_EXAMPLE_COLUMNS = [
    "sentence_id",
    "position",
    "word",
    "predicted",
    "outcome",
    "value",
    "intended",
    "before",
    "after",
]


# ---------------------------------------------------------------------------------------- judging


class _Judge:
    """Says what became of a word; remembers, because most words change the same way at many k."""

    def __init__(self, run: Run) -> None:
        self.run, self.model, self.analyser = run, run.world.model, run.world.analyser(run.part.language)
        self.known: dict[tuple[int, tuple[int, ...]], tuple[str, str]] = {}

    def __call__(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> tuple[str, str]:
        """The outcome of target ``word`` and the predicted form (its subwords, where it is no word)."""
        key = word, predicted
        if key not in self.known:
            self.known[key] = self._judge(word, own, predicted)
        return self.known[key]

    def _judge(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> tuple[str, str]:
        targets, part = self.run.targets, self.run.part
        original = self.run.sentences[targets.sentences[word]].words[targets.positions[word]]
        if predicted == own:
            return "unchanged", original.form
        form = self.model.join(predicted, like=own)
        if form is None:
            return "split", " ".join(self.model.pieces(predicted))
        # The tokenizer's own spelling of the word counts as the word: it may have left out its accents.
        spellings = original.form, composed(self.model.join(own, like=own) or "")
        form = composed(form)
        if form in spellings:
            return "unchanged", original.form
        value = int(targets.values[word])
        aim = int(self.run.aims[value])
        outcome = classify(
            self.analyser.analyse(form),
            part.attribute,
            original.lemma,
            part.values[value],
            part.values[aim] if aim >= 0 else None,
        )
        return outcome, form


def _judged(run: Run) -> tuple[list[list[str]], list[list[str]]]:
    """What became of every target word, and the form it came out as: both [n_ks][n_words]."""
    judge, n = _Judge(run), len(run.targets)
    outcomes, forms = ([[""] * n for _ in run.ks] for _ in range(2))
    for i, word, own, predicted in run.predictions(run.targets):
        outcomes[i][word], forms[i][word] = judge(word, own, predicted)
    return outcomes, forms


# ------------------------------------------------------------------------------------------ tables


def outcomes_by_word(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    ks: Iterable[int],
    split: Split = "test",
    target: str | None = None,
    seed: int = 0,
    max_sentences: int | None = None,
) -> pd.DataFrame:
    """Do what :func:`intervene` does, and tell it word by word instead of counting.

    Takes what :func:`intervene` takes, and raises what it raises.

    Returns
    -------
    One row a k and target word: the keys of :func:`intervene`, k, sentence (its index in the world's sentences of
    the split), position, word, predicted (the new form, or its subwords where it is no word), outcome
    (:data:`OUTCOMES`), and baseline: the same word's outcome at k = 0, which is always run, whether or not 0 is
    among ``ks``.

    Examples
    --------
    >>> import pitfalls as pf
    >>> world = pf.load_world("planted")
    >>> data = world.activations("art", "Number", 1)
    >>> words = outcomes_by_word(world, data, pf.rank("probeless", data), Translation(), [0, 64], max_sentences=1)
    >>> len(words) == 2 * words[["sentence", "position"]].drop_duplicates().shape[0]
    True
    """
    asked = checked_steps(data, ranking, ks, split)
    return judged_words(prepare(world, data, ranking, kind, [0, *asked], split, target, seed, max_sentences), asked)


def judged_words(run: Run, asked: Sequence[int]) -> pd.DataFrame:
    """The table of :func:`outcomes_by_word` for a run that is prepared: at k = 0, and at those ``asked`` for."""
    outcomes, forms = _judged(run)
    targets, n = run.targets, len(run.targets)
    words = [run.sentences[s].words[p].form for s, p in zip(targets.sentences, targets.positions, strict=True)]
    rows = [run.ks.index(k) for k in asked]
    return pd.DataFrame(
        {
            **run.keys,
            "k": np.repeat(asked, n),
            "sentence": np.tile(targets.sentences, len(asked)),
            "position": np.tile(targets.positions, len(asked)),
            "word": words * len(asked),
            "predicted": [form for i in rows for form in forms[i]],
            "outcome": [outcome for i in rows for outcome in outcomes[i]],
            "baseline": outcomes[0] * len(asked),
        }
    )


def intervene(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    ks: Iterable[int],
    split: Split = "test",
    target: str | None = None,
    seed: int = 0,
    max_sentences: int | None = None,
) -> pd.DataFrame:
    """Change the first k neurons of ``ranking`` for every k, and count what became of the words.

    Changed are, at the layer of ``data``, all subwords of every word of ``data``'s split, in whole unmasked
    sentences; one sentence's words are changed together. Means come from ``data.train``.

    Parameters
    ----------
    world:
        Anything with a model, sentences and an analyser; the world that ``data`` comes from.
    ranking:
        Any order of all neurons. One that ranks only some itself is completed by its maker (the Gaussian search by
        what each of the rest would have added next, a list of yours by :meth:`~.rankings.Ranking.of_first`), and
        :attr:`~.rankings.Ranking.ranked` says how many it ranked.
    kind:
        :class:`Ablation`, :class:`Translation` or :class:`ConstantTranslation`.
    ks:
        Whole numbers from 0 (no intervention: the model's own errors) to the number of neurons; the paper's
        are 0, 10, ..., 760.
    split:
        Whose words to change: the paper chooses beta on dev and reports on test.
    target:
        The value to translate to; by default each value's next, in sorted order, the first after the last.
        Words that have the target already are left alone and not counted.
    max_sentences, seed:
        Take only so many of the sentences, drawn with this seed; by default all.

    Returns
    -------
    One row a k and outcome (:data:`OUTCOMES`): language, attribute, layer, split, ranking, direction,
    ranking_seed, kind, strength (beta or alpha, NaN for ablations), target ("next", "none" or the value), k,
    outcome, count, and rate: count over all target words, to whose number the counts of one k sum.

    Raises
    ------
    ValueError
        For a bad k, split or target, a ranking of another width, words that are not the world's, no words, or
        words that the model's tokenizer knows none of.
    """
    run = prepare(world, data, ranking, kind, ks, split, target, seed, max_sentences)
    outcomes, _ = _judged(run)
    counts = np.array([[found.count(outcome) for outcome in OUTCOMES] for found in outcomes])
    return pd.DataFrame(
        {
            **run.keys,
            "k": np.repeat(run.ks, len(OUTCOMES)),
            "outcome": list(OUTCOMES) * len(run.ks),
            "count": counts.ravel(),
            "rate": counts.ravel() / len(run.targets),
        }
    )


def examples(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    k: int,
    n: int = 10,
    seed: int = 0,
    split: Split = "test",
    target: str | None = None,
    max_sentences: int | None = None,
) -> pd.DataFrame:
    """Sentences before and after an intervention on the first k neurons, a row a changed word.

    ``n`` sentences are drawn from those in which at least one word came out different (so this shows what
    changes look like, not how frequent they are; :func:`intervene` counts), or from so many of ``max_sentences``.

    Returns
    -------
    sentence_id, position, word, predicted, outcome, value, intended ("" when none), before, after: the last
    two are the whole sentence, its words joined by spaces, ``after`` with every changed word replaced by what
    the model predicted.
    """
    run = prepare(world, data, ranking, kind, [k], split, target, seed, max_sentences)
    targets, values, ((outcomes,), (forms,)) = run.targets, run.part.values, _judged(run)
    different = np.array([outcome != "unchanged" for outcome in outcomes])
    candidates = np.unique(targets.sentences[different])
    generator = np.random.default_rng(seed)
    drawn = generator.choice(candidates, size=min(n, len(candidates)), replace=False)
    rows = []
    for sentence_index in drawn.tolist():
        sentence = run.sentences[sentence_index]
        here = np.flatnonzero(targets.sentences == sentence_index).tolist()
        after = list(sentence.forms)
        for i in here:
            after[targets.positions[i]] = forms[i]
        for i in here:
            if not different[i]:
                continue
            aim = int(run.aims[targets.values[i]])
            position = int(targets.positions[i])
            rows.append(
                {
                    "sentence_id": sentence.id,
                    "position": position,
                    "word": sentence.words[position].form,
                    "predicted": forms[i],
                    "outcome": outcomes[i],
                    "value": values[targets.values[i]],
                    "intended": values[aim] if aim >= 0 else "",
                    "before": " ".join(sentence.forms),
                    "after": " ".join(after),
                }
            )
    return pd.DataFrame(rows, columns=_EXAMPLE_COLUMNS)
