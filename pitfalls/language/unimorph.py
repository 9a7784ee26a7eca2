"""Universal Dependencies to UniMorph 3.0, for the nine languages of the paper.

A word's UPOS and features become a set of UniMorph tags (`tags`), and those a value for each of the
paper's 13 attributes that the word carries (`attributes`). The tables are in
`pitfalls.language.unimorph_rules`; this module only applies them. What happens to the odd cases:

- **Unknown features and values** (`Typo`, `PronType`, `Number=Ptan`, …) give no tag.
- **Several values** of one feature (`Case=Acc,Dat`) give a disjunction, `{ACC/DAT}`, and a disjunction
  is no value: the word does not carry the attribute (the authors' code drops them too).
- **Layered features**: `Number[psor]` and `Person[psor]` together give the possession tag (PSS1S … PSS3P;
  one alone gives what it knows: PSSS, PSS3); every other layer (`Gender[psor]`, …) is ignored.
- **Two values of one attribute**: beside V.PTCP, V.CVB or V.MSDR a plain V yields (authors' code). Any
  other clash (Spanish `enfadado`: ADJ and V.PTCP) leaves the word without the attribute, by the same rule
  as the paper's for contractions: a word carries an attribute only if it carries exactly one value.
  The authors' code keeps whichever tag the converter happens to write last.
- **Language rules**: `UNIMORPH` runs them, and `tags` and `attributes` use it. `AUTHORS` does not: a slip in
  the authors' script (SOURCES.md, Traps) switched them off. Which words that changes: `changed_by_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from pitfalls.language.unimorph_rules import (
    DIMENSIONS,
    FEATURE_TAGS,
    LANGUAGE_RULES,
    LANGUAGES,
    UPOS_TAGS,
    Rule,
)

__all__ = [
    "ATTRIBUTES",
    "AUTHORS",
    "LANGUAGES",
    "UNIMORPH",
    "Conversion",
    "attributes",
    "changed_by_rules",
    "tags",
]

ATTRIBUTES: tuple[str, ...] = tuple(DIMENSIONS)

_ATTRIBUTE_OF: dict[str, str] = {value: name for name, values in DIMENSIONS.items() for value in values}
_POSSESSOR_NUMBER = {"Sing": "S", "Dual": "D", "Plur": "P"}
_POSSESSOR_PERSON = {"1": "1", "2": "2", "3": "3"}


@dataclass(frozen=True)
class Conversion:
    """A way from UD to UniMorph: the common table, and the rules of some languages after it.

    `rules` maps a language (ISO 639-3) to its rules, run in order; a language without rules has only the
    common table. Use the two that are ready-made: `UNIMORPH` and `AUTHORS`.
    """

    name: str
    rules: Mapping[str, tuple[Rule, ...]]

    def tags(
        self, upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = ""
    ) -> tuple[str, ...]:
        """Give the UniMorph tags of one word, sorted.

        `feats` are UD features with UD's own spelling of several values ("Acc,Dat"). `form` matters only to
        rules that look at an ending (the Spanish -ra subjunctive); `lemma` to none so far. Raises ValueError
        for a language or UPOS outside the tables.

        >>> UNIMORPH.tags("NOUN", {"Number": "Plur", "Gender": "Fem"}, "spa")
        ('FEM', 'N', 'PL')
        """
        _check(upos, language)
        found = _common_tags(upos, feats)
        for rule in self.rules.get(language, ()):
            if _applies(rule, upos, feats, form):
                found.difference_update(rule.drop)
                found.update(rule.add)
        return tuple(sorted(found))

    def attributes(
        self, upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = ""
    ) -> dict[str, str]:
        """Give the paper's attributes that one word carries, with their values, in the paper's order.

        Arguments and errors as for `tags`; the module's docstring says what happens to clashes.

        >>> UNIMORPH.attributes("NOUN", {"Number": "Plur", "Case": "Acc,Nom"}, "rus")
        {'Number': 'PL', 'Part of Speech': 'N'}
        """
        return _values(self.tags(upos, feats, language, form, lemma))


UNIMORPH = Conversion("UniMorph 3.0 with language rules", LANGUAGE_RULES)
AUTHORS = Conversion("UniMorph 3.0 without language rules (the authors' run)", {})


def tags(upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = "") -> tuple[str, ...]:
    """Give the UniMorph tags of one word, sorted, with the language rules: `UNIMORPH.tags`.

    >>> tags("VERB", {"Mood": "Ind", "Tense": "Past", "Person": "3", "VerbForm": "Fin"}, "spa", "dejó")
    ('3', 'IND', 'PFV', 'PST', 'V')
    """
    return UNIMORPH.tags(upos, feats, language, form, lemma)


def attributes(upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = "") -> dict[str, str]:
    """Give the attributes one word carries, with the language rules: `UNIMORPH.attributes`.

    >>> attributes("VERB", {"Tense": "Past", "VerbForm": "Part", "Voice": "Pass"}, "eng", "attacked")
    {'Part of Speech': 'V.PTCP', 'Tense': 'PST'}
    """
    return UNIMORPH.attributes(upos, feats, language, form, lemma)


def changed_by_rules(
    upos: str, feats: Mapping[str, str], language: str, form: str = "", lemma: str = ""
) -> tuple[str, ...]:
    """Name the attributes of one word on which `UNIMORPH` and `AUTHORS` differ, in the paper's order.

    >>> changed_by_rules("VERB", {"Tense": "Past", "VerbForm": "Part", "Voice": "Pass"}, "eng", "attacked")
    ('Voice',)
    """
    ours = UNIMORPH.attributes(upos, feats, language, form, lemma)
    theirs = AUTHORS.attributes(upos, feats, language, form, lemma)
    return tuple(name for name in ATTRIBUTES if ours.get(name) != theirs.get(name))


def _check(upos: str, language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(
            f"no UniMorph tables for language {language!r}: use an ISO 639-3 code, one of {', '.join(LANGUAGES)}"
        )
    if upos not in UPOS_TAGS:
        raise ValueError(
            f"{upos!r} is no UPOS tag of Universal Dependencies: expected one of {', '.join(UPOS_TAGS)}; "
            "check that the fourth column of the CoNLL-U file is UPOS"
        )


def _common_tags(upos: str, feats: Mapping[str, str]) -> set[str]:
    """Look the word up in the tables shared by all languages."""
    found = set(UPOS_TAGS[upos])
    for feature, value in feats.items():
        found.update(_value_tags(feature, value))
    found.update(_possession_tags(feats))
    return found


def _value_tags(feature: str, value: str) -> tuple[str, ...]:
    """Look up one feature; several values become one disjunction of those that have a tag."""
    table = FEATURE_TAGS.get(feature)
    if table is None:
        return ()
    if "," not in value:
        return table.get(value, ())
    return _one_of(tag for part in value.split(",") for tag in table.get(part, ()))


def _possession_tags(feats: Mapping[str, str]) -> tuple[str, ...]:
    """Write the possessor's person and number in one tag, as far as they are given."""
    persons = _possessor(feats, "Person[psor]", _POSSESSOR_PERSON)
    numbers = _possessor(feats, "Number[psor]", _POSSESSOR_NUMBER)
    suffixes = [person + number for person, number in product(persons, numbers)]
    # A dual possessor of unknown person gives nothing: PSSD is the schema's word for "possessed".
    return _one_of(f"PSS{suffix}" for suffix in suffixes if suffix not in ("", "D"))


