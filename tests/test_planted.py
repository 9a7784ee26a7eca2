"""The planted worlds keep their promises: what is used is read, what is not read changes nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis, skew
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pitfalls as pf
from pitfalls.language.artificial import ArtificialLanguage
from pitfalls.models.interface import TooLongError
from pitfalls.models.masked import MaskedLM
from pitfalls.site import as_site
from pitfalls.worlds.blueprint import BLOCKS, PlantedParameters, plant
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import load_world, mini_folder, truth
from pitfalls.worlds.planted import PlantedLM

SMALL = PlantedParameters(lemmas=40, fillers=300, train_words=800, dev_words=200, test_words=200)
COVARIANCE = PlantedParameters.covariance()
MOMENTS = [f"{block}_{what}" for block in ("used", "unused") for what in ("strength", "spread")]
SMALL_COVARIANCE = replace(SMALL, **{name: getattr(COVARIANCE, name) for name in MOMENTS})


@pytest.fixture(scope="module")
def world():
    return load_world("planted")


@pytest.fixture(scope="module")
def data(world):
    return world.activations("art", "Number", 1)


@pytest.fixture(scope="module")
def covariance_data():
    return load_world("planted-covariance").activations("art", "Number", 1)


def first(known, *blocks):
    """A ranking that has these blocks in front, and how many neurons they have."""
    front = np.concatenate([known.blocks[block] for block in blocks])
    return pf.Ranking(np.r_[front, np.setdiff1d(np.arange(known.n_neurons), front)], None, "+".join(blocks)), len(front)


def counts(world, data, kind, *blocks, all_but=False):
    """Words of each outcome when the blocks' neurons are changed, or all the others."""
    chosen = [block for block in BLOCKS if block not in blocks] if all_but else blocks
    ranking, k = first(truth(world), *chosen)
    effect = Experiment(world, data).intervene(ranking, kind, [k]).counts()
    return {o: n for o, n in zip(effect["outcome"], effect["count"], strict=True) if n}


def all_states(world, split="test"):
    batch = world.model.encode([sentence.forms for sentence in world.sentences("art", split)])
    return batch, world.model.hidden(batch, 1)


# ------------------------------------------------------------------------------------------ the model


@pytest.mark.parametrize(
    ("name", "parameters"), [("planted", PlantedParameters(seed=1)), ("planted-covariance", COVARIANCE)]
)
def test_undisturbed_it_repeats_its_words_but_for_two_in_a_hundred(name, parameters):
    world = load_world(name, planted=parameters)
    batch, states = all_states(world)
    real = batch.attention_mask.bool()
    right = world.model.predict(states, real) == batch.input_ids[real]
    target = batch.input_ids[real] < world.model.vocabulary.index(parameters.language.fillers[0])
    assert int(target.sum()) == parameters.test_words
    assert float(right[target].float().mean()) > 0.98
    assert float(right[~target].float().mean()) > 0.98


def test_resuming_unchanged_states_is_the_full_forward_pass_and_batched_is_single(world):
    batch, final = all_states(world)
    several = world.model.read(batch, [0, 1])
    for layer in (0, 1):
        assert torch.equal(several[as_site(layer)], world.model.hidden(batch, layer))
        assert torch.equal(world.model.resume(batch, layer, world.model.hidden(batch, layer)), final)
    assert len(set(batch.attention_mask.sum(1).tolist())) > 1
    for row, sentence in enumerate(world.sentences("art", "test")[:20]):
        alone = world.model.hidden(world.model.encode([sentence.forms]), 1)[0]
        assert torch.equal(final[row, : len(alone)], alone)
    nothing = world.model.predict(final, torch.zeros_like(batch.input_ids, dtype=torch.bool))
    assert (nothing.shape, nothing.dtype) == ((0,), torch.int64)


