"""Interventions judged by agreement, against whole passes of the plain model with a hook, item by item."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import CAUSAL, gemma_bytes, gpt2_bytes
from test_causal import saved
from tiny_worlds import conllu

import pitfalls as pf
from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions import margins, replay
from pitfalls.interventions.agreement import agreement_rates
from pitfalls.interventions.run import Run
from pitfalls.language.agreement import Item
from pitfalls.models.blanks import ENDS, Blank
from pitfalls.models.causal import CausalLM
from pitfalls.models.interface import TooLongError
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import mini_folder, world_from_files

KS = [3, 16]
OTHER = {"SG": "PL", "PL": "SG"}


def item(text: str, controller: int, place: int, wrong: str, value: str, attractors: Sequence[int] = ()) -> Item:
    return Item(
        language="eng",
        attribute="Number",
        relation="verb",
        words=tuple(text.split()),
        controller=controller,
        place=place,
        wrong=wrong,
        lemma="walk",
        value=value,
        wrong_value=OTHER[value],
        attractors=tuple(attractors),
        sentence=text,
    )


# Forms of one and of several pieces, as many as each other and not; the first two are of one sentence.
ITEMS = [
    item("the cats that a dog sees walk home", 1, 6, "walks", "PL", [4]),
    item("the cats that a dog sees walk home", 4, 5, "see", "SG"),
    item("a dog near the cats walks", 1, 5, "walk", "SG", [4]),
    item("the dogs do it", 1, 2, "does", "PL"),
]


@dataclass(frozen=True)
class Case:
    """A model with items, and the place of its blocks: ``kind`` is "causal" or "masked"."""

    experiment: Experiment
    kind: str
    block: str

    @cached_property
    def order(self) -> Ranking:
        return self.experiment.rank("probeless")

    def run(self, **options: Any) -> Run:
        return self.experiment.intervene(self.order, pf.ConstantTranslation(alpha=3, **options), ks=KS, sentences=2)


@pytest.fixture(scope="module", params=["llama", "gemma 3", "mini"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("agreement")
    files = [folder / f"en_toy-ud-{split}.conllu" for split in ("train", "dev", "test")]
    for offset, path in enumerate(files):
        path.write_text(conllu(20, offset), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITFALLS_CACHE", str(folder / "cache"))
        if request.param == "mini":
            return Case(
                world_from_files(mini_folder() / "bert", files, min_forms=4).experiment("eng", "Number", 2),
                "masked",
                "bert.encoder.layer.2",
            )
        tokenizer = {"llama": gpt2_bytes, "gemma 3": gemma_bytes}[request.param]()
        model = saved(CAUSAL[request.param].make(), tokenizer, folder / "model")
        made = world_from_files(model, files, min_forms=4).experiment("eng", "Number", 2)
        return Case(made, "causal", "model.layers.2")


# ------------------------------------------------------------------------------------------ the oracle


def slow_margin(case: Case, one: Item, position: int, value: str, k: int) -> float:
    """Two whole passes, or as many as the two forms have."""
    return slow_log_p(case, one, one.right, position, value, k) - slow_log_p(case, one, one.wrong, position, value, k)


def slow_log_p(case: Case, one: Item, form: str, position: int, value: str, k: int) -> float:
    lm, total = case.experiment.model, 0.0
    if case.kind == "causal":
        before = lm.tokenizer(" ".join(one.prefix))["input_ids"]
        ids = lm.tokenizer(" ".join([*one.prefix, form]))["input_ids"]
        end = len(lm.tokenizer(" ".join(one.words[: position + 1]))["input_ids"])
        for i in range(len(before), len(ids)):
            total += slow_pass(case, ids[:i], [end - 1], value, k)[-1, ids[i]]
        return float(total) + slow_log_p_end(case, ids, slow_pass(case, ids, [end - 1], value, k)[-1])
    pieces = lm.tokenizer(form, add_special_tokens=False)["input_ids"]
    words = [*one.prefix, *["[MASK]"] * len(pieces), *one.words[one.place + 1 :]]
    shifted = position if position < one.place else position + len(pieces) - 1
    encoded = lm.tokenizer([words], is_split_into_words=True)
    slots = [i for i, word in enumerate(encoded.word_ids(0)) if word == shifted]
    logits = slow_pass(case, encoded["input_ids"][0], slots, value, k)
    masks = [i for i, piece in enumerate(encoded["input_ids"][0]) if piece == lm.tokenizer.mask_token_id]
    return float(sum(logits[slot, piece] for slot, piece in zip(masks, pieces, strict=True)))


def slow_log_p_end(case: Case, ids: list[int], log_p: torch.Tensor) -> float:
    """The log-probability of all tokens that leave the text's last word as it is."""
    tokenizer = case.experiment.model.tokenizer
    text, p = tokenizer.decode(ids), 0.0
    for token in range(len(tokenizer)):
        more = tokenizer.decode([*ids, token]).removeprefix(text)
        if token in tokenizer.all_special_ids or not (more[:1].isalnum() or more[:1] == "\N{REPLACEMENT CHARACTER}"):
            p += float(log_p[token].exp())
    return math.log(p)


