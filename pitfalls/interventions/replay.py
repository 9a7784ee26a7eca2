"""Replaying a model with changed states: choose the words, change them at one site, and let the rest run on.

The layers up to the site run once, and those above it once for each change. Only sentences with a word to change
are run, and the head runs only at the slots that are read (in M-BERT it costs more than all layers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ranking import Ranking, check_ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.arrays.words import checked_ks
from pitfalls.columns import SPLITS, Split, configuration_of
from pitfalls.interventions.kinds import Kind, Means, StateChange
from pitfalls.interventions.sources import ChangedWords, TrainingWords, sentence_key
from pitfalls.models.interface import vector_slots
from pitfalls.numbers import whole

if TYPE_CHECKING:
    from pitfalls.language.analysers import Analyser
    from pitfalls.language.corpus import Sentence, Word
    from pitfalls.language.lexicon import Lexicon
    from pitfalls.models.interface import Encoded, LanguageModel

# Subwords run through the model at a time, padding included. A batch of _FEW real subwords or more may have at most
# _PADDED times as many with padding: padding costs more than reading the weights of M-BERT's layers again.
_BATCH_TOKENS = 1024
_FEW = 256
_PADDED = 1.1
# Subwords whose states are held while the head reads their words together: some 12 MB for M-BERT. The head's vocabulary
# matrix is as large as all layers, and should not be read again for every small batch.
_HELD_TOKENS = 4096


class Subject(Protocol):
    """What an intervention acts on, such as an experiment: words, the model that makes their vectors, and a judge."""

    @property
    def data(self) -> Splits:
        """The words, and their vectors at the site that is changed."""

    @property
    def model(self) -> LanguageModel:
        """The language model."""

    def sentences(self, split: Split) -> Sequence[Sentence]:
        """The sentences that the ``sentence_ids`` of the split's words index."""

    def analyser(self) -> Analyser:
        """The analyser that says which readings a form has."""

    def lexicon(self) -> Lexicon:
        """The forms of the words' language, and what each can be."""


@dataclass(frozen=True)
class Sample:
    """Which words are changed: those of a split, in all of its sentences or in some that are drawn with a seed.

    >>> Sample("dev", sentences=20)
    Sample(split='dev', sentences=20, seed=0)
    >>> Sample("tset")
    Traceback (most recent call last):
    ...
    ValueError: split must be "train", "dev" or "test", not 'tset'
    """

    split: Split = "test"
    sentences: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f'split must be "train", "dev" or "test", not {self.split!r}')
        if self.sentences is not None:
            object.__setattr__(self, "sentences", whole(self.sentences, "sentences", 1))
        object.__setattr__(self, "seed", whole(self.seed, "a seed"))


@dataclass(frozen=True)
class Places:
    """Words of a corpus, by the indices of their sentences and their positions in them: int64 [n_words] each.

    Sorted by sentence, then by position.
    """

    sentences: NDArray[np.int64]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sentences)

    def words(self, sentences: Sequence[Sentence]) -> list[Word]:
        """The words themselves, from the corpus's sentences."""
        places = zip(self.sentences.tolist(), self.positions.tolist(), strict=True)
        return [sentences[sentence].words[position] for sentence, position in places]


@dataclass(frozen=True)
class Targets(Places):
    """Words to change, with the value of each, int64 [n_words]."""

    values: NDArray[np.int64]


