"""Sparse autoencoders: what is encoded and decoded, what training finds, and what files hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from test_threads import threads
from torch import Tensor

from pitfalls.models import sae_files
from pitfalls.models.checkpoint import ModelFilesError
from pitfalls.models.sae import Origin, Recipe, SparseAutoencoder, TopK, quality, train, train_sae
from pitfalls.models.sae_files import read, save

WIDTH, LATENTS = 5, 9


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(np.random.default_rng([seed, *shape]).normal(size=shape)).to(dtype)


def autoencoder(k: int = 3, seed: int = 0, layer: int = 1) -> SparseAutoencoder:
    weights = [drawn(*shape, seed=seed) for shape in ((WIDTH, LATENTS), (LATENTS,), (LATENTS, WIDTH), (WIDTH,))]
    return SparseAutoencoder(*weights, TopK(k), Origin(layer, "made up"))


# ------------------------------------------------------------------------------------------ encoding and decoding


@given(st.lists(st.integers(-3, 5), min_size=1, max_size=12), st.integers(1, 12))
def test_the_k_largest_are_kept_and_a_tie_goes_to_the_lower_index(given: list[int], k: int) -> None:
    k = min(k, len(given))
    kept = TopK(k)(torch.tensor([given, given[::-1]], dtype=torch.float64)).tolist()
    for row, found in zip((given, given[::-1]), kept, strict=True):
        positive = [i for i, value in enumerate(row) if value > 0]
        first = sorted(positive, key=lambda i: (-row[i], i))[:k]
        assert found == [float(value) if i in first else 0.0 for i, value in enumerate(row)]
        assert sum(value > 0 for value in found) == min(k, len(positive))


def test_latents_that_differ_by_rounding_are_a_tie() -> None:
    given = torch.tensor([0.3, 0.1 + 0.2, 0.2], dtype=torch.float64)
    assert given[0] != given[1]
    for order in ([0, 1, 2], [1, 0, 2]):
        assert (TopK(1)(given[order]) > 0).tolist() == [True, False, False]


@given(st.integers(0, 10**6), st.integers(1, LATENTS))
def test_decoding_is_linear_and_latents_are_those_of_one_state_after_the_other(seed: int, k: int) -> None:
    sae = autoencoder(k, seed)
    one, other, factor = drawn(4, LATENTS, seed=seed), drawn(4, LATENTS, seed=seed + 1), 1.7
    whole = sae.decode(one + factor * other) - sae.b_dec
    parts = (sae.decode(one) - sae.b_dec) + factor * (sae.decode(other) - sae.b_dec)
    torch.testing.assert_close(whole, parts)
    states = drawn(6, WIDTH, seed=seed)
    slow = [slow_latents(sae, state.tolist()) for state in states]
    torch.testing.assert_close(sae.encode(states), torch.tensor(slow, dtype=torch.float64))
    torch.testing.assert_close(sae.encode(states.view(2, 3, WIDTH)), sae.encode(states).view(2, 3, LATENTS))


def slow_latents(sae: SparseAutoencoder, state: list[float]) -> list[float]:
    """Number by number."""
    before = [
        sum(state[i] * float(sae.W_enc[i, j]) for i in range(WIDTH)) + float(sae.b_enc[j]) for j in range(LATENTS)
    ]
    first = sorted(range(LATENTS), key=lambda j: -before[j])[: sae.activation.k]  # type: ignore[attr-defined]
    return [max(before[j], 0.0) if j in first else 0.0 for j in range(LATENTS)]


def test_weights_that_do_not_fit_or_are_damaged_are_refused() -> None:
    sae = autoencoder()
    with pytest.raises(
        ValueError, match=r"W_dec of an autoencoder of 5 neurons and 9 latents is \(9, 5\), not \(5, 9\)"
    ):
        replace(sae, W_dec=sae.W_enc)
    with pytest.raises(ValueError, match="b_dec of the autoencoder has numbers that are not finite"):
        replace(sae, b_dec=torch.full((WIDTH,), torch.nan))


def test_a_fingerprint_tells_autoencoders_apart_and_nothing_else() -> None:
    sae = autoencoder()
    others = [
        autoencoder(k=4),
        autoencoder(seed=1),
        autoencoder(layer=2),
        replace(sae, centred=True),
        replace(sae, activation=sae_files.Relu()),
        replace(sae, activation=sae_files.JumpRelu(torch.zeros(LATENTS))),
        replace(sae, activation=sae_files.JumpRelu(torch.ones(LATENTS))),
        sae.to(torch.device("cpu"), torch.float32),
    ]
    assert len({one.fingerprint() for one in (sae, *others)}) == len(others) + 1
    named = replace(sae, origin=Origin(1, "another name", "another fingerprint"))
    assert named.fingerprint() == sae.fingerprint() == autoencoder().fingerprint()


# ------------------------------------------------------------------------------------------ training


def sums_of_few(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """States that are sums of two of twelve directions, far from 0, and the directions [12, 16]."""
    generator = np.random.default_rng(seed)
    directions = np.linalg.qr(generator.normal(size=(16, 16)))[0][:12]
    weights = np.zeros((n, 12))
    for row in weights:
        row[generator.choice(12, 2, replace=False)] = generator.uniform(1, 2, size=2)
    return torch.tensor(7 * (weights @ directions) + 30), torch.tensor(directions)


RECIPE = Recipe(latents=24, k=2, steps=600, batch_size=128, learning_rate=5e-3)


def test_training_finds_the_directions_that_states_are_sums_of() -> None:
    states, directions = sums_of_few(3000, seed=0)
    sae = train(states, RECIPE, Origin(1))
    found = (directions @ sae.W_dec.T).amax(1)
    assert found.min() > 0.97, found
    unseen = sums_of_few(500, seed=0)[0][-400:]
    missed = (unseen - sae.decode(sae.encode(unseen))).square().sum() / (unseen - unseen.mean(0)).square().sum()
    assert missed < 0.05
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(24, dtype=torch.float64))
    # What is added after decoding is subtracted before encoding.
    torch.testing.assert_close(sae.b_enc, -(sae.b_dec @ sae.W_enc))
    assert (sae.encode(unseen) > 0).sum(1).max() <= 2


def test_a_seed_gives_the_same_autoencoder_on_one_thread_and_two() -> None:
    states, _ = sums_of_few(3000, seed=1)
    few = replace(RECIPE, steps=60, batch_size=2048)
    before = torch.get_rng_state()
    made = []
    for n in (1, 2, 2):
        with threads(n):
            made.append(train(states, few, Origin(1)))
    one, two, again = made
    assert again.fingerprint() == two.fingerprint()
    torch.testing.assert_close(one.W_dec, two.W_dec, rtol=1e-9, atol=1e-9)
    assert torch.equal(one.encode(states) > 0, two.encode(states) > 0)
    assert train(states, replace(few, seed=1), Origin(1)).fingerprint() != one.fingerprint()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"k": 25}, "k = 25 of 24 latents cannot be kept"),
        ({"k": 0}, "k must be a whole number, 1 or more, not 0"),
        ({"latents": 2.5}, "latents must be a whole number"),
        ({"seed": -1}, "a seed must be a whole number"),
    ],
)
def test_recipes_that_cannot_be_followed_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(RECIPE, **options)


def test_states_that_say_nothing_are_refused(mini: Any) -> None:
    with pytest.raises(ValueError, match="20 states for 24 latents: give more sentences, or take fewer latents"):
        train(drawn(20, WIDTH), RECIPE, Origin(1))
    with pytest.raises(ValueError, match="all 30 states are the same"):
        train(torch.ones(30, WIDTH), RECIPE, Origin(1))
    with pytest.raises(ValueError, match="no word in 1 sentences"):
        train_sae(mini.model, [[]], 1)
    with pytest.raises(ValueError, match=r"no layer 9 in .*: it has layers 0"):
        train_sae(mini.model, [["casa"]], 9)


def test_quality_on_held_out_words_is_that_of_a_plain_loop(mini: Any) -> None:
    words = [list(sentence.forms) for sentence in mini.sentences("spa", "dev")[:150]]
    sae = train_sae(mini.model, words, 2, Recipe(latents=64, k=8, steps=50))
    assert sae.origin == Origin(2, mini.model.name, mini.model.states_fingerprint())
    held_out = [list(sentence.forms) for sentence in mini.sentences("spa", "test")[:40]]
    given = []
    for sentence in held_out:
        ids = mini.model.tokenizer([sentence], is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            given.append(mini.model.model(**ids, output_hidden_states=True).hidden_states[2][0, 1:-1])
    states = torch.cat(given)
    assert 7 < (sae.encode(states) > 0).sum(1).double().mean() <= 8
    for centred, own in ((False, states), (True, states - states.mean(1, keepdim=True))):
        latents = sae.encode(own)
        left, whole = own - sae.decode(latents), own - own.mean(0)
        expected = {
            "site": "sae",
            "layer": 2,
            "latents": 64,
            "states": len(own),
            "variance_explained": 1 - float(left.square().sum() / whole.square().sum()),
            "l0": float((latents > 0).sum(1).double().mean()),
            "dead": int((latents.max(0).values == 0).sum()),
        }
        table = quality(replace(sae, centred=centred), mini.model, held_out)
        pd.testing.assert_frame_equal(table, pd.DataFrame([expected]))
        assert centred or table["variance_explained"][0] > 0.3


# ------------------------------------------------------------------------------------------ files


def test_what_was_saved_is_read_whole(tmp_path: Path) -> None:
    states = drawn(20, WIDTH)
    plain = replace(autoencoder(), origin=Origin(4, "mini", "abc"), centred=True)
    for activation in (
        TopK(2),
        sae_files.Relu(),
        sae_files.JumpRelu(drawn(LATENTS).abs()),
        sae_files.Gated(drawn(LATENTS).exp(), drawn(LATENTS, seed=3)),
    ):
        sae = replace(plain, activation=activation)
        save(sae, tmp_path / "one")
        again = read(tmp_path / "one")
        assert (again.origin, again.centred) == (sae.origin, True)
        torch.testing.assert_close(again.encode(states), sae.encode(states))
        if not isinstance(activation, sae_files.Gated):
            assert again.fingerprint() == sae.fingerprint()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["cfg.json", "sae_weights.safetensors"]


def test_weights_beside_the_settings_of_another_are_refused(tmp_path: Path) -> None:
    for seed in (0, 1):
        save(autoencoder(seed=seed), tmp_path / str(seed))
    (tmp_path / "0" / "cfg.json").write_bytes((tmp_path / "1" / "cfg.json").read_bytes())
    with pytest.raises(ModelFilesError, match=r"is not the file that was written with its cfg.json: save both again"):
        read(tmp_path / "0")


# What sae-lens 6 writes; before, the metadata stood among the settings.
SETTINGS = {
    "d_in": WIDTH,
    "d_sae": LATENTS,
    "dtype": "float32",
    "device": "cuda",
    "apply_b_dec_to_input": True,
    "normalize_activations": "none",
    "reshape_activations": "none",
}
METADATA = {"model_name": "gpt2-small", "hook_name": "blocks.3.hook_resid_pre", "hook_head_index": None}


def written(folder: Path, architecture: str | None, change: dict[str, Any] | None = None, **more: Tensor) -> Path:
    """Small files as sae-lens has them; ``change`` replaces settings, and None as an architecture is an older file."""
    tensors = {
        "W_enc": drawn(WIDTH, LATENTS, dtype=torch.float32),
        "W_dec": drawn(LATENTS, WIDTH, dtype=torch.float32),
        "b_dec": drawn(WIDTH, dtype=torch.float32),
        **more,
    }
    settings: dict[str, Any] = {**SETTINGS, "architecture": architecture, "metadata": METADATA}
    if architecture is None:
        settings = {**SETTINGS, **METADATA}
    settings |= change or {}
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps({key: value for key, value in settings.items() if value != "left out"}))
    return folder


def vectors(*names: str) -> dict[str, Tensor]:
    return {name: drawn(LATENTS, seed=i + 1, dtype=torch.float32) for i, name in enumerate(names)}


def as_sae_lens(folder: Path, architecture: str, states: Tensor, **settings: Any) -> Tensor:
    """The latents by the definitions, one number after the other."""
    weights = load_file(folder / "sae_weights.safetensors")
    subtracted = weights["b_dec"] if settings.get("apply_b_dec_to_input", True) else torch.zeros(WIDTH)
    rows = []
    for state in states:
        row = []
        for j in range(LATENTS):
            drive = sum(float(state[i] - subtracted[i]) * float(weights["W_enc"][i, j]) for i in range(WIDTH))
            if architecture == "gated":
                gate = drive + float(weights["b_gate"][j])
                magnitude = drive * float(weights["r_mag"][j].exp()) + float(weights["b_mag"][j])
                row.append(max(magnitude, 0.0) if gate > 0 else 0.0)
                continue
            drive += float(weights["b_enc"][j])
            if settings.get("rescale_acts_by_decoder_norm"):
                drive *= float(weights["W_dec"][j].norm())
            if architecture == "jumprelu" and drive <= float(weights["threshold"][j]):
                drive = 0.0
            row.append(max(drive, 0.0))
        if architecture == "topk":
            first = sorted(range(LATENTS), key=lambda j, row=row: -row[j])[: settings["k"]]
            row = [value if j in first else 0.0 for j, value in enumerate(row)]
        rows.append(row)
    return torch.tensor(rows)


@pytest.mark.parametrize("before_encoding", [True, False])
@pytest.mark.parametrize(
    ("architecture", "names", "settings"),
    [
        ("standard", ["b_enc"], {}),
        ("topk", ["b_enc"], {"k": 3}),
        ("topk", ["b_enc"], {"k": 3, "rescale_acts_by_decoder_norm": True}),
        ("jumprelu", ["b_enc", "threshold"], {}),
        ("gated", ["b_gate", "b_mag", "r_mag"], {}),
    ],
)
def test_what_sae_lens_writes_is_read(
    architecture: str, names: list[str], settings: dict[str, Any], before_encoding: bool, tmp_path: Path
) -> None:
    settings = {**settings, "apply_b_dec_to_input": before_encoding}
    sae = read(written(tmp_path, architecture, settings, **vectors(*names)))
    states = drawn(40, WIDTH, dtype=torch.float32)
    latents = sae.encode(states)
    expected = as_sae_lens(tmp_path, architecture, states, **settings)
    torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(latents > 0, expected > 0) and 0 < (latents > 0).double().mean() < 1
    weights = load_file(tmp_path / "sae_weights.safetensors")
    directions = weights["W_dec"]
    if settings.get("rescale_acts_by_decoder_norm"):
        directions = directions / directions.norm(dim=1, keepdim=True)
    torch.testing.assert_close(sae.decode(latents), expected @ directions + weights["b_dec"], rtol=1e-4, atol=1e-4)
    assert sae.origin == Origin(3, "gpt2-small")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("StandardSAE", {}),
        ("TopKSAE", {"k": 3}),
        ("TopKSAE", {"k": 3, "rescale_acts_by_decoder_norm": True}),
        ("JumpReLUSAE", {}),
        ("GatedSAE", {}),
    ],
)
@pytest.mark.parametrize("before_encoding", [True, False])
def test_what_sae_lens_itself_writes_is_what_it_computes(
    name: str, settings: dict[str, Any], before_encoding: bool, tmp_path: Path
) -> None:
    """With the package itself, which this project does not install."""
    sae_lens = pytest.importorskip("sae_lens")
    own = {"d_in": WIDTH, "d_sae": LATENTS, "dtype": "float64", "apply_b_dec_to_input": before_encoding, **settings}
    told = sae_lens.saes.sae.SAEMetadata(model_name="gpt2-small", hook_name="blocks.3.hook_resid_pre")
    theirs = getattr(sae_lens, name)(getattr(sae_lens, f"{name}Config")(**own, metadata=told))
    with torch.no_grad():
        for seed, (_, weight) in enumerate(sorted(theirs.named_parameters())):
            weight.copy_(drawn(*weight.shape, seed=seed))
    theirs.save_model(tmp_path)
    ours, states = read(tmp_path), drawn(40, WIDTH)
    with torch.no_grad():
        latents = theirs.encode(states)
        torch.testing.assert_close(ours.encode(states), latents, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(ours.decode(ours.encode(states)), theirs.decode(latents), rtol=1e-6, atol=1e-6)
    assert 0 < (latents > 0).double().mean() < 1
    assert ours.origin == Origin(3, "gpt2-small")
    if name == "GatedSAE" or settings.get("rescale_acts_by_decoder_norm"):
        return
    # And sae-lens reads what is written here.
    save(ours, tmp_path / "ours")
    with torch.no_grad():
        again = sae_lens.SAE.load_from_disk(tmp_path / "ours", dtype="float64")
        torch.testing.assert_close(again.encode(states), latents, rtol=1e-6, atol=1e-6)


def test_older_files_are_read_too(tmp_path: Path) -> None:
    biases = vectors("b_enc")
    plain = read(written(tmp_path, "standard", **biases))
    for change in (
        {},
        {"activation_fn_str": "relu"},
        {"normalize_activations": False},
        {"apply_b_dec_to_input": "left out"},
    ):
        assert read(written(tmp_path, None, change, **biases)).fingerprint() == plain.fingerprint()
    by_function = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 2}}
    assert read(written(tmp_path, "standard", by_function, **biases)).activation == TopK(2)
    ones = {"scaling_factor": torch.ones(LATENTS)}
    assert read(written(tmp_path, None, **biases, **ones)).fingerprint() == plain.fingerprint()
    post = {"hook_name": "blocks.3.hook_resid_post"}
    assert read(written(tmp_path, None, post, **biases)).origin.layer == 4
    oldest = {"hook_name": "left out", "hook_point": "blocks.3.hook_resid_pre"}
    with pytest.raises(ValueError, match="does not say whether the model's weights were centred"):
        read(written(tmp_path, None, oldest, **biases))
    oldest["model_from_pretrained_kwargs"] = {"center_writing_weights": True}
    centred = read(written(tmp_path, None, oldest, **biases))
    states = drawn(10, WIDTH, dtype=torch.float32)
    torch.testing.assert_close(centred.encode(states), plain.encode(states - states.mean(1, keepdim=True)))
    halved = read(written(tmp_path, "standard", W_dec=drawn(LATENTS, WIDTH, dtype=torch.float16), **biases))
    assert halved.W_dec.dtype == torch.float32
    logarithm = {**biases, "log_threshold": torch.zeros(LATENTS)}
    assert torch.equal(
        read(written(tmp_path, "jumprelu", **logarithm)).activation.threshold,  # type: ignore[attr-defined]
        torch.ones(LATENTS),
    )


@pytest.mark.parametrize(
    ("architecture", "change", "said"),
    [
        ("matching_pursuit", {}, "architecture 'matching_pursuit' are not read, only standard, topk, jumprelu, gated"),
        ("standard", {"activation_fn": "tanh-relu"}, "activation function 'tanh-relu' .* is not read"),
        ("jumprelu", {"activation_fn": "topk"}, "activation function 'topk' .* is not read"),
        ("standard", {"normalize_activations": "layer_norm"}, "normalize_activations = 'layer_norm' is not read"),
        ("standard", {"normalize_activations": "expected_average_only_in"}, "'expected_average_only_in' is not read"),
        ("standard", {"reshape_activations": "hook_z"}, "reshape_activations = 'hook_z' is not read"),
        ("standard", {"d_out": 7}, "d_out = 7 is not read"),
        ("standard", {"hook_name_out": "blocks.3.hook_mlp_out"}, "hook_name_out = .* is not read"),
        ("standard", {"metadata": {**METADATA, "hook_head_index": 2}}, "hook_head_index = 2 is not read"),
        ("standard", {"finetuning_scaling_factor": True}, "finetuning_scaling_factor = True is not read"),
        ("standard", {"normalize_decoder": True}, "normalize_decoder = True is not read"),
        ("standard", {"metadata": {**METADATA, "hook_name": "blocks.3.attn.hook_z"}}, "at 'blocks.3.attn.hook_z' is"),
        ("standard", {"metadata": {**METADATA, "hook_name": None}}, "an autoencoder at None is not read"),
        ("topk", {}, "k of a topk autoencoder must be a whole number, 1 or more, not None"),
        ("topk", {"k": 10}, "keeps 10 of 9 latents"),
        ("gated", {}, "a gated autoencoder has the weights W_enc, W_dec, b_dec, b_gate, b_mag, r_mag, and .* has"),
        ("standard", {"d_in": 6}, r"W_enc is \(5, 9\), and cfg.json says \(6, 9\): they come from different autoenc"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    architecture: str, change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, ModelFilesError), match=said):
        read(written(tmp_path, architecture, change, **vectors("b_enc")))


def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"no .*cfg.json: name the folder that has cfg.json and sae_weights"):
        read(tmp_path / "nowhere")
    written(tmp_path, "standard", **vectors("b_enc"), scaling_factor=torch.full((LATENTS,), 2.0))
    with pytest.raises(ValueError, match="a scaling_factor other than 1 is not read"):
        read(tmp_path)
    nan = torch.full((LATENTS,), torch.nan)
    with pytest.raises(ModelFilesError, match="b_enc of the autoencoder has numbers that are not finite"):
        read(written(tmp_path, "standard", b_enc=nan))
    weights = tmp_path / "sae_weights.safetensors"
    weights.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelFilesError, match=r"sae_weights.safetensors cannot be read as safetensors"):
        read(tmp_path)
    weights.unlink()
    with pytest.raises(ModelFilesError, match=r"no .*sae_weights.safetensors"):
        read(tmp_path)
    for text in ("{", "[]", '{"metadata": 3}', "[" * 100_000):
        (tmp_path / "cfg.json").write_text(text)
        with pytest.raises(ModelFilesError, match=r"cfg.json (cannot be read as JSON|does not hold the settings)"):
            read(tmp_path)
