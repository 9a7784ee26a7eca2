"""What a study says about each claim: one number per language and model, from its tables.

Every function takes :class:`Studies` and returns a Series over (language, model), of what a claim says lies above or
below a limit (:mod:`.claims`). The same rules hold in all of them:

- k is at most a quarter of the neurons (:attr:`Studies.quarter`): at all of them, every ranking is the same set.
- Whatever is chosen (a k, a strength, a ranking, a winner) is chosen on dev and measured on test.
- The rival is in the number already: it is a difference from chance, a control or another method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import integrate, stats

from pitfalls.columns import CONFIGURATION
from pitfalls.interventions.rates import clwv, error_rate
from pitfalls.study.effects import best_on_dev
from pitfalls.study.plan import ASKED, READING

Tables = Mapping[str, pd.DataFrame]

#: Accuracies or rates that differ by less count as equal.
MARGIN = 0.005

#: Where no ranking moves more than this on dev, none moves anything.
LEAST = 0.05

#: With an error rate above this without any change, a model's interventions say nothing.
_MOSTLY_WRONG = 0.5

#: What tells the configurations of several models apart.
WHERE = ["model", *CONFIGURATION]
_BAD = [("random", "ttb"), *((name, "btt") for name in READING)]


@dataclass(frozen=True, eq=False)
class Studies:
    """The tables of several models, one under the other with the column ``model``, and how many neurons they have."""

    tables: Tables
    n_neurons: int

    @classmethod
    def of(cls, by_model: Mapping[str, Tables], n_neurons: int) -> Studies:
        """Stack the tables of one or several models.

        Raises
        ------
        ValueError
            There is no model.
        """
        if not by_model:
            raise ValueError("no study: give the tables of at least one model")
        names = dict.fromkeys(name for tables in by_model.values() for name in tables)
        stacked = {
            name: pd.concat(
                [tables[name].assign(model=model) for model, tables in by_model.items() if name in tables],
                ignore_index=True,
            )
            for name in names
        }
        return cls(stacked, n_neurons)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """One of the tables."""
        return self.tables[name]

    @cached_property
    def effects(self) -> pd.DataFrame:
        """The interventions on test, of models that say most of the words back if nothing is changed.

        Raises
        ------
        LookupError
            A model gets most words wrong before any change, as an untrained one does, so nothing shows what a change
            does.
        """
        effects = self["effects"]
        wrong = error_rate(effects[effects["k"] == 0]).groupby("model")["error_rate"].mean()
        if (wrong > _MOSTLY_WRONG).any():
            raise LookupError(f"{wrong.idxmax()} gets {wrong.max():.0%} of the words wrong before any change")
        return effects

    @property
    def quarter(self) -> int:
        """The largest k that counts: a quarter of the neurons."""
        return self.n_neurons // 4


def by_unit(values: pd.Series) -> pd.Series:
    """The mean over the configurations of each language and model."""
    return values.groupby(level=["language", "model"]).mean()


# ------------------------------------------------------------------------- probing


def accuracies(studies: Studies, split: str = "test", task: str = "real", column: str = "accuracy") -> pd.DataFrame:
    """One row per model, configuration and k; one column per (probe, ranking, direction); draws averaged."""
    curves = studies["curves"]
    own = curves[(curves["task"] == task) & (curves["split"] == split) & (curves["k"] <= studies.quarter)]
    return own.pivot_table(index=[*WHERE, "k"], columns=["probe", "ranking", "direction"], values=column)


def contradictions(studies: Studies) -> pd.Series:
    """Claim 1: how much more often own-probe grading contradicts a fixed probe than two fixed probes each other."""
    at = accuracies(studies)
    linear, gaussian = ("linear", "ttb"), ("gaussian", "ttb")
    own = at["linear"][linear] - at["gaussian"][gaussian]
    fixed = [at[probe][linear] - at[probe][gaussian] for probe in ("linear", "gaussian")]
    # A mean over the two fixed probes, not a loss with either of them, because the control compares one pair too.
    by_own = (_contradicts(own, fixed[0]) + _contradicts(own, fixed[1])) / 2
    return by_unit(by_own - _contradicts(*fixed))


def _contradicts(one: pd.Series, other: pd.Series) -> pd.Series:
    return ((one.abs() > MARGIN) & (other.abs() > MARGIN) & (one * other < 0)).astype(float)


def bad_rankings_win(studies: Studies) -> pd.Series:
    """Claim 4: how much more often a probe on a bad ranking beats the other on its own than it beats itself.

    Which probe and which bad ranking is chosen on dev, at each k.
    """
    crossed = _bad_wins(studies, {"linear": "gaussian", "gaussian": "linear"})
    return by_unit(crossed - _bad_wins(studies, {"linear": "linear", "gaussian": "gaussian"}))


def _bad_wins(studies: Studies, rivals: Mapping[str, str]) -> pd.Series:
    dev, test = (_gains(accuracies(studies, split), rivals) for split in ("dev", "test"))
    found = test.to_numpy()[np.arange(len(test)), dev.loc[test.index].to_numpy().argmax(axis=1)]
    return pd.Series((found > MARGIN).astype(float), test.index)


def _gains(at: pd.DataFrame, rivals: Mapping[str, str]) -> pd.DataFrame:
    """By how much each probe on each bad ranking beats its rival on the rival's own ranking."""
    pairs = [(probe, bad) for probe in rivals for bad in _BAD]
    gains = [at[probe][bad] - at[rivals[probe]][rivals[probe], "ttb"] for probe, bad in pairs]
    return pd.concat(gains, axis=1, keys=[f"{probe} {' '.join(bad)}" for probe, bad in pairs])