def _targets(part: Activations, aims: NDArray[np.int64], sample: Sample) -> Targets:
    """The words of ``part``, without those that already have the value they would be sent to."""
    y = np.asarray(part.y)
    chosen = np.flatnonzero(aims[y] != y)
    sentences, positions = np.asarray(part.sentence_ids), np.asarray(part.positions)
    if sample.sentences is not None:
        ids = np.unique(sentences[chosen])
        generator = np.random.default_rng(sample.seed)
        kept = generator.choice(ids, size=min(sample.sentences, len(ids)), replace=False)
        chosen = chosen[np.isin(sentences[chosen], kept)]
    if not len(chosen):
        raise ValueError(
            f"no word to change: {part.language} {part.attribute} has {len(y)} words here, and all have the "
            "target value already"
        )
    chosen = chosen[np.lexsort((positions[chosen], sentences[chosen]))]
    return Targets(sentences[chosen], positions[chosen], y[chosen].astype(np.int64))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of sentences of similar length: at most ``_BATCH_TOKENS`` subwords per batch, with little padding."""
    batch: list[int] = []
    real = 0
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        padded = (len(batch) + 1) * lengths[i]
        if batch and (padded > _BATCH_TOKENS or (real >= _FEW and padded > _PADDED * (real + lengths[i]))):
            yield batch
            batch, real = [], 0
        batch.append(i)
        real += lengths[i]
    if batch:
        yield batch


def groups(lengths: Sequence[int]) -> Iterator[list[list[int]]]:
    """Batches whose states are held at once, ``_HELD_TOKENS`` subwords or a little more."""
    group: list[list[int]] = []
    held = 0
    for batch in _batches(lengths):
        group.append(batch)
        held += len(batch) * lengths[batch[-1]]
        if held >= _HELD_TOKENS:
            yield group
            group, held = [], 0
    if group:
        yield group


@dataclass(frozen=True, eq=False)
class _Batch:
    """Sentences that are run together, and where in them words are changed and read.

    ``states`` [b, t, d] are those of the site, unchanged; ``target_at`` and ``read_at`` [b, t] give the word to change
    and the word to read at each subword, -1 where there is none; ``words`` are those to change, subword by subword.
    """

    encoded: Encoded
    states: torch.Tensor
    target_at: torch.Tensor
    read_at: torch.Tensor
    words: ChangedWords

    def changed(self, change: StateChange) -> torch.Tensor:
        """A changed copy of the states."""
        slots, states = self.target_at >= 0, self.states.clone()
        states[slots] = change.apply(self.states[slots], self.words)
        return states


@dataclass(frozen=True)
class Replay:
    """One intervention, checked and ready to run: which words are changed, and how at every k.

    Attributes
    ----------
    part:
        The activations whose words are changed, at their site.
    sentences:
        The world's sentences, which ``targets`` indexes.
    targets:
        The words to change.
    aims:
        The value that each value is sent to, [n_values]; -1 where none is aimed at.
    ks, changes:
        What happens to a state, k by k.
    keys:
        What all rows of a table of this run share, column by column.
    whole:
        If this run is one of the :meth:`parts` of another, the words to change in all of them.
    """

    subject: Subject
    part: Activations
    sentences: Sequence[Sentence]
    targets: Targets
    aims: NDArray[np.int64]
    ks: Sequence[int]
    changes: Sequence[StateChange]
    keys: Mapping[str, Any]
    whole: Targets | None = None

    def predictions(self, read: Places) -> Iterator[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
        """Yield (index of k, index in ``read``, own token ids, predicted ones) for every k and word of ``read``.

        The words of ``read`` need not be those that are changed, but must be in the same sentences; the head runs at
        their slots only, and the layers up to the site of ``part`` run once. For each word, the ks come in order.

        Raises
        ------
        ValueError
            At the end, if the tokenizer knows none of the words to change, nor any in the other parts.
        """
        model, targets = self.subject.model, self.targets
        _check_sees_words(model)
        words = {int(i): self.sentences[i].forms for i in np.unique(targets.sentences)}
        rows, unknown = list(words), 0
        for group in groups(model.lengths(list(words.values()))):
            batches = [self._batch([rows[i] for i in batch], read) for batch in group]
            unknown += sum(_unknown(model, batch.encoded, batch.target_at) for batch in batches)
            own = torch.cat([batch.encoded.input_ids[batch.read_at >= 0] for batch in batches])
            read_at = torch.cat([batch.read_at[batch.read_at >= 0] for batch in batches])
            for i, change in enumerate(self.changes):
                yield from _of_words(i, own, self._predicted(batches, change), read_at)
        if unknown == len(targets):
            _check_known(model, self.part, self.sentences, self.whole or targets)

    def parts(self, n_sentences: int) -> list[Replay]:
        """The same run in parts: the words of at most ``n_sentences`` sentences each, in order, every word once.

        Raises
        ------
        ValueError
            If ``n_sentences`` is less than 1.
        """
        if n_sentences < 1:
            raise ValueError(f"a part must have 1 sentence or more, not {n_sentences}")
        targets = self.targets
        _, rank = np.unique(targets.sentences, return_inverse=True)
        chosen = [rank // n_sentences == i for i in range(rank[-1] // n_sentences + 1)]
        return [
            replace(
                self,
                targets=Targets(targets.sentences[c], targets.positions[c], targets.values[c]),
                whole=self.whole or targets,
            )
            for c in chosen
        ]

    def _batch(self, sentences: Sequence[int], read: Places) -> _Batch:
        """Run the layers up to the site of ``part`` on some sentences."""
        model, targets = self.subject.model, self.targets
        encoded = model.encode([self.sentences[i].forms for i in sentences])
        # Only the subwords that the means were taken over.
        target_at = _word_at(encoded, sentences, targets).where(vector_slots(encoded, model.pooling), -1)
        return _Batch(
            encoded,
            model.hidden(encoded, self.part.site),
            target_at,
            _word_at(encoded, sentences, read),
            self._words(target_at[target_at >= 0]),
        )

    def _words(self, subwords: torch.Tensor) -> ChangedWords:
        """The words to change that these subwords belong to, by index [n]."""
        targets, here = self.targets, subwords.cpu().numpy()
        return ChangedWords(
            torch.as_tensor(targets.values, device=subwords.device)[subwords],
            np.array([sentence_key(self.sentences[i].forms) for i in targets.sentences[here].tolist()], dtype=np.int64),
            targets.positions[here],
        )

    def _predicted(self, batches: Sequence[_Batch], change: StateChange) -> torch.Tensor:
        """The tokens predicted where words are read, batch by batch, under one change, [n]."""
        model, site = self.subject.model, self.part.site
        final = torch.cat(
            [model.resume(batch.encoded, site, batch.changed(change))[batch.read_at >= 0] for batch in batches]
        )
        return model.predict(final[None], torch.ones(1, len(final), dtype=torch.bool, device=final.device))


def _check_sees_words(model: LanguageModel) -> None:
    """Refuse a model that does not predict a word at the word's own slots."""
    if model.causal:
        raise ValueError(
            f"{model.name} reads from left to right: it predicts a word before it reads it, so changing the word "
            "changes other words only. Ask for the agreement of words that follow: run.agreement(items)"
        )


