"""What the generated languages share: words, trees, a stable source of chance, and CoNLL-U.

A grammar draws a dependency :class:`Tree` of inflected forms (:class:`Form`); the functions here turn trees into
sentences and sentences into CoNLL-U, and draw an endless stream of different sentences.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")


class Draw:
    """A seeded source of chance that makes the same draws on every Python version.

    Only ``random.Random.random`` is used, the one method whose sequence Python promises to keep; so a corpus
    is the same byte for byte wherever it is made.

    Examples
    --------
    >>> draw = Draw(seed=0)
    >>> draw.choice(["cat", "dog", "owl"])
    'owl'
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        """True with the given probability (0 to 1)."""
        return self._random.random() < probability

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``, all equally likely."""
        return options[int(self._random.random() * len(options))]

    def weighted(self, options: Sequence[tuple[float, T]]) -> T:
        """One of ``(weight, option)`` pairs, in proportion to the weights (any positive numbers)."""
        point = self._random.random() * sum(weight for weight, _ in options)
        for weight, option in options:
            point -= weight
            if point < 0:
                return option
        return options[-1][1]


@dataclass(frozen=True)
class Form:
    """An inflected word: its two pieces, its lemma, and its Universal Dependencies tag and features.

    ``stem + ending`` is the word as written. Stems are shared by the forms of a lemma and endings by many
    lemmas; that lets a model learn "the same word, another number" (stem + ending subwords).

    Examples
    --------
    >>> Form("gat", "os", "gato", "NOUN", (("Gender", "Masc"), ("Number", "Plur"))).text
    'gatos'
    """

    stem: str
    ending: str
    lemma: str
    upos: str
    feats: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The word as written."""
        return self.stem + self.ending


def feats(**values: str) -> tuple[tuple[str, str], ...]:
    """UD features in the order CoNLL-U wants them (alphabetical, case-insensitive); empty values are left out.

    Examples
    --------
    >>> feats(Number="Plur", Case="Nom", Gender="")
    (('Case', 'Nom'), ('Number', 'Plur'))
    """
    pairs = ((name.replace("__", "["), value) for name, value in values.items() if value)
    named = ((name + "]" if "[" in name else name, value) for name, value in pairs)
    return tuple(sorted(named, key=lambda pair: pair[0].lower()))


@dataclass
class Tree:
    """A word with its dependents, those before it and those after it, each in surface order.

    Examples
    --------
    >>> noun = Tree(Form("cat", "", "cat", "NOUN"), "nsubj", left=[Tree(Form("the", "", "the", "DET"), "det")])
    >>> [token.form.text for token in linearise(Tree(Form("sleeps", "", "sleep", "VERB"), "root", left=[noun]))]
    ['the', 'cat', 'sleeps']
    """

    form: Form
    deprel: str
    left: list[Tree] = field(default_factory=list)
    right: list[Tree] = field(default_factory=list)


@dataclass(frozen=True)
class Token:
    """One word of a sentence: its form, the position of its head (1-based, 0 for the root) and the relation."""

    form: Form
    head: int
    deprel: str


def linearise(tree: Tree) -> list[Token]:
    """The words of a tree in surface order, each with its head's position."""
    nodes: list[Tree] = []
    parents: list[Tree | None] = []

    def visit(node: Tree, parent: Tree | None) -> None:
        for child in node.left:
            visit(child, node)
        nodes.append(node)
        parents.append(parent)
        for child in node.right:
            visit(child, node)

    visit(tree, None)
    position = {id(node): index + 1 for index, node in enumerate(nodes)}
    return [
        Token(node.form, 0 if parent is None else position[id(parent)], node.deprel)
        for node, parent in zip(nodes, parents, strict=True)
    ]


class Grammar(Protocol):
    """A generated language."""

    language: str
    """ISO 639-3 code, as in the paper's tables (``eng``, ``spa``, ``rus``, ``tur``)."""

    def sentence(self, draw: Draw) -> Tree:
        """One sentence; the root's deprel is ``root``."""
        ...

    def paradigms(self) -> Iterator[Form]:
        """Every form of every lemma, whether or not a sentence happens to use it."""
        ...


def sentences(grammar: Grammar, seed: int, known: Collection[str] = ()) -> Iterator[list[Token]]:
    """An endless stream of different sentences: none repeats, and none has a text in ``known``."""
    draw = Draw(seed)
    seen: set[str] = set(known)
    while True:
        tokens = linearise(grammar.sentence(draw))
        line = text(tokens)
        if line not in seen:
            seen.add(line)
            yield tokens


def text(tokens: Sequence[Token]) -> str:
    """The sentence with one space between tokens, punctuation marks included."""
    return " ".join(token.form.text for token in tokens)


def to_conllu(tokens: Sequence[Token], sent_id: str) -> str:
    """One sentence as a CoNLL-U block that ends in a blank line."""
    lines = [f"# sent_id = {sent_id}", f"# text = {text(tokens)}"]
    for index, token in enumerate(tokens, start=1):
        features = "|".join(f"{name}={value}" for name, value in token.form.feats) or "_"
        form = token.form
        columns = (index, form.text, form.lemma, form.upos, "_", features, token.head, token.deprel, "_", "_")
        lines.append("\t".join(str(column) for column in columns))
    return "\n".join(lines) + "\n\n"
