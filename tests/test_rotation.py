"""Rotated sites: what depends on all units stays, and what is said about single units may not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import LAYERS, WIDTH
from hypothesis import given
from hypothesis import strategies as st
from test_latents import LATENTS, NAMES, SENTENCES, Hooked, made, plain
from tiny_worlds import few_sentences
from torch import Tensor

import pitfalls as pf
from pitfalls.interventions import Interchange, LeaceErasure
from pitfalls.models.latents import with_saes
from pitfalls.models.rotation import random_rotation, with_rotation
from pitfalls.probes.curves import probe_curve
from pitfalls.site import Site
from pitfalls.worlds.world import World


@given(st.integers(1, 40), st.integers(0, 10**6))
def test_a_rotation_is_orthogonal_and_belongs_to_its_seed(n, seed):
    Q = random_rotation(n, seed)
    np.testing.assert_allclose(Q @ Q.T, np.eye(n), atol=1e-12)
    np.testing.assert_array_equal(Q, random_rotation(n, seed))
    assert n == 1 or not np.allclose(Q, random_rotation(n, seed + 1))


def test_rotations_are_drawn_evenly():
    """Each entry has mean 0 and variance 1 / n; without the sign rule, the diagonal would be negative."""
    Q = np.stack([random_rotation(3, seed) for seed in range(900)])
    assert np.abs(Q.mean(0)).max() < 4.5 * (1 / 3 / 900) ** 0.5
    np.testing.assert_allclose((Q**2).mean(0), 1 / 3, atol=0.05)


@pytest.mark.parametrize("layer", [0, 2, LAYERS])
@pytest.mark.parametrize("name", NAMES)
def test_units_are_read_and_written_as_a_hook_on_the_plain_model_does(name: str, layer: int) -> None:
    own, site = plain(name), Site("rotated", layer)
    lm, oracle = with_rotation(own, seed=3), Hooked(name, layer)
    Q = torch.from_numpy(random_rotation(WIDTH, 3)).float()
    batch = lm.encode(SENTENCES)
    units = lm.hidden(batch, site)
    torch.testing.assert_close(units, own.hidden(batch, layer) @ Q)
    assert torch.equal(lm.resume(batch, site, units), own.resume(batch, layer, own.hidden(batch, layer)))
    moved = units.clone()
    moved[..., :4] = 1.5
    final = lm.resume(batch, site, moved)
    for row, length in enumerate(batch.attention_mask.sum(1).tolist()):

        def change(states: Tensor) -> Tensor:
            rotated = states @ Q
            rotated[:, :4] = 1.5
            return rotated @ Q.T

        _, expected = oracle.run(batch.input_ids[row, :length], change)
        torch.testing.assert_close(lm.head(final[row, :length]), expected, rtol=1e-3, atol=1e-3)


def test_autoencoders_and_a_basis_find_each_other_whichever_comes_first() -> None:
    own = plain("bert")
    first, last = with_rotation(with_saes(own, [made(1)]), 1), with_saes(with_rotation(own, np.int64(1)), [made(1)])
    assert first.fingerprint() == last.fingerprint()
    assert with_rotation(last, 2).fingerprint() == with_rotation(with_saes(own, [made(1)]), 2).fingerprint()
    both = with_saes(first, [made(2)])
    assert [both.n_units(Site(*at)) for at in (("sae", 1), ("sae", 2), ("rotated", 1))] == [LATENTS, LATENTS, WIDTH]
    with pytest.raises(ValueError, match="two autoencoders for layer 1"):
        with_saes(first, [made(1)])


def test_the_truth_is_not_about_other_units(planted: World) -> None:
    with pytest.raises(ValueError, match=r"own neurons, .* as it was before rotated\(\) or with_sae\(\)"):
        pf.truth(planted.rotated())


def test_gradients_flow_through_the_basis() -> None:
    lm, site = with_rotation(plain("bert"), 1), Site("rotated", 2)
    batch = lm.encode(SENTENCES)
    units = lm.hidden(batch, site).requires_grad_()
    (gradient,) = torch.autograd.grad(lm.resume(batch, site, units).square().sum(), units)
    states = plain("bert").hidden(batch, 2).requires_grad_()
    (own,) = torch.autograd.grad(plain("bert").resume(batch, 2, states).square().sum(), states)
    Q = torch.from_numpy(random_rotation(WIDTH, 1)).float()
    torch.testing.assert_close(gradient, own @ Q, rtol=1e-3, atol=1e-4)


def test_bases_are_kept_apart_and_other_sites_are_the_models_own() -> None:
    own = plain("bert")
    one, other = with_rotation(own, 1), with_rotation(own, 2)
    assert len({lm.fingerprint() for lm in (own, one, other, one.pooled("last"))}) == 4
    assert with_rotation(one, 2).fingerprint() == other.fingerprint()
    assert one.states_fingerprint() == own.states_fingerprint()
    both = with_rotation(with_saes(own, [made(1)]), 1)
    batch = own.encode(SENTENCES)
    sites = [Site("sae", 1), Site("rotated", 2), Site("residual", 2)]
    read = both.read(batch, sites)
    assert list(read) == sorted(sites)
    for site in sites:
        torch.testing.assert_close(read[site], both.hidden(batch, site))
    assert torch.equal(read[Site("residual", 2)], own.hidden(batch, 2)) and both.n_units(Site("rotated", 2)) == WIDTH
    with pytest.raises(ValueError, match=r"no rotated 1 in .*: it has no rotated basis; take world.rotated"):
        own.n_units(Site("rotated", 1))
    with pytest.raises(ValueError, match="no layer 9 in"):
        one.hidden(batch, Site("rotated", 9))
    with pytest.raises(ValueError, match=r"rotated states of shape .* for a batch of"):
        one.resume(batch, Site("rotated", 1), one.hidden(batch, Site("rotated", 1))[:, :2])
    with pytest.raises(ValueError, match="a seed must be a whole number"):
        with_rotation(own, -1)


# ------------------------------------------------------------------------------------------ the whole package


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    mini = pf.load_world("mini")
    source = few_sentences(tmp_path_factory.mktemp("text"), 120)
    return World("few", mini.model, source, 5, tmp_path_factory.mktemp("vectors"))


@pytest.fixture(scope="module")
def two(world):
    """The same words in the model's own basis and in a random one."""
    return world.experiment("eng", "Number", layer=2), world.rotated(1).experiment(
        "eng", "Number", site=Site("rotated", 2)
    )


