"""Cases: words that an intervention changes, each with a form that the model should prefer before, and one after.

A case is a :class:`~.margins.Trial` with the changed word's form. Either the changed word itself is asked for, at its
own slots (its own form against that of the value aimed at, which is what CLWV counts), or another word that must agree
with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import SPLITS, Split
from pitfalls.interventions.agreement import questions
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.margins import Trial
from pitfalls.interventions.replay import Replay, Sample, Subject, prepare
from pitfalls.interventions.sources import sentence_key
from pitfalls.language.agreement.items import Item
from pitfalls.models.blanks import Filling
from pitfalls.numbers import whole

if TYPE_CHECKING:
    from pitfalls.language.corpus import Word

# What a form is looked up by: its lemma, its attributes but for one, and the value of that one.
_Cell = tuple[str, frozenset[tuple[str, str]], str]
_COUNTS: Mapping[Split, int] = {"train": 150, "dev": 60, "test": 150}


@dataclass(frozen=True)
class Cases:
    """Trials, and the form of the word that each changes, [n_cases] both."""

    trials: Sequence[Trial]
    forms: Sequence[str]

    def __len__(self) -> int:
        return len(self.trials)


def own_cases(replay: Replay, count: int, seed: int = 0) -> Cases:
    """Words that are changed, asked for at their own slots: the form that they have, and that of the value aimed at.

    The other form is one of the corpus, with the same lemma and the same other attributes. Words without such a form,
    or whose two forms have different numbers of subwords, are left out.

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
    paradigms, values = _paradigms(replay.subject, replay.part.attribute), replay.part.values
    found: dict[int, list[tuple[Trial, str]]] = {int(value): [] for value in np.unique(replay.targets.values)}
    for i in generator.permutation(len(replay.targets)).tolist():
        value = int(replay.targets.values[i])
        if len(found[value]) < most:
            words = replay.sentences[int(replay.targets.sentences[i])].words
            position = int(replay.targets.positions[i])
            cell = _cell(words[position], replay.part.attribute, values[int(replay.aims[value])])
            trial = _own_trial(replay, [word.form for word in words], position, value, paradigms.get(cell))
            if trial is not None:
                found[value].append((trial, words[position].form))
    fewest = min(map(len, found.values()))
    if not fewest:
        lacking = next(values[value] for value, cases in found.items() if not cases)
        raise ValueError(
            f"no word with the {replay.part.attribute} {lacking} has a form of the value aimed at, of as many subwords "
            "and with the same other attributes, in these sentences: take more sentences, or another attribute"
        )
    chosen = [case for cases in found.values() for case in cases[:fewest]]
    return Cases([trial for trial, _ in chosen], [form for _, form in chosen])


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
        As :func:`own_cases`.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> {split: len(cases) for split, cases in split_cases(experiment, {"train": 3, "dev": 2}).items()}
    {'train': 6, 'dev': 4}
    """
    wanted = counts or _COUNTS
    order = Ranking(np.arange(subject.data.n_neurons), None, "none")
    replays = {
        split: prepare(subject, order, Interchange(), [0], Sample(split, sentences, seed))
        for split in SPLITS
        if split in wanted
    }
    return {split: own_cases(replay, wanted[split], seed) for split, replay in replays.items()}


def item_cases(replay: Replay, items: Sequence[Item], seed: int = 0) -> Cases:
    """Agreement items, asked for at the place that must agree; see :func:`~.agreement.questions`."""
    about = questions(replay, items, seed)
    own = [i for i, one in enumerate(about.asked) if one.changed == "controller"]
    return Cases(
        [about.trials[i] for i in own], [items[about.asked[i].item].words[about.trials[i].position] for i in own]
    )


def _cell(word: Word, attribute: str, value: str) -> _Cell:
    others = frozenset((name, own) for name, own in word.attributes.items() if name != attribute)
    return word.lemma, others, value


def _paradigms(subject: Subject, attribute: str) -> dict[_Cell, str]:
    """A form for every lemma, value, and other attributes that the corpus has; the first in the order of the text."""
    found: dict[_Cell, str] = {}
    for word in _words(subject):
        if attribute in word.attributes:
            found.setdefault(_cell(word, attribute, word.attributes[attribute]), word.form)
    return found


def _words(subject: Subject) -> Iterable[Word]:
    splits: Sequence[Split] = SPLITS
    return (word for split in splits for sentence in subject.sentences(split) for word in sentence.words)


def _own_trial(replay: Replay, forms: list[str], position: int, value: int, other: str | None) -> Trial | None:
    """None where there is no other form, or it has another number of subwords, or the tokenizer does not know both."""
    if other is None or other == forms[position]:
        return None
    model = replay.subject.model
    encoded = model.encode([forms])
    ids, word_ids = encoded.input_ids[0].tolist(), encoded.word_ids[0].tolist()
    slots = tuple(slot for slot, word in enumerate(word_ids) if word == position)
    swapped = model.encode([[*forms[:position], other, *forms[position + 1 :]]])
    pieces = tuple(swapped.input_ids[0][swapped.word_ids[0] == position].tolist())
    own = tuple(ids[slot] for slot in slots)
    if len(pieces) != len(own) or pieces == own or model.unknown_id in (*own, *pieces):
        return None
    right, wrong = (Filling(tuple(ids), tuple(word_ids), slots, spelt) for spelt in (own, pieces))
    return Trial(right, wrong, position, value, sentence_key(tuple(forms)))
