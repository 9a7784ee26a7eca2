"""Interventions against a full forward pass of plain transformers with a hook, sentence by sentence."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.interventions import ablation, replay, translation
from pitfalls.interventions.kinds import Kind, Means
from pitfalls.interventions.outcomes import OUTCOMES, classify
from pitfalls.interventions.rates import clwv, error_rate
from pitfalls.interventions.run import _Judge
from pitfalls.language.analysers import LexiconAnalyser
from pitfalls.language.corpus import Sentence, Word
from pitfalls.language.lexicon import Analysis, LemmaOnly, Lexicon
from pitfalls.models.masked import MaskedLM
from pitfalls.rankings import rank
from pitfalls.site import as_site
from pitfalls.worlds.experiment import Experiment

D = 16
LAYERS = 3
ENDINGS = {"##a": "SG", "##o": "PL", "##u": "DU"}
STEMS = [f"st{letter}" for letter in "bcdfgh"]


@dataclass(frozen=True)
class TinyWorld:
    """Six nouns with three numbers, a function word, and a tiny BERT that copies most of what it reads."""

    model: MaskedLM
    of_split: dict[str, tuple[Sentence, ...]]

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        assert language == "eng"
        return self.of_split[split]

    def lexicon(self, language: str) -> Lexicon:
        nouns = [
            (stem + ending.removeprefix("##"), stem, {"Number": number})
            for stem in STEMS[:-1]
            for ending, number in ENDINGS.items()
        ]
        return Lexicon.from_forms(language, [*nouns, ("the", "the", {}), ("stba", "other", {})])

    def analyser(self, language: str) -> LexiconAnalyser:
        return LexiconAnalyser(self.lexicon(language), "tiny")


def random_sentences(seed: int, n: int = 24) -> tuple[Sentence, ...]:
    generator = np.random.default_rng(seed)
    sentences = []
    for i in range(n):
        words = []
        for _ in range(generator.integers(1, 8)):
            stem = STEMS[generator.integers(len(STEMS))]
            ending = list(ENDINGS)[generator.integers(3)]
            noun = Word(stem + ending.removeprefix("##"), stem, {"Number": ENDINGS[ending]})
            words.append(Word("the", "the", {}) if i % 4 == 0 or generator.random() < 0.3 else noun)
        sentences.append(Sentence(str(i), tuple(words)))
    return tuple(sentences)


def activations(model: MaskedLM, sentences: Sequence[Sentence], layer: int) -> Activations:
    values = tuple(sorted(ENDINGS.values()))
    X, rows = [], []
    for i, sentence in enumerate(sentences):
        encoded = model.encode([sentence.forms])
        states = model.hidden(encoded, layer)[0]
        for position, word in enumerate(sentence.words):
            if "Number" in word.attributes:
                X.append(states[encoded.word_ids[0] == position].mean(0).numpy())
                rows.append((values.index(word.attributes["Number"]), word.form, i, position))
    y, forms, ids, positions = zip(*rows, strict=True)
    indices = [np.array(column, dtype=np.int64) for column in (y, ids, positions)]
    return Activations(
        np.stack(X), indices[0], values, tuple(forms), indices[1], indices[2], "eng", "Number", as_site(layer)
    )


def learn_to_copy(model: MaskedLM, steps: int = 120) -> None:
    """Train the model to predict most of what it sees, so that its words can be changed into others."""
    batch = model.encode([sentence.forms for sentence in random_sentences(seed=99, n=64)])
    labels = batch.input_ids.where(batch.word_ids >= 0, -100)
    optimizer = torch.optim.Adam(model.model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        out = model.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=labels)
        out.loss.backward()
        optimizer.step()
    model.model.requires_grad_(False)


@pytest.fixture(scope="module")
def world() -> TinyWorld:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", *STEMS, *ENDINGS, "other"]
    tokenizer = transformers.BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})
    config = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=D,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MaskedLM(transformers.BertForMaskedLM(config), tokenizer, name="tiny")
        learn_to_copy(model)
    splits = {split: random_sentences(seed) for seed, split in enumerate(("train", "dev", "test"))}
    return TinyWorld(model, splits)


@pytest.fixture(scope="module")
def data_of(world: TinyWorld) -> Callable[[int], Splits]:
    made = {
        layer: Splits(**{s: activations(world.model, world.of_split[s], layer) for s in world.of_split})
        for layer in range(LAYERS + 1)
    }
    return made.__getitem__


# ------------------------------------------------------------------------------------------ oracle


def slowly_changed(data: Splits, kind: Kind, order: np.ndarray, k: int, h: torch.Tensor, value: int) -> torch.Tensor:
    """The change as SOURCES.md states it, neuron by neuron."""
    h = h.clone()
    mean = {z: data.train.X[data.train.y == z].astype(float).mean(0) for z in range(3)}
    d = len(order)
    for r, neuron in enumerate(order[:k].tolist()):
        if isinstance(kind, ablation.Ablation):
            h[neuron] = 0.0 if kind.value == "zero" else float(data.train.X[:, neuron].astype(float).mean())
        else:
            difference = mean[(value + 1) % 3][neuron] - mean[value][neuron]
            if isinstance(kind, translation.Translation):
                alpha = kind.beta * (1 / (1000 * kind.beta)) ** (r / (d - 1))
            else:
                alpha = kind.alpha
            h[neuron] += alpha * difference
    return h


def slow_outcomes(world: TinyWorld, data: Splits, kind: Kind, order: np.ndarray, k: int) -> Counter[str]:
    """Every sentence by itself, through the whole model, logits everywhere."""
    model, tokenizer, counts = world.model.model, world.model.tokenizer, Counter()
    for i, sentence in enumerate(world.of_split["test"]):
        encoded = tokenizer([list(sentence.forms)], is_split_into_words=True, return_tensors="pt")
        word_ids = encoded.word_ids(0)
        here = {int(p): int(y) for s, p, y in zip(*_where(data.test), strict=True) if s == i}

        def change(_, __, output, word_ids=word_ids, here=here):
            states = output.clone()
            for slot, word in enumerate(word_ids):
                if word in here:
                    states[0, slot] = slowly_changed(data, kind, order, k, states[0, slot], here[word])
            return states

        layer = data.test.site.layer
        module = model.bert.encoder.layer[layer - 1] if layer else model.bert.embeddings
        handle = module.register_forward_hook(change)
        with torch.no_grad():
            predicted = model(**encoded).logits[0].argmax(-1)
        handle.remove()
        for position, value in here.items():
            slots = [slot for slot, word in enumerate(word_ids) if word == position]
            pieces = tokenizer.convert_ids_to_tokens(predicted[slots].tolist())
            counts[slow_outcome(world, kind, pieces, sentence.words[position], value)] += 1
    return counts


def _where(part: Activations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return part.sentence_ids, part.positions, part.y


def slow_outcome(world: TinyWorld, kind: Kind, pieces: list[str], word: Word, value: int) -> str:
    one_word = not pieces[0].startswith("##") and all(piece.startswith("##") for piece in pieces[1:])
    if not one_word or any(piece.startswith("[") for piece in pieces):
        return "split"
    form = "".join(piece.removeprefix("##") for piece in pieces)
    if form == word.form:
        return "unchanged"
    values = sorted(ENDINGS.values())
    intended = None if isinstance(kind, ablation.Ablation) else values[(value + 1) % 3]
    return classify(world.lexicon("eng").lookup(form), "Number", word.lemma, values[value], intended)


KINDS = [
    ablation.Ablation(),
    ablation.Ablation("mean"),
    translation.Translation(8.0),
    translation.ConstantTranslation(4.0),
]


@pytest.mark.parametrize("layer", range(LAYERS + 1))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_outcomes_are_those_of_a_full_forward_pass_with_a_hook(world, data_of, kind, layer):
    data = data_of(layer)
    order = rank("random", data, seed=layer)
    ks = [0, 1, 7, D]
    table = Experiment(world, data).intervene(order, kind, ks).counts()
    for k in ks:
        found = table[table["k"] == k].set_index("outcome")["count"]
        expected = slow_outcomes(world, data, kind, order.order, k)
        assert {o: c for o, c in found.items() if c} == dict(expected), k


def test_the_tiny_world_is_a_real_trial(world, data_of):
    """Without this, the oracle might agree only because there is one outcome."""
    seen = set()
    for layer in range(LAYERS + 1):
        for kind in KINDS:
            table = (
                Experiment(world, data_of(layer)).intervene(rank("probeless", data_of(layer)), kind, [0, 4, D]).counts()
            )
            seen |= set(table[table["count"] > 0]["outcome"])
    assert {"unchanged", "intended", "another", "wrong_intended", "wrong_other", "split", "unknown"} <= seen


# -------------------------------------------------------------------------------------- guarantees


def own_errors(world: TinyWorld, data: Splits) -> int:
    """Words that the plain model itself predicts differently."""
    different = 0
    for s, p, _ in zip(*_where(data.test), strict=True):
        encoded = world.model.encode([world.of_split["test"][s].forms])
        with torch.no_grad():
            logits = world.model.model(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).logits
        slots = encoded.word_ids == int(p)
        different += not torch.equal(logits.argmax(-1)[slots], encoded.input_ids[slots])
    return different


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_no_neurons_is_the_models_own_prediction(world, data_of, kind):
    data = data_of(2)
    rate = error_rate(Experiment(world, data).intervene(rank("random", data), kind, [0]).counts())
    assert rate["changed"].item() == own_errors(world, data)
    assert rate["words"].item() == data.test.n_words


def test_a_zero_alpha_changes_nothing(world, data_of):
    data = data_of(1)
    table = (
        Experiment(world, data)
        .intervene(rank("linear", data), translation.ConstantTranslation(0.0), range(0, D + 1, 4))
        .counts()
    )
    by_k = table.pivot(index="k", columns="outcome", values="count")
    assert (by_k == by_k.loc[0]).all().all()


def test_counts_of_every_k_sum_to_the_words(world, data_of):
    data = data_of(1)
    table = Experiment(world, data).intervene(rank("probeless", data), translation.Translation(), [0, 3, 9, D]).counts()
    sums = table.groupby("k")[["count", "rate"]].sum()
    assert (sums["count"] == data.test.n_words).all()
    np.testing.assert_allclose(sums["rate"], 1)
    assert all(tuple(of_k) == OUTCOMES for _, of_k in table.groupby("k")["outcome"])


@given(k=st.integers(0, D), alpha=st.sampled_from([0.5, 1.0, 8.0]), seed=st.integers(0, 1000))
def test_translating_there_and_back_restores_the_state(k, alpha, seed):
    generator = np.random.default_rng(seed)
    means = Means(generator.normal(size=(3, D)), generator.normal(size=D))
    order = generator.permutation(D)
    states = torch.as_tensor(generator.normal(size=(5, D)))
    values = torch.as_tensor(generator.integers(3, size=5))
    kind = translation.ConstantTranslation(alpha)
    aims = kind.aims("abc")
    there = kind.change(order, k, means, aims)
    # Back: the same neurons, from the value aimed at to the one before.
    back = kind.change(order, k, means, np.argsort(aims))
    restored = back.apply(there.apply(states, values), torch.as_tensor(aims)[values])
    torch.testing.assert_close(restored, states)


def test_a_whole_translation_by_one_moves_the_mean_onto_the_other_mean(data_of):
    data = data_of(2)
    means, kind = Means.of(data), translation.ConstantTranslation(1.0)
    change = kind.change(np.arange(D), D, means, kind.aims("abc"))
    moved = change.apply(torch.as_tensor(means.of_value), torch.arange(3))
    np.testing.assert_allclose(moved, means.of_value[[1, 2, 0]])


def test_the_mean_ablation_moves_the_first_neurons_to_the_mean_only(data_of):
    data = data_of(2)
    means, kind, order = Means.of(data), ablation.Ablation("mean"), np.random.default_rng(0).permutation(D)
    states = torch.randn(4, D, dtype=torch.float64)
    changed = kind.change(order, 5, means, kind.aims("abc")).apply(states, torch.tensor([0, 1, 2, 0]))
    np.testing.assert_allclose(changed[:, order[:5]], np.tile(data.train.X.astype(float).mean(0)[order[:5]], (4, 1)))
    assert torch.equal(changed[:, order[5:]], states[:, order[5:]])


def test_ablating_all_neurons_is_the_same_in_any_order(world, data_of):
    data = data_of(2)
    one, two = (
        Experiment(world, data).intervene(rank("random", data, seed=seed), ablation.Ablation(), [D]).counts()["count"]
        for seed in (1, 2)
    )
    assert one.equals(two)


@pytest.mark.parametrize("limits", [{"_BATCH_TOKENS": 1}, {"_FEW": 1, "_HELD_TOKENS": 30}, {"_HELD_TOKENS": 1}])
def test_the_batches_make_no_difference(world, data_of, monkeypatch, limits):
    data = data_of(2)
    order = rank("probeless", data)
    together = Experiment(world, data).intervene(order, translation.Translation(), [0, 5, D]).counts()
    for name, value in limits.items():
        monkeypatch.setattr(replay, name, value)
    pd.testing.assert_frame_equal(
        together, Experiment(world, data).intervene(order, translation.Translation(), [0, 5, D]).counts()
    )


@given(st.lists(st.integers(1, 300), min_size=1, max_size=80))
def test_batches_take_every_sentence_once_with_little_padding(lengths):
    groups = list(replay._groups(lengths))
    batches = [batch for group in groups for batch in group]
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert batches == list(replay._batches(lengths))
    for batch in batches:
        real, padded = sum(lengths[i] for i in batch), len(batch) * max(lengths[i] for i in batch)
        assert padded <= replay._BATCH_TOKENS or len(batch) == 1
        # Below _FEW subwords, a batch takes the next sentence whatever its length.
        before = [sum(lengths[i] for i in batch[:n]) for n in range(1, len(batch))]
        assert padded <= replay._PADDED * real or before[-1] < replay._FEW
    for group in groups:
        held = [len(batch) * max(lengths[i] for i in batch) for batch in group]
        assert sum(held[:-1]) < replay._HELD_TOKENS


def test_the_model_is_left_as_it_was(world, data_of):
    data = data_of(1)
    encoded = world.model.encode([world.of_split["test"][1].forms])

    def outputs() -> torch.Tensor:
        with torch.no_grad():
            return world.model.model(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).logits

    before = outputs()
    Experiment(world, data).intervene(rank("probeless", data), translation.Translation(), [0, D]).counts()
    assert torch.equal(before, outputs())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in world.model.model.modules())


def test_only_sentences_with_target_words_are_run(world, data_of, monkeypatch):
    data, seen = data_of(1), []
    encode = world.model.encode
    monkeypatch.setattr(world.model, "encode", lambda sentences: seen.extend(sentences) or encode(sentences))
    Experiment(world, data).intervene(rank("probeless", data), translation.Translation(), [0, 3]).counts()
    assert len(seen) == len(set(data.test.sentence_ids.tolist())) < len(world.of_split["test"])


def test_the_intervention_sees_only_the_order(world, data_of):
    data = data_of(1)
    derived = rank("gaussian", data)
    bare = Ranking(derived.order, None, "mine")
    one, two = (
        Experiment(world, data).intervene(r, translation.Translation(), [2, 8]).counts()["count"]
        for r in (derived, bare)
    )
    assert one.equals(two)


# ------------------------------------------------------------------------------- kinds and outcomes


def test_the_scaled_factor_falls_evenly_in_its_logarithm_from_beta_to_a_thousandth():
    alpha = translation.Translation(beta=8).coefficients(768)
    assert alpha[0] == 8
    assert alpha[-1] == pytest.approx(0.001)
    np.testing.assert_allclose(np.diff(np.log(alpha)), np.log(0.001 / 8) / 767)
    assert translation.Translation(beta=8).coefficients(1).tolist() == [8]


PL, SG, DU = ({"Number": number} for number in ("PL", "SG", "DU"))


@pytest.mark.parametrize(
    ("readings", "outcome"),
    [
        ([], "unknown"),
        ([("cat", PL)], "intended"),
        ([("cat", SG)], "same"),
        ([("cat", DU)], "another"),
        ([("cat", {})], "lost"),
        ([("dog", PL)], "wrong_intended"),
        ([("dog", SG)], "wrong_other"),
        ([("dog", {})], "wrong_other"),
        ([("cat", SG), ("cat", PL)], "intended"),
        ([("cat", DU), ("cat", SG)], "same"),
        ([("cat", {}), ("cat", DU)], "another"),
        ([("cat", {}), ("dog", PL)], "lost"),
        ([("dog", SG), ("cow", PL)], "wrong_intended"),
    ],
)
def test_the_outcome_of_a_form_follows_its_readings(readings, outcome):
    analyses = [Analysis.of(lemma, attributes) for lemma, attributes in readings]
    assert classify(analyses, "Number", "cat", "SG", "PL") == outcome
    assert classify(analyses[::-1], "Number", "cat", "SG", "PL") == outcome


@pytest.mark.parametrize(
    ("readings", "outcome"),
    [
        ([LemmaOnly("cat")], "unknown"),
        ([LemmaOnly("dog")], "wrong_other"),
        ([LemmaOnly("cat"), Analysis.of("cat", PL)], "intended"),
        ([LemmaOnly("cat"), Analysis.of("cat", {})], "lost"),
        ([LemmaOnly("cat"), Analysis.of("dog", PL)], "unknown"),
        ([LemmaOnly("dog"), Analysis.of("cat", {})], "lost"),
    ],
)
def test_a_lemmatiser_convicts_a_lemma_and_never_a_value(readings, outcome):
    assert classify(readings, "Number", "cat", "SG", "PL") == outcome
    assert classify(readings[::-1], "Number", "cat", "SG", "PL") == outcome


def test_an_ablation_intends_no_value():
    plural = [Analysis.of("cat", PL)]
    assert classify(plural, "Number", "cat", "SG", None) == "another"
    assert classify(plural, "Number", "dog", "SG", None) == "wrong_other"


def test_a_named_target_leaves_words_that_have_it_alone(world, data_of):
    data = data_of(1)
    table = (
        Experiment(world, data)
        .intervene(rank("probeless", data), translation.Translation(target="PL"), [0, 4])
        .counts()
    )
    expected = int((data.test.y != data.values.index("PL")).sum())
    assert (table.groupby("k")["count"].sum() == expected).all()
    assert set(table["target"]) == {"PL"}
    shown = (
        Experiment(world, data)
        .intervene(rank("probeless", data), translation.Translation(target="PL"), [D])
        .examples(n=99)
    )
    assert set(shown["intended"]) == {"PL"} and "PL" not in set(shown["value"])


def test_fewer_sentences_can_be_drawn(world, data_of):
    data = data_of(1)
    order = rank("probeless", data)
    few = [
        Experiment(world, data).intervene(order, translation.Translation(), [0], sentences=3, seed=s).counts()
        for s in (1, 1, 2)
    ]
    assert few[0].equals(few[1])
    assert 0 < few[0]["count"].sum() < data.test.n_words


# ------------------------------------------------------------------------------------------ tables


def test_error_rate_and_clwv_are_over_all_target_words(world, data_of):
    data = data_of(1)
    order = rank("probeless", data)
    table = pd.concat([Experiment(world, data).intervene(order, kind, [0, 8]).counts() for kind in KINDS])
    for row in error_rate(table).itertuples():
        counts = table[(table["k"] == row.k) & (table["kind"] == row.kind)].set_index("outcome")["count"]
        assert row.words == counts.sum() == data.test.n_words
        assert row.changed == counts.sum() - counts["unchanged"]
        assert row.error_rate == row.changed / row.words
    rates = clwv(table)
    assert len(rates) == len(KINDS) * 2
    for row in rates.itertuples():
        counts = table[(table["k"] == row.k) & (table["kind"] == row.kind)].set_index("outcome")["count"]
        assert row.hits == counts["intended"] + counts["another"]
        assert row.clwv == row.hits / row.words


def test_examples_are_the_sentences_before_and_after(world, data_of):
    data = data_of(1)
    order = rank("probeless", data)
    shown = Experiment(world, data).intervene(order, translation.Translation(), [D]).examples(n=99)
    table = (
        Experiment(world, data).intervene(order, translation.Translation(), [D]).counts().set_index("outcome")["count"]
    )
    changed = table[(table > 0) & (table.index != "unchanged")]
    assert shown["outcome"].value_counts().to_dict() == changed.to_dict()
    whole = shown[shown.groupby("sentence_id")["outcome"].transform(lambda o: (o != "split").all())]
    assert len(whole)
    for row in whole.itertuples():
        before, after = row.before.split(), row.after.split()
        assert before == list(world.of_split["test"][int(row.sentence_id)].forms)
        assert (before[row.position], after[row.position]) == (row.word, row.predicted)
    split = shown[shown["outcome"] == "split"]
    assert len(split)
    vocabulary = world.model.tokenizer.get_vocab()
    for row in split.itertuples():
        pieces = [vocabulary[piece] for piece in row.predicted.split()]
        (own,) = world.model.encode([[row.word]]).word_ids.tolist()
        assert len(pieces) == own.count(0) and world.model.join(pieces) is None
    few = Experiment(world, data).intervene(order, translation.Translation(), [D]).examples(n=2, seed=3)
    assert few["sentence_id"].nunique() == 2


def test_errors_say_what_to_do(world, data_of):
    data = data_of(1)
    order = rank("random", data)
    with pytest.raises(ValueError, match="whole number from 0 to the number of neurons, 16"):
        Experiment(world, data).intervene(order, ablation.Ablation(), [D + 1]).counts()
    with pytest.raises(ValueError, match="orders 3 neurons and the activations have 16"):
        Experiment(world, data).intervene(Ranking(np.arange(3), None, "short"), ablation.Ablation(), [0]).counts()
    with pytest.raises(ValueError, match=r"target 'TRI' is not one of the values \['DU', 'PL', 'SG'\]"):
        Experiment(world, data).intervene(order, translation.Translation(target="TRI"), [0]).counts()
    with pytest.raises(ValueError, match="beta must be above 0 and finite, not 0"):
        translation.Translation(beta=0)
    with pytest.raises(ValueError, match='value must be "zero" or "mean"'):
        ablation.Ablation("median")
    with pytest.raises(ValueError, match="use the world and split"):
        Experiment(TinyWorld(world.model, {**world.of_split, "test": world.of_split["dev"]}), data).intervene(
            order, ablation.Ablation(), [0]
        ).counts()


def test_a_tokenizer_that_decomposes_changes_no_outcome():
    """A prediction is compared with the original and looked up as composed, however the tokenizer spells it."""
    # The tokenizer writes the original, (1,), without its accent.
    words = {(1,): "arbol", (2,): "árboles", (3,): "árbol"}
    lexicon = Lexicon.from_forms("spa", [(f, "árbol", {"Number": n}) for f, n in [("árbol", "SG"), ("árboles", "PL")]])
    judged = []
    for spelling in ("NFC", "NFD"):
        spelt = {pieces: unicodedata.normalize(spelling, word) for pieces, word in words.items()}
        model = SimpleNamespace(join=lambda pieces, like=None, spelt=spelt: spelt[tuple(pieces)])
        run = SimpleNamespace(
            subject=SimpleNamespace(model=model, analyser=lambda: LexiconAnalyser(lexicon, "toy")),
            part=SimpleNamespace(language="spa", attribute="Number", values=("PL", "SG")),
            targets=SimpleNamespace(sentences=[0], positions=[0], values=[1]),
            sentences=[Sentence("1", (Word("árbol", "árbol", {"Number": "SG"}),))],
            aims=[1, 0],
        )
        judged.append([_Judge(run)(0, (1,), predicted) for predicted in words])
    assert judged[0] == judged[1]
    assert [form for _, form in judged[0]] == ["árbol", "árboles", "árbol"]
    assert judged[0][0] == judged[0][2] == ("unchanged", "árbol")
