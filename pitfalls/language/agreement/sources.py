"""Agreement items from any treebank, and from the generated grammars by construction."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from pitfalls.language.agreement.controllers import BY_SUBJECTS
from pitfalls.language.agreement.finding import Finder
from pitfalls.language.agreement.items import Item
from pitfalls.language.agreement.paradigms import Paradigms
from pitfalls.language.agreement.relations import GRAMMARS, agreeing
from pitfalls.language.agreement.trees import Tree, read_trees, tree_of, with_noun_cases
from pitfalls.language.grammar import core, load_grammar
from pitfalls.language.grammar.core import Draw
from pitfalls.language.unimorph_rules import FEATURE_TAGS

GENERATED = ("Number", "Gender")
"""The attributes in which the generated sentences have items."""

PATIENCE = 20_000
"""After this many generated sentences in a row without a needed item, give up with an error."""

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def from_treebank(paths: Paths, language: str, attribute: str, also: Paths = (), seed: int = 0) -> tuple[Item, ...]:
    """Every agreement item of a treebank's sentences, in their order.

    Parameters
    ----------
    paths
        CoNLL-U files with dependencies.
    language, attribute
        ISO 639-3 code, and what agrees: ``"Number"``, ``"Gender"`` or ``"Person"``.
    also
        Further files of the same treebank, whose words make the paradigms more complete.
    seed
        Which wrong value an item gets where there are several (three genders).

    Raises
    ------
    ValueError
        Nothing agrees in the attribute in this language; a ``CorpusError`` if a file is not CoNLL-U with dependencies.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pitfalls.language.grammar import corpora
    >>> text = corpora.conllu("spa", {"train": 100})["train"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "toy.conllu")
    ...     _ = path.write_text(text, encoding="utf-8")
    ...     items = from_treebank(path, "spa", "Gender")
    >>> " ".join(items[0].words), items[0].right, items[0].wrong
    ('las hijas enfadadas que pintan los taxis lavan aquella cesta .', 'las', 'los')
    """
    agreeing(language, attribute)
    grammar = GRAMMARS[language]
    trees = read_trees(paths)
    further = read_trees(also) if also else ()
    if grammar.postpositions:
        trees, further = (tuple(map(with_noun_cases, some)) for some in (trees, further))
    paradigms = Paradigms.from_trees(language, (*trees, *further), grammar.silent)
    finder = Finder(grammar, paradigms, attribute, Draw(seed))
    return tuple(item for tree in trees for item in finder.items(tree))


def generated(language: str, attribute: str, count: int = 100, seed: int = 0) -> tuple[Item, ...]:
    """Agreement items from fresh sentences of a generated language, balanced by construction.

    Each value has ``count`` items with attractors and ``count`` without, each from a sentence of its own. A verb,
    auxiliary or predicate agrees with a subject before it, so a causal model can take them.

    Parameters
    ----------
    language, attribute
        One of the four generated languages, and ``"Number"`` or ``"Gender"``.
    count
        Items of each value with attractors, and again without.
    seed
        Which sentences are drawn.

    Raises
    ------
    ValueError
        There is no grammar of the language, nothing agrees in the attribute, or ``count`` is below 1.

    Examples
    --------
    >>> items = generated("eng", "Number", count=1)
    >>> [(item.value, item.right, item.wrong, len(item.attractors)) for item in items]
    [('PL', 'were', 'was', 0), ('PL', 'try', 'tries', 1), ('SG', 'is', 'are', 0), ('SG', 'is', 'are', 1)]
    """
    if count < 1:
        raise ValueError(f"count is {count}: give 1 or more items of each value")
    grammar = load_grammar(language)
    agreeing(language, attribute)
    if attribute not in GENERATED:
        raise ValueError(f"generated items agree in {' or '.join(GENERATED)}, not in {attribute}: use a treebank")
    # In the generated Turkish, an animate plural subject always has a plural verb, so no person is left out.
    rules = replace(GRAMMARS[language], persons=())
    forms = tuple(grammar.paradigms())
    finder = Finder(rules, Paradigms.from_forms(language, forms, rules.silent), attribute, Draw(seed))
    nouns = (dict(form.feats) for form in forms if form.upos == "NOUN")
    values = sorted({FEATURE_TAGS[attribute][feats[attribute]] for feats in nouns if attribute in feats})
    stream = core.sentences(grammar, seed)
    trees = (tree_of(tokens, f"{language}-{seed}-{number}") for number, tokens in enumerate(stream))
    return tuple(_fill(Counter({cell: count for cell in product(values, (False, True))}), trees, finder))


def _fill(missing: Counter[tuple[str, bool]], trees: Iterator[Tree], finder: Finder) -> Iterator[Item]:
    """Take at most one item of each sentence until none is ``missing`` of any value, with attractors or without."""
    idle = 0
    for tree in trees:
        fitting = [
            item
            for item in finder.items(tree)
            if item.causal and item.relation in BY_SUBJECTS and missing[item.value, bool(item.attractors)] > 0
        ]
        idle = 0 if fitting else idle + 1
        if fitting:
            item = finder.draw.choice(fitting)
            missing[item.value, bool(item.attractors)] -= 1
            yield item
        if not missing.total():
            return
        if idle == PATIENCE:
            raise ValueError(f"after {idle} sentences there is still no item for: {_told(missing)}; ask for fewer")


def _told(missing: Counter[tuple[str, bool]]) -> str:
    cells = [f"{value} {'with' if misled else 'without'} attractors" for (value, misled), n in missing.items() if n]
    return ", ".join(cells)
