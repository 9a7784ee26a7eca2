"""Replaying a model with changed states: choose the words, change them at one layer, and let the rest run on.

The layers up to the changed one run once, those above it once for each change, only sentences with a word to change
are run, and the head only at the slots that are read (in M-BERT it costs more than all layers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.neurons.arrays import checked_ks, tensors
from pitfalls.neurons.curves import Split
from pitfalls.neurons.kinds import Kind, Means, StateChange
from pitfalls.neurons.rankings.base import Ranking

if TYPE_CHECKING:
    from pitfalls.language.analysers import Analyser
    from pitfalls.language.corpus import Sentence
    from pitfalls.model.activations import Activations, Splits
    from pitfalls.model.interface import Encoded, LanguageModel

# Subwords run through the model at a time, padding included. Larger batches hold sentences of less like length, so
# more padding; with 4096 M-BERT took a third more time, and with 512 the vocabulary matrix is read too often.
_BATCH_TOKENS = 1024


class World(Protocol):
    """What an intervention needs to know of a world: the model, the sentences, and an analyser to judge by."""

    @property
    def model(self) -> LanguageModel:
        """The language model."""

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        """The sentences that ``sentence_ids`` of the activations count."""

    def analyser(self, language: str) -> Analyser:
        """Who says which readings the language's forms have."""


@dataclass(frozen=True)
class Places:
    """Words of a corpus, by the indices of their sentences and their positions in them: int64 [n_words] each.

    In the order of sentence and position.
    """

    sentences: NDArray[np.int64]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sentences)


@dataclass(frozen=True)
class Targets(Places):
    """Words to change, with the value of each, int64 [n_words]."""

    values: NDArray[np.int64]


def _targets(part: Activations, aims: NDArray[np.int64], max_sentences: int | None, seed: int) -> Targets:
    """The words of ``part``, without those that already have the value they would be sent to."""
    y = np.asarray(part.y)
    chosen = np.flatnonzero(aims[y] != y)
    sentences, positions = np.asarray(part.sentence_ids), np.asarray(part.positions)
    if max_sentences is not None:
        ids = np.unique(sentences[chosen])
        generator = np.random.default_rng(seed)
        kept = generator.choice(ids, size=min(max_sentences, len(ids)), replace=False)
        chosen = chosen[np.isin(sentences[chosen], kept)]
    if not len(chosen):
        raise ValueError(
            f"no word to change: {part.language} {part.attribute} has {len(y)} words here, none of them with "
            "another value than the target"
        )
    chosen = chosen[np.lexsort((positions[chosen], sentences[chosen]))]
    return Targets(sentences[chosen], positions[chosen], y[chosen].astype(np.int64))


def _check_words(part: Activations, sentences: Sequence[Sentence]) -> None:
    """The activations' words must be the world's words."""
    for form, sentence, position in zip(part.forms, part.sentence_ids, part.positions, strict=True):
        inside = 0 <= sentence < len(sentences) and 0 <= position < len(sentences[sentence].words)
        found = sentences[sentence].words[position].form if inside else None
        if found != form:
            raise ValueError(
                f"the activations have {form!r} as word {position} of sentence {sentence}, the world has "
                f"{found!r}: use the world and split that they come from (bare arrays come from none)"
            )


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of sentences of like length, at most ``_BATCH_TOKENS`` subwords a batch with padding."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and (len(batch) + 1) * lengths[i] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


@dataclass(frozen=True)
class Run:
    """One intervention, checked and ready to run: which words are changed, and how at every k.

    Attributes
    ----------
    part:
        The activations whose words are changed, at their layer.
    sentences:
        Of the world; ``targets`` counts them.
    targets:
        The words to change.
    aims:
        The value that each value is sent to, [n_values]; -1 where none is aimed at.
    ks, changes:
        What happens to a state, k by k.
    keys:
        What all rows of a table of this run share, column by column.
    whole:
        Where this run is one of its :meth:`parts`, the words to change in all of them.
    """

    world: World
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

        The words of ``read`` may be others than those that are changed, in the same sentences; the head runs at
        their slots only, and the layers up to that of ``part`` run once. A word comes at every k in turn.

        Raises
        ------
        ValueError
            At the end, if the tokenizer knows none of the words to change, nor of those of the other parts.
        """
        model, targets = self.world.model, self.targets
        words = {int(i): self.sentences[i].forms for i in np.unique(targets.sentences)}
        changed_in, read_in = _by_sentence(targets), _by_sentence(read)
        unknown = 0
        for batch in _batches(model.lengths(list(words.values()))):
            rows = [list(words)[i] for i in batch]
            encoded = model.encode([words[i] for i in rows])
            target_at = _word_at(encoded, [changed_in[i] for i in rows], targets)
            unknown += _unknown(model, encoded, target_at)
            read_at = _word_at(encoded, [read_in.get(i, []) for i in rows], read)
            for i, predicted in enumerate(self._replayed(encoded, target_at, read_at >= 0)):
                yield from _of_words(i, encoded.input_ids[read_at >= 0], predicted, read_at[read_at >= 0])
        if unknown == len(targets):
            _check_known(model, self.part, self.sentences, self.whole or targets)

    def parts(self, n_sentences: int) -> list[Run]:
        """The same run in parts: the words of at most ``n_sentences`` sentences each, in order, every word once.

        Raises
        ------
        ValueError
            For less than one sentence.
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

    def _replayed(self, encoded: Encoded, target_at: torch.Tensor, read: torch.Tensor) -> Iterator[torch.Tensor]:
        """The tokens predicted at the slots ``read`` (bool [b, t]) of one batch, change by change."""
        model, layer, slots = self.world.model, self.part.layer, target_at >= 0
        values = torch.as_tensor(self.targets.values, device=target_at.device)[target_at[slots]]
        states = model.hidden(encoded, layer)
        for change in self.changes:
            changed = states.clone()
            changed[slots] = change.apply(states[slots], values)
            yield model.predict(model.resume(encoded, layer, changed), read)


