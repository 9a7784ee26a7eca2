"""Constructed minimal pairs: balanced, every four alike but for number, and no noun in two splits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import permutations

import pytest
import simplemma
from hypothesis import given
from hypothesis import strategies as st
from tiny_worlds import conllu

import pitfalls as pf
from pitfalls.columns import SPLITS
from pitfalls.language.agreement import Item, agreeing, minimal_pairs
from pitfalls.worlds.load import mini_folder, world_from_files

NOUNS = {"train": 30, "dev": 12, "test": 18}
IRREGULAR = ["children", "geese", "knives", "men", "mice", "wolves", "women"]
VERSIONS = [("SG", False), ("SG", True), ("PL", False), ("PL", True)]
DEV = minimal_pairs("dev")


def second(item: Item) -> str:
    """The noun between controller and place: all prefixes end in it."""
    return item.words[item.place - 1]


def regular(plural: str) -> bool:
    return plural.endswith("s") and not plural.endswith("ves")


def fours(split: str) -> list[tuple[Item, ...]]:
    items = minimal_pairs(split)
    return [items[start : start + 4] for start in range(0, len(items), 4)]


def forms(split: str) -> dict[str, set[str]]:
    """The forms of a split's nouns by value, read off the controllers."""
    found: dict[str, set[str]] = {"SG": set(), "PL": set()}
    for item in minimal_pairs(split):
        found[item.value].add(item.words[item.controller])
    return found


@pytest.mark.parametrize("split", SPLITS)
def test_every_version_is_equally_frequent_in_all_items_and_in_few(split):
    n = NOUNS[split]
    for count, each in ((None, n * (n - 1)), (40, 10), (43, 10), (4, 1)):
        cells = Counter((item.value, bool(item.attractors)) for item in minimal_pairs(split, count))
        assert cells == dict.fromkeys(VERSIONS, each)


@pytest.mark.parametrize("split", SPLITS)
def test_the_four_versions_of_a_sentence_share_all_but_number(split):
    pairs = set()
    for four in fours(split):
        assert [(item.value, bool(item.attractors)) for item in four] == VERSIONS
        ((place, controller),) = {(item.place, item.controller) for item in four}
        for at, order in ((controller, (0, 0, 2, 2)), (place, (0, 0, 2, 2)), (place - 1, (0, 1, 1, 0))):
            assert [item.words[at] for item in four] == [four[i].words[at] for i in order]
            assert len({item.words[at] for item in four}) == 2
        assert len({frozenset((item.right, item.wrong)) for item in four}) == 1
        for i, (word, *others) in enumerate(zip(*(item.words for item in four), strict=True)):
            assert i in (controller, place - 1, place) or {word} == set(others)
        pairs.add((four[0].words[controller], second(four[0])))
    # Every two different nouns, in both orders.
    assert pairs == set(permutations(forms(split)["SG"], 2))


@pytest.mark.parametrize("split", SPLITS)
def test_an_attractor_is_a_noun_in_between_with_the_other_number(split):
    number = {form: value for value, own in forms(split).items() for form in own}
    for item in minimal_pairs(split):
        between = [i for i in range(item.controller + 1, item.place) if item.words[i] in number]
        assert between == [item.place - 1]
        assert item.attractors == tuple(i for i in between if number[item.words[i]] != item.value)


def test_no_noun_is_in_two_splits_and_every_noun_shows_its_number():
    for split in SPLITS:
        own = forms(split)
        assert len(own["SG"]) == len(own["PL"]) == NOUNS[split] and not own["SG"] & own["PL"]
        # Another's lemmatiser leads the plurals back to the singulars.
        assert {simplemma.lemmatize(form, lang="en") for form in own["PL"]} == own["SG"]
    # It would lead "mouses" to "mouse", too.
    assert set(IRREGULAR) == {form for split in SPLITS for form in forms(split)["PL"] if not regular(form)}
    words = {split: set.union(*forms(split).values()) for split in SPLITS}
    for one, other in permutations(SPLITS, 2):
        read = {word for item in minimal_pairs(other) for word in item.words}
        assert not words[one] & read


