"""Clusters of configurations by the shape of their probing curves: the numbers behind the paper's figure 2.

The recipe is the paper's [C]: a configuration is the concatenation of its accuracy curves, both probes on Linear,
Gaussian, Probeless and random rankings (none from bottom to top), scaled to length 1; K-means starts from three
configurations, one per pattern; PCA to 50 dimensions and t-SNE lay the points out.

The three patterns (claim 9): in *Standard*, the two probes read about as much; in *G>L*, the Gaussian probe's curves
are above the Linear probe's; in *L>G*, it is the other way round. :func:`pattern_scores` puts numbers on them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.points import only, require
from pitfalls.numbers import whole
from pitfalls.site import Site, with_site

PATTERNS = ("Standard", "G>L", "L>G")
"""The paper's three patterns of curves [C]."""

PAPER_SEEDS = {
    "Standard": ("bul", "Definiteness", 7),
    "G>L": ("hin", "Part of Speech", 12),
    "L>G": ("rus", "Animacy", 2),
}
"""The (language, attribute, layer) that the paper shows for each pattern, and starts K-means from [C]."""

PROBES = ("linear", "gaussian")
RANKINGS = ("linear", "gaussian", "probeless", "random")
"""What a configuration's curves are concatenated from, in this order."""

_CURVE = ["probe", "ranking", "k"]
_NEEDED = (*CONFIGURATION, *_CURVE, "direction", "accuracy")
_WHAT = "clustering of curves"
_COMPONENTS = 50
_PERPLEXITY = 30.0


class _Curves(NamedTuple):
    """Mean accuracies [n_configurations, n_probes, n_rankings, n_ks], and which configuration each is."""

    accuracy: NDArray[np.float64]
    configurations: pd.DataFrame


def features(curves: pd.DataFrame) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """One vector per configuration: its accuracy curves, one after the other, divided by the vector's length.

    Parameters
    ----------
    curves:
        Tables of ``probe_curves``, concatenated; of one split. Rows of the control task, of rankings from bottom to
        top, or of probes and rankings not in :data:`PROBES` and :data:`RANKINGS` are ignored; rows that differ only in
        their seeds are averaged.

    Returns
    -------
    [n_configurations, 8 · n_ks] float64, each row of Euclidean length 1, and a table with one row for each of them:
    language, attribute, site, layer, sorted.

    Raises
    ------
    ValueError
        If a column is missing, a configuration lacks a probe, ranking or k that another has, an accuracy is not between
        0 and 1, or the rows are of several splits.

    Examples
    --------
    >>> curves = pd.DataFrame([
    ...     {"language": "spa", "attribute": "Gender", "layer": 3, "probe": probe, "ranking": ranking,
    ...      "direction": "ttb", "k": k, "accuracy": 0.5} for probe in PROBES for ranking in RANKINGS for k in (1, 2)])
    >>> matrix, index = features(curves)
    >>> matrix.shape, matrix[0, 0].round(3).item(), index.values.tolist()
    ((1, 16), 0.25, [['spa', 'Gender', 'residual', 3]])
    """
    read = _read(curves)
    return _vectors(read.accuracy, read.configurations), read.configurations


