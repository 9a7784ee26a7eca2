"""Measure one job on a model in a fresh process: ``python -m benchmarks.jobs JOB THREADS SCALE FOLDER`` prints JSON.

Started by :mod:`benchmarks.models`, which has written the models and word vectors into FOLDER.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import mbert, readings, smollm2
from benchmarks.agreement_passes import AgreementPasses, asked
from benchmarks.full_passes import BATCH
from benchmarks.measure import forget_peak, held_mb, peak_mb
from benchmarks.replays import BETA, ROUNDING, Replay
from benchmarks.whole_passes import Hooked, Passes, Traced, has_nnsight
from pitfalls.interventions.agreement import agreement_rates
from pitfalls.interventions.replay import Sample
from pitfalls.interventions.run import intervene
from pitfalls.interventions.translation import Translation
from pitfalls.models.causal import CausalLM
from pitfalls.models.masked import MaskedLM
from pitfalls.models.vectors import batches, site_vectors
from pitfalls.site import Site
from pitfalls.worlds.experiment import Experiment

AS_IT_COMES, BY_LENGTH = "in the order of the text", "sorted by length"
#: Margins (nats) that differ by less than this share of the largest are the same: float32 cannot do better.
SAME = 1e-4
#: Subwords that are read at a time, padding included: as :func:`pitfalls.models.vectors.site_vectors` does by default.
READ_AT_ONCE = 4096


@dataclass(frozen=True)
class Spent:
    """Wall-clock seconds, and CPU seconds of this process, which other processes hardly affect."""

    seconds: float
    cpu: float

    def __mul__(self, factor: float) -> Spent:
        """The time of ``factor`` times as much work."""
        return Spent(factor * self.seconds, factor * self.cpu)


def spent(work: Callable[..., Any], *arguments: Any) -> tuple[Any, Spent]:
    """What ``work`` returns, and what that one run took."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    return result, Spent(time.perf_counter() - start, time.process_time() - cpu)


def _all(parts: Sequence[Spent], n: int) -> Spent:
    """What ``n`` runs take, if each takes the mean of these."""
    return Spent(sum(part.seconds for part in parts), sum(part.cpu for part in parts)) * (n / len(parts))


@dataclass(frozen=True)
class Sizes:
    """The shapes of a scale: of M-BERT with fewer sentences, which keeps a job short, and of SmolLM2.

    Attributes
    ----------
    sentences:
        How many are read at all layers.
    """

    mbert: mbert.Shape
    smollm2: smollm2.Shape
    sentences: int


SIZES = {
    "full": Sizes(
        dataclasses.replace(mbert.SHAPES["full"], sentences=40, whole=(0, 750), some=0), smollm2.SHAPES["full"], 200
    ),
    "small": Sizes(mbert.SHAPES["small"], smollm2.SHAPES["small"], 40),
}


def jobs(sizes: Sizes) -> dict[str, Callable[[Path], Iterator[dict[str, Any]]]]:
    """The jobs by name, each a function of the folder with its model."""
    middle = sizes.mbert.at[0]
    at = [*(Site("residual", layer) for layer in sizes.mbert.at), Site("mlp", middle), Site("heads", middle)]
    return {
        **{f"mbert {site.id}": lambda folder, site=site: interventions(sizes.mbert, folder, site) for site in at},
        **{
            f"smollm2 layer{layer}": lambda folder, layer=layer: agreement(sizes.smollm2, folder, layer)
            for layer in sizes.smollm2.at
        },
        "mbert reading": lambda folder: reading(MaskedLM.load(folder / "mbert" / "model"), "M-BERT", folder),
        "smollm2 reading": lambda folder: reading(CausalLM.load(folder / "smollm2" / "model"), "SmolLM2", folder),
    }


def prepare(sizes: Sizes, treebank: Path, folder: Path) -> None:
    """Write both models and their word vectors, and the sentences that are read."""
    for name in ("mbert", "smollm2"):
        (folder / name).mkdir()
    middle = sizes.mbert.at[0]
    sites = [*sizes.mbert.at, Site("mlp", middle), Site("heads", middle)]
    mbert.prepare(sizes.mbert, treebank, folder / "mbert", sites=sites)
    smollm2.prepare(sizes.smollm2, treebank, folder / "smollm2")
    sentences = mbert.read_conllu(treebank, mbert.LANGUAGE).sentences[: sizes.sentences]
    (folder / "sentences.json").write_text(json.dumps([sentence.forms for sentence in sentences]), encoding="utf-8")


# -------------------------------------------------------------------- the jobs


def interventions(shape: mbert.Shape, folder: Path, site: Site) -> Iterator[dict[str, Any]]:
    """Predictions at all k against whole passes with a hook and, for the residual stream, with nnsight."""
    replay = Replay(shape, folder / "mbert", site)
    with Peak() as peak:
        predicted, fast = spent(replay.predictions)
    lengths = replay.model.lengths([sentence.forms for sentence in replay.sentences])
    every = range(len(lengths))
    by_length = sorted(every, key=lengths.__getitem__)
    for passes, order, chosen in _ways(replay.model, site, every, by_length):
        loop, whole, gaps, slots = replay.whole(passes), [], [], 0
        _warmed(lambda loop=loop, chosen=chosen: replay.compared(loop, predicted, 0, chosen[:2]), passes)
        for k in shape.whole:
            (expected, passed, _), took = spent(replay.compared, loop, predicted, shape.ks.index(k), chosen)
            whole.append(took)
            gaps.append(float(passed.behind.max()) / passed.highest)
            slots += len(expected)
        yield _row(
            replay.title,
            f"every sentence whole for every k, with {passes.name}, in batches of {BATCH} {order}",
            fast,
            (_all(whole, len(shape.ks)), _extrapolated(shape.whole)),
            (max(gaps), ROUNDING, f"tokens at {slots:,} slots"),
            peak.mb,
        )


