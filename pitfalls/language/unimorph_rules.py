"""The tables behind `pitfalls.language.unimorph`: UD values, language rules, UniMorph dimensions.

Three tables, read in this order:

1. `UPOS_TAGS` and `FEATURE_TAGS`: what one UD value gives in any language;
2. `LANGUAGE_RULES`: what one language adds or takes away afterwards, each rule with its source;
3. `DIMENSIONS`: to which of the 13 attributes of the paper a UniMorph tag belongs.

Sources: the UniMorph schema (Sylak-Glassman 2016, https://unimorph.github.io/schema), the feature pages
of https://universaldependencies.org/u/feat/, and the reference conversions under `shared/data`
(marked "reference" below): what the converter named by the paper gives for five languages.
The Russian and Hindi references need no language rule, so they fix the common table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LANGUAGES: tuple[str, ...] = ("ara", "bul", "eng", "fin", "fra", "hin", "rus", "spa", "tur")

# The reference writes V for auxiliaries and CONJ for both kinds of conjunction; symbols, punctuation
# and X carry no part of speech.
UPOS_TAGS: Mapping[str, tuple[str, ...]] = {
    "ADJ": ("ADJ",),
    "ADP": ("ADP",),
    "ADV": ("ADV",),
    "AUX": ("V",),
    "CCONJ": ("CONJ",),
    "DET": ("DET",),
    "INTJ": ("INTJ",),
    "NOUN": ("N",),
    "NUM": ("NUM",),
    "PART": ("PART",),
    "PRON": ("PRO",),
    "PROPN": ("PROPN",),
    "PUNCT": (),
    "SCONJ": ("CONJ",),
    "SYM": (),
    "VERB": ("V",),
    "X": (),
    "_": (),
}

# UD feature -> UD value -> UniMorph tags. A feature or value that is not here gives no tag.
FEATURE_TAGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Animacy": {"Anim": ("ANIM",), "Hum": ("HUM",), "Inan": ("INAN",), "Nhum": ("NHUM",)},
    # Not here: Rapid (Turkish -iver-), which the schema has no tag for and the reference passes over.
    "Aspect": {
        "Hab": ("HAB",),
        "Imp": ("IPFV",),
        "Iter": ("ITER",),
        "Perf": ("PFV",),
        "Prog": ("PROG",),
        "Prosp": ("PROSP",),
    },
    # Local cases are place (IN, AT, ON) + direction (ESS, ALL, ABL) in the schema. Loc = ESS and
    # Abl = AT+ABL as in the reference; the essive ("as a …") is the schema's formal case, FRML.
    "Case": {
        "Abe": ("PRIV",),
        "Abl": ("AT+ABL",),
        "Abs": ("ABS",),
        "Acc": ("ACC",),
        "Ade": ("AT+ESS",),
        "All": ("AT+ALL",),
        "Ben": ("BEN",),
        "Cmp": ("COMPV",),
        "Com": ("COM",),
        "Dat": ("DAT",),
        "Ela": ("IN+ABL",),
        "Equ": ("EQTV",),
        "Erg": ("ERG",),
        "Ess": ("FRML",),
        "Gen": ("GEN",),
        "Ill": ("IN+ALL",),
        "Ine": ("IN+ESS",),
        "Ins": ("INS",),
        "Loc": ("ESS",),
        "Nom": ("NOM",),
        "Par": ("PRT",),
        "Ter": ("TERM",),
        "Tra": ("TRANS",),
        "Voc": ("VOC",),
    },
    "Definite": {"Def": ("DEF",), "Ind": ("INDF",), "Spec": ("SPEC",)},
    # The reference writes RL (relative superlative) for Sup; Pos is unmarked.
    "Degree": {"Abs": ("AB",), "Cmp": ("CMPR",), "Equ": ("EQT",), "Sup": ("RL",)},
    "Evident": {"Fh": ("FH",), "Nfh": ("NFH",)},
    "Gender": {"Fem": ("FEM",), "Masc": ("MASC",), "Neut": ("NEUT",)},
    # Not here: Des, Gen, Nec, Prs and the fused CndPot, DesPot, … of Turkish (reference: no tag).
    "Mood": {
        "Adm": ("ADM",),
        "Cnd": ("COND",),
        "Imp": ("IMP",),
        "Ind": ("IND",),
        "Opt": ("OPT",),
        "Pot": ("POT",),
        "Prp": ("PURP",),
        "Sub": ("SBJV",),
    },
    # Not here: Coll, Count, Ptan. The reference gives a plurale tantum ("scissors") no number.
    "Number": {"Dual": ("DU",), "Plur": ("PL",), "Sing": ("SG",), "Tri": ("TRI",)},
    "Person": {"0": ("0",), "1": ("1",), "2": ("2",), "3": ("3",), "4": ("4",)},
    "Polarity": {"Neg": ("NEG",), "Pos": ("POS",)},
    "Polite": {"Elev": ("ELEV",), "Form": ("FORM",), "Humb": ("HUMB",), "Infm": ("INFM",)},
    "Reflex": {"Yes": ("REFL",)},
    # The imperfect is a past tense seen from inside: tense and aspect at once.
    "Tense": {
        "Fut": ("FUT",),
        "Imp": ("PST", "IPFV"),
        "Past": ("PST",),
        "Pqp": ("PST+PRF",),
        "Pres": ("PRS",),
    },
    "VerbForm": {
        "Conv": ("V.CVB",),
        "Fin": ("FIN",),
        "Ger": ("V.MSDR",),
        "Inf": ("NFIN",),
        "Part": ("V.PTCP",),
        "Vnoun": ("V.MSDR",),
    },
    # Not here: CauPass (reference: no tag). CAUS is Valency in the schema, so it is no Voice.
    "Voice": {
        "Act": ("ACT",),
        "Antip": ("ANTIP",),
        "Cau": ("CAUS",),
        "Dir": ("DIR",),
        "Inv": ("INV",),
        "Mid": ("MID",),
        "Pass": ("PASS",),
    },
}


@dataclass(frozen=True)
class Rule:
    """One language rule: if the word is of this kind, drop these tags, then add those.

    Every condition left empty holds. `feats` maps a UD feature to the values that satisfy the rule;
    `without` names features that must be absent; `endings` are endings of
    the lower-cased form, one of which must match.
    """

    source: str
    upos: tuple[str, ...] = ()
    feats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    add: tuple[str, ...] = ()


_VERBS = ("VERB", "AUX")

LANGUAGE_RULES: Mapping[str, tuple[Rule, ...]] = {
    "ara": (
        Rule(
            source="u/feat/Definite, Cons: neither article nor nunation. The schema has no such "
            "definiteness; the nearest is PSSD, the possessed (head) noun.",
            feats={"Definite": ("Cons",)},
            add=("PSSD",),
        ),
        Rule(
            source="u/feat/Definite, Com: the first part of an improper annexation takes the article and "
            "agrees in definiteness with the (definite) noun it modifies.",
            feats={"Definite": ("Com",)},
            add=("DEF",),
        ),
        # Mood=Jus (7 % of the moods of ar_padt-feat-Mood) has no tag in the schema and gets none.
    ),
    "bul": (
        Rule(
            source="bg/feat/Aspect: aspect is lexical; bg/feat/Tense, Imp: both perfective and imperfective "
            "verbs are used in the imperfect. So the annotated aspect stands, the tense gives none.",
            feats={"Tense": ("Imp",), "Aspect": ("Perf",)},
            drop=("IPFV",),
        ),
        # Number=Count (bg/feat/Number, after numerals) gets no number, as the reference does for Ptan.
    ),
    "eng": (
        Rule(
            source="reference: English verbs carry neither finiteness nor the indicative "
            "(walks = V;PRS;3;SG), for English marks neither by a form of its own.",
            upos=_VERBS,
            drop=("FIN", "IND"),
        ),
        Rule(
            source="reference: a passive participle is the past participle; English has no passive form.",
            feats={"Voice": ("Pass",)},
            drop=("PASS",),
        ),
        Rule(
            source="reference: the gerund is the form of the present participle.",
            upos=_VERBS,
            feats={"VerbForm": ("Ger",)},
            drop=("V.MSDR",),
            add=("V.PTCP", "PRS"),
        ),
    ),
    "fin": (
        Rule(
            source="fi/feat/PartForm, Pres: the VA-participle (UniMorph: V.PTCP;ACT;PRS, V.PTCP;PASS;PRS).",
            feats={"VerbForm": ("Part",), "PartForm": ("Pres",)},
            add=("PRS",),
        ),
        Rule(
            source="fi/feat/PartForm, Past: the NUT- and TU-participles (UniMorph: V.PTCP;ACT;PST).",
            feats={"VerbForm": ("Part",), "PartForm": ("Past",)},
            add=("PST",),
        ),
        Rule(
            source="fi/feat/PartForm, Neg: the negative counterpart of the other participles (maksamaton).",
            feats={"VerbForm": ("Part",), "PartForm": ("Neg",)},
            without=("Polarity",),
            add=("NEG",),
        ),
        Rule(
            source="UniMorph's Finnish labels: participles are V.PTCP alone.",
            upos=_VERBS,
            feats={"VerbForm": ("Part",)},
            drop=("V",),
        ),
        Rule(
            source="UniMorph's Finnish labels: finite verbs carry no FIN (V;ACT;PRS;POS;IND;3;SG).",
            upos=_VERBS,
            drop=("FIN",),
        ),
    ),
    "fra": (
        Rule(
            source="fr/feat/Tense, Past: the simple past; in UniMorph's French V;IND;PST;3;SG;PFV, "
            "against the imperfect V;IND;PST;3;SG;IPFV.",
            upos=_VERBS,
            feats={"Mood": ("Ind",), "Tense": ("Past",)},
            without=("Aspect",),
            add=("PFV",),
        ),
        Rule(
            source="fr/feat/Mood, Sub with Tense=Imp: the only past subjunctive, so no aspect is marked "
            "(as the reference has it for Spanish).",
            upos=_VERBS,
            feats={"Mood": ("Sub",), "Tense": ("Imp",)},
            drop=("IPFV",),
        ),
        Rule(
            source="fr_gsd-feat-Mood: the conditional is written Mood=Cnd, Tense=Pres, and has no "
            "other tense; in UniMorph's French V;COND;3;SG.",
            upos=_VERBS,
            feats={"Mood": ("Cnd",), "Tense": ("Pres",)},
            drop=("PRS",),
        ),
        Rule(
            source="fr_gsd-feat-Mood: the imperative is written Mood=Imp, Tense=Pres; "
            "in UniMorph's French V;POS;IMP;2;PL.",
            upos=_VERBS,
            feats={"Mood": ("Imp",)},
            without=("Polarity",),
            drop=("PRS",),
            add=("POS",),
        ),
        Rule(
            source="UniMorph's French labels: participles are V.PTCP alone.",
            upos=_VERBS,
            feats={"VerbForm": ("Part",)},
            drop=("V",),
        ),
        Rule(
            source="UniMorph's French labels: finite verbs carry no FIN (V;IND;PRS;3;SG).",
            upos=_VERBS,
            drop=("FIN",),
        ),
    ),
    "spa": (
        Rule(
            source="reference: the preterite is perfective, against the imperfect.",
            upos=_VERBS,
            feats={"Mood": ("Ind",), "Tense": ("Past",)},
            add=("PFV",),
        ),
        Rule(
            source="reference: the past subjunctive carries no aspect …",
            upos=_VERBS,
            feats={"Mood": ("Sub",), "Tense": ("Imp",)},
            drop=("IPFV",),
        ),
        Rule(
            source="reference: … and its -ra form (hablara, against hablase) is marked LGSPEC1.",
            upos=_VERBS,
            feats={"Mood": ("Sub",), "Tense": ("Imp",)},
            endings=("ra", "ras", "ramos", "rais", "ran"),
            add=("LGSPEC1",),
        ),
        Rule(
            source="reference: imperatives are positive (a negative command is a subjunctive).",
            upos=_VERBS,
            feats={"Mood": ("Imp",)},
            add=("POS",),
        ),
        Rule(
            source="reference: the gerund is a present converb.",
            upos=_VERBS,
            feats={"VerbForm": ("Ger",)},
            drop=("V", "V.MSDR"),
            add=("V.CVB", "PRS"),
        ),
        Rule(
            source="reference: participles are V.PTCP alone.",
            upos=_VERBS,
            feats={"VerbForm": ("Part",)},
            drop=("V",),
        ),
        Rule(
            source="reference: finite verbs carry no FIN.",
            upos=_VERBS,
            drop=("FIN",),
        ),
    ),
    "tur": (
        Rule(
            source="reference: IMST writes Person=3 on every noun; it is no person of the noun.",
            upos=("NOUN",),
            drop=("3",),
        ),
    ),
}

# The paper's attribute -> its UniMorph 3.0 values that UD can give (the dimensions of the schema, cut to
# the paper's 13). A conjunction like AT+ABL belongs where its parts belong, and stays as the schema writes it
# (the authors' code sorts the parts: ABL+AT, the same value by another name). Dimensions that the paper does
# not use (comparison, evidentiality, finiteness, politeness, valency; LGSPEC) are not here.
# PST+PRF stands under Tense whole, as in the authors' code, because Turkish has an aspect beside it.
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "Number": ("SG", "PL", "DU", "TRI"),
    "Part of Speech": (
        "N",
        "PROPN",
        "ADJ",
        "PRO",
        "DET",
        "V",
        "ADV",
        "V.PTCP",
        "V.MSDR",
        "V.CVB",
        "ADP",
        "CONJ",
        "NUM",
        "PART",
        "INTJ",
    ),
    "Tense": ("PRS", "PST", "FUT", "PST+PRF"),
    "Gender": ("MASC", "FEM", "NEUT"),
    "Case": (
        "NOM",
        "ACC",
        "ERG",
        "ABS",
        "DAT",
        "BEN",
        "GEN",
        "PRT",
        "INS",
        "COM",
        "VOC",
        "COMPV",
        "EQTV",
        "PRIV",
        "FRML",
        "TRANS",
        "TERM",
        "ESS",
        "AT+ABL",
        "AT+ALL",
        "AT+ESS",
        "IN+ABL",
        "IN+ALL",
        "IN+ESS",
    ),
    "Voice": ("ACT", "MID", "PASS", "ANTIP", "DIR", "INV"),
    "Aspect": ("IPFV", "PFV", "PROG", "PROSP", "ITER", "HAB"),
    "Person": ("0", "1", "2", "3", "4"),
    "Definiteness": ("DEF", "INDF", "SPEC"),
    "Animacy": ("ANIM", "INAN", "HUM", "NHUM"),
    "Mood": ("IND", "SBJV", "IMP", "COND", "PURP", "POT", "ADM", "OPT"),
    "Polarity": ("POS", "NEG"),
    "Possession": (
        "PSSD",
        "PSSS",
        "PSSP",
        *(f"PSS{person}{number}" for person in ("1", "2", "3") for number in ("", "S", "D", "P")),
    ),
}
