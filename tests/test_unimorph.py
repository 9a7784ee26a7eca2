"""The conversions against the converter's output, token by token, and by hand where there is none."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language import grammar
from pitfalls.language.grammar import corpora
from pitfalls.language.unimorph import ATTRIBUTES, AUTHORS, CONVERSIONS, CONVERTER, OURS, Conversion, conversion_of
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
from pitfalls.study.configurations import PAPER_PAIRS
from pitfalls.worlds.load import mini_folder

CODES = {"ar": "ara", "bg": "bul", "en": "eng", "es": "spa", "fi": "fin", "fr": "fra", "hi": "hin", "ru": "rus"}
CODES["tr"] = "tur"

# The folder of references that each conversion must reproduce, whatever files are in it.
REFERENCES: dict[str, Conversion] = {"unimorph_reference": CONVERTER, "unimorph_reference_no_rules": AUTHORS}

# Language -> the attributes that the authors' slip changed, in the files at hand.
CHANGED: dict[str, set[str]] = {
    "eng": {"Mood", "Voice", "Tense", "Part of Speech"},
    "fin": {"Polarity", "Number", "Case", "Tense", "Voice"},
    "fra": {"Number", "Gender", "Tense", "Aspect", "Polarity"},
    "hin": set(),
    "rus": set(),
    "spa": {"Aspect", "Polarity", "Tense", "Part of Speech"},
    "tur": {"Person"},
}

# Where a tag of the schema belongs, written down a second time, apart from the package's table.
SCHEMA = {
    "Number": "SG PL DU",
    "Part of Speech": "N PROPN ADJ PRO DET V ADV V.PTCP V.MSDR V.CVB ADP CONJ NUM PART INTJ",
    "Tense": "PRS PST FUT PST+PRF",
    "Gender": "MASC FEM NEUT",
    "Case": "NOM ACC ERG DAT GEN INS ESS PRT COM PRIV FRML TRANS EQTV AT+ABL AT+ALL AT+ESS IN+ABL IN+ALL IN+ESS",
    "Voice": "ACT MID PASS",
    "Aspect": "IPFV PFV PROG PROSP HAB",
    "Person": "0 1 2 3",
    "Definiteness": "DEF INDF",
    "Animacy": "ANIM INAN",
    "Mood": "IND SBJV IMP COND OPT POT",
    "Polarity": "POS NEG",
    "Possession": "PSSS PSSP PSS3 PSS1S PSS2S PSS3S PSS1P PSS2P PSS3P",
}
# Tags of dimensions that the paper does not probe, and two (DIST, GRPA) that the schema does not have.
ELSEWHERE = "AB CAUS CMPR DIST ELEV EQT FH FIN FORM GRPA HUMB INFM LGSPEC1 NFH NFIN QUOT RECP REFL RL SPRL"


def cases(table: str) -> list[list[str]]:
    """Language, form, UPOS, features and what is expected, from lines of words separated by spaces."""
    return [line.split(maxsplit=4) for line in table.strip().splitlines()]


def changed_by_rules(*word: Any) -> set[str]:
    """The attributes that the authors lost or gained by running the converter without its rules."""
    meant, ran = CONVERTER(*word), AUTHORS(*word)
    return {name for name in ATTRIBUTES if meant.get(name) != ran.get(name)}


Given = tuple[str, dict[str, str], str, str]
"""What a conversion is given: UPOS, features, language and form."""


@cache
def feats_of(column: str) -> dict[str, str]:
    return {} if column == "_" else dict(pair.split("=", 1) for pair in column.split("|"))


@cache
def lines(path: Path) -> list[list[str]]:
    """The columns of all lines that are not comments."""
    text = path.read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in text if line and not line.startswith("#")]


def kinds(path: Path, language: str | None = None) -> dict[tuple[str, str, str], Given]:
    """One word of each kind: rules look at three letters at most, so conversions cannot tell a kind's words apart."""
    language = language or CODES[path.name[:2]]
    distinct = {(line[3], line[5], line[1][-3:]): line[1] for line in lines(path)}
    return {kind: (kind[0], feats_of(kind[1]), language, form) for kind, form in distinct.items()}


def treebanks(shared: Path, split: str = "*") -> list[Path]:
    found = sorted((shared / "data" / "ud").glob(f"*-ud-{split}.conllu"))
    if not found:
        pytest.skip(f"no treebanks in {shared / 'data' / 'ud'}: this test needs them")
    return found


