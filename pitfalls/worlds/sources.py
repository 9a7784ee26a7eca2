"""Where a world's sentences and lexicon come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from pitfalls.columns import SPLITS
from pitfalls.language import artificial, grammar, treebanks
from pitfalls.language.analysers import ISO_639_1, Analyser, FirstOf, LexiconAnalyser, SimplemmaAnalyser
from pitfalls.language.corpus import Corpus, read_conllu
from pitfalls.language.grammar import corpora
from pitfalls.language.lexicon import Lexicon
from pitfalls.language.unimorph import AUTHORS, OURS, Conversion
from pitfalls.worlds.blueprint import PlantedParameters


class Source(Protocol):
    """Where a world's sentences and lexicon come from."""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-3 codes, sorted."""
        ...

    def corpus(self, language: str, split: str) -> Corpus:
        """One split of a language's treebank."""
        ...

    def lexicon(self, language: str) -> Lexicon:
        """The analyses of the language's word forms."""
        ...

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The analyser that judges words in the lexicon's language."""
        ...


@dataclass(frozen=True)
class GeneratedSource:
    """The generated treebanks of ``data/mini`` and the grammars' complete lexicons."""

    folder: Path

    @property
    def languages(self) -> tuple[str, ...]:
        """The four generated languages."""
        return grammar.LANGUAGES

    def corpus(self, language: str, split: str) -> Corpus:
        """One split of a generated treebank, once it has passed a check against the manifest's checksum."""
        name = corpora.file_name(language, split)
        corpora.check(self.folder, [name])
        return read_conllu(self.folder / name, language)

    def lexicon(self, language: str) -> Lexicon:
        """Every form of every lemma of the grammar."""
        forms = grammar.load_grammar(language).paradigms()
        return Lexicon.from_forms(
            language,
            ((form.text, form.lemma, OURS(form.upos, dict(form.feats), language, form.text)) for form in forms),
        )

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The complete lexicon alone: what is not in it is not a word."""
        return LexiconAnalyser(lexicon, "grammar")


@dataclass(frozen=True)
class TreebankSource:
    """Universal Dependencies treebanks, from a folder or downloaded into the cache."""

    folder: Path | None
    languages: tuple[str, ...]
    conversion: Conversion = AUTHORS
    _read: dict[tuple[str, str], Corpus] = field(default_factory=dict, repr=False, compare=False)

    def corpus(self, language: str, split: str) -> Corpus:
        """One split of a treebank; the splits of the language that was read last are kept."""
        if (language, split) not in self._read:
            corpus = treebanks.load(language, [split], folder=self.folder, convert=self.conversion)[split]
            # The lexicon needs the three splits that were just read, so these stay in memory, and no other language's.
            for other in [kept for kept in self._read if kept[0] != language]:
                self._read.pop(other, None)
            self._read[language, split] = corpus
        return self._read[language, split]

    def check(self) -> None:
        """Look for all files in the folder, if there is one; where treebanks are downloaded, there is nothing to do.

        Raises
        ------
        TreebankError
            The folder lacks a file.
        """
        if self.folder is not None:
            for language in self.languages:
                for split in SPLITS:
                    treebanks.locate(language, split, self.folder)

    def lexicon(self, language: str) -> Lexicon:
        """Every word of the three splits with its analyses there."""
        return Lexicon.from_corpora(*(self.corpus(language, split) for split in SPLITS))

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The treebank's lexicon; simplemma for the lemmas of words that it lacks."""
        return _treebank_analyser(lexicon)


@dataclass(frozen=True)
class SampledSource:
    """Another source with fewer sentences, drawn with a seed and kept in their order; its lexicon stays whole."""

    source: Source
    sentences: Mapping[str, int]
    seed: int = 0

    @property
    def languages(self) -> tuple[str, ...]:
        """Those of the other source."""
        return self.source.languages

    def corpus(self, language: str, split: str) -> Corpus:
        """At most as many sentences of a split as are wanted."""
        whole = self.source.corpus(language, split)
        wanted = self.sentences.get(split, len(whole.sentences))
        if wanted >= len(whole.sentences):
            return whole
        drawn = np.random.default_rng(self.seed).choice(len(whole.sentences), wanted, replace=False)
        return replace(whole, sentences=tuple(whole.sentences[i] for i in sorted(drawn.tolist())))

    def lexicon(self, language: str) -> Lexicon:
        """The other source's."""
        return self.source.lexicon(language)

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The other source's."""
        return self.source.analyser(lexicon)


@dataclass(frozen=True)
class FileSource:
    """One language's treebank given as three corpora."""

    corpora: Mapping[str, Corpus]

    @property
    def languages(self) -> tuple[str, ...]:
        """The one language."""
        return (self.corpora["train"].language,)

    def corpus(self, language: str, split: str) -> Corpus:
        """The corpus of a split."""
        return self.corpora[split]

    def lexicon(self, language: str) -> Lexicon:
        """Every word of the three splits with its analyses there."""
        return Lexicon.from_corpora(*(self.corpora[split] for split in SPLITS))

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The treebank's lexicon; simplemma for the lemmas of words that it lacks."""
        return _treebank_analyser(lexicon)


def _treebank_analyser(lexicon: Lexicon) -> Analyser:
    of_treebank = LexiconAnalyser(lexicon, "treebank")
    if lexicon.language not in ISO_639_1:
        return of_treebank
    return FirstOf([of_treebank, SimplemmaAnalyser(lexicon.language)])


@dataclass(frozen=True)
class PlantedSource:
    """The planted network's own language."""

    parameters: PlantedParameters

    @property
    def languages(self) -> tuple[str, ...]:
        """The one artificial language; ISO 639-2 calls all artificial languages "art"."""
        return (artificial.LANGUAGE,)

    def corpus(self, language: str, split: str) -> Corpus:
        """The sentences of a split, drawn with the split's own seed."""
        return self.parameters.language.corpus(split, self.parameters.words(split), seed=SPLITS.index(split))

    def lexicon(self, language: str) -> Lexicon:
        """Every word of the language."""
        return self.parameters.language.lexicon

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The complete lexicon alone: what is not in it is not a word."""
        return LexiconAnalyser(lexicon, "grammar")
