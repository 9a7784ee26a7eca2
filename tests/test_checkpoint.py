"""Damaged and hostile model folders: one error that names the folder, and nothing but safetensors is ever read."""

from __future__ import annotations

import fnmatch
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from test_masked_lm import bert_config, bert_tokenizer, save

from pitfalls.models import checkpoint
from pitfalls.models.checkpoint import ModelFilesError, UnsupportedModelError
from pitfalls.models.masked import MaskedLM

WEIGHTS, INDEX, PART = "model.safetensors", "model.safetensors.index.json", "part.safetensors"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
COMMIT = "a" * 40

Mutation = Callable[[Path], Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    torch.manual_seed(0)
    return save(hf.BertForMaskedLM(bert_config()), bert_tokenizer(), tmp_path_factory.mktemp("models") / "sound")


@pytest.fixture
def folder(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "mine"))


@pytest.fixture
def canary(tmp_path):
    """A file that exists once a pickle has been unpickled."""
    return tmp_path / "unpickled"


class Payload:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


def config(**changes: Any) -> Mutation:
    return setting("config.json", **changes)


def setting(name: str, **changes: Any) -> Mutation:
    def change(folder: Path) -> None:
        found = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**found, **changes}))

    return change


def text(name: str, content: str | bytes) -> Mutation:
    return lambda folder: (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def cut(name: str, share: float) -> Mutation:
    return lambda folder: os.truncate(folder / name, int(os.path.getsize(folder / name) * share))


def header(content: bytes) -> Mutation:
    return text(WEIGHTS, len(content).to_bytes(8, "little") + content)


def tensors(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Mutation:
    return lambda folder: save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, {"format": "pt"})


def index(names: Any, **beside: Any) -> Mutation:
    """Rename the file of weights, and add an index that says that they are in ``names``."""

    def change(folder: Path) -> None:
        keys = list(load_file(folder / WEIGHTS))
        (folder / WEIGHTS).rename(folder / PART)
        named = dict.fromkeys(keys, names) if beside.get("each", True) else names
        (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": named}))

    return change


def link(target: Callable[[Path], Path]) -> Mutation:
    def change(folder: Path) -> None:
        shutil.copy(folder / WEIGHTS, folder.parent / WEIGHTS)
        (folder / WEIGHTS).unlink()
        (folder / WEIGHTS).symlink_to(target(folder))

    return change


DAMAGES: dict[str, tuple[Mutation, str]] = {
    # more of something than there are weights for
    "a billion layers": (config(num_hidden_layers=10**9), r"num_hidden_layers = 1000000000.*58 tensors"),
    "a billion labels": (config(num_labels=10**9), r"num_labels = 1000000000.*58 tensors"),
    "layers in a part": (config(text_config={"n_layer": 10**9}), r"n_layer = 1000000000"),
    "wide": (config(hidden_size=10**9), r"describes a model of [\d,]+ numbers, and the weights have 9,124"),
    "other size": (config(hidden_size=18), "config.json and the weights differ in size"),
    # numbers that are not numbers
    "no head": (config(num_attention_heads=0), "ZeroDivisionError"),
    "a string": (config(hidden_size="16"), "expected int, got str"),
    "a list": (config(model_type=[]), "unhashable"),
    # settings that lead elsewhere
    "another configuration": (config(configuration_files=["config.9.json"]), r"sets configuration_files to"),
    "another file": (config(transformers_weights="x.safetensors.index.json"), r"sets transformers_weights to"),
    "a kernel": (config(_attn_implementation="org/kernel"), r"sets _attn_implementation to 'org/kernel'"),
    "an adapter": (text("adapter_config.json", "{}"), "holds an adapter"),
    # damaged JSON
    **{
        f"{name} {what}": (text(name, content), expected)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json")
        for what, content, expected in (
            ("deep", "[" * 200_000, "RecursionError"),
            ("list", "[]", "not hold a JSON object|damaged"),
            ("binary", b"\xff\xfe\x00", "UnicodeDecodeError"),
        )
    },
    "configuration pointer": (text("config.json", LFS), "JSONDecodeError"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), r"its config\.json cannot be read"),
    "tokenizer of no kind": (setting("tokenizer.json", model={"type": "Bogus"}), "damaged or from two models"),
    "no length": (setting("tokenizer_config.json", model_max_length="x"), "damaged or from two models"),
    # damaged weights
    "cut in the header": (cut(WEIGHTS, 0.01), r"model\.safetensors is damaged or cut off"),
    "cut in the numbers": (cut(WEIGHTS, 0.999), "damaged or cut off"),
    "pointer": (text(WEIGHTS, LFS), "a Git LFS pointer.*git lfs pull"),
    "huge header": (text(WEIGHTS, b"\xff" * 8 + b"{}"), "header too large"),
    "deep header": (header(b'{"a":' * 50_000), "recursion limit"),
    "no such numbers": (header(b'{"a":{"dtype":"F32","shape":[99],"data_offsets":[0,396]}}'), "damaged or cut off"),
    "transposed": (tensors(lambda found: {key: v.T.contiguous() for key, v in found.items() if v.ndim == 2}), "size"),
    # an index
    "pickle": (index("evil.bin"), r"names 'evil\.bin': weights are read from files in the same folder"),
    "pickle by another name": (index("evil.safetensors"), r"evil\.safetensors is damaged"),
    "above": (index("../model.safetensors"), r"names '\.\./model\.safetensors'"),
    "absolute": (index("/etc/x.safetensors"), r"names '/etc/x\.safetensors'"),
    "in Windows": (index("..\\x.safetensors"), "weights are read from"),
    "zero byte": (index("a\0.safetensors"), "weights are read from"),
    "number": (index(3), "names '3'"),
    "not there": (index("gone.safetensors"), r"lacks gone\.safetensors"),
    "nothing": (index({}, each=False), "names no weights"),
    "a list of names": (index([PART], each=False), "names no weights"),
    # links
    "to another folder": (link(lambda folder: folder.parent / WEIGHTS), "a link that leaves its folder"),
    "to nowhere": (link(lambda folder: folder / "nowhere"), r"it has no model\.safetensors"),
    "to itself": (link(lambda folder: folder / WEIGHTS), r"it has no model\.safetensors"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_named_in_one_error(damage, folder, canary):
    change, expected = DAMAGES[damage]
    for name in ("evil.bin", "evil.safetensors"):
        (folder / name).write_bytes(pickle.dumps(Payload(canary)))
    change(folder)
    with pytest.raises(ModelFilesError, match=f"(?s){expected}") as caught:
        MaskedLM.load(folder)
    assert str(folder) in str(caught.value) and len(str(caught.value)) < 900
    assert not canary.exists()


def test_a_configuration_that_cannot_run_is_named(folder):
    config(num_hidden_layers=0)(folder)
    with pytest.raises(UnsupportedModelError):
        MaskedLM.load(folder)


def test_a_file_is_no_model(folder, canary):
    (folder / "evil.bin").write_bytes(pickle.dumps(Payload(canary)))
    for name in ("config.json", WEIGHTS, "evil.bin"):
        with pytest.raises(ModelFilesError, match=rf"{name}' is a file: give the folder"):
            MaskedLM.load(folder / name)
    assert not canary.exists()


def test_a_model_that_needs_its_own_code_is_refused(folder: Path) -> None:
    config(model_type="strange", auto_map={"AutoConfig": "strange.StrangeConfig"})(folder)
    (folder / "strange.py").write_text("raise SystemExit('this must not run')")
    with pytest.raises(UnsupportedModelError, match=r"needs code that comes with it .*strange.*, which is never run$"):
        MaskedLM.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (config(quantization_config={"quant_method": "awq"}), "quantised weights .*awq"),
        (
            setting("tokenizer_config.json", tokenizer_class="XLMTokenizer"),
            "a package that is not installed .*sacremoses",
        ),
    ],
    ids=["quantised", "a tokenizer's package"],
)
def test_what_asks_for_a_package_does_not_count_as_damaged(change: Mutation, message: str, folder: Path) -> None:
    change(folder)
    with pytest.raises(UnsupportedModelError, match=message):
        MaskedLM.load(folder)


@pytest.mark.parametrize("name", ["attn_implementation", "_attn_implementation"])
def test_attention_that_asks_for_a_package_is_computed_without_it(name: str, folder: Path, sound: Path) -> None:
    config(**{name: "flash_attention_2"})(folder)
    assert MaskedLM.load(folder).fingerprint() == MaskedLM.load(sound).fingerprint()


def link_within(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "stored.safetensors")
    (folder / WEIGHTS).symlink_to("stored.safetensors")


@pytest.mark.parametrize("change", [index(PART), link_within], ids=["parts", "link"])
def test_weights_in_parts_and_behind_a_link_within_the_folder_are_read(change, folder, sound):
    change(folder)
    assert MaskedLM.load(folder).fingerprint() == MaskedLM.load(sound).fingerprint()


def beside(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights, and those of an adapter that was not merged."""
    return found | {"bert.encoder.layer.0.attention.self.query.lora_A.default.weight": torch.ones(4, 16)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (config(num_hidden_layers=1), r"weights of blocks that BertForMaskedLM does not read.*it says 1 layers"),
        (tensors(beside), r"1 weights of blocks .*lora_A.*merge it into the model"),
    ],
    ids=["fewer layers", "adapter"],
)
def test_weights_of_blocks_that_would_be_left_out_are_refused(change, said, folder):
    change(folder)
    with pytest.raises(UnsupportedModelError, match=said):
        MaskedLM.load(folder)


def test_weights_beside_the_blocks_may_be_left_out(folder, sound):
    """Such as those of BERT's second head."""
    tensors(lambda found: found | {"cls.seq_relationship.weight": torch.ones(2, 16)})(folder)
    assert MaskedLM.load(folder).fingerprint() == MaskedLM.load(sound).fingerprint()


def test_a_device_that_is_not_there_is_no_damage(folder):
    with pytest.raises(ValueError, match=r"cannot compute on the device 'bogus': give cpu, or .*bogus\)") as caught:
        MaskedLM.load(folder, device="bogus")
    assert not isinstance(caught.value, ModelFilesError)


def test_a_folder_without_its_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(
        UnsupportedModelError, match=r"knows 5 tokens, 0 of them not special.*100 embeddings.*tokenizer"
    ):
        MaskedLM.load(folder)
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(UnsupportedModelError, match=r"tokens, 0 of them not special.*100 embeddings"):
        MaskedLM.load(folder)


def test_a_vocabulary_far_smaller_than_the_embeddings_is_refused():
    model = hf.BertForMaskedLM(bert_config(vocab_size=400))
    n_tokens = len(bert_tokenizer())
    message = rf"knows {n_tokens} tokens, {n_tokens - 5} of them not special.*400 embeddings"
    with pytest.raises(UnsupportedModelError, match=message):
        MaskedLM(model, bert_tokenizer())
    # Padding to a multiple of 128 is honest, however few the words.
    vocab = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat"])}
    MaskedLM(hf.BertForMaskedLM(bert_config(vocab_size=128)), hf.BertTokenizer(vocab=vocab))


def test_a_tokenizer_that_does_not_know_its_own_words_is_refused(folder):
    found = json.loads((folder / "tokenizer.json").read_text())
    found["model"]["vocab"] = {
        piece.upper() if piece.isalpha() else piece: i for piece, i in found["model"]["vocab"].items()
    }
    (folder / "tokenizer.json").write_text(json.dumps(found))
    setting("tokenizer_config.json", do_lower_case=True)(folder)
    with pytest.raises(UnsupportedModelError, match=r"does not know \d+ of \d+ words of its own vocabulary, such as"):
        MaskedLM.load(folder)


def shared(snapshot: Path) -> None:
    """The file of weights in the folder that all models share, where huggingface_hub puts what comes by Xet."""
    folder = snapshot.parents[2] / "blobs" / "ab"
    folder.mkdir(parents=True)
    blob = snapshot.parents[1] / "blobs" / f"{WEIGHTS.encode().hex()}"
    blob.rename(folder / ("ab" * 32))
    blob.symlink_to(os.path.relpath(folder / ("ab" * 32), blob.parent))


def cached(sound: Path, hub: Path, change: Mutation | None = None) -> Path:
    """A model in the Hub's cache as huggingface_hub lays it out: a snapshot of links into a folder of blobs."""
    home = hub / "models--org--name"
    snapshot, blobs = home / "snapshots" / COMMIT, home / "blobs"
    shutil.copytree(sound, snapshot)
    if change:
        change(snapshot)
    blobs.mkdir()
    for file in sorted(snapshot.iterdir()):
        blob = blobs / f"{file.name.encode().hex()}"
        file.rename(blob)
        file.symlink_to(os.path.relpath(blob, snapshot))
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    return snapshot


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub's cache without a network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


@pytest.mark.parametrize("change", [None, index(PART)], ids=["one file", "in parts"])
def test_a_cached_model_is_read_by_its_name_and_by_its_folder(hub, sound, change):
    snapshot = cached(sound, hub, change)
    by_name = MaskedLM.load("org/name")
    assert by_name.name == "org/name"
    assert by_name.fingerprint() == MaskedLM.load(sound).fingerprint() == MaskedLM.load(snapshot).fingerprint()
    assert MaskedLM.load("org/name", revision=COMMIT).fingerprint() == by_name.fingerprint()


def test_weights_that_cached_models_share_are_read(hub, sound):
    snapshot = cached(sound, hub)
    shared(snapshot)
    assert os.path.realpath(snapshot / WEIGHTS) == str(hub.resolve() / "blobs" / "ab" / ("ab" * 32))
    assert MaskedLM.load("org/name").fingerprint() == MaskedLM.load(sound).fingerprint()
    # From anywhere else, nothing is.
    (snapshot / WEIGHTS).unlink()
    (snapshot / WEIGHTS).symlink_to(sound / WEIGHTS)
    with pytest.raises(ModelFilesError, match="a link that leaves its folder"):
        MaskedLM.load("org/name")


@pytest.mark.parametrize("name", ["evil.bin", "../x.safetensors"])
def test_the_index_of_a_cached_model_is_checked(hub, sound, canary, name):
    def change(folder: Path) -> None:
        index(name)(folder)
        (folder / "evil.bin").write_bytes(pickle.dumps(Payload(canary)))

    cached(sound, hub, change)
    with pytest.raises(ModelFilesError, match="weights are read from files in the same folder"):
        MaskedLM.load("org/name")
    assert not canary.exists()


def test_a_name_that_is_not_cached_is_said_without_network(hub):
    with pytest.raises(ModelFilesError, match=r"^cannot load 'org/other': HF_HUB_OFFLINE .* is set, and the cache"):
        MaskedLM.load("org/other")


@pytest.mark.parametrize("named", [PART, "evil.bin"])
def test_weights_are_fetched_after_their_index_was_checked(sound, tmp_path, monkeypatch, named):
    remote = Path(shutil.copytree(sound, tmp_path / "remote"))
    index(named)(remote)
    for name in ("evil.bin", "pytorch_model.bin", "modeling_evil.py"):
        (remote / name).write_text("no")
    fetched: list[str] = []
    revisions = []

    def download(repo: str, revision: str | None, allow_patterns: list[str], **_: Any) -> str:
        revisions.append(revision)
        local = tmp_path / "snapshots" / COMMIT
        local.mkdir(parents=True, exist_ok=True)
        for file in remote.iterdir():
            if any(fnmatch.fnmatch(file.name, pattern) for pattern in allow_patterns):
                shutil.copy(file, local)
                fetched.append(file.name)
        return str(local)

    monkeypatch.setattr(checkpoint, "snapshot_download", download)
    small = ["config.json", INDEX, "tokenizer.json", "tokenizer_config.json"]
    if named == PART:
        assert MaskedLM.load("org/name", revision="main").fingerprint() == MaskedLM.load(sound).fingerprint()
        assert sorted(fetched) == sorted([*small, PART]) and revisions == ["main", COMMIT]
    else:
        with pytest.raises(ModelFilesError, match="weights are read from"):
            MaskedLM.load("org/name")
        assert sorted(fetched) == sorted(small)