def attributes_by_schema(tags: tuple[str, ...]) -> dict[str, str]:
    """The slow way: for each attribute, the tags of its dimension; V yields; one value or nothing."""
    if {"V.PTCP", "V.CVB", "V.MSDR"} & set(tags):
        tags = tuple(tag for tag in tags if tag != "V")
    values = {name: [tag for tag in tags if tag in listed.split()] for name, listed in SCHEMA.items()}
    return {name: found[0] for name, found in values.items() if len(found) == 1}


@pytest.mark.parametrize("folder", REFERENCES)
def test_every_token_of_the_references(shared, folder):
    references = sorted((shared / "data" / folder).glob("*.tsv"))
    if not references:
        pytest.skip(f"no references in {shared / 'data' / folder}: this test needs them")
    for path in references:
        bank, split = path.stem.split("-")
        treebank = shared / "data" / "ud" / f"{bank}-ud-{split}.conllu"
        words, rows = lines(treebank), path.read_text(encoding="utf-8").splitlines()[1:]
        assert len(words) == len(rows) > 10_000
        distinct, columns = kinds(treebank), {}
        for word, row in zip(words, rows, strict=True):
            sentence, number, form, column = row.split("\t")
            where, kind = (path.name, sentence, number, form), (word[3], word[5], word[1][-3:])
            assert (word[0], word[1]) == (number, form), where
            assert columns.setdefault(kind, column) == column, where
        for kind, column in columns.items():
            reference = () if column == "_" else tuple(column.split(";"))
            assert REFERENCES[folder].tags(*distinct[kind]) == tuple(sorted(reference)), (path.name, kind)
            assert REFERENCES[folder](*distinct[kind]) == attributes_by_schema(reference), (path.name, kind)


def test_where_the_language_rules_matter(shared):
    changed: dict[str, set[str]] = {}
    for path in treebanks(shared, "dev") + treebanks(shared, "test"):
        for word in kinds(path).values():
            upos, feats, language, _ = word
            names = changed_by_rules(*word)
            changed.setdefault(language, set()).update(names)
            if language == "eng":
                assert ("Mood" in names) == (feats.get("Mood") == "Ind"), word
            if language == "tur":
                assert ("Person" in names) == (upos == "NOUN" and "Person" in feats), word
    # For Arabic and Bulgarian no file need be at hand.
    assert changed == {language: CHANGED.get(language, changed[language]) for language in changed}


def test_all_shared_treebanks_convert(shared):
    seen: dict[str, set[str]] = {}
    for path in treebanks(shared):
        for upos, feats in {(line[3], line[5]) for line in lines(path)}:
            language = CODES[path.name[:2]]
            seen.setdefault(language, set()).update(AUTHORS(upos, feats_of(feats), language))
    # The paper's pairs by attribute (inferred): these have to be there to be probed.
    lacking = {
        (attribute, language)
        for attribute, languages in PAPER_PAIRS.items()
        for language in languages
        if language in seen and attribute not in seen[language]
    }
    assert lacking == set()


@pytest.mark.parametrize("language", grammar.LANGUAGES)
def test_in_the_mini_worlds_languages_ours_is_the_converters(language):
    """And what the converter makes of their words, the references above say."""
    words = kinds(mini_folder() / corpora.file_name(language, "dev"), language)
    assert len(words) > 800
    assert all(OURS.tags(*word) == CONVERTER.tags(*word) for word in words.values())


