"""Measure interventions at one layer in a fresh process: ``python -m benchmarks.replays LAYER THREADS SCALE FOLDER``.

Started by :mod:`benchmarks.interventions`, which has written the model and word vectors into FOLDER; prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.devices import Device, device
from benchmarks.full_passes import BATCH, FullPasses, Passed
from benchmarks.limits import rates, seconds_of, timed
from benchmarks.mbert import SHAPES, Shape, read
from benchmarks.measure import forget_peak, held_mb, peak_mb
from benchmarks.whole_passes import Hooked, Passes
from pitfalls.interventions.replay import Sample, prepare
from pitfalls.interventions.run import intervene
from pitfalls.interventions.translation import Translation
from pitfalls.site import Site
from pitfalls.worlds.experiment import Experiment

BETA = 8.0
#: If two tokens' logits differ by less than this share of the largest, float32 cannot say which is higher.
ROUNDING = 1e-5
#: The ratio wanted, by layer.
WANTED = {7: "5 x", 12: "8 x"}


class MatrixWork(TorchDispatchMode):
    """Counts the multiply-adds of the matrix products and attention that run inside it, and their seconds.

    Parameters
    ----------
    on : the device that they run on; each one is measured from idle to idle
    """

    def __init__(self, on: Device) -> None:
        super().__init__()
        self.on, self.multiply_adds, self.seconds = on, 0, 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run ``func`` to its end."""
        self.on.wait()
        start = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        self.on.wait()
        taken = time.perf_counter() - start
        count = _multiply_adds(func.overloadpacket.__name__, args, result)
        if count:
            self.multiply_adds += count
            self.seconds += taken
        return result


def _multiply_adds(name: str, args: Any, result: Any) -> int:
    """The multiply-adds of one operation; 0 if it is not a matrix product."""
    if name in ("linear", "mm", "bmm", "matmul"):
        return result.numel() * args[0].shape[-1]
    if name in ("addmm", "baddbmm"):
        return result.numel() * args[1].shape[-1]
    if "scaled_dot_product" in name:
        query, key, value = args[:3]
        return query.shape[:-1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])
    return 0


# ------------------------------------------------------------------------------------------- the work


@dataclass(frozen=True)
class Fast:
    """The time and memory that the package took, and what it predicted.

    Attributes
    ----------
    seconds, predictions_seconds:
        For ``intervene`` and the run's outcomes, and for the predictions alone, unjudged.
    peak_mb, total_mb:
        The most memory that the run added to what was held before, and the most that the process has ever held.
    matrices:
        The predictions' matrix products.
    predicted:
        Token ids at the slots, by k and changed word.
    """

    seconds: float
    predictions_seconds: float
    peak_mb: float
    total_mb: float
    matrices: MatrixWork
    predicted: list[list[tuple[int, ...]]]


