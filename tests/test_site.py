"""Sites: what they are called, and that nothing downstream takes every site for the residual stream."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_worlds import few_sentences

import pitfalls as pf
from pitfalls.site import Site, as_site, with_site
from pitfalls.study.configurations import Configuration
from pitfalls.worlds.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    mini = pf.load_world("mini")
    source = few_sentences(tmp_path_factory.mktemp("text"), 120)
    return World("few", mini.model, source, 5, tmp_path_factory.mktemp("vectors"))


def test_a_site_has_a_name_a_place_in_tables_and_an_order():
    assert [str(Site("residual", 7)), str(Site("mlp", 7))] == ["layer 7", "mlp 7"]
    assert Configuration("spa", "Gender", Site("mlp", 7)).id == "spa_gender_mlp7"
    later, sooner = Site("residual", 12), Site("residual", 2)
    assert sorted([later, Site("mlp", 3), sooner])[1:] == [sooner, later]
    one = Configuration("spa", "Gender", Site("mlp", 7))
    assert Configuration.of(one.columns) == one
    with pytest.raises(ValueError, match="a site's kind is one of residual, mlp, heads, sae, rotated, not 'attention'"):
        Site("attention", 1)


@pytest.mark.parametrize("layer", [1.0, True, None, [1, 2], -1], ids=repr)
def test_a_layer_is_a_whole_number(world, layer):
    said = r"a site's layer .0: the embeddings. must be a whole number, 0 or more, not .*"
    with pytest.raises(ValueError, match=said):
        Site("residual", layer)
    with pytest.raises(ValueError, match=said):
        as_site(layer)
    if layer is not None:
        with pytest.raises(ValueError, match=said):
            world.activations("eng", "Number", layer=layer)
    assert type(Site("residual", np.int64(2)).layer) is int


@pytest.mark.parametrize("given", ["1", ("residual", 1)])
def test_what_is_no_site_is_told_how_to_make_one(given):
    with pytest.raises(ValueError, match=r"a layer's number or a pf.Site, such as pf.Site\('residual', 2\), not "):
        as_site(given)


def test_a_table_without_a_kind_is_of_the_residual_stream():
    table = pd.DataFrame({"language": ["spa"], "layer": [2], "k": [1]})
    assert with_site(table).to_dict("records") == [{"language": "spa", "site": "residual", "layer": 2, "k": 1}]
    assert list(table) == ["language", "layer", "k"]
    named = table.assign(site="mlp")
    assert with_site(named) is named


def test_a_layer_or_a_site_but_not_both_nor_neither(world):
    by_layer = world.activations("eng", "Number", layer=2)
    by_site = world.activations("eng", "Number", site=Site("residual", 2))
    assert by_layer.site == by_site.site
    np.testing.assert_array_equal(by_layer.test.X, by_site.test.X)
    for given in ({}, {"layer": 2, "site": Site("residual", 2)}):
        with pytest.raises(ValueError, match="give a layer or a site, not both or neither"):
            world.activations("eng", "Number", **given)


def test_units_of_another_kind_go_through_the_whole_package(world):
    site = Site("mlp", 2)
    experiment = world.experiment("eng", "Number", site=site)
    d = world.model.n_units(site)
    assert d != world.model.n_neurons and experiment.data.n_neurons == d and experiment.data.site == site
    order = experiment.rank("probeless")
    curve = experiment.probe(order, ks=[1, 8])
    run = experiment.intervene(order, pf.Translation(beta=4), ks=[0, 8, d])
    for table in (curve, run.outcomes, run.counts(), run.rates(), run.damage()):
        assert table["site"].eq("mlp").all() and table["layer"].eq(2).all(), table
    # The vectors of both kinds of site lie side by side in the cache.
    told = world.prepare(["eng"], [Site("residual", 2), site])
    assert told["sites"].unique().tolist() == ["mlp 2, layer 2"]
    for split in ("train", "test"):
        own = world.activations("eng", "Number", site=site)
        assert getattr(own, split).X.shape[1] == d


def test_what_is_changed_is_the_site_s_own_state(world):
    """Against a hook on transformers' own forward pass of one sentence."""
    site = Site("mlp", 2)
    experiment = world.experiment("eng", "Number", site=site)
    test = experiment.data.test
    sentence = int(test.sentence_ids[0])
    places = test.positions[test.sentence_ids == sentence]
    encoded = world.model.encode([world.sentences("eng", "test")[sentence].forms])
    slots = torch.isin(encoded.word_ids, torch.as_tensor(places))

    def zero(_, __, out):
        out = out.clone()
        out[slots] = 0
        return out

    block = world.model.model.base_model.encoder.layer[1].intermediate
    handle = block.register_forward_hook(zero)
    with torch.inference_mode():
        logits = world.model.model(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).logits
    handle.remove()
    expected = [world.model.pieces([i])[0] for i in logits.argmax(-1)[slots].tolist()]
    order = experiment.rank("probeless")
    run = experiment.intervene(order, pf.Ablation(), ks=[len(order)])
    own = run.outcomes[(run.outcomes["sentence"] == sentence) & (run.outcomes["k"] == len(order))]
    assert own["position"].tolist() == sorted(places.tolist())
    pieces = [world.model.pieces(world.model.encode([[word]]).input_ids[0, 1:-1].tolist()) for word in own["predicted"]]
    assert [piece for word in pieces for piece in word] == expected