def test_a_word_differs_between_sentences_at_layer_1_only(world):
    target, (a, b, c) = world.model.parameters.language.forms[0], world.model.parameters.language.fillers[:3]
    batch = world.model.encode([[a, target, b], [a, target, c], [a, target, b, a, target, c]])
    slots = batch.input_ids == world.model._ids[target]
    below, above = (world.model.hidden(batch, layer)[slots] for layer in (0, 1))
    assert torch.equal(below[0], below[1]) and torch.equal(below[0], below[3])
    assert not torch.isclose(above[0], above[1]).any()
    assert torch.equal(above[0], above[2]) and torch.equal(above[1], above[3])


def test_a_target_word_does_not_see_another_one(world):
    language = world.model.parameters.language
    (one, two, three), (a, b) = language.forms[:3], language.fillers[:2]
    batch = world.model.encode([[a, one, two, b], [a, one, three, b], [a, one]])
    assert len(torch.unique(world.model.hidden(batch, 1)[:, 1], dim=0)) == 1


def test_logits_are_log_probabilities_of_the_whole_vocabulary(world):
    _, states = all_states(world)
    logits = world.model.head(states[:, 1])
    assert logits.shape == (len(states), len(world.model.vocabulary))
    assert torch.allclose(logits.exp().sum(1), torch.ones(len(states)).double(), atol=1e-9)
    assert (logits[:, :2] == -torch.inf).all()


def test_logits_are_the_gaussian_likelihoods_written_out():
    """The head against densities computed one by one, where means and covariances differ and copies are read."""
    values = ("A", "B", "C")
    lm = PlantedLM(replace(SMALL, values=values, used_spread=1.7, redundant_read=0.4, noise_sd=0.5))
    known, weights, parameters = lm.truth, lm.weights, lm.parameters
    forms = weights.embedding[2 : 2 + 120].reshape(40, 3, -1).double()
    means, sds = forms.mean(0) - forms.mean((0, 1)), 0.5 * weights.gain[2:5].double()
    state = lm.hidden(lm.encode([parameters.language.corpus("x", 9, seed=5).sentences[0].forms]), 1)[0, 1]
    evidence = torch.zeros(3, dtype=torch.float64)
    for block, weight in (("used", 1.0), ("redundant", 0.4)):
        for j in known.blocks[block].tolist():
            density = torch.distributions.Normal(means[:, j], sds[:, j])
            evidence += weight * density.log_prob(state[j].double())
    told = lm.head(state[None])[0, 2 : 2 + 120].reshape(40, 3).double()
    assert torch.allclose(
        told - told.logsumexp(1, keepdim=True), torch.log_softmax(evidence, 0).expand(40, 3), atol=1e-3
    )


def test_unknown_and_special_words(world):
    filler = world.model.parameters.language.fillers[0]
    batch = world.model.encode([["zzz", filler], [filler]])
    assert world.model.pieces(batch.input_ids[0].tolist()) == ["[UNK]", filler]
    assert batch.word_ids.tolist() == [[0, 1], [0, -1]]
    assert world.model.join(batch.input_ids[0, :1].tolist()) is None
    # The unknown word has no vector of its own, and takes in its neighbours' noise like any other.
    assert (world.model.hidden(batch, 0)[0, 0] == 0).all() and (world.model.hidden(batch, 1)[0, 0] != 0).all()
    assert world.model.join([batch.input_ids[0, 1]], like=[5]) == filler
    assert world.model.join([5, 6]) is None and world.model.join([]) is None
    with pytest.raises(ValueError, match="2 predicted pieces for a word of 1"):
        world.model.join([5, 6], like=[5])


def test_questions_that_the_model_refuses(world):
    batch, states = all_states(world)
    with pytest.raises(ValueError, match=r"no layer 2 in planted: it has layers 0 \(embeddings\) to 1"):
        world.model.hidden(batch, 2)
    with pytest.raises(ValueError, match="not -1"):
        world.model.resume(batch, -1, states)
    with pytest.raises(ValueError, match="one per word"):
        world.model.resume(batch, 1, states[:, :, :5])
    with pytest.raises(TooLongError, match="sentence 1 has 513 subwords"):
        world.model.encode([["a"], ["a"] * 513])
    with pytest.raises(TypeError, match="sentence 0 is the string 'abc'"):
        world.model.encode(["abc"])
    with pytest.raises(ValueError, match="no sentence"):
        world.model.encode([])


