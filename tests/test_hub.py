"""Models by name: from a hub on this machine, as another process downloads them, and from the cache that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import transformers as hf
from loopback_hub import FIRST, SECOND, TOKEN, Hub, Model
from test_masked_lm import bert_config, bert_tokenizer, save
from tiny_worlds import conllu

from pitfalls.models.masked import MaskedLM
from pitfalls.models.real import MODELS

# Each process imports all of transformers.
pytestmark = pytest.mark.slow

WEIGHTS = "model.safetensors"
NEEDED = sorted(["config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS])
# huggingface_hub writes ten megabytes at a time, and what is written is what it can go on from.
WRITTEN, POSITIONS = 10 * 2**20, 200_000
# Beside the model, and nothing that is read; the last leaves the folder of the model.
OTHERS = ["pytorch_model.bin", "modeling_tiny.py", "training_args.bin", "tf_model.h5", "flax.msgpack", "README.md"]
OTHERS += ["onnx/spiece.model", "../../../outside.model"]

# Loads models, then runs commands.
SCRIPT = """
import json, sys
from pitfalls.cli import main
from pitfalls.models.masked import MaskedLM
models, commands = json.loads(sys.argv[1])
found = []
for name, revision in models:
    try:
        found.append([name, MaskedLM.load(name, revision=revision).fingerprint()])
    except Exception as error:
        found.append([type(error).__name__, str(error)])
codes = []
for given in commands:
    codes.append(main(given))
    print("end of a command", file=sys.stderr)