def pattern_scores(curves: pd.DataFrame) -> pd.DataFrame:
    """How far each configuration's curves lean towards the Gaussian or the Linear probe.

    For every ranking, the Gaussian probe's accuracy minus the Linear probe's, averaged over k, is divided by its
    spread: its root mean square over the configurations of the table (0 means balance, so the spread is taken around
    0). The score is the mean of these four numbers; the imbalance is the mean of their absolute values, so that a
    ranking on which one probe is better does not make up for one on which it is worse.

    Returns
    -------
    One row per configuration, sorted: language, attribute, site, layer, difference (mean over rankings and k, in
    accuracy), score (above 0: towards G>L, below: towards L>G), imbalance (0 or more; the closer to 0, the more
    Standard). Score and imbalance are relative to the configurations of the table.

    Raises
    ------
    ValueError
        As :func:`features`.

    Examples
    --------
    >>> rows = [{"language": "spa", "attribute": name, "layer": 3, "probe": probe, "ranking": ranking, "k": 1,
    ...          "direction": "ttb", "accuracy": 0.5 + (lead if probe == "gaussian" else 0)}
    ...         for name, lead in (("Case", 0.1), ("Mood", -0.2)) for probe in PROBES for ranking in RANKINGS]
    >>> pattern_scores(pd.DataFrame(rows))[["attribute", "difference", "score", "imbalance"]].round(2)
      attribute  difference  score  imbalance
    0      Case         0.1   0.63       0.63
    1      Mood        -0.2  -1.26       1.26
    """
    read = _read(curves)
    lead = (read.accuracy[:, PROBES.index("gaussian")] - read.accuracy[:, PROBES.index("linear")]).mean(axis=2)
    spread = np.sqrt((lead**2).mean(axis=0))
    relative = np.divide(lead, spread, out=np.zeros_like(lead), where=spread > 0)
    return read.configurations.assign(
        difference=lead.mean(axis=1), score=relative.mean(axis=1), imbalance=np.abs(relative).mean(axis=1)
    )


def seed_configurations(curves: pd.DataFrame) -> pd.DataFrame:
    """The three configurations to start K-means from, one per pattern.

    They are the paper's, if the table has all three. If not, :func:`pattern_scores` decides: the highest score for G>L,
    the lowest for L>G, and the lowest imbalance among the others for Standard; among equals, the first. These are
    extremes of this table: even in the one nearest to G>L, the Gaussian curves may be the lower ones (score below 0).

    Returns
    -------
    Three rows, in the order of :data:`PATTERNS`: cluster, language, attribute, site, layer, score, imbalance, chosen
    ("paper" or "score").

    Raises
    ------
    ValueError
        As :func:`features`, and for fewer than three configurations.
    """
    scores = pattern_scores(curves)
    if len(scores) < len(PATTERNS):
        raise ValueError(f"three clusters need three configurations or more, and the table has {len(scores)}")
    place = {key: i for i, key in enumerate(_keys(scores))}
    wanted = [(*PAPER_SEEDS[pattern][:2], Site("residual", PAPER_SEEDS[pattern][2])) for pattern in PATTERNS]
    if all(key in place for key in wanted):
        rows, chosen = [place[key] for key in wanted], "paper"
    else:
        # Rounded, because sums that should be equal may differ in the last bit, and must stay a tie.
        score, imbalance = (scores[column].to_numpy().round(12) for column in ("score", "imbalance"))
        above = int(score.argmax())
        score[above] = np.inf
        below = int(score.argmin())
        imbalance[[above, below]] = np.inf
        rows, chosen = [int(imbalance.argmin()), above, below], "score"
    columns = [*CONFIGURATION, "score", "imbalance"]
    table = scores.iloc[rows][columns].reset_index(drop=True)
    table.insert(0, "cluster", list(PATTERNS))
    return table.assign(chosen=chosen)


