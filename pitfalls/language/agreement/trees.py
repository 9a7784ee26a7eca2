"""Sentences with their dependencies: surface words as the corpus reader gives them, each with its head.

:func:`pitfalls.language.corpus.read_conllu` needs no dependencies, so it accepts files without them. Here every word
needs a head.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

from pitfalls.language.conllu_lines import CheckedLines, CorpusError
from pitfalls.language.forms import composed
from pitfalls.language.grammar.core import Token
from pitfalls.language.quoting import quoted

_HEAD = re.compile("[0-9]{1,9}")
_RELATION = re.compile(r"[^\s_]\S*")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Node:
    """A surface word: form, lemma, UPOS and UD features, the position of its head (None: the root) and the relation.

    A contraction ("del" = "de" + "el") has neither UPOS nor relation, because its parts have several: it agrees with
    nothing, and nothing agrees with it.
    """

    form: str
    lemma: str
    upos: str
    feats: Mapping[str, str] = field(hash=False)
    head: int | None
    relation: str


@dataclass(frozen=True)
class Tree:
    """A sentence: its id, and its surface words in order.

    Examples
    --------
    >>> cats = Node("cats", "cat", "NOUN", {"Number": "Plur"}, 1, "nsubj")
    >>> sleep = Node("sleep", "sleep", "VERB", {"Number": "Plur"}, None, "root")
    >>> Tree("1", (cats, sleep)).children(1)
    (0,)
    """

    id: str
    nodes: tuple[Node, ...]

    @property
    def forms(self) -> tuple[str, ...]:
        """The words as written, which are what a model reads."""
        return tuple(node.form for node in self.nodes)

    @cached_property
    def _children(self) -> tuple[tuple[int, ...], ...]:
        below: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            if node.head is not None:
                below[node.head].append(position)
        return tuple(map(tuple, below))

    def children(self, position: int) -> tuple[int, ...]:
        """The positions of the words that depend on the one at ``position``, in order."""
        return self._children[position]


def read_trees(path_or_paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> tuple[Tree, ...]:
    r"""Read the sentences of one or several CoNLL-U files with their dependencies.

    Their words are those of ``read_conllu``, in the same order.

    Raises
    ------
    CorpusError
        A file is not the CoNLL-U that ``read_conllu`` expects, or a word's HEAD or DEPREL is missing or impossible.
    ValueError
        No file is given.

    Examples
    --------
    >>> import tempfile
    >>> rows = ["1\tCats\tcat\tNOUN\t_\tNumber=Plur\t2\tnsubj\t_\t_", "2\tsleep\tsleep\tVERB\t_\t_\t0\troot\t_\t_"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "toy.conllu")
    ...     _ = path.write_text("\n".join(rows) + "\n\n", encoding="utf-8")
    ...     (tree,) = read_trees(path)
    >>> tree.id, tree.forms, tree.nodes[0].head, tree.nodes[0].relation
    ('toy-1', ('Cats', 'sleep'), 1, 'nsubj')
    """
    if isinstance(path_or_paths, (str, os.PathLike)):
        path_or_paths = [path_or_paths]
    paths = [Path(path) for path in path_or_paths]
    if not paths:
        raise ValueError("no file to read: path_or_paths is empty; give at least one CoNLL-U file")
    return tuple(tree for path in paths for tree in _read_file(path))


def with_noun_cases(tree: Tree) -> Tree:
    """The same tree, in which the Case of a determiner or adjective says whether its noun has a postposition.

    In Hindi this decides between यह and इस, नया and नये; treebanks write a case that depends on the noun's role.

    Examples
    --------
    >>> this = Node("इस", "यह", "DET", {"Number": "Sing"}, 1, "det")
    >>> law = Node("कानून", "कानून", "NOUN", {"Number": "Sing"}, None, "root")
    >>> of = Node("का", "का", "ADP", {}, 1, "case")
    >>> [with_noun_cases(Tree("1", nodes)).nodes[0].feats["Case"] for nodes in ((this, law), (this, law, of))]
    ['Dir', 'Obl']
    """
    return Tree(tree.id, tuple(_with_case(tree, node) for node in tree.nodes))


def _with_case(tree: Tree, node: Node) -> Node:
    if node.head is None or node.relation not in ("det", "amod"):
        return node
    marked = any(tree.nodes[child].relation == "case" for child in tree.children(node.head))
    return replace(node, feats={**node.feats, "Case": "Obl" if marked else "Dir"})


def tree_of(tokens: Sequence[Token], sentence: str) -> Tree:
    """The tree of a generated sentence, under the id ``sentence``.

    Examples
    --------
    >>> from pitfalls.language.grammar.core import Form
    >>> tree_of([Token(Form("cat", "s", "cat", "NOUN"), 0, "root")], "eng-0").forms
    ('cats',)
    """
    nodes = [
        Node(form.text, form.lemma, form.upos, dict(form.feats), token.head - 1 if token.head else None, token.deprel)
        for token in tokens
        for form in (token.form,)
    ]
    return Tree(sentence, tuple(nodes))


class _TreeLines(CheckedLines):
    """Checked lines that also check HEAD and DEPREL and pass them on."""

    def _start(self) -> None:
        super()._start()
        self.farthest = 0

    def _end(self) -> None:
        if self.farthest > self.words:
            found = f"HEAD {self.farthest} in a sentence that ends at word {self.words}"
            raise self._error(found, "the number of a word of the same sentence")
        super()._end()

    def _token(self, line: str) -> list[str]:
        checked = super()._token(line)
        head, relation = line.split("\t")[6:8]
        if checked[0].isdecimal():
            self._check_dependency(checked[0], head, relation)
        return [*checked, head, relation]

    def _check_dependency(self, number: str, head: str, relation: str) -> None:
        if not _HEAD.fullmatch(head) or int(head) == int(number):
            raise self._error(
                f"HEAD {quoted(head)} of word {number}",
                "the number of the word it depends on, or 0 for the root: agreement is found by dependencies",
            )
        if not _RELATION.fullmatch(relation):
            raise self._error(f"DEPREL {quoted(relation)} of word {number}", 'a relation, such as "nsubj"')
        self.farthest = max(self.farthest, int(head))


def _read_file(path: Path) -> Iterator[Tree]:
    """The sentences of one file."""
    count = 0
    try:
        with path.open("rb") as stream:
            for count, (name, rows) in enumerate(_blocks(_TreeLines(path, stream)), start=1):
                yield Tree(name or f"{path.stem}-{count}", _surface(rows))
    except OSError as error:
        raise CorpusError(str(path), None, f"cannot be read ({error.strerror})", "a CoNLL-U file") from error
    if not count:
        raise CorpusError(str(path), None, "the file holds no sentence", "at least one sentence of CoNLL-U")


def _blocks(lines: Iterable[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Each sentence's id, if it has one, and its rows."""
    name, rows = "", []
    for line in lines:
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            name = value.strip() if key.strip() == "sent_id" else name
        elif line.strip():
            rows.append(line.rstrip("\n").split("\t"))
        elif rows:
            yield name, rows
            name, rows = "", []
    if rows:
        yield name, rows


def _surface(rows: Sequence[Sequence[str]]) -> tuple[Node, ...]:
    """The surface words of a sentence; heads become positions among them."""
    position, places, last = [-1], [], 0
    for row in rows:
        start, _, end = row[0].partition("-")
        if end:
            last = int(end)
            places.append(row)
        elif start.isdecimal():
            if int(start) > last:
                places.append(row)
            position.append(len(places) - 1)
    return tuple(_node(row, position) for row in places)


def _node(row: Sequence[str], position: Sequence[int]) -> Node:
    number, form, lemma, upos, _, feats, head, relation = row
    form = composed(form)
    if not number.isdecimal():
        return Node(form, form, "", _NOTHING, None, "")
    above = None if head == "0" else position[int(head)]
    return Node(form, form if lemma == "_" else composed(lemma), upos, _features(feats), above, relation)


@lru_cache(maxsize=65536)
def _features(feats: str) -> Mapping[str, str]:
    """A checked FEATS column as a mapping, shared by all words with the same features."""
    return MappingProxyType({} if feats == "_" else dict(part.split("=", 1) for part in feats.split("|")))
