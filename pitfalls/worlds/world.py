"""A world: a language model, an annotated corpus and a lexicon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.language import unimorph
from pitfalls.language.analysers import Analyser
from pitfalls.language.corpus import Corpus, Sentence, drop_long
from pitfalls.language.lexicon import Lexicon
from pitfalls.language.values import kept_values
from pitfalls.models.interface import LanguageModel
from pitfalls.models.latents import with_saes
from pitfalls.models.perturbation import perturbed
from pitfalls.models.rotation import with_rotation
from pitfalls.models.sae import SparseAutoencoder
from pitfalls.models.vectors import absent_bytes, select, site_vectors, word_vectors
from pitfalls.numbers import whole
from pitfalls.site import Site, as_sites
from pitfalls.worlds.sources import SampledSource, Source

_PREPARED = ("language", "split", "sites", "words", "megabytes")

if TYPE_CHECKING:
    from pitfalls.worlds.experiment import Experiment


@dataclass
class World:
    """A model, a corpus and a lexicon behind one interface.

    Corpora and lexicons are read when first needed and kept; word vectors are kept on disk, if there is a ``cache``.
    Sentences of ``model.max_tokens`` subwords or more are dropped, and :meth:`dropped` returns them.
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
    _whole: World | None = field(default=None, repr=False)

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-3 codes of the world's languages, sorted."""
        return self.source.languages

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """0 (the embeddings) to L."""
        return tuple(range(self.model.n_layers + 1))

    @property
    def whole(self) -> World:
        """The world that this one was drawn from (:meth:`sampled`), or else this one."""
        return self._whole or self

    def corpus(self, language: str, split: str) -> Corpus:
        """The sentences of a split that have fewer than ``model.max_tokens`` subwords.

        Raises
        ------
        ValueError
            The world has no such language or split.
        """
        self._check(language, split)
        if (language, split) not in self._corpora:
            read = self.source.corpus(language, split)
            # All at once: the tokenizer is far faster on many sentences than on one at a time.
            lengths = self.model.lengths([sentence.forms for sentence in read.sentences])
            kept, dropped = drop_long(read, lengths, self.model.max_tokens)
            self._corpora[language, split], self._dropped[language, split] = kept, dropped
        return self._corpora[language, split]

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        """The sentences of :meth:`corpus`."""
        return self.corpus(language, split).sentences

    def dropped(self, language: str, split: str) -> Corpus:
        """The sentences of a split that have ``model.max_tokens`` subwords or more."""
        self.corpus(language, split)
        return self._dropped[language, split]

    def lexicon(self, language: str) -> Lexicon:
        """The analyses of a language's word forms."""
        self._check(language, "train")
        if language not in self._lexicons:
            self._lexicons[language] = self.source.lexicon(language)
        return self._lexicons[language]

    def analyser(self, language: str) -> Analyser:
        """The analyser that judges predicted words: the source's, or the one given to :meth:`judged_by`."""
        self._check(language, "train")
        if language not in self._analysers:
            self._analysers[language] = self.source.analyser(self.lexicon(language))
        return self._analysers[language]

    def judged_by(self, *analysers: Analyser) -> World:
        """The same world, in which these analysers judge the words of their languages.

        Raises
        ------
        ValueError
            The world lacks an analyser's language, or two analysers are for the same language.

        Examples
        --------
        >>> import pitfalls as pf
        >>> from pitfalls.language.analysers import SimplemmaAnalyser
        >>> world = pf.load_world("mini")
        >>> world.judged_by(SimplemmaAnalyser("spa")).analyser("spa").name, world.analyser("spa").name
        ('simplemma', 'grammar')
        """
        languages = [analyser.language for analyser in analysers]
        for language in languages:
            self._check(language, "train")
            if languages.count(language) > 1:
                raise ValueError(f"{languages.count(language)} analysers of {language}: join them with FirstOf([...])")
        own = {analyser.language: analyser for analyser in analysers}
        return replace(self, _analysers={**self._analysers, **own})

    def with_sae(self, *saes: SparseAutoencoder) -> World:
        """The same world, in which ``Site("sae", layer)`` are the latents of an autoencoder at that layer.

        Vectors and outcomes are kept apart from those of the same model with another autoencoder, or with none.

        Parameters
        ----------
        *saes :
            Trained by :func:`~pitfalls.models.sae.train_sae`, or read by :func:`~pitfalls.models.sae_files.read`; one
            for each layer.

        Raises
        ------
        ValueError
            An autoencoder is for another width, layer or model, or a layer has two.

        Examples
        --------
        >>> import pitfalls as pf
        >>> from pitfalls.models.sae import Recipe, train_sae
        >>> world = pf.load_world("planted")
        >>> words = [sentence.forms for sentence in world.sentences("art", "train")]
        >>> sae = train_sae(world.model, words, layer=1, recipe=Recipe(latents=64, k=8, steps=5))
        >>> experiment = world.with_sae(sae).experiment("art", "Number", site=pf.Site("sae", 1))
        >>> len(experiment.rank("probeless"))
        64
        """
        return replace(self, model=with_saes(self.model, saes))

    def untrained(self, seed: int = 0) -> World:
        """The same world with the untrained twin of its model: its architecture and tokenizer, with random weights.

        Raises
        ------
        ValueError
            The model was never trained: it was written by hand (the planted worlds).

        Examples
        --------
        >>> import pitfalls as pf
        >>> twin = pf.load_world("mini").untrained(seed=1)
        >>> twin.model.name, twin.model.n_layers
        ('bert, untrained 1', 4)
        """
        model: Any = self.model
        if not hasattr(model, "untrained"):
            raise ValueError(f"{model.name} was written by hand, not trained, so it has no untrained twin")
        return replace(self, model=model.untrained(seed))

    def sampled(self, sentences: Mapping[str, int], seed: int = 0) -> World:
        """The same world with fewer sentences, for a model that takes long to read them all.

        Which values pass the filter is still decided on all sentences, and the lexicon is that of all.

        Parameters
        ----------
        sentences :
            At most how many to draw of each split, such as ``{"train": 3000}``; all of the splits that it leaves out.
        seed :
            For the draw.

        Raises
        ------
        ValueError
            There is no such split, a number is below 1, or the world is sampled already.

        Examples
        --------
        >>> import pitfalls as pf
        >>> world = pf.load_world("planted")
        >>> few = world.sampled({"train": 50})
        >>> len(world.sentences("art", "train")) > len(few.sentences("art", "train"))
        True
        >>> len(few.sentences("art", "train")), few.values("art", "Number")
        (50, ('PL', 'SG'))
        """
        if self._whole is not None:
            raise ValueError("this world is sampled already: draw from the world that it was drawn from")
        for split, count in sentences.items():
            if split not in SPLITS:
                raise ValueError(f"a corpus has the splits {', '.join(SPLITS)}, not {split!r}")
            whole(count, f"the sentences of {split}", 1)
        source = SampledSource(self.source, dict(sentences), whole(seed, "a seed"))
        return replace(self, source=source, _corpora={}, _dropped={}, _whole=self)

    def rotated(self, seed: int = 0) -> World:
        """The same world, in which ``Site("rotated", layer)`` is the residual stream there in a random basis.

        Vectors and outcomes are kept apart from those of other bases.

        Parameters
        ----------
        seed :
            For the basis, the same at all layers (:func:`~pitfalls.models.rotation.random_rotation`).

        Examples
        --------
        >>> import numpy as np
        >>> import pitfalls as pf
        >>> world = pf.load_world("planted").rotated(seed=1)
        >>> rotated = world.experiment("art", "Number", site=pf.Site("rotated", 1))
        >>> own = world.experiment("art", "Number", layer=1)
        >>> np.allclose(*(np.linalg.norm(one.data.test.X, axis=1) for one in (own, rotated)))  # as long as before
        True
        """
        return replace(self, model=with_rotation(self.model, seed))

    def values(self, language: str, attribute: str) -> tuple[str, ...]:
        """The attribute's values that pass the value filter, sorted; empty if none do."""
        if self._whole is not None:
            return self._whole.values(language, attribute)
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

    def activations(self, language: str, attribute: str, layer: int | None = None, site: Site | None = None) -> Splits:
        """Word vectors of all words that carry the attribute, at one site.

        Parameters
        ----------
        language, attribute
            Such as ``"spa"``, ``"Gender"``.
        layer, site
            Give one of the two; a layer means the residual stream at that layer.

        Raises
        ------
        ValueError
            There is no such language, attribute or site, or fewer than two values pass the value filter.
        """
        at = self._checked_site(layer, site)
        if attribute not in unimorph.ATTRIBUTES:
            raise ValueError(f"no attribute {attribute!r}; there are: {', '.join(unimorph.ATTRIBUTES)}")
        values = self.values(language, attribute)
        if len(values) < 2:
            raise ValueError(
                f"{attribute} of {language}: {len(values)} value(s) have {self.min_forms} distinct word forms in "
                f"train, dev and test; two are needed. Use a larger treebank or a lower min_forms"
            )
        parts = {}
        for split in SPLITS:
            vectors = word_vectors(self.model, self._words(language, split), at, cache=self.cache)
            part = select(vectors, self.corpus(language, split), attribute, values, at)
            parts[split] = replace(part, X=perturbed(part.X, f"{language} {attribute} {at} {split}"))
        return Splits(**parts)

    def experiment(
        self, language: str, attribute: str, layer: int | None = None, site: Site | None = None
    ) -> Experiment:
        """The words of a language that carry an attribute, with the world's model, to rank, probe and intervene.

        Raises
        ------
        ValueError
            As in :meth:`activations`.
        """
        # The one import that runs upwards: an experiment knows its world.
        from pitfalls.worlds.experiment import Experiment

        return Experiment(self, self.activations(language, attribute, layer, site))

    def prepare(self, languages: Sequence[str], sites: Sequence[Site | int]) -> pd.DataFrame:
        """Fill the cache with word vectors, all sites of a split in one pass of the model.

        :meth:`activations` finds them there. Without this call, each site's vectors take a pass of their own, the first
        time that they are needed.

        Parameters
        ----------
        languages : ISO 639-3 codes
        sites : a number is the residual stream at that layer, 0 (embeddings) to ``model.n_layers``

        Returns
        -------
        One row per language and split: language, split, sites (text such as ``"layer 2, layer 7"``), words, and the
        megabytes that all these sites take. No rows in a world without a cache (the planted ones).

        Raises
        ------
        ValueError
            No such language or site.
        OSError
            The disk is full.

        Examples
        --------
        >>> import pitfalls as pf
        >>> pf.load_world("planted").prepare(["art"], [0, 1]).empty
        True
        """
        wanted = self._checked_sites(sites)
        rows = []
        for language, split in self._cached(languages):
            words = self._words(language, split)
            found = site_vectors(self.model, words, wanted, cache=self.cache)
            megabytes = sum(vectors.nbytes for vectors in found.values()) / 1e6
            rows.append([language, split, ", ".join(map(str, wanted)), sum(map(len, words)), megabytes])
        return pd.DataFrame(rows, columns=list(_PREPARED))

    def disk_need(self, languages: Sequence[str], sites: Sequence[Site | int]) -> int:
        """Bytes of word vectors that :meth:`prepare` would add to the cache: 4 (float64: 8) per word, unit and site.

        What the cache already holds does not count.

        Raises
        ------
        ValueError
            No such language or site.

        Examples
        --------
        >>> import pitfalls as pf
        >>> pf.load_world("planted").disk_need(["art"], [0, 1])  # this world caches none
        0
        """
        wanted = self._checked_sites(sites)
        splits = [self._words(language, split) for language, split in self._cached(languages)]
        if self.cache is None:
            return 0
        return sum(absent_bytes(self.model, words, wanted, self.cache) for words in splits)

    def _cached(self, languages: Sequence[str]) -> list[tuple[str, str]]:
        """The languages' splits whose vectors are kept on disk."""
        for language in languages:
            self._check(language, "train")
        return [] if self.cache is None else [(language, split) for language in languages for split in SPLITS]

    def _words(self, language: str, split: str) -> list[list[str]]:
        return [[word.form for word in sentence.words] for sentence in self.corpus(language, split).sentences]

    def _checked_site(self, layer: int | None, site: Site | None) -> Site:
        if (layer is None) == (site is None):
            raise ValueError(f"give a layer or a site, not both or neither: layer is {layer}, site {site}")
        (found,) = self._checked_sites([one for one in (layer, site) if one is not None])
        return found

    def _checked_sites(self, sites: Sequence[Site | int]) -> list[Site]:
        if not len(sites):
            raise ValueError(f"no layer: give at least one of 0 to {self.model.n_layers}")
        wanted = as_sites(sites)
        for site in wanted:
            self.model.n_units(site)  # says which layers there are
        return wanted

    def _check(self, language: str, split: str) -> None:
        if language not in self.languages:
            raise ValueError(f"the {self.name} world has {', '.join(self.languages)}, not {language!r}")
        if split not in SPLITS:
            raise ValueError(f"a corpus has the splits {', '.join(SPLITS)}, not {split!r}")
