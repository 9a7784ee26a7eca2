"""Isolation: what becomes of the *other* attributes of the changed words, and of those of their neighbours.

An intervention on Gender that also turns plurals into singulars is no evidence that the model keeps Gender apart. Each
word is read twice: by the attribute that was aimed at (the cause), and by every other attribute that it carries
(isolation); RAVEL (Huang et al. 2024) judges features in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pitfalls.interventions.damage import left_alone
from pitfalls.interventions.outcomes import new_form
from pitfalls.interventions.replay import Places, Replay

if TYPE_CHECKING:
    from pitfalls.interventions.run import Run
    from pitfalls.language.corpus import Word
    from pitfalls.language.lexicon import Analysis

CHANGED, NEIGHBOURS = "changed", "neighbours"
#: What can become of a value: the same; the one aimed at; another one, or none; or the new form cannot be read.
_FATES = ("kept", "aimed", "other", "unread")

Fates = Mapping[str, str]


def isolation(replay: Replay, ks: Sequence[int]) -> pd.DataFrame:
    """How many words have another value than before, attribute by attribute.

    A form has a value if one of its readings has it: those with the word's own lemma, or all of them if none has. Forms
    that are no word, or that the analyser does not know, are ``unread``: neither kept nor changed.

    Parameters
    ----------
    replay
        One whose first k is 0.
    ks
        Which of its k to report.

    Returns
    -------
    One row per k, kind of words ("changed", or "neighbours": the other words of the same sentences) and attribute that
    some of them carry: the keys of :attr:`~.run.Run.outcomes`, k, words, measured (the attribute), count (how many
    carry it), changed (have another value, or none), aimed (of these, have the value aimed at; for the attribute of the
    run), unread, share (changed / count), baseline (share at k = 0) and baseline_unread.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> run = experiment.intervene(experiment.rank("probeless"), pf.Translation(), ks=[0, 64], sentences=20)
    >>> run.isolation()[["k", "words", "measured", "share", "baseline"]].values.tolist()
    [[0, 'changed', 'Number', 0.0, 0.0], [64, 'changed', 'Number', 1.0, 0.0]]
    """
    targets = replay.targets
    places = {CHANGED: Places(targets.sentences, targets.positions)}
    others = left_alone(replay)
    if len(others):
        places[NEIGHBOURS] = others
    tables = [_table(replay, ks, which, here) for which, here in places.items()]
    found = pd.concat(tables, ignore_index=True)
    return found.sort_values(["k", "words", "measured"], kind="stable", ignore_index=True)


def isolation_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Cause and isolation of the changed words, and their mean, at every k of every run.

    Cause: the share of the changed words that have the value aimed at (or, where none is aimed at, another one).
    Isolation: the share of values of other attributes that are kept, every word counting once for each that it carries;
    a form that cannot be read keeps none. The score is the mean of the two, as in RAVEL (Huang et al. 2024), where all
    attributes have equally many entities; here, a mean over attributes would rest on those of a few words.

    Parameters
    ----------
    table
        From :func:`isolation`; of one run, or of several, concatenated.

    Returns
    -------
    One row per run and k: the keys, k, cause, isolation, score. Isolation is NaN if the words carry nothing else.

    Examples
    --------
    >>> table = pd.DataFrame({"attribute": "Gender", "target": "next", "k": 8, "words": "changed",
    ...     "measured": ["Gender", "Number"], "count": [10, 8], "changed": [6, 2], "aimed": [5, 0], "unread": [1, 2]})
    >>> isolation_scores(table)[["cause", "isolation", "score"]].values.tolist()
    [[0.5, 0.5, 0.5]]
    """
    keys = [column for column in table.columns if column not in _MEASURES]
    rows = []
    own = table[table["words"] == CHANGED]
    for key, part in own.groupby([*keys, "k"], sort=False, dropna=False):
        is_own = part["measured"] == part["attribute"]
        at = part[is_own].iloc[0]
        cause = (at["changed"] if at["target"] == "none" else at["aimed"]) / at["count"]
        rest = part[~is_own]
        total = int(rest["count"].sum())
        kept = (total - int(rest["changed"].sum()) - int(rest["unread"].sum())) / total if total else float("nan")
        rows.append([*key, cause, kept, (cause + kept) / 2])
    return pd.DataFrame(rows, columns=[*keys, "k", "cause", "isolation", "score"])


_MEASURES = (
    *("k", "words", "measured", "count", "changed", "aimed", "unread", "share", "baseline", "baseline_unread"),
    *("cause", "isolation", "score"),
)


