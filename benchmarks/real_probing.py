"""The rankings and probes of one configuration of a real model, and the loops that do the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.oracles import GaussianLoop, linear_accuracy
from benchmarks.real_text import ATTRIBUTE, LANGUAGE, SCALES, Scale, world_of
from benchmarks.ways import Plain, Row, Rows, Way, row
from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.words import Words, labelled_words
from pitfalls.probes.curves import CurveJob, curves_of, gaussian_path_curves
from pitfalls.study.setting import rankings_of


def probing(scale: str, folder: Path) -> Rows:
    """The rankings and the probes of one configuration."""
    asks = SCALES[scale]
    data = world_of(scale, folder).activations(LANGUAGE, ATTRIBUTE, asks.layer)
    train, dev, test = (labelled_words(data, split) for split in ("train", "dev", "test"))
    about = f"{ATTRIBUTE} at layer {asks.layer}, {len(train.y):,} training words, {data.n_neurons} units"

    fast = Way.of(rankings_of, data, asks.plan)
    greedy = [one for one in fast.found if one.method == "gaussian"]
    steps = greedy[0].ranked
    loop = GaussianLoop(train, dev, refit=False)
    timed = sorted({1, steps // 2, steps})
    chosen = greedy[0].order.tolist()
    slow = Plain.named(
        "Gaussian densities for every candidate",
        lambda: [loop.information([*chosen[: k - 1], unit]) for k in timed for unit in (chosen[k - 1], chosen[-1])],
        times=len(greedy) * sum(data.n_neurons - step for step in range(steps)) / (2 * len(timed)),
        timed=f"extrapolated from two candidates at steps {', '.join(map(str, timed))}; other rankings not counted",
    )
    path = gaussian_path_curves(greedy[0], data, timed)
    own = path[path["split"] == "dev"]["mi_bits"].to_numpy()
    difference = float(np.abs(own - slow.found[::2]).max())
    names = f"{len(fast.found)} rankings"
    yield row("ranking", f"{names} of {about}, {steps} greedy steps", fast, slow,
              f"information at {len(timed)} steps", difference, 1e-9)  # fmt: skip
    yield _probes(asks, data, fast.found, (train, test), about)


def _probes(asks: Scale, data: Splits, rankings: Sequence[Ranking], parts: tuple[Words, Words], about: str) -> Row:
    ks = asks.plan.probing_ks(data.n_neurons)
    fast = Way.of(lambda: curves_of([CurveJob(one) for one in rankings], data, ks))
    first = rankings[0]

    def plain() -> list[float]:
        found = []
        for k in asks.probed:
            columns = first.order[:k].tolist()
            of_train, of_test = (Words(words.X[:, columns], words.y, words.values) for words in parts)
            found.append(linear_accuracy(of_train, of_test, seed=0))
            # The loop of a search, which scores on "dev": here that is test.
            loop = GaussianLoop(*parts, refit=False)
            found.append(loop.information(columns))
        return found

    slow = Plain.named(
        "one probe after another",
        plain,
        times=len(rankings) * len(ks) / len(asks.probed),
        timed=f"extrapolated from a linear and a Gaussian probe at k = {', '.join(map(str, asks.probed))}",
    )
    own = fast.found[(fast.found["ranking"] == first.name) & (fast.found["direction"] == first.direction)]
    linear, gaussian = (own[own["probe"] == probe].set_index("k") for probe in ("linear", "gaussian"))
    pairs = [(linear["accuracy"][k], gaussian["mi_bits"][k]) for k in asks.probed]
    difference = float(np.abs(np.array(pairs).ravel() - slow.found).max())
    work = f"Linear and Gaussian probes, {len(rankings)} rankings, {len(ks)} k, of {about}"
    return row("probing", work, fast, slow, f"{len(asks.probed)} accuracies, and as much information",
               difference, 5e-5)  # fmt: skip
