"""The agreement items of one sentence: every place whose controller and wrong form leave no doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pitfalls.language.agreement.controllers import BY_SUBJECTS, controller_of
from pitfalls.language.agreement.items import Item
from pitfalls.language.agreement.paradigms import FLAWED, Paradigms
from pitfalls.language.agreement.relations import NOMINAL, Grammar, agreeing
from pitfalls.language.agreement.trees import Node, Tree
from pitfalls.language.forms import written_like
from pitfalls.language.grammar.core import Draw
from pitfalls.language.unimorph_rules import FEATURE_TAGS

# If controller and place both have one of these, their values must match; otherwise the annotation is wrong.
_SHARED = ("Number", "Gender", "Person")
_APOSTROPHES = ("'", "’")
_ELIDING = frozenset("aàâeéèêëhiîïoôuùûœæy")


@dataclass(frozen=True)
class Finder:
    """Finds the items of sentences of one language in one attribute; ``draw`` chooses among several wrong values."""

    grammar: Grammar
    paradigms: Paradigms
    attribute: str
    draw: Draw
    _relations: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look the relations up."""
        object.__setattr__(self, "_relations", agreeing(self.grammar.language, self.attribute))

    def items(self, tree: Tree) -> Iterator[Item]:
        """The items of a sentence, from left to right."""
        for place, node in enumerate(tree.nodes):
            if self._value(node) is None or not _whole(node):
                continue
            for relation in self._relations:
                controller = controller_of(tree, place, relation, self.grammar)
                if controller is not None and self._agree(tree, controller, place, relation):
                    yield from self._item(tree, controller, place, relation)
                    break

    def _value(self, node: Node) -> str | None:
        """The node's one UniMorph value of the attribute."""
        return FEATURE_TAGS[self.attribute].get(node.feats.get(self.attribute, ""))

    def _agree(self, tree: Tree, controller: int, place: int, relation: str) -> bool:
        """Whether the two share a value that the controller's form shows, and differ in nothing else."""
        noun, node = tree.nodes[controller], tree.nodes[place]
        by_subject = relation in BY_SUBJECTS
        own = noun.feats.get(self.attribute)
        shared = _SHARED if by_subject or self.grammar.postpositions else (*_SHARED, "Case")
        return (
            own == node.feats[self.attribute]
            and all(
                noun.feats[name] == node.feats[name] for name in shared if name in noun.feats and name in node.feats
            )
            and self._shows(noun, by_subject)
            and (not by_subject or self._unrivalled(tree, place))
            and not (self.grammar.elides and place < controller and tree.nodes[place + 1].form[0].lower() in _ELIDING)
        )

    def _shows(self, noun: Node, by_subject: bool) -> bool:
        """Whether the controller's form allows only one value."""
        if any(name in noun.feats for name in (*FLAWED, *self.grammar.hidden)):
            return False
        # The gender of a name is that of its bearer.
        if self.attribute == "Gender" and noun.upos == "PROPN":
            return False
        persons = self.grammar.persons if by_subject and self.attribute == "Number" else ()
        if persons and noun.feats.get("Person") not in persons:
            return False
        return self.paradigms.values(noun, self.attribute) - {None} == {noun.feats[self.attribute]}

    def _unrivalled(self, tree: Tree, place: int) -> bool:
        """Whether a copula has no predicate noun of another value ("the problem is/are the mice")."""
        node = tree.nodes[place]
        if node.relation != "cop" or node.head is None or tree.nodes[node.head].upos not in NOMINAL:
            return True
        return self._value(tree.nodes[node.head]) in (None, self._value(node))

    def _item(self, tree: Tree, controller: int, place: int, relation: str) -> Iterator[Item]:
        noun, node = tree.nodes[controller], tree.nodes[place]
        before = tree.nodes[place - 1].form.lower() if place else ""
        forms, attractors = self._others(node, noun, before), self._attractors(tree, controller, place)
        value = self._value(node)
        # A modifier may belong to a noun in between: "a plan of action common to all".
        if relation not in BY_SUBJECTS and any(_same_case(tree.nodes[other], node) for other in attractors):
            return
        if not forms or value is None:
            return
        other = self.draw.choice(sorted(forms))
        yield Item(
            language=self.grammar.language,
            attribute=self.attribute,
            relation=relation,
            words=tree.forms,
            controller=controller,
            place=place,
            wrong=written_like(node.form, forms[other], self.grammar.language),
            lemma=node.lemma,
            value=value,
            wrong_value=other,
            attractors=attractors,
            sentence=tree.id,
        )

    def _others(self, node: Node, noun: Node, before: str) -> dict[str, str]:
        """UniMorph values other than the node's, and for each the form that has it and may follow ``before``."""
        tags = FEATURE_TAGS[self.attribute]
        others = self.paradigms.others(node, self.attribute, noun.feats)
        return {
            tags[value]: form
            for value, form in others.items()
            if value in tags
            and form not in self.grammar.barred
            and (before, form) not in self.grammar.fused
            and not _clitic(form)
        }

    def _attractors(self, tree: Tree, controller: int, place: int) -> tuple[int, ...]:
        low, high = sorted((controller, place))
        value = self._value(tree.nodes[controller])
        return tuple(
            position
            for position in range(low + 1, high)
            if tree.nodes[position].upos in NOMINAL and self._value(tree.nodes[position]) not in (None, value)
        )


def _whole(node: Node) -> bool:
    """Whether a word is written as in its paradigm: no error, no clitic, no capitals after the first letter."""
    flawed = any(flaw in node.feats for flaw in FLAWED)
    return not flawed and not _clitic(node.form) and node.form[1:] == node.form[1:].lower()


def _clitic(form: str) -> bool:
    """Whether a form leans on its neighbour, as English "'s" and French "l'" do."""
    return form.startswith(_APOSTROPHES) or form.endswith(_APOSTROPHES)


def _same_case(noun: Node, modifier: Node) -> bool:
    return noun.feats.get("Case") == modifier.feats.get("Case")