def test_items_are_causal_and_agree_as_the_table_of_english_says():
    paradigms = {"be": ({"is", "was"}, {"are", "were"}), "have": ({"has"}, {"have"})}
    for item in (item for split in SPLITS for item in minimal_pairs(split)):
        singular, plural = paradigms[item.lemma]
        right, wrong = (singular, plural) if item.value == "SG" else (plural, singular)
        assert item.causal and item.right in right and item.wrong in wrong
        assert (item.language, item.attribute) == ("eng", "Number") and item.relation in agreeing("eng", "Number")
        assert item.words[0] == "The" and item.words[-1] == "." and len(item.words) > item.place + 2
        assert {item.value, item.wrong_value} == {"SG", "PL"}


def test_every_item_is_a_sentence_of_its_own():
    items = [item for split in SPLITS for seed in (0, 1) for item in minimal_pairs(split, 400, seed)]
    assert len({item.sentence for item in items}) == len(items)
    for split in SPLITS:
        assert len({item.words for item in minimal_pairs(split)}) == len(minimal_pairs(split))


def test_a_pair_of_nouns_comes_in_all_frames():
    """The frame is drawn for every pair: no preposition and no verb is rare."""
    found = defaultdict(Counter)
    for first, *_ in fours("train"):
        found["verb"][first.right] += 1
        words = first.words[first.controller + 1 : first.place - 2]
        found["preposition"][" ".join(words)] += 1
        found["adjective"][first.controller] += 1
    for kinds, fewest in (("verb", 200), ("preposition", 100), ("adjective", 300)):
        assert min(found[kinds].values()) > fewest
    assert (len(found["verb"]), len(found["preposition"])) == (3, 6)


@given(st.sampled_from(SPLITS), st.integers(4, 528), st.integers(0, 3))
def test_fewer_items_are_the_first_of_more(split, count, seed):
    items = minimal_pairs(split, count, seed)
    assert len(items) == count - count % 4
    assert items == minimal_pairs(split, min(count + 21, 528), seed)[: len(items)]


def test_the_seed_decides_the_order_and_the_frames():
    other = minimal_pairs("dev", seed=1)
    assert {item.words for item in DEV} != {item.words for item in other}
    key = Counter((item.words[item.controller], second(item)) for item in DEV)
    assert key == Counter((item.words[item.controller], second(item)) for item in other)
    script = (
        "import json; from pitfalls.language.agreement import minimal_pairs;"
        "print(json.dumps([item.words for item in minimal_pairs('dev', 100)]))"
    )
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert json.loads(done.stdout) == [list(item.words) for item in DEV[:100]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("validation",), r"no split 'validation': take train, dev, test"),
        (("dev", 3), r"count must be a whole number, 4 or more, not 3"),
        (("dev", True), r"count must be a whole number, 4 or more, not True"),
        (("dev", 40.0), r"count must be a whole number, 4 or more, not 40\.0"),
        (("dev", 529), r"count is 529, and dev has 528 items: ask for at most that many"),
        (("dev", 8, -1), r"a seed must be a whole number, 0 or more, not -1"),
        (("dev", 8, None), r"a seed must be a whole number, 0 or more, not None"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        minimal_pairs(*arguments)
    assert minimal_pairs("dev", 528) == DEV


def test_a_run_takes_the_items(tmp_path, monkeypatch):
    """The mini causal model spells words that it does not know, so it can judge every item."""
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    files = [tmp_path / f"en_toy-ud-{split}.conllu" for split in SPLITS]
    for offset, path in enumerate(files):
        path.write_text(conllu(20, offset), encoding="utf-8")
    experiment = world_from_files(mini_folder() / "causal", files, min_forms=4).experiment("eng", "Number", 2)
    run = experiment.intervene(experiment.rank("probeless"), pf.ConstantTranslation(alpha=3), ks=[0, 64], sentences=2)
    items = minimal_pairs("test", 24)
    rows = run.margins(items)
    assert set(rows["item"]) == set(range(24)) and rows["margin"].notna().all()
    table = run.agreement(items)
    assert set(table["attractors"]) == {"all", "with", "without"}
    assert table.loc[table["attractors"] != "all", "items"].eq(12).all()
