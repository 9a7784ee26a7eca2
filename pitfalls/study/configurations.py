"""Configurations: every (language, attribute, site) of a world that can be studied, and the paper's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from pitfalls.columns import CONFIGURATION, SPLITS
from pitfalls.language import treebanks
from pitfalls.language.corpus import Corpus
from pitfalls.language.unimorph import ATTRIBUTES, AUTHORS, Conversion, conversion_of
from pitfalls.language.values import form_counts, kept_values
from pitfalls.site import Site, as_site
from pitfalls.worlds.load import PAPER_MIN_FORMS
from pitfalls.worlds.sources import TreebankSource
from pitfalls.worlds.world import World

PAPER_LAYERS = (2, 7, 12)
"""The layers that the paper studies [C]."""

_NINE = ("ara", "bul", "eng", "fin", "fra", "hin", "rus", "spa", "tur")

PAPER_PAIRS: Mapping[str, tuple[str, ...]] = {
    "Number": _NINE,
    "Part of Speech": _NINE,
    "Tense": ("bul", "eng", "fin", "fra", "rus", "spa", "tur"),
    "Gender": ("ara", "bul", "fra", "hin", "rus", "spa"),
    "Case": ("ara", "fin", "hin", "rus", "tur"),
    "Voice": ("ara", "bul", "fin", "rus"),
    "Aspect": ("ara", "rus"),
    "Person": ("bul", "fin", "tur"),
    "Definiteness": ("ara", "bul"),
    "Animacy": ("rus",),
    "Mood": (),
    "Polarity": ("tur",),
    "Possession": ("tur",),
}
"""Those of the paper's 52 pairs whose language is known, by attribute [I]; :data:`PAPER_UNNAMED` counts the others."""

PAPER_UNNAMED: Mapping[str, int] = {"Aspect": 1, "Mood": 1}
"""How many more languages the paper has for an attribute, without our knowing which [I]."""


@dataclass(frozen=True, order=True)
class Configuration:
    """One language, one attribute, one site.

    >>> Configuration("spa", "Part of Speech", Site("residual", 2)).id
    'spa_part-of-speech_layer2'
    """

    language: str
    attribute: str
    site: Site

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Configuration:
        """From the columns of :data:`~pitfalls.columns.CONFIGURATION`."""
        return cls(columns["language"], columns["attribute"], Site(columns["site"], columns["layer"]))

    @property
    def columns(self) -> dict[str, str | int]:
        """As it stands in the rows of a table: language, attribute, site, layer."""
        return {"language": self.language, "attribute": self.attribute, **self.site.columns}

    @property
    def id(self) -> str:
        """For file names."""
        return f"{self.language}_{self.attribute.lower().replace(' ', '-')}_{self.site.id}"


def configurations(
    world: World, sites: Sequence[Site | int] | None = None, languages: Sequence[str] | None = None
) -> list[Configuration]:
    """All configurations of a world: the pairs that pass its value filter, at each site.

    Parameters
    ----------
    sites : by default those of :func:`default_layers`; a number is the residual stream at that layer
    languages : by default all of the world's

    Raises
    ------
    ValueError
        The model has no such site, or the world no such language.

    Examples
    --------
    >>> from pitfalls.worlds.load import load_world
    >>> [configuration.id for configuration in configurations(load_world("planted"), sites=[0, 1])]
    ['art_number_layer0', 'art_number_layer1']
    """
    wanted = checked_sites(world, sites)
    pairs = world.pairs(languages)
    return [
        Configuration(language, attribute, site)
        for language, attribute in zip(pairs["language"], pairs["attribute"], strict=True)
        for site in wanted
    ]


def checked_sites(world: World, sites: Sequence[Site | int] | None = None) -> list[Site]:
    """These sites, or by default the residual stream at the default layers of the world's model.

    Raises
    ------
    ValueError
        The model has no such site.
    """
    given = default_layers(world.model.n_layers) if sites is None else sites
    wanted = list(dict.fromkeys(as_site(site) for site in given))
    for site in wanted:
        world.model.n_units(site)  # its error says which layers there are
    return wanted


def default_layers(n_layers: int) -> tuple[int, ...]:
    """The layers to study by default: the paper's in a model of 12 or more, all above the embeddings in a smaller one.

    >>> default_layers(12), default_layers(4)
    ((2, 7, 12), (1, 2, 3, 4))
    """
    return PAPER_LAYERS if n_layers >= 12 else tuple(range(1, n_layers + 1))