def less_selective(studies: Studies) -> pd.Series:
    """Claim 5a: how much more selective the Linear probe is than the Gaussian one, on the same rankings."""
    return by_unit(_ahead(accuracies(studies) - accuracies(studies, task="control")))


def memorises(studies: Studies) -> pd.Series:
    """Claim 5b: how much more the Gaussian probe loses on forms that it has not seen than the Linear one does."""
    lost = accuracies(studies, column="accuracy_seen") - accuracies(studies, column="accuracy_unseen")
    return by_unit(-_ahead(lost)).dropna()


def _ahead(at: pd.DataFrame) -> pd.Series:
    """Linear minus Gaussian, on average over the rankings (ttb) that both read."""
    both = [(name, "ttb") for name in (*READING, "random")]
    return pd.DataFrame(at["linear"][both] - at["gaussian"][both]).mean(axis=1)


def pattern(name: str) -> Callable[[Studies], pd.Series]:
    """Claim 9: how clearly a pattern of curves shows in the configuration that shows it best on dev, in every model.

    Gaussian minus Linear, each on rankings that neither of them made, on average over k ("G>L"), or the other way round
    ("L>G"); for "Standard", the size of the difference, which is small where the pattern shows.
    """
    measures: Mapping[str, Callable[[pd.Series], pd.Series]]
    measures = {"G>L": lambda ahead: ahead, "L>G": lambda ahead: -ahead, "Standard": lambda ahead: ahead.abs()}
    best_at = {"Standard": np.argmin}.get(name, np.argmax)

    def shown(studies: Studies) -> pd.Series:
        dev, test = (measures[name](_gaussian_ahead(accuracies(studies, split))) for split in ("dev", "test"))
        of_dev = dev.groupby(level=CONFIGURATION).mean().round(12).reset_index(name="shown")
        best = of_dev.iloc[int(best_at(of_dev["shown"]))][CONFIGURATION]
        found = test.reset_index(name="shown")
        own = found[(found[CONFIGURATION] == best).all(axis=1)]
        named = own.assign(configuration=" ".join(map(str, best)))
        return named.set_index(["configuration", "model"])["shown"]

    return shown


def _gaussian_ahead(at: pd.DataFrame) -> pd.Series:
    foreign = [("probeless", "ttb"), ("random", "ttb")]
    ahead = pd.DataFrame(at["gaussian"][foreign] - at["linear"][foreign]).mean(axis=1)
    return ahead.groupby(level=WHERE).mean()


# ------------------------------------------------------------------------- interventions


def chosen(studies: Studies, kinds: Sequence[str], rankings: Sequence[str] = READING) -> pd.DataFrame:
    """For each ranking, the kind, strength and k of the highest CLWV on dev, with CLWV there on dev and on test.

    Ties go to the smaller strength, and then to the smaller k.

    Returns
    -------
    One row per model, configuration and ranking: kind, strength, k, dev, test.

    Raises
    ------
    ValueError
        What is chosen on dev was not run on test.
    """
    keys = [*WHERE, "ranking"]
    of_dev = best_on_dev(_of(studies["dev"], kinds, rankings, studies.quarter))
    best = of_dev.drop_duplicates(keys)[[*keys, "kind", "strength", "k", "clwv"]].rename(columns={"clwv": "dev"})
    at = [*keys, "kind", "strength", "k"]
    of_test = _of(clwv(studies.effects), kinds, rankings, studies.quarter)
    found = best.merge(of_test[[*at, "clwv"]].rename(columns={"clwv": "test"}), on=at, how="left", validate="1:1")
    lacking = found[found["test"].isna()]
    if len(lacking):
        first = lacking.iloc[0][at].to_dict()
        raise ValueError(f"{len(lacking)} choices of dev were not run on test; the first is {first}")
    return found.set_index(keys)


