"""The agreement items of a study: from a treebank, and constructed or generated ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pitfalls.columns import SPLITS
from pitfalls.language import treebanks
from pitfalls.language.agreement import Item, from_treebank, generated
from pitfalls.language.agreement.items import balanced
from pitfalls.language.agreement.minimal_pairs import minimal_pairs
from pitfalls.language.grammar.core import Draw
from pitfalls.study.agreement import Items
from pitfalls.study.real import plan
from pitfalls.worlds.sources import TreebankSource
from pitfalls.worlds.world import World


def items_of(world: World, language: str, draw: plan.Draw) -> Items:
    """The items of each split, drawn with a seed.

    Of a treebank, those whose controller comes first and whose place comes early enough. Dev and test have few with
    attractors; further ones come from training sentences that the world leaves out (:meth:`.World.sampled`), a third of
    them for dev. Constructed items come after them; their nouns are those of one split only. In the mini world, all are
    generated.

    Parameters
    ----------
    world : a sampled one, if its text is a treebank
    """
    if not isinstance(world.whole.source, TreebankSource):
        return Items(*(_generated(language, draw, split) for split in SPLITS))
    natural = _natural(world, language, draw)
    apart = _apart([_some(natural[split], draw.items[split], draw.seed) for split in SPLITS], draw.seed)
    return Items(
        *([*own, *minimal_pairs(split, draw.pairs[split], draw.seed)] for split, own in zip(SPLITS, apart, strict=True))
    )


def _generated(language: str, draw: plan.Draw, split: str) -> Sequence[Item]:
    seed = 9_000_000 + 10 * draw.seed + SPLITS.index(split)
    return generated(language, plan.AGREES, max(1, draw.pairs[split] // 4), seed)


def _natural(world: World, language: str, draw: plan.Draw) -> Mapping[str, Sequence[Item]]:
    """The items of the treebank by split."""
    source = world.whole.source
    assert isinstance(source, TreebankSource)
    files = {split: treebanks.locate(language, split, source.folder) for split in SPLITS}
    found = {
        split: [
            item
            for item in from_treebank(path, language, plan.AGREES, [f for f in files.values() if f != path], draw.seed)
            if item.causal and 0 < len(item.prefix) <= draw.longest
        ]
        for split, path in files.items()
    }
    drawn = {tuple(sentence.forms) for sentence in world.sentences(language, "train")}
    left_out = [item for item in found["train"] if item.words not in drawn and item.attractors]
    known = {item.words for split in ("dev", "test") for item in found[split]}
    further = [item for item in left_out if item.words not in known]
    return {
        "train": [item for item in found["train"] if item.words in drawn],
        "dev": [*found["dev"], *further[::3]],
        "test": [*found["test"], *(item for i, item in enumerate(further) if i % 3)],
    }


def _apart(splits: Iterable[Sequence[Item]], seed: int) -> Iterator[Sequence[Item]]:
    """The items of each split but those of a text that an earlier one has, balanced anew.

    A treebank repeats sentences, and one sentence may have several items.
    """
    known: set[tuple[str, ...]] = set()
    for items in splits:
        yield balanced([item for item in items if item.words not in known], seed)
        known |= {item.words for item in items}


def _some(items: Iterable[Item], counts: tuple[int, int], seed: int) -> list[Item]:
    """At most so many of each value, without attractors and with, as many of each value."""
    chosen: list[Item] = []
    kept = balanced(items, seed)
    for misled, count in zip((False, True), counts, strict=True):
        for value in sorted({item.value for item in kept}):
            left = [item for item in kept if item.value == value and bool(item.attractors) == misled]
            draw = Draw(seed)
            chosen += [left.pop(draw.choice(range(len(left)))) for _ in range(min(count, len(left)))]
    return chosen
