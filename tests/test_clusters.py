"""Clusters of curves: planted patterns are found, the steps are scikit-learn's, and the figure shows the table."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from drawn import by_label, drawn_twice, is_whole, touching
from matplotlib.colors import to_hex
from matplotlib.text import Text
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from pitfalls import figures
from pitfalls.study.clusters import (
    PAPER_SEEDS,
    PATTERNS,
    PROBES,
    RANKINGS,
    cluster,
    cluster_stability,
    features,
    pattern_scores,
    seed_configurations,
)

KEYS = ["language", "attribute", "layer"]
KS = (1, 2, 4, 8, 16, 32)
# By how much the Gaussian probe is above the Linear probe, at the last k.
LEADS = {"Standard": 0.0, "G>L": 0.25, "L>G": -0.25}
ATTRIBUTES = ["Number", "Part of Speech", "Tense", "Gender", "Case", "Animacy"]


def planted(languages=("eng", "rus", "spa", "tur"), layers=(1, 2, 3), seed=0, ks=KS, **changes) -> pd.DataFrame:
    """Curves of configurations whose pattern depends on attribute and layer (:func:`pattern`); all rows shuffled."""
    generator = np.random.default_rng(seed)
    rows = []
    for language, attribute, layer in itertools.product(languages, ATTRIBUTES, layers):
        lead = LEADS[pattern(attribute, layer)]
        for probe, (j, ranking), k in itertools.product(PROBES, enumerate(RANKINGS), ks):
            sign = 0.5 if probe == "gaussian" else -0.5
            accuracy = 0.55 + 0.2 * k / (k + 3 * j + 2) + sign * lead * k / max(ks) + 0.004 * generator.normal()
            rows.append(
                {"language": language, "attribute": attribute, "layer": layer, "probe": probe, "ranking": ranking}
                | {"direction": "ttb", "ranking_seed": 0, "task": "real", "split": "test", "seed": 0, "k": k}
                | {"accuracy": accuracy}
            )
    return pd.DataFrame(rows).assign(**changes).sample(frac=1, random_state=seed)


def pattern(attribute: str, layer: int) -> str:
    return PATTERNS[(ATTRIBUTES.index(attribute) + layer) % 3]


def test_features_are_the_curves_one_after_the_other_of_length_one():
    curves = planted()
    matrix, index = features(curves)
    assert index[KEYS].values.tolist() == sorted(curves[KEYS].drop_duplicates().values.tolist())
    values = {tuple(row[:-1]): row[-1] for row in curves[[*KEYS, "probe", "ranking", "k", "accuracy"]].values.tolist()}
    for vector, key in zip(matrix, index[KEYS].itertuples(index=False, name=None), strict=True):
        slow = [values[(*key, probe, ranking, k)] for probe in PROBES for ranking in RANKINGS for k in KS]
        np.testing.assert_allclose(vector, np.array(slow) / sum(a * a for a in slow) ** 0.5, rtol=1e-12)


def test_features_leave_aside_what_is_no_part_of_the_recipe_and_average_draws():
    curves = planted()
    expected = features(curves)[0]
    other = [
        curves.assign(direction="btt", accuracy=0.1),
        curves.assign(task="control", accuracy=0.2),
        curves.assign(probe="linear_converged", accuracy=0.3),
        curves.assign(ranking="lca", accuracy=0.4),
    ]
    np.testing.assert_array_equal(features(pd.concat([curves, *other]))[0], expected)
    draws = [curves.assign(accuracy=curves["accuracy"] + shift, ranking_seed=i) for i, shift in enumerate((-0.1, 0.1))]
    np.testing.assert_allclose(features(pd.concat(draws))[0], expected, rtol=1e-12)


def test_scores_are_mean_differences_over_their_spread():
    curves = planted()
    found = pattern_scores(curves)
    means: dict[tuple[object, ...], float] = {}
    for key, own in curves.groupby([*KEYS, "ranking"]):
        by = own.set_index(["probe", "k"])["accuracy"]
        means[key] = sum(by["gaussian", k] - by["linear", k] for k in KS) / len(KS)
    spread = {
        ranking: (sum(m * m for key, m in means.items() if key[3] == ranking) / len(found)) ** 0.5
        for ranking in RANKINGS
    }
    for row in found.to_dict("records"):
        own = [means[(*(row[key] for key in KEYS), ranking)] for ranking in RANKINGS]
        relative = [m / spread[ranking] for m, ranking in zip(own, RANKINGS, strict=True)]
        assert row["difference"] == pytest.approx(sum(own) / 4)
        assert row["score"] == pytest.approx(sum(relative) / 4)
        assert row["imbalance"] == pytest.approx(sum(map(abs, relative)) / 4)


def test_equal_probes_score_zero():
    equal = pattern_scores(planted().assign(accuracy=0.5))
    assert (equal[["difference", "score", "imbalance"]] == 0).all(axis=None)


def test_seeds_are_the_papers_where_all_three_are_there():
    curves = planted()
    paper = [planted((language,), (layer,)).assign(attribute=name) for language, name, layer in PAPER_SEEDS.values()]
    paper = [table.drop_duplicates(["probe", "ranking", "k"]) for table in paper]
    every = pd.concat([curves[curves["language"] != "rus"], *paper])
    seeds = seed_configurations(every)
    assert seeds["cluster"].tolist() == list(PATTERNS) and set(seeds["chosen"]) == {"paper"}
    assert [tuple(row) for row in seeds[KEYS].values.tolist()] == list(PAPER_SEEDS.values())
    # Two of the three are not enough: then all are chosen by score.
    without = every[every["language"] != "bul"]
    assert set(seed_configurations(without)["chosen"]) == {"score"}


def test_seeds_by_score_are_the_extremes_and_the_most_balanced():
    curves = planted()
    scores, seeds = pattern_scores(curves), seed_configurations(curves)
    for row in seeds.to_dict("records"):
        assert row["cluster"] == pattern(row["attribute"], row["layer"]) and row["chosen"] == "score"
    expected = [scores["imbalance"].idxmin(), scores["score"].idxmax(), scores["score"].idxmin()]
    assert seeds[KEYS].values.tolist() == scores.loc[expected, KEYS].values.tolist()
    same = seed_configurations(curves.assign(accuracy=0.5))
    assert len(same[KEYS].drop_duplicates()) == 3


def test_planted_patterns_are_found_and_named():
    curves = planted()
    found = cluster(curves, seed_configurations(curves))
    assert len(found) == 72 and set(found["cluster"]) == set(PATTERNS)
    for row in found.to_dict("records"):
        assert row["cluster"] == pattern(row["attribute"], row["layer"])
    # The layout keeps neighbours: the nearest point has the same pattern.
    at = found[["x", "y"]].to_numpy()
    distance = np.linalg.norm(at[:, None] - at[None], axis=2) + 1e9 * np.eye(len(at))
    assert (found["cluster"].to_numpy()[distance.argmin(axis=1)] == found["cluster"]).mean() > 0.95
    assert found["score"].tolist() == pattern_scores(curves)["score"].tolist()
    assert found.loc[found["is_seed"], KEYS].values.tolist() == sorted(
        seed_configurations(curves)[KEYS].values.tolist()
    )


def test_the_clusters_are_those_of_kmeans_from_the_seeds_in_any_order():
    curves = planted()
    matrix, index = features(curves)
    seeds = seed_configurations(curves).iloc[[2, 0, 1]]
    rows = [index[KEYS].values.tolist().index(key) for key in seeds[KEYS].values.tolist()]
    labels = KMeans(3, init=matrix[rows], n_init=1).fit_predict(matrix)
    found = cluster(curves, seeds)
    assert found["cluster"].tolist() == [seeds["cluster"].tolist()[label] for label in labels]
    two = cluster(curves, seeds.iloc[:2])
    assert set(two["cluster"]) == set(seeds["cluster"].iloc[:2])


def test_the_same_seed_gives_the_same_clusters_whatever_the_order_of_rows():
    curves = planted()
    seeds, before = seed_configurations(curves), curves.copy()
    one = cluster(curves, seeds, seed=3)
    pd.testing.assert_frame_equal(cluster(curves.sort_values("k"), seeds, seed=3), one)
    pd.testing.assert_frame_equal(
        cluster_stability(curves, 3, seed=1), cluster_stability(curves.sort_values("k"), 3, seed=1)
    )
    assert not cluster_stability(curves, 8, seed=1).equals(cluster_stability(curves, 8, seed=2))
    pd.testing.assert_frame_equal(curves, before)


@pytest.mark.parametrize("n", [3, 4, 5, 9])
def test_few_configurations_can_be_laid_out(n):
    curves = planted(("eng",), (1, 2))
    keys = curves[KEYS].drop_duplicates().sort_values(KEYS).head(n)
    few = curves.merge(keys, on=KEYS)
    found = cluster(few, seed_configurations(few))
    assert len(found) == n and np.isfinite(found[["x", "y"]]).all(axis=None)


def test_clear_patterns_are_stable_and_noise_is_not():
    found = cluster_stability(planted(), 12)
    assert found["change"].value_counts().to_dict() == {"initialisation": 12, "ks": 12, "language": 4}
    own = {change: rows for change, rows in found.groupby("change")}
    assert (own["ks"]["adjusted_rand"] == 1).all() and (own["language"]["adjusted_rand"] == 1).all()
    assert own["language"]["left_out"].tolist() == ["eng", "rus", "spa", "tur"]
    assert set(own["language"]["configurations"]) == {54} and set(own["ks"]["configurations"]) == {72}
    curves = planted()
    noise = curves.assign(accuracy=np.random.default_rng(0).random(len(curves)))
    means = cluster_stability(noise, 12).groupby("change")["adjusted_rand"].mean()
    assert means["initialisation"] < 0.3 and means["ks"] < 0.5 and means["language"] < 1


def test_without_a_language_the_rest_is_clustered_from_the_same_seeds():
    curves = planted(seed=5)
    noisy = curves.assign(accuracy=np.random.default_rng(1).random(len(curves)))
    matrix, index = features(noisy)
    seeds = seed_configurations(noisy)
    rows = [index[KEYS].values.tolist().index(key) for key in seeds[KEYS].values.tolist()]
    whole = KMeans(3, init=matrix[rows], n_init=1, max_iter=1000).fit_predict(matrix)
    found = cluster_stability(noisy, 1).query("change == 'language'").set_index("left_out")["adjusted_rand"]
    for language in ("eng", "rus", "spa", "tur"):
        kept = (index["language"] != language).to_numpy()
        rest = KMeans(3, init=matrix[rows], n_init=1, max_iter=1000).fit_predict(matrix[kept])
        assert found[language] == pytest.approx(adjusted_rand_score(whole[kept], rest))
    assert found.min() < 1


def test_one_language_cannot_be_left_out():
    found = cluster_stability(planted(("eng",)), 2)
    assert set(found["change"]) == {"initialisation", "ks"}


def test_curves_and_seeds_that_cannot_be_used_say_why():
    curves = planted(("eng", "spa"), (1, 2))
    seeds = seed_configurations(curves)
    with pytest.raises(ValueError, match=r"needs the columns \['accuracy'\]"):
        features(curves.drop(columns="accuracy"))
    gap = curves[~((curves[[*KEYS, "probe", "k"]] == ["spa", "Tense", 2, "linear", 4]).all(axis=1))]
    with pytest.raises(ValueError, match=r"spa Tense, layer 2, .* linear probe on the linear ranking at k = 4 \(4 "):
        features(gap)
    with pytest.raises(ValueError, match="one split, and the table has 2"):
        features(pd.concat([curves, curves.assign(split="dev")]))
    with pytest.raises(ValueError, match="the table has none"):
        features(curves.assign(direction="btt"))
    with pytest.raises(ValueError, match=r"between 0 and 1, and \d+ rows have"):
        features(curves.assign(accuracy=curves["accuracy"] + 0.5))
    with pytest.raises(ValueError, match="eng Animacy, layer 1, are 0 everywhere"):
        features(curves.assign(accuracy=0.0))
    with pytest.raises(ValueError, match="three clusters need three configurations or more, and the table has 1"):
        seed_configurations(curves[(curves[KEYS] == ["eng", "Case", 1]).all(axis=1)])
    with pytest.raises(ValueError, match=r"the curves have no \['fin Case, layer 1'\]"):
        cluster(curves, seeds.assign(language=["fin", "eng", "spa"], attribute="Case", layer=1))
    with pytest.raises(ValueError, match="different configurations"):
        cluster(curves, seeds.assign(language="eng", attribute="Case", layer=1))
    with pytest.raises(ValueError, match=r"two or more different clusters, .* not \['a', 'a', 'a'\]"):
        cluster(curves, seeds.assign(cluster="a"))
    for draws in (0, 1.5):
        with pytest.raises(ValueError, match=f"1 or more, not {draws}"):
            cluster_stability(curves, draws)


def points(n: int = 156, seed: int = 0) -> pd.DataFrame:
    """Points of three clouds, spread as t-SNE spreads them."""
    generator = np.random.default_rng(seed)
    names = list(itertools.product(["ara", "bul", "eng", "fin", "fra", "hin"], [*ATTRIBUTES, "Mood"], (2, 7, 10, 12)))
    rows = [dict(zip(KEYS, name, strict=True)) for name in names[:n]]
    table = pd.DataFrame(rows).assign(cluster=[PATTERNS[i % 3] for i in range(len(rows))])
    shift = table["cluster"].map({"Standard": 0.0, "G>L": 9.0, "L>G": -9.0})
    x, y = generator.normal(size=(2, len(rows))) * 4
    return table.assign(x=x + shift, y=y + shift.abs(), score=generator.normal(size=len(rows)), is_seed=table.index < 3)


def test_every_configuration_is_a_labelled_point_of_its_cluster():
    table = points()
    plot = figures.clusters(table)
    (axes,) = plot.figure.axes
    lines = by_label(axes)
    looks = {"Standard": ("#555555", "^"), "G>L": ("#D55E00", "s"), "L>G": ("#0072B2", "o")}
    for name, own in table.groupby("cluster"):
        line = lines[f"{name} ({len(own)})"]
        np.testing.assert_allclose(line.get_xydata(), own[["x", "y"]])
        assert (to_hex(line.get_color()).upper(), line.get_marker()) == looks[name]
    np.testing.assert_allclose(lines["seed"].get_xydata(), table.loc[table["is_seed"], ["x", "y"]])
    short = {"Number": "Num", "Part of Speech": "POS", "Tense": "Tns", "Gender": "Gen", "Animacy": "Anim"}
    assert len(axes.texts) == len(table)
    for text, row in zip(axes.texts, table.itertuples(), strict=True):
        assert text.get_text() == f"{short.get(row.attribute, row.attribute)}-{row.language}-{row.layer}"
        assert text.xy == pytest.approx((row.x, row.y))
        assert to_hex(text.get_color()).upper() == looks[row.cluster][0]


@pytest.mark.parametrize("n", [12, 156])
def test_labels_lie_in_the_figure_and_hardly_any_two_touch(n):
    plot = figures.clusters(points(n))
    assert is_whole(plot)
    (axes,) = plot.figure.axes
    assert touching(axes.texts) <= 0.05 * n
    frame, boxes = axes.get_window_extent(), [Text.get_window_extent(text) for text in axes.texts]
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 for box in boxes)


def test_the_figure_says_the_sizes_and_the_members_of_each_cluster():
    table = points()
    plot = figures.clusters(table)
    assert plot.alt.startswith("Scatter plot: 156 configurations in 3 clusters")
    for name, own in table.groupby("cluster"):
        found = re.search(rf"{name}: (\d+) \(mean score (-?\d\.\d\d)\): ([^.]*)\.", plot.alt)
        assert int(found[1]) == len(own) and found[2] == f"{own['score'].mean():.2f}"
        members = dict(member.rsplit(" ", 1) for member in found[3].split(", "))
        assert {key: int(count) for key, count in members.items()} == own["attribute"].value_counts().to_dict()
    first = [text.get_text() for text in plot.figure.axes[0].texts[:3]]
    assert plot.alt.endswith(f"Seeds: {', '.join(first)}.") and "Num Number" in plot.caption
    assert "Seeds" not in figures.clusters(table.drop(columns="is_seed")).alt
    other = figures.clusters(table.assign(cluster=table["cluster"].replace("G>L", "third")))
    assert other.alt.index("L>G: ") < other.alt.index("third: ")


def test_clusters_that_cannot_be_drawn_say_why():
    with pytest.raises(ValueError, match=r"needs the columns \['score'\]"):
        figures.clusters(points().drop(columns="score"))
    with pytest.raises(ValueError, match="the table has none"):
        figures.clusters(points().iloc[:0])
    with pytest.raises(ValueError, match="Num-ara-2 has several rows"):
        figures.clusters(pd.concat([points(), points()]))
    with pytest.raises(ValueError, match=r"y must be a number, and 156 rows have \[nan"):
        figures.clusters(points().assign(y=float("nan")))


def test_the_same_table_gives_the_same_bytes_whatever_the_users_settings():
    drawn_twice(figures.clusters, points(60))