def _of(table: pd.DataFrame, kinds: Sequence[str], rankings: Sequence[str], most: int) -> pd.DataFrame:
    """The rows of some kinds of intervention along some rankings (ttb), at k from 1 to the most."""
    wanted = table["kind"].isin(kinds) & table["ranking"].isin(rankings) & (table["direction"] == "ttb")
    # An intervention without a strength has NaN there, which merges and sorts as one value.
    return table[wanted & table["k"].between(1, most)]


def _wide(found: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of :func:`chosen`, one row per configuration and one column per ranking."""
    return found[column].unstack("ranking")


def _test_of_best_on_dev(found: pd.DataFrame, among: Sequence[str]) -> pd.Series:
    """CLWV on test of the ranking that has the highest one on dev, the first of equals."""
    dev, test = _wide(found, "dev")[list(among)], _wide(found, "test")[list(among)]
    return picked(test, dev.to_numpy().argmax(axis=1))


def picked(values: pd.DataFrame, columns: NDArray[np.int64]) -> pd.Series:
    """One value of each row, by the number of its column."""
    return pd.Series(values.to_numpy()[np.arange(len(values)), columns], values.index)


def encoded_not_used(probe: str) -> Callable[[Studies], pd.Series]:
    """Claim 2: how much more the ranking that moves most moves than the one that this probe reads best.

    Both are chosen on dev. Where the lead of the best-read ranking over the other lies within its interval of 95 %, the
    two are read equally well, which shows nothing: such a configuration counts as 0, as does one in which they are the
    same ranking. Configurations in which no ranking has a CLWV above .05 on dev are left out.
    """

    def more(studies: Studies) -> pd.Series:
        found = chosen(studies, ["translation"])
        dev, test = _wide(found, "dev")[list(READING)], _wide(found, "test")[list(READING)]
        best, moving, clear = misread(dev, studies["leads"], probe)
        gain = picked(test, moving) - picked(test, best)
        return by_unit(gain.where(clear, 0.0)[(dev.max(axis=1) > LEAST).to_numpy()])

    return more


def misread(
    dev: pd.DataFrame, leads: pd.DataFrame, probe: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Which ranking a probe reads best, which one moves most, and whether the first is read better beyond doubt.

    Parameters
    ----------
    dev : what each of :data:`~.plan.READING` moves on dev, one row per configuration of a model
    leads : from :func:`~.probing.probing_tables`, with the column model

    Returns
    -------
    For each configuration, the number of both rankings, and whether the lead lies above 0 with its interval of 95 %.
    """
    of_probe = leads[leads["probe"] == probe].set_index([*WHERE, "ranking", "rival"])
    read = of_probe["lead"].groupby([*WHERE, "ranking"]).sum().unstack("ranking").loc[dev.index, list(READING)]
    best, moving = read.to_numpy().argmax(axis=1), dev.to_numpy().argmax(axis=1)
    pairs = [(*where, READING[a], READING[b]) for where, a, b in zip(dev.index, best, moving, strict=True)]
    own = of_probe.reindex(pd.MultiIndex.from_tuples(pairs))
    return best, moving, (own["lead"] > 1.96 * own["lead_se"]).to_numpy()


def controls_output(studies: Studies) -> pd.Series:
    """Claim 3: how much higher CLWV is along the best ranking than along random ones, at the same beta and k.

    Beta is the one chosen on dev for all rankings together; ranking and k are chosen on dev at this beta.
    """
    flips = clwv(studies.effects)
    random = flips[(flips["kind"] == "translation") & (flips["ranking"] == "random")]
    overall = random.drop_duplicates(WHERE)[[*WHERE, "strength"]]
    dev_there = studies["dev"].merge(overall, on=[*WHERE, "strength"])
    at_overall = replace(studies, tables={**studies.tables, "dev": dev_there})
    found = chosen(at_overall, ["translation"])
    dev, test, ks = (_wide(found, column)[list(READING)] for column in ("dev", "test", "k"))
    best = dev.to_numpy().argmax(axis=1)
    by_chance = random.groupby([*WHERE, "k"])["clwv"].mean()
    at = pd.MultiIndex.from_tuples([(*where, k) for where, k in zip(dev.index, picked(ks, best), strict=True)])
    return by_unit(picked(test, best) - by_chance.loc[at].to_numpy())


def probeless_moves_most(kind: str) -> Callable[[Studies], pd.Series]:
    """Claim 6: how much higher CLWV is along Probeless than along the better of Linear and Gaussian, chosen on dev."""

    def ahead(studies: Studies) -> pd.Series:
        found = chosen(studies, [kind])
        return by_unit(_wide(found, "test")["probeless"] - _test_of_best_on_dev(found, ("linear", "gaussian")))

    return ahead


def separation(kind: str) -> Callable[[Studies], pd.Series]:
    """Claim 7: how many times as far apart the rankings' error rates lie as those of random rankings do.

    Ranges, on average over configurations and k, each divided by the expected range of as many normal draws.
    """

    def times(studies: Studies) -> pd.Series:
        rates = error_rate(studies.effects)
        own, chance = (by_unit(one) for one in spreads(rates[rates["kind"] == kind], "error_rate", studies.quarter))
        return own / chance.replace(0, np.nan)

    return times


def spreads(rates: pd.DataFrame, column: str, most: int) -> tuple[pd.Series, pd.Series]:
    """How far apart some rates of the paper's rankings lie, and those of random ones, at each k of each configuration.

    Parameters
    ----------
    rates : of one kind of intervention, one row per model, configuration, ranking, draw, strength and k
    column : the rates
    most : the largest k that counts

    Returns
    -------
    Two series, over model, configuration and k.

    Raises
    ------
    LookupError
        There are fewer than two rankings, or draws of random ones.
    """
    flips = rates[rates["k"].between(1, most)]
    # One strength: that which random rankings have, too.
    random = flips[flips["ranking"] == "random"]
    own = flips.merge(random[[*WHERE, "strength"]].drop_duplicates(), on=[*WHERE, "strength"])
    first = own["ranking_seed"] == own["ranking_seed"].min()
    paper = own[own["ranking"].isin(READING) | ((own["ranking"] == "random") & first)]
    return _spread(paper, column), _spread(random, column)


def _spread(rates: pd.DataFrame, column: str) -> pd.Series:
    grouped = rates.groupby([*WHERE, "k"])[column]
    n = int(grouped.size().max()) if len(rates) else 0
    if n < 2:
        raise LookupError(f"a spread needs two rankings or draws, and there are {n}")
    return grouped.agg(np.ptp) / _expected_range(n)


@cache
def _expected_range(n: int) -> float:
    """Of n standard normal draws: twice the expected maximum."""
    return float(2 * integrate.quad(lambda x: x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -10, 10)[0])


def constant_beats_scaled(studies: Studies) -> pd.Series:
    """Claim 11: how much higher CLWV is with the best constant strength than with the best scaled one, by ranking."""
    constant, scaled = (chosen(studies, [kind])["test"] for kind in ("constant translation", "translation"))
    return by_unit((constant - scaled).groupby(level=WHERE).mean())


def asking_moves_more(studies: Studies) -> pd.Series:
    """Claim 12: how much higher CLWV is along the best ranking that asks the model than along one that reads."""
    found = chosen(studies, ["translation"], (*READING, *ASKED))
    return by_unit(_test_of_best_on_dev(found, ASKED) - _test_of_best_on_dev(found, READING))


# ------------------------------------------------------------------------- overlap


def partly_shared(studies: Studies) -> pd.Series:
    """Claim 10a: that pairs of rankings share more of their first neurons than chance gives them, and not nearly all.

    The smaller of two shares of the first neurons: what they share less what chance gives, and what they do not share
    less a tenth.
    """
    pairs = studies["overlaps"].query("n_rankings == 2").set_index(WHERE)
    above = by_unit((pairs["overlap"] - pairs["expected"]) / pairs["k"])
    apart = by_unit(1 - pairs["overlap"] / pairs["k"]) - 0.1
    return above.where(above < apart, apart)


def shared_by_languages(studies: Studies) -> pd.Series:
    """Claim 10b: what two languages share for one attribute, above what they share for two; by attribute, not language.

    Shares of the first neurons of Probeless, on average over layers and pairs of languages.
    """
    pairs = studies["pairs"]
    across = pairs[pairs["language_a"] != pairs["language_b"]].assign(share=lambda rows: rows["overlap"] / rows["k"])
    same = across[across["attribute_a"] == across["attribute_b"]]
    own = same.groupby(["attribute_a", "model"])["share"].mean()
    others = across[across["attribute_a"] != across["attribute_b"]]
    both = pd.concat([others.rename(columns={f"attribute_{side}": "attribute"}) for side in "ab"])
    other = both.groupby(["attribute", "model"])["share"].mean()
    return (own.rename_axis(["attribute", "model"]) - other).dropna()
