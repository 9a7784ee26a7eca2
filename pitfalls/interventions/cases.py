"""Cases: words that an intervention changes, each with a form that the model should prefer before, and one after.

A case is a :class:`~.margins.Trial` with the changed word's form. Either the changed word itself is asked for, at its
own slots (its own form against that of the value aimed at, which is what CLWV counts), or another word that must agree
with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import SPLITS, Split
from pitfalls.interventions.agreement import controller_trials
from pitfalls.interventions.counterparts import word_trials
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.margins import Trial
from pitfalls.interventions.replay import Replay, Sample, Subject, prepare
from pitfalls.language.agreement.items import Item
from pitfalls.numbers import whole

_COUNTS: Mapping[Split, int] = {"train": 150, "dev": 60, "test": 150}


@dataclass(frozen=True)
class Cases:
    """Trials, and the form of the word that each changes, [n_cases] both."""

    trials: Sequence[Trial]
    forms: Sequence[str]

    def __len__(self) -> int:
        return len(self.trials)


def own_cases(replay: Replay, count: int, seed: int = 0) -> Cases:
    """Words that are changed, asked for at their own slots: the form that they have, and their counterpart.

    See :func:`~.counterparts.word_trials` for the words that have one; each is changed alone.

    Parameters
    ----------
    replay
        Its words are taken; the intervention must aim at values.
    count
        The most cases of each value, drawn with ``seed``; the same number of each is taken.

    Raises
    ------
    ValueError
        The intervention aims at no value, or a value has no case.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> run = experiment.intervene(experiment.rank("random"), pf.Translation(), ks=[1], sentences=20)
    >>> cases = own_cases(run.replay, count=1)
    >>> len(cases), cases.trials[0].right.slots == cases.trials[0].wrong.slots
    (2, True)
    """
    if (replay.aims < 0).any():
        raise ValueError(f"{replay.keys['kind']} aims at no value, so no form is the one to expect: take another kind")
    generator, most = np.random.default_rng(whole(seed, "a seed")), whole(count, "the number of cases", 1)
    known = word_trials(replay)
    values = replay.targets.values[known.words]
    drawn = generator.permutation(len(values))
    of_value = {int(value): drawn[values[drawn] == value] for value in np.unique(replay.targets.values)}
    fewest = min(most, *map(len, of_value.values()))
    if not fewest:
        lacking = next(replay.part.values[value] for value, cases in of_value.items() if not len(cases))
        raise ValueError(
            f"no word with the {replay.part.attribute} {lacking} can be asked for in these sentences ({known.told()}): "
            "take more sentences, or another attribute"
        )
    chosen = [int(i) for cases in of_value.values() for i in cases[:fewest]]
    words = replay.targets.words(replay.sentences)
    forms = [words[known.words[i]].form for i in chosen]
    return Cases([replace(known.trials[i], also=()) for i in chosen], forms)


def split_cases(
    subject: Subject, counts: Mapping[Split, int] | None = None, sentences: int = 600, seed: int = 0
) -> dict[Split, Cases]:
    """The :func:`own_cases` of train, dev and test, for values that are each sent to the next.

    Parameters
    ----------
    counts
        The most cases of each value: by default 150 of train, 60 of dev and 150 of test.
    sentences
        How many sentences of each split to look for cases in, drawn with ``seed``.

    Raises
    ------
    ValueError
        As :func:`own_cases`, and where counts are of no split, or of one that there is not.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> {split: len(cases) for split, cases in split_cases(experiment, {"train": 3, "dev": 2}).items()}
    {'train': 6, 'dev': 4}
    """
    wanted = _COUNTS if counts is None else counts
    unknown = [split for split in wanted if split not in SPLITS]
    if unknown or not wanted:
        raise ValueError(f"counts are of {', '.join(map(repr, unknown)) or 'no split'}: give those of train, dev, test")
    order = Ranking(np.arange(subject.data.n_neurons), None, "none")
    replays = {
        split: prepare(subject, order, Interchange(), [0], Sample(split, sentences, seed))
        for split in SPLITS
        if split in wanted
    }
    return {split: own_cases(replay, wanted[split], seed) for split, replay in replays.items()}


def item_cases(replay: Replay, items: Sequence[Item], seed: int = 0) -> Cases:
    """Agreement items, asked for at the place that must agree; see :func:`~.agreement.questions`."""
    found = controller_trials(replay, items, seed)
    return Cases([trial for _, trial in found], [item.words[item.controller] for item, _ in found])