print()
print(json.dumps([found, codes]))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model at two commits, which differ in their weights."""
    found = {}
    for commit, scale in ((FIRST, 1.0), (SECOND, 2.0)):
        model = hf.BertForMaskedLM(bert_config(max_position_embeddings=POSITIONS, initializer_range=0.1 * scale))
        found[commit] = save(model, bert_tokenizer(), tmp_path_factory.mktemp("commits") / commit)
    return found


@pytest.fixture
def hub(folders: dict[str, Path]) -> Iterator[Hub]:
    commits = {
        commit: {path.name: path.read_bytes() for path in folder.iterdir()} | dict.fromkeys(OTHERS, b"no")
        for commit, folder in folders.items()
    }
    tiny = Model(commits, {"main": SECOND, "v1": FIRST})
    pickled = Model({FIRST: {"config.json": commits[FIRST]["config.json"], "pytorch_model.bin": b"no"}}, tiny.refs)
    with Hub({"org/tiny": tiny, "org/gated": Model(commits, tiny.refs, gated=True), "org/pickled": pickled}) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def run(
    hub: Hub, home: Path, models: Sequence[Any], commands: Sequence[list[str]] = (), **variables: str
) -> tuple[list[list[str]], list[int], str]:
    """What a process of its own gets: each model's name and fingerprint, or its error; exit codes; and what it says."""
    ours = ("HF_", "HUGGING", "TRANSFORMERS_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours) and "proxy" not in key.lower()}
    kept |= {"HF_HOME": str(home), "HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    kept |= {"PITFALLS_CACHE": str(home / "vectors"), **variables}
    given = [sys.executable, "-c", SCRIPT, json.dumps([models, commands])]
    done = subprocess.run(given, capture_output=True, text=True, env=kept)
    assert done.returncode == 0, done.stderr
    return *json.loads(done.stdout.splitlines()[-1]), done.stderr


def load(hub: Hub, home: Path, *models: tuple[str, str | None], **variables: str) -> list[list[str]]:
    """Each model's name and fingerprint, or its error, from a process of its own."""
    return run(hub, home, models, **variables)[0]


def fingerprint(folders: dict[str, Path], commit: str) -> str:
    return MaskedLM.load(folders[commit]).fingerprint()


# ------------------------------------------------------------------------------------------ what is loaded


def test_a_model_is_loaded_by_name_and_pinned_revision_and_then_without_the_hub(
    hub: Hub, home: Path, folders: dict[str, Path]
) -> None:
    first, second = (["org/tiny", fingerprint(folders, commit)] for commit in (FIRST, SECOND))
    assert first != second
    wanted = [("org/tiny", None), ("org/tiny", "v1"), ("org/tiny", FIRST)]
    assert load(hub, home, *wanted) == [second, first, first]
    # Files that both commits have come once.
    assert set(hub.downloads()) == set(NEEDED) and len(hub.downloads()) < 2 * len(NEEDED)
    assert not hub.authorised()
    assert not [*home.parent.rglob("*.model"), *home.rglob("*.py"), *home.rglob("*.bin")]

    made = len(hub.requests)
    lacking = [("org/other", None), ("org/tiny", "v9")]
    offline = load(hub, home, *wanted, *lacking, HF_HUB_OFFLINE="1")
    assert len(hub.requests) == made
    hub.stop()
    stopped = load(hub, home, *wanted, *lacking)
    for (*loaded, other, revision), said in (
        (offline, "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, and"),
        (stopped, f"the Hub ({hub.address}) does not answer ("),
    ):
        assert loaded == [second, first, first]
        for (kind, message), name, what in ((other, "org/other", "it"), (revision, "org/tiny", "its revision 'v9'")):
            assert kind == "ModelFilesError" and message.startswith(f"cannot load {name!r}: {said}")
            assert f"and the cache ({home}/hub) does not hold all of {what}: " in message
            assert message.endswith("or give a folder") and "\n" not in message


# ------------------------------------------------------------------------------------------ what is not


MISTAKES: list[tuple[str, str | None, str]] = [
    ("org/tniy", None, r"there is no such folder here, and no such model at HUB/org/tniy: check the spelling"),
    ("tiny", None, r"there is no such folder here, and no such model at HUB/tiny: check the spelling"),
    (
        "./tiny",
        None,
        "it is neither a folder (with config.json, model.safetensors and tokenizer.json) nor a name on the Hub",
    ),
    ("org/tiny", "v9", r"it has no revision 'v9': give a branch, a tag or a commit from HUB/org/tiny/commits/"),
    ("org/tiny", "9" * 40, r"it has no revision '9999999999999999999999999999999999999999': give a branch, a tag"),
    ("org/gated", None, "it is gated: agree to its authors' terms at HUB/org/gated, and log in with `hf auth login`"),
    ("org/pickled", "v1", "there is neither model.safetensors nor model.safetensors.index.json for "),
]


def test_each_mistake_is_named_in_one_sentence_and_commands_say_it_without_a_traceback(
    hub: Hub, home: Path, tmp_path: Path
) -> None:
    given = ["--attribute", "Number", "--layer", "1", "--output", str(tmp_path), "--treebank"]
    for split in ("dev", "test"):
        given.append(str(tmp_path / f"en_toy-{split}.conllu"))
        Path(given[-1]).write_text(conllu(8), encoding="utf-8")
    pinned = [["--model", name, *(["--revision", revision] if revision else [])] for name, revision, _ in MISTAKES]
    models = [(name, revision) for name, revision, _ in MISTAKES]
    found, codes, told = run(hub, home, models, [["probe", *model, *given] for model in pinned])
    assert codes == [2] * len(MISTAKES) and "Traceback" not in told
    *parts, _ = told.split("end of a command")
    for (name, _, said), (kind, message), part in zip(MISTAKES, found, parts, strict=True):
        expected = f"cannot load {name!r}: {said}".replace("HUB", hub.address)
        assert kind == "ModelFilesError" and message.startswith(expected)
        assert "\n" not in message and len(message) < 500
        assert part.rstrip().splitlines()[-1] == f"pitfalls probe: {message}"
    assert not hub.authorised()
    # Of the pickled model only.
    assert set(hub.downloads()) == {"config.json"}


# ------------------------------------------------------------------------------------------ a cut download


def test_a_connection_that_closes_is_taken_up_where_it_was(hub: Hub, home: Path, folders: dict[str, Path]) -> None:
    hub.cuts += [(WRITTEN + 2**20, "close")]
    assert load(hub, home, ("org/tiny", None)) == [["org/tiny", fingerprint(folders, SECOND)]]
    assert hub.ranges() == [f"bytes={WRITTEN}-"] and not hub.cuts


def test_a_download_that_fails_is_said_and_the_next_one_takes_what_is_missing(
    hub: Hub, home: Path, folders: dict[str, Path]
) -> None:
    hub.cuts += [(WRITTEN + 2**20, "reset")]
    (failed,) = load(hub, home, ("org/tiny", "v1"))
    assert failed[0] == "ModelFilesError"
    assert failed[1].startswith("cannot load 'org/tiny': its download stopped (") and "load it again" in failed[1]
    assert hub.downloads() == NEEDED and not hub.cuts

    (offline,) = load(hub, home, ("org/tiny", "v1"), HF_HUB_OFFLINE="1")
    assert offline[0] == "ModelFilesError" and "does not hold all of its revision 'v1'" in offline[1]

    made = len(hub.requests)
    assert load(hub, home, ("org/tiny", "v1")) == [["org/tiny", fingerprint(folders, FIRST)]]
    # huggingface_hub keeps no half of a file from one process to the next: the weights come whole.
    hub.requests = hub.requests[made:]
    assert hub.downloads() == [WEIGHTS] and not hub.ranges()
    assert not list(home.rglob("*.incomplete"))


# ------------------------------------------------------------------------------------------ tokens


def test_the_login_of_a_user_is_shown_to_the_hub_and_to_nobody_else(
    hub: Hub, home: Path, folders: dict[str, Path]
) -> None:
    wanted = [("org/gated", None), ("org/tniy", None)]
    gated, missing = load(hub, home, *wanted, HF_TOKEN=TOKEN)
    assert gated == ["org/gated", fingerprint(folders, SECOND)]
    assert "no such model" in missing[1] and TOKEN not in missing[1]
    assert hub.authorised() == {"hub"} and {request.place for request in hub.requests} == {"hub", "store"}
    (stale,) = load(hub, home / "other", ("org/tiny", None), HF_TOKEN="hf_stale")
    assert stale[0] == "ModelFilesError" and "hf_stale" not in stale[1]
    assert stale[1].startswith("cannot load 'org/tiny': the Hub does not accept your token, which a public model does")
    # Offline, nobody is asked.
    assert load(hub, home, ("org/gated", None), HF_HUB_OFFLINE="1") == [gated]


# ------------------------------------------------------------------------------------------ other caches


def test_weights_that_models_share_in_the_cache_are_read(hub: Hub, home: Path, folders: dict[str, Path]) -> None:
    """As huggingface_hub keeps what it downloads by Xet: a link to a link."""
    shared = pytest.importorskip("huggingface_hub.utils._shared_blobs", reason="this huggingface_hub shares no files")
    own = [["org/tiny", fingerprint(folders, FIRST)]]
    assert load(hub, home, ("org/tiny", FIRST)) == own
    (weights,) = (home / "hub").glob(f"models--*/snapshots/*/{WEIGHTS}")
    blob = os.path.normpath(weights.parent / os.readlink(weights))
    size = os.path.getsize(blob)
    assert shared.publish_blob_to_shared_store(
        blob_path=blob, xet_hash="ab" * 32, cache_dir=home / "hub", expected_size=size
    )
    assert os.path.islink(weights) and os.path.islink(blob)
    assert load(hub, home, ("org/tiny", FIRST), HF_HUB_OFFLINE="1") == own


def test_a_full_disk_is_named(hub: Hub, small_disk: Path) -> None:
    ((kind, message),) = load(hub, small_disk, ("org/tiny", None))
    assert kind == "ModelFilesError" and "No space left on device" in message
    assert f"it cannot be kept in {small_disk}/hub" in message and message.endswith("or set HF_HOME to a folder")


def test_a_command_runs_on_a_model_by_name_and_revision(hub: Hub, home: Path, tmp_path: Path) -> None:
    banks = [tmp_path / f"en_toy-{split}.conllu" for split in ("train", "dev", "test")]
    for offset, bank in enumerate(banks):
        bank.write_text(conllu(30, offset), encoding="utf-8")
    given = ["probe", "--model", "org/tiny", "--revision", FIRST, "--treebank", *map(str, banks)]
    given += ["--attribute", "Number", "--layer", "1", "--min-forms", "1", "--max-k", "2", "--output", str(tmp_path)]
    _, codes, told = run(hub, home, [], [given])
    assert codes == [0], told
    assert (tmp_path / "results" / "probe_eng_number_layer1.csv").is_file()
    asked = [request.path for request in hub.requests if "org/tiny" in request.path]
    assert asked and all(FIRST in path for path in asked)


def test_the_real_world_takes_its_models_by_name_at_their_commit(hub: Hub, home: Path, tmp_path: Path) -> None:
    minilm, smollm2 = MODELS["minilm"], MODELS["smollm2"]
    at_first = hub.models["org/tiny"].commits[FIRST]
    # Its branch has gone on to something that is not a model.
    hub.models[minilm.hub] = Model({minilm.revision: at_first, SECOND: {"README.md": b"moved"}}, {"main": SECOND})
    for offset, split in enumerate(("train", "dev", "test")):
        (tmp_path / f"en_ewt-ud-{split}.conllu").write_text(conllu(30, offset), encoding="utf-8")
    given = ["configs", "--world", "real", "--treebanks", str(tmp_path), "--model"]
    asked = [minilm.hub, f"{minilm.hub}-untrained", smollm2.hub]
    _, codes, told = run(hub, home, [], [[*given, model] for model in asked])
    assert codes == [0, 0, 2], told
    said = f"pitfalls configs: cannot load {smollm2.hub!r}: there is no such folder here, and no such model at "
    assert told.split("end of a command")[2].strip().startswith(said)
    assert not (home / "vectors" / "models").exists()  # where the wheels' folders are
    paths = [request.path for request in hub.requests if minilm.hub in request.path]
    assert paths and all(minilm.revision in path for path in paths)
