"""Agreement: whether another word, which must agree with the changed one, still does.

A causal model predicts a word before it reads it, so changing a word only shows in other words; in a masked model, too,
other words read what this one encodes. An item has a place that must agree with a controller: the margin is
log p(right form) - log p(wrong form) there, in nats, a form's pieces summed. The controller's units are changed as in
any intervention; a margin that changes its sign is flipped. Every other controller of the sentence is changed in turn,
too, which should leave the margin alone: where that flips it, the intervention does damage.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.interventions.intervals import cluster_weights
from pitfalls.interventions.margins import Trial, log_margins
from pitfalls.interventions.replay import Replay
from pitfalls.interventions.sources import sentence_key
from pitfalls.language.agreement.items import Item, balanced_indices
from pitfalls.models.blanks import Blank, Filling
from pitfalls.models.interface import TooLongError

_OWN, _OTHER = "controller", "another controller"
_SUBSETS: Mapping[str, tuple[str, ...]] = {"all": ("without", "with"), "without": ("without",), "with": ("with",)}

Values = NDArray[np.float64]
# What tells a text from others: the sentence's name, which several may have, and the words.
_Text = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Asked:
    """An item, by its index, and the word of its sentence that is changed, with the index of that word's value."""

    item: int
    position: int
    value: int
    changed: str


def margins(replay: Replay, ks: Sequence[int], items: Sequence[Item], seed: int = 0) -> pd.DataFrame:
    """The margin of each item at every k, with its controller changed, and with another one of its sentence changed.

    Parameters
    ----------
    replay
        One whose first k is 0; only what it does to states counts, not its words.
    ks
        Which of its k to report.
    items
        Of the same language and attribute (:mod:`pitfalls.language.agreement`). The same number of each value is taken,
        drawn with ``seed``, with attractors and without; if the intervention aims at a value, only items whose wrong
        form has it.

    Returns
    -------
    One row per k, item and changed word: the keys of :attr:`~.run.Run.outcomes` but for the split, k, item (its index
    among ``items``), sentence, relation, value, wrong_value, attractors ("with" or "without"), changed ("controller" or
    "another controller"), before and margin (without and with the intervention, nats).

    Warns
    -----
    UserWarning
        The tokenizer does not tell the forms of some items apart, or does not know them; these are left out.

    Raises
    ------
    ValueError
        There is no item, they are of another language, attribute or value, the intervention aims at none of their
        wrong forms, or the tokenizer tells none apart; in a causal model, a controller stands after its place; or
        nothing above the site reads other words.
    TooLongError
        An item's sentence is too long for the model; its ``index`` is the item's.
    """
    return answers(replay, ks, questions(replay, items, seed))


@dataclass(frozen=True)
class Questions:
    """What is asked of a model about some items, whatever ranking its units are changed by.

    ``asked`` says which word is changed in which item, and ``trials`` the same in subwords.
    """

    items: Sequence[Item]
    asked: Sequence[_Asked]
    trials: Sequence[Trial]


def questions(replay: Replay, items: Sequence[Item], seed: int = 0) -> Questions:
    """Choose among items, and tokenise them: the same for all rankings, if model, words and kind are the same.

    Parameters
    ----------
    replay, items, seed
        As for :func:`margins`, which warns and raises the same.
    """
    _check_site(replay)
    _check_items(replay, items)
    fitting = [i for i, item in enumerate(items) if _aimed_at(replay, item)]
    if not fitting:
        raise ValueError(
            f"none of {len(items)} items has a wrong form of the value that the intervention sends its controller to: "
            "take another target, or make items with other wrong values (another seed)"
        )
    fillings = _told_apart(replay, items, fitting)
    fitting = list(fillings)
    chosen = [fitting[i] for i in balanced_indices([items[i] for i in fitting], seed)]
    if not chosen:
        raise ValueError(
            f"{len(fitting)} items cannot be balanced over their values: some value has none with attractors, and some "
            "value none without; make more items"
        )
    controllers = _controllers(items)
    asked = [one for i in chosen for one in _asked(replay, i, items[i], controllers)]
    keys = {i: sentence_key(items[i].words) for i in chosen}
    trials = [Trial(*fillings[one.item], one.position, one.value, keys[one.item]) for one in asked]
    return Questions(items, asked, trials)


