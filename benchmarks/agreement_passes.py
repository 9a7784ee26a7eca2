"""Agreement the slow way: every text goes through the whole model for every k, and the head reads every slot.

A text is an item's words up to its place and a form, after which the word must end; texts that are the same, with the
same word changed, run once, as they do in the package. This takes its items, model and tokenizer, but none of its code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.full_passes import BATCH
from benchmarks.whole_passes import Batch, Passes, translation
from pitfalls.arrays.splits import Activations
from pitfalls.language.agreement import Item

# Stands for any piece that does not continue the word.
END = -1


class Text(NamedTuple):
    """Token ids, the slot that is changed, and the index of its word's value."""

    ids: tuple[int, ...]
    slot: int
    value: int


class Term(NamedTuple):
    """A piece whose log-probability after a slot counts for (+1) or against (-1) a row."""

    row: int
    sign: int
    slot: int
    piece: int


@dataclass(frozen=True)
class Asked:
    """Every text once, with its terms, for a table of ``n_rows`` margins; and the tokens that end a word."""

    texts: dict[Text, list[Term]]
    n_rows: int
    ends: list[int]


def asked(tokenizer: Any, items: Sequence[Item], rows: pd.DataFrame, values: Sequence[str]) -> Asked:
    """What a causal model must read for the rows of the package's table at one k."""

    def tokens(words: Sequence[str]) -> list[int]:
        return tokenizer(" ".join(words))["input_ids"]

    texts: defaultdict[Text, list[Term]] = defaultdict(list)
    for row, (item, position, value) in enumerate(_changed(items, rows)):
        first, slot = len(tokens(item.prefix)), len(tokens(item.words[: position + 1])) - 1
        for form, sign in ((item.right, 1), (item.wrong, -1)):
            ids = tokens([*item.prefix, form])
            pieces = [*ids[first:], END]
            terms = [Term(row, sign, i, piece) for i, piece in enumerate(pieces, first - 1)]
            texts[Text(tuple(ids), slot, values.index(value))] += terms
    return Asked(dict(texts), len(rows), ends_of(tokenizer))


def ends_of(tokenizer: Any) -> list[int]:
    """The tokens that begin with something other than a letter or a digit when they follow a word."""
    word = tokenizer("a")["input_ids"]
    before = tokenizer.decode(word)
    texts = tokenizer.batch_decode([[*word, token] for token in range(len(tokenizer))])
    more = [text.removeprefix(before)[:1] for text in texts]
    return [i for i, first in enumerate(more) if not first.isalnum() and first != "\N{REPLACEMENT CHARACTER}"]


def _changed(items: Sequence[Item], rows: pd.DataFrame) -> Iterator[tuple[Item, int, str]]:
    """The item of each row, and the position and the value of the word that is changed."""
    others: dict[int, Iterator[tuple[int, str]]] = {}
    for row in rows.itertuples():
        own = items[row.item]
        if row.changed == "controller":
            same = [item for item in items if item.sentence == own.sentence and item.words == own.words]
            found = {(item.controller, item.value) for item in same if item.controller < own.place}
            others[row.item] = iter(sorted(found - {(own.controller, own.value)}))
            yield own, own.controller, own.value
        else:
            yield own, *next(others[row.item])


@dataclass(frozen=True)
class AgreementPasses:
    """Translation of the changed words to their next value, at the layer of ``part``.

    Attributes
    ----------
    part:
        The words that give the mean vectors of the values.
    order, beta:
        The ranking, and how far its first neuron moves.
    """

    passes: Passes
    asked: Asked
    part: Activations
    order: NDArray[np.int64]
    beta: float

    def by_length(self) -> list[int]:
        """The texts in the order of their lengths."""
        lengths = [len(text.ids) for text in self.asked.texts]
        return sorted(range(len(lengths)), key=lengths.__getitem__)

    def margins(self, k: int, chosen: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Log-probability of the right form less that of the wrong one, nats, [n_rows].

        Runs all texts in their order, or those that are ``chosen``.
        """
        offset = translation(self.part, self.order, self.beta, k)
        texts = list(self.asked.texts.items())
        order = range(len(texts)) if chosen is None else chosen
        found = np.zeros(self.asked.n_rows)
        for start in range(0, len(order), BATCH):
            some = [texts[i] for i in order[start : start + BATCH]]
            terms = [(row, *term) for row, (_, own) in enumerate(some) for term in own]
            rows, trials, signs, slots, pieces = torch.tensor(terms).T
            batch = Batch(
                ids=[text.ids for text, _ in some],
                changed=torch.tensor([[row, text.slot] for row, (text, _) in enumerate(some)]).T,
                read=torch.stack([rows, slots]),
                offsets=offset[[text.value for text, _ in some]],
            )
            every = self.passes.logits(batch).double().log_softmax(-1)
            log_p = every[range(len(pieces)), pieces]
            log_p[pieces == END] = every[pieces == END][:, self.asked.ends].logsumexp(-1)
            np.add.at(found, trials.numpy(), (signs * log_p).numpy())
        return found
