"""Universal Dependencies to UniMorph 3.0: three conversions.

A word's UPOS and features become a set of UniMorph tags (`Conversion.tags`), and the tags become one value for each of
the paper's 13 attributes that the word carries (`Conversion.attributes`). All three conversions share one table; they
differ in the rules of single languages that run after it (`pitfalls.language.unimorph_rules`):

- `AUTHORS`, "authors": no rules. The paper's data were made this way: a slip in the authors' script switched the rules
  off (SOURCES.md, Traps).
- `CONVERTER`, "converter": the rules of the converter that the paper names. They make its output look like UniMorph's
  own tables of the language. It differs from `AUTHORS` in exactly what the slip changed.
- `OURS`, "ours": other rules for Arabic, Bulgarian, Finnish and French, where the converter removes what the
  treebank knows (gender and number of French participles, aspect of Bulgarian verbs), knows less than the treebank (the
  tense of Finnish participles) or adds what is wrong (that the Finnish negative verb is positive). An imperfect is a
  past in every language. The mini world is read with this conversion, and so are your own files by default.

What happens to the odd cases:

- **Unknown features and values** (`Typo`, `PronType`, `Number=Ptan`, …) give no tag.
- **Several values** of one feature (`Case=Acc,Dat`) give a disjunction, `{ACC/DAT}`, even if only one of them has a
  tag (`Number=Plur,Ptan`: `{PL}`). A disjunction is not a value: the word does not carry the attribute, as in the
  authors' code.
- **Layered features**: `Number[psor]` and `Person[psor]` together give the possession tag (PSS1S … PSS3P; one alone
  gives what it knows: PSSS, PSS3; a lone dual is PSSD, as in the converter). Those of a verb's arguments (`[abs]`,
  `[dat]`, `[erg]`) give a tag such as ARGAB3S. Where the converter stops with an error (several values, or any other
  layer except `[psed]` and `[gram]`, which it ignores), there is no tag.
- **Two values of one attribute**: a plain V gives way to V.PTCP, V.CVB or V.MSDR (as in the authors' code). After any
  other clash (Spanish `enfadado`: ADJ and V.PTCP) the word does not carry the attribute, by the paper's own rule
  for contractions: a word carries an attribute only if it carries exactly one value. The authors' code keeps whichever
  tag the converter happens to write last.
- **Languages other than the paper's nine** get only the common table and the general rules (`Conversion.check`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pitfalls.language.unimorph_rules import (
    CONVERTER_RULES,
    DIMENSIONS,
    FEATURE_TAGS,
    LANGUAGES,
    OUR_GENERAL_RULES,
    OUR_RULES,
    UPOS_TAGS,
    Rule,
)

ATTRIBUTES: tuple[str, ...] = tuple(DIMENSIONS)

_ATTRIBUTE_OF: dict[str, str] = {value: name for name, values in DIMENSIONS.items() for value in values}
_LAYERS = {"psor": "PSS", "abs": "ARGAB", "dat": "ARGDA", "erg": "ARGER"}
_LAYER_NUMBERS = {"Sing": "S", "Dual": "D", "Plur": "P"}


@dataclass(frozen=True)
class Conversion:
    """A way from UD to UniMorph: the common table, then the rules of the language, then those for every language.

    It can be called like its method `attributes`. Use `AUTHORS`, `CONVERTER` or `OURS`, or make your own.

    >>> plural = {"Number": "Plur", "Case": "Acc,Nom"}
    >>> OURS("NOUN", plural, "rus"), Conversion("mine", {"rus": (Rule("no number", drop="PL"),)})("NOUN", plural, "rus")
    ({'Number': 'PL', 'Part of Speech': 'N'}, {'Part of Speech': 'N'})
    """

    name: str
    rules: Mapping[str, tuple[Rule, ...]] = field(hash=False)
    general_rules: tuple[Rule, ...] = ()

    def tags(
        self, upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = ""
    ) -> tuple[str, ...]:
        """Give the UniMorph tags of one word, sorted.

        `feats` are UD features with UD's own spelling of several values ("Acc,Dat"); `language` is an ISO 639-3 code.
        `form` matters only to rules that look at an ending (the Spanish -ra subjunctive), and `lemma` to none so far.
        Raises ValueError for an unknown UPOS and for a language that is not an ISO 639-3 code.

        >>> CONVERTER.tags("NOUN", {"Number": "Plur", "Gender": "Fem"}, "spa")
        ('FEM', 'N', 'PL')
        """
        _check(upos, language)
        found = set(_common_tags(upos, feats))
        for rule in (*self.rules.get(language, ()), *self.general_rules):
            found = rule.applied(found, feats, form)
        return tuple(sorted(found))

    def attributes(
        self, upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = ""
    ) -> dict[str, str]:
        """Give the paper's attributes that one word carries, with their values, in the paper's order.

        Arguments and errors as for `tags`; the module's docstring says what happens to clashes.

        >>> imperfect = "VERB", {"Mood": "Ind", "Tense": "Imp", "VerbForm": "Fin"}, "spa", "hablaba"
        >>> AUTHORS.attributes(*imperfect)
        {'Part of Speech': 'V', 'Aspect': 'IPFV', 'Mood': 'IND'}
        >>> CONVERTER.attributes(*imperfect)
        {'Part of Speech': 'V', 'Tense': 'PST', 'Aspect': 'IPFV', 'Mood': 'IND'}
        """
        return _values(self.tags(upos, feats, language, form, lemma))

    __call__ = attributes

    def check(self, language: str) -> None:
        """Raise ValueError unless `language` is an ISO 639-3 code; warn unless it is one of the nine or in `rules`."""
        _check("_", language)
        if language not in {*LANGUAGES, *self.rules}:
            warnings.warn(
                f"there are no UniMorph rules for language {language!r}, only for {', '.join(LANGUAGES)}: its features "
                "are converted only by the common table and the rules that hold for every language",
                stacklevel=3,
            )


AUTHORS = Conversion("authors", {})
"""The converter as the authors ran it: without the language rules."""

CONVERTER = Conversion("converter", CONVERTER_RULES)
"""The converter with its language rules."""

OURS = Conversion("ours", OUR_RULES, OUR_GENERAL_RULES)
"""Ours: the converter's table, and rules that keep what the treebank knows."""