# Our rules where they are not the converter's: words of the UD documentation pages named in `unimorph_rules`, with
# features as their treebanks write them, converted by hand to values in the order of ATTRIBUTES.
BY_HAND = cases("""
ara الحكومة NOUN Case=Gen|Definite=Def|Number=Sing SG N GEN DEF
ara رئيس NOUN Case=Nom|Definite=Cons|Number=Sing SG N NOM PSSD
ara يومين NOUN Case=Acc|Definite=Ind|Number=Dual DU N ACC INDF
ara الأولى ADJ Case=Gen|Definite=Com|Gender=Masc|Number=Plur PL ADJ MASC GEN DEF
ara يقوم VERB Aspect=Imp|Gender=Masc|Mood=Ind|Number=Sing|Person=3|VerbForm=Fin|Voice=Act SG V MASC ACT IPFV 3 IND
ara تقم VERB Aspect=Imp|Gender=Fem|Mood=Jus|Number=Sing|Person=3|VerbForm=Fin|Voice=Act SG V FEM ACT IPFV 3
fin talossa NOUN Case=Ine|Number=Sing SG N IN+ESS
fin pöydälle NOUN Case=All|Number=Sing SG N AT+ALL
fin vartijana NOUN Case=Ess|Number=Sing SG N FRML
fin tekojeni NOUN Case=Gen|Number=Plur|Number[psor]=Sing|Person[psor]=1 PL N GEN PSS1S
fin tekojensa NOUN Case=Gen|Number=Plur|Person[psor]=3 PL N GEN PSS3
fin juoksee VERB Mood=Ind|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin|Voice=Act SG V PRS ACT 3 IND
fin haihtuva VERB Case=Nom|Degree=Pos|Number=Sing|PartForm=Pres|VerbForm=Part|Voice=Act SG V.PTCP PRS NOM ACT
fin kunnostettu VERB Case=Nom|Degree=Pos|Number=Sing|PartForm=Past|VerbForm=Part|Voice=Pass SG V.PTCP PST NOM PASS
fin kutsuma VERB Case=Nom|Degree=Pos|Number=Sing|PartForm=Agt|VerbForm=Part|Voice=Act SG V.PTCP NOM ACT
fin maksamaton VERB Case=Nom|Degree=Pos|Number=Sing|PartForm=Neg|VerbForm=Part|Voice=Act SG V.PTCP NOM ACT NEG
bul дойдеше VERB Aspect=Perf|Mood=Ind|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin|Voice=Act SG V PST ACT PFV 3 IND
bul спяха VERB Aspect=Imp|Mood=Ind|Number=Plur|Person=3|Tense=Imp|VerbForm=Fin|Voice=Act PL V PST ACT IPFV 3 IND
bul дойдоха VERB Aspect=Perf|Mood=Ind|Number=Plur|Person=3|Tense=Past|VerbForm=Fin|Voice=Act PL V PST ACT PFV 3 IND
bul молива NOUN Definite=Ind|Gender=Masc|Number=Count N MASC INDF
bul видян VERB Aspect=Perf|Definite=Ind|Gender=Masc|Number=Sing|VerbForm=Part|Voice=Pass SG V.PTCP MASC PASS PFV INDF
fra fit VERB Mood=Ind|Number=Sing|Person=3|Tense=Past|VerbForm=Fin SG V PST PFV 3 IND
fra faisait VERB Mood=Ind|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin SG V PST IPFV 3 IND
fra fût AUX Mood=Sub|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin SG V PST 3 SBJV
fra ferait VERB Mood=Cnd|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin SG V 3 COND
fra faites VERB Mood=Imp|Number=Plur|Person=2|Tense=Pres|VerbForm=Fin PL V 2 IMP POS
fra situées VERB Gender=Fem|Number=Plur|Tense=Past|VerbForm=Part PL V.PTCP PST FEM
""")


@pytest.mark.parametrize(("language", "form", "upos", "feats", "expected"), BY_HAND, ids=lambda part: part)
def test_by_hand(language, form, upos, feats, expected):
    assert " ".join(OURS(upos, feats_of(feats), language, form).values()) == expected


