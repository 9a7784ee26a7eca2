"""A run: one intervention on the words of an experiment, and what became of each of them.

That a neuron carries an attribute does not mean that the model reads it (the paper's second pitfall). So the neurons of
the words that carry the attribute are changed at one site of whole, unmasked sentences; the layers above and the head
run on, and the word predicted at each changed word's own slots is looked up.

What is done to a state is in :mod:`~.ablation`, :mod:`~.translation` and the like, how the model runs on in
:mod:`~.replay`, what can become of a word in :mod:`~.outcomes`, and of other words that must agree with it in
:mod:`~.agreement`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions.agreement import agreement_rates, margins
from pitfalls.interventions.damage import damage
from pitfalls.interventions.intervals import rate_intervals
from pitfalls.interventions.isolation import isolation
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.outcomes import classify, counts, new_form
from pitfalls.interventions.replay import Replay, Sample, Subject, checked_steps, prepare
from pitfalls.language.agreement.items import Item
from pitfalls.numbers import whole

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


@dataclass(frozen=True, eq=False)
class Run:
    """One intervention, prepared; its outcomes are computed when they are first needed, and kept.

    Attributes
    ----------
    replay:
        The words that are changed, and how at every k. The first k is 0, no intervention, whether or not it was asked
        for.
    ks:
        The numbers of neurons requested, ascending.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> run = experiment.intervene(experiment.rank("probeless"), pf.Translation(), ks=[0, 64], sentences=20)
    >>> run.counts().query("count > 0")[["k", "outcome", "rate"]].round(1).values.tolist()
    [[0, 'unchanged', 1.0], [64, 'intended', 1.0]]
    """

    replay: Replay
    ks: Sequence[int]

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """What became of every word: one row per k and changed word.

        The columns are language, attribute, site, layer, split, ranking, direction, ranking_seed, kind, strength (beta
        or alpha, NaN for ablations), target ("next", "none" or the value), k, sentence (its index in the world's
        sentences of the split), position, word, predicted (the new form, or its subwords if it is no word), outcome
        (:data:`~.outcomes.OUTCOMES`), and baseline: the same word's outcome at k = 0.
        """
        return judged_words(self.replay, self.ks)

    def counts(self) -> pd.DataFrame:
        """The number and share of words with each outcome, one row per k and outcome; see :func:`~.outcomes.counts`."""
        return counts(self.outcomes)

    def rates(self, draws: int = 1000, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
        """Error rate and CLWV at every k, with intervals over sentences; see :func:`~.intervals.rate_intervals`."""
        return rate_intervals(self.outcomes, draws, level, seed)

    def margins(self, items: Sequence[Item], seed: int = 0) -> pd.DataFrame:
        """How much likelier the right form of each agreement item is than the wrong one, at every k.

        It asks what becomes of *other* words, which is all that can be asked of a causal model; see
        :func:`~.agreement.margins`.
        """
        return margins(self.replay, self.ks, items, seed)

    def agreement(self, items: Sequence[Item], draws: int = 1000, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
        """Accuracy, margin, shift, flip rate and damage, with intervals; see :func:`~.agreement.agreement_rates`.

        ``seed`` draws the items that are kept, the same number of each value, and resamples their sentences.

        Examples
        --------
        >>> import pitfalls as pf
        >>> from pitfalls.language.agreement import generated
        >>> experiment = pf.load_world("mini", model="causal").experiment("eng", "Number", layer=2)
        >>> run = experiment.intervene(experiment.rank("probeless"), pf.Translation(beta=8), ks=[0, 64])
        >>> table = run.agreement(generated("eng", "Number", count=10))
        >>> accuracy = table[(table["measure"] == "accuracy") & (table["attractors"] == "all")]
        >>> accuracy["mean"].round().tolist()  # the verb agrees with its subject, and then with the translated one
        [1.0, 0.0]
        """
        return agreement_rates(self.margins(items, seed), draws, level, seed)

    def damage(self) -> pd.DataFrame:
        """How many words that were left alone came out different; see :func:`~.damage.damage`."""
        return damage(self.replay, self.ks)

    def isolation(self) -> pd.DataFrame:
        """What became of every attribute that the words and their neighbours carry; see :func:`~.isolation.isolation`.

        It is computed once. :func:`~.isolation.isolation_scores` makes one number of it.
        """
        return self._isolation.copy()

    @cached_property
    def _isolation(self) -> pd.DataFrame:
        return isolation(self.replay, self.ks)

    def examples(self, n: int = 10, k: int | None = None, seed: int = 0) -> pd.DataFrame:
        """Sentences before and after the first ``k`` neurons were changed: one row per word that came out different.

        ``n`` sentences are drawn from those in which at least one word came out different, so this shows what changes
        look like, not how frequent they are; for that, see :meth:`counts`.

        Parameters
        ----------
        k:
            By default the largest one requested.

        Returns
        -------
        sentence_id, position, word, predicted, outcome, value, intended ("" when none), before, after: the last
        two are the whole sentence, its words joined by spaces, ``after`` with every changed word replaced by what
        the model predicted.

        Raises
        ------
        ValueError
            If this k was not requested.
        """
        chosen = self.ks[-1] if k is None else k
        if chosen not in self.ks:
            raise ValueError(f"k = {chosen} was not run, only {list(self.ks)}: put it among the ks of the intervention")
        words = self.outcomes[self.outcomes["k"] == chosen].assign(own=self.replay.targets.values)
        n = whole(n, "the number of examples")
        candidates = np.unique(words.loc[words["outcome"] != "unchanged", "sentence"])
        drawn = np.random.default_rng(seed).choice(candidates, size=min(n, len(candidates)), replace=False)
        rows = [row for sentence in drawn.tolist() for row in self._example(words[words["sentence"] == sentence])]
        return pd.DataFrame(rows, columns=_EXAMPLE_COLUMNS)

    def _example(self, words: pd.DataFrame) -> list[dict[str, object]]:
        """The rows of one sentence's words."""
        sentence, values = self.replay.sentences[int(words["sentence"].iloc[0])], self.replay.part.values
        after = list(sentence.forms)
        for position, predicted in zip(words["position"], words["predicted"], strict=True):
            after[position] = predicted
        rows = []
        for word in words[words["outcome"] != "unchanged"].to_dict("records"):
            aim = int(self.replay.aims[word["own"]])
            rows.append(
                {
                    "sentence_id": sentence.id,
                    **{name: word[name] for name in ("position", "word", "predicted", "outcome")},
                    "value": values[word["own"]],
                    "intended": values[aim] if aim >= 0 else "",
                    "before": " ".join(sentence.forms),
                    "after": " ".join(after),
                }
            )
        return rows


