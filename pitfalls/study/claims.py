"""The ledger: what is claimed, how each claim is tested, and the verdict of one or several models' studies.

Everything about a claim stands here before any number is seen: its statement and tag (SOURCES.md, "Claims"; "ours" for
what the paper does not say), the tables, the unit, k, the control and the limit. :mod:`.evidence` makes one number per
language and model of each of its parts, in which the control is already subtracted, and a verdict follows from the
interval of their mean over languages and models:

=================  =================================================================================================
verdict            of a part: its interval …                                      of a claim: its parts …
=================  =================================================================================================
holds              lies on the right side of the limit                            all hold
fails              lies on the wrong side                                         all fail
holds in part                                                                     differ, and one holds
undecided here     contains the limit: there are too few languages and models     are undecided, or fail but for these
not testable       cannot be had from these tables                                cannot be tested
=================  =================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from pitfalls.comparison.crossed_interval import crossed_interval
from pitfalls.study import evidence
from pitfalls.study.carried_over import carried_over
from pitfalls.study.evidence import Studies, Tables

Side = Literal["above", "below"]
Verdict = Literal["holds", "holds in part", "fails", "undecided here", "not testable"]

#: The words that a verdict may be.
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Part:
    """A number that must lie on one side of a limit.

    Attributes
    ----------
    what:
        What is measured.
    values:
        One number per unit and model, from the tables.
    side, limit:
        Where the number must lie.
    """

    what: str
    values: Callable[[Studies], pd.Series]
    side: Side
    limit: float

    def verdict(self, low: float, high: float) -> Verdict:
        """Of an interval from low to high."""
        if self.side == "below":
            return "holds" if high < self.limit else "fails" if low >= self.limit else "undecided here"
        return "holds" if low > self.limit else "fails" if high <= self.limit else "undecided here"


@dataclass(frozen=True)
class Claim:
    """A claim, and how it is tested.

    Attributes
    ----------
    number, tag, text:
        As in SOURCES.md, "Claims".
    tables:
        Those that the evidence is taken from.
    control:
        What is subtracted, or compared with.
    parts:
        All must hold.
    unit:
        What is averaged over, beside models.
    k:
        How many of a ranking's first neurons count (:attr:`.evidence.Studies.quarter`).
    """

    number: str
    tag: str
    text: str
    tables: Sequence[str]
    control: str
    parts: Sequence[Part]
    unit: str = "language"
    k: str = "up to a quarter"


#: How many of the first neurons are compared: the share that 100 are of M-BERT's 768.
_FIRST = "the first 13 %"

CLAIMS = (
    Claim(
        "1",
        "P",
        "grading a ranking with the probe that made it confounds the two",
        ("curves",),
        "how often two fixed probes contradict each other",
        [Part("own-probe grading contradicts a fixed probe more often", evidence.contradictions, "above", 0.0)],
    ),
    Claim(
        "2",
        "P",
        "what is encoded is not always used",
        ("leads", "dev", "effects"),
        "the ranking that is read best, by more than its interval",
        [
            Part(
                f"CLWV of the ranking that moves most, less that of the best read by {name}",
                evidence.encoded_not_used(name),
                "above",
                0.01,
            )
            for name in ("linear", "gaussian")
        ],
    ),
    Claim(
        "3",
        "P",
        "neurons control the output to some extent",
        ("dev", "effects"),
        "random rankings, at the same beta and k",
        [Part("CLWV of the best ranking, less that of random ones", evidence.controls_output, "above", 0.05)],
    ),
    Claim(
        "4",
        "I",
        "a probe with a random or bottom-to-top ranking can beat another with its own",
        ("curves",),
        "how often such a ranking lets a probe beat itself",
        [Part("a bad ranking beats the other probe's own more often", evidence.bad_rankings_win, "above", 0.0)],
    ),
    Claim(
        "5a",
        "I",
        "Gaussian is less selective than Linear",
        ("curves",),
        "the Linear probe on the same rankings",
        [Part("selectivity of Linear, less that of Gaussian", evidence.less_selective, "above", 0.01)],
    ),
    Claim(
        "5b",
        "I",
        "Gaussian memorises",
        ("curves",),
        "what the Linear probe loses on unseen forms",
        [Part("what Gaussian loses on unseen forms, less what Linear does", evidence.memorises, "above", 0.01)],
    ),
    Claim(
        "6",
        "I",
        "Probeless has the highest CLWV",
        ("dev", "effects"),
        "the better of Linear and Gaussian on dev",
        [
            Part(
                f"CLWV of Probeless under {kind.split()[0]}, less the rival's",
                evidence.probeless_moves_most(kind),
                "above",
                0.0,
            )
            for kind in ("translation", "interchange 0")
        ],
    ),
    Claim(
        "7",
        "I",
        "ablation separates the rankings poorly, translation well",
        ("effects",),
        "how far apart random rankings lie",
        [
            Part("how many times as far apart under ablation", evidence.separation("ablation"), "below", 2.0),
            Part("how many times as far apart under translation", evidence.separation("translation"), "above", 3.0),
        ],
    ),
    Claim(
        "9",
        "C",
        "three patterns of curves occur: Standard, G>L, L>G",
        ("curves",),
        "rankings that neither probe made",
        [
            Part("Gaussian's lead over Linear where it is largest", evidence.pattern("G>L"), "above", 0.02),
            Part("Linear's lead over Gaussian where it is largest", evidence.pattern("L>G"), "above", 0.02),
            Part("the distance of both where it is smallest", evidence.pattern("Standard"), "below", 0.02),
        ],
        unit="the configuration that shows it best on dev",
    ),
    Claim(
        "10a",
        "I",
        "overlap between rankings is partial and above chance",
        ("overlaps",),
        "the exact expectation of independent orders",
        [
            Part(
                "the smaller of two shares: what two rankings share above chance, and what they do not share beyond a "
                "tenth",
                evidence.partly_shared,
                "above",
                0.0,
            )
        ],
        k=_FIRST,
    ),
    Claim(
        "10b",
        "I",
        "some neurons serve the same attribute across languages",
        ("pairs",),
        "what two languages share for different attributes",
        [Part("shared for one attribute, less for two", evidence.shared_by_languages, "above", 0.0)],
        unit="attribute",
        k=_FIRST,
    ),
    Claim(
        "11",
        "ours",
        "a constant strength moves more words than one scaled by rank",
        ("dev", "effects"),
        "the best scaled strength of the same ranking",
        [Part("CLWV with constant strength, less with scaled", evidence.constant_beats_scaled, "above", 0.0)],
    ),
    Claim(
        "12",
        "ours",
        "attribution, which asks the model, moves more than rankings that read activations",
        ("dev", "effects"),
        "the best of Linear, Gaussian and Probeless on dev",
        [Part("CLWV of attribution, less the rival's", evidence.asking_moves_more, "above", 0.0)],
    ),
)
"""The claims in the order of their numbers; 8 compares models (:mod:`.carried_over`)."""


def parts(by_model: Mapping[str, Tables], n_neurons: int, claims: Sequence[Claim] = CLAIMS) -> pd.DataFrame:
    """The evidence for every part of some claims, by default all, from the studies of one or several models.

    Parameters
    ----------
    by_model : by model, its tables: curves, leads, dev, effects, overlaps and pairs (:func:`.paper.claim_tables`)
    n_neurons : of each model

    Returns
    -------
    One row per part: claim, part, limit ("above 0.01", say), mean, low, high (over units and models, 95 %), units,
    models, verdict. A part that needs a table which is missing, or rows that are, is "not testable", with NaN for
    numbers.
    """
    studies = Studies.of(by_model, n_neurons)
    rows = []
    for claim in claims:
        for part in claim.parts:
            limit = f"{part.side} {part.limit:g}"
            rows.append({"claim": claim.number, "part": part.what, "limit": limit, **_tested(part, studies)})
    return pd.DataFrame(rows)


def unit_values(part: Part, studies: Studies) -> pd.DataFrame:
    """A part's numbers, one row per unit and one column per model; units that a model lacks are left out."""
    return part.values(studies).unstack("model").dropna()


