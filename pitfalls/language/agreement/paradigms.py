"""The forms of a lemma by their features, observed in trees or listed by a grammar.

A form's reading is its lemma, its part of speech and its UD features. Annotators err now and then, so a reading that
makes up less than :data:`RARE` of a form's occurrences does not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from pitfalls.language.agreement.trees import Node, Tree
from pitfalls.language.grammar.core import Form
from pitfalls.language.lexicon import lower

RARE = 0.05
"""The share of a form's occurrences below which a reading is taken for an error."""

FLAWED = ("Typo", "Foreign", "Abbr")
"""UD features of words that are not forms of a paradigm."""

# ExtPos describes a phrase that begins with the word; NumForm says how a number is written.
_IGNORED = ("ExtPos", "NumForm")
_Bundle = tuple[tuple[str, str], ...]


class Paradigms:
    """The forms of every lemma of one language, with how often each was seen.

    Parameters
    ----------
    language
        ISO 639-3 code.
    nodes
        Words with their lemmas and features; contractions and flawed words are left out.
    silent
        Features that a form may lack when another feature has a certain value, as a Russian plural lacks Gender.

    Examples
    --------
    >>> from pitfalls.language.grammar import load_grammar
    >>> paradigms = Paradigms.from_forms("eng", load_grammar("eng").paradigms())
    >>> past = {"Mood": "Ind", "Person": "3", "Tense": "Past", "VerbForm": "Fin"}
    >>> paradigms.others(Node("was", "be", "AUX", {**past, "Number": "Sing"}, 0, "cop"), "Number")
    {'Plur': 'were'}
    >>> paradigms.others(Node("slept", "sleep", "VERB", {**past, "Number": "Sing"}, 0, "root"), "Number")
    {}
    """

    def __init__(self, language: str, nodes: Iterable[Node], silent: Iterable[str] = ()) -> None:
        self.language, self.silent = language, frozenset(silent)
        self._seen: defaultdict[tuple[str, str], Counter[tuple[_Bundle, str]]] = defaultdict(Counter)
        for node in nodes:
            if node.upos and not any(flaw in node.feats for flaw in FLAWED):
                self._seen[self._key(node)][_bundle(node.feats), lower(node.form, language)] += 1
        self._found: dict[tuple[str, _Bundle, str, _Bundle], Counter[tuple[str | None, str]]] = {}

    @classmethod
    def from_trees(cls, language: str, trees: Iterable[Tree], silent: Iterable[str] = ()) -> Paradigms:
        """The words of trees."""
        return cls(language, (node for tree in trees for node in tree.nodes), silent)

    @classmethod
    def from_forms(cls, language: str, forms: Iterable[Form], silent: Iterable[str] = ()) -> Paradigms:
        """The forms of a grammar, each seen once."""
        nodes = (Node(form.text, form.lemma, form.upos, dict(form.feats), None, "") for form in forms)
        return cls(language, nodes, silent)

    def values(self, node: Node, attribute: str) -> set[str | None]:
        """The values of ``attribute`` that the node's form has, its other features being the same.

        None stands for no value, or for several at once.
        """
        form = lower(node.form, self.language)
        return {value for value, other in self._readings(node, attribute, {}) if other == form}

    def others(self, node: Node, attribute: str, controller: Mapping[str, str] | None = None) -> dict[str, str]:
        """The form of the same lemma for every other value of ``attribute``, the other features being the same.

        A value whose form also has the node's own value is left out, and so is one that the node's form has too. Of
        several forms the most frequent is given; of equally frequent ones, the first by code points.

        Parameters
        ----------
        node
            A word with a value of ``attribute``.
        controller
            Features of its controller; they fill in those that are silent in the node but not in the other form.

        Returns
        -------
        UD values, sorted, and their forms in lower case; empty if there are none, or if the node's form fits any value.
        """
        own, form = node.feats[attribute], lower(node.form, self.language)
        readings = self._readings(node, attribute, controller or {})
        if (own, form) not in readings or (None, form) in readings:
            return {}
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for (value, other), count in readings.items():
            right = {(own, other), (None, other)} & set(readings)
            if value not in (None, own) and not right and (value, form) not in readings:
                found[value].append((-count, other))
        return {value: min(found[value])[1] for value in sorted(found)}

    def _key(self, node: Node) -> tuple[str, str]:
        """The lemma and its kind: auxiliaries and verbs share their forms."""
        return lower(node.lemma, self.language), "VERB" if node.upos == "AUX" else node.upos

    def _readings(self, node: Node, attribute: str, controller: Mapping[str, str]) -> Counter[tuple[str | None, str]]:
        """How often each form of the lemma has each value of ``attribute``, its other features being the node's."""
        lemma, kind = self._key(node)
        given = {name: controller[name] for name in sorted(self.silent & set(controller)) if name != attribute}
        rest = {name: value for name, value in _bundle(node.feats) if name != attribute}
        key = (f"{lemma}\t{kind}", tuple(rest.items()), attribute, tuple(given.items()))
        if key not in self._found:
            every: Counter[tuple[str | None, str]] = Counter()
            for (bundle, form), count in self._seen[lemma, kind].items():
                features = dict(bundle)
                value = features.pop(attribute, None)
                if self._alike(features, rest, given):
                    every[None if value is None or "," in value else value, form] += count
            self._found[key] = _without_rare(every)
        return self._found[key]

    def _alike(self, features: Mapping[str, str], rest: Mapping[str, str], given: Mapping[str, str]) -> bool:
        """Whether a form with ``features`` could stand where one with ``rest`` stands."""
        if features == rest:
            return True
        for name in {*features, *rest}:
            theirs, own = features.get(name), rest.get(name)
            if theirs == own:
                continue
            if name not in self.silent or (theirs is not None and theirs != (own or given.get(name))):
                return False
        return True


def _bundle(feats: Mapping[str, str]) -> _Bundle:
    """The features that tell the forms of a lemma apart, sorted.

    Animacy shows only in the accusative; elsewhere, a treebank that annotates it copies the noun's.
    """
    ignored = _IGNORED if feats.get("Case") == "Acc" else (*_IGNORED, "Animacy")
    return tuple(sorted((name, value) for name, value in feats.items() if name not in ignored))


def _without_rare(readings: Counter[tuple[str | None, str]]) -> Counter[tuple[str | None, str]]:
    totals: Counter[str] = Counter()
    for (_, form), count in readings.items():
        totals[form] += count
    return Counter({key: count for key, count in readings.items() if count >= RARE * totals[key[1]]})