# ------------------------------------------------------------------------------------------ used and not


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize(("name", "parameters"), [("planted", SMALL), ("planted-covariance", SMALL_COVARIANCE)])
def test_what_is_not_read_changes_no_prediction_at_all(name, parameters, layer):
    world = load_world(name, planted=parameters)
    data = world.activations("art", "Number", layer)
    for kind in (pf.Ablation(), pf.ConstantTranslation(50.0)):
        untouched = Experiment(world, data).intervene(first(truth(world), "used")[0], kind, [0]).counts()
        expected = {o: n for o, n in zip(untouched["outcome"], untouched["count"], strict=True) if n}
        for block in ("redundant", "unused", "correlated", "noise"):
            assert counts(world, data, kind, block) == expected
        assert counts(world, data, kind, "used", "lemma", all_but=True) == expected


@pytest.mark.parametrize("layer", [0, 1])
def test_translating_the_used_neurons_gives_the_same_lemma_with_the_other_value(world, layer):
    data = world.activations("art", "Number", layer)
    for kind in (pf.Translation(8.0), pf.ConstantTranslation(1.0)):
        assert counts(world, data, kind, "used").get("intended", 0) > 980


def test_each_block_does_what_it_is_planted_for(world, data):
    encoded = counts(world, data, pf.ConstantTranslation(1.0), "used", "redundant", "unused")
    assert encoded == counts(world, data, pf.ConstantTranslation(1.0), "used")
    # Without the used neurons the value is a guess and the lemma stays; without the lemma's, the word is another.
    guessed = counts(world, data, pf.Ablation(), "used")
    assert guessed["unchanged"] + guessed["another"] > 980
    assert 400 < guessed["unchanged"] < 600
    assert set(counts(world, data, pf.Ablation(), "lemma")) <= {"wrong_other", "wrong_intended"}


def test_what_the_head_reads_is_what_the_truth_says():
    for weight, read in ((0.0, ("used",)), (0.5, ("used", "redundant"))):
        lm = PlantedLM(replace(SMALL, redundant_read=weight))
        value = (lm.weights.value != 0).any(1) | (lm.weights.value_square != 0).any(1)
        assert np.array_equal(value.numpy(), lm.truth.used)
        assert np.array_equal(np.flatnonzero(value), np.sort(np.concatenate([lm.truth.blocks[b] for b in read])))
        word = np.flatnonzero((lm.weights.word != 0).any(1))
        assert np.array_equal(word, lm.truth.blocks["lemma"])


def test_read_copies_stand_in_for_the_used_neurons():
    world = load_world("planted", planted=PlantedParameters(redundant_read=1.0))
    data = world.activations("art", "Number", 1)
    assert counts(world, data, pf.Ablation(), "used")["unchanged"] > 980
    assert counts(world, data, pf.Ablation(), "redundant")["unchanged"] > 980
    assert counts(world, data, pf.Ablation(), "used", "redundant")["unchanged"] < 600


def test_equal_covariances_give_a_head_that_is_exactly_linear(world):
    assert (world.model.weights.value_square == 0).all()
    assert (load_world("planted-covariance").model.weights.value_square != 0).any()


# ------------------------------------------------------------------------------------------ what is planted


def residuals(part):
    return np.concatenate([part.X[part.y == c] - part.X[part.y == c].mean(0) for c in range(len(part.values))])


def test_values_are_as_far_apart_as_stated(world, data):
    q = np.stack([data.train.X[data.train.y == c].mean(0) for c in range(2)])
    distance, known = np.abs(q[0] - q[1]), truth(world)
    # Standard error of a difference of two means of 2,000 words: 1 / sqrt(1,000); five of them.
    for block, strength in {"used": 1.5, "redundant": 1.5, "unused": 2.0, "correlated": 0.0, "noise": 0.0}.items():
        stated = np.linspace(0.4, 1.6, len(known.blocks[block])) * strength
        assert np.abs(np.sort(distance[known.blocks[block]]) - stated).max() < 5 / np.sqrt(1000), block
    assert distance[known.blocks["lemma"]].max() < 5 / np.sqrt(1000)