def _tested(part: Part, studies: Studies) -> dict[str, object]:
    try:
        values = unit_values(part, studies)
    except LookupError:
        values = pd.DataFrame()
    if not values.size:
        return {"mean": np.nan, "low": np.nan, "high": np.nan, "units": 0, "models": 0, "verdict": "not testable"}
    found = crossed_interval(values)
    verdict = part.verdict(found.low, found.high)
    return {**found._asdict(), "units": len(values), "models": values.shape[1], "verdict": verdict}


def verdict_of(of_parts: Sequence[str]) -> str:
    """The verdict of a claim with parts of these verdicts.

    >>> verdict_of(["holds", "undecided here"]), verdict_of(["fails", "undecided here"])
    ('holds in part', 'undecided here')
    """
    testable = [verdict for verdict in of_parts if verdict != "not testable"]
    if len(set(of_parts)) == 1:
        return of_parts[0]
    if not testable:
        return "not testable"
    if "holds" in testable:
        return "holds in part"
    return "undecided here" if "undecided here" in testable else "fails"


def ledger(
    by_model: Mapping[str, Tables], n_neurons: int, untrained: Mapping[str, Tables] | None = None
) -> pd.DataFrame:
    """What the studies of one or several models say about every claim.

    Parameters
    ----------
    by_model, n_neurons : as for :func:`parts`
    untrained : the studies of untrained twins; their evidence stands beside that of the models

    Returns
    -------
    One row per claim: claim (its number), tag, text, verdict (:data:`VERDICTS`), evidence (each part's mean, interval
    and limit), untrained (each part's mean in the twins), control, unit, k.

    Raises
    ------
    ValueError
        There is no study.
    """
    found = parts(by_model, n_neurons)
    found = found.assign(untrained=_in_twins(untrained, n_neurons))
    rows = [_row(claim, found[found["claim"] == claim.number]) for claim in CLAIMS]
    rows.append(carried_over(verdicts_by_model(by_model, n_neurons)))
    return pd.DataFrame(rows).sort_values(
        "claim", key=lambda numbers: numbers.map(_place), kind="stable", ignore_index=True
    )


