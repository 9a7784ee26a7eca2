"""Which values of an attribute a study keeps: the paper's filter on distinct word forms.

A value that few forms carry can be learnt by heart, so the paper drops every value with fewer than 100
distinct word forms in any of train, dev and test (SOURCES.md, "Value filter" [C]). Forms are compared as
`Word` holds them: `The` and `the` are two, canonically equal spellings one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import pandas as pd

from pitfalls.language.unimorph import ATTRIBUTES

if TYPE_CHECKING:
    from pitfalls.language.corpus import Corpus

__all__ = ["form_counts", "kept_values"]


def kept_values(
    attribute: str,
    train: Corpus,
    dev: Corpus,
    test: Corpus,
    min_forms: int = 100,
    absent: Literal["drop", "keep"] = "drop",
) -> tuple[str, ...]:
    """Keep the values of `attribute` with `min_forms` distinct word forms in each of train, dev and test.

    `absent` says what becomes of a value that no word of dev, or none of test, carries: "drop" it like any
    other value with too few forms, or "keep" it, which is what the authors' code does (SOURCES.md, Traps: such
    a value escapes the filter). A value that train lacks is dropped either way: nothing could learn it.

    Returns the values sorted; fewer than two make no configuration. Raises ValueError for a negative
    `min_forms`, corpora of different languages, another word for `absent`, and for an attribute that is
    neither one of the paper's 13 nor carried by any word.

    >>> from pitfalls.language.corpus import Corpus, Sentence, Word
    >>> words = tuple(Word(f, f, {"Number": v}) for f, v in [("cat", "SG"), ("dog", "SG"), ("cats", "PL")])
    >>> corpus = Corpus("eng", (Sentence("1", words),), "toy")
    >>> kept_values("Number", corpus, corpus, corpus, min_forms=1), kept_values(
    ...     "Number", corpus, corpus, corpus, min_forms=2
    ... )
    (('PL', 'SG'), ('SG',))
    """
    if min_forms < 0:
        raise ValueError(f"min_forms must be 0 or more, got {min_forms}")
    if absent not in ("drop", "keep"):
        raise ValueError(f"absent must be 'drop' or 'keep' (the authors' behaviour), got {absent!r}")
    corpora = {"train": train, "dev": dev, "test": test}
    _check_languages(corpora)
    found = {split: _forms(attribute, corpus) for split, corpus in corpora.items()}
    _check_attribute(attribute, corpora, found)
    return tuple(
        value
        for value, train_forms in sorted(found["train"].items())
        if len(train_forms) >= min_forms
        and all(_passes(len(found[split].get(value, ())), min_forms, absent) for split in ("dev", "test"))
    )


def form_counts(attribute: str, corpora: Mapping[str, Corpus]) -> pd.DataFrame:
    """Count the distinct forms and the words of every value of `attribute` in every corpus, as a tidy table.

    `corpora` maps a split's name to its corpus. One row a value and split, also where the count is 0;
    columns `value`, `split`, `forms` (distinct word forms), `words` (tokens); values sorted, splits in the
    order given.
    Raises ValueError as `kept_values` does for mixed languages and an unknown attribute.

    >>> from pitfalls.language.corpus import Corpus, Sentence, Word
    >>> pairs = [("cat", "SG"), ("cat", "SG"), ("cats", "PL")]
    >>> words = tuple(Word(form, "cat", {"Number": value}) for form, value in pairs)
    >>> form_counts("Number", {"train": Corpus("eng", (Sentence("1", words),), "toy")}).values.tolist()
    [['PL', 'train', 1, 1], ['SG', 'train', 1, 2]]
    """
    _check_languages(corpora)
    found = {split: _forms(attribute, corpus) for split, corpus in corpora.items()}
    _check_attribute(attribute, corpora, found)
    values = sorted({value for forms in found.values() for value in forms})
    rows = [
        (value, split, len(forms.get(value, {})), sum(forms.get(value, {}).values()))
        for value in values
        for split, forms in found.items()
    ]
    return pd.DataFrame(rows, columns=["value", "split", "forms", "words"])


def _forms(attribute: str, corpus: Corpus) -> dict[str, dict[str, int]]:
    """Count each form of each value: value -> form -> words."""
    found: dict[str, dict[str, int]] = {}
    for sentence in corpus.sentences:
        for word in sentence.words:
            value = word.attributes.get(attribute)
            if value is not None:
                forms = found.setdefault(value, {})
                forms[word.form] = forms.get(word.form, 0) + 1
    return found


def _passes(forms: int, min_forms: int, absent: str) -> bool:
    """Decide on a value by its forms in dev or test."""
    if forms == 0:
        return absent == "keep"
    return forms >= min_forms


def _check_languages(corpora: Mapping[str, Corpus]) -> None:
    languages = {split: corpus.language for split, corpus in corpora.items()}
    if len(set(languages.values())) > 1:
        raise ValueError(f"the corpora are of different languages: {languages}; give splits of one treebank")


def _check_attribute(attribute: str, corpora: Mapping[str, Corpus], found: Mapping[str, Mapping[str, object]]) -> None:
    """Refuse a name that means nothing here; one of the 13 that this language lacks is fine."""
    if attribute in ATTRIBUTES or any(found.values()):
        return
    there = {
        name
        for corpus in corpora.values()
        for sentence in corpus.sentences
        for word in sentence.words
        for name in word.attributes
    }
    raise ValueError(
        f"no word carries the attribute {attribute!r}; these corpora have: {', '.join(sorted(there)) or 'none'}"
    )