def test_noise_is_gaussian_and_has_the_stated_covariance(world, data):
    known = truth(world)
    noise = residuals(data.train)
    rest = np.setdiff1d(np.arange(known.n_neurons), known.blocks["lemma"])
    covariance = np.cov(noise[:, rest].T)
    expected = np.eye(known.n_neurons)
    expected[np.ix_(known.blocks["correlated"], known.blocks["correlated"])] = 0.8
    for copy, original in known.original.items():
        expected[copy, original] = expected[original, copy] = np.sqrt(0.95)
    np.fill_diagonal(expected, 1.0)
    # Standard error of a variance of 4,000 words: sqrt(2 / 4,000); six of them over some 5,000 entries.
    assert np.abs(covariance - expected[np.ix_(rest, rest)]).max() < 6 * np.sqrt(2 / 4000) * 1.05
    # Over the noise block, 34 neurons of 4,000 words, the mean variance has standard error 0.004.
    assert abs(noise[:, known.blocks["noise"]].var(0).mean() - 1) < 0.02
    assert np.abs(skew(noise).mean()) < 0.05 and np.abs(kurtosis(noise).mean()) < 0.2


def test_over_all_fillers_the_noise_has_exactly_the_stated_moments():
    parameters = replace(SMALL, lemma_strength=1.5)
    lm = PlantedLM(parameters)
    noise = lm.weights.embedding[-parameters.fillers :].double().numpy() / 1.5
    assert np.abs(noise.mean(0)).max() < 1e-6
    known, covariance = lm.truth, noise.T @ noise / len(noise)
    plain = np.concatenate([known.blocks[block] for block in ("used", "unused", "lemma", "noise")])
    assert np.allclose(covariance[np.ix_(plain, plain)], np.eye(len(plain)), atol=1e-5)
    correlated = covariance[np.ix_(known.blocks["correlated"], known.blocks["correlated"])]
    assert np.allclose(correlated, 0.8 + 0.2 * np.eye(len(correlated)), atol=1e-5)


def test_noise_sd_scales_everything_and_changes_no_prediction():
    one, ten = (PlantedLM(replace(SMALL, noise_sd=sd)) for sd in (1.0, 10.0))
    batch = one.encode([sentence.forms for sentence in SMALL.language.corpus("x", 100, seed=9).sentences])
    assert torch.allclose(10 * one.hidden(batch, 1), ten.hidden(batch, 1), rtol=1e-4, atol=1e-4)
    real = batch.attention_mask.bool()
    assert torch.equal(one.predict(one.hidden(batch, 1), real), ten.predict(ten.hidden(batch, 1), real))


def test_copies_follow_their_originals(world, data):
    known = truth(world)
    assert sorted(known.original) == known.blocks["redundant"].tolist()
    noise = residuals(data.train)
    forms = world.model.weights.embedding[2:322].reshape(160, 2, -1).mean(0)
    for copy, original in known.original.items():
        assert original in known.blocks["used"]
        assert torch.allclose(forms[:, copy], forms[:, original], atol=1e-5)
        assert np.corrcoef(noise[:, copy], noise[:, original])[0, 1] > 0.9
        others = np.setdiff1d(known.blocks["used"], [original])
        assert np.abs(np.corrcoef(noise[:, [copy, *others]].T)[0, 1:]).max() < 0.2


def test_a_linear_probe_fails_on_the_perfect_ranking_where_covariances_alone_differ(covariance_data):
    data, known = covariance_data, plant(PlantedParameters.covariance())
    encoded = np.flatnonzero(known.encoded)
    q = [data.train.X[data.train.y == c][:, encoded] for c in range(2)]
    error = np.sqrt(q[0].var(0) / len(q[0]) + q[1].var(0) / len(q[1]))
    assert (np.abs(q[0].mean(0) - q[1].mean(0)) < 5 * error).all()
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    gaussian = QuadraticDiscriminantAnalysis()
    accuracy = {
        probe: probe.fit(data.train.X[:, encoded], data.train.y).score(data.test.X[:, encoded], data.test.y)
        for probe in (linear, gaussian)
    }
    assert abs(accuracy[linear] - 0.5) < 0.06
    assert accuracy[gaussian] > 0.99


