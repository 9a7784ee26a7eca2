"""Word vectors against one plain forward pass per sentence; the cache against damage; labels against misuse."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from another_user import unreadable
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pitfalls import files as writing
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.files import free_space
from pitfalls.language.corpus import Corpus, Sentence, Word
from pitfalls.models import store, vectors
from pitfalls.models.interface import TooLongError
from pitfalls.models.masked import MaskedLM
from pitfalls.models.vectors import absent_bytes, select, site_vectors, word_vectors
from pitfalls.site import Site

SENTENCES = [
    ["the", "cats", "sleep"],
    [],
    ["dogs"],
    ["the", "dog", "walks", "cats", "and", "dogs", "sleep"],
    ["cats", "", "walk"],
    ["the", "cats", "sleep"],
    ["a", "sleeps"],
]
N_WORDS = 19


def build(seed: int) -> MaskedLM:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, "the", "cat", "dog", "##s", "sl", "##eep", "walk", "and"]
    config = hf.BertConfig(
        vocab_size=len(pieces),
        hidden_size=8,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=20,
        initializer_range=0.4,
    )
    torch.manual_seed(seed)
    tokenizer = hf.BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})
    return MaskedLM(hf.BertForMaskedLM(config), tokenizer, name="tiny")


@pytest.fixture(scope="module")
def lm():
    return build(0)


@torch.no_grad()
def one_by_one(lm: MaskedLM, layer: int) -> np.ndarray:
    """Average the subwords of each word, one sentence at a time, in Python: the oracle of this file."""
    rows = []
    for sentence in SENTENCES:
        written = [word or "[UNK]" for word in sentence]
        encoded = lm.tokenizer(written, is_split_into_words=True, return_tensors="pt")
        states = lm.model(**encoded, output_hidden_states=True).hidden_states[layer][0]
        for i in range(len(sentence)):
            subwords = [j for j, owner in enumerate(encoded.word_ids()) if owner == i]
            rows.append(states[subwords].mean(0).numpy())
    return np.stack(rows)


def stop(*_: Any) -> Any:
    raise AssertionError("the model was run although the vectors are in the cache")


# -------------------------------------------------------------------- vectors


@pytest.mark.parametrize(("layer", "batch_tokens"), [(0, 12), (2, 1), (3, 12), (3, 4096)])
def test_vectors_are_those_of_one_sentence_at_a_time(layer, batch_tokens):
    lm = build(0)  # the oracle's output_hidden_states leaves hooks behind: not on the shared model
    vectors = word_vectors(lm, SENTENCES, layer, batch_tokens=batch_tokens)
    assert vectors.shape == (N_WORDS, 8)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, one_by_one(lm, layer), atol=1e-5)


def test_several_layers_in_one_pass_are_the_single_ones(lm, tmp_path):
    for cache in (None, tmp_path):
        several = site_vectors(lm, SENTENCES, [3, 1, 1], cache)
        assert [site.layer for site in several] == [1, 3]
        for site, found in several.items():
            np.testing.assert_array_equal(found, word_vectors(lm, SENTENCES, site))


@given(
    lengths=st.lists(st.integers(1, 30), max_size=20),
    batch_tokens=st.integers(1, 100),
)
def test_batches_hold_every_sentence_once_and_fit(lengths, batch_tokens):
    batches = list(vectors.batches(lengths, batch_tokens))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= batch_tokens
    longest = [max(lengths[i] for i in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_too_long_a_sentence_is_named_by_its_index_in_the_corpus(lm, tmp_path):
    sentences = [["the"], ["cats"], ["the"] * 30, ["dog"]]
    with pytest.raises(TooLongError, match=r"sentence 2 has 32 .* takes 20"):
        word_vectors(lm, sentences, 1, cache=tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".npy", ".json")]


def test_nothing_to_do_and_no_such_layer_are_errors(lm):
    with pytest.raises(ValueError, match="no word in 2 sentences"):
        word_vectors(lm, [[], []], 1)
    for layers, told in (
        ([], "give at least one layer or Site"),
        ([4], r"has layers 0 \(embeddings\) to 3"),
        ([-1, 2], "whole number, 0 or more, not -1"),
    ):
        with pytest.raises(ValueError, match=told):
            site_vectors(lm, SENTENCES, layers)


# -------------------------------------------------------------------- the cache


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"))


def test_cached_vectors_are_read_not_made(lm, tmp_path, monkeypatch):
    made = word_vectors(lm, SENTENCES, 2, cache=tmp_path / "new" / "folder")
    assert isinstance(made, np.memmap)
    np.testing.assert_array_equal(made, word_vectors(lm, SENTENCES, 2))
    renamed = build(0)
    renamed.name = "the same weights under another name"
    monkeypatch.setattr(MaskedLM, "read", stop)
    np.testing.assert_array_equal(word_vectors(lm, SENTENCES, 2, cache=tmp_path / "new" / "folder"), made)
    np.testing.assert_array_equal(word_vectors(renamed, SENTENCES, 2, cache=tmp_path / "new" / "folder"), made)
    with pytest.raises(ValueError, match="read-only"):
        made[0, 0] = 1.0


def truncate(array: Path, manifest: Path) -> None:
    array.write_bytes(array.read_bytes()[:-8])


def change_a_byte(array: Path, manifest: Path) -> None:
    content = bytearray(array.read_bytes())
    content[-5] ^= 1
    array.write_bytes(content)


def age_the_manifest(array: Path, manifest: Path) -> None:
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "code_version": 0}))


def leave_a_partial_file(array: Path, manifest: Path) -> None:
    """What a process leaves behind if it is killed before its first rename."""
    array.rename(array.with_name(f"{writing._OWN}{'0' * 16}.part"))
    manifest.unlink()


DAMAGES = {
    "truncated": truncate,
    "a byte changed": change_a_byte,
    "no array": lambda array, manifest: array.unlink(),
    "no manifest": lambda array, manifest: manifest.unlink(),
    "half a manifest": lambda array, manifest: manifest.write_text(manifest.read_text()[:40]),
    "no object": lambda array, manifest: manifest.write_text("[]"),
    "of older code": age_the_manifest,
    "partial": leave_a_partial_file,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_made_anew(lm, tmp_path, monkeypatch, damage):
    made = np.array(word_vectors(lm, SENTENCES, 2, cache=tmp_path))
    damage(files(tmp_path, ".npy")[0], files(tmp_path, ".json")[0])
    np.testing.assert_array_equal(word_vectors(lm, SENTENCES, 2, cache=tmp_path), made)
    monkeypatch.setattr(MaskedLM, "read", stop)
    np.testing.assert_array_equal(word_vectors(lm, SENTENCES, 2, cache=tmp_path), made)
    assert not files(tmp_path, ".part")


def test_other_sentences_layers_models_and_code_do_not_share(lm, tmp_path, monkeypatch):
    word_vectors(lm, SENTENCES, 2, cache=tmp_path)
    # The same words, divided into sentences differently.
    divided = [["the", "cats"], ["sleep", "dogs"], *SENTENCES[3:]]
    heads = Site("heads", 2)  # as many as neurons
    for ask in ((lm, divided, 2), (lm, SENTENCES, 1), (lm, SENTENCES, heads), (build(1), SENTENCES, 2)):
        np.testing.assert_array_equal(word_vectors(*ask, cache=tmp_path), word_vectors(*ask))
    assert len(files(tmp_path, ".npy")) == 5
    monkeypatch.setattr(store, "CODE_VERSION", store.CODE_VERSION + 1)
    word_vectors(lm, SENTENCES, 2, cache=tmp_path)
    assert len(files(tmp_path, ".npy")) == 6


ANY_SENTENCES = st.lists(st.lists(st.text("a \n", max_size=3), max_size=3), max_size=3)


@given(ANY_SENTENCES, ANY_SENTENCES)
def test_equal_hashes_mean_equal_sentences(some, others):
    hashes = [store._hash_sentences(sentences) for sentences in (some, others)]
    assert (hashes[0] == hashes[1]) == (some == others)


def test_only_the_layers_that_are_not_there_are_made(lm, tmp_path, monkeypatch):
    word_vectors(lm, SENTENCES, 2, cache=tmp_path)
    asked: list[Site] = []
    original = MaskedLM.read

    def note(self: MaskedLM, encoded: Any, sites: Any) -> Any:
        asked.extend(sites)
        return original(self, encoded, sites)

    monkeypatch.setattr(MaskedLM, "read", note)
    assert [site.layer for site in site_vectors(lm, SENTENCES, [1, 2, 3], tmp_path)] == [1, 2, 3]
    assert set(asked) == {Site("residual", 1), Site("residual", 3)}


def test_a_run_that_dies_leaves_nothing_under_the_final_name(lm, tmp_path, monkeypatch):
    original, calls = MaskedLM.read, []

    def die(self: MaskedLM, encoded: Any, layers: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, encoded, layers)

    with monkeypatch.context() as patch:
        patch.setattr(MaskedLM, "read", die)
        with pytest.raises(KeyboardInterrupt):
            word_vectors(lm, SENTENCES, 2, cache=tmp_path, batch_tokens=8)
    assert not files(tmp_path, ".npy") + files(tmp_path, ".json") + files(tmp_path, ".part")
    found = word_vectors(lm, SENTENCES, 2, cache=tmp_path)
    np.testing.assert_array_equal(found, word_vectors(lm, SENTENCES, 2))
    assert not files(tmp_path, ".part")


OTHER_PROCESS = """
import sys, time
from pathlib import Path
folder, *paths = sys.argv[1:]
sys.path[:0] = paths
import test_activations as tests
from pitfalls.models import vectors