# -------------------------------------------------------------------------------------------- sizes


class Texts(Protocol):
    """What :func:`sizes` counts words in: a :class:`~pitfalls.worlds.world.World`, or texts without a model."""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-3 codes, sorted."""
        ...

    @property
    def min_forms(self) -> int:
        """The value filter's threshold in distinct word forms per split."""
        ...

    def corpus(self, language: str, split: str) -> Corpus:
        """The sentences of a split."""
        ...


@dataclass(frozen=True)
class PaperTexts:
    """The treebanks of the paper world without its model: no sentence is dropped for its length.

    Attributes
    ----------
    folder:
        The folder of CoNLL-U files, or None to download them into the cache.
    wanted:
        The languages; by default all nine, or those for which the folder has train, dev and test.
    conversion:
        How features become UniMorph; by default as in the authors' run, which gave the paper's 52 pairs.
    """

    folder: Path | None = None
    wanted: Sequence[str] | None = None
    min_forms: int = PAPER_MIN_FORMS
    conversion: Conversion = AUTHORS

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-3 codes, sorted.

        Raises
        ------
        ValueError
            A wanted language is not one of the nine, or no language has all three splits in the folder.
        """
        if self.wanted is not None:
            unknown = sorted(set(self.wanted) - set(_NINE))
            if unknown:
                raise ValueError(f"no treebank of {', '.join(unknown)}; there are treebanks of: {', '.join(_NINE)}")
            return tuple(sorted(set(self.wanted)))
        whole = tuple(language for language in _NINE if not self.lacking(language))
        if not whole:
            raise ValueError(f"{self.folder} has no treebank with train, dev and test, such as en_ewt-ud-train.conllu")
        return whole

    def lacking(self, language: str) -> list[str]:
        """The splits of a language that the folder lacks; without a folder none, since they are downloaded."""
        if self.folder is None:
            return []
        lacks: list[str] = []
        for split in SPLITS:
            try:
                treebanks.locate(language, split, folder=self.folder)
            except treebanks.TreebankError:
                lacks.append(split)
        return lacks

    def corpus(self, language: str, split: str) -> Corpus:
        """One split of a treebank; see :func:`pitfalls.language.treebanks.load`."""
        return TreebankSource(self.folder, self.languages, self.conversion).corpus(language, split)


def paper_texts(
    folder: str | os.PathLike[str] | None = None,
    languages: Sequence[str] | None = None,
    conversion: str | Conversion = AUTHORS,
) -> PaperTexts:
    """The treebanks of the paper world, without a model; the conversion may be given by its name."""
    found = None if folder is None else Path(folder).expanduser()
    return PaperTexts(found, languages, conversion=conversion_of(conversion))


def sizes(texts: Texts, sites: Sequence[Site | int], languages: Sequence[str] | None = None) -> pd.DataFrame:
    """All configurations, with the number of words and forms that each offers.

    Returns
    -------
    language, attribute, site, layer, the values that pass the filter, and for each split the words with one of them
    and their distinct forms: train_words, train_forms, dev_words, ...

    Examples
    --------
    >>> from pitfalls.worlds.load import load_world
    >>> table = sizes(load_world("planted"), [1])
    >>> table[["language", "attribute", "layer", "values"]].values.tolist()
    [['art', 'Number', 1, 'PL SG']]
    """
    rows = []
    for language in _asked(texts, languages):
        corpora = _corpora(texts, language)
        for attribute in ATTRIBUTES:
            train, dev, test = (corpora[split] for split in SPLITS)
            values = kept_values(attribute, train, dev, test, min_forms=texts.min_forms)
            if len(values) >= 2:
                counts: dict[str, int] = {}
                for split, corpus in corpora.items():
                    counts |= _counts(split, corpus, attribute, values)
                named = {"language": language, "attribute": attribute}
                rows += [{**named, **as_site(at).columns, "values": " ".join(values), **counts} for at in sites]
    columns = [*CONFIGURATION, "values", *(f"{split}_{what}" for split in SPLITS for what in _COUNTED)]
    return pd.DataFrame(rows, columns=columns)


_COUNTED = ("words", "forms")


def _asked(texts: Texts, languages: Sequence[str] | None) -> Sequence[str]:
    unknown = sorted(set(languages or ()) - set(texts.languages))
    if unknown:
        raise ValueError(f"no language {', '.join(unknown)}; there are: {', '.join(texts.languages)}")
    return list(dict.fromkeys(languages or texts.languages))


def _corpora(texts: Texts, language: str) -> dict[str, Corpus]:
    return {split: texts.corpus(language, split) for split in SPLITS}


def _counts(split: str, corpus: Corpus, attribute: str, values: Sequence[str]) -> dict[str, int]:
    forms = [
        word.form
        for sentence in corpus.sentences
        for word in sentence.words
        if word.attributes.get(attribute) in values
    ]
    return {f"{split}_words": len(forms), f"{split}_forms": len(set(forms))}


# -------------------------------------------------------------------------------------- the paper's


def paper_comparison(texts: Texts, languages: Sequence[str] | None = None) -> pd.DataFrame:
    """The paper's pairs compared with those that pass the filter here, for the languages at hand.

    Returns
    -------
    One row per pair that is in either: attribute, language, paper (``yes``, ``no``, or ``perhaps`` if the paper has one
    more language for the attribute and we do not know which), here (``yes`` or ``no``), and why: the fewest
    distinct forms that each value has in any split, and that split.
    """
    rows = []
    for language in _asked(texts, languages):
        corpora = _corpora(texts, language)
        for attribute in ATTRIBUTES:
            paper = _in_paper(attribute, language)
            least = _least_forms(attribute, corpora)
            here = (least["forms"] >= texts.min_forms).sum() >= 2
            if here or paper == "yes":
                why = ", ".join(f"{row['value']} {row['forms']} in {row['split']}" for row in least.to_dict("records"))
                rows.append([attribute, language, paper, "yes" if here else "no", why or "no word has it"])
    table = pd.DataFrame(rows, columns=["attribute", "language", "paper", "here", "why"])
    order = {attribute: i for i, attribute in enumerate(PAPER_PAIRS)}
    return table.sort_values(
        ["attribute", "language"], key=lambda column: column.map(lambda name: order.get(name, name)), ignore_index=True
    )


def _in_paper(attribute: str, language: str) -> str:
    """Whether the paper has a pair.

    >>> _in_paper("Case", "tur"), _in_paper("Case", "eng"), _in_paper("Mood", "tur")
    ('yes', 'no', 'perhaps')
    """
    if language in PAPER_PAIRS[attribute]:
        return "yes"
    return "perhaps" if attribute in PAPER_UNNAMED else "no"


def _least_forms(attribute: str, corpora: Mapping[str, Corpus]) -> pd.DataFrame:
    """For each value, the split where it has the fewest distinct forms; the value with the most comes first."""
    counts = form_counts(attribute, corpora)
    least = counts.sort_values("forms", kind="stable").drop_duplicates("value")
    return least.sort_values(["forms", "value"], ascending=[False, True], ignore_index=True)


def by_attribute(comparison: pd.DataFrame) -> pd.DataFrame:
    """Count the pairs of :func:`paper_comparison` by attribute.

    Returns
    -------
    One row per attribute of the paper's 13: attribute, paper (how many languages it has there, 52 in all), of_these
    (how many of those are compared), both, paper_only, here_only, perhaps (here, and perhaps in the paper).

    Examples
    --------
    >>> given = pd.DataFrame({"attribute": ["Case", "Mood"], "language": ["tur", "tur"], "paper": ["yes", "perhaps"],
    ...                       "here": ["no", "yes"]})
    >>> by_attribute(given).query("of_these > 0 or perhaps > 0").values.tolist()
    [['Case', 5, 1, 0, 1, 0, 0], ['Mood', 1, 0, 0, 0, 0, 1]]
    """
    rows = []
    for attribute, languages in PAPER_PAIRS.items():
        own = comparison[comparison["attribute"] == attribute]
        paper, here = own["paper"], own["here"] == "yes"
        counts = [paper == "yes", (paper == "yes") & here, (paper == "yes") & ~here, (paper == "no") & here]
        counts.append((paper == "perhaps") & here)
        total = len(languages) + PAPER_UNNAMED.get(attribute, 0)
        rows.append([attribute, total, *(int(count.sum()) for count in counts)])
    return pd.DataFrame(rows, columns=["attribute", "paper", "of_these", "both", "paper_only", "here_only", "perhaps"])