def test_neurons_are_scattered_and_every_one_is_in_one_block():
    known = plant(PlantedParameters())
    everything = np.concatenate(list(known.blocks.values()))
    assert sorted(everything.tolist()) == list(range(128))
    assert {name: len(neurons) for name, neurons in known.blocks.items()} == {
        name: getattr(PlantedParameters(), name) for name in BLOCKS
    }
    mean = np.mean([plant(PlantedParameters(seed=seed)).blocks["used"].mean() for seed in range(200)])
    # The mean index of 12 of 128 neurons has standard deviation 10.2; five standard errors of 200 draws.
    assert abs(mean - 63.5) < 5 * 10.2 / np.sqrt(200)


def test_the_seed_decides_everything():
    worlds = [load_world("planted", planted=replace(SMALL, seed=seed)) for seed in (0, 0, 1)]
    bytes_of = [world.activations("art", "Number", 1).test.X.tobytes() for world in worlds]
    prints = [world.model.fingerprint() for world in worlds]
    sentences = [world.sentences("art", "dev") for world in worlds]
    for found in (bytes_of, prints, sentences):
        assert found[0] == found[1] and found[0] != found[2]


def test_the_fingerprint_tells_networks_apart_and_more_sentences_do_not_change_them():
    small = PlantedLM(SMALL)
    for change in ({"redundant_read": 0.5}, {"used_strength": 1.4}, {"unused": 13}, {"lemmas": 41}):
        assert small.fingerprint() != PlantedLM(replace(SMALL, **change)).fingerprint()
    assert small.fingerprint() == PlantedLM(SMALL, name="other").fingerprint()
    more = PlantedLM(replace(SMALL, train_words=900)).weights.items()
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(small.weights.items(), more, strict=True))


# ------------------------------------------------------------------------------------------ the language


def test_every_form_has_one_reading_and_no_filler_is_a_form():
    language = ArtificialLanguage("Case", tuple("ABCDEFGHIJKL"), n_lemmas=300, n_fillers=2000, seed=4)
    strings = [*language.forms, *language.fillers, *language.lemmas]
    assert len(set(strings)) == 300 * 12 + 2000 + 300
    lexicon = language.lexicon
    for (lemma, value), form in zip(itertools.product(language.lemmas, "ABCDEFGHIJKL"), language.forms, strict=True):
        (reading,) = lexicon.lookup(form)
        assert (reading.lemma, reading.value("Case")) == (lemma, value)
    assert all(not lexicon.lookup(filler)[0].attributes for filler in language.fillers)
    assert not any(lemma in lexicon for lemma in language.lemmas)


