"""Which word controls a place: the subject of a verb, auxiliary or predicate, or the noun of a modifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pitfalls.language.agreement.relations import Grammar
from pitfalls.language.agreement.trees import Node, Tree

SUBJECTS = ("nsubj", "nsubj:pass", "nsubj:cop")
_COPULAS = ("cop", "aux:pass")
_HELPERS = ("aux", "aux:pass", "aux:tense", "cop")
_OBJECTS = ("obj", "iobj", "expl")
BY_SUBJECTS = ("verb", "auxiliary", "predicate")
"""The relations whose controller is a subject."""


def controller_of(tree: Tree, place: int, relation: str, grammar: Grammar) -> int | None:
    """The position of the word that controls ``place`` by ``relation``, or None if there is none.

    A coordinated controller ("the cat and the dog") has no value of its own, so it does not count.
    """
    # A question particle carries the person of a Turkish predicate ("geliyor musun"), or is a tag ("değil mi").
    if place + 1 < len(tree.nodes) and tree.nodes[place + 1].relation == "aux:q":
        return None
    found = _FINDERS[relation](tree, place, grammar)
    if found is None or tree.nodes[found].upos not in grammar.controllers:
        return None
    if any(tree.nodes[child].relation == "conj" for child in tree.children(found)):
        return None
    if relation in BY_SUBJECTS and not _agreeing_subject(tree, found, place, grammar):
        return None
    return None if tree.nodes[found].lemma.lower() in grammar.free else found


def _agreeing_subject(tree: Tree, found: int, place: int, grammar: Grammar) -> bool:
    """Whether a subject is one that agrees; a Hindi subject with a postposition (ने, को) is not."""
    feats = tree.nodes[found].feats
    marked = any(tree.nodes[child].relation == "case" for child in tree.children(found))
    fits = all(feats.get(name) in values for name, values in grammar.subject.items())
    return fits and not marked and (found < place or not grammar.subject_first)


def _subject(tree: Tree, predicate: int, grammar: Grammar) -> int | None:
    """The subject of a predicate, if it has exactly one and agrees with it."""
    below = {tree.nodes[child].relation for child in tree.children(predicate)}
    if grammar.ergative and "obj" in below and tree.nodes[predicate].feats.get("Aspect") == "Perf":
        return None
    subjects = [child for child in tree.children(predicate) if tree.nodes[child].relation in SUBJECTS]
    return subjects[0] if len(subjects) == 1 else None


def _finite(node: Node, grammar: Grammar) -> bool:
    if grammar.finite:
        return "VerbForm" not in node.feats and not grammar.finite.isdisjoint(node.feats)
    return node.feats.get("VerbForm") == "Fin"


def _participle(node: Node) -> bool:
    return node.upos == "VERB" and node.feats.get("VerbForm") == "Part"


def _verb(tree: Tree, place: int, grammar: Grammar) -> int | None:
    node = tree.nodes[place]
    return _subject(tree, place, grammar) if node.upos == "VERB" and _finite(node, grammar) else None


def _auxiliary(tree: Tree, place: int, grammar: Grammar) -> int | None:
    node = tree.nodes[place]
    if node.upos != "AUX" or node.relation not in _HELPERS or node.head is None or not _finite(node, grammar):
        return None
    # In "the hope is that they come", UD makes "is" a copula of "come", which has a subject of its own.
    if node.relation == "cop" and tree.nodes[node.head].upos == "VERB":
        return None
    return _subject(tree, node.head, grammar)


def _predicate(tree: Tree, place: int, grammar: Grammar) -> int | None:
    node = tree.nodes[place]
    if node.upos != "ADJ" and not _participle(node):
        return None
    below = [tree.nodes[child] for child in tree.children(place)]
    copular = any(child.relation in _COPULAS for child in below)
    # The participle of a French verb that takes être agrees with its subject, unless it has an object.
    perfect = any(child.relation == "aux:tense" and child.lemma == "être" for child in below)
    linked = copular or (perfect and not any(child.relation.split(":")[0] in _OBJECTS for child in below))
    return _subject(tree, place, grammar) if linked or grammar.bare_predicate else None


def _adjective(tree: Tree, place: int, grammar: Grammar) -> int | None:
    node = tree.nodes[place]
    modifies = node.relation == "amod" or (node.relation == "acl" and _participle(node))
    if not modifies or (node.upos != "ADJ" and not _participle(node)):
        return None
    clausal = (*SUBJECTS, *_HELPERS, "mark")
    return None if any(tree.nodes[child].relation in clausal for child in tree.children(place)) else node.head


def _determiner(tree: Tree, place: int, grammar: Grammar) -> int | None:
    node = tree.nodes[place]
    return node.head if node.upos == "DET" and node.relation == "det" else None


_FINDERS: Mapping[str, Callable[[Tree, int, Grammar], int | None]] = {
    "verb": _verb,
    "auxiliary": _auxiliary,
    "predicate": _predicate,
    "adjective": _adjective,
    "determiner": _determiner,
}
