"""Which values of an attribute a study keeps: the paper's filter on distinct word forms.

A value that few forms carry can be learnt by heart, so the paper drops every value with fewer than 100
distinct word forms in train, dev or test (SOURCES.md, "Value filter" [C]). Forms are compared as
`Word` holds them: `The` and `the` are two forms, canonically equal spellings are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from pitfalls.language.unimorph import ATTRIBUTES

if TYPE_CHECKING:
    from pitfalls.language.corpus import Corpus


def kept_values(attribute: str, train: Corpus, dev: Corpus, test: Corpus, min_forms: int = 100) -> tuple[str, ...]:
    """Keep the values of `attribute` with at least `min_forms` distinct word forms in each of train, dev and test.

    A value that a split lacks is dropped. (In the authors' code a value that dev or test lacks passes: SOURCES.md,
    Traps.) The values are sorted; with fewer than two there is no configuration.

    Raises
    ------
    ValueError
        `min_forms` is negative; and as in `form_counts`.

    Examples
    --------
    >>> from pitfalls.language.corpus import Corpus, Sentence, Word
    >>> words = tuple(Word(f, f, {"Number": v}) for f, v in [("cat", "SG"), ("dog", "SG"), ("cats", "PL")])
    >>> splits = [Corpus("eng", (Sentence("1", words),), "toy")] * 3
    >>> kept_values("Number", *splits, min_forms=1), kept_values("Number", *splits, min_forms=2)
    (('PL', 'SG'), ('SG',))
    """
    if min_forms < 0:
        raise ValueError(f"min_forms must be 0 or more, got {min_forms}")
    counts = form_counts(attribute, {"train": train, "dev": dev, "test": test})
    fewest = counts.groupby("value")["forms"].min()
    return tuple(fewest.index[fewest >= max(min_forms, 1)])


def form_counts(attribute: str, corpora: Mapping[str, Corpus]) -> pd.DataFrame:
    """Count the distinct forms and the words of every value of `attribute` in every corpus, as a tidy table.

    Parameters
    ----------
    corpora : corpora of one language by the names of their splits

    Returns
    -------
    One row per value and split, including those with no word: `value`, `split`, `forms` (distinct word forms),
    `words` (tokens); values sorted, splits in the order given.

    Raises
    ------
    ValueError
        The corpora are of different languages, or the attribute is not one of the paper's 13 and no word carries it.

    Examples
    --------
    >>> from pitfalls.language.corpus import Corpus, Sentence, Word
    >>> pairs = [("cat", "SG"), ("cat", "SG"), ("cats", "PL")]
    >>> words = tuple(Word(form, "cat", {"Number": value}) for form, value in pairs)
    >>> form_counts("Number", {"train": Corpus("eng", (Sentence("1", words),), "toy")}).values.tolist()
    [['PL', 'train', 1, 1], ['SG', 'train', 1, 2]]
    """
    languages = {split: corpus.language for split, corpus in corpora.items()}
    if len(set(languages.values())) > 1:
        raise ValueError(f"the corpora are of different languages: {languages}; give splits of one treebank")
    carried = {split: _carried(attribute, corpus) for split, corpus in corpora.items()}
    if attribute not in ATTRIBUTES and not any(carried.values()):
        words = (word for corpus in corpora.values() for s in corpus.sentences for word in s.words)
        there = ", ".join(sorted({name for word in words for name in word.attributes})) or "none"
        raise ValueError(f"no word carries the attribute {attribute!r}; these corpora have: {there}")
    found = pd.concat([pd.DataFrame(rows, columns=["value", "form"]).assign(split=s) for s, rows in carried.items()])
    counts = found.groupby(["value", "split"])["form"].agg(forms="nunique", words="size")
    every = pd.MultiIndex.from_product([sorted(set(found["value"])), corpora], names=["value", "split"])
    return counts.reindex(every, fill_value=0).reset_index()


def _carried(attribute: str, corpus: Corpus) -> list[tuple[str, str]]:
    """The attribute's value and the form of every word that carries it."""
    words = (word for sentence in corpus.sentences for word in sentence.words)
    return [(word.attributes[attribute], word.form) for word in words if attribute in word.attributes]