# What the converter makes of words: its rules one by one (read in its code, where no reference has the word).
AS_THE_CONVERTER = cases("""
bul спяха VERB Aspect=Imp|Mood=Ind|Number=Plur|Person=3|Tense=Imp|VerbForm=Fin|Voice=Act 3 IND PL V
bul видян VERB Aspect=Perf|Number=Sing|VerbForm=Part|Voice=Pass PASS SG V.PTCP
bul гледал VERB Aspect=Imp|Number=Sing|Tense=Past|VerbForm=Part|Voice=Act ACT PST SG V.PTCP
bul минал ADJ Aspect=Perf|Number=Sing|VerbForm=Part ACT PST SG V.PTCP
bul пишещ ADJ Aspect=Imp|Number=Sing|Tense=Pres|VerbForm=Part ACT PRS SG V.PTCP
bul гледан ADJ Aspect=Imp|Number=Sing|VerbForm=Part|Voice=Pass IPFV PASS SG V.PTCP
bul най-добър ADJ Degree=Sup|Number=Sing ADJ SG SPRL
eng can AUX Tense=Pres|VerbForm=Fin NFIN V
eng being AUX VerbForm=Ger PRS V V.PTCP
eng being AUX VerbForm=Ger|Voice=Pass V V.MSDR
fin ei AUX Number=Sing|Person=3|Polarity=Neg|VerbForm=Fin|Voice=Act 3 ACT NEG POS SG V
fin sanottu VERB Case=Nom|Number=Sing|PartForm=Past|VerbForm=Part|Voice=Pass PASS PST V.PTCP
fin sanotun VERB Case=Gen|Number=Sing|VerbForm=Part|Voice=Pass GEN PASS SG V V.PTCP
fin haihtuva VERB Case=Nom|Number=Sing|PartForm=Pres|VerbForm=Part|Voice=Act ACT PST V.PTCP
fin tehdä VERB InfForm=1|Number=Sing|VerbForm=Inf|Voice=Act NFIN V
fra situées VERB Gender=Fem|Number=Plur|Tense=Past|VerbForm=Part PST V.PTCP
fra fît VERB Mood=Sub|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin 3 IPFV PST SBJV SG V
fra eût AUX Mood=Sub|Number=Sing|Person=3|Tense=Past|VerbForm=Fin 3 PFV PST SBJV SG V
fra ferait VERB Mood=Cnd|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin 3 COND SG V
fra faites VERB Mood=Imp|Number=Plur|Person=2|Tense=Pres|VerbForm=Fin 2 IMP PL POS V
fra faisant VERB VerbForm=Ger PRS V.CVB
spa hecho VERB VerbForm=Part V V.PTCP
spa hecho VERB Number=Sing|VerbForm=Part SG V.PTCP
spa diciendo VERB Number=Sing|VerbForm=Ger SG V V.MSDR
spa Saliera VERB Mood=Sub|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin 3 LGSPEC1 PST SBJV SG V
spa SALIERA VERB Mood=Sub|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin 3 PST SBJV SG V
spa salieras VERB Mood=Sub|Number=Sing|Person=2|Tense=Imp|VerbForm=Fin 2 PST SBJV SG V
spa fuese VERB Mood=Sub|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin 3 PST SBJV SG V
spa era X Mood=Ind|Tense=Imp IND IPFV
ara رئيس NOUN Case=Nom|Definite=Cons|Number=Sing N NOM PSSD SG
ara الأولى ADJ Case=Gen|Definite=Com ADJ GEN
ara تقم VERB Aspect=Imp|Mood=Jus|VerbForm=Fin FIN IMP IPFV V
""")


@pytest.mark.parametrize(("language", "form", "upos", "feats", "expected"), AS_THE_CONVERTER, ids=lambda part: part)
def test_as_the_converter(language, form, upos, feats, expected):
    assert CONVERTER.tags(upos, feats_of(feats), language, form) == tuple(expected.split())


@pytest.mark.parametrize("conversion", [CONVERTER, OURS], ids=lambda conversion: conversion.name)
def test_every_rule_has_an_example(conversion):
    examples = [(upos, feats_of(feats), code, form) for code, form, upos, feats, _ in chain(BY_HAND, AS_THE_CONVERTER)]
    examples += [("NOUN", {"Person": "3"}, "tur", "adı"), ("VERB", {"Mood": "Imp"}, "spa", "di")]
    examples += [("VERB", {"Mood": "Ind", "Tense": tense, "VerbForm": "Fin"}, "spa", "x") for tense in ("Past", "Imp")]
    examples += [("VERB", {"Tense": "Past", "Voice": "Pass"}, "eng", "attacked")]
    examples += [("VERB", {"VerbForm": "Ger"}, "spa", "diciendo")]
    for language, rules in conversion.rules.items():
        if conversion is OURS and rules is CONVERTER_RULES.get(language):
            continue
        for left_out in rules:
            rest = tuple(rule for rule in rules if rule is not left_out)
            without = Conversion("one rule fewer", {language: rest}, conversion.general_rules)
            own = [example for example in examples if example[2] == language]
            assert any(without.tags(*example) != conversion.tags(*example) for example in own), left_out.why
    without = Conversion("none in general", conversion.rules)
    changes = [without.tags(*example) != conversion.tags(*example) for example in examples]
    assert any(changes) == bool(conversion.general_rules)


