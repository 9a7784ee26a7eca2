"""Interventions: change the first k neurons of a ranking inside the model, and say what became of each word.

That a neuron carries an attribute does not mean that the model reads it (the paper's second pitfall). So the
neurons of the words that carry the attribute are changed at one layer of whole, unmasked sentences; the
layers above and the head run on, and the word predicted at each changed word's own slots is looked up.

Every kind of intervention is the same step, ``h <- keep * h + offset[value]`` (:class:`Change`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pitfalls.neurons.arrays import checked_ks, class_means, labelled_words, tensors
from pitfalls.neurons.curves import Split
from pitfalls.neurons.rankings.base import Ranking

if TYPE_CHECKING:
    from pitfalls.language.corpus import Sentence
    from pitfalls.language.lexicon import Analysis, Lexicon
    from pitfalls.model.activations import Activations, Splits
    from pitfalls.model.interface import Encoded, LanguageModel

#: What can become of a changed word; the kinds exclude each other and cover everything.
#: unchanged: the same form. Right lemma: intended (the value aimed at), another (a third value), same (the
#: word's own value in another form), lost (no value of the attribute). Wrong lemma: wrong_intended,
#: wrong_other (another value or none). split: not one word. unknown: no word of the lexicon.
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

# Subwords run through the model at a time, padding included: keeps a layer of M-BERT below 100 MB.
_BATCH_TOKENS = 4096

_MEASURES = ("outcome", "count", "rate")
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


class World(Protocol):
    """What an intervention needs to know of a world: the model, the sentences, and a lexicon to judge by."""

    @property
    def model(self) -> LanguageModel:
        """The language model."""

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        """The sentences that ``sentence_ids`` of the activations count."""

    def lexicon(self, language: str) -> Lexicon:
        """The readings of the language's forms."""


# ------------------------------------------------------------------------------------------ kinds


@dataclass(frozen=True)
class Means:
    """Where training words lie on average: ``of_value`` [n_values, n_neurons], ``overall`` [n_neurons]."""

    of_value: NDArray[np.float64]
    overall: NDArray[np.float64]

    @classmethod
    def of(cls, data: Splits) -> Means:
        """The mean vectors q(z) of the training words (SOURCES.md, Probeless), and the mean of all of them."""
        words = labelled_words(data, "train")
        of_value = class_means(words.X, words.y, words.n_classes)
        shares = torch.bincount(words.y, minlength=words.n_classes).double() / len(words.y)
        return cls(of_value.numpy(), (shares @ of_value).numpy())


@dataclass(frozen=True)
class Change:
    """What an intervention does to a state: ``h <- keep * h + offset[value of the word]``.

    Attributes
    ----------
    keep:
        [n_neurons].
    offset:
        [n_values, n_neurons].
    """

    keep: NDArray[np.float64]
    offset: NDArray[np.float64]

    def apply(self, states: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_neurons] of subwords of words with ``values`` [n]."""
        keep = torch.as_tensor(self.keep).to(states)
        offset = torch.as_tensor(self.offset).to(states)
        return states * keep + offset[values]


class Kind(Protocol):
    """A kind of intervention, with its strength as a number for tables (NaN where it has none)."""

    @property
    def label(self) -> str:
        """Its name in tables."""

    @property
    def strength(self) -> float:
        """Its beta or alpha."""

    def aims(self, n_values: int, target: int | None) -> NDArray[np.int64]:
        """The value that each value is sent to, [n_values]; -1 where none is aimed at."""

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """What happens to a state when the first ``k`` neurons of ``order`` are changed."""


@dataclass(frozen=True)
class Ablation:
    """Set the first k neurons to zero (SOURCES.md, Interventions [C]), or to their mean over training words.

    An ablation aims at no value: a right lemma with another value counts as "another".

    Examples
    --------
    >>> Ablation().label, Ablation("mean").label
    ('ablation', 'mean ablation')
    """

    value: Literal["zero", "mean"] = "zero"

    def __post_init__(self) -> None:
        if self.value not in ("zero", "mean"):
            raise ValueError(f'value must be "zero" or "mean", not {self.value!r}')

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "ablation" if self.value == "zero" else "mean ablation"

    @property
    def strength(self) -> float:
        """NaN: an ablation has no strength."""
        return float("nan")

    def aims(self, n_values: int, target: int | None) -> NDArray[np.int64]:
        """All -1: no value is aimed at."""
        if target is not None:
            raise ValueError("an ablation aims at no value: leave target out, or use Translation")
        return np.full(n_values, -1, dtype=np.int64)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Keep all neurons but the first ``k`` of ``order``."""
        keep, offset = np.ones(len(order)), np.zeros_like(means.of_value)
        keep[order[:k]] = 0
        if self.value == "mean":
            offset[:, order[:k]] = means.overall[order[:k]]
        return Change(keep, offset)