def controller_trials(replay: Replay, items: Sequence[Item], seed: int = 0) -> list[tuple[Item, Trial]]:
    """The :func:`questions` in which an item's own controller is changed, each with its item."""
    about = questions(replay, items, seed)
    both = zip(about.asked, about.trials, strict=True)
    return [(items[one.item], trial) for one, trial in both if one.changed == _OWN]


def answers(replay: Replay, ks: Sequence[int], about: Questions) -> pd.DataFrame:
    """The table of :func:`margins` for :func:`questions`."""
    found = answers_of_all([replay], about)
    return pd.concat([found[found["k"] == k] for k in ks], ignore_index=True)


def answers_of_all(replays: Sequence[Replay], about: Questions) -> pd.DataFrame:
    """The tables of :func:`margins` for several replays of one subject, at all their k, one after the other.

    What they share runs once: the layers up to the site, and every item without intervention. So this is the way to
    ask the same items under many rankings and kinds of intervention.

    Raises
    ------
    ValueError
        The replays are of several models or sites, or one aims at another value than an item's wrong form has.
    """
    _check_shared(replays, about)
    columns = _columns(about.items, about.asked)
    # The first change of each replay is none.
    changes = [replays[0].changes[0], *(change for replay in replays for change in replay.changes[1:])]
    found = log_margins(replace(replays[0], ks=range(len(changes)), changes=changes), about.trials)
    tables, row = [], 0
    for replay in replays:
        keys = {name: value for name, value in replay.keys.items() if name != "split"}
        for k in replay.ks:
            row += k > 0
            at = row if k else 0
            tables.append(pd.DataFrame({**keys, "k": k, **columns, "before": found[0], "margin": found[at]}))
    return pd.concat(tables, ignore_index=True)


