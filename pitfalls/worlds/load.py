"""A world is a masked language model, an annotated corpus and a lexicon; every experiment takes one.

``load_world("mini")`` is the embedded default, ``load_world("paper", …)`` a model by name or folder on the nine
Universal Dependencies treebanks, ``load_world("planted")`` a network written by hand whose neurons are known, and
:func:`world_from_files` anybody's model on anybody's CoNLL-U files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch

from pitfalls.language import artificial, grammar, treebanks, unimorph
from pitfalls.language.analysers import ISO_639_1, Analyser, FirstOf, LexiconAnalyser, SimplemmaAnalyser
from pitfalls.language.corpus import Corpus, Dropped, Sentence, drop_long, read_conllu
from pitfalls.language.grammar import corpora
from pitfalls.language.lexicon import Lexicon
from pitfalls.language.unimorph import AUTHORS, Conversion, conversion_of
from pitfalls.language.values import kept_values
from pitfalls.models.vectors import Splits, absent_layers, layer_vectors, select, vector_dtype, word_vectors
from pitfalls.worlds.blueprint import PlantedParameters, Truth
from pitfalls.models.interface import LanguageModel
from pitfalls.models.masked import MaskedLM
from pitfalls.models.perturbation import perturbed
from pitfalls.worlds.planted import PlantedLM
from pitfalls.worlds.names import DTYPES, WORLDS

SPLITS = ("train", "dev", "test")

MINI_MIN_FORMS = 20
"""The value filter's threshold in the mini world, in distinct word forms a split (the paper's is 100).

Its lexicon holds some hundred lemmas, so a value of a closed set of words (a Turkish possessor, a Spanish
person) has tens of forms, not hundreds.
"""

PAPER_MIN_FORMS = 100
"""The value filter's threshold in the paper's code, in distinct word forms a split [C]."""

PLANTED_MIN_FORMS = 1
"""The value filter's threshold in the planted worlds: their values are known, none needs to be dropped."""

_PREPARED = ("language", "split", "layers", "words", "megabytes")


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
        """Who judges the words of a language, whose lexicon this is."""
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
        """One split of a generated treebank, compared with the manifest's checksum first."""
        name = corpora.file_name(language, split)
        corpora.check(self.folder, [name])
        return read_conllu(self.folder / name, language)

    def lexicon(self, language: str) -> Lexicon:
        """Every form of every lemma of the grammar."""
        forms = grammar.load_grammar(language).paradigms()
        return Lexicon.from_forms(
            language,
            (
                (
                    form.text,
                    form.lemma,
                    unimorph.attributes(form.upos, dict(form.feats), language, form.text, form.lemma),
                )
                for form in forms
            ),
        )

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The complete lexicon alone: what is not in it is no word."""
        return LexiconAnalyser(lexicon, "grammar")


@dataclass(frozen=True)
class TreebankSource:
    """Universal Dependencies treebanks, from a folder or downloaded into the cache."""

    folder: Path | None
    languages: tuple[str, ...]
    conversion: Conversion = AUTHORS
    _read: dict[tuple[str, str], Corpus] = field(default_factory=dict, repr=False, compare=False)

    def corpus(self, language: str, split: str) -> Corpus:
        """One split of a treebank; those of the language that was read last are kept."""
        if (language, split) not in self._read:
            corpus = treebanks.load(language, [split], folder=self.folder, convert=self.conversion)[split]
            # A lexicon asks for what its words' reader has just read: three splits, and no more in memory.
            for other in [kept for kept in self._read if kept[0] != language]:
                self._read.pop(other, None)
            self._read[language, split] = corpus
        return self._read[language, split]

    def lexicon(self, language: str) -> Lexicon:
        """Every word of the three splits with its analyses there."""
        return Lexicon.from_corpora(*(self.corpus(language, split) for split in SPLITS))

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The treebank's lexicon; simplemma for the lemmas of words that it lacks."""
        return _treebank_analyser(lexicon)


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
        """The sentences of a split, drawn anew for each split."""
        return self.parameters.language.corpus(split, self.parameters.words(split), seed=SPLITS.index(split))

    def lexicon(self, language: str) -> Lexicon:
        """Every word of the language."""
        return self.parameters.language.lexicon

    def analyser(self, lexicon: Lexicon) -> Analyser:
        """The complete lexicon alone: what is not in it is no word."""
        return LexiconAnalyser(lexicon, "grammar")


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
    _dropped: dict[tuple[str, str], Dropped] = field(default_factory=dict, repr=False)
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
            forms = [sentence.forms for sentence in whole.sentences]
            # All at once: the tokenizer is far faster on many sentences than on one at a time.
            length = dict(zip(forms, self.model.lengths(forms), strict=True))
            kept, dropped = drop_long(whole, lambda words: length[tuple(words)], self.model.max_tokens)
            self._corpora[language, split], self._dropped[language, split] = kept, dropped
        return self._corpora[language, split]

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        """The sentences of :meth:`corpus`."""
        return self.corpus(language, split).sentences

    def dropped(self, language: str, split: str) -> Dropped:
        """The sentences that were too long for the model; ``len`` counts them, ``.report()`` names them."""
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