def test_what_depends_on_all_units_stays_and_rankings_do_not(two):
    d, rankings = two[0].data.n_neurons, []
    for name in ("probeless", "linear"):
        rankings.append([one.rank(name) for one in two])
        own, rotated = (ranking.order[:20].tolist() for ranking in rankings[-1])
        assert len(set(own) & set(rotated)) < 12
    converged = [
        probe_curve(ranking, one.data, ks=[d], probe="linear_converged")["accuracy"].item()
        for one, ranking in zip(two, rankings[0], strict=True)
    ]
    assert converged[0] == pytest.approx(converged[1], abs=0.02)
    kinds = [
        (pf.ConstantTranslation(2.0),) * 2,
        tuple(LeaceErasure.of(one.data) for one in two),
        (Interchange(seed=1),) * 2,
    ]
    for pair in kinds:
        counts = [
            one.intervene(ranking, kind, [0, d], sentences=40).counts()
            for one, ranking, kind in zip(two, rankings[0], pair, strict=True)
        ]
        pd.testing.assert_series_equal(counts[0]["count"], counts[1]["count"])
        assert counts[0].groupby("k")["count"].apply(tuple).nunique() == 2
        assert counts[1]["site"].eq("rotated").all()
    # With some units, it does matter which.
    few = [
        one.intervene(r, pf.ConstantTranslation(4.0), [20]).counts()["count"].tolist()
        for one, r in zip(two, rankings[0], strict=True)
    ]
    assert few[0] != few[1]


def test_vectors_are_cached_by_basis(world):
    sites = [Site("rotated", 2)]
    assert world.rotated(1).disk_need(["eng"], sites) > 0 or world.rotated(5).disk_need(["eng"], sites) > 0
    world.rotated(6).prepare(["eng"], sites)
    assert world.rotated(6).disk_need(["eng"], sites) == 0 < world.rotated(7).disk_need(["eng"], sites)