CONVERSIONS: Mapping[str, Conversion] = {conversion.name: conversion for conversion in (AUTHORS, CONVERTER, OURS)}


def conversion_of(name: str | Conversion) -> Conversion:
    """Return the conversion of that name; a conversion is returned as it is.

    >>> conversion_of("authors") is conversion_of(AUTHORS) is AUTHORS
    True
    >>> conversion_of("unimorph")
    Traceback (most recent call last):
    ...
    ValueError: no conversion 'unimorph'; there are: authors, converter, ours
    """
    if isinstance(name, Conversion):
        return name
    if name not in CONVERSIONS:
        raise ValueError(f"no conversion {name!r}; there are: {', '.join(CONVERSIONS)}")
    return CONVERSIONS[name]


_ISO_639_3 = re.compile(r"[a-z]{3}")


def _check(upos: str, language: str) -> None:
    if not _ISO_639_3.fullmatch(language):
        raise ValueError(
            f"{language!r} is not an ISO 639-3 language code: give its three letters in lower case, such as "
            f"{', '.join(LANGUAGES)} (https://iso639-3.sil.org)"
        )
    if upos not in UPOS_TAGS:
        raise ValueError(
            f"{upos!r} is not a UPOS tag of Universal Dependencies: expected one of {', '.join(UPOS_TAGS)}; "
            "check that the fourth column of the CoNLL-U file is UPOS"
        )


def _common_tags(upos: str, feats: Mapping[str, str]) -> list[str]:
    """Look the word up in the tables shared by all languages."""
    found = [UPOS_TAGS[upos], *(_value_tags(feature, value) for feature, value in feats.items()), *_layer_tags(feats)]
    # One value may give two tags.
    return [tag for some in found for tag in some.split(";") if tag]


def _value_tags(feature: str, value: str) -> str:
    """Look up one feature; several values become one disjunction of those that have a tag, in their order."""
    table = FEATURE_TAGS.get(feature, {})
    if "," not in value:
        return table.get(value, "")
    known = [table[part] for part in value.split(",") if part in table]
    return "{" + "/".join(known) + "}" if known else ""


def _layer_tags(feats: Mapping[str, str]) -> Iterator[str]:
    """Write the person and number of a possessor, or of a verb's argument, as one tag, as far as they are given."""
    for layer in {name.partition("[")[2].rstrip("]") for name in feats if "[" in name} & set(_LAYERS):
        number, person = feats.get(f"Number[{layer}]", ""), feats.get(f"Person[{layer}]", "")
        if layer == "psor" and "None" in (number, person):
            yield "PSSD"
        elif "," not in number + person:
            yield _LAYERS[layer] + (person if person in ("1", "2", "3") else "") + _LAYER_NUMBERS.get(number, "")


def _values(unimorph_tags: tuple[str, ...]) -> dict[str, str]:
    """Map each attribute that has exactly one value among the tags to that value."""
    found: dict[str, list[str]] = {}
    verbal_form = any(tag.startswith("V.") for tag in unimorph_tags)
    for tag in unimorph_tags:
        attribute = "Possession" if tag.startswith("PSS") else _ATTRIBUTE_OF.get(tag)
        if attribute is not None and not (tag == "V" and verbal_form):
            found.setdefault(attribute, []).append(tag)
    return {name: found[name][0] for name in ATTRIBUTES if len(found.get(name, ())) == 1}
