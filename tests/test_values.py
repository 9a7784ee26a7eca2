"""The value filter against counting by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language.corpus import Corpus, Sentence, Word
from pitfalls.language.values import form_counts, kept_values


def corpus(pairs: list[tuple[str, str]], attribute: str = "Number", language: str = "eng") -> Corpus:
    """A corpus of one-word sentences from (form, value)."""
    sentences = tuple(
        Sentence(str(i), (Word(form, form, {attribute: value}),)) for i, (form, value) in enumerate(pairs)
    )
    return Corpus(language, sentences, "toy")


def many(value: str, n_forms: int, times: int = 1) -> list[tuple[str, str]]:
    return [(f"{value}{i}", value) for i in range(n_forms)] * times


FULL = corpus(many("SG", 100) + many("PL", 100))


def test_the_threshold_is_a_hundred_distinct_forms_in_every_split():
    assert kept_values("Number", FULL, FULL, FULL) == ("PL", "SG")
    # 99 forms are too few however often they occur, whichever the split.
    short = corpus(many("SG", 100) + many("PL", 99, times=3))
    assert kept_values("Number", short, FULL, FULL) == ("SG",)
    assert kept_values("Number", FULL, short, FULL) == ("SG",)
    assert kept_values("Number", FULL, FULL, short) == ("SG",)


def test_forms_are_compared_as_written_and_canonically_equal_ones_count_once():
    both = corpus([("The", "SG"), ("the", "SG")])
    assert kept_values("Number", both, both, both, min_forms=2) == ("SG",)
    spellings = corpus([("caf\u00e9", "SG"), ("cafe\u0301", "SG"), ("th\u00e9", "SG")])
    assert form_counts("Number", {"train": spellings}).values.tolist() == [["SG", "train", 2, 3]]
    assert kept_values("Number", spellings, spellings, spellings, min_forms=3) == ()


def test_an_attribute_of_the_paper_that_the_language_lacks_has_no_values():
    assert kept_values("Possession", FULL, FULL, FULL) == ()
    assert form_counts("Possession", {"train": FULL}).empty
    assert list(form_counts("Possession", {"train": FULL}).columns) == ["value", "split", "forms", "words"]


def test_an_attribute_of_another_world_is_taken():
    planted = corpus([("a", "x"), ("b", "y")], attribute="Colour")
    assert kept_values("Colour", planted, planted, planted, min_forms=1) == ("x", "y")


def test_errors_name_what_was_wrong():
    for asks in (kept_values, lambda name, *splits: form_counts(name, {"train": splits[0]})):
        with pytest.raises(ValueError, match=r"'Nmber'.*Number"):
            asks("Nmber", FULL, FULL, FULL)
    with pytest.raises(ValueError, match="-1"):
        kept_values("Number", FULL, FULL, FULL, min_forms=-1)
    with pytest.raises(ValueError, match=r"eng.*spa"):
        kept_values("Number", FULL, corpus([("gato", "SG")], language="spa"), FULL)


PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["DU", "PL", "SG"])), max_size=25)


@given(PAIRS, PAIRS, PAIRS, st.integers(0, 4))
def test_the_filter_is_the_counting(train, dev, test, least):
    def forms(pairs: list[tuple[str, str]], value: str) -> int:
        return len({form for form, carried in pairs if carried == value})

    splits = [train, dev, test]
    expected = tuple(
        value for value in ("DU", "PL", "SG") if all(forms(pairs, value) >= max(least, 1) for pairs in splits)
    )
    assert kept_values("Number", *map(corpus, splits), min_forms=least) == expected


@given(PAIRS, PAIRS)
def test_the_counts_are_tidy_and_whole(train, dev):
    splits: Mapping[str, list[tuple[str, str]]] = {"train": train, "dev": dev}
    table = form_counts("Number", {name: corpus(pairs) for name, pairs in splits.items()})
    values = sorted({value for _, value in train + dev})
    assert table[["value", "split"]].to_numpy().tolist() == [[v, s] for v in values for s in splits]
    for value, split, n_forms, n_words in table.itertuples(index=False):
        assert n_forms == len({form for form, carried in splits[split] if carried == value})
        assert n_words == sum(carried == value for _, carried in splits[split])