def _check_known(model: LanguageModel, part: Activations, sentences: Sequence[Sentence], targets: Targets) -> None:
    """The tokenizer must know at least one of the words to change."""
    for sentence, words in zip(*np.unique(targets.sentences, return_counts=True), strict=True):
        encoded = model.encode([sentences[sentence].forms])
        if _unknown(model, encoded, _word_at(encoded, [sentence], targets)) < words:
            return
    raise ValueError(
        f"{model.name} reads unknown tokens in all {len(targets)} words to change (100 %): its tokenizer does not "
        f"know how {part.language} is written here; take a model that does, or text in another script"
    )


def _unknown(model: LanguageModel, encoded: Encoded, word_at: torch.Tensor) -> int:
    """The number of words with a token that stands for whatever the tokenizer does not know."""
    return len(word_at[(word_at >= 0) & (encoded.input_ids == model.unknown_id)].unique())


def _word_at(encoded: Encoded, sentences: Sequence[int], places: Places) -> torch.Tensor:
    """The word of ``places`` at each subword of the encoded ``sentences``, [b, t]; -1 where there is none."""
    word_at = torch.full_like(encoded.word_ids, -1)
    # Places are sorted by their sentence.
    first, last = (np.searchsorted(places.sentences, sentences, side) for side in ("left", "right"))
    for row, words in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for word in range(*words):
            word_at[row, encoded.word_ids[row] == int(places.positions[word])] = word
    return word_at


def _of_words(
    k: int, own: torch.Tensor, predicted: torch.Tensor, word_at: torch.Tensor
) -> Iterator[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
    """Slots [n] of words, in row order, grouped by word: the word's own token ids, and those predicted."""
    words, sizes = torch.unique_consecutive(word_at, return_counts=True)
    # All words become lists at once: copying one word at a time from a GPU would cost more than the layers.
    before, after, end = own.tolist(), predicted.tolist(), 0
    for word, size in zip(words.tolist(), sizes.tolist(), strict=True):
        begin, end = end, end + size
        yield k, word, tuple(before[begin:end]), tuple(after[begin:end])


def prepare(subject: Subject, ranking: Ranking, kind: Kind, ks: Iterable[int], sample: Sample) -> Replay:
    """Check what an intervention is given, and choose the words and their changes.

    Raises
    ------
    ValueError
        If a k or the target is bad, the ranking has the wrong width, or there is no word to change.
    """
    data = subject.data
    if isinstance(kind, type) or not isinstance(kind, Kind):
        raise ValueError(f"a kind of intervention is an object such as pf.Translation(beta=4), not {kind!r:.80}")
    steps = checked_steps(data, ranking, ks)
    part: Activations = getattr(data, sample.split)
    aims = kind.aims(data.train.values)
    keys = {
        **configuration_of(part),
        "split": sample.split,
        "ranking": ranking.name,
        "direction": ranking.direction,
        "ranking_seed": ranking.seed,
        "kind": kind.label,
        "strength": kind.strength,
        "target": "none" if (aims < 0).all() else kind.target or "next",
    }
    means = replace(Means.of(data), words=TrainingWords.of(data.train, subject.sentences("train")))
    changes = [kind.change(ranking.order, k, means, aims) for k in steps]
    targets = _targets(part, aims, sample)
    return Replay(subject, part, subject.sentences(sample.split), targets, aims, steps, changes, keys)


def checked_steps(data: Splits, ranking: Ranking, ks: Iterable[int]) -> list[int]:
    """The numbers of neurons to change, ascending and without repetition, for a ranking of the neurons of ``data``.

    Raises
    ------
    ValueError
        If a k is bad, or the ranking has the wrong width.
    """
    check_ranking(ranking, data.n_neurons)
    return checked_ks(ks, len(ranking), least=0)