def _check_known(model: LanguageModel, part: Activations, sentences: Sequence[Sentence], targets: Targets) -> None:
    """The tokenizer must know one of the words to change."""
    for sentence, words in _by_sentence(targets).items():
        encoded = model.encode([sentences[sentence].forms])
        if _unknown(model, encoded, _word_at(encoded, [words], targets)) < len(words):
            return
    raise ValueError(
        f"{model.name} reads unknown tokens in all {len(targets)} words to change (100 %): its tokenizer does not "
        f"know how {part.language} is written here; take a model that does, or text in another script"
    )


def _unknown(model: LanguageModel, encoded: Encoded, word_at: torch.Tensor) -> int:
    """The number of words with a token that stands for whatever the tokenizer does not know."""
    return len(word_at[(word_at >= 0) & (encoded.input_ids == model.unknown_id)].unique())


def _by_sentence(places: Places) -> dict[int, list[int]]:
    """The words of every sentence that has one."""
    found: dict[int, list[int]] = {}
    for word, sentence in enumerate(places.sentences.tolist()):
        found.setdefault(sentence, []).append(word)
    return found


def _word_at(encoded: Encoded, of_row: Sequence[Sequence[int]], places: Places) -> torch.Tensor:
    """The word of ``places`` at each subword, [b, t]; -1 where there is none."""
    word_at = torch.full_like(encoded.word_ids, -1)
    for row, of_sentence in enumerate(of_row):
        for word in of_sentence:
            word_at[row, encoded.word_ids[row] == int(places.positions[word])] = word
    return word_at


def _of_words(
    k: int, own: torch.Tensor, predicted: torch.Tensor, word_at: torch.Tensor
) -> Iterator[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
    """Slots [n] of words, in row order, grouped by word: the token ids that it has, and those predicted."""
    words, sizes = torch.unique_consecutive(word_at, return_counts=True)
    parts = zip(words.tolist(), own.split(sizes.tolist()), predicted.split(sizes.tolist()), strict=True)
    for word, before, after in parts:
        yield k, word, tuple(before.tolist()), tuple(after.tolist())


def prepare(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    ks: Iterable[int],
    split: Split = "test",
    target: str | None = None,
    seed: int = 0,
    max_sentences: int | None = None,
) -> Run:
    """Check what :func:`~.interventions.intervene` is given, and choose the words and their changes.

    Raises
    ------
    ValueError
        As :func:`~.interventions.intervene`.
    """
    steps = checked_steps(data, ranking, ks, split)
    part: Activations = getattr(data, split)
    means, aims = Means.of(data), _aims(kind, data.train.values, target)
    sentences = world.sentences(part.language, split)
    _check_words(part, sentences)
    keys = {
        "language": part.language,
        "attribute": part.attribute,
        "layer": part.layer,
        "split": split,
        "ranking": ranking.name,
        "direction": ranking.direction,
        "ranking_seed": ranking.seed,
        "kind": kind.label,
        "strength": kind.strength,
        "target": target if target is not None else ("none" if (aims < 0).all() else "next"),
    }
    targets = _targets(part, aims, max_sentences, seed)
    changes = [kind.change(ranking.order, k, means, aims) for k in steps]
    return Run(world, part, sentences, targets, aims, steps, changes, keys)


def checked_steps(data: Splits, ranking: Ranking, ks: Iterable[int], split: str) -> list[int]:
    """The numbers of neurons to change, ascending and each once, of a ranking of the neurons of ``data``.

    Raises
    ------
    ValueError
        For a bad k or split, or a ranking of another width.
    """
    if split not in ("train", "dev", "test"):
        raise ValueError(f'split must be "train", "dev" or "test", not {split!r}')
    X, _ = tensors(getattr(data, split), split)
    if X.shape[1] != len(ranking):
        raise ValueError(
            f"the ranking orders {len(ranking)} neurons and the activations have {X.shape[1]}: "
            "rank these activations, not those of another model"
        )
    return checked_ks(ks, len(ranking), least=0)


def _aims(kind: Kind, values: tuple[str, ...], target: str | None) -> NDArray[np.int64]:
    if target is not None and target not in values:
        raise ValueError(f"the target {target!r} is none of the values {list(values)}")
    return kind.aims(len(values), None if target is None else values.index(target))