class _Shift:
    """What both translations share: neurons move along the difference of two values' means."""

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        raise NotImplementedError

    def aims(self, n_values: int, target: int | None) -> NDArray[np.int64]:
        """The next value of each, the first after the last; or ``target`` for all."""
        if target is None:
            return (np.arange(n_values, dtype=np.int64) + 1) % n_values
        return np.full(n_values, target, dtype=np.int64)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Add alpha times the difference of means, in the first ``k`` neurons of ``order``."""
        offset = np.zeros_like(means.of_value)
        chosen = order[:k]
        difference = means.of_value[aims] - means.of_value
        offset[:, chosen] = self.coefficients(len(order))[:k] * difference[:, chosen]
        return Change(np.ones(len(order)), offset)


@dataclass(frozen=True)
class Translation(_Shift):
    """Move towards another value's mean, the more the higher the rank (SOURCES.md, Interventions [C]).

    ``h <- h + alpha * (q(z') - q(z))`` in the first k neurons. The factor falls over *all* d ranks,
    evenly in its logarithm, from beta to 0.001: ``alpha_r = beta * (1 / (1000 beta)) ** (r / (d - 1))``.
    The paper shows beta = 8, chosen on dev [P].

    Examples
    --------
    >>> Translation(beta=8).coefficients(3).round(4).tolist()
    [8.0, 0.0894, 0.001]
    """

    beta: float = 8.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"beta must be above 0, not {self.beta}; the paper sweeps 2 to 12")

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "translation"

    @property
    def strength(self) -> float:
        """The beta."""
        return float(self.beta)

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        ranks = np.arange(n_neurons) / max(n_neurons - 1, 1)
        return self.beta * (1 / (1000 * self.beta)) ** ranks


@dataclass(frozen=True)
class ConstantTranslation(_Shift):
    """Move towards another value's mean by the same factor in all k neurons (the unscaled variant [C]).

    With alpha = 1 and k = d the mean of a value lands on the mean of the other; alpha = 0 changes nothing.

    Examples
    --------
    >>> ConstantTranslation(alpha=1).coefficients(3)
    array([1., 1., 1.])
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.alpha):
            raise ValueError(f"alpha must be a finite number, not {self.alpha}")

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "constant translation"

    @property
    def strength(self) -> float:
        """The alpha."""
        return float(self.alpha)

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        return np.full(n_neurons, float(self.alpha))


# --------------------------------------------------------------------------------------- outcomes


def classify(readings: Iterable[Analysis], attribute: str, lemma: str, value: str, intended: str | None) -> str:
    """The outcome of a changed word whose new form has these ``readings``.

    A form can be read in several ways ("sheep", "cut"), and it *has* a lemma or a value when one of its
    readings has it. Among the readings with the right lemma, the first of these that occurs decides:
    intended, same, another, lost.

    Parameters
    ----------
    readings:
        Of the new form; none if the lexicon does not know it.
    lemma, value:
        Of the original word.
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
    right = [reading.value(attribute) for reading in readings if reading.lemma == lemma]
    if not right:
        aimed = intended is not None and any(reading.value(attribute) == intended for reading in readings)
        return "wrong_intended" if aimed else "wrong_other"
    if intended is not None and intended in right:
        return "intended"
    if value in right:
        return "same"
    return "another" if any(found is not None for found in right) else "lost"


@dataclass(frozen=True)
class _Targets:
    """The words to change: arrays [n_words], in the order of sentence and position."""

    sentences: NDArray[np.int64]
    positions: NDArray[np.int64]
    values: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)


def _targets(part: Activations, aims: NDArray[np.int64], max_sentences: int | None, seed: int) -> _Targets:
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
    return _Targets(sentences[chosen], positions[chosen], y[chosen].astype(np.int64))


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


def _predictions(
    model: LanguageModel, words: Sequence[Sequence[str]], targets: _Targets, layer: int, changes: Sequence[Change]
) -> Iterator[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
    """Yield (change, target, its own token ids, the predicted ones) for every change and target word.

    ``words`` holds the forms of the sentences that ``targets`` count. The layers up to ``layer`` run once.
    """
    ids = np.unique(targets.sentences)
    of_sentence = {int(i): np.flatnonzero(targets.sentences == i) for i in ids}
    for batch in _batches(model.lengths([words[i] for i in ids])):
        rows = [int(ids[i]) for i in batch]
        encoded = model.encode([words[i] for i in rows])
        in_batch = np.concatenate([of_sentence[i] for i in rows])
        word_at = _word_at(encoded, [of_sentence[i] for i in rows], targets)
        slots = word_at >= 0
        # Of each slot, in row order: its target word's value; of each target word: how many slots it has.
        values = torch.as_tensor(targets.values, device=word_at.device)[word_at[slots]]
        sizes = torch.bincount(word_at[slots], minlength=len(targets))[torch.as_tensor(in_batch)].tolist()
        own = encoded.input_ids[slots].split(sizes)
        states = model.hidden(encoded, layer)
        for i, change in enumerate(changes):
            changed = states.clone()
            changed[slots] = change.apply(states[slots], values)
            predicted = model.predict(model.resume(encoded, layer, changed), slots).split(sizes)
            for target, before, after in zip(in_batch.tolist(), own, predicted, strict=True):
                yield i, target, tuple(before.tolist()), tuple(after.tolist())


def _word_at(encoded: Encoded, of_row: Sequence[NDArray[np.int64]], targets: _Targets) -> torch.Tensor:
    """The target word at each subword, [b, t]; -1 where there is none."""
    word_at = torch.full_like(encoded.word_ids, -1)
    for row, of_sentence in enumerate(of_row):
        for target in of_sentence.tolist():
            word_at[row, encoded.word_ids[row] == int(targets.positions[target])] = target
    return word_at


@dataclass(frozen=True)
class _Run:
    """Everything that came out: ``outcomes`` and ``forms``, both [n_ks][n_words]."""

    targets: _Targets
    outcomes: list[list[str]]
    forms: list[list[str]]
    sentences: Sequence[Sentence]
    values: tuple[str, ...]
    aims: NDArray[np.int64]


def _run(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    ks: Sequence[int],
    split: Split,
    target: str | None,
    max_sentences: int | None,
    seed: int,
) -> _Run:
    part: Activations = getattr(data, split)
    means, aims = Means.of(data), _aims(kind, data.train.values, target)
    sentences = world.sentences(part.language, split)
    _check_words(part, sentences)
    targets = _targets(part, aims, max_sentences, seed)
    changes = [kind.change(ranking.order, k, means, aims) for k in ks]
    judge = _Judge(world, part, sentences, targets, aims)
    outcomes = [[""] * len(targets) for _ in ks]
    forms = [[""] * len(targets) for _ in ks]
    words = [sentence.forms for sentence in sentences]
    for i, word, own, predicted in _predictions(world.model, words, targets, part.layer, changes):
        outcomes[i][word], forms[i][word] = judge(word, own, predicted)
    return _Run(targets, outcomes, forms, sentences, part.values, aims)


def _aims(kind: Kind, values: tuple[str, ...], target: str | None) -> NDArray[np.int64]:
    if target is not None and target not in values:
        raise ValueError(f"the target {target!r} is none of the values {list(values)}")
    return kind.aims(len(values), None if target is None else values.index(target))


class _Judge:
    """Says what became of a word; remembers, because most words change the same way at many k."""

    def __init__(
        self,
        world: World,
        part: Activations,
        sentences: Sequence[Sentence],
        targets: _Targets,
        aims: NDArray[np.int64],
    ) -> None:
        self.model, self.lexicon = world.model, world.lexicon(part.language)
        self.part, self.sentences, self.targets, self.aims = part, sentences, targets, aims
        self.known: dict[tuple[int, tuple[int, ...]], tuple[str, str]] = {}

    def __call__(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> tuple[str, str]:
        """The outcome of target ``word`` and the predicted form (its subwords, where it is no word)."""
        key = word, predicted
        if key not in self.known:
            self.known[key] = self._judge(word, own, predicted)
        return self.known[key]

    def _judge(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> tuple[str, str]:
        original = self.sentences[self.targets.sentences[word]].words[self.targets.positions[word]]
        if predicted == own:
            return "unchanged", original.form
        form = self.model.join(predicted, like=own)
        if form is None:
            return "split", " ".join(self.model.pieces(predicted))
        # The tokenizer's own spelling of the word counts as the word: it may have composed its accents.
        if form in (original.form, self.model.join(own, like=own)):
            return "unchanged", original.form
        value = int(self.targets.values[word])
        aim = int(self.aims[value])
        outcome = classify(
            self.lexicon.lookup(form),
            self.part.attribute,
            original.lemma,
            self.part.values[value],
            self.part.values[aim] if aim >= 0 else None,
        )
        return outcome, form


# ------------------------------------------------------------------------------------------ tables


def _checked_arguments(data: Splits, ranking: Ranking, ks: Iterable[int], split: str) -> list[int]:
    if split not in ("train", "dev", "test"):
        raise ValueError(f'split must be "train", "dev" or "test", not {split!r}')
    X, _ = tensors(getattr(data, split), split)
    if X.shape[1] != len(ranking):
        raise ValueError(
            f"the ranking orders {len(ranking)} neurons and the activations have {X.shape[1]}: "
            "rank these activations, not those of another model"
        )
    return checked_ks(ks, len(ranking), least=0)


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
        Anything with a model, sentences and a lexicon; the world that ``data`` comes from.
    ranking:
        Any order of all neurons. One that ranks only some itself is completed by its maker, see
        :attr:`~.rankings.Ranking.ranked`.
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
        For a bad k, split or target, a ranking of another width, words that are not the world's, or no words.
    """
    steps = _checked_arguments(data, ranking, ks, split)
    run = _run(world, data, ranking, kind, steps, split, target, max_sentences, seed)
    counts = np.array([[found.count(outcome) for outcome in OUTCOMES] for found in run.outcomes])
    part: Activations = getattr(data, split)
    return pd.DataFrame(
        {
            "language": part.language,
            "attribute": part.attribute,
            "layer": part.layer,
            "split": split,
            "ranking": ranking.name,
            "direction": ranking.direction,
            "ranking_seed": ranking.seed,
            "kind": kind.label,
            "strength": kind.strength,
            "target": target if target is not None else ("none" if (run.aims < 0).all() else "next"),
            "k": np.repeat(steps, len(OUTCOMES)),
            "outcome": list(OUTCOMES) * len(steps),
            "count": counts.ravel(),
            "rate": counts.ravel() / len(run.targets),
        }
    )


def _summed(effect: pd.DataFrame, outcomes: Sequence[str], count: str, rate: str) -> pd.DataFrame:
    keys = [column for column in effect.columns if column not in _MEASURES]
    # NaN strengths must not drop ablations: dropna=False below keeps them as a group.
    counted = effect.assign(**{count: effect["count"].where(effect["outcome"].isin(outcomes), 0)})
    table = counted.groupby(keys, sort=False, dropna=False).agg(**{count: (count, "sum"), "words": ("count", "sum")})
    return table.assign(**{rate: table[count] / table["words"]}).reset_index()


def error_rate(effect: pd.DataFrame) -> pd.DataFrame:
    """Words that came out different over all target words, a row a k: ``changed``, ``words``, ``error_rate``.

    At k = 0 this is what the model gets wrong by itself.
    """
    changed = [outcome for outcome in OUTCOMES if outcome != "unchanged"]
    return _summed(effect, changed, "changed", "error_rate")


def clwv(effect: pd.DataFrame) -> pd.DataFrame:
    """Right lemma, other value ("intended" + "another") over all words: ``hits``, ``words``, ``clwv``.

    The paper's own count adds "lost" (its analyser could not tell it from another value, SOURCES.md, Traps).
    """
    return _summed(effect, CLWV, "hits", "clwv")


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
) -> pd.DataFrame:
    """Sentences before and after an intervention on the first k neurons, a row a changed word.

    ``n`` sentences are drawn from those in which at least one word came out different (so this shows what
    changes look like, not how frequent they are; :func:`intervene` counts).

    Returns
    -------
    sentence_id, position, word, predicted, outcome, value, intended ("" when none), before, after: the last
    two are the whole sentence, its words joined by spaces, ``after`` with every changed word replaced by what
    the model predicted.
    """
    steps = _checked_arguments(data, ranking, [k], split)
    run = _run(world, data, ranking, kind, steps, split, target, None, seed)
    targets, outcomes, forms = run.targets, run.outcomes[0], run.forms[0]
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
                    "value": run.values[targets.values[i]],
                    "intended": run.values[aim] if aim >= 0 else "",
                    "before": " ".join(sentence.forms),
                    "after": " ".join(after),
                }
            )
    return pd.DataFrame(rows, columns=_EXAMPLE_COLUMNS)