def slow_fill(*args, fill=vectors._fill):
    Path(folder, "filling").touch()
    while not Path(folder, "asked").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    fill(*args)

vectors._fill = slow_fill
tests.word_vectors(tests.build(0), tests.SENTENCES, 2, cache=folder)
"""


@pytest.mark.slow
def test_a_second_process_waits_for_the_first_one_s_vectors(lm, tmp_path, root, monkeypatch):
    expected = word_vectors(lm, SENTENCES, 2)
    run = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), str(root), str(Path(__file__).parent)]
    with subprocess.Popen(run, stderr=subprocess.PIPE, text=True) as other:
        while not (tmp_path / "filling").exists():
            assert other.poll() is None, other.communicate()[1]
            time.sleep(0.01)
        monkeypatch.setattr(vectors, "_fill", stop)
        (tmp_path / "asked").touch()
        np.testing.assert_array_equal(word_vectors(lm, SENTENCES, 2, cache=tmp_path), expected)
        assert other.wait(timeout=60) == 0
    assert len(files(tmp_path, ".npy")) == len(files(tmp_path, ".json")) == 1
    assert not files(tmp_path, ".part")


def test_the_size_of_missing_files_is_told_without_a_model_run(lm, tmp_path, monkeypatch):
    one = word_vectors(lm, SENTENCES, 1).nbytes
    assert absent_bytes(lm, SENTENCES, [3, 1, 1], tmp_path / "none") == 2 * one
    site_vectors(lm, SENTENCES, [1, 2], tmp_path)
    monkeypatch.setattr(MaskedLM, "read", stop)
    assert absent_bytes(lm, SENTENCES, [1, 2, 3], tmp_path) == one
    truncate(*(files(tmp_path, suffix)[0] for suffix in (".npy", ".json")))
    assert absent_bytes(lm, SENTENCES, [1, 2], tmp_path) == one


def test_finished_vectors_are_read_from_a_folder_that_nobody_may_write(lm, small_disk, monkeypatch):
    made = word_vectors(lm, SENTENCES, 2, cache=small_disk)
    for lock in files(small_disk, ".lock"):
        lock.unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    monkeypatch.setattr(MaskedLM, "read", stop)
    np.testing.assert_array_equal(word_vectors(lm, SENTENCES, 2, cache=small_disk), made)
    with pytest.raises(OSError, match=r"Read-only file system: .*small does not hold all .* PITFALLS_CACHE"):
        site_vectors(lm, SENTENCES, [1, 2], cache=small_disk)
    with pytest.raises(OSError, match="Read-only file system"):
        word_vectors(lm, SENTENCES, 2, cache=small_disk / "new")


def test_vectors_of_a_user_who_let_nobody_read_them_are_a_matter_of_permission(lm):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        word_vectors(lm, SENTENCES, 2, cache=folder)
        for suffix in (".json", ".npy"):
            (path,) = files(Path(folder), suffix)
            with unreadable(path), pytest.raises(PermissionError, match=rf"Permission denied: '.*{suffix}'"):
                word_vectors(lm, SENTENCES, 2, cache=folder)


@pytest.mark.parametrize("change", ["shape", "order", "dtype"])
def test_vectors_of_another_shape_are_made_anew_whatever_their_checksum(change, lm, tmp_path):
    made = np.array(word_vectors(lm, SENTENCES, 2, cache=tmp_path))
    (array,), (manifest,) = files(tmp_path, ".npy"), files(tmp_path, ".json")
    np.save(array, {"shape": made.T, "order": np.asfortranarray(made), "dtype": made.view(np.int32)}[change])
    said = json.loads(manifest.read_text())
    said |= {"size": array.stat().st_size, "sha256": hashlib.sha256(array.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(said))
    np.testing.assert_array_equal(word_vectors(lm, SENTENCES, 2, cache=tmp_path), made)


# -------------------------------------------------------------------- a full disk

MANY = [["the", "cats", "sleep", "and", "dogs", "walk"]] * 400  # 2,400 words: 77 kB per layer of 8 neurons
FULL = (
    r"No space left on device: the word vectors of layer 1, layer 2 need 0\.2 MB, and .* has 0\.1 MB free: "
    r"make room there, take fewer layers, or .* PITFALLS_CACHE"
)


def test_a_full_disk_is_an_error_and_leaves_nothing(lm, small_disk):
    free = free_space(small_disk)
    with pytest.raises(OSError, match=FULL) as caught:
        site_vectors(lm, MANY, [1, 2], small_disk)
    assert caught.value.errno == errno.ENOSPC
    assert not [path for path in small_disk.iterdir() if path.suffix != ".lock"]
    assert free_space(small_disk) == free
    # One layer fits; a second one beside it does not.
    np.testing.assert_array_equal(word_vectors(lm, MANY, 1, small_disk), word_vectors(lm, MANY, 1))
    with pytest.raises(OSError, match=r"of layer 2 need 0\.1 MB"):
        site_vectors(lm, MANY, [1, 2], small_disk)
    assert absent_bytes(lm, MANY, [1, 2], small_disk) == word_vectors(lm, MANY, 2).nbytes
    assert not files(small_disk, ".part")


@pytest.mark.parametrize("cannot", ["no such call", "not on this file system"])
def test_where_nothing_can_be_reserved_what_is_free_decides(cannot, lm, tmp_path, monkeypatch):
    def refuse(*_: Any) -> Any:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if cannot == "no such call":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    monkeypatch.setattr(vectors, "free_space", lambda folder: 100_000)
    with pytest.raises(OSError, match=FULL) as caught:
        site_vectors(lm, MANY, [1, 2], tmp_path)
    assert caught.value.errno == errno.ENOSPC
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    assert len(word_vectors(lm, MANY, 1, tmp_path)) == 2_400


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.EDQUOT, "Disk quota exceeded: the word vectors of layer 2 need"),
        (errno.EIO, r"^\[Errno 5\] Input/output error: '.*/residual02-\w+\.npy'$"),
    ],
    ids=["no space", "another error"],
)
def test_space_is_reserved_before_a_vector_is_made(code, message, lm, tmp_path, monkeypatch):
    def refuse(*_: Any) -> Any:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    monkeypatch.setattr(MaskedLM, "read", stop)
    with pytest.raises(OSError, match=message) as caught:
        word_vectors(lm, SENTENCES, 2, cache=tmp_path)
    assert caught.value.errno == code and not files(tmp_path, ".part")


# -------------------------------------------------------------------- choosing words

NUMBERS = {"cats": "PL", "dogs": "PL", "dog": "SG", "walks": "SG", "sleeps": "SG", "a": "SG", "and": "DU"}


@pytest.fixture(scope="module")
def corpus():
    def word(form: str) -> Word:
        return Word(form, form, {"Number": NUMBERS[form]} if form in NUMBERS else {"Part of Speech": "V"})

    sentences = (Sentence(str(i), tuple(word(form) for form in forms)) for i, forms in enumerate(SENTENCES))
    return Corpus("eng", tuple(sentences), "toy-dev")


@pytest.mark.parametrize("values", [["SG", "PL"], {"PL", "SG"}, ("PL", "SG", "PL")], ids=["list", "set", "tuple"])
def test_select_picks_the_words_with_the_values_in_any_order(corpus, values):
    vectors = np.random.default_rng(0).normal(size=(N_WORDS, 4)).astype(np.float32)
    data = select(vectors, corpus, "Number", values, 2)
    assert data.values == ("PL", "SG")
    assert (data.language, data.attribute, data.site) == ("eng", "Number", Site("residual", 2))
    words = [(s, p, w) for s, sentence in enumerate(corpus.sentences) for p, w in enumerate(sentence.words)]
    expected = [
        (row, s, p, w.form, w.attributes["Number"])
        for row, (s, p, w) in enumerate(words)
        if w.attributes.get("Number") in ("SG", "PL")
    ]
    found = zip(data.X, data.sentence_ids, data.positions, data.forms, [data.values[i] for i in data.y], strict=True)
    for (vector, *what), (row, *wanted) in zip(found, expected, strict=True):
        assert what == wanted
        np.testing.assert_array_equal(vector, vectors[row])
    assert data.X.dtype == np.float32
    assert type(data.X) is np.ndarray


def test_select_names_what_is_wrong(corpus):
    vectors = np.zeros((N_WORDS, 4), dtype=np.float32)
    with pytest.raises(ValueError, match="18 vectors for the 19 words of toy-dev"):
        select(vectors[1:], corpus, "Number", ["SG"], 0)
    with pytest.raises(ValueError, match=r"Number \['TRI'\].*\['DU', 'PL', 'SG'\]"):
        select(vectors, corpus, "Number", ["SG", "TRI"], 0)
    with pytest.raises(ValueError, match=r"no word of toy-dev has the Case \['NOM'\]"):
        select(vectors, corpus, "Case", ["NOM"], 0)
    with pytest.raises(ValueError, match="no word of toy-dev"):
        select(vectors, corpus, "Number", [], 0)


# -------------------------------------------------------------------- users' own arrays

X3 = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]


@given(
    st.one_of(
        st.lists(st.integers(-3, 12), min_size=1, max_size=9),
        st.lists(st.text(max_size=2), min_size=1, max_size=9),
    )
)
@example(labels=["\u09dc", "a"])
@settings(max_examples=30)
def test_labels_come_back(labels):
    """Strings come back composed (NFC), as forms do; some letters are spelt differently then."""
    data = Activations.from_arrays([[0, 0]] * len(labels), labels)
    composed = [unicodedata.normalize("NFC", label) if isinstance(label, str) else label for label in labels]
    assert [data.values[i] for i in data.y] == [str(label) for label in composed]
    assert list(data.values) == [str(label) for label in sorted(set(composed))]
    assert data.X.dtype == np.float32
    assert data.y.dtype == np.int64
    assert len(set(data.forms)) == len(labels)


def test_splits_from_arrays_share_the_values_of_train():
    data = Splits.from_arrays(
        train=(X3, ["b", "a", "b"]),
        dev=(X3, ["b", "b", "a"], ["x", "y", "x"]),
        test=(X3, ["a", "a", "b"]),
    )
    assert data.values == ("a", "b")
    assert data.dev.y.tolist() == [1, 1, 0]
    assert data.dev.forms == ("x", "y", "x")
    assert (data.n_neurons, data.test.n_words) == (2, 3)


NAN = [[0.0, np.nan], [1.0, np.inf], [0.5, 0.5]]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"dev": (X3, [0, 1])}, r"dev: y has 2 entries, X 3 rows"),
    ({"test": (X3, [0, 1, 2])}, r"test: labels \[2\] are not among the values \[0, 1\]"),
    ({"train": (NAN, [0, 1, 1])}, r"train: X has NaN or infinity: neuron 1 in 2 of 3 rows;"),
    ({"train": (np.full((3, 2), np.nan), [0, 1, 1])}, r"neuron 0 in 3 of 3 rows, and 1 other"),
    ({"train": ([1.0, 2.0, 3.0], [0, 1, 1])}, r"train: X is float32 of shape \(3,\)"),
    ({"train": (np.zeros((0, 2)), [])}, r"train: X has shape \(0, 2\)"),
    ({"dev": (np.zeros((3, 5)), [0, 1, 1])}, r"n_neurons differs between the splits: train 2, dev 5, test 2"),
    ({"dev": (X3, [0, 1, 1], ["one"])}, r"dev: forms has 1 entries, X 3 rows"),
    ({"dev": X3}, r"dev is not a tuple \(X, y\)"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_wrong_arrays_are_named(change, message):
    good: dict[str, Any] = {split: (X3, [0, 1, 1]) for split in ("train", "dev", "test")}
    Splits.from_arrays(**good)
    with pytest.raises((TypeError, ValueError), match=message):
        Splits.from_arrays(**{**good, **change})


def test_splits_of_different_experiments_do_not_mix():
    one, other = (dataclasses.replace(Activations.from_arrays(X3, [0, 1, 1]), site=Site("residual", n)) for n in (2, 7))
    with pytest.raises(ValueError, match=r"site differs between the splits: .*layer=2.*layer=2.*layer=7"):
        Splits(one, one, other)
    without = Activations.from_arrays(X3, [0, 0, 0], values=[0, 1])
    both = Activations.from_arrays(X3, [0, 1, 0])
    for lacking, parts in (
        ("train", (without, both, both)),
        ("dev", (both, without, both)),
        ("test", (both, both, without)),
    ):
        with pytest.raises(ValueError, match=rf"no word of {lacking} has the values \['1'\] of \['0', '1'\]"):
            Splits(*parts)


@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_float64_stays_float64_and_everything_else_becomes_float32(of):
    for dtype, kept in ((np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float32)):
        matrix = of(np.array(X3, dtype=dtype))
        data = Activations.from_arrays(matrix, of(np.array([0, 1, 1])))
        assert data.X.dtype == kept
        assert data.y.tolist() == [0, 1, 1]
        np.testing.assert_array_equal(data.X, np.array(X3, dtype=dtype).astype(kept))


def test_rows_without_words_are_forms_of_their_own_in_every_split():
    data = Splits.from_arrays(*[(X3, [0, 1, 1])] * 3)
    assert len({*data.train.forms, *data.dev.forms, *data.test.forms}) == 9


def test_activations_check_their_labels():
    good = Activations.from_arrays(X3, [0, 1, 1]).__dict__
    for change, message in (
        ({"y": np.array([0, 1, 2])}, r"y holds \[2\]: .* the 2 values"),
        ({"y": np.array([0, -1, 1])}, r"y holds \[-1\]"),
        ({"y": np.array([0.0, 1.0, 1.0])}, "y is float64"),
        ({"values": ("0", "0")}, "name one twice"),
        ({"positions": np.zeros(2, dtype=np.int64)}, "positions has 2 entries"),
        ({"X": np.zeros((3, 2), dtype=int)}, "X is int64"),
    ):
        with pytest.raises(ValueError, match=message):
            Activations(**{**good, **change})
