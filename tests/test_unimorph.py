"""The conversion against the reference outputs, token by token, and by hand where there is no reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language import unimorph
from pitfalls.language.unimorph import ATTRIBUTES, AUTHORS, LANGUAGES, UNIMORPH, Conversion
from pitfalls.language.unimorph_rules import (
    DIMENSIONS,
    FEATURE_TAGS,
    LANGUAGE_RULES,
    UPOS_TAGS,
    Rule,
)

# Reference file -> (UD file, language, what `UNIMORPH` and `AUTHORS` disagree on in it).
REFERENCES: dict[str, tuple[str, str, set[str]]] = {
    "en_ewt-dev": ("en_ewt-ud-dev", "eng", {"Mood", "Voice", "Tense", "Part of Speech"}),
    "en_ewt-test": ("en_ewt-ud-test", "eng", {"Mood", "Voice", "Tense", "Part of Speech"}),
    "es_gsd-test": ("es_gsd-ud-test", "spa", {"Aspect", "Polarity", "Tense", "Part of Speech"}),
    "hi_pud-test": ("hi_pud-ud-test", "hin", set()),
    "ru_gsd-test": ("ru_gsd-ud-test", "rus", set()),
    "tr_imst-dev": ("tr_imst-ud-dev", "tur", {"Person"}),
    "tr_imst-test": ("tr_imst-ud-test", "tur", {"Person"}),
}

# Reference file -> {(sentence, token id): why ours differs}. Exact: a listed token that agrees fails too.
ALLOWED: dict[str, dict[tuple[str, str], str]] = {name: {} for name in REFERENCES}

# Where a tag of the schema belongs, written down a second time, apart from the package's table.
SCHEMA = {
    "Number": "SG PL DU",
    "Part of Speech": "N PROPN ADJ PRO DET V ADV V.PTCP V.MSDR V.CVB ADP CONJ NUM PART INTJ",
    "Tense": "PRS PST FUT PST+PRF",
    "Gender": "MASC FEM NEUT",
    "Case": "NOM ACC ERG DAT GEN INS ESS AT+ABL EQTV",
    "Voice": "ACT MID PASS",
    "Aspect": "IPFV PFV PROG PROSP HAB",
    "Person": "1 2 3",
    "Definiteness": "DEF INDF",
    "Animacy": "ANIM INAN",
    "Mood": "IND SBJV IMP COND OPT POT",
    "Polarity": "POS NEG",
    "Possession": "PSSS PSSP PSS1S PSS2S PSS3S PSS1P PSS2P PSS3P",
}
# Tags of dimensions that the paper does not probe.
ELSEWHERE = "AB CAUS CMPR ELEV EQT FH FIN FORM HUMB INFM LGSPEC1 NFH NFIN REFL RL"


@dataclass(frozen=True)
class Token:
    """A token of a UD file with what the reference gives it."""

    where: tuple[str, str]
    form: str
    lemma: str
    upos: str
    feats: dict[str, str]
    reference: tuple[str, ...]


def feats_of(column: str) -> dict[str, str]:
    return {} if column == "_" else dict(pair.split("=", 1) for pair in column.split("|"))


def tokens(shared: Path, reference: str) -> Iterator[Token]:
    """All tokens of a reference file, joined line by line to the UD file it was made from."""
    ud = (shared / "data" / "ud" / f"{REFERENCES[reference][0]}.conllu").read_text(encoding="utf-8")
    columns = [line.split("\t") for line in ud.split("\n") if line and not line.startswith("#")]
    tsv = (shared / "data" / "unimorph_reference" / f"{reference}.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in tsv.split("\n")[1:] if line]
    for word, (sentence, token, form, tags) in zip(columns, rows, strict=True):
        assert (word[0], word[1]) == (token, form)
        yield Token(
            where=(sentence, token),
            form=form,
            lemma=word[2],
            upos=word[3],
            feats=feats_of(word[5]),
            reference=() if tags == "_" else tuple(tags.split(";")),
        )


def attributes_by_schema(tags: tuple[str, ...]) -> dict[str, str]:
    """The slow way: for each attribute, the tags of its dimension; V yields; one value or nothing."""
    if {"V.PTCP", "V.CVB", "V.MSDR"} & set(tags):
        tags = tuple(tag for tag in tags if tag != "V")
    values = {name: [tag for tag in tags if tag in listed.split()] for name, listed in SCHEMA.items()}
    return {name: found[0] for name, found in values.items() if len(found) == 1}


@pytest.mark.parametrize("reference", sorted(REFERENCES))
def test_every_token_of_the_reference(shared: Path, reference: str) -> None:
    language = REFERENCES[reference][1]
    n_tokens = 0
    wrong_tags: dict[tuple[str, str], object] = {}
    wrong_attributes: dict[tuple[str, str], object] = {}
    for token in tokens(shared, reference):
        n_tokens += 1
        got = unimorph.tags(token.upos, token.feats, language, token.form, token.lemma)
        if got != tuple(sorted(token.reference)):
            wrong_tags[token.where] = (token, got)
        values = unimorph.attributes(token.upos, token.feats, language, token.form, token.lemma)
        if values != attributes_by_schema(token.reference):
            wrong_attributes[token.where] = (token, values)
    assert n_tokens > 10_000
    assert set(wrong_attributes) == set(ALLOWED[reference]), list(wrong_attributes.values())[:5]
    assert set(wrong_tags) == set(ALLOWED[reference]), list(wrong_tags.values())[:5]


@pytest.mark.parametrize("reference", sorted(REFERENCES))
def test_where_the_language_rules_matter(shared: Path, reference: str) -> None:
    _, language, expected = REFERENCES[reference]
    changed = {
        name
        for token in tokens(shared, reference)
        for name in unimorph.changed_by_rules(token.upos, token.feats, language, token.form)
    }
    assert changed == expected


def test_the_rules_take_away_every_english_indicative_and_every_turkish_person_of_a_noun(
    shared: Path,
) -> None:
    for token in tokens(shared, "en_ewt-dev"):
        changed = unimorph.changed_by_rules(token.upos, token.feats, "eng", token.form)
        assert ("Mood" in changed) == (token.feats.get("Mood") == "Ind"), token
    for token in tokens(shared, "tr_imst-dev"):
        changed = unimorph.changed_by_rules(token.upos, token.feats, "tur", token.form)
        assert ("Person" in changed) == (token.upos == "NOUN" and "Person" in token.feats), token


@pytest.mark.parametrize("language", ["eng", "spa", "tur"])
def test_every_rule_with_a_reference_is_needed(shared: Path, language: str) -> None:
    names = [name for name, (_, spoken, _) in REFERENCES.items() if spoken == language]
    words = [token for name in names for token in tokens(shared, name)]
    for left_out in LANGUAGE_RULES[language]:
        rest = tuple(rule for rule in LANGUAGE_RULES[language] if rule is not left_out)
        without = Conversion("one rule fewer", {language: rest})
        assert any(
            without.tags(word.upos, word.feats, language, word.form) != tuple(sorted(word.reference)) for word in words
        ), left_out.source


def test_all_shared_treebanks_convert(shared: Path) -> None:
    languages = {"en": "eng", "es": "spa", "hi": "hin", "ru": "rus", "tr": "tur"}
    seen: dict[str, set[str]] = {}
    for path in sorted((shared / "data" / "ud").glob("*.conllu")):
        language = languages[path.name[:2]]
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line and not line.startswith("#"):
                word = line.split("\t")
                values = unimorph.attributes(word[3], feats_of(word[5]), language, word[1], word[2])
                seen.setdefault(language, set()).update(values)
    # The paper's pairs by attribute (inferred): these have to be there to be probed.
    assert {"Number", "Part of Speech", "Tense"} <= seen["eng"]
    assert {"Number", "Part of Speech", "Tense", "Gender"} <= seen["spa"]
    assert {"Number", "Part of Speech", "Gender", "Case"} <= seen["hin"]
    assert {"Case", "Voice", "Aspect", "Animacy", "Gender", "Tense"} <= seen["rus"]
    assert {"Case", "Tense", "Person", "Polarity", "Possession"} <= seen["tur"]


# Languages without a reference: words of the UD documentation pages named in `unimorph_rules`, with features
# as their treebanks write them, converted by hand.
BY_HAND: list[tuple[str, str, str, str, dict[str, str]]] = [
    ("ara", "الحكومة", "NOUN", "Case=Gen|Definite=Def|Number=Sing",
     {"Number": "SG", "Part of Speech": "N", "Case": "GEN", "Definiteness": "DEF"}),
    ("ara", "رئيس", "NOUN", "Case=Nom|Definite=Cons|Number=Sing",
     {"Number": "SG", "Part of Speech": "N", "Case": "NOM", "Possession": "PSSD"}),
    ("ara", "يومين", "NOUN", "Case=Acc|Definite=Ind|Number=Dual",
     {"Number": "DU", "Part of Speech": "N", "Case": "ACC", "Definiteness": "INDF"}),
    ("ara", "الأولى", "ADJ", "Case=Gen|Definite=Com|Gender=Masc|Number=Plur",
     {"Number": "PL", "Part of Speech": "ADJ", "Gender": "MASC", "Case": "GEN", "Definiteness": "DEF"}),
    ("ara", "يقوم", "VERB", "Aspect=Imp|Gender=Masc|Mood=Ind|Number=Sing|Person=3|VerbForm=Fin|Voice=Act",
     {"Number": "SG", "Part of Speech": "V", "Gender": "MASC", "Voice": "ACT", "Aspect": "IPFV",
      "Person": "3", "Mood": "IND"}),
    ("ara", "تقم", "VERB", "Aspect=Imp|Gender=Fem|Mood=Jus|Number=Sing|Person=3|VerbForm=Fin|Voice=Act",
     {"Number": "SG", "Part of Speech": "V", "Gender": "FEM", "Voice": "ACT", "Aspect": "IPFV",
      "Person": "3"}),
    ("fin", "talossa", "NOUN", "Case=Ine|Number=Sing",
     {"Number": "SG", "Part of Speech": "N", "Case": "IN+ESS"}),
    ("fin", "pöydälle", "NOUN", "Case=All|Number=Sing",
     {"Number": "SG", "Part of Speech": "N", "Case": "AT+ALL"}),
    ("fin", "vartijana", "NOUN", "Case=Ess|Number=Sing",
     {"Number": "SG", "Part of Speech": "N", "Case": "FRML"}),
    ("fin", "tekojeni", "NOUN", "Case=Gen|Number=Plur|Number[psor]=Sing|Person[psor]=1",
     {"Number": "PL", "Part of Speech": "N", "Case": "GEN", "Possession": "PSS1S"}),
    ("fin", "tekojensa", "NOUN", "Case=Gen|Number=Plur|Person[psor]=3",
     {"Number": "PL", "Part of Speech": "N", "Case": "GEN", "Possession": "PSS3"}),
    ("fin", "juoksee", "VERB", "Mood=Ind|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin|Voice=Act",
     {"Number": "SG", "Part of Speech": "V", "Tense": "PRS", "Voice": "ACT", "Person": "3", "Mood": "IND"}),
    ("fin", "haihtuva", "VERB", "Case=Nom|Degree=Pos|Number=Sing|PartForm=Pres|VerbForm=Part|Voice=Act",
     {"Number": "SG", "Part of Speech": "V.PTCP", "Tense": "PRS", "Case": "NOM", "Voice": "ACT"}),
    ("fin", "kunnostettu", "VERB", "Case=Nom|Degree=Pos|Number=Sing|PartForm=Past|VerbForm=Part|Voice=Pass",
     {"Number": "SG", "Part of Speech": "V.PTCP", "Tense": "PST", "Case": "NOM", "Voice": "PASS"}),
    ("fin", "kutsuma", "VERB", "Case=Nom|Degree=Pos|Number=Sing|PartForm=Agt|VerbForm=Part|Voice=Act",
     {"Number": "SG", "Part of Speech": "V.PTCP", "Case": "NOM", "Voice": "ACT"}),
    ("fin", "maksamaton", "VERB", "Case=Nom|Degree=Pos|Number=Sing|PartForm=Neg|VerbForm=Part|Voice=Act",
     {"Number": "SG", "Part of Speech": "V.PTCP", "Case": "NOM", "Voice": "ACT", "Polarity": "NEG"}),
    ("bul", "дойдеше", "VERB",
     "Aspect=Perf|Mood=Ind|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin|Voice=Act",
     {"Number": "SG", "Part of Speech": "V", "Tense": "PST", "Voice": "ACT", "Aspect": "PFV",
      "Person": "3", "Mood": "IND"}),
    ("bul", "спяха", "VERB", "Aspect=Imp|Mood=Ind|Number=Plur|Person=3|Tense=Imp|VerbForm=Fin|Voice=Act",
     {"Number": "PL", "Part of Speech": "V", "Tense": "PST", "Voice": "ACT", "Aspect": "IPFV",
      "Person": "3", "Mood": "IND"}),
    ("bul", "дойдоха", "VERB", "Aspect=Perf|Mood=Ind|Number=Plur|Person=3|Tense=Past|VerbForm=Fin|Voice=Act",
     {"Number": "PL", "Part of Speech": "V", "Tense": "PST", "Voice": "ACT", "Aspect": "PFV",
      "Person": "3", "Mood": "IND"}),
    ("bul", "молива", "NOUN", "Definite=Ind|Gender=Masc|Number=Count",
     {"Part of Speech": "N", "Gender": "MASC", "Definiteness": "INDF"}),
    ("bul", "видян", "VERB",
     "Aspect=Perf|Definite=Ind|Gender=Masc|Number=Sing|VerbForm=Part|Voice=Pass",
     {"Number": "SG", "Part of Speech": "V.PTCP", "Gender": "MASC", "Voice": "PASS", "Aspect": "PFV",
      "Definiteness": "INDF"}),
    ("fra", "fit", "VERB", "Mood=Ind|Number=Sing|Person=3|Tense=Past|VerbForm=Fin",
     {"Number": "SG", "Part of Speech": "V", "Tense": "PST", "Aspect": "PFV", "Person": "3", "Mood": "IND"}),
    ("fra", "faisait", "VERB", "Mood=Ind|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin",
     {"Number": "SG", "Part of Speech": "V", "Tense": "PST", "Aspect": "IPFV", "Person": "3", "Mood": "IND"}),
    ("fra", "fût", "AUX", "Mood=Sub|Number=Sing|Person=3|Tense=Imp|VerbForm=Fin",
     {"Number": "SG", "Part of Speech": "V", "Tense": "PST", "Person": "3", "Mood": "SBJV"}),
    ("fra", "ferait", "VERB", "Mood=Cnd|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin",
     {"Number": "SG", "Part of Speech": "V", "Person": "3", "Mood": "COND"}),
    ("fra", "faites", "VERB", "Mood=Imp|Number=Plur|Person=2|Tense=Pres|VerbForm=Fin",
     {"Number": "PL", "Part of Speech": "V", "Person": "2", "Mood": "IMP", "Polarity": "POS"}),
    ("fra", "situées", "VERB", "Gender=Fem|Number=Plur|Tense=Past|VerbForm=Part",
     {"Number": "PL", "Part of Speech": "V.PTCP", "Tense": "PST", "Gender": "FEM"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "form", "upos", "feats", "expected"), BY_HAND, ids=[case[0] + case[1] for case in BY_HAND]
)
def test_by_hand(language: str, form: str, upos: str, feats: str, expected: Mapping[str, str]) -> None:
    assert unimorph.attributes(upos, feats_of(feats), language, form) == expected


@pytest.mark.parametrize("language", ["ara", "bul", "fin", "fra"])
def test_every_rule_without_a_reference_has_an_example(language: str) -> None:
    examples = [(upos, feats_of(feats), form) for code, form, upos, feats, _ in BY_HAND if code == language]
    for left_out in LANGUAGE_RULES[language]:
        rest = tuple(rule for rule in LANGUAGE_RULES[language] if rule is not left_out)
        without = Conversion("one rule fewer", {language: rest})
        assert any(
            without.tags(upos, feats, language, form) != UNIMORPH.tags(upos, feats, language, form)
            for upos, feats, form in examples
        ), left_out.source


def test_the_authors_run_differs_where_rules_were_lost() -> None:
    passive = ("VERB", {"Tense": "Past", "VerbForm": "Part", "Voice": "Pass"}, "eng", "attacked")
    assert AUTHORS.attributes(*passive)["Voice"] == "PASS"
    assert "Voice" not in UNIMORPH.attributes(*passive)
    noun = ("NOUN", {"Number": "Sing", "Person": "3"}, "tur", "adı")
    assert unimorph.changed_by_rules(*noun) == ("Person",)


def test_several_values_are_a_disjunction_and_no_value() -> None:
    feats = {"Gender": "Fem,Masc", "Number": "Sing"}
    assert unimorph.tags("PRON", feats, "spa") == ("PRO", "SG", "{FEM/MASC}")
    assert unimorph.attributes("PRON", feats, "spa") == {"Number": "SG", "Part of Speech": "PRO"}
    # A disjunction of which the schema knows only one side is that side.
    assert unimorph.tags("NOUN", {"Number": "Plur,Ptan"}, "eng") == ("N", "PL")


def test_layered_features() -> None:
    both = {"Number": "Plur", "Number[psor]": "Sing", "Person[psor]": "1"}
    assert unimorph.tags("NOUN", both, "tur") == ("N", "PL", "PSS1S")
    assert unimorph.tags("NOUN", {"Number[psor]": "Sing"}, "hin") == ("N", "PSSS")
    assert unimorph.tags("NOUN", {"Person[psor]": "3"}, "fin") == ("N", "PSS3")
    assert unimorph.tags("NOUN", {"Person[psor]": "1,2", "Number[psor]": "Plur"}, "fin") == (
        "N",
        "{PSS1P/PSS2P}",
    )
    assert unimorph.tags("NOUN", {"Number[psor]": "Dual"}, "ara") == ("N",)
    assert unimorph.tags("NOUN", {"Gender[psor]": "Fem", "Number[abs]": "Sing"}, "hin") == ("N",)


def test_a_clash_leaves_the_word_without_the_attribute() -> None:
    feats = {"Gender": "Masc", "Number": "Sing", "VerbForm": "Part"}
    assert unimorph.tags("ADJ", feats, "spa", "enfadado") == ("ADJ", "MASC", "SG", "V.PTCP")
    assert unimorph.attributes("ADJ", feats, "spa", "enfadado") == {"Number": "SG", "Gender": "MASC"}
    # V beside a verbal form is no clash, also where no rule takes it away.
    assert unimorph.attributes("VERB", {"VerbForm": "Conv"}, "rus") == {"Part of Speech": "V.CVB"}


def test_spanish_past_subjunctives() -> None:
    feats = {"Mood": "Sub", "Tense": "Imp", "Person": "3", "Number": "Sing", "VerbForm": "Fin"}
    assert unimorph.tags("VERB", feats, "spa", "Saliera") == ("3", "LGSPEC1", "PST", "SBJV", "SG", "V")
    assert unimorph.tags("VERB", feats, "spa", "fuese") == ("3", "PST", "SBJV", "SG", "V")


def test_a_multiword_line_has_no_tags() -> None:
    assert unimorph.tags("_", {}, "spa", "del") == ()
    assert unimorph.attributes("_", {}, "spa", "del") == {}


def test_errors_name_what_was_wrong() -> None:
    with pytest.raises(ValueError, match=r"'en'.*eng"):
        unimorph.tags("NOUN", {}, "en")
    with pytest.raises(ValueError, match=r"'NN'.*NOUN"):
        unimorph.attributes("NN", {}, "eng")


def test_tables_use_known_tags_only() -> None:
    rules = [rule for some in LANGUAGE_RULES.values() for rule in some]
    produced = {tag for tags in UPOS_TAGS.values() for tag in tags}
    produced |= {tag for table in FEATURE_TAGS.values() for tags in table.values() for tag in tags}
    produced |= {tag for rule in rules for tag in rule.add}
    probed = {tag for tags in DIMENSIONS.values() for tag in tags}
    assert sorted(produced - probed) == ELSEWHERE.split()
    assert probed - produced == {tag for tag in DIMENSIONS["Possession"] if tag != "PSSD"}
    assert {tag for rule in rules for tag in rule.drop} <= produced
    assert len(probed) == sum(len(tags) for tags in DIMENSIONS.values())
    assert set(LANGUAGE_RULES) <= set(LANGUAGES)
    assert all(rule.source for rule in rules)
    assert list(ATTRIBUTES) == list(SCHEMA)
    for name, listed in SCHEMA.items():
        assert set(listed.split()) <= set(DIMENSIONS[name])


def test_rule_conditions() -> None:
    def tags(rule: Rule, upos: str, feats: dict[str, str], form: str) -> tuple[str, ...]:
        return Conversion("one rule", {"eng": (rule,)}).tags(upos, feats, "eng", form)

    rule = Rule("test", ("NOUN",), {"Case": ("Nom", "Acc")}, ("Abbr",), ("s",), drop=("N",), add=("ADJ",))
    assert tags(rule, "NOUN", {"Case": "Acc"}, "CATS") == ("ACC", "ADJ")
    assert tags(rule, "PROPN", {"Case": "Acc"}, "cats") == ("ACC", "PROPN")
    assert tags(rule, "NOUN", {"Case": "Dat"}, "cats") == ("DAT", "N")
    assert tags(rule, "NOUN", {}, "cats") == ("N",)
    assert tags(rule, "NOUN", {"Case": "Acc", "Abbr": "Yes"}, "cats") == ("ACC", "N")
    assert tags(rule, "NOUN", {"Case": "Acc"}, "cat") == ("ACC", "N")


JUNK = {"Typo": "Yes", "PronType": "Prs", "Gender[psor]": "Masc", "NumForm": "Digit", "Style": "Coll"}
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


@given(WORDS, st.sampled_from([UNIMORPH, AUTHORS]))
def test_tags_are_sorted_and_attributes_come_from_them(
    word: tuple[str, dict[str, str], str, str], conversion: Conversion
) -> None:
    tags = conversion.tags(*word)
    assert list(tags) == sorted(set(tags))
    values = conversion.attributes(*word)
    assert list(values) == [name for name in ATTRIBUTES if name in values]
    assert set(values.values()) <= set(tags)


@given(WORDS, st.randoms(use_true_random=False))
def test_order_of_features_and_unknown_features_do_not_matter(
    word: tuple[str, dict[str, str], str, str], random: object
) -> None:
    upos, feats, language, form = word
    items = [*feats.items(), *JUNK.items()]
    random.shuffle(items)  # type: ignore[attr-defined]
    assert unimorph.tags(upos, dict(items), language, form) == unimorph.tags(upos, feats, language, form)


@given(WORDS)
def test_a_language_without_rules_is_the_authors_run(word: tuple[str, dict[str, str], str, str]) -> None:
    upos, feats, _, form = word
    for language in ("hin", "rus"):
        assert unimorph.changed_by_rules(upos, feats, language, form) == ()