@pytest.mark.parametrize("conversion", CONVERSIONS.values(), ids=list(CONVERSIONS))
def test_several_values_are_a_disjunction_and_no_value(conversion):
    feats = {"Gender": "Fem,Masc", "Number": "Sing"}
    assert conversion.tags("PRON", feats, "spa") == ("PRO", "SG", "{FEM/MASC}")
    assert conversion("PRON", feats, "spa") == {"Number": "SG", "Part of Speech": "PRO"}
    # Also where only one of them has a tag; the order is the treebank's, and equal tags stay two.
    assert conversion.tags("NOUN", {"Number": "Plur,Ptan"}, "eng") == ("N", "{PL}")
    assert "Number" not in conversion("NOUN", {"Number": "Plur,Ptan"}, "eng")
    assert conversion.tags("VERB", {"Mood": "Cnd,Gen"}, "tur") == ("V", "{COND}")
    assert conversion.tags("NOUN", {"Number": "Coll,Ptan"}, "eng") == ("N",)
    assert conversion.tags("NOUN", {"Case": "Loc,Dat"}, "rus") == ("N", "{ESS/DAT}")
    assert conversion.tags("VERB", {"Mood": "Imp,Jus"}, "hin") == ("V", "{IMP/IMP}")


@pytest.mark.parametrize(
    ("feats", "expected"),
    [
        ("Number=Plur|Number[psor]=Sing|Person[psor]=1", "N PL PSS1S"),
        ("Number[psor]=Sing", "N PSSS"),
        ("Person[psor]=3", "N PSS3"),
        ("Number[psor]=Dual", "N PSSD"),
        ("Number[psor]=None", "N PSSD"),
        ("Gender[psor]=Fem|Number[psor]=Plur", "N PSSP"),
        ("Gender[psor]=Fem", "N PSS"),
        ("Number[psor]=Plur|Person[psor]=1,2", "N"),
        ("Number[abs]=Sing|Number[erg]=Plur|Person[abs]=3|Person[erg]=1", "ARGAB3S ARGER1P N"),
        ("Number[dat]=Plur|Person[obj]=1|Polite[dat]=Form", "ARGDAP N"),
    ],
)
def test_layered_features(feats, expected):
    for conversion in CONVERSIONS.values():
        assert conversion.tags("NOUN", feats_of(feats), "ara") == tuple(expected.split())
        possession = [tag for tag in expected.split() if tag.startswith("PSS")]
        assert conversion("NOUN", feats_of(feats), "ara").get("Possession", "") == "".join(possession)


def test_a_clash_leaves_the_word_without_the_attribute():
    feats = {"Gender": "Masc", "Number": "Sing", "VerbForm": "Part"}
    assert OURS.tags("ADJ", feats, "spa", "enfadado") == ("ADJ", "MASC", "SG", "V.PTCP")
    assert OURS("ADJ", feats, "spa", "enfadado") == {"Number": "SG", "Gender": "MASC"}
    # V beside a verbal form is no clash, also where no rule takes it away.
    assert OURS("VERB", {"VerbForm": "Conv"}, "rus") == {"Part of Speech": "V.CVB"}
    # The authors' aspect of a Bulgarian perfective imperfect: both, so none.
    assert "Aspect" not in AUTHORS("VERB", {"Aspect": "Perf", "Tense": "Imp"}, "bul", "дойдеше")


def test_one_value_may_give_two_tags_and_a_multiword_line_has_none():
    assert AUTHORS.tags("NOUN", {"Case": "Add"}, "est") == ("IN+ALL", "LGSPEC1", "N")
    assert OURS.tags("_", {}, "spa", "del") == ()


def test_errors_name_what_was_wrong():
    for code in ("en", "Eng", "engl", "español", "eng\n"):
        with pytest.raises(ValueError, match=r"ISO 639-3.*eng") as error:
            OURS.tags("NOUN", {}, code)
        assert repr(code) in str(error.value)
    with pytest.raises(ValueError, match=r"'NN'.*NOUN"):
        OURS("NN", {}, "eng")
    with pytest.raises(ValueError, match=r"'paper'; there are: authors, converter, ours"):
        conversion_of("paper")


def test_another_language_has_the_common_table_and_is_told():
    noun = "NOUN", {"Gender": "Com", "Number": "Plur"}, "swe", "katter"
    assert {tuple(conversion(*noun).items()) for conversion in CONVERSIONS.values()} == {
        (("Number", "PL"), ("Part of Speech", "N"), ("Gender", "MASC+FEM"))
    }
    with pytest.warns(UserWarning, match=r"no UniMorph rules for language 'swe'.*common table") as said:
        OURS.check("swe")
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for language in LANGUAGES:
            AUTHORS.check(language)
        Conversion("mine", {"swe": ()}).check("swe")