def agreement_rates(by_item: pd.DataFrame, draws: int = 1000, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Accuracy, margin, shift, flip rate and damage at every k, with intervals over resampled sentences.

    Parameters
    ----------
    by_item
        From :func:`margins`; of one run.
    draws, level, seed
        As for :func:`~.intervals.rate_intervals`.

    Returns
    -------
    One row per subset ("all" items, and those "without" and "with" attractors, if there are any), measure and k: the
    keys, attractors, measure, k, mean, low, high, baseline (at k = 0), sentences, items. The measures: accuracy (share
    of margins above 0), margin (mean, nats), shift (mean of margin - baseline, nats), flip rate (share of margins that
    change their sign), and damage (the same where another controller was changed; none without such items).

    Raises
    ------
    ValueError
        If draws or level is bad, the rows are of several runs, or there are fewer than two sentences.

    Examples
    --------
    >>> items = pd.DataFrame({"ranking": "linear", "k": 8, "item": [0, 1], "sentence": ["a", "b"], "attractors": "with",
    ...     "changed": "controller", "before": [1.0, 2.0], "margin": [-1.5, 1.0]})
    >>> rates = agreement_rates(items).query("attractors == 'all'")
    >>> rates[["measure", "mean", "baseline"]].values.tolist()
    [['accuracy', 0.5, 1.0], ['margin', -0.25, 1.5], ['shift', -1.75, 0.0], ['flip rate', 0.5, 0.0]]
    """
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws must be 1 or more and level between 0 and 1; they are {draws!r} and {level!r}")
    keys = _keys(by_item)
    tables = []
    for name, which in _SUBSETS.items():
        subset = by_item[by_item["attractors"].isin(which)]
        for measure, of in _MEASURES.items():
            rows = subset[subset["changed"] == of.changed]
            n_sentences = rows["sentence"].nunique()
            # The main measures raise an error if there are too few sentences; the rest are left out.
            if n_sentences > 1 or (name == "all" and of.changed == _OWN):
                weights = cluster_weights(n_sentences, draws, seed)
                named = {**keys, "attractors": name, "measure": measure}
                tables.append(pd.DataFrame({**named, **_rates(rows, of, weights, level)}))
    return pd.concat(tables, ignore_index=True)


# -------------------------------------------------------------------- which items


def _check_site(replay: Replay) -> None:
    model, site = replay.subject.model, replay.part.site
    if site.layer == model.n_layers:
        raise ValueError(
            f"nothing above {site} of {model.name} reads other words, so no change there can reach the place that must "
            f"agree: take a layer below {model.n_layers}"
        )


def _check_items(replay: Replay, items: Sequence[Item]) -> None:
    part, model = replay.part, replay.subject.model
    if not items:
        raise ValueError(
            "no item: make some with generated(), minimal_pairs() or from_treebank() of pitfalls.language.agreement"
        )
    for i, item in enumerate(items):
        if not isinstance(item, Item):
            raise TypeError(f"items[{i}] is of type {type(item).__name__}: give items of pitfalls.language.agreement")
        if (item.language, item.attribute) != (part.language, part.attribute):
            raise ValueError(
                f"items of {item.language} {item.attribute} for an intervention on {part.language} {part.attribute}: "
                "take both of one language and attribute"
            )
        if item.value not in part.values:
            raise ValueError(
                f"an item has the value {item.value}, and the word vectors have {' '.join(part.values)}: leave out "
                "items of other values"
            )
        if model.causal and not item.causal:
            raise ValueError(
                f"in {' '.join(item.words)!r} the controller {item.words[item.controller]!r} stands after the place "
                f"{item.right!r}, and {model.name} reads from left to right: keep the items whose .causal is true"
            )


def _aimed_at(replay: Replay, item: Item) -> bool:
    """Whether the intervention sends the item's controller to the value of its wrong form, or nowhere."""
    values = list(replay.part.values)
    aim = int(replay.aims[values.index(item.value)])
    return aim < 0 or values[aim] == item.wrong_value


def _check_shared(replays: Sequence[Replay], about: Questions) -> None:
    """Refuse replays that do not share what is run once, or to which other questions must be put."""
    first = replays[0]
    for other in replays[1:]:
        if other.subject.model is not first.subject.model or other.part.site != first.part.site:
            raise ValueError(
                f"one replay is at {first.part.site} of {first.subject.model.name}, another at {other.part.site} of "
                f"{other.subject.model.name}: ask the replays of each model and site by themselves"
            )
    for replay in replays:
        for item in (about.items[one.item] for one in about.asked if one.changed == _OWN):
            if not _aimed_at(replay, item):
                raise ValueError(
                    f"the wrong form of item {item.right!r} has the value {item.wrong_value}, and the "
                    f"{replay.keys['kind']} with the target {replay.keys['target']!r} does not aim at that: ask "
                    "replays with other aims by themselves"
                )


def _controllers(items: Sequence[Item]) -> Mapping[_Text, Mapping[int, str]]:
    """The controllers of each text: by position, their values."""
    found: defaultdict[_Text, dict[int, str]] = defaultdict(dict)
    for item in items:
        found[item.sentence, item.words][item.controller] = item.value
    return found


def _asked(replay: Replay, i: int, own: Item, controllers: Mapping[_Text, Mapping[int, str]]) -> Iterator[_Asked]:
    """The item with its own controller changed, then with each other controller that the model reads in time."""
    values = list(replay.part.values)
    yield _Asked(i, own.controller, values.index(own.value), _OWN)
    for position, value in sorted(controllers[own.sentence, own.words].items()):
        number, in_time = values.index(value), position < own.place or not replay.subject.model.causal
        # A word that has the target already is left alone.
        if position not in (own.controller, own.place) and in_time and int(replay.aims[number]) != number:
            yield _Asked(i, position, number, _OTHER)


def _told_apart(replay: Replay, items: Sequence[Item], fitting: Sequence[int]) -> dict[int, tuple[Filling, Filling]]:
    """What the model is to read for the right and the wrong form of each item; those it cannot judge are left out."""
    model = replay.subject.model
    blanks = [Blank(items[i].words, items[i].place, form) for i in fitting for form in (items[i].right, items[i].wrong)]
    try:
        found = model.fillings(blanks)
    except TooLongError as error:
        raise TooLongError(fitting[error.index // 2], error.length, error.limit) from error
    pairs = dict(zip(fitting, zip(found[::2], found[1::2], strict=True), strict=True))
    kept = {i: pair for i, pair in pairs.items() if _differ(pair, items[i].controller, model.unknown_id)}
    if len(kept) < len(pairs):
        first = items[next(i for i in pairs if i not in kept)]
        told = (
            f"{len(pairs) - len(kept)} of {len(pairs)} items are left out: the tokenizer of {model.name} does not tell "
            f"their two forms apart, or does not know one or their controller, as with {first.right!r} and "
            f"{first.wrong!r} of {first.words[first.controller]!r}"
        )
        if not kept:
            raise ValueError(f"{told}; take a model that was trained on {first.language}")
        warnings.warn(told, stacklevel=5)
    return kept


def _differ(pair: tuple[Filling, Filling], controller: int, unknown: int) -> bool:
    """Whether a tokenizer writes two forms differently, and knows both and their controller."""
    right, wrong = pair
    read = [piece for piece, word in zip(right.ids, right.word_ids, strict=True) if word == controller]
    return right.pieces != wrong.pieces and unknown not in (*right.pieces, *wrong.pieces, *read)


# -------------------------------------------------------------------- tables


def _columns(items: Sequence[Item], asked: Sequence[_Asked]) -> dict[str, Sequence[object]]:
    """The columns that are the same at every k."""
    chosen = [items[one.item] for one in asked]
    return {
        "item": [one.item for one in asked],
        "sentence": _sentences(items, [one.item for one in asked]),
        **{name: [getattr(item, name) for item in chosen] for name in ("relation", "value", "wrong_value")},
        "attractors": ["with" if item.attractors else "without" for item in chosen],
        "changed": [one.changed for one in asked],
    }


def _sentences(items: Sequence[Item], asked: Sequence[int]) -> list[str]:
    """A name per text, which its items share: the sentence's id, and where several texts have that, a number."""
    names: dict[_Text, str] = {}
    times: Counter[str] = Counter()
    for i in sorted(set(asked)):
        item = items[i]
        if (item.sentence, item.words) not in names:
            name = item.sentence or f"item {i}"
            times[name] += 1
            names[item.sentence, item.words] = name if times[name] == 1 else f"{name} ({times[name]})"
    return [names[items[i].sentence, items[i].words] for i in asked]


@dataclass(frozen=True)
class _Measure:
    """A number per row of :func:`margins`, from its margins before and after, and which word was changed there."""

    of: Callable[[Values, Values], Values]
    changed: str = _OWN


def flipped(before: Values | pd.Series, after: Values | pd.Series) -> Values:
    """1 where a margin has changed its sign, or else 0."""
    return np.asarray((before > 0) != (after > 0), dtype=np.float64)


_MEASURES = {
    "accuracy": _Measure(lambda before, after: np.asarray(after > 0, dtype=np.float64)),
    "margin": _Measure(lambda before, after: after),
    "shift": _Measure(lambda before, after: after - before),
    "flip rate": _Measure(flipped),
    "damage": _Measure(flipped, _OTHER),
}
_ROW = ("k", "item", "sentence", "relation", "value", "wrong_value", "attractors", "changed", "before", "margin")


def _keys(rows: pd.DataFrame) -> dict[str, object]:
    """What all rows of a run share."""
    names = [str(name) for name in rows.columns if name not in _ROW]
    for name in names:
        several = rows[name].unique()
        if len(several) > 1:
            raise ValueError(
                f"rows of several runs: {name} is {several[0]} and {several[1]}; give those of one run at a time"
            )
    return {name: rows[name].iloc[0] for name in names}


def _rates(rows: pd.DataFrame, measure: _Measure, weights: Values, level: float) -> dict[str, object]:
    """The columns of one measure: one row per k."""
    ids, sentence = np.unique(rows["sentence"], return_inverse=True)
    ks, step = np.unique(rows["k"], return_inverse=True)
    before, after = (rows[name].to_numpy(dtype=np.float64) for name in ("before", "margin"))

    def summed(values: Values) -> Values:
        """[n_sentences, n_ks]."""
        sums = np.bincount(sentence * len(ks) + step, values, len(ids) * len(ks))
        return np.asarray(sums.reshape(len(ids), len(ks)), dtype=np.float64)

    totals, n = summed(measure.of(before, after)), summed(np.ones(len(rows)))
    low, high = np.quantile((weights @ totals) / (weights @ n), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {
        "k": ks,
        "mean": totals.sum(axis=0) / n.sum(axis=0),
        "low": low,
        "high": high,
        "baseline": summed(measure.of(before, before)).sum(axis=0) / n.sum(axis=0),
        "sentences": len(ids),
        "items": n.sum(axis=0).astype(np.int64),
    }
