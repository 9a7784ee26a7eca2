"""The claims about real models: verdicts follow from the tables, by the same rules as for the mini world's models."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
import test_claims
from scipy import integrate, stats

from pitfalls.columns import CONFIGURATION
from pitfalls.study.claims import CLAIMS, parts, verdict_of
from pitfalls.study.evidence import Studies
from pitfalls.study.plan import ASKED, READING
from pitfalls.study.real import claims as real
from pitfalls.study.real.claims import AGREEMENT_CLAIMS, PROBED, PROBED_CLAIMS, by_attribute, flips, verdicts

UNITS, KS, LAYERS, DRAWS = 64, (1, 4, 16), (1, 2), 3
TRIED = {"translation": (6.0, 12.0), "constant translation": (1.0, 4.0), "interchange 0": (np.nan,)}
ON_TEST = {"translation": 12.0, "constant translation": 4.0, "interchange 0": np.nan, "ablation": np.nan}
RANKINGS = (*READING, *ASKED)
# Two items of one sentence, ten of one each, and two times four that share their nouns.
SENTENCES = ["weblog-3", "weblog-3", *(f"email-{i}" for i in range(10)), *(f"pairs-test-0-{i}" for i in range(8))]
CLUSTERS = [0, 0, *range(1, 11), *[11] * 4, *[12] * 4]
NUMBER = {"2": 2, "3": 1, "6": 2, "7": 2, "11": 1, "12": 1}


class Study:
    """The tables of a causal model, made up of a few functions; by default, all rankings move alike.

    ``rate`` says which share of the items flips on dev and on test, in each half of them, so that a claim can be true
    of one half; ``right`` is the share of items whose right form is the likelier one without any change.
    """

    def __init__(self, languages=("eng",), layers=LAYERS, rate=None, lead=lambda *about: 0.0, right=1.0):
        self.at = [{"language": language, "attribute": "Number", "site": "residual", "layer": layer}
                   for language in languages for layer in layers]  # fmt: skip
        self.rate, self.lead, self.right = rate or (lambda *about: 0.4 + 0.05 * about[-1]), lead, right

    def tables(self):
        return {name: getattr(self, name)() for name in ("curves", "items", "leads", "strengths", "margins")}

    def curves(self):
        return pd.DataFrame({**at, "ranking": "linear", "k": UNITS} for at in self.at)

    def items(self):
        about = {"split": "test", "item": range(len(SENTENCES)), "source": "natural", "sentence": SENTENCES}
        own = pd.DataFrame(about).assign(relation="verb", value="SG", attractors="without")
        train = own.iloc[:3].assign(split="train")
        named = dict.fromkeys(at["language"] for at in self.at)
        return pd.concat([pd.concat([train, own]).assign(language=language) for language in named], ignore_index=True)

    def leads(self):
        return pd.DataFrame(
            {**at, "probe": probe, "ranking": a, "rival": b, "lead": self.lead(probe, a, b), "lead_se": 0.01}
            for at, probe, (a, b) in itertools.product(
                self.at, ("linear", "gaussian"), itertools.permutations(RANKINGS, 2)
            )
        )

    def strengths(self):
        rows = []
        for at, ranking, (kind, strengths), k in itertools.product(self.at, RANKINGS, TRIED.items(), KS):
            rate = np.mean([self.rate(at, half, ranking, kind, k, 0) for half in (0, 1)])
            for strength in strengths:
                # A strength that was not run on test must not count, nor k beyond a quarter.
                better = 0.3 * (strength in (6.0, 1.0))
                rows.append({**self._run(at, ranking, 0, kind, strength, k), "flip_rate": rate + better})
            rows.append({**self._run(at, ranking, 0, kind, ON_TEST[kind], 2 * k + 30), "flip_rate": 1.0})
        return pd.DataFrame(rows)

    def _run(self, at, ranking, seed, kind, strength, k):
        return {**at, "ranking": ranking, "direction": "ttb", "ranking_seed": seed, "kind": kind,
                "strength": strength, "k": k}  # fmt: skip

    def margins(self):
        # Items flip in the same order in every run, natural ones and constructed ones alike.
        order = np.random.default_rng(5).permutation(len(SENTENCES)) / len(SENTENCES)
        before = np.where(np.arange(len(SENTENCES)) < self.right * len(SENTENCES), 2.0, -1.0)
        rows = []
        for at in self.at:
            rows.append({**self._run(at, "none", 0, "none", np.nan, 0), **self._row(before)})
            named = [(ranking, 0) for ranking in RANKINGS] + [("random", seed) for seed in range(DRAWS)]
            for (kind, strength), (ranking, seed), k in itertools.product(ON_TEST.items(), named, KS):
                rates = [self.rate(at, cluster % 2, ranking, kind, k, seed) for cluster in CLUSTERS]
                flipped = order < np.array(rates) - 1e-9
                rows.append(
                    {**self._run(at, ranking, seed, kind, strength, k), **self._row(before * (1 - 2 * flipped))}
                )
            rows.append({**self._run(at, "all units", 0, "ablation", np.nan, UNITS), **self._row(-before)})
        return pd.DataFrame(rows)

    def _row(self, margins):
        return {str(item): margin for item, margin in enumerate(margins)}


def found(tables, number):
    """The parts of one claim."""
    (claim,) = [claim for claim in AGREEMENT_CLAIMS if claim.number == number]
    return parts({"m": {name: tables[name] for name in claim.tables}}, UNITS, [claim])


def along(high, others=(0.4, 0.4), random=0.4):
    """Some rankings move more than the others, or less: one rate in each half of the items."""

    def rate(rates):
        def of(at, half, ranking, kind, k, seed):
            return rates[half] if ranking in high else random if ranking == "random" else others[half]

        return of

    return {name: rate(rates) for name, rates in (("holds", (0.9, 0.9)), ("fails", (0.1, 0.1)))}


def split_in_two(rates):
    """True of one half of the items, and false of the other, so that the sentences cannot decide."""
    return lambda at, half, *about: rates["fails" if half else "holds"](at, half, *about)


def by_kind(rate):
    return lambda at, half, ranking, kind, k, seed: rate if kind.startswith("constant") else 0.4


def read_best(ranking):
    return lambda probe, a, b: 0.1 * ((a == ranking) - (b == ranking))


# On dev, Probeless always moves most: what is false is false on test.
def on_test(tables, rate):
    return {**tables, "margins": Study(rate=rate).margins()}


CASES = {
    "2": along(["probeless"]),
    "3": along(RANKINGS, random=0.5),
    "6": along(["probeless"]),
    "11": {"holds": by_kind(0.9), "fails": by_kind(0.1)},
    "12": along(ASKED),
}


@pytest.mark.parametrize("number", CASES)
def test_a_claim_holds_fails_or_is_undecided(number):
    dev = Study(rate=CASES[number]["holds"], lead=read_best("linear")).tables()
    for verdict, rate in {**CASES[number], "undecided here": split_in_two(CASES[number])}.items():
        of_parts = found(on_test(dev, rate), number)
        assert of_parts["verdict"].tolist() == [verdict] * NUMBER[number]
        assert set(of_parts["units"]) == {13}


@pytest.mark.parametrize("number", NUMBER)
def test_a_claim_whose_tables_are_missing_or_empty_is_not_testable(number):
    tables = Study().tables()
    (claim,) = [claim for claim in AGREEMENT_CLAIMS if claim.number == number]
    assert (found(tables, number)["verdict"] != "not testable").all()
    for left in claim.tables if number != "7" else ("margins", "items"):
        names = [name for name in claim.tables if name != left]
        of_parts = parts({"m": {name: tables[name] for name in names}}, UNITS, [claim])
        assert of_parts["verdict"].tolist() == ["not testable"] * NUMBER[number]
    only_random = tables["margins"][tables["margins"]["ranking"].isin(["random", "none"])]
    few = {**tables, "margins": only_random, "strengths": tables["strengths"].iloc[:0]}
    if number == "7":
        few["margins"] = tables["margins"][tables["margins"]["ranking_seed"] == 0]
    assert set(found(few, number)["verdict"]) == {"not testable"}


@pytest.mark.parametrize(
    ("ablation", "translation", "expected"),
    [(0.1, 0.6, ["holds"] * 2), (0.6, 0.1, ["fails"] * 2), (None, None, ["undecided here"] * 2)],
)
def test_ablation_and_translation_separate_rankings_well_or_poorly(ablation, translation, expected):
    """Random rankings lie .1 apart, which three of them do if their standard deviation is .06."""

    def rate(at, half, ranking, kind, k, seed):
        if ranking == "random":
            return 0.2 + 0.05 * seed
        far = {"ablation": ablation, "translation": translation}.get(kind, 0.0)
        far = (0.1 if at["layer"] == 1 else 0.6) if far is None else far
        return 0.2 + far * (ranking == "probeless")

    of_parts = found(Study(rate=rate).tables(), "7")
    assert of_parts["verdict"].tolist() == expected and set(of_parts["units"]) == {len(LAYERS)}
    (units,) = {row["unit"] for _, row in verdicts({"m": Study(rate=rate).tables()}, {"m": UNITS}).iterrows()
                if row["claim"] == "7"}  # fmt: skip
    assert units == "layer"


# --------------------------------------------------------------------------- slowly, by the words of the claims


def noise(seed, languages=("eng",), **more):
    """A study whose margins, rates and leads mean nothing; dev has equal rates, and sometimes a layer without any."""
    draw, tables = np.random.default_rng(seed), Study(languages, **more).tables()
    margins = tables["margins"].copy()
    items = [column for column in margins if column.isdigit()]
    after = margins["kind"] != "none"
    margins.loc[after, items] = margins.loc[after, items] * draw.choice([-1.0, 1.0], (after.sum(), len(items)))
    strengths = tables["strengths"].assign(flip_rate=draw.integers(0, 4, len(tables["strengths"])) / 4)
    without = (strengths["layer"] == 2) & (strengths["language"] == "eng") & (seed > 0)
    strengths.loc[without, "flip_rate"] /= 20
    lead = tables["leads"].assign(lead=draw.normal(0, 0.03, len(tables["leads"])))
    return {**tables, "margins": margins, "strengths": strengths, "leads": lead}


class Slowly:
    """The same numbers by loops over items."""

    def __init__(self, tables):
        self.flip, self.dev, self.lead = {}, defaultdict(list), {}
        items = tables["items"]
        test = items[items["split"] == "test"]
        self.cluster = {(row.language, row.item): (row.sentence if "pairs" not in row.sentence else
                                                   f"four {int(row.sentence[13:]) // 4}")
                        for row in test.itertuples()}  # fmt: skip
        self.configurations = []
        for row in tables["margins"].to_dict("records"):
            at = tuple(row[column] for column in CONFIGURATION)
            if row["kind"] == "none":
                self.configurations.append(at)
                before = row
                continue
            for item in range(len(SENTENCES)):
                key = (at, row["kind"], row["ranking"], row["ranking_seed"], row["k"], item)
                self.flip[key] = float((row[str(item)] > 0) != (before[str(item)] > 0))
        for row in tables["strengths"].to_dict("records"):
            tested = ON_TEST[row["kind"]]
            if row["k"] <= UNITS / 4 and (
                row["strength"] == tested or (np.isnan(row["strength"]) and np.isnan(tested))
            ):
                key = (tuple(row[column] for column in CONFIGURATION), row["kind"], row["ranking"])
                self.dev[key].append((row["flip_rate"], row["k"]))
        for row in tables["leads"].to_dict("records"):
            at = tuple(row[column] for column in CONFIGURATION)
            self.lead[at, row["probe"], row["ranking"], row["rival"]] = (row["lead"], row["lead_se"])

    def best(self, at, kind, ranking):
        """The k that flips most on dev, the smallest of equals, and how many it flips."""
        highest = max(rate for rate, _ in self.dev[at, kind, ranking])
        return min(k for rate, k in self.dev[at, kind, ranking] if rate == highest), highest

    def moves_most(self, at, kind, among):
        rates = [self.best(at, kind, name)[1] for name in among]
        return among[rates.index(max(rates))]

    def flipped(self, at, kind, ranking, item):
        return self.flip[at, kind, ranking, 0, self.best(at, kind, ranking)[0], item]

    def by_cluster(self, number):
        """The mean of a number of each configuration and item; by language where there are several."""
        several = len({at[0] for at in self.configurations}) > 1
        numbers = defaultdict(list)
        for at, item in itertools.product(self.configurations, range(len(SENTENCES))):
            if (value := number(at, item)) is not None:
                numbers[at[0] if several else self.cluster[at[0], item]].append(value)
        return sorted(np.mean(values) for values in numbers.values())

    def encoded_not_used(self, probe, at, item):
        most = self.moves_most(at, "translation", READING)
        if self.best(at, "translation", most)[1] <= 0.05:
            return None
        sums = [sum(self.lead[at, probe, a, b][0] for b in RANKINGS if b != a) for a in READING]
        read = READING[sums.index(max(sums))]
        if read == most or self.lead[at, probe, read, most][0] <= 1.96 * self.lead[at, probe, read, most][1]:
            return 0.0
        return self.flipped(at, "translation", most, item) - self.flipped(at, "translation", read, item)

    def controls_output(self, at, item):
        best = self.moves_most(at, "translation", READING)
        k = self.best(at, "translation", best)[0]
        random = [self.flip[at, "translation", "random", seed, k, item] for seed in range(DRAWS)]
        return self.flipped(at, "translation", best, item) - np.mean(random)

    def probeless(self, kind, at, item):
        rival = self.moves_most(at, kind, ("linear", "gaussian"))
        return self.flipped(at, kind, "probeless", item) - self.flipped(at, kind, rival, item)

    def constant(self, at, item):
        return np.mean(
            [
                self.flipped(at, "constant translation", name, item) - self.flipped(at, "translation", name, item)
                for name in READING
            ]
        )

    def asking(self, at, item):
        reads, asks = (self.moves_most(at, "translation", among) for among in (READING, ASKED))
        return self.flipped(at, "translation", asks, item) - self.flipped(at, "translation", reads, item)

    def rates(self, at, kind, ranking, seed, k):
        return np.mean([self.flip[at, kind, ranking, seed, k, item] for item in range(len(SENTENCES))])

    def separation(self, kind):
        several = len({at[0] for at in self.configurations}) > 1
        ranges = defaultdict(list)
        for at, k in itertools.product(self.configurations, KS):
            own = [self.rates(at, kind, name, 0, k) for name in (*READING, "random")]
            random = [self.rates(at, kind, "random", seed, k) for seed in range(DRAWS)]
            ranges[at[0] if several else at[3]].append([max(own) - min(own), max(random) - min(random)])
        means = [np.mean(values, axis=0) for values in ranges.values()]
        return sorted((own / expected_range(4)) / (random / expected_range(DRAWS)) for own, random in means)

    def all(self):
        for_probe = [lambda at, item, p=probe: self.encoded_not_used(p, at, item) for probe in ("linear", "gaussian")]
        for_kind = [lambda at, item, p=kind: self.probeless(p, at, item) for kind in ("translation", "interchange 0")]
        every = [*for_probe, self.controls_output, *for_kind]
        spread = [self.separation(kind) for kind in ("ablation", "translation")]
        return [*map(self.by_cluster, every), *spread, *map(self.by_cluster, [self.constant, self.asking])]


def expected_range(n):
    """Of n normal draws: the chance that neither all nor none of them lie below a point, over all points."""
    return integrate.quad(lambda x: 1 - stats.norm.cdf(x) ** n - stats.norm.sf(x) ** n, -9, 9)[0]


@pytest.mark.parametrize("languages", [("eng",), ("eng", "rus", "tur")])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_number_is_that_of_a_loop_over_items(seed, languages):
    tables = noise(seed, languages)
    studies = Studies.of({"m": tables}, UNITS)
    own = [part.values(studies) for claim in AGREEMENT_CLAIMS for part in claim.parts]
    for values, expected in zip(own, Slowly(tables).all(), strict=True):
        assert len(values) == len(expected)
        np.testing.assert_allclose(sorted(values), expected, atol=1e-12)
        level = values.index.names[0]
        assert level in (("language",) if len(languages) > 1 else ("cluster", "layer"))


def test_what_happens_on_test_chooses_nothing():
    """On dev the smallest k is best for all; on test another one would be."""

    def rate(at, half, ranking, kind, k, seed):
        return 0.2 + 0.1 * RANKINGS.index(ranking) - 0.01 * k if ranking in RANKINGS else 0.1

    tables = Study(rate=rate).tables()
    chosen = real._chosen(Studies.of({"m": tables}, UNITS), "translation", RANKINGS)
    for seed in range(3):
        margins = tables["margins"].copy()
        items = [column for column in margins if column.isdigit()]
        runs = margins.index[margins["kind"] != "none"]
        margins.loc[runs, items] = margins.loc[np.random.default_rng(seed).permutation(runs), items].to_numpy()
        again = real._chosen(Studies.of({"m": {**tables, "margins": margins}}, UNITS), "translation", RANKINGS)
        pd.testing.assert_frame_equal(again.dev, chosen.dev)
        at_1 = margins[(margins["kind"] == "translation") & (margins["k"] == 1) & (margins["layer"] == 2)]
        for ranking in RANKINGS:
            (row,) = at_1[at_1["ranking"] == ranking][items].to_numpy()
            assert again.test.xs(2, level="layer")[ranking].tolist() == (row < 0).tolist()


# ------------------------------------------------------------------------- units, models and what is not testable


def test_four_constructed_items_and_the_items_of_a_sentence_are_one_unit():
    table = flips(Studies.of({"m": Study().tables()}, UNITS))
    same = table.groupby("cluster")["sentence"].unique().map(sorted).tolist()
    assert sorted(map(len, same)) == [1] * 11 + [4] * 2
    assert [f"pairs-test-0-{i}" for i in range(4)] in same and table["cluster"].nunique() == 13
    assert (table["flip"] == (table["margin"] * table["before"] < 0)).all() and set(table["site"]) == {"residual"}


def test_items_that_say_the_same_do_not_make_an_interval_narrower():
    """Every four has one of its items three times more: the mean moves, but there are no more units."""
    whole = noise(4)
    copied = whole["margins"].assign(**{str(i): whole["margins"][str(12 + 4 * (i > 15))] for i in range(12, 20)})
    one = copied.drop(columns=[str(i) for i in range(12, 20) if i not in (12, 16)])
    pd.testing.assert_frame_equal(found({**whole, "margins": copied}, "12"), found({**whole, "margins": one}, "12"))


@pytest.mark.parametrize("right", [0.7, 0.0])
def test_a_model_that_prefers_wrong_forms_by_itself_cannot_show_what_a_push_does(right):
    for number, n in NUMBER.items():
        assert found(Study(right=right).tables(), number)["verdict"].tolist() == ["not testable"] * n
        assert "not testable" not in found(Study(right=0.8).tables(), number)["verdict"].tolist()


def test_a_choice_of_dev_that_was_not_run_on_test_is_named():
    tables = Study().tables()
    margins = tables["margins"]
    gone = (margins["ranking"] == "gaussian") & (margins["layer"] == 2) & (margins["k"] == 1)
    with pytest.raises(ValueError, match="translation along gaussian was not run in every configuration"):
        found({**tables, "margins": margins[~gone]}, "6")


def one_language():
    """A mini study of several languages and attributes, as one of many attributes, with other sites beside."""
    made = test_claims.Study("bert").tables("curves", "overlaps")
    named = {name: table.assign(attribute=table["language"] + table["attribute"], language="eng")
             for name, table in made.items()}  # fmt: skip
    mlp = named["curves"].assign(
        site="mlp", k=2 * named["curves"]["k"], accuracy=0.1, accuracy_seen=0.9, accuracy_unseen=0.1
    )
    autoencoder = pd.DataFrame({"site": ["sae"], "layer": [12], "latents": [64]})
    return {**named, "curves": pd.concat([named["curves"], mlp]), "autoencoder": autoencoder, "costs": pd.DataFrame()}


def test_attributes_take_the_place_of_languages_and_other_sites_do_not_count():
    tables = one_language()
    assert set(by_attribute(tables)) == {"curves", "overlaps"}
    table = verdicts({"smollm2": tables}, {"smollm2": 128})
    residual = {name: tables[name][tables[name]["site"] == "residual"] for name in ("curves", "overlaps")}
    as_languages = {name: one.assign(language=one["attribute"]) for name, one in residual.items()}
    expected = parts({"smollm2": as_languages}, 128, PROBED_CLAIMS)
    pd.testing.assert_frame_equal(table.drop(columns=["model", "unit"]), expected)
    assert table.columns[0] == "model" and table["claim"].unique().tolist() == list(PROBED)
    units = table.set_index("claim")
    assert set(units.loc[["1", "4", "5a", "5b", "10a"], "unit"]) == {"attribute"} and (units["units"] >= 1).all()
    assert set(units.loc[["1", "4", "5a", "5b", "10a"], "units"]) == {8}
    assert set(units.loc["9", "unit"]) == {"the configuration that shows it best on dev"}


def test_each_model_is_asked_what_its_tables_can_answer():
    mini = test_claims.Study("bert").tables()
    curves = test_claims.Study("bert").tables("curves")
    read = {**one_language(), **{name: one for name, one in Study().tables().items() if name != "curves"}}
    several = {**Study(("eng", "rus", "spa")).tables(), **curves}
    models = {"bert": mini, "minilm": one_language(), "smollm2": read, "causal": several}
    sizes = {"bert": 128, "minilm": 128, "smollm2": UNITS, "causal": UNITS}
    table = verdicts(models, sizes)
    assert table["model"].unique().tolist() == list(models)
    claims = {model: own["claim"].unique().tolist() for model, own in table.groupby("model")}
    used = [claim.number for claim in AGREEMENT_CLAIMS]
    assert claims["bert"] == [claim.number for claim in CLAIMS] and claims["minilm"] == list(PROBED)
    assert claims["smollm2"] == claims["causal"] == [*PROBED, *used]
    units = table.drop_duplicates(["model", "claim"]).set_index(["model", "claim"])["unit"]
    assert units["bert", "10b"] == "attribute" and units["bert", "2"] == units["causal", "3"] == "language"
    assert units["smollm2", "3"] == "sentence" and units["causal", "7"] == "language"
    own = parts({"bert": mini}, 128)
    pd.testing.assert_frame_equal(table[table["model"] == "bert"][own.columns].reset_index(drop=True), own)
    of_causal = parts({"causal": several}, UNITS, AGREEMENT_CLAIMS)
    same = table[(table["model"] == "causal") & table["claim"].isin(used)][of_causal.columns]
    pd.testing.assert_frame_equal(same.reset_index(drop=True), of_causal)
    with pytest.raises(ValueError, match="at least one model"):
        verdicts({}, {})


def test_agreement_claims_have_the_limits_of_the_claims_about_words():
    of_words = {claim.number: claim for claim in CLAIMS}
    for claim in AGREEMENT_CLAIMS:
        same = of_words[claim.number].parts
        assert [(part.side, part.limit) for part in claim.parts] == [(part.side, part.limit) for part in same]
        said = [part.what for part in claim.parts]
        assert "CLWV" not in " ".join([*said, claim.text])
        assert [what.replace("flip rate", "CLWV") for what in said] == [part.what for part in same]
    assert not {claim.number for claim in AGREEMENT_CLAIMS} & set(PROBED)


def permuted(tables, draw):
    """In each configuration, the runs of a cluster exchange their names, on test, and the rates and leads on dev."""
    margins = tables["margins"].copy()
    runs = margins.groupby([*CONFIGURATION, "k"]).indices.values()
    for rows, cluster in itertools.product(runs, set(CLUSTERS)):
        items = [str(i) for i, own in enumerate(CLUSTERS) if own == cluster]
        own = rows[(margins["kind"].iloc[rows] != "none") & (margins["ranking"].iloc[rows] != "all units")]
        where = [margins.columns.get_loc(item) for item in items]
        margins.iloc[own, where] = margins.iloc[draw.permutation(own), where].to_numpy()
    dev = tables["strengths"]["flip_rate"].to_numpy()
    leads = tables["leads"]["lead"].to_numpy()
    return {
        **tables,
        "margins": margins,
        "strengths": tables["strengths"].assign(flip_rate=draw.permutation(dev)),
        "leads": tables["leads"].assign(lead=draw.permutation(leads)),
    }


@pytest.mark.slow
def test_with_labels_that_mean_nothing_no_claim_holds_more_often_than_one_time_in_twenty():
    """Before the labels are lost, all claims hold."""

    def rate(at, half, ranking, kind, k, seed):
        if kind == "ablation" or ranking == "random":
            return 0.05 + 0.05 * seed + 0.15 * (ranking != "random")
        return {"probeless": 0.7, "attribution": 1.0}.get(ranking, 0.2) + 0.3 * kind.startswith("constant")

    tables = Study(rate=rate, lead=read_best("linear")).tables()
    assert set(parts({"m": tables}, UNITS, AGREEMENT_CLAIMS)["verdict"]) == {"holds"}
    held: Counter[str] = Counter()
    for seed in range(40):
        made_up = permuted(tables, np.random.default_rng(seed))
        for claim, of_parts in parts({"m": made_up}, UNITS, AGREEMENT_CLAIMS).groupby("claim")["verdict"]:
            held[claim] += verdict_of(of_parts.tolist()) == "holds"
    assert max(held.values()) <= 0.05 * 40, held