def slow_pass(case: Case, ids: Sequence[int], slots: Sequence[int], value: str, k: int) -> torch.Tensor:
    """Log-probabilities [t, vocabulary] of the plain model, a hook changing neuron after neuron before a block."""
    train, values = case.experiment.data.train, case.experiment.data.values
    mean = {v: train.X[train.y == i].astype(float).mean(0) for i, v in enumerate(values)}

    def change(_: Any, args: Any, kwargs: Any) -> Any:
        states = args[0].clone()
        for slot in slots:
            for neuron in case.order.order[:k].tolist():
                states[0, slot, neuron] += 3 * (mean[OTHER[value]][neuron] - mean[value][neuron])
        return (states, *args[1:]), kwargs

    model = case.experiment.model.model
    handle = model.get_submodule(case.block).register_forward_pre_hook(change, with_kwargs=True)
    with torch.no_grad():
        found = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    handle.remove()
    return found


# ------------------------------------------------------------------------------------------ margins


def assert_of_whole_passes(case: Case, items: Sequence[Item], found: pd.DataFrame) -> None:
    """The first two items are of one sentence, and those alone."""
    for row in found.itertuples():
        one = items[row.item]
        changed = one if row.changed == "controller" else items[1 - row.item]
        for k, margin in ((0, row.before), (row.k, row.margin)):
            expected = slow_margin(case, one, changed.controller, changed.value, k)
            assert margin == pytest.approx(expected, rel=1e-4, abs=1e-3)
        assert (row.sentence, row.value, row.attractors) == (
            one.sentence, one.value, "with" if one.attractors else "without"
        )  # fmt: skip


def test_margins_are_those_of_whole_passes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    # Several groups of several batches, and logits of a few places at a time.
    monkeypatch.setattr(replay, "_BATCH_TOKENS", 40)
    monkeypatch.setattr(replay, "_HELD_TOKENS", 80)
    monkeypatch.setattr(margins, "_LOGITS_AT_ONCE", 5)
    found = case.run().margins(ITEMS)
    assert len(found) == len(KS) * (4 + 2)
    assert_of_whole_passes(case, ITEMS, found)
    assert (found["margin"] - found["before"]).abs().max() > 0.05
    others = found[found["changed"] == "another controller"]["item"]
    # The dog of the first sentence stands before "walk", and the cats before "sees".
    assert set(others) == {0, 1}


def test_items_are_balanced_over_values(case: Case) -> None:
    more = [*ITEMS, item("the dogs near us walk", 1, 4, "walks", "PL"), item("the owls walk", 1, 2, "walks", "PL")]
    found = case.run().margins(more)
    own = found[(found["changed"] == "controller") & (found["k"] == KS[0])]
    assert own.groupby(["attractors", "value"]).size().eq(1).all() and len(own) == 4
    # Two of the three plurals without attractors are left out: which ones is drawn.
    assert len({frozenset(case.run().margins(more, seed)["item"]) for seed in range(9)}) > 1


def test_only_items_that_the_intervention_aims_at_are_taken(case: Case) -> None:
    found = case.run(target="PL").margins(ITEMS)
    # The other controller of a singular's sentence is plural already.
    assert set(found["value"]) == {"SG"} and set(found["changed"]) == {"controller"}
    nowhere = case.experiment.intervene(case.order, pf.Ablation(), ks=[3])
    assert set(nowhere.margins(ITEMS)["value"]) == {"PL", "SG"}
    with pytest.raises(ValueError, match=r"none of 2 items has a wrong form of the value .* another target"):
        case.run(target="PL").margins([one for one in ITEMS if one.value == "PL"])