def test_splits_share_the_vocabulary_and_no_drawing(world):
    forms = {}
    for split, words in {"train": 4000, "dev": 1000, "test": 1000}.items():
        sentences = world.sentences("art", split)
        forms[split] = [sentence.forms for sentence in sentences]
        targets = [word for sentence in sentences for word in sentence.words if word.attributes]
        assert len(targets) == words
        for sentence in sentences:
            carries = ["Number" in word.attributes for word in sentence.words]
            assert carries == [False, True, False] * (len(carries) // 3)
        # The word's identity says nothing about its value: forms are equally frequent, give or take one.
        frequency = np.unique([word.form for word in targets], return_counts=True)[1]
        assert len(frequency) == 320 and np.ptp(frequency) <= 1
    assert not set(forms["train"]) & set(forms["test"]) and not set(forms["dev"]) & set(forms["test"])
    known = set(world.model.vocabulary)
    assert all(word in known for split in forms.values() for sentence in split for word in sentence)


@pytest.mark.parametrize("n", [3, 12])
def test_any_number_of_values_works(n):
    values = tuple(f"V{i:02d}" for i in reversed(range(n)))
    world = load_world("planted", planted=replace(SMALL, attribute="Case", values=values))
    data = world.activations("art", "Case", 1)
    assert data.values == tuple(sorted(values))
    assert np.ptp(np.bincount(data.train.y)) <= 1
    untouched = Experiment(world, data).intervene(first(truth(world), "used")[0], pf.Ablation(), [0]).counts()
    assert float(pf.interventions.error_rate(untouched)["error_rate"].iloc[0]) < 0.03
    translated = counts(world, data, pf.ConstantTranslation(1.0), "used")
    assert translated["intended"] > 190
    assert truth(world).encoded[pf.rank("probeless", data).order[:12]].all()


# ------------------------------------------------------------------------------------------ the world


def test_the_world_speaks_to_rankings_and_probes(world, data):
    assert world.languages == ("art",) and world.layers == (0, 1)
    assert world.pairs().values.tolist() == [["art", "Number", "PL SG"]]
    ranking = pf.rank("probeless", data)
    curve = pf.probe_curve(ranking, data, ks=[1, 12], probe="gaussian")
    assert curve["accuracy"].iloc[1] > 0.95
    below = world.activations("art", "Number", 0)
    assert below.train.X.std(0).min() > 0


def test_only_planted_worlds_have_a_truth():
    from pitfalls.worlds.sources import GeneratedSource
    from pitfalls.worlds.world import World

    mini = World("mini", MaskedLM.load(mini_folder() / "bert"), GeneratedSource(mini_folder()), 20)
    with pytest.raises(ValueError, match="which neurons the mini world uses is not known"):
        truth(mini)


def test_options_that_do_not_fit_the_world():
    with pytest.raises(ValueError, match="the planted world is fixed"):
        load_world("planted", model="bert-base-multilingual-cased")
    with pytest.raises(ValueError, match="nothing can be planted in the mini world"):
        load_world("mini", planted=SMALL)
    with pytest.raises(ValueError, match=r"equal means, and used_strength is 1\.5, unused_strength 2\.0"):
        load_world("planted-covariance", planted=SMALL)
    with pytest.raises(ValueError, match="the planted world has art, not 'eng'"):
        load_world("planted").corpus("eng", "dev")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"used": 0}, "used is 0: give 1 neurons or more"),
        ({"noise": -3}, "noise is -3: give 0 neurons or more"),
        ({"lemma": 0}, "lemma is 0"),
        ({"lemma_strength": 0.0}, "lemma_strength"),
        ({"copy_noise": 1.5}, r"copy_noise is 1\.5"),
        ({"redundant_read": -0.1}, r"redundant_read is -0\.1"),
        ({"values": tuple("abcdefghijklmno")}, "15 values"),
        ({"lemmas": 4901}, "4901 lemmas"),
        ({"used_strength": -1.0}, r"used_strength is -1\.0: give 0 or more"),
        ({"unused_strength": float("nan")}, "unused_strength is nan"),
        ({"used_strength": 0.0}, "the 12 used neurons would not encode"),
        ({"used_spread": 0.5}, r"used_spread is 0\.5: give 1"),
        ({"noise_sd": 0.0}, r"noise_sd is 0\.0: give more than 0"),
        ({"correlation": 1.0}, r"correlation is 1\.0: give 0 or more and less than 1"),
        ({"attribute": "number"}, "attribute is 'number': give one of"),
        ({"fillers": 100}, "fillers is 100: give 130 or more for 128 neurons"),
        ({"test_words": 1}, "test_words is 1: give 2 or more"),
        ({"values": ("SG",), "train_words": 5}, r"1 values \('SG',\): give 2 to 14"),
        ({"values": ("SG", "SG")}, "not all different"),
        ({"lemmas": 1}, "1 lemmas: give 2 to 4900, the number of possible"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_parameters_out_of_range_are_named_with_their_values(wrong, message):
    with pytest.raises(ValueError, match=message):
        PlantedParameters(**wrong)


def test_extreme_parameters_are_allowed():
    bare = PlantedParameters(redundant=0, unused=0, correlated=0, noise=0, unused_strength=0.0, copy_noise=0.0)
    many = PlantedParameters(redundant=30, correlation=0.0, copy_noise=1.0)
    for parameters in (bare, many):
        assert bool(torch.isfinite(PlantedLM(parameters).weights.embedding).all())
    assert len(set(plant(many).original.values())) == 12