def intervene(subject: Subject, ranking: Ranking, kind: Kind, ks: Iterable[int], sample: Sample) -> Run:
    """Change the first k neurons of ``ranking`` for every k, in the words of a sample.

    All subwords of every word of the sample are changed, at the site of the subject's vectors, in whole unmasked
    sentences; one sentence's words are changed together. Means come from the training words.

    Parameters
    ----------
    ranking:
        Any order of all neurons. If only some were ranked, the rest follow them (after a greedy search, in the order of
        what each would have added next; in :meth:`~.ranking.Ranking.of_first`, in the order of their numbers), and
        :attr:`~.ranking.Ranking.ranked` says how many were ranked.
    kind:
        Such as :class:`~.ablation.Ablation` or :class:`~.translation.Translation`. Without a target, each value is
        sent to the next in sorted order, and the last to the first; words that have the target already are left alone.
    ks:
        Whole numbers from 0 (no intervention: the model's own errors) to the number of neurons; the paper's
        are 0, 10, ..., 760.

    Raises
    ------
    ValueError
        If a k or the target is bad, the ranking has the wrong width, or there is no word to change. If the tokenizer
        knows none of the words, the run raises this later, when it computes a table.
    """
    asked = checked_steps(subject.data, ranking, ks)
    return Run(prepare(subject, ranking, kind, [0, *asked], sample), asked)


# ---------------------------------------------------------------------------------------- judging


class _Judge:
    """Says what became of a word, and remembers it, because most words change the same way at many k."""

    def __init__(self, replay: Replay) -> None:
        self.replay, self.model, self.analyser = replay, replay.subject.model, replay.subject.analyser()
        self.known: dict[tuple[int, tuple[int, ...]], tuple[str, str]] = {}

    def __call__(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> tuple[str, str]:
        """The outcome of target ``word`` and the predicted form (its subwords if it is not a word)."""
        key = word, predicted
        if key not in self.known:
            self.known[key] = self._judge(word, own, predicted)
        return self.known[key]

    def _judge(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> tuple[str, str]:
        targets, part = self.replay.targets, self.replay.part
        original = self.replay.sentences[targets.sentences[word]].words[targets.positions[word]]
        form = new_form(self.model, original.form, own, predicted)
        if form is None:
            return "split", " ".join(self.model.pieces(predicted))
        if form == original.form:
            return "unchanged", original.form
        value = int(targets.values[word])
        aim = int(self.replay.aims[value])
        outcome = classify(
            self.analyser.analyse(form),
            part.attribute,
            original.lemma,
            part.values[value],
            part.values[aim] if aim >= 0 else None,
        )
        return outcome, form


def judged_words(replay: Replay, asked: Sequence[int]) -> pd.DataFrame:
    """The table :attr:`Run.outcomes` at the k that were ``asked`` for; the first k of ``replay`` is 0."""
    judge, n = _Judge(replay), len(replay.targets)
    outcomes, forms = ([[""] * n for _ in replay.ks] for _ in range(2))
    for i, word, own, predicted in replay.predictions(replay.targets):
        outcomes[i][word], forms[i][word] = judge(word, own, predicted)
    targets = replay.targets
    words = [word.form for word in targets.words(replay.sentences)]
    rows = [replay.ks.index(k) for k in asked]
    return pd.DataFrame(
        {
            **replay.keys,
            "k": np.repeat(asked, n),
            "sentence": np.tile(targets.sentences, len(asked)),
            "position": np.tile(targets.positions, len(asked)),
            "word": words * len(asked),
            "predicted": [form for i in rows for form in forms[i]],
            "outcome": [outcome for i in rows for outcome in outcomes[i]],
            "baseline": outcomes[0] * len(asked),
        }
    )