class Replay:
    """Translation at one site, at all k of ``shape``."""

    def __init__(self, shape: Shape, folder: Path, site: Site | int) -> None:
        self.shape = shape
        model, world, self.data = read(shape.sentences, folder, site)
        experiment = Experiment(world, self.data)
        self.model, self.on, self.sentences = model, device(str(model.device)), experiment.sentences()
        self.ranking = experiment.rank("probeless")
        self.loop = self.whole(Hooked(model.model, self.data.site))
        self.given = experiment, self.ranking, Translation(BETA), shape.ks, Sample()
        self.replay = prepare(*self.given)
        self.without = len(self.sentences) - len(np.unique(self.replay.targets.sentences))
        self.title = (
            f"Translation at {self.data.site} of {model.n_layers}, {len(shape.ks)} k, {len(self.sentences)} sentences, "
            f"{self.without} of them without a word to change"
        )

    def whole(self, passes: Passes) -> FullPasses:
        """The slow way, by these passes."""
        tokenizer, part, device = self.model.tokenizer, self.data.test, self.model.device
        return FullPasses(passes, tokenizer, self.sentences, part, self.ranking.order, BETA, device)

    def fast(self) -> Fast:
        """Run the package; make the predictions once more by themselves, because a run only keeps their outcomes."""
        loading = peak_mb()
        forget_peak()
        before = held_mb()
        seconds = seconds_of(lambda: intervene(*self.given).outcomes)
        peak = peak_mb()
        with MatrixWork(self.on) as matrices:
            predicted, predictions_seconds = timed(self.predictions)
        return Fast(seconds, predictions_seconds, peak - before, max(peak, loading), matrices, predicted)

    def predictions(self) -> list[list[tuple[int, ...]]]:
        """The tokens predicted at each k for each word."""
        predicted: list[list[tuple[int, ...]]] = [[()] * len(self.replay.targets) for _ in self.shape.ks]
        for i, word, _, ids in self.replay.predictions(self.replay.targets):
            predicted[i][word] = ids
        return predicted

    def need(self, slots: int) -> int:
        """Multiply-adds that the method cannot do without: no padding, lower layers once, the head at ``slots`` slots.

        A layer takes 12 d^2 per subword, attention 2 d per pair of subwords, the head d^2 + d * vocabulary per slot.
        """
        replay, model, d = self.replay, self.model, self.data.n_neurons
        ks, layer = len(replay.ks), self.data.site.layer
        subwords = model.lengths([self.sentences[i].forms for i in np.unique(replay.targets.sentences)])
        layers = layer + ks * (model.n_layers - layer)
        of_layer = sum(12 * d**2 * n + 2 * d * n**2 for n in subwords)
        return layers * of_layer + ks * slots * d * (d + self.shape.vocabulary)

    def passes(self, fast: Fast) -> Iterator[tuple[Passed, torch.Tensor, float | None]]:
        """What the slow way predicted, what the package did, and the seconds if the pass was over all sentences."""
        every, shape = range(len(self.sentences)), self.shape
        some = np.linspace(0, len(every) - 1, shape.some).astype(int).tolist()
        for i, k in enumerate(shape.ks):
            expected, passed, seconds = self.compared(self.loop, fast.predicted, i, every if k in shape.whole else some)
            yield passed, expected, seconds if k in shape.whole else None

    def compared(
        self, loop: FullPasses, predicted: list[list[tuple[int, ...]]], i: int, chosen: Sequence[int]
    ) -> tuple[torch.Tensor, Passed, float]:
        """What the package predicted at the i-th k in some sentences, what a slow way does, and its seconds."""
        targets = self.replay.targets.sentences
        words = [word for sentence in chosen for word in np.flatnonzero(targets == sentence)]
        expected = torch.tensor([piece for word in words for piece in predicted[i][word]])
        passed, seconds = timed(loop.run, self.shape.ks[i], expected, chosen)
        return expected, passed, seconds


def measured(replay: Replay, threads: int, at_most: float) -> dict[str, Any]:
    """The row of the table; the rate of a plain matrix product gets ``at_most`` seconds."""
    fast = replay.fast()
    rate = rates(2**20, torch.float32, at_most, replay.on).multiply_adds
    slots = differ = 0
    gaps, whole = [], []
    for passed, expected, seconds in replay.passes(fast):
        slots += len(expected)
        differ += int((passed.predicted != expected).sum())
        gaps.append(float(passed.behind.max()) / passed.highest)
        whole += [] if seconds is None else [seconds]
    ks, layer = replay.shape.ks, replay.data.site.layer
    oracle_seconds = float(np.mean(whole)) * len(ks)
    first, last = (torch.tensor([piece for ids in fast.predicted[i] for piece in ids]) for i in (0, -1))
    need = replay.need(len(first))
    return {
        "work": replay.title,
        "oracle": f"every sentence whole for every k, in batches of {BATCH}, all logits of every slot",
        "threads": threads,
        "seconds": fast.seconds,
        "predictions_seconds": fast.predictions_seconds,
        "oracle_seconds": oracle_seconds,
        "oracle_is": f"extrapolated from {len(whole)} whole passes at k = {', '.join(map(str, replay.shape.whole))}",
        "ratio": oracle_seconds / fast.seconds,
        "slots": slots,
        "slots_that_differ": differ,
        "difference": float(np.max(gaps)),
        "agreed": bool(np.max(gaps) < ROUNDING),
        "target_slots": len(first),
        "target_slots_changed_at_last_k": int((first != last).sum()),
        "peak_mb": fast.peak_mb,
        "total_mb": fast.total_mb,
        "gflop": 2 * need / 1e9,
        "gflop_done": 2 * fast.matrices.multiply_adds / 1e9,
        "matmul_gflop_s": 2 * rate / 1e9,
        "limit_seconds": need / rate,
        "share_of_limit": need / rate / fast.seconds,
        "matrix_share": fast.matrices.seconds / fast.predictions_seconds,
        "wanted": f"{WANTED.get(layer, 'no ratio')}, same tokens, under 4,000 MB",
    }


def main() -> None:
    """What the fresh process does."""
    layer, threads, scale, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    torch.set_num_threads(threads)
    replay = Replay(SHAPES[scale], folder, layer)
    print(json.dumps([measured(replay, threads, 0.5 if scale == "full" else 0.02)]))


if __name__ == "__main__":
    main()
