"""On a GPU, rankings and curves are the same as on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import splits
from sklearn.base import clone

from pitfalls.arrays.splits import Splits
from pitfalls.probes.classifiers import ConvergedLinearProbe, GaussianProbe, LinearProbe
from pitfalls.probes.curves import PROBES, CurveJob, curves_of, gaussian_path_curves
from pitfalls.rankings import RANKINGS, rank, ranker

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: rankings and curves on a GPU")

OPTIONS: dict[str, dict[str, object]] = {"random_forest": {"n_estimators": 5}}


@pytest.fixture(scope="module")
def data() -> Splits:
    return splits(n=400, d=20, n_classes=3, dtype=np.float64, n_forms=90)


@pytest.mark.parametrize("name", RANKINGS)
@pytest.mark.parametrize("direction", ["ttb", "btt"])
def test_every_ranking_on_a_gpu_is_that_of_the_processor(name, direction, data):
    options = OPTIONS.get(name, {})
    cpu, gpu = (rank(name, data, direction, seed=1, device=device, **options) for device in ("cpu", "cuda"))
    assert gpu.order.tolist() == cpu.order.tolist()
    np.testing.assert_allclose(gpu.scores, cpu.scores, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", RANKINGS)
def test_every_ranking_fits_tensors_on_a_gpu(name, data):
    on_cpu = ranker(name, k=4, **OPTIONS.get(name, {})).fit(data.train.X, data.train.y, data.dev.X, data.dev.y)
    X, y, X_dev, y_dev = (
        torch.tensor(array, device="cuda") for part in (data.train, data.dev) for array in (part.X, part.y)
    )
    on_gpu = clone(on_cpu).fit(X, y, X_dev, y_dev)
    assert on_gpu.ranking_.order.tolist() == on_cpu.ranking_.order.tolist()
    assert on_gpu.transform(X).device == X.device
    assert np.array_equal(on_gpu.transform(X).cpu().numpy(), on_cpu.transform(data.train.X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("probe", [LinearProbe(), ConvergedLinearProbe(), GaussianProbe()], ids=repr)
def test_every_probe_fits_and_predicts_tensors_on_a_gpu(probe, dtype, data):
    X, new = data.train.X.astype(dtype), data.test.X.astype(dtype)
    on_cpu = clone(probe).fit(X, data.train.y)
    on_gpu = clone(probe).fit(torch.tensor(X, device="cuda"), torch.tensor(data.train.y, device="cuda"))
    found = on_gpu.predict_proba(torch.tensor(new, device="cuda"))
    np.testing.assert_allclose(found, on_cpu.predict_proba(new), atol=1e-5 if dtype == np.float64 else 5e-3)


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("task", ["real", "control"])
def test_every_probes_curve_on_a_gpu_is_that_of_the_processor(probe, task, data):
    order = rank("probeless", data)
    jobs = [CurveJob(order, task)]
    cpu, gpu = (curves_of(jobs, data, range(1, 21), [probe], device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(gpu["accuracy"], cpu["accuracy"], atol=1.01 / 200)
    np.testing.assert_allclose(gpu["mi_bits"], cpu["mi_bits"], atol=1e-5)


def test_many_jobs_on_a_gpu_are_those_of_the_processor(data):
    orders = [rank(name, data) for name in ("gaussian", "random")]
    jobs = [CurveJob(order, task, seed) for order in orders for task in ("real", "control") for seed in (0, 1)]
    cpu, gpu = (curves_of(jobs, data, [1, 7, 20], PROBES, ["train", "test"], device) for device in ("cpu", "cuda"))
    for column in ("accuracy", "accuracy_seen", "accuracy_unseen"):
        np.testing.assert_allclose(gpu[column], cpu[column], atol=0.02)
    np.testing.assert_allclose(gpu["mi_bits"], cpu["mi_bits"], atol=1e-5)
    path_cpu, path_gpu = (gaussian_path_curves(orders[0], data, [1, 20], device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(path_gpu["mi_bits"], path_cpu["mi_bits"], atol=1e-8)