def _possessor(feats: Mapping[str, str], feature: str, letters: Mapping[str, str]) -> list[str]:
    known = [letters[value] for value in feats.get(feature, "").split(",") if value in letters]
    return known or [""]


def _one_of(candidates: Iterable[str]) -> tuple[str, ...]:
    """Write nothing, one tag, or UniMorph's disjunction {A/B}."""
    distinct = sorted(set(candidates))
    return tuple(distinct) if len(distinct) < 2 else ("{" + "/".join(distinct) + "}",)


def _applies(rule: Rule, upos: str, feats: Mapping[str, str], form: str) -> bool:
    """Check every condition of the rule."""
    return (
        (not rule.upos or upos in rule.upos)
        and all(feats.get(feature) in values for feature, values in rule.feats.items())
        and not any(feature in feats for feature in rule.without)
        and (not rule.endings or form.lower().endswith(rule.endings))
    )


def _values(unimorph_tags: tuple[str, ...]) -> dict[str, str]:
    """Map each attribute that has exactly one value among the tags to it."""
    found: dict[str, list[str]] = {}
    verbal_form = any(tag.startswith("V.") for tag in unimorph_tags)
    for tag in unimorph_tags:
        attribute = _ATTRIBUTE_OF.get(tag)
        if attribute is not None and not (tag == "V" and verbal_form):
            found.setdefault(attribute, []).append(tag)
    return {name: found[name][0] for name in ATTRIBUTES if len(found.get(name, ())) == 1}