def isolation_matrix(runs: Run | Iterable[Run], k: int | None = None) -> pd.DataFrame:
    """The isolation of several runs at one k each: a tidy attribute × attribute matrix.

    Parameters
    ----------
    runs
        One, or several of one language, one for each attribute that was changed.
    k
        The same for all; by default the largest of each.

    Raises
    ------
    ValueError
        There is no run, they are of several languages, or two changed the same attribute.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> run = experiment.intervene(experiment.rank("probeless"), pf.Translation(), ks=[0, 64], sentences=20)
    >>> isolation_matrix(run)[["attribute", "measured", "k", "aimed"]].values.tolist()
    [['Number', 'Number', 64, 39]]
    """
    found = []
    for run in runs if isinstance(runs, Iterable) else [runs]:
        table = run.isolation()
        found.append(table[table["k"] == (run.ks[-1] if k is None else k)])
    if not found:
        raise ValueError("no run was given: give a list of runs, one for each attribute that was changed")
    if any(not len(table) for table in found):
        raise ValueError(f"{len(found)} runs, and not all have k = {k}: give runs that have it among their ks")
    table = pd.concat(found, ignore_index=True)
    languages, changed = sorted(set(table["language"])), [one["attribute"].iloc[0] for one in found]
    twice = sorted({name for name in changed if changed.count(name) > 1})
    if len(languages) > 1 or twice:
        raise ValueError(
            f"the runs are of {', '.join(languages)} and change {', '.join(changed)}: give runs of one language, one "
            "for each attribute"
        )
    return table


def _table(replay: Replay, ks: Sequence[int], which: str, places: Places) -> pd.DataFrame:
    words = places.words(replay.sentences)
    reader = _Reader(replay, words)
    names = sorted({name for word in words for name in word.attributes})
    shape = len(replay.ks), len(names)
    counts = {fate: np.zeros(shape, dtype=np.int64) for fate in _FATES}
    for i, word, own, predicted in replay.predictions(places):
        for name, fate in reader.fates(word, own, predicted).items():
            counts[fate][i, names.index(name)] += 1
    total = np.sum(list(counts.values()), axis=0)
    changed = counts["aimed"] + counts["other"]
    rows = [replay.ks.index(k) for k in ks]
    return pd.DataFrame(
        {
            **replay.keys,
            "k": np.repeat(ks, len(names)),
            "words": which,
            "measured": names * len(ks),
            "count": total[rows].ravel(),
            "changed": changed[rows].ravel(),
            "aimed": counts["aimed"][rows].ravel(),
            "unread": counts["unread"][rows].ravel(),
            "share": (changed / total)[rows].ravel(),
            "baseline": np.tile((changed / total)[0], len(ks)),
            "baseline_unread": np.tile((counts["unread"] / total)[0], len(ks)),
        }
    )


class _Reader:
    """Says what became of each attribute of a word, and remembers it: most words come out the same at many k."""

    def __init__(self, replay: Replay, words: Sequence[Word]) -> None:
        self._replay, self._words = replay, words
        self._model, self._analyser = replay.subject.model, replay.subject.analyser()
        self._known: dict[tuple[int, tuple[int, ...]], Fates] = {}

    def fates(self, word: int, own: tuple[int, ...], predicted: tuple[int, ...]) -> Fates:
        """What became of each attribute that a word carries."""
        key = word, predicted
        if key not in self._known:
            self._known[key] = self._read(self._words[word], own, predicted)
        return self._known[key]

    def _read(self, word: Word, own: tuple[int, ...], predicted: tuple[int, ...]) -> Fates:
        form = new_form(self._model, word.form, own, predicted)
        if form == word.form:
            return dict.fromkeys(word.attributes, "kept")
        readings = list(self._analyser.analyse(form)) if form is not None else []
        right = [reading for reading in readings if reading.lemma == word.lemma]
        told = [reading for reading in right or readings if reading.knows_attributes]
        return {name: self._fate(told, name, value) for name, value in word.attributes.items()}

    def _fate(self, readings: Sequence[Analysis], attribute: str, value: str) -> str:
        found = {reading.value(attribute) for reading in readings}
        if not found:
            return "unread"
        aimed = self._aimed(value) if attribute == self._replay.part.attribute else None
        # As for outcomes, the value aimed at comes first where a form has both.
        if aimed is not None and aimed in found:
            return "aimed"
        return "kept" if value in found else "other"

    def _aimed(self, value: str) -> str | None:
        """The value that a value of the run's attribute is sent to; None if nowhere."""
        values = self._replay.part.values
        aim = int(self._replay.aims[values.index(value)]) if value in values else -1
        return values[aim] if aim >= 0 and values[aim] != value else None