def test_tables_use_known_tags_only():
    rules = [rule for some in (*CONVERTER_RULES.values(), *OUR_RULES.values(), OUR_GENERAL_RULES) for rule in some]
    produced = {tag for tag in UPOS_TAGS.values() if tag}
    produced |= {tag for table in FEATURE_TAGS.values() for tags in table.values() for tag in tags.split(";")}
    produced |= {tag for rule in rules for tag in rule.add.split()}
    probed = {tag for tags in DIMENSIONS.values() for tag in tags}
    assert sorted(produced - probed) == ELSEWHERE.split()
    assert probed <= produced
    for rule in rules:
        asked = f"{rule.has} {rule.beside} {rule.only} {rule.lacks} {rule.drop}".split()
        assert set(asked) <= produced, rule.why
        assert rule.why
        assert rule.feature == "" or rule.feature.count("=") == 1
    assert len(probed) == sum(len(tags) for tags in DIMENSIONS.values())
    assert set(CONVERTER_RULES) | set(OUR_RULES) <= set(LANGUAGES)
    assert list(ATTRIBUTES) == list(SCHEMA)
    for name, listed in SCHEMA.items():
        assert set(listed.split()) - set(DIMENSIONS[name]) == {tag for tag in listed.split() if tag.startswith("PSS")}


def test_rule_conditions():
    rule = Rule("", has="A", lacks="B", feature="Case=Nom", endings=("s",), drop="A", add="C")
    assert rule.applied({"A", "X"}, {"Case": "Nom"}, "cats") == {"C", "X"}
    for tags, feats, form in (({"X"}, "Nom", "cats"), ({"A", "B"}, "Nom", "cats"), ({"A"}, "Acc", "cats")):
        assert rule.applied(tags, {"Case": feats}, form) == tags
    assert rule.applied({"A"}, {"Case": "Nom"}, "CATS") == rule.applied({"A"}, {}, "cats") == {"A"}
    assert Rule("", only="A B", drop="A").applied({"A", "B"}, {}, "") == {"B"}
    assert Rule("", only="A B", drop="A").applied({"A", "B", "C"}, {}, "") == {"A", "B", "C"}
    assert Rule("", beside="A B", drop="A").applied({"A", "B"}, {}, "") == {"A", "B"}
    assert Rule("", beside="A B", drop="A").applied({"A", "B", "C"}, {}, "") == {"B", "C"}
    both = Conversion("two", {"eng": (Rule("", has="N", add="X"), Rule("", has="X", drop="N"))})
    assert both.tags("NOUN", {}, "eng") == ("X",)


WORDS = st.tuples(
    st.sampled_from(sorted(UPOS_TAGS)),
    st.dictionaries(st.sampled_from(sorted(FEATURE_TAGS)), st.integers(0, 10_000), max_size=6).map(
        lambda drawn: {
            feature: sorted(FEATURE_TAGS[feature])[n % len(FEATURE_TAGS[feature])] for feature, n in drawn.items()
        }
    ),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["", "hablara", "Kahve"]),
)


@given(WORDS, st.sampled_from(list(CONVERSIONS.values())))
def test_tags_are_sorted_and_attributes_come_from_them(word, conversion):
    tags = conversion.tags(*word)
    assert list(tags) == sorted(set(tags))
    values = conversion.attributes(*word)
    assert list(values) == [name for name in ATTRIBUTES if name in values]
    assert set(values.values()) <= set(tags)


@given(WORDS, st.randoms(use_true_random=False))
def test_order_of_features_and_unknown_features_do_not_matter(word, random):
    upos, feats, language, form = word
    items = [*feats.items(), ("Typo", "Yes"), ("PronType", "Prs"), ("Gender[obj]", "Masc"), ("Style", "Coll")]
    random.shuffle(items)
    assert OURS.tags(upos, dict(items), language, form) == OURS.tags(upos, feats, language, form)


@given(WORDS)
def test_a_language_without_rules_is_the_authors_run(word):
    upos, feats, _, form = word
    for language in ("ara", "hin", "rus", "deu"):
        assert CONVERTER.tags(upos, feats, language, form) == AUTHORS.tags(upos, feats, language, form)