def cache_folder() -> Path:
    """Where word vectors are kept between runs: ``$PITFALLS_CACHE`` or the user's cache folder."""
    return treebanks.cache_folder() / "activations"


def mini_folder() -> Path:
    """The mini world's data: inside the installed package, or ``data/mini`` of a checkout.

    Raises
    ------
    FileNotFoundError
        Neither exists.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_mini", package.parent / "data" / "mini"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no mini world at {package / '_mini'} or {package.parent / 'data' / 'mini'}")


def load_world(
    name: str | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    treebanks: str | os.PathLike[str] | None = None,
    languages: Sequence[str] | None = None,
    conversion: str | Conversion | None = None,
    min_forms: int | None = None,
    revision: str | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    planted: PlantedParameters | None = None,
) -> World:
    """A world by name.

    Parameters
    ----------
    name : ``mini`` (embedded, offline), ``paper``, ``planted`` (known neurons) or ``planted-covariance`` (known
        neurons, values that differ in covariance only); without it, the environment variable ``PITFALLS_WORLD`` and
        its companions ``PITFALLS_MODEL``, ``PITFALLS_TREEBANKS`` and ``PITFALLS_CONVERSION`` decide, so that one
        switch moves a whole notebook; where they are not set, ``mini``
    model : for ``paper``, any masked LM by name or folder (default ``bert-base-multilingual-cased``)
    treebanks : for ``paper``, a folder of CoNLL-U files (default: downloaded into the cache)
    languages : for ``paper``, the languages wanted (default: all nine)
    conversion : for ``paper``, the conversion to UniMorph, by name or itself: ``authors`` (default), ``converter`` or
        ``ours``, which is the mini world's (:mod:`pitfalls.language.unimorph`)
    min_forms : the value filter's threshold in distinct word forms (default 20 for ``mini``, 100 for ``paper``, 1
        for the planted worlds)
    revision : the model's revision on the hub
    device : ``cpu``, ``cuda``, …
    dtype : for ``paper``, the precision that the model computes in, one of :data:`~pitfalls.study.names.DTYPES`
        (default ``float32``); the other worlds compute in float64, so that every processor prints the same digits
    planted : for the planted worlds, what is planted (default: ``PlantedParameters()``, or for
        ``planted-covariance`` ``PlantedParameters.covariance()``)

    Raises
    ------
    ValueError
        An unknown world or conversion, an option that the world does not take, or means that differ in
        ``planted-covariance``.

    Examples
    --------
    >>> load_world("mini").languages
    ('eng', 'rus', 'spa', 'tur')
    >>> load_world("planted", planted=PlantedParameters(seed=3)).values("art", "Number")
    ('PL', 'SG')
    """
    if name is None:
        name = os.environ.get("PITFALLS_WORLD") or "mini"
        model = model or os.environ.get("PITFALLS_MODEL") or None
        treebanks = treebanks or os.environ.get("PITFALLS_TREEBANKS") or None
        conversion = conversion or os.environ.get("PITFALLS_CONVERSION") or None
    chosen = any(option is not None for option in (model, treebanks, languages, conversion, revision))
    if chosen and name in WORLDS and name != "paper":
        raise ValueError(
            f'the {name} world is fixed; for another model, treebank or conversion use load_world("paper", …)'
        )
    precision = _dtype(dtype)
    if dtype not in (None, "float64") and name in WORLDS and name != "paper":
        raise ValueError(
            f'the {name} world computes in float64, not {dtype}; for another precision use load_world("paper", …)'
        )
    if planted is not None and name in ("mini", "paper"):
        raise ValueError(f'nothing can be planted in the {name} world; use load_world("planted", planted=…)')
    if name == "mini":
        folder = mini_folder()
        lm = MaskedLM.load(folder / "model", device=device, dtype=torch.float64)
        return World("mini", lm, GeneratedSource(folder), min_forms or MINI_MIN_FORMS, cache_folder())
    if name == "paper":
        source = _treebank_source(treebanks, languages, conversion or AUTHORS)
        chosen_model = os.fspath(model or "bert-base-multilingual-cased")
        lm = MaskedLM.load(chosen_model, revision=revision, device=device, dtype=precision)
        return World("paper", lm, source, min_forms or PAPER_MIN_FORMS, cache_folder())
    if name in ("planted", "planted-covariance"):
        parameters = _planted_parameters(name, planted)
        network = PlantedLM(parameters, name, device)
        return World(name, network, PlantedSource(parameters), min_forms or PLANTED_MIN_FORMS)
    raise ValueError(f"no world {name!r}; there are: {', '.join(WORLDS)}")


def _dtype(name: str | None) -> torch.dtype:
    if name is None:
        return torch.float32
    if name not in DTYPES:
        raise ValueError(f"no dtype {name!r}; there are: {', '.join(DTYPES)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _planted_parameters(name: str, given: PlantedParameters | None) -> PlantedParameters:
    if name == "planted":
        return given or PlantedParameters()
    parameters = given or PlantedParameters.covariance()
    if parameters.used_strength > 0 or parameters.unused_strength > 0:
        raise ValueError(
            f"the values of planted-covariance have equal means, and used_strength is {parameters.used_strength}, "
            f"unused_strength {parameters.unused_strength}: start from PlantedParameters.covariance()"
        )
    return parameters


def truth(world: World) -> Truth:
    """Which neurons of a planted world encode the attribute, and which ones the model uses.

    Raises
    ------
    ValueError
        Any other world: what its model reads is the question, not an answer that could be looked up.

    Examples
    --------
    >>> planted = truth(load_world("planted"))
    >>> int(planted.encoded.sum()), int(planted.used.sum()), planted.n_neurons
    (36, 12, 128)
    """
    if isinstance(world.model, PlantedLM):
        return world.model.truth
    raise ValueError(
        f"which neurons the {world.name} world uses is not known: only the planted worlds are written by hand; "
        'load_world("planted")'
    )


def _treebank_source(
    folder: str | os.PathLike[str] | None, languages: Sequence[str] | None, conversion: str | Conversion
) -> TreebankSource:
    known = sorted(bank.language for bank in treebanks.TREEBANKS)
    wanted = sorted(set(languages)) if languages is not None else known
    unknown = [language for language in wanted if language not in known]
    if unknown:
        raise ValueError(f"no treebank of {', '.join(unknown)}; there are treebanks of: {', '.join(known)}")
    return TreebankSource(None if folder is None else Path(folder), tuple(wanted), conversion_of(conversion))


def world_from_files(
    model: str | os.PathLike[str],
    files: Sequence[str | os.PathLike[str]],
    language: str | None = None,
    *,
    conversion: str | Conversion = "ours",
    min_forms: int = PAPER_MIN_FORMS,
    revision: str | None = None,
    device: str = "cpu",
    dtype: str | None = None,
) -> World:
    """A world of one language from any masked LM and CoNLL-U files.

    The files' names say their split (``…-train.conllu``, ``…-dev…``, ``…-test…``) and, as in Universal
    Dependencies, their language (``en_ewt-…``). Where there is no training file, four of five sentences of the
    dev file are taken for training and the fifth stays dev.

    Parameters
    ----------
    model : name or folder
    files : CoNLL-U files; dev and test are needed
    language : ISO 639-3 code, where the names do not say it. For a language other than the paper's nine there are no
        rules of its own, which a warning says: the conversion's common table alone gives the attributes
    conversion : to UniMorph, by name (``authors``, ``converter``, ``ours``) or itself
        (:mod:`pitfalls.language.unimorph`)
    min_forms : the value filter's threshold in distinct word forms a split
    revision, device, dtype : as of :func:`load_world`

    Raises
    ------
    ValueError
        There is no such dtype or conversion, a file's split or language cannot be told, a split is there twice, or dev
        or test is missing.
    """
    precision, convert = _dtype(dtype), conversion_of(conversion)
    paths: dict[str, Path] = {}
    for file in map(Path, files):
        split = _split_of(file)
        if split in paths:
            raise ValueError(f"two files for {split}: {paths[split]} and {file}; give one of each split")
        paths[split] = file
    missing = [split for split in ("dev", "test") if split not in paths]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)} file among {', '.join(map(str, files))}")
    code = language or _language_of(paths["test"])
    convert.check(code)
    # The bare method: what there is to say of the language has been said once for all splits.
    parts = {split: read_conllu(path, code, convert.attributes) for split, path in paths.items()}
    if "train" not in parts:
        parts["train"], parts["dev"] = divide(parts["dev"])
    lm = MaskedLM.load(os.fspath(model), revision=revision, device=device, dtype=precision)
    return World(paths["test"].stem, lm, FileSource(parts), min_forms, cache_folder())


def divide(corpus: Corpus) -> tuple[Corpus, Corpus]:
    """Four of five sentences for training, every fifth for dev."""
    train = tuple(sentence for index, sentence in enumerate(corpus.sentences) if index % 5 != 4)
    dev = tuple(sentence for index, sentence in enumerate(corpus.sentences) if index % 5 == 4)
    return (
        Corpus(corpus.language, train, f"{corpus.name} (4 of 5)"),
        Corpus(corpus.language, dev, f"{corpus.name} (1 of 5)"),
    )


def _split_of(path: Path) -> str:
    found = [split for split in SPLITS if split in path.stem.replace("_", "-").split("-")]
    if len(found) != 1:
        raise ValueError(f"{path}: its name must hold one of train, dev and test, as in en_ewt-ud-dev.conllu")
    return found[0]


def _language_of(path: Path) -> str:
    prefix = path.name.split("-")[0]
    for bank in treebanks.TREEBANKS:
        if prefix.split("_")[0] in (bank.prefix.split("_")[0], bank.language):
            return bank.language
    raise ValueError(f"{path}: cannot tell its language from {prefix!r}; say it with --language (ISO 639-3)")