def test_an_item_that_does_not_fit_is_named(case: Case) -> None:
    run, backwards = case.run(), item("walk the cats home", 2, 0, "walks", "PL")
    if case.kind == "causal":
        with pytest.raises(ValueError, match=r"'cats' stands after the place 'walk', and .* reads from left to right"):
            run.margins([*ITEMS, backwards])
    else:
        assert len(run.margins([backwards, item("walks the cat", 2, 0, "walk", "SG")])) == 2 * len(KS)
    for items, said in (
        ([], "no item: make some with"),
        ([replace(ITEMS[0], attribute="Person")], "items of eng Person for an intervention on eng Number"),
        ([replace(ITEMS[0], value="DU")], "has the value DU, and the word vectors have PL SG"),
        ([one for one in ITEMS if one.value == "PL"], None),
    ):
        if said:
            with pytest.raises(ValueError, match=said):
                run.margins(items)
        else:
            assert set(run.margins(items)["value"]) == {"PL"}


def test_forms_that_a_tokenizer_does_not_tell_apart_are_left_out(case: Case) -> None:
    unknown, run = item("the cats 走 home", 1, 2, "歩", "PL"), case.run()
    if "ByteLevel" in str(case.experiment.model.tokenizer.backend_tokenizer.decoder):
        # It knows every byte.
        assert 4 in set(run.margins([*ITEMS, unknown, item("a dog 走", 1, 2, "歩", "SG")])["item"])
        return
    # One form may be unknown, or the controller; and to a tokenizer a soft hyphen may be nothing.
    others = [
        item(text, 1, 2, wrong, "PL") for text, wrong in (("the cats 走", "walks"), ("the cats walk", "wal\u00adk"))
    ]
    # All of the controller, or part of it.
    others += [item(f"{controller} walk home", 0, 1, "walks", "PL") for controller in ("走", "走-cats")]
    with pytest.warns(UserWarning, match=r"5 of 9 items are left out: .* '走' and '歩' of 'cats'"):
        found = run.margins([*ITEMS, unknown, *others])
    pd.testing.assert_frame_equal(found, run.margins(ITEMS))
    with pytest.raises(ValueError, match=r"1 of 1 items .* take a model that was trained on eng"):
        run.margins([unknown])


def test_nothing_above_the_last_layer_reads_another_word(case: Case) -> None:
    world = case.experiment.world
    last = world.experiment("eng", "Number", world.model.n_layers)
    run = last.intervene(last.rank("probeless"), pf.Ablation(), ks=[3])
    with pytest.raises(ValueError, match=r"nothing above .* reads other words, .* take a layer below 4"):
        run.margins(ITEMS)


def test_an_item_that_is_too_long_is_named_by_its_own_index(case: Case) -> None:
    long = item(" ".join(["the"] * 80 + ["cat", "walks"]), 80, 81, "walk", "SG")
    with pytest.raises(TooLongError, match="sentence 4 has") as caught:
        # Of the others, two are plural already.
        case.run(target="PL").margins([*ITEMS, long])
    assert caught.value.index == 4


def test_an_item_given_twice_counts_twice(case: Case) -> None:
    plural, singular = ITEMS[3], item("a dog does it", 1, 2, "do", "SG")
    found = case.run().margins([plural, plural, plural, singular])
    assert len(found[found["k"] == KS[0]]) == 2
    with pytest.raises(TypeError, match=r"items\[1\] is of type str"):
        case.run().margins([plural, "the dogs do it"])  # type: ignore[list-item]


def test_texts_of_one_id_are_two_sentences(case: Case) -> None:
    pair = ITEMS[3], ITEMS[1]
    found = case.run().margins([replace(one, sentence="1") for one in pair])
    # Neither has the other's controller.
    assert set(found["sentence"]) == {"1", "1 (2)"} and set(found["changed"]) == {"controller"}
    nameless = case.run().margins([replace(one, sentence="") for one in pair])
    assert set(nameless["sentence"]) == {"item 0", "item 1"}
    # A causal model has not read the dog where it says what the cats do; and what is open is never changed.
    text = "the cats walk where a dog walks"
    for controller, others in ((5, {1} if case.kind == "causal" else {0, 1}), (2, {1})):
        items = [item(text, 1, 2, "walks", "PL"), item(text, controller, 6, "walk", "SG")]
        found = case.run().margins(items)
        assert_of_whole_passes(case, items, found)
        assert set(found[found["changed"] == "another controller"]["item"]) == others


