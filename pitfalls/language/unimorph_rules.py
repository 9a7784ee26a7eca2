"""The tables behind `pitfalls.language.unimorph`: UD values, language rules, UniMorph dimensions.

1. `UPOS_TAGS` and `FEATURE_TAGS`: what one UD value gives in any language, in all three conversions;
2. `CONVERTER_RULES`: what the converter adds and takes away afterwards in one language, and `OUR_RULES` and
   `OUR_GENERAL_RULES`, what we do instead;
3. `DIMENSIONS`: which of the paper's 13 attributes a UniMorph tag belongs to.

Sources: the UniMorph schema (Sylak-Glassman 2016, https://unimorph.github.io/schema); the feature pages of
https://universaldependencies.org/u/feat/; and for what the converter does (ltorroba/ud-compatibility, a fork of
unimorph/ud-compatibility; McCarthy et al. 2018), its behaviour and its reference output under `shared/data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

LANGUAGES: tuple[str, ...] = ("ara", "bul", "eng", "fin", "fra", "hin", "rus", "spa", "tur")

# Auxiliaries are verbs, and both kinds of conjunction are CONJ; symbols, punctuation and X have no part of speech.
UPOS_TAGS: Mapping[str, str] = {
    "ADJ": "ADJ",
    "ADP": "ADP",
    "ADV": "ADV",
    "AUX": "V",
    "CCONJ": "CONJ",
    "DET": "DET",
    "INTJ": "INTJ",
    "NOUN": "N",
    "NUM": "NUM",
    "PART": "PART",
    "PRON": "PRO",
    "PROPN": "PROPN",
    "PUNCT": "",
    "SCONJ": "CONJ",
    "SYM": "",
    "VERB": "V",
    "X": "",
    "_": "",
}

# UD feature -> UD value -> UniMorph tags. A feature or value that is not here gives no tag: Number=Ptan, Mood=Gen, …
FEATURE_TAGS: Mapping[str, Mapping[str, str]] = {
    "Animacy": {"Anim": "ANIM", "Hum": "HUM", "Inan": "INAN", "Nhum": "NHUM"},
    "Aspect": {"Hab": "HAB", "Imp": "IPFV", "Iter": "ITER", "Perf": "PFV", "Prog": "PROG", "Prosp": "PROSP"},
    # Local cases are place (IN, AT, ON) and direction (ESS, ALL, ABL). Ess ("as a …") is the schema's formal case.
    "Case": {
        **{"Abs": "ABS", "Acc": "ACC", "Dat": "DAT", "Erg": "ERG", "Gen": "GEN", "Nom": "NOM", "Voc": "VOC"},
        **{"Abl": "AT+ABL", "Ade": "AT+ESS", "All": "AT+ALL", "Ela": "IN+ABL", "Ill": "IN+ALL", "Ine": "IN+ESS"},
        **{"Add": "IN+ALL;LGSPEC1", "Loc": "ESS", "Sub": "ON+ALL", "Sup": "ON+ESS"},
        **{"Abe": "PRIV", "Ben": "BEN", "Cmp": "COMPV", "Com": "COM", "Dis": "DIST", "Equ": "EQTV"},
        **{"Ess": "FRML", "Ins": "INS", "Par": "PRT", "Tra": "TRANS"},
    },
    # The construct state is the head of a possessor, so "possessed".
    "Definite": {"Cons": "PSSD", "Def": "DEF", "Ind": "INDF", "Spec": "SPEC"},
    # RL is the relative superlative.
    "Degree": {"Abs": "AB", "Cmp": "CMPR", "Equ": "EQT", "Sup": "RL"},
    "Evident": {"Fh": "FH", "Nfh": "NFH"},
    "Gender": {"Com": "MASC+FEM", "Fem": "FEM", "Masc": "MASC", "Neut": "NEUT"},
    "Mood": {
        **{"Adm": "ADM", "Cnd": "COND", "Imp": "IMP", "Ind": "IND", "Jus": "IMP", "Opt": "OPT"},
        **{"Pot": "POT", "Prp": "PURP", "Qot": "QUOT", "Sub": "SBJV"},
    },
    "Number": {
        **{"Dual": "DU", "Plur": "PL", "Sing": "SG", "Tri": "TRI"},
        **{"Grpa": "GRPA", "Grpl": "GRPL", "Inv": "INVN", "Pauc": "PAUC"},
    },
    "Person": {"0": "0", "1": "1", "2": "2", "3": "3", "4": "4"},
    "Polarity": {"Neg": "NEG", "Pos": "POS"},
    "Polite": {"Elev": "ELEV", "Form": "FORM", "Humb": "HUMB", "Infm": "INFM"},
    "Reflex": {"Yes": "REFL"},
    "Tense": {"Fut": "FUT", "Imp": "IPFV", "Past": "PST", "Pqp": "PST+PRF", "Pres": "PRS"},
    "VerbForm": {
        **{"Fin": "FIN", "Inf": "NFIN", "Part": "V.PTCP", "Short": "LGSPEC1"},
        **{"Conv": "V.CVB", "Gdv": "V.CVB", "Sup": "V.CVB", "Ger": "V.MSDR", "Vnoun": "V.MSDR"},
    },
    "Voice": {
        **{"Act": "ACT", "Antip": "ANTIP", "Cau": "CAUS", "Dir": "DIR", "Inv": "INV", "Mid": "MID", "Pass": "PASS"},
        **{"Rcp": "RECP"},
    },
}


@dataclass(frozen=True)
class Rule:
    """One language rule: if the word's tags are of this kind, drop some, then add some.

    Tags are written with spaces between them, and a condition left empty holds. Rules run in order, so each one sees
    what the earlier ones have left. The word must have all tags of `has`, all tags of `beside` and others as well,
    exactly the tags of `only`, and no tag of `lacks`; it must have the UD feature `feature` (such as "Tense=Imp"); and
    its form as written must end in one of `endings`.

    >>> rule = Rule("commands are positive", has="V IMP", lacks="NEG", drop="PRS", add="POS")
    >>> sorted(rule.applied({"V", "IMP", "PRS"}, {}, "faites")), sorted(rule.applied({"V", "PRS"}, {}, "faites"))
    (['IMP', 'POS', 'V'], ['PRS', 'V'])
    """

    why: str
    has: str = ""
    beside: str = ""
    only: str = ""
    lacks: str = ""
    feature: str = ""
    endings: tuple[str, ...] = ()
    drop: str = ""
    add: str = ""

    def applied(self, tags: set[str], feats: Mapping[str, str], form: str) -> set[str]:
        """Give the tags as they are after the rule: `tags` itself if the rule does not apply."""
        name, _, value = self.feature.partition("=")
        applies = (
            _split(self.has) <= tags
            and (not self.beside or _split(self.beside) < tags)
            and (not self.only or _split(self.only) == tags)
            and _split(self.lacks).isdisjoint(tags)
            and (not name or feats.get(name) == value)
            and (not self.endings or form.endswith(self.endings))
        )
        return (tags - _split(self.drop)) | _split(self.add) if applies else tags


@lru_cache
def _split(tags: str) -> frozenset[str]:
    return frozenset(tags.split())


# What the converter does. It has no rules for Arabic, Hindi and Russian. Where a rule names a whole set of tags
# (`only`), it applies to exactly those: a Finnish participle of another case or number keeps all its tags.
CONVERTER_RULES: Mapping[str, tuple[Rule, ...]] = {
    "bul": (
        Rule("verbs: neither finiteness, active voice nor aspect is marked", has="V", drop="FIN ACT IPFV PFV"),
        Rule("a participle is neither adjective nor plain verb", has="V.PTCP", drop="ADJ V"),
        Rule("present participles carry no aspect", has="V.PTCP PRS", drop="IPFV"),
        Rule("a participle that is not passive is active", has="V.PTCP", lacks="PASS", add="ACT"),
        Rule("a perfective participle is past", has="V.PTCP PFV", drop="PFV", add="PST"),
        Rule("superlatives: another tag", has="RL", drop="RL", add="SPRL"),
    ),
    "eng": (
        Rule("neither finiteness nor the indicative is marked", drop="FIN IND"),
        Rule("a present without person is the infinitive", only="V PRS", drop="PRS", add="NFIN"),
        Rule("the gerund is the present participle", only="V V.MSDR", drop="V.MSDR", add="V.PTCP PRS"),
        Rule("no passive: its participle is the past participle", has="V", drop="PASS"),
    ),
    "fin": (
        Rule("finite verbs are positive, even the negative verb", has="V FIN", drop="FIN", add="POS"),
        Rule("the TU-participle", only="V V.PTCP PASS NOM SG", drop="V NOM SG", add="PST"),
        Rule("the NUT-participle", only="V V.PTCP ACT NOM SG", drop="V NOM SG", add="PST"),
        Rule("the infinitive carries no voice", only="V NFIN ACT SG", drop="ACT SG"),
    ),
    "fra": (
        Rule("participles carry neither gender nor number", has="V.PTCP", drop="V MASC FEM SG PL"),
        Rule("finiteness is not marked", has="V", drop="FIN"),
        Rule("the simple past is perfective …", has="V PST", add="PFV"),
        Rule("… and the imperfect a past", has="V IPFV", add="PST"),
        Rule("the conditional has no tense", has="V COND", drop="PRS"),
        Rule("imperatives are positive and have no tense", has="V IMP", drop="PRS", add="POS"),
        Rule("the gerund is a present converb", only="V V.MSDR", drop="V V.MSDR", add="PRS V.CVB"),
    ),
    "spa": (
        Rule("finiteness is not marked", drop="FIN"),
        Rule("a participle is not a plain verb, unless nothing else is known about it", beside="V V.PTCP", drop="V"),
        Rule("the gerund is a present converb", only="V V.MSDR", drop="V V.MSDR", add="PRS V.CVB"),
        Rule("the preterite is perfective …", has="PST", lacks="V.PTCP", add="PFV"),
        Rule("… and the imperfect a past", beside="IND IPFV", add="PST"),
        Rule("imperatives are positive", has="IMP", add="POS"),
        Rule("hablara, against hablase", beside="SBJV IPFV", endings=("ra", "ran"), add="LGSPEC1"),
        Rule("the past subjunctive carries no aspect", beside="SBJV IPFV", drop="IPFV", add="PST"),
    ),
    "tur": (Rule("IMST writes Person=3 on every noun, but the noun has no person", has="N", drop="3"),),
}

# What we do instead in four languages; in English, Spanish and Turkish we run the converter's rules.
OUR_RULES: Mapping[str, tuple[Rule, ...]] = {
    **CONVERTER_RULES,
    "ara": (
        Rule(
            "u/feat/Definite: the first part of an improper annexation agrees in definiteness with its definite noun",
            feature="Definite=Com",
            add="DEF",
        ),
        Rule("the schema has no jussive, and a jussive is not an imperative", feature="Mood=Jus", drop="IMP"),
    ),
    "bul": (Rule("bg/feat/Aspect: aspect is lexical, even in an imperfect", has="PFV IPFV", drop="IPFV"),),
    "fin": (
        Rule("fi/feat/PartForm: the VA-participle", has="V.PTCP", feature="PartForm=Pres", add="PRS"),
        Rule("fi/feat/PartForm: NUT- and TU-participle", has="V.PTCP", feature="PartForm=Past", add="PST"),
        Rule("fi/feat/PartForm: maksamaton", has="V.PTCP", feature="PartForm=Neg", lacks="POS", add="NEG"),
    ),
    "fra": (
        Rule("fr/feat/Tense: the simple past is perfective", has="V IND PST", lacks="IPFV", add="PFV"),
        Rule("fr/feat/Mood: the only past subjunctive, so no aspect is marked", has="V SBJV IPFV", drop="IPFV"),
        Rule("fr/feat/Mood: the conditional is written Mood=Cnd, Tense=Pres, and has no tense", has="COND", drop="PRS"),
        Rule("fr/feat/Mood: the same holds for the imperative", has="V IMP", lacks="NEG", drop="PRS", add="POS"),
    ),
}

OUR_GENERAL_RULES: tuple[Rule, ...] = (
    Rule("u/feat/Tense: the imperfect is a past tense seen from inside", feature="Tense=Imp", add="PST"),
)
"""What we do in every language, after its own rules."""

# The paper's attribute -> its UniMorph 3.0 values that UD can give (the schema's dimensions, cut to the paper's 13).
# Every tag that begins with PSS is a value of Possession. A conjunction like AT+ABL belongs where its parts belong, and
# stays as the converter writes it (the authors' code sorts the parts: ABL+AT, the same value by another name). PST+PRF
# belongs to Tense as a whole, as in the authors' code, because Turkish has an aspect alongside it.
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    name: tuple(values.split())
    for name, values in {
        "Number": "SG PL DU TRI GRPL PAUC INVN",
        "Part of Speech": "N PROPN ADJ PRO DET V ADV V.PTCP V.MSDR V.CVB ADP CONJ NUM PART INTJ",
        "Tense": "PRS PST FUT PST+PRF",
        "Gender": "MASC FEM NEUT MASC+FEM",
        "Case": "NOM ACC ERG ABS DAT BEN GEN PRT INS COM VOC COMPV EQTV PRIV FRML TRANS ESS "
        "AT+ABL AT+ALL AT+ESS IN+ABL IN+ALL IN+ESS ON+ALL ON+ESS",
        "Voice": "ACT MID PASS ANTIP DIR INV",
        "Aspect": "IPFV PFV PROG PROSP ITER HAB",
        "Person": "0 1 2 3 4",
        "Definiteness": "DEF INDF SPEC",
        "Animacy": "ANIM INAN HUM NHUM",
        "Mood": "IND SBJV IMP COND PURP POT ADM OPT",
        "Polarity": "POS NEG",
        "Possession": "PSSD",
    }.items()
}
