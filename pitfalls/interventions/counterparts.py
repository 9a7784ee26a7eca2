"""The paper's outcome as a margin: a word's own form against the form of its lemma that has the value aimed at.

CLWV counts the words whose lemma survives a change and whose value does not (:mod:`~.outcomes`). Before a word comes
out different, the other form has to come nearer: so the trial asks, at the slots of the word itself in its whole,
unmasked sentence, how much likelier its own form is than its *counterpart*, the form of the same lemma with the value
aimed at and all other attributes equal. Such a margin has a gradient, and a count has none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pitfalls.interventions.margins import Trial
from pitfalls.interventions.replay import Replay
from pitfalls.interventions.sources import sentence_key
from pitfalls.language.corpus import Word
from pitfalls.language.forms import composed, written_like
from pitfalls.language.lexicon import Lexicon
from pitfalls.models.blanks import Filling
from pitfalls.models.interface import LanguageModel

#: Why a word has no trial.
LEFT_OUT = (
    "the lexicon has no such form of their lemma",
    "the form is the same",
    "the form has another number of pieces",
    "the tokenizer does not know one of the two",
)
_MISSING, _SAME, _LENGTH, _UNKNOWN = LEFT_OUT

_Cell = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class WordTrials:
    """Words of sentences, each with its own form and its counterpart.

    ``words`` are their indices among the words that the replay changes; ``left_out`` counts those that have none.

    Examples
    --------
    >>> WordTrials([], [], {"the form is the same": 12, "the lexicon has no such form of their lemma": 3}).told()
    'of 15 words, 0 have a counterpart; 12: the form is the same; 3: the lexicon has no such form of their lemma'
    """

    trials: Sequence[Trial]
    words: Sequence[int]
    left_out: Mapping[str, int]

    def told(self) -> str:
        """How many words there are, and why some have no trial."""
        n = len(self.trials) + sum(self.left_out.values())
        why = "".join(f"; {count}: {reason}" for reason, count in self.left_out.items())
        return f"of {n} words, {len(self.trials)} have a counterpart{why}"


def word_trials(replay: Replay) -> WordTrials:
    """The trials of the words that a replay changes, in their order.

    A trial changes all words of its sentence that the replay changes, as an intervention does. If several forms fill
    the same place in a paradigm, the counterpart is the first in the order of code points, in lower case if one is. It
    gets a capital where the word has one.

    Raises
    ------
    ValueError
        The model reads from left to right: it predicts a word before it reads it.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> run = experiment.intervene(experiment.rank("random"), pf.Translation(), ks=[1], sentences=5)
    >>> found = word_trials(run.replay)
    >>> [experiment.model.pieces(form.pieces) for form in (found.trials[0].right, found.trials[0].wrong)]
    [['konin'], ['konis']]
    """
    model = replay.subject.model
    if model.causal:
        raise ValueError(
            f"{model.name} reads from left to right: it predicts a word before it reads it, so no change of a word "
            "shows in the word itself. Give items=, of train sentences, to ask for the agreement of words that follow "
            "(pitfalls.language.agreement)"
        )
    forms = _counterparts(replay)
    own = _own_fillings(replay)
    pieces = _pieces(model, {form for form in forms if form is not None})
    trials, words, left_out = list[Trial](), list[int](), Counter[str]()
    for i, (right, form, value) in enumerate(zip(own, forms, replay.targets.values.tolist(), strict=True)):
        reason = _why_not(right.filling.pieces, right.word.form, form, pieces, model.unknown_id)
        if form is None or reason:
            left_out[reason] += 1
            continue
        filling = right.filling
        wrong = Filling(filling.ids, filling.word_ids, filling.slots, pieces[form])
        trials.append(Trial(filling, wrong, right.position, value, right.sentence, right.changes))
        words.append(i)
    return WordTrials(trials, words, {reason: left_out[reason] for reason in LEFT_OUT if left_out[reason]})


@dataclass(frozen=True)
class _Own:
    """A word of a sentence, its own form as what may fill its slots, and all words that are changed in the sentence."""

    word: Word
    position: int
    sentence: int
    filling: Filling
    changes: tuple[tuple[int, int], ...]


def _counterparts(replay: Replay) -> list[str | None]:
    """The counterpart of each word to change, None where the lexicon has none."""
    part = replay.part
    cells, found = _paradigms(replay.subject.lexicon()), []
    for word, value in zip(replay.targets.words(replay.sentences), replay.targets.values.tolist(), strict=True):
        wanted = {**word.attributes, part.attribute: part.values[int(replay.aims[value])]}
        form = cells.get((composed(word.lemma), tuple(sorted(wanted.items()))))
        found.append(None if form is None else written_like(word.form, form, part.language))
    return found


def _paradigms(lexicon: Lexicon) -> Mapping[_Cell, str]:
    """The form of each lemma and attributes: the first of several, in lower case if one is."""
    cells: dict[_Cell, str] = {}
    # A treebank's lexicon has the words that begin a sentence as they stand there.
    for form in sorted(lexicon, key=lambda form: (form[:1].isupper(), form)):
        for reading in lexicon.analyses[form]:
            cells.setdefault((reading.lemma, reading.attributes), form)
    return cells


def _own_fillings(replay: Replay) -> list[_Own]:
    """What each word to change is in the subwords of its sentence."""
    model, by_sentence = replay.subject.model, defaultdict[int, list[tuple[int, int]]](list)
    columns = (replay.targets.sentences, replay.targets.positions, replay.targets.values)
    for s, p, value in zip(*(column.tolist() for column in columns), strict=True):
        by_sentence[s].append((p, value))
    encoded = model.encode([replay.sentences[s].forms for s in by_sentence])
    found = []
    for row, (s, changes) in enumerate(by_sentence.items()):
        length = int(encoded.attention_mask[row].sum())
        ids, words = (tuple(of[row, :length].tolist()) for of in (encoded.input_ids, encoded.word_ids))
        for p, _ in changes:
            slots = tuple(slot for slot, word in enumerate(words) if word == p)
            own = Filling(ids, words, slots, tuple(ids[slot] for slot in slots))
            key = sentence_key(replay.sentences[s].forms)
            found.append(_Own(replay.sentences[s].words[p], p, key, own, tuple(changes)))
    return found


def _pieces(model: LanguageModel, forms: set[str]) -> Mapping[str, tuple[int, ...]]:
    """The pieces of forms, each tokenised by itself, as masked models read words."""
    ordered = sorted(forms)
    if not ordered:
        return {}
    encoded = model.encode([[form] for form in ordered])
    return {
        form: tuple(ids[words == 0].tolist())
        for form, ids, words in zip(ordered, encoded.input_ids, encoded.word_ids, strict=True)
    }


def _why_not(
    own: Sequence[int], word: str, form: str | None, pieces: Mapping[str, tuple[int, ...]], unknown: int
) -> str:
    """Why a word has no trial; an empty text if it has one."""
    if form is None:
        return _MISSING
    other = pieces[form]
    if unknown in (*own, *other):
        return _UNKNOWN
    if form == word or tuple(own) == other:
        return _SAME
    return _LENGTH if len(own) != len(other) else ""
