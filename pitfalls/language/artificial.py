"""A language drawn from a seed, in which every lemma takes every value of one attribute, each with its own ending.

The planted network's sentences are written in it. Target words (``tomas``: lemma ``toma``, ending ``s``) carry the
attribute; fillers (``adego``) carry nothing. Each target word stands between two fillers, so that no two target
words are neighbours: ``adego tomas uvila · eriko bafut osami``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pitfalls.language.corpus import Corpus, Sentence, Word
from pitfalls.language.lexicon import Lexicon

#: ISO 639-2's code for artificial languages (ISO 639-3, whose codes name the other languages, has none).
LANGUAGE = "art"

_CONSONANTS = "snrtlmkdpgbvfz"
_VOWELS = "aeiou"
# Lemmas begin with a consonant and fillers with a vowel, so no filler is ever a form; only forms end in a consonant.
_LEMMA = (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS)
_FILLER = (_VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS)
_MOST_TARGETS = 4


@dataclass(frozen=True)
class ArtificialLanguage:
    """The words of a language and the sentences drawn from them.

    Attributes
    ----------
    attribute : str
        The attribute that the endings mark, such as ``"Number"``.
    values : tuple of str
        Two to fourteen; kept sorted.
    n_lemmas, n_fillers : int
        How many lemmas (each with one form per value) and how many fillers.
    seed : int
        Decides which strings they are.

    Raises
    ------
    ValueError
        There are fewer than two values or more values than endings, a value is repeated, or there are fewer than two
        lemmas or fillers, or more of them than there are possible strings.

    Examples
    --------
    >>> language = ArtificialLanguage("Number", ("SG", "PL"), n_lemmas=2, n_fillers=3, seed=0)
    >>> language.lemmas, language.forms
    (('vudi', 'pupe'), ('vudis', 'vudin', 'pupes', 'pupen'))
    >>> language.corpus("train", n_words=2, seed=0).sentences[0].words[1]
    Word(form='vudis', lemma='vudi', attributes={'Number': 'PL'})
    """

    attribute: str
    values: tuple[str, ...]
    n_lemmas: int
    n_fillers: int
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(sorted(self.values)))
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"the values {self.values} are not all different: give each value once")
        if not 2 <= len(self.values) <= len(_CONSONANTS):
            raise ValueError(f"{len(self.values)} values {self.values}: give 2 to {len(_CONSONANTS)}, one per ending")
        for what, n, letters in (("lemmas", self.n_lemmas, _LEMMA), ("fillers", self.n_fillers, _FILLER)):
            most = _n_strings(letters)
            if not 2 <= n <= most:
                raise ValueError(f"{n} {what}: give 2 to {most}, the number of possible strings")

    @cached_property
    def lemmas(self) -> tuple[str, ...]:
        """The lemmas, [n_lemmas]: stems, which are not forms themselves."""
        return _strings(_LEMMA, self.n_lemmas, np.random.default_rng([self.seed, 0]))

    @cached_property
    def fillers(self) -> tuple[str, ...]:
        """The words without the attribute, [n_fillers]."""
        return _strings(_FILLER, self.n_fillers, np.random.default_rng([self.seed, 1]))

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The forms of the lemmas, [n_lemmas * n_values]: all of the first lemma, in the order of values, and so on."""
        return tuple(lemma + ending for lemma in self.lemmas for ending in self._endings)

    @property
    def _endings(self) -> str:
        return _CONSONANTS[: len(self.values)]

    @cached_property
    def lexicon(self) -> Lexicon:
        """Every form with its one reading, and every filler as its own lemma without attributes."""
        targets = [self._target(i, z) for i in range(self.n_lemmas) for z in range(len(self.values))]
        words = [*targets, *(Word(filler, filler, {}) for filler in self.fillers)]
        return Lexicon.from_forms(LANGUAGE, [(word.form, word.lemma, word.attributes) for word in words])

    def corpus(self, name: str, n_words: int, seed: int) -> Corpus:
        """Draw sentences of one to four target words, ``n_words`` of them in all.

        All values are equally frequent, and so are the lemmas within each value: a word's lemma says nothing about
        its value. Fillers are drawn uniformly.

        Raises
        ------
        ValueError
            There are fewer words than values.
        """
        if n_words < len(self.values):
            raise ValueError(f"{n_words} target words for the values {self.values}: give {len(self.values)} or more")
        generator = np.random.default_rng([self.seed, 2, seed])
        targets = [self._target(lemma, value) for lemma, value in self._balanced(n_words, generator)]
        fillers = generator.integers(self.n_fillers, size=(n_words, 2)).tolist()
        sentences: list[Sentence] = []
        for start, stop in _spans(n_words, generator):
            words: list[Word] = []
            for target, (left, right) in zip(targets[start:stop], fillers[start:stop], strict=True):
                words += [self._filler(left), target, self._filler(right)]
            sentences.append(Sentence(f"{name}-{len(sentences)}", tuple(words)))
        return Corpus(LANGUAGE, tuple(sentences), f"{LANGUAGE}-{name}")

    def _balanced(self, n_words: int, generator: np.random.Generator) -> list[tuple[int, int]]:
        """(lemma, value) of every target word: all values equally often, and all lemmas within each value."""
        pairs = []
        for value, n in enumerate(np.bincount(np.arange(n_words) % len(self.values)).tolist()):
            rounds = [generator.permutation(self.n_lemmas) for _ in range(-(-n // self.n_lemmas))]
            pairs += [(lemma, value) for lemma in np.concatenate(rounds)[:n].tolist()]
        return [pairs[i] for i in generator.permutation(n_words).tolist()]

    def _target(self, lemma: int, value: int) -> Word:
        stem = self.lemmas[lemma]
        return Word(stem + self._endings[value], stem, {self.attribute: self.values[value]})

    def _filler(self, index: int) -> Word:
        return Word(self.fillers[index], self.fillers[index], {})


def _n_strings(letters: tuple[str, ...]) -> int:
    return int(np.prod([len(choice) for choice in letters]))


def _strings(letters: tuple[str, ...], n: int, generator: np.random.Generator) -> tuple[str, ...]:
    """Draw ``n`` different strings, the i-th letter of each from ``letters[i]``."""
    numbers = generator.choice(_n_strings(letters), size=n, replace=False)
    digits = np.unravel_index(numbers, [len(choice) for choice in letters])
    columns = [np.array(list(choice))[digit] for choice, digit in zip(letters, digits, strict=True)]
    return tuple("".join(row) for row in zip(*columns, strict=True))


def _spans(n: int, generator: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Cut 0..n into spans of 1 to ``_MOST_TARGETS``."""
    start = 0
    while start < n:
        stop = min(n, start + int(generator.integers(1, _MOST_TARGETS + 1)))
        yield start, stop
        start = stop