def _place(number: str) -> tuple[int, str]:
    digits = "".join(character for character in number if character.isdigit())
    return int(digits), number


def _row(claim: Claim, own: pd.DataFrame) -> dict[str, object]:
    return {
        "claim": claim.number,
        "tag": claim.tag,
        "text": claim.text,
        "verdict": verdict_of(own["verdict"].tolist()),
        "evidence": "; ".join(_told(row) for _, row in own.iterrows()),
        "untrained": _joined(own["untrained"].tolist()),
        "control": claim.control,
        "unit": claim.unit,
        "k": claim.k,
    }


def _in_twins(untrained: Mapping[str, Tables] | None, n_neurons: int) -> pd.Series | str:
    """The mean of each part over untrained twins, in words; nothing if there are none."""
    if not untrained:
        return ""
    means = parts(untrained, n_neurons)["mean"]
    return means.map(lambda mean: "not testable" if np.isnan(mean) else f"{mean:+.3f}")


def _joined(told: Sequence[str]) -> str:
    """What is said of each part, or once what is said of all."""
    if set(told) in ({""}, {"not testable"}):
        return told[0]
    return f"mean{'s' if len(told) > 1 else ''} {'; '.join(told)}"


def _told(part: pd.Series) -> str:
    if part["verdict"] == "not testable":
        return f"{part['part']}: not in these tables"
    interval = "no interval" if np.isnan(part["low"]) else f"[{part['low']:+.3f}, {part['high']:+.3f}]"
    return (
        f"{part['part']}: {part['mean']:+.3f} {interval} (must be {part['limit']}; {part['units']} × {part['models']})"
    )


def verdicts_by_model(by_model: Mapping[str, Tables], n_neurons: int) -> pd.DataFrame:
    """The verdict on every part of every claim, one column per model, each from that model's languages alone.

    Parameters
    ----------
    by_model, n_neurons : as for :func:`parts`
    """
    return pd.DataFrame({model: parts({model: tables}, n_neurons)["verdict"] for model, tables in by_model.items()})
