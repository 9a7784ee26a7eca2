"""Arrays, labels and forms that users give: the same numbers are the same data, and what would be lost is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone

from pitfalls.arrays.given import as_labels, as_matrix
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.arrays.words import as_tensor
from pitfalls.probes.classifiers import GaussianProbe, LinearProbe
from pitfalls.rankings import rank, ranker

ROWS = [[0.0, 1.0, 0.5], [0.25, 2.0, -1.0], [2.0, 0.5, 1.5], [1.75, 0.0, 3.0]]
X = np.array(ROWS)
Y = ["PL", "PL", "SG", "SG"]


def behind(array: np.ndarray) -> np.ndarray:
    """The same numbers as one field of records, at places that torch cannot address."""
    records = np.zeros(array.shape, dtype=[("flag", "i1"), ("number", array.dtype)])
    records["number"] = array
    return records["number"]


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


# Each of these holds the numbers of ROWS, and all these kinds can hold them exactly.
SAME: dict[str, Any] = {
    "list": ROWS,
    "float64": X,
    "float32": X.astype(np.float32),
    "float16": X.astype(np.float16),
    "longdouble": X.astype(np.longdouble),
    "big-endian float64": X.astype(">f8"),
    "objects": X.astype(object),
    "rows backwards": X[::-1].copy()[::-1],
    "Fortran order": np.asfortranarray(X),
    "every other": np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "field of records": behind(X),
    "read-only": read_only(X),
    "matrix": np.matrix(X),
    "mask that hides nothing": np.ma.masked_array(X, mask=np.zeros_like(X, dtype=bool)),
    "table": pd.DataFrame(X),
    "table with a nullable column": pd.DataFrame(X).astype({1: "Float64"}),
    "tensor": torch.tensor(X),
    "bfloat16": torch.tensor(X, dtype=torch.bfloat16),
    "with a gradient": torch.tensor(X, requires_grad=True),
    "transposed tensor": torch.tensor(X.T.copy()).T,
    "rows of tensors": [torch.tensor(row) for row in ROWS],
}


@pytest.mark.parametrize("given", SAME.values(), ids=SAME)
def test_the_same_numbers_are_the_same_activations(given):
    data = Splits.from_arrays(*[(given, Y)] * 3)
    np.testing.assert_array_equal(data.train.X, X)
    assert data.train.X.dtype in (np.float32, np.float64) and data.train.X.dtype.isnative
    # Equal inputs, equal arithmetic, wherever they lie in memory.
    plain = Splits.from_arrays(*[(X.astype(data.train.X.dtype), Y)] * 3)
    for name in ("probeless", "linear"):
        assert rank(name, data).order.tolist() == rank(name, plain).order.tolist()
    if not isinstance(given, (torch.Tensor, np.matrix)):  # scikit-learn refuses a matrix itself
        for estimator in (LinearProbe(), GaussianProbe()):
            fitted, same = clone(estimator).fit(given, Y), clone(estimator).fit(X, Y)
            assert fitted.predict(given).tolist() == same.predict(X).tolist()
        scores = ranker("probeless", k=1).fit(given, Y).scores_
        np.testing.assert_allclose(scores, ranker("probeless", k=1).fit(X, Y).scores_, rtol=1e-6)


def test_what_torch_can_share_is_not_copied():
    for given in (X, np.asfortranarray(X), X[:, :2], X[::2], read_only(X)):
        assert np.shares_memory(as_matrix(given), given)
        assert as_tensor(given).data_ptr() == given.ctypes.data
    assert not np.shares_memory(as_matrix(X[::-1]), X)
    # Also where an array comes in through the constructor.
    data = Activations(**{**Activations.from_arrays(X, Y).__dict__, "X": X[::-1]})
    np.testing.assert_array_equal(as_tensor(data.X).numpy(), X[::-1])


def test_the_width_of_the_numbers_given_is_kept_where_it_is_needed():
    for given in (np.array([[True, False]]), np.array([[1, 0]], dtype=">i4"), torch.tensor([[True, False]]), [[1, 0]]):
        assert as_matrix(given).tolist() == [[1.0, 0.0]] and as_matrix(given).dtype == np.float32
    for dtype in (">f8", "<f8"):
        assert as_matrix(np.array([[1e300]], dtype=dtype)).tolist() == [[1e300]]


masked = np.ma.masked_array(X, mask=X == 2.0)
REFUSED: dict[str, tuple[Any, str]] = {
    "sparse": (
        scipy.sparse.csr_matrix(X),
        r"sparse csr_matrix of shape \(4, 3\).*give X.toarray\(\), which takes .* GiB",
    ),
    "sparse array": (scipy.sparse.coo_array(X), r"sparse coo_array.*X.toarray\(\)"),
    "sparse tensor": (torch.tensor(X).to_sparse(), r"sparse tensor of shape \(4, 3\).*X.to_dense\(\)"),
    "masked": (masked, r"masked array that hides 2 of its 12 entries: .*X.filled"),
    "complex": (X + 1j, r"Complex data not supported: X holds complex128; give real numbers, such as X.real"),
    "complex tensor": (torch.tensor(X + 1j), r"Complex data not supported: X holds torch.complex128"),
    "text": (X.astype(str), r"X is not a matrix of numbers: it holds <U"),
    "dates": (X.astype("M8[s]"), r"X is not a matrix of numbers: it holds datetime64"),
    "an object that is no number": ([*ROWS[:3], [0.0, None, 1.0]], r"not a matrix of numbers: X\[3, 1\] is None"),
    "a number as text": (pd.DataFrame(X).astype({1: object}).replace(2.0, "2"), r"numbers: X\[1, 1\] is '2'"),
    "a missing number": (pd.DataFrame(X).astype("Float64").replace(2.0, pd.NA), r"(X\[1, 1\] is <NA>|NaN)"),
    "nothing": (None, r"not a matrix of numbers: X is None"),
    "ragged": ([*ROWS[:3], [1.0]], r"X cannot be read as an array .*one row of neurons per word"),
    "too large": ([*ROWS[:3], [0.0, -1e300, 1.0]], r"X\[3, 1\] is -1e\+300, beyond the largest float32, 3.4e\+38"),
    "larger still": ([[10**400, 0, 0]] * 4, r"X holds a number beyond the largest float64 .*scale it"),
    "infinite": (np.where(X == 2.0, np.inf, X).astype(np.float16), r"X has NaN or infinity: neuron 0 in 1 of 4 rows"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_be_lost_is_named(kind):
    (given, message), good = REFUSED[kind], (X, Y)
    with pytest.raises(ValueError, match=f"dev: .*{message}"):
        Splits.from_arrays(good, (given, Y), good)
    with pytest.raises(ValueError, match=f"test: .*{message}"):  # with forms as without them
        Splits.from_arrays(good, good, (given, Y, ["a", "b", "c", "d"]))
    if kind.startswith(("sparse", "masked", "complex")):
        for estimator in (LinearProbe(), GaussianProbe(), ranker("probeless", k=1)):
            with pytest.raises(ValueError, match=r"sparse|masked array that hides|Complex data not supported"):
                clone(estimator).fit(given, Y)


LABELS: dict[str, tuple[Any, list[str] | list[int]]] = {
    "objects": (np.array(Y, dtype=object), Y),
    "series": (pd.Series(Y, index=[7, 7, 1, 0]), Y),
    "nullable strings": (pd.array(Y, dtype="string"), Y),
    "categories": (pd.Categorical(Y, categories=["SG", "PL", "DU"]), Y),
    "tuple of NumPy's strings": (tuple(np.array(Y)), Y),
    "whole objects": (np.array([1, 1, 0, 0], dtype=object), [1, 1, 0, 0]),
    "nullable whole numbers": (pd.array([1, 1, 0, 0], dtype="Int64"), [1, 1, 0, 0]),
    "whole floats": ([1.0, 1.0, 0.0, 0.0], [1, 1, 0, 0]),
    "whole and float": ([1.0, np.int8(1), 0, 0.0], [1, 1, 0, 0]),
    "big-endian": (np.array([1, 1, 0, 0], dtype=">i8")[::-1][::-1], [1, 1, 0, 0]),
    "tensor": (torch.tensor([1, 1, 0, 0]), [1, 1, 0, 0]),
    "bfloat16": (torch.tensor([1, 1, 0, 0], dtype=torch.bfloat16), [1, 1, 0, 0]),
    "truth values": (np.array([True, True, False, False]), ["True", "True", "False", "False"]),
}


@pytest.mark.parametrize(("given", "plain"), LABELS.values(), ids=LABELS)
def test_labels_of_every_kind(given, plain):
    assert as_labels(given) == plain
    assert {type(label) for label in as_labels(given)} <= {str, int}
    data = Splits.from_arrays(*[(X, given)] * 3)
    assert [data.values[i] for i in data.dev.y] == [str(label) for label in plain]
    for probe in (LinearProbe(), GaussianProbe()):
        assert sorted(as_labels(clone(probe).fit(X, given).classes_)) == sorted(set(plain))
    scores = [ranker("probeless", k=1).fit(X, labels).scores_ for labels in (given, [0, 0, 1, 1])]
    np.testing.assert_allclose(*scores)


OFFENDING: dict[str, tuple[Any, str]] = {
    "None at the end": (["PL", "PL", "SG", None], r"y\[3\] is None: give strings or whole numbers"),
    "None among objects": (np.array(["PL", None, "SG", "SG"], dtype=object), r"y\[1\] is None"),
    "NaN among strings": (np.array(["PL", "PL", np.nan, "SG"], dtype=object), r"y\[2\] is nan"),
    "NaN among numbers": ([0.0, 1.0, np.nan, 1.0], r"y\[2\] is nan"),
    "missing": (pd.array(["PL", "PL", "SG", None], dtype="string"), r"y\[3\] is (<NA>|nan)"),
    "missing category": (pd.Categorical(["PL", None, "SG", "SG"]), r"y\[1\] is nan"),
    "number among strings": (["PL", "PL", 3, "SG"], r"y\[2\] is 3 and y\[0\] is 'PL': .*not both"),
    "string among numbers": ([0, 1, 1, "SG"], r"y\[3\] is 'SG' and y\[0\] is 0: .*not both"),
    "fraction": ([0.0, 1.0, 0.5, 1.0], r"y\[2\] is 0.5"),
    "bytes": ([b"PL", b"PL", b"SG", b"SG"], r"y\[0\] is b'PL'"),
    "dates": (np.array([0, 1, 1, 0], dtype="M8[ns]"), r"y holds datetime64\[ns\]"),
    "complex": ([0, 1j, 1, 1], r".*y holds complex128"),
    "a column": ([["PL"], ["PL"], ["SG"], ["SG"]], r"y has shape \(4, 1\)"),
    "one string": ("PLSG", r"y has shape \(\)"),
    "masked": (np.ma.masked_array([0, 1, 1, 0], mask=[0, 0, 1, 0]), r"y is a masked array that hides 1 of its 4"),
    "long": (["PL", "PL", "SG", "x" * 100_000, b"y" * 100_000], r"y\[4\] is b'yyy"),
}


@pytest.mark.parametrize("kind", OFFENDING)
def test_the_offending_label_is_named(kind):
    given, message = OFFENDING[kind]
    with pytest.raises(ValueError, match=f"train: {message}") as caught:
        Splits.from_arrays((X, given), (X, Y), (X, Y))
    assert len(str(caught.value)) < 300
    if kind in ("None among objects", "NaN among strings"):
        for estimator in (LinearProbe(), ranker("probeless", k=1)):
            with pytest.raises(ValueError, match=message):
                clone(estimator).fit(torch.tensor(X), given)


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        (["cat", None, "cats", "dogs"], r"forms\[1\] is None"),
        (["cat", "cats", float("nan"), "dogs"], r"forms\[2\] is nan"),
        (pd.array(["cat", "cats", "dog", None], dtype="string"), r"forms\[3\] is (<NA>|nan)"),
        (["cat", "cats", "dogs", 3], r"forms\[3\] is 3"),
        ([b"cat", "cats", "dog", "dogs"], r"forms\[0\] is b'cat'"),
        (["cat", "cats", "dog", "\u00a0"], r"forms\[3\] is '\\xa0'"),
        ("cats", "forms is the one string 'cats': give a list"),
    ],
)
def test_the_offending_form_is_named(forms, message):
    with pytest.raises(ValueError, match=f"dev: {message}"):
        Splits.from_arrays((X, Y), (X, Y, forms), (X, Y))


@pytest.mark.parametrize("of", [list, np.array, pd.Series, lambda forms: pd.array(forms, dtype="string")])
def test_canonically_equal_labels_and_forms_are_one(of):
    labels = of(["caf\u00e9", "cafe\u0301", "th\u00e9", "the\u0301"])
    assert Activations.from_arrays(X, labels).values == ("caf\u00e9", "th\u00e9")
    data = Activations.from_arrays(X, Y, forms=of(["caf\u00e9", "cafe\u0301", "cats", "cat"]))
    assert data.forms == ("caf\u00e9", "caf\u00e9", "cats", "cat") and all(type(form) is str for form in data.forms)
    assert Activations(**{**data.__dict__, "forms": ("cafe\u0301",) * 4}).forms == ("caf\u00e9",) * 4
