"""How many forms an analyser knows, and how often two analysers agree: tidy tables for reports.

An outcome of an intervention is only as good as the analyser that judged it: a word that the analyser does not know may
still be right. Both tables have two rows for every question: in one ("form") each distinct form counts once, in the
other ("word") as often as it occurs. Rare forms, the ones that a lexicon lacks, make up most of the first and little of
the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from pitfalls.language.analysers import Analyser, one_language
from pitfalls.language.forms import as_forms
from pitfalls.language.lexicon import Analysis
from pitfalls.language.unimorph import ATTRIBUTES


def coverage(analysers: Sequence[Analyser], forms: Iterable[str]) -> pd.DataFrame:
    """Measure how many of the given forms each analyser knows.

    Parameters
    ----------
    analysers : of one language, each with a different name
    forms : word forms as they occur, repetitions included; canonically equal ones (NFC) are one form

    Returns
    -------
    Two rows per analyser, in the order given: analyser, language, per ("form", "word"), n (forms or words), known
    and with_attributes (shares of n; the second leaves out forms that only a lemmatiser knows), and mean_analyses
    (readings per known form or word; NaN if none is known).

    Raises
    ------
    ValueError
        No form or no analyser is given, or two analysers have different languages or the same name.

    Examples
    --------
    >>> from pitfalls.language.analysers import LexiconAnalyser
    >>> from pitfalls.language.lexicon import Lexicon
    >>> lexicon = Lexicon.from_forms("eng", [("saw", "see", {"Tense": "PST"}), ("saw", "saw", {"Number": "SG"})])
    >>> table = coverage([LexiconAnalyser(lexicon, "toy")], ["saw", "saw", "seen"])
    >>> print(table.round(2).to_string(index=False))
    analyser language  per  n  known  with_attributes  mean_analyses
         toy      eng form  2   0.50             0.50            2.0
         toy      eng word  3   0.67             0.67            2.0
    """
    language = one_language(analysers)
    names = [analyser.name for analyser in analysers]
    if len(set(names)) < len(names):
        raise ValueError(f"the table tells analysers apart by their names, and these are {names}: rename one of them")
    counts = _counted(forms)
    tables = []
    for analyser in analysers:
        readings = [analyser.analyse(form) for form in counts.index]
        sums = _summed(
            counts,
            known=[bool(found) for found in readings],
            informed=[any(reading.knows_attributes for reading in found) for found in readings],
            readings=[len(found) for found in readings],
        )
        shares = {
            "known": sums["known"] / sums["n"],
            "with_attributes": sums["informed"] / sums["n"],
            "mean_analyses": sums["readings"] / sums["known"],
        }
        tables.append(sums[["per", "n"]].assign(analyser=analyser.name, language=language, **shares))
    columns = ["analyser", "language", "per", "n", "known", "with_attributes", "mean_analyses"]
    return pd.concat(tables, ignore_index=True)[columns]


def agreement(a: Analyser, b: Analyser, forms: Iterable[str], attribute: str | None = None) -> pd.DataFrame:
    """Measure how often two analysers say the same about a form.

    For the forms that both know, the sets of lemmas are compared; lemmas are the same if they are spelt the same,
    capitals included, as when an intervention is judged. With an attribute, the sets of its values are compared
    instead, "absent" being one of them, for the forms whose attributes both know and for which at least one gives a
    value: it proves little that two lexicons agree that "and" has no Tense.

    Parameters
    ----------
    a, b : analysers of one language
    forms : word forms as they occur, repetitions included; canonically equal ones (NFC) are one form
    attribute : one of the paper's attributes, such as "Number"; by default lemmas are compared

    Returns
    -------
    Two rows: a, b, language, of ("lemma" or the attribute), per ("form", "word"), n (forms or words given),
    n_compared, and the shares of n_compared for which the two sets have a common member (intersect) and are the
    same (equal); NaN if none could be compared.

    Raises
    ------
    ValueError
        No form is given, there is no such attribute, or the analysers have different languages.

    Examples
    --------
    >>> from pitfalls.language.analysers import LexiconAnalyser, SimplemmaAnalyser
    >>> from pitfalls.language.lexicon import Lexicon
    >>> lexicon = Lexicon.from_forms("eng", [("saw", "see", {}), ("saw", "saw", {}), ("mice", "mouse", {})])
    >>> table = agreement(LexiconAnalyser(lexicon, "toy"), SimplemmaAnalyser("eng"), ["saw", "mice", "mice", "cat"])
    >>> print(table.round(2).to_string(index=False))
      a         b language    of  per  n  n_compared  intersect  equal
    toy simplemma      eng lemma form  3           2        1.0   0.50
    toy simplemma      eng lemma word  4           3        1.0   0.67
    """
    language = one_language([a, b])
    if attribute is not None and attribute not in ATTRIBUTES:
        raise ValueError(f"no attribute {attribute!r}; there are: {', '.join(ATTRIBUTES)}")
    counts = _counted(forms)
    said = [(_said(a.analyse(form), attribute), _said(b.analyse(form), attribute)) for form in counts.index]
    # A form is not compared if one analyser does not know it, or if neither gives a value.
    compared = [bool(x and y and x | y != {None}) for x, y in said]
    sums = _summed(
        counts,
        n_compared=compared,
        intersect=[use and bool(x & y) for use, (x, y) in zip(compared, said, strict=True)],
        equal=[use and x == y for use, (x, y) in zip(compared, said, strict=True)],
    )
    shares = {name: sums[name] / sums["n_compared"] for name in ("intersect", "equal")}
    columns = ["a", "b", "language", "of", "per", "n", "n_compared", "intersect", "equal"]
    return sums.assign(a=a.name, b=b.name, language=language, of=attribute or "lemma", **shares)[columns]


def _said(readings: Iterable[Analysis], attribute: str | None) -> frozenset[str | None]:
    """Collect the lemmas, or the attribute's values (None: absent); empty if nothing is known about them."""
    if attribute is None:
        return frozenset(reading.lemma for reading in readings)
    return frozenset(reading.value(attribute) for reading in readings if reading.knows_attributes)


def _counted(forms: Iterable[str]) -> pd.Series[int]:
    """Count how often each distinct form occurs."""
    counts = Counter(as_forms(forms))
    if not counts:
        raise ValueError("forms is empty: give at least one word form")
    return pd.Series(counts)


def _summed(counts: pd.Series[int], **told: Sequence[int]) -> pd.DataFrame:
    """Sum what is known about the forms, counting each form once ("form"), or as often as it occurs ("word")."""
    table = pd.DataFrame({"n": 1, **told}, index=counts.index).astype(int)
    sums = {"form": table.sum(), "word": table.mul(counts, axis=0).sum()}
    return pd.DataFrame(sums).T.rename_axis("per").reset_index()