def test_what_a_causal_model_reads_begins_before_the_form() -> None:
    lm = CausalLM(CAUSAL["gpt2"].make(), gpt2_bytes())
    (filling,) = lm.fillings([Blank(("the", "cat", "walks"), 2, "walk")])
    assert lm.pieces(filling.ids) == ["the", "Ġcat", "Ġ", "w", "a", "l", "k"]
    assert filling.slots == (1, 2, 3, 4, 5, 6) and filling.pieces == (*filling.ids[2:], ENDS)
    with pytest.raises(ValueError, match=r"nothing stands before 'the' in 'the cat walks', and .* leave out"):
        lm.fillings([Blank(("the", "cat", "walks"), 0, "the")])


# ------------------------------------------------------------------------------------------ rates


def test_rates_are_sums_over_resampled_sentences() -> None:
    generator = np.random.default_rng(0)
    shared = {"ranking": "linear", "relation": "verb", "value": "SG", "wrong_value": "PL"}
    rows = [
        {
            **shared,
            "k": k,
            "item": i,
            "sentence": f"s{i // 2}",
            "attractors": ("with", "without")[i % 2],
            "changed": changed,
            "before": 1.0 - i % 3,
            "margin": float(generator.normal()),
        }
        for k in (0, 8)
        for changed, n_items in (("controller", 10), ("another controller", 6))
        for i in range(n_items)
    ]
    table = pd.DataFrame(rows)
    found = agreement_rates(table, draws=50, level=0.8, seed=3).set_index(["attractors", "measure", "k"])
    for (attractors, measure, k), got in found.iterrows():
        changed = "another controller" if measure == "damage" else "controller"
        part = table[(table["changed"] == changed) & (table["k"] == k)]
        part = part if attractors == "all" else part[part["attractors"] == attractors]
        of = {
            "accuracy": lambda one: float(one["margin"] > 0),
            "margin": lambda one: one["margin"],
            "shift": lambda one: one["margin"] - one["before"],
        }.get(measure, lambda one: float((one["margin"] > 0) != (one["before"] > 0)))
        values = {s: [of(one) for _, one in rows.iterrows()] for s, rows in part.groupby("sentence")}
        everything = [value for own in values.values() for value in own]
        assert got["mean"] == pytest.approx(np.mean(everything)) and got["items"] == len(everything)
        before = [of({**one, "margin": one["before"]}) for _, one in part.iterrows()]
        assert got["baseline"] == pytest.approx(np.mean(before))
        n = len(values)
        weights = np.random.default_rng(3).multinomial(n, np.full(n, 1 / n), size=50)
        drawn = [
            np.mean([value for s, times in zip(values, draw, strict=True) for value in values[s] * int(times)])
            for draw in weights
        ]
        assert (got["low"], got["high"]) == pytest.approx(tuple(np.quantile(drawn, [0.1, 0.9])))
        assert got["sentences"] == n
    assert set(found.index.get_level_values("measure")) == {"accuracy", "margin", "shift", "flip rate", "damage"}
    with pytest.raises(ValueError, match="rows of several runs: ranking is linear and random"):
        agreement_rates(pd.concat([table, table.assign(ranking="random")]))
    with pytest.raises(ValueError, match="1 sentences cannot be resampled"):
        agreement_rates(table[table["sentence"] == "s0"])
    for draws, level in ((0, 0.5), (10, 1.0)):
        with pytest.raises(ValueError, match="draws must be 1 or more and level between"):
            agreement_rates(table, draws, level)


def test_a_run_gives_both_tables(case: Case) -> None:
    run = case.run()
    table = run.agreement(ITEMS, draws=20)
    pd.testing.assert_frame_equal(table, agreement_rates(run.margins(ITEMS), draws=20))
    assert set(table["attractors"]) == {"all", "without", "with"} and set(table["k"]) == set(KS)
    assert table["site"].eq("residual").all() and table["layer"].eq(2).all()