def cluster(curves: pd.DataFrame, seeds: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Cluster the configurations from given seeds, and lay them out in the plane.

    K-means runs on :func:`features`, with the seeds' vectors as its first centres; then come PCA to 50 dimensions (or
    as many as there are) and t-SNE, which is for the eye only. The perplexity is 30, or with fewer than 92
    configurations a third of the number of other configurations.

    Parameters
    ----------
    curves:
        As for :func:`features`.
    seeds:
        Columns cluster, language, attribute, site, layer, one row per cluster, as :func:`seed_configurations` gives.
    seed:
        The seed of t-SNE.

    Returns
    -------
    One row per configuration, sorted: language, attribute, site, layer, cluster, x, y (t-SNE; no unit), score
    (:func:`pattern_scores`), is_seed. K-means moves the centres, so a seed may end up in another seed's cluster.

    Raises
    ------
    ValueError
        As :func:`features`; for fewer than three configurations; and if ``seeds`` lacks a column, has fewer than two
        rows, or names a cluster or configuration twice, or one that ``curves`` lacks.
    """
    read = _read(curves)
    vectors, (names, rows) = _vectors(read.accuracy, read.configurations), _seeds(read.configurations, seeds)
    if len(vectors) < 3:
        raise ValueError(f"a layout needs three configurations or more, and the table has {len(vectors)}")
    labels = _kmeans(vectors, vectors[rows])
    x, y = _layout(vectors, seed).T
    is_seed = np.isin(np.arange(len(vectors)), rows)
    named = np.array(names, dtype=object)[labels]
    return read.configurations.assign(cluster=named, x=x, y=y, score=pattern_scores(curves)["score"], is_seed=is_seed)


def cluster_stability(
    curves: pd.DataFrame, draws: int, seed: int = 0, seeds: pd.DataFrame | None = None
) -> pd.DataFrame:
    """How far other clusterings agree with the seeded one: the adjusted Rand index, 1 for the same, 0 by chance.

    Three things change in turn: K-means starts from random configurations instead of the seeds ("initialisation"); the
    curves are taken at a bootstrap of the ks, the same for all configurations, and K-means starts from the seeds'
    vectors there ("ks"); and one language is left out, and K-means starts from all seeds' vectors, even those of that
    language ("language").

    Parameters
    ----------
    curves:
        As for :func:`features`.
    draws:
        How many random initialisations, and how many bootstraps of the ks.
    seed:
        The seed of what is drawn.
    seeds:
        As for :func:`cluster`; by default :func:`seed_configurations`.

    Returns
    -------
    change ("initialisation", "ks", "language"), draw (from 0), left_out (the language, or ""), configurations (how
    many are compared), adjusted_rand. A language that leaves fewer configurations than clusters is skipped.

    Raises
    ------
    ValueError
        As :func:`cluster`, and if ``draws`` is not 1 or more.
    """
    draws = whole(draws, "draws", 1)
    read = _read(curves)
    vectors = _vectors(read.accuracy, read.configurations)
    _, rows = _seeds(read.configurations, seed_configurations(curves) if seeds is None else seeds)
    seeded = _kmeans(vectors, vectors[rows])
    generator = np.random.default_rng(seed)
    table = []

    def compare(change: str, draw: int, left_out: str, own: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        table.append([change, draw, left_out, len(own), float(adjusted_rand_score(own, other))])

    for draw in range(draws):
        start = generator.choice(len(vectors), size=len(rows), replace=False)
        compare("initialisation", draw, "", seeded, _kmeans(vectors, vectors[start]))
    n_ks = read.accuracy.shape[3]
    for draw in range(draws):
        drawn = _vectors(read.accuracy[..., generator.integers(n_ks, size=n_ks)], read.configurations)
        compare("ks", draw, "", seeded, _kmeans(drawn, drawn[rows]))
    languages = read.configurations["language"].to_numpy()
    for draw, language in enumerate(sorted(set(languages))):
        kept = languages != language
        if kept.sum() >= len(rows):
            compare("language", draw, language, seeded[kept], _kmeans(vectors[kept], vectors[rows]))
    return pd.DataFrame(table, columns=["change", "draw", "left_out", "configurations", "adjusted_rand"])


# ------------------------------------------------------------------------------------------- reading


def _read(curves: pd.DataFrame) -> _Curves:
    """The accuracies of all configurations, averaged over draws."""
    curves = with_site(curves)
    require(curves, _NEEDED, _WHAT)
    own = curves[curves["probe"].isin(PROBES) & curves["ranking"].isin(RANKINGS) & (curves["direction"] == "ttb")]
    if "task" in own.columns:
        own = own[own["task"] == "real"]
    if own.empty:
        raise ValueError(
            f"{_WHAT} needs accuracies on the real task, of the probes {', '.join(PROBES)} on the rankings "
            f"{', '.join(RANKINGS)} from top to bottom; the table has none"
        )
    if "split" in own.columns:
        only(own, "split", _WHAT)
    wrong = own.loc[~own["accuracy"].between(0, 1), "accuracy"].tolist()
    if wrong:
        raise ValueError(f"an accuracy must lie between 0 and 1, and {len(wrong)} rows have {wrong[:6]}")
    wide = own.pivot_table(index=CONFIGURATION, columns=_CURVE, values="accuracy", aggfunc="mean", sort=True)
    ks = sorted(own["k"].unique().tolist())
    wide = wide.reindex(columns=pd.MultiIndex.from_product([PROBES, RANKINGS, ks], names=_CURVE))
    numbers = wide.to_numpy(dtype=np.float64)
    lacking = np.argwhere(np.isnan(numbers))
    if len(lacking):
        row, column = lacking[0].tolist()
        (language, attribute, site), (probe, ranking, k) = _keys(wide.index.to_frame())[row], wide.columns[column]
        raise ValueError(
            f"{language} {attribute}, {site}, has no accuracy of the {probe} probe on the {ranking} ranking at "
            f"k = {k} ({len(lacking)} such gaps): every configuration needs the same curves at the same ks"
        )
    index = wide.index.to_frame(index=False)
    return _Curves(numbers.reshape(len(wide), len(PROBES), len(RANKINGS), len(ks)), index)


def _vectors(accuracy: NDArray[np.float64], index: pd.DataFrame) -> NDArray[np.float64]:
    """One row per configuration, of Euclidean length 1."""
    flat = accuracy.reshape(len(accuracy), -1)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    if not lengths.all():
        language, attribute, site = _keys(index)[int(lengths[:, 0].argmin())]
        raise ValueError(f"the curves of {language} {attribute}, {site}, are 0 everywhere: they have no shape")
    return np.asarray(flat / lengths)


def _keys(table: pd.DataFrame) -> list[tuple[str, str, Site]]:
    rows = table[CONFIGURATION].itertuples(index=False, name=None)
    return [(str(language), str(attribute), Site(kind, int(layer))) for language, attribute, kind, layer in rows]


def _seeds(index: pd.DataFrame, seeds: pd.DataFrame) -> tuple[list[str], list[int]]:
    """The names of the clusters in the seeds' order, and where the seeds are among the configurations."""
    seeds = with_site(seeds)
    require(seeds, ("cluster", *CONFIGURATION), "a table of seeds")
    names = seeds["cluster"].tolist()
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"seeds must name two or more different clusters, one row each, not {names}")
    place = {key: i for i, key in enumerate(_keys(index))}
    wanted = _keys(seeds)
    unknown = [key for key in wanted if key not in place]
    if unknown or len(set(wanted)) < len(wanted):
        given, lacking = ([f"{key[0]} {key[1]}, {key[2]}" for key in keys] for keys in (wanted, unknown))
        raise ValueError(
            f"seeds must be different configurations of the curves, not {given}"
            + (f": the curves have no {lacking}; seed_configurations(curves) chooses some" if lacking else "")
        )
    return names, [place[key] for key in wanted]


# --------------------------------------------------------------------------------------- computation


def _kmeans(vectors: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """The cluster of each row, numbered like the first centres."""
    found = KMeans(n_clusters=len(centres), init=centres, n_init=1, max_iter=1000).fit(vectors)
    return np.asarray(found.labels_, dtype=np.int64)


def _perplexity(n: int) -> float:
    """t-SNE's neighbours per point: 30, or a third of the others if they are few; never ``n`` or more.

    >>> _perplexity(156), _perplexity(31), _perplexity(3)
    (30.0, 10.0, 1.0)
    """
    return max(1.0, min(_PERPLEXITY, (n - 1) / 3))


def _layout(vectors: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    n = len(vectors)
    # Both are exact: an approximation would depend on the number of threads.
    reduced = PCA(min(_COMPONENTS, *vectors.shape), svd_solver="full").fit_transform(vectors)
    tsne = TSNE(perplexity=_perplexity(n), init="pca", method="exact", random_state=seed)
    return np.asarray(tsne.fit_transform(reduced), dtype=np.float64)
