"""Latents as a site: read and written in masked and causal models, and used by the whole package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import ARCHITECTURES, CAUSAL, LAYERS, WIDTH
from hypothesis import given
from hypothesis import strategies as st
from test_sae import drawn
from tiny_worlds import few_sentences
from torch import Tensor

import pitfalls as pf
from pitfalls.interventions import LeaceErasure, OtherAttribute, RandomDirection
from pitfalls.models.causal import CausalLM
from pitfalls.models.latents import with_saes
from pitfalls.models.masked import MaskedLM
from pitfalls.models.sae import Origin, Recipe, SparseAutoencoder, TopK, quality, train_sae
from pitfalls.models.sae_files import Gated, JumpRelu
from pitfalls.models.transformer import TransformerLM
from pitfalls.site import Site
from pitfalls.worlds.world import World

SENTENCES = [["the", "cats"], ["a", "dog", "walks", "the", "cat", "home", "again"], ["cat's", "x"]]
LATENTS = 40
# A block hands its states to the next one; albert calls one block again and again.
ALL = {**ARCHITECTURES, **CAUSAL}
NAMES = ("bert", "modernbert", "albert", "deberta v3", "gpt2", "gemma 3")


def made(layer: int, width: int = WIDTH, fingerprint: str = "", **options: Any) -> SparseAutoencoder:
    weights = [drawn(*shape) for shape in ((width, LATENTS), (LATENTS,), (LATENTS, width), (width,))]
    origin = Origin(layer, "tiny", fingerprint)
    return SparseAutoencoder(*weights, options.pop("activation", TopK(6)), origin, **options)


@cache
def plain(name: str) -> TransformerLM:
    kind = CausalLM if name in CAUSAL else MaskedLM
    return kind(ALL[name].make(), ALL[name].tokenizer(), name="tiny")


@cache
def sparse(name: str) -> Any:
    lm = plain(name)
    return with_saes(lm, [made(layer, fingerprint=lm.states_fingerprint()) for layer in range(LAYERS + 1)])


class Hooked:
    """The plain model, one sentence at a time, with a hook on the residual stream at one layer: the oracle."""

    def __init__(self, name: str, layer: int) -> None:
        self.architecture, self.layer, self.model = ALL[name], layer, ALL[name].make()

    @contextmanager
    def hook(self, change: Any) -> Iterator[None]:
        """Let ``change(states [t, d])`` say what the states at the layer are."""
        calls = iter(range(1000))

        def before_a_block(_: Any, args: Any) -> Any:
            return (change(args[0][0])[None], *args[1:]) if next(calls) == self.layer else None

        def after_the_encoder(_: Any, __: Any, out: Any) -> Any:
            out["last_hidden_state"] = change(out["last_hidden_state"][0])[None]
            return out

        if self.layer == LAYERS:
            handles = [self.model.base_model.register_forward_hook(after_the_encoder)]
        else:
            blocks = self.model.base_model.get_submodule(self.architecture.blocks)
            handles = [block.register_forward_pre_hook(before_a_block) for block in blocks]
        yield
        for handle in handles:
            handle.remove()

    def run(self, ids: Tensor, change: Any) -> tuple[Tensor, Tensor]:
        """The states at the layer before the change, and the logits after it, of one unpadded sentence."""
        seen: list[Tensor] = []

        def noted(states: Tensor) -> Tensor:
            seen.append(states.clone())
            return change(states)

        with torch.no_grad(), self.hook(noted):
            logits = self.model(input_ids=ids[None], attention_mask=torch.ones_like(ids[None])).logits[0]
        return seen[0], logits


@pytest.mark.parametrize("layer", range(LAYERS + 1))
@pytest.mark.parametrize("name", NAMES)
def test_latents_are_read_and_written_as_a_hook_on_the_plain_model_does(name: str, layer: int) -> None:
    lm, sae = sparse(name), made(layer).to(torch.device("cpu"), torch.float32)
    oracle, site = Hooked(name, layer), Site("sae", layer)
    batch = lm.encode(SENTENCES)
    latents = lm.hidden(batch, site)
    assert latents.shape == (*batch.input_ids.shape, lm.n_units(site)) and lm.n_units(site) == LATENTS
    # Of words only; some that were 0 are not, and the other way round.
    moved = torch.where((batch.word_ids >= 0)[..., None], latents.roll(1, -1) * 1.5 - 0.2, latents)
    final, unchanged = lm.resume(batch, site, moved), lm.resume(batch, site, latents)
    for row, length in enumerate(batch.attention_mask.sum(1).tolist()):
        ids = batch.input_ids[row, :length]

        def change(states: Tensor, row: int = row, length: int = length) -> Tensor:
            z = sae.encode(states)
            other = torch.where((batch.word_ids[row, :length] >= 0)[:, None], z.roll(1, -1) * 1.5 - 0.2, z)
            return states + sae.decode(other) - sae.decode(z)

        states, expected = oracle.run(ids, change)
        torch.testing.assert_close(latents[row, :length], sae.encode(states), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(lm.head(final[row, :length]), expected, rtol=1e-4, atol=1e-3)
        _, own = oracle.run(ids, lambda states: states)
        torch.testing.assert_close(lm.head(unchanged[row, :length]), own, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(expected, own, rtol=0.01)


@given(st.integers(0, 10**6), st.integers(0, LAYERS), st.sampled_from(NAMES))
def test_latents_that_are_not_changed_change_nothing(seed: int, layer: int, name: str) -> None:
    """Bit by bit: all of them, and those of every sentence but one."""
    lm, site = sparse(name), Site("sae", layer)
    generator = np.random.default_rng(seed)
    sentences = [[SENTENCES[1][i] for i in generator.integers(7, size=generator.integers(1, 9))] for _ in range(3)]
    batch = lm.encode(sentences)
    whole = plain(name).resume(batch, layer, plain(name).hidden(batch, layer))
    latents = lm.hidden(batch, site)
    assert torch.equal(lm.resume(batch, site, latents), whole)
    changed = int(generator.integers(3))
    latents[changed, 0] += 1
    final = lm.resume(batch, site, latents)
    others = [row for row in range(3) if row != changed]
    length = batch.attention_mask.sum(1)
    for row in others:
        assert torch.equal(final[row, : length[row]], whole[row, : length[row]])
    assert not torch.equal(final[changed], whole[changed])


@pytest.mark.parametrize(
    "activation", [JumpRelu(torch.ones(LATENTS)), Gated(torch.ones(LATENTS), torch.zeros(LATENTS))]
)
@pytest.mark.parametrize("centred", [True, False])
def test_other_autoencoders_write_the_difference_too(activation: Any, centred: bool) -> None:
    sae = made(2, activation=activation, centred=centred)
    own = plain("bert")
    lm, batch, site = with_saes(own, [sae]), own.encode(SENTENCES), Site("sae", 2)
    states, latents = own.hidden(batch, 2), lm.hidden(batch, site)
    moved = latents + 1
    single = sae.to(torch.device("cpu"), torch.float32)
    expected = states + single.decode(moved) - single.decode(latents)
    torch.testing.assert_close(lm.resume(batch, site, moved), own.resume(batch, 2, expected), rtol=1e-4, atol=1e-4)
    half = MaskedLM(ALL["bert"].make().bfloat16(), ALL["bert"].tokenizer())
    states, latents = half.hidden(batch, 2), with_saes(half, [sae]).hidden(batch, site)
    assert torch.equal(latents, single.encode(states.float()))  # in single precision


def test_several_kinds_of_sites_come_from_one_pass_and_others_are_the_models_own() -> None:
    lm, own = sparse("bert"), plain("bert")
    batch = lm.encode(SENTENCES)
    sites = [Site("sae", 1), Site("residual", 1), Site("sae", 3), Site("mlp", 2)]
    read = lm.read(batch, sites)
    assert list(read) == sorted(sites)
    for site in sites:
        torch.testing.assert_close(read[site], lm.hidden(batch, site))
    assert torch.equal(read[Site("mlp", 2)], own.hidden(batch, Site("mlp", 2)))
    moved = own.hidden(batch, 2) + 1
    assert torch.equal(lm.resume(batch, 2, moved), own.resume(batch, 2, moved))
    assert (lm.name, lm.n_layers, lm.max_tokens, lm.n_units(3)) == (own.name, LAYERS, own.max_tokens, WIDTH)
    with pytest.raises(AttributeError):
        lm.nothing_of_that_name  # noqa: B018


# ------------------------------------------------------------------------------------------ what is refused


def test_a_batch_changed_in_place_is_another_batch() -> None:
    lm, site = sparse("bert"), Site("sae", 2)
    batch = lm.encode(SENTENCES)
    lm.hidden(batch, site)
    for part, value in ((batch.input_ids, lm.tokenizer.mask_token_id), (batch.attention_mask, 0)):
        part[1, 2] = value
        final = plain("bert").hidden(batch, LAYERS)
        assert torch.equal(lm.resume(batch, site, lm.hidden(batch, site)), final)


def test_autoencoders_of_another_width_layer_or_model_are_refused() -> None:
    own = plain("bert")
    for sae, said in (
        (made(1, width=12), r"layer 1 is for states of 12 neurons, and those of tiny have 16: take one made"),
        (made(5), r"layer 5: tiny has layers 0 to 4; take one made for this model"),
        (
            made(1, fingerprint="f" * 64),
            rf"trained on tiny \(ffffffffffff\), and this is tiny .{own.states_fingerprint()[:12]}.:",
        ),
        (made(4), r"layer 4 reads what the last block gives, and layer 4 of tiny is what its head reads"),
    ):
        with pytest.raises(ValueError, match=said):
            with_saes(own, [sae])
    with pytest.raises(ValueError, match="two autoencoders for layer 1 of tiny"):
        with_saes(with_saes(own, [made(1)]), [made(1)])
    with pytest.raises(ValueError, match="no autoencoder was given"):
        with_saes(own, [])


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_a_model_with_another_word_vector_takes_the_same_autoencoder_and_keeps_it(name: str) -> None:
    own, site = plain(name), Site("sae", 1)
    known = own.states_fingerprint()
    sae = train_sae(own, SENTENCES * 9, 1, Recipe(latents=8, k=2, steps=2))
    assert sae.origin.fingerprint == known
    other = "mean" if own.pooling == "last" else "last"
    pooled = own.pooled(other)
    assert pooled.states_fingerprint() == known and pooled.fingerprint() != own.fingerprint()
    before, after = with_saes(own, [sae]), with_saes(pooled, [sae])
    kept: Any = with_saes(own, [sae])
    kept = kept.pooled(other)
    assert (kept.pooling, kept.fingerprint()) == (other, after.fingerprint())
    assert after.fingerprint() != before.fingerprint()
    batch = own.encode(SENTENCES)
    assert torch.equal(kept.hidden(batch, site), before.hidden(batch, site))
    # An autoencoder is looked at on a model that has some already, too.
    assert quality(sae, before, SENTENCES).equals(quality(sae, own, SENTENCES))
    with pytest.raises(ValueError, match="not 'first'"):
        kept.pooled("first")


def test_a_model_without_the_autoencoder_says_how_to_get_one(planted: World) -> None:
    own = plain("bert")
    batch = own.encode(SENTENCES)
    for lm in (own, planted.model):
        with pytest.raises(ValueError, match=r"no sae 1 in .*: it has no sparse autoencoder; train or read one"):
            lm.n_units(Site("sae", 1))
    with pytest.raises(ValueError, match=r"no sparse autoencoder"):
        planted.experiment("art", "Number", site=Site("sae", 1))
    two = with_saes(with_saes(own, [made(1)]), [made(3)])
    for ask in (two.n_units, lambda site: two.hidden(batch, site), lambda site: two.read(batch, [site])):
        with pytest.raises(ValueError, match=r"no sae 2 in tiny: it has sae 1, sae 3; give another with"):
            ask(Site("sae", 2))
    with pytest.raises(ValueError, match=r"latents of shape \(3, 2, 40\) for a batch of \(3, 17, 40\)"):
        two.resume(batch, Site("sae", 1), two.hidden(batch, Site("sae", 1))[:, :2])


# ------------------------------------------------------------------------------------------ the whole package

FEW = Recipe(latents=48, k=8, steps=40, batch_size=256, learning_rate=4e-3)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    mini = pf.load_world("mini")
    source = few_sentences(tmp_path_factory.mktemp("text"), 120)
    return World("few", mini.model, source, 5, tmp_path_factory.mktemp("vectors"))


@cache
def trained(world_model: Any, words: tuple[tuple[str, ...], ...], layer: int, seed: int) -> SparseAutoencoder:
    return train_sae(world_model, words, layer, Recipe(**{**vars(FEW), "seed": seed}))


def with_latents(world: World, seed: int = 0, layer: int = 2) -> tuple[World, SparseAutoencoder]:
    words = tuple(sentence.forms for sentence in world.sentences("eng", "train"))
    sae = trained(world.model, words, layer, seed)
    return world.with_sae(sae), sae


@pytest.mark.slow
def test_latents_go_through_the_whole_package(world: World) -> None:
    sparse_world, sae = with_latents(world)
    site = Site("sae", 2)
    experiment = sparse_world.experiment("eng", "Number", site=site)
    data = experiment.data
    assert data.n_neurons == sae.n_latents == 48 and data.site == site
    # Most latents of most words are 0, some of all words: rankings must bear it.
    assert (data.train.X == 0).mean() > 0.5
    options = {"random_forest": {"n_estimators": 5}}
    orders = [experiment.rank(name, **options.get(name, {})) for name in pf.RANKINGS]
    assert all(len(order) == 48 for order in orders)
    curves = pf.probe_curves(orders[:3], data, ks=[1, 8, 48], probes=pf.PROBES, tasks=["real", "control"])
    assert np.isfinite(curves["accuracy"]).all()
    most = np.bincount(data.test.y).max() / len(data.test.y)
    assert curves.query("task == 'real' and k == 48")["accuracy"].min() > most
    overlaps = pf.comparison.overlaps(orders[:3], ks=[8])
    assert len(overlaps) == 3
    assert not pf.comparison.selectivity_curves(data, ks=[4], rankings=[("probeless", "ttb")]).empty
    tables = [curves]
    other = next(name for name in sparse_world.pairs(["eng"])["attribute"] if name != "Number")
    for kind in (
        pf.Translation(beta=4),
        pf.ConstantTranslation(alpha=1),
        pf.Ablation(),
        pf.Ablation("mean"),
        RandomDirection(beta=4, seed=1),
        OtherAttribute.of(sparse_world.activations("eng", other, site=site), beta=4),
        LeaceErasure.of(data),
    ):
        run = experiment.intervene(orders[2], kind, ks=[0, 8, 48], sentences=20)
        tables += [run.outcomes, run.counts(), run.rates(draws=20), run.damage()]
        assert (run.outcomes.query("k == 0")["outcome"] == run.outcomes.query("k == 0")["baseline"]).all()
    for table in tables:
        assert table["site"].eq("sae").all() and table["layer"].eq(2).all()
    told = sparse_world.prepare(["eng"], [Site("residual", 2), site])
    assert told["sites"].unique().tolist() == ["layer 2, sae 2"]


def test_what_is_changed_are_the_words_latents(world: World) -> None:
    """Against the plain model, a hook of our own, and the means of the training words."""
    sparse_world, sae = with_latents(world)
    experiment = sparse_world.experiment("eng", "Number", site=Site("sae", 2))
    test, train = experiment.data.test, experiment.data.train
    sentence = int(test.sentence_ids[0])
    here = test.sentence_ids == sentence
    forms = world.sentences("eng", "test")[sentence].forms
    lm = world.model
    ids = lm.tokenizer([list(forms)], is_split_into_words=True, return_tensors="pt")
    means = torch.tensor(np.stack([train.X[train.y == value].mean(0) for value in range(len(train.values))]))
    order = experiment.rank("probeless")
    first = order.order[:8].copy()

    def change(_: Any, args: Any) -> Any:
        states = args[0].clone()
        for position, value in zip(test.positions[here], test.y[here], strict=True):
            for slot, word in enumerate(ids.word_ids(0)):
                if word == position:
                    z = sae.encode(states[0, slot])
                    other = z.clone()
                    aim = (value + 1) % len(means)
                    other[first] += 3 * (means[aim, first] - means[value, first])
                    states[0, slot] += sae.decode(other) - sae.decode(z)
        return (states, *args[1:])

    handle = lm.model.base_model.encoder.layer[2].register_forward_pre_hook(change)
    with torch.no_grad():
        predicted = lm.model(**ids).logits[0].argmax(-1)
    handle.remove()
    run = experiment.intervene(order, pf.ConstantTranslation(alpha=3), ks=[8])
    own = run.outcomes[run.outcomes["sentence"] == sentence].set_index("position")
    for position in test.positions[here].tolist():
        slots = [slot for slot, word in enumerate(ids.word_ids(0)) if word == position]
        pieces = predicted[slots].tolist()
        expected = lm.join(pieces, ids.input_ids[0, slots].tolist(), forms[position])
        assert own.loc[position, "predicted"] == (expected or " ".join(lm.pieces(pieces)))
    assert (run.outcomes["outcome"] != run.outcomes["baseline"]).any()


def test_the_words_vector_is_the_mean_of_its_subwords_latents(world: World) -> None:
    sparse_world, sae = with_latents(world)
    data = sparse_world.activations("eng", "Number", site=Site("sae", 2))
    part = data.test
    for row in (0, len(part.y) // 2, len(part.y) - 1):
        forms = world.sentences("eng", "test")[int(part.sentence_ids[row])].forms
        ids = world.model.tokenizer([list(forms)], is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            states = world.model.model(**ids, output_hidden_states=True).hidden_states[2][0]
        slots = [slot for slot, word in enumerate(ids.word_ids(0)) if word == int(part.positions[row])]
        np.testing.assert_allclose(part.X[row], sae.encode(states[slots]).mean(0).numpy(), rtol=1e-9, atol=1e-9)


def test_vectors_and_outcomes_of_different_autoencoders_are_kept_apart(world: World) -> None:
    site = Site("sae", 2)
    one, other = (with_latents(world, seed)[0] for seed in (0, 1))
    again, _ = with_latents(world, 0)
    assert one.model.fingerprint() == again.model.fingerprint()
    two = world.with_sae(with_latents(world)[1], with_latents(world, layer=1)[1])
    assert two.model.n_units(Site("sae", 1)) == two.model.n_units(site) == 48
    assert len({made.model.fingerprint() for made in (world, one, other)}) == 3
    first, second = (made.activations("eng", "Number", site=site).train.X for made in (one, other))
    assert first.shape == second.shape and not np.array_equal(first, second)
    assert one.disk_need(["eng"], [site]) == 0
    np.testing.assert_array_equal(again.activations("eng", "Number", site=site).train.X, first)
    from pitfalls.study.setting import world_identity

    assert len({world_identity(made, ["eng"]) for made in (world, one, other)}) == 3


def test_the_planted_world_takes_one_too(planted: World) -> None:
    words = [sentence.forms for sentence in planted.sentences("art", "train")]
    sae = train_sae(planted.model, words, 1, Recipe(latents=64, k=8, steps=20, batch_size=128))
    experiment = planted.with_sae(sae).experiment("art", "Number", site=Site("sae", 1))
    run = experiment.intervene(experiment.rank("probeless"), pf.Ablation(), ks=[0, 64], sentences=10)
    assert isinstance(run.outcomes, pd.DataFrame)
    plain_run = planted.experiment("art", "Number", layer=1)
    baseline = plain_run.intervene(plain_run.rank("probeless"), pf.Ablation(), ks=[0], sentences=10)
    columns = ["sentence", "position", "predicted", "outcome"]
    pd.testing.assert_frame_equal(
        run.outcomes.query("k == 0")[columns].reset_index(drop=True), baseline.outcomes[columns].reset_index(drop=True)
    )
