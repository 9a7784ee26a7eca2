"""A world: a language model, an annotated corpus and a lexicon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.language import unimorph
from pitfalls.language.analysers import Analyser
from pitfalls.language.corpus import Corpus, Sentence, drop_long
from pitfalls.language.lexicon import Lexicon
from pitfalls.language.values import kept_values
from pitfalls.models.interface import LanguageModel
from pitfalls.models.perturbation import perturbed
from pitfalls.models.store import vector_dtype
from pitfalls.models.vectors import absent_layers, layer_vectors, select, word_vectors
from pitfalls.worlds.sources import Source

_PREPARED = ("language", "split", "layers", "words", "megabytes")

if TYPE_CHECKING:
    from pitfalls.worlds.experiment import Experiment


@dataclass
class World:
    """A model, a corpus and a lexicon behind one interface.

    Corpora, lexicons and word vectors are read when first asked for and kept; sentences that are longer than
    the model can read are dropped, and :meth:`dropped` says how many.
    """

    name: str
    model: LanguageModel
    source: Source
    min_forms: int
    cache: Path | None = None
    _corpora: dict[tuple[str, str], Corpus] = field(default_factory=dict, repr=False)
    _dropped: dict[tuple[str, str], Corpus] = field(default_factory=dict, repr=False)
    _lexicons: dict[str, Lexicon] = field(default_factory=dict, repr=False)
    _analysers: dict[str, Analyser] = field(default_factory=dict, repr=False)

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-3 codes of the world's languages, sorted."""
        return self.source.languages

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """0 (the embeddings) to L."""
        return tuple(range(self.model.n_layers + 1))

    def corpus(self, language: str, split: str) -> Corpus:
        """The sentences of a split that the model can read whole.

        Raises
        ------
        ValueError
            The world has no such language or split.
        """
        self._check(language, split)
        if (language, split) not in self._corpora:
            whole = self.source.corpus(language, split)
            # All at once: the tokenizer is far faster on many sentences than on one at a time.
            lengths = self.model.lengths([sentence.forms for sentence in whole.sentences])
            kept, dropped = drop_long(whole, lengths, self.model.max_tokens)
            self._corpora[language, split], self._dropped[language, split] = kept, dropped
        return self._corpora[language, split]

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        """The sentences of :meth:`corpus`."""
        return self.corpus(language, split).sentences

    def dropped(self, language: str, split: str) -> Corpus:
        """The sentences that were too long for the model."""
        self.corpus(language, split)
        return self._dropped[language, split]

    def lexicon(self, language: str) -> Lexicon:
        """The analyses of a language's word forms."""
        self._check(language, "train")
        if language not in self._lexicons:
            self._lexicons[language] = self.source.lexicon(language)
        return self._lexicons[language]

    def analyser(self, language: str) -> Analyser:
        """Who says which lemma and attributes a predicted word has: the source's, or the one of :meth:`judged_by`."""
        self._check(language, "train")
        if language not in self._analysers:
            self._analysers[language] = self.source.analyser(self.lexicon(language))
        return self._analysers[language]

    def judged_by(self, *analysers: Analyser) -> World:
        """The same world, with the words of the analysers' languages judged by them.

        Raises
        ------
        ValueError
            The world lacks an analyser's language, or two analysers are of one language.

        Examples
        --------
        >>> from pitfalls.language.analysers import SimplemmaAnalyser
        >>> world = load_world("mini")
        >>> world.judged_by(SimplemmaAnalyser("spa")).analyser("spa").name, world.analyser("spa").name
        ('simplemma', 'grammar')
        """
        languages = [analyser.language for analyser in analysers]
        for language in languages:
            self._check(language, "train")
            if languages.count(language) > 1:
                raise ValueError(f"{languages.count(language)} analysers of {language}: join them by FirstOf([...])")
        own = {analyser.language: analyser for analyser in analysers}
        return replace(self, _analysers={**self._analysers, **own})

    def values(self, language: str, attribute: str) -> tuple[str, ...]:
        """The attribute's values that pass the value filter, sorted; empty where none do."""
        train, dev, test = (self.corpus(language, split) for split in SPLITS)
        return kept_values(attribute, train, dev, test, min_forms=self.min_forms)

    def pairs(self, languages: Sequence[str] | None = None) -> pd.DataFrame:
        """The (language, attribute) pairs that can be probed: at least two values pass the filter."""
        rows = []
        for language in languages or self.languages:
            for attribute in unimorph.ATTRIBUTES:
                values = self.values(language, attribute)
                if len(values) >= 2:
                    rows.append({"language": language, "attribute": attribute, "values": " ".join(values)})
        return pd.DataFrame(rows, columns=["language", "attribute", "values"])

    def activations(self, language: str, attribute: str, layer: int) -> Splits:
        """Word vectors of all words that carry the attribute, at one layer.

        Raises
        ------
        ValueError
            No such language, attribute or layer, or fewer than two values pass the value filter.
        """
        if attribute not in unimorph.ATTRIBUTES:
            raise ValueError(f"no attribute {attribute!r}; there are: {', '.join(unimorph.ATTRIBUTES)}")
        if layer not in self.layers:
            raise ValueError(f"{self.model.name} has layers 0 to {self.model.n_layers}, not {layer}")
        values = self.values(language, attribute)
        if len(values) < 2:
            raise ValueError(
                f"{attribute} of {language}: {len(values)} value(s) have {self.min_forms} distinct word forms in "
                f"train, dev and test; two are needed. Use a larger treebank or a lower min_forms"
            )
        parts = {}
        for split in SPLITS:
            vectors = word_vectors(self.model, self._words(language, split), layer, cache=self.cache)
            part = select(vectors, self.corpus(language, split), attribute, values, layer)
            parts[split] = replace(part, X=perturbed(part.X, f"{language} {attribute} {layer} {split}"))
        return Splits(**parts)

    def experiment(self, language: str, attribute: str, layer: int) -> Experiment:
        """The words of a language that carry an attribute, with the model they come from: rank, probe, intervene.

        Raises
        ------
        ValueError
            As :meth:`activations`.
        """
        # The one import that runs upwards: an experiment knows its world.
        from pitfalls.worlds.experiment import Experiment

        return Experiment(self, self.activations(language, attribute, layer))

    def prepare(self, languages: Sequence[str], layers: Sequence[int]) -> pd.DataFrame:
        """Fill the cache with word vectors, all layers of a split in one pass of the model.

        :meth:`activations` finds them there. Without it, each layer is made by a pass of its own when it is first
        asked for.

        Parameters
        ----------
        languages : ISO 639-3 codes
        layers : 0 (embeddings) to ``model.n_layers``

        Returns
        -------
        A row a language and split: language, split, layers (text such as ``"2 7 12"``), words, and the megabytes that
        all these layers take. No row in a world that has no cache (the planted ones): there is nothing to fill.

        Raises
        ------
        ValueError
            No such language or layer.
        OSError
            The disk is full.

        Examples
        --------
        >>> load_world("planted").prepare(["art"], [0, 1]).empty
        True
        """
        wanted = self._checked_layers(layers)
        rows = []
        for language, split in self._cached(languages):
            words = self._words(language, split)
            layer_vectors(self.model, words, wanted, cache=self.cache)
            megabytes = len(wanted) * self._layer_bytes(words) / 1e6
            rows.append([language, split, " ".join(map(str, wanted)), sum(map(len, words)), megabytes])
        return pd.DataFrame(rows, columns=list(_PREPARED))

    def disk_need(self, languages: Sequence[str], layers: Sequence[int]) -> int:
        """Bytes of word vectors that :meth:`prepare` would add to the cache: 4 (float64: 8) per word, neuron and layer.

        What is in the cache is not counted.

        Raises
        ------
        ValueError
            No such language or layer.

        Examples
        --------
        >>> load_world("planted").disk_need(["art"], [0, 1])  # nothing of it is kept
        0
        """
        wanted = self._checked_layers(layers)
        splits = [self._words(language, split) for language, split in self._cached(languages)]
        if self.cache is None:
            return 0
        return sum(
            len(absent_layers(self.model, words, wanted, self.cache)) * self._layer_bytes(words) for words in splits
        )

    def _cached(self, languages: Sequence[str]) -> list[tuple[str, str]]:
        """The languages' splits whose vectors are kept on disk."""
        for language in languages:
            self._check(language, "train")
        return [] if self.cache is None else [(language, split) for language in languages for split in SPLITS]

    def _words(self, language: str, split: str) -> list[list[str]]:
        return [[word.form for word in sentence.words] for sentence in self.corpus(language, split).sentences]

    def _layer_bytes(self, words: Sequence[Sequence[str]]) -> int:
        return sum(map(len, words)) * self.model.n_neurons * vector_dtype(self.model).itemsize

    def _checked_layers(self, layers: Sequence[int]) -> list[int]:
        unknown = sorted(set(layers) - set(self.layers))
        if unknown:
            raise ValueError(f"{self.model.name} has layers 0 to {self.model.n_layers}, not {unknown}")
        if not layers:
            raise ValueError(f"no layer: give at least one of 0 to {self.model.n_layers}")
        return sorted(set(layers))

    def _check(self, language: str, split: str) -> None:
        if language not in self.languages:
            raise ValueError(f"the {self.name} world has {', '.join(self.languages)}, not {language!r}")
        if split not in SPLITS:
            raise ValueError(f"a corpus has the splits {', '.join(SPLITS)}, not {split!r}")