def agreement(shape: smollm2.Shape, folder: Path, layer: int) -> Iterator[dict[str, Any]]:
    """Agreement at all k against whole passes with a hook, and with nnsight."""
    world, data, items = smollm2.read(shape, folder / "smollm2", layer)
    experiment = Experiment(world, data)
    ranking = experiment.rank("probeless")
    with Peak() as peak:
        run = intervene(experiment, ranking, Translation(BETA), shape.ks, Sample())
        table, fast = spent(run.margins, items)
        _, rates = spent(agreement_rates, table)
    fast = Spent(fast.seconds + rates.seconds, fast.cpu + rates.cpu)
    model, part = world.model, data.test
    texts = asked(model.tokenizer, items, table[table.k == shape.ks[0]], part.values)
    title = (
        f"Agreement at layer {layer} of {model.n_layers}, {len(shape.ks)} k, {table['item'].nunique()} items, "
        f"{texts.n_rows} changed words, {len(texts.texts)} texts"
    )
    by_length = AgreementPasses(Hooked(model.model, part.site), texts, part, ranking.order, BETA).by_length()
    for passes, order, chosen in _ways(model, part.site, range(len(by_length)), by_length):
        loop = AgreementPasses(passes, texts, part, ranking.order, BETA)
        _warmed(lambda loop=loop, chosen=chosen: loop.margins(0, chosen[:2]), passes)
        taken, differences = [], []
        for k in shape.whole:
            found, took = spent(loop.margins, k, chosen)
            own = table[table.k == k].margin.to_numpy()
            taken.append(took)
            differences.append(float(np.abs(found - own).max() / np.abs(found).max()))
        yield _row(
            title,
            f"every text whole for every k, with {passes.name}, in batches of {BATCH} {order}",
            fast,
            (_all(taken, len(shape.ks)), _extrapolated(shape.whole)),
            (max(differences), SAME, f"{len(shape.whole) * texts.n_rows:,} margins"),
            peak.mb,
        )


def reading(model: MaskedLM | CausalLM, shape: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Word vectors of all layers against plain transformers."""
    sentences = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
    layers, n_words = range(model.n_layers + 1), sum(map(len, sentences))
    with Peak() as peak:
        found, fast = spent(site_vectors, model, sentences, layers)
    ways = (
        (f"in batches of {readings.BATCH} sentences {AS_IT_COMES}", readings.in_order(sentences)),
        (f"in the package's batches, {BY_LENGTH}", list(batches(model.lengths(sentences), READ_AT_ONCE))),
    )
    for order, some in ways:
        own, took = spent(readings.all_layers, model, sentences, some)
        differences = [
            float(np.linalg.norm(ours - theirs, axis=1).max() / np.linalg.norm(theirs, axis=1).max())
            for ours, theirs in zip(found.values(), own, strict=True)
        ]
        yield _row(
            f"Reading all {len(layers)} layers of {shape}'s shape, {len(sentences)} sentences, {n_words:,} words",
            f"transformers' output_hidden_states, {order}",
            fast,
            (took, "timed"),
            (max(differences), ROUNDING, f"{n_words * len(layers):,} vectors"),
            peak.mb,
            {"words_per_second": n_words / fast.seconds, "oracle_words_per_second": n_words / took.seconds},
        )


def _ways(
    model: MaskedLM | CausalLM, site: Site, every: Sequence[int], by_length: Sequence[int]
) -> Iterator[tuple[Passes, str, Sequence[int]]]:
    """A hook, with texts as they come; for the residual stream also nnsight, with texts as they come and by length.

    nnsight comes last, as it wraps the modules of the model.
    """
    yield Hooked(model.model, site), AS_IT_COMES, every
    if site.kind == "residual" and has_nnsight():
        traced = Traced(model.model, model.tokenizer, site)
        yield traced, AS_IT_COMES, every
        yield traced, BY_LENGTH, by_length


def _warmed(work: Callable[[], object], passes: Passes) -> None:
    """Do it once with nnsight, which compiles a trace when it first meets it."""
    if isinstance(passes, Traced):
        work()


def _extrapolated(ks: Sequence[int]) -> str:
    return f"extrapolated from {len(ks)} whole passes at k = {', '.join(map(str, ks))}"


def _row(
    work: str,
    oracle: str,
    fast: Spent,
    slow: tuple[Spent, str],
    compared: tuple[float, float, str],
    peak: float,
    also: dict[str, float] | None = None,
) -> dict[str, Any]:
    (took, how), (difference, at_most, what) = slow, compared
    return {
        "work": work,
        "oracle": oracle,
        "threads": torch.get_num_threads(),
        "seconds": fast.seconds,
        "cpu_seconds": fast.cpu,
        "oracle_seconds": took.seconds,
        "oracle_cpu_seconds": took.cpu,
        "oracle_is": how,
        "ratio": took.seconds / fast.seconds,
        "cpu_ratio": took.cpu / fast.cpu,
        "compared": what,
        "difference": difference,
        "agreed": bool(difference < at_most),
        "peak_mb": peak,
        **(also or {"words_per_second": float("nan"), "oracle_words_per_second": float("nan")}),
    }


class Peak:
    """The most memory that was held in the ``with`` block, above what was held before: ``mb``."""

    def __enter__(self) -> Peak:
        """Begin."""
        forget_peak()
        self.before = held_mb()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.mb = peak_mb() - self.before


def main() -> None:
    """What the fresh process does."""
    job, threads, scale, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    torch.set_num_threads(threads)
    print(json.dumps(list(jobs(SIZES[scale])[job](folder))))


if __name__ == "__main__":
    main()
