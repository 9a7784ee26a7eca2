"""Sentences of words with their morphological attributes, read from CoNLL-U files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TextIO, cast

from pitfalls.extras import extra
from pitfalls.language import unimorph
from pitfalls.language.conllu_lines import CHECKED, CheckedLines, CorpusError
from pitfalls.language.forms import composed

with extra("models"):
    from conllu import TokenList, parser

Convert = Callable[[str, Mapping[str, str], str, str, str], Mapping[str, str]]
"""`(upos, feats, language, form, lemma)` to a mapping from attribute to value."""

WordMaker = Callable[[str, str, str, str], "Word"]
"""The columns FORM, LEMMA, UPOS and FEATS to a word."""


@dataclass(frozen=True)
class Word:
    """A word of the text: its form as written, its dictionary form, and its attributes.

    Form and lemma are composed (NFC), so that canonically equal words are equal; the model reads this form
    (`pitfalls.language.forms` says why). `attributes` maps an attribute to its UniMorph value. Words are equal if
    all three agree; the hash leaves out the attributes, because a mapping has no hash.

    >>> Word("cats", "cat", {"Number": "PL", "Part of Speech": "N"}).attributes["Number"]
    'PL'
    """

    form: str
    lemma: str
    attributes: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        """Compose the form and the lemma."""
        object.__setattr__(self, "form", composed(self.form))
        object.__setattr__(self, "lemma", composed(self.lemma))


@dataclass(frozen=True)
class Sentence:
    """A sentence: its `sent_id` (or the file's name and its number there) and its words in order."""

    id: str
    words: tuple[Word, ...]

    @property
    def forms(self) -> tuple[str, ...]:
        """The words' forms, which are what a model reads."""
        return tuple(word.form for word in self.words)


@dataclass(frozen=True)
class Corpus:
    """Sentences of one language (ISO 639-3) under a name for reports, such as ``en_ewt-ud-dev``."""

    language: str
    sentences: tuple[Sentence, ...]
    name: str

    def __len__(self) -> int:
        """How many sentences there are."""
        return len(self.sentences)


def read_conllu(
    path_or_paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    language: str,
    convert: Convert | str = unimorph.OURS,
) -> Corpus:
    r"""Read one or several CoNLL-U files as one corpus of surface words with attributes.

    Words are those of SOURCES.md, "Words" [C]: a multi-word token ("del" = "de" + "el") stays one surface word
    and keeps an attribute only if exactly one of its components carries it. Its lemma is that of the
    component from which its attributes come; where they come from several components, or there are none, it is the
    surface form, so that it is not the lemma of another word by accident. Empty nodes (8.1) are ignored;
    misspelt, foreign and unannotated words are kept, and so are repeated sentences.

    Parameters
    ----------
    path_or_paths : a path, or several, read in the order given
    language : ISO 639-3 code, such as "eng"
    convert : a function from `(upos, feats, language, form, lemma)` to `{attribute: value}`, such as a conversion of
        `pitfalls.language.unimorph`, or the name of one; `Conversion.check` says which languages it warns about

    Raises
    ------
    ValueError
        No file is given, or there is no such conversion or language code; a `CorpusError` if a file is missing, empty,
        or in another format or encoding, or if a line is malformed.

    Examples
    --------
    >>> import tempfile
    >>> columns = ["1", "cats", "cat", "NOUN", "_", "Number=Plur", "0", "root", "_", "_"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "toy.conllu")
    ...     _ = path.write_text("\t".join(columns) + "\n\n", encoding="utf-8")
    ...     corpus = read_conllu(path, "eng", convert=lambda upos, feats, *rest: feats)
    >>> corpus.name, corpus.sentences[0].words
    ('toy', (Word(form='cats', lemma='cat', attributes={'Number': 'Plur'}),))
    """
    if isinstance(path_or_paths, (str, os.PathLike)):
        path_or_paths = [path_or_paths]
    paths = [Path(path) for path in path_or_paths]
    if not paths:
        raise ValueError("no file to read: path_or_paths is empty; give at least one CoNLL-U file")
    if isinstance(convert, str):
        convert = unimorph.conversion_of(convert)
    if isinstance(convert, unimorph.Conversion):
        convert.check(language)
    word = _word_maker(language, convert)
    sentences = [sentence for path in paths for sentence in _read_file(path, word)]
    return Corpus(language, tuple(sentences), "+".join(path.stem for path in paths))


def drop_long(corpus: Corpus, lengths: Sequence[int], limit: int) -> tuple[Corpus, Corpus]:
    """Divide a corpus into the sentences of fewer than `limit` subwords, which are kept, and the others.

    The paper's limit is 512, the number of positions of both its models (SOURCES.md, "Words" [C]).

    Parameters
    ----------
    corpus : the sentences
    lengths : the length of each sentence in the model's subwords
    limit : the smallest length that is dropped

    Examples
    --------
    >>> cat = Word("cat", "cat", {})
    >>> corpus = Corpus("eng", (Sentence("a", (cat,)), Sentence("b", (cat, cat))), "toy")
    >>> kept, dropped = drop_long(corpus, lengths=[1, 2], limit=2)
    >>> [s.id for s in kept.sentences], [s.id for s in dropped.sentences]
    (['a'], ['b'])
    """
    pairs = list(zip(corpus.sentences, lengths, strict=True))
    kept = tuple(sentence for sentence, length in pairs if length < limit)
    dropped = tuple(sentence for sentence, length in pairs if length >= limit)
    return replace(corpus, sentences=kept), replace(corpus, sentences=dropped)


# The library would parse a column named "feats" for every word; under another name it is parsed once for equal words.
_FIELDS = (*CHECKED[:-1], "features")


def _read_file(path: Path, word: WordMaker) -> list[Sentence]:
    """Read the sentences of one file."""
    try:
        with path.open("rb") as stream:
            blocks = parser.parse_sentences(cast(TextIO, CheckedLines(path, stream)))
            parsed = (parser.parse_token_and_metadata(block, _FIELDS) for block in blocks)
            sentences = [
                Sentence(tokens.metadata.get("sent_id") or f"{path.stem}-{i}", _surface_words(tokens, word))
                for i, tokens in enumerate(parsed, 1)
            ]
    except OSError as error:
        raise CorpusError(str(path), None, f"cannot be read ({error.strerror})", "a CoNLL-U file") from error
    if not sentences:
        raise CorpusError(str(path), None, "the file holds no sentence", "at least one sentence of CoNLL-U")
    return sentences


def _surface_words(tokens: TokenList, word: WordMaker) -> tuple[Word, ...]:
    """Make the words of a sentence, the components of each multi-word token joined."""
    words: list[Word] = []
    form, start, last = "", 0, 0
    for token in tokens:
        match token["id"]:
            case int(number):
                words.append(word(token["form"], token["lemma"], token["upos"], token["features"]))
                if number == last:
                    words[start:] = [contracted(form, words[start:])]
            case (_, "-", int(end)):
                form, start, last = token["form"], len(words), end
    return tuple(words)


def _word_maker(language: str, convert: Convert) -> WordMaker:
    """Make a function that turns columns into a word; equal lines, of which there are many, share one word."""

    @cache
    def word(form: str, lemma: str, upos: str, feats: str) -> Word:
        # "_" is CoNLL-U for "no lemma"; only the word "_" itself has "_" as its lemma.
        form, lemma = composed(form), composed(form if lemma == "_" else lemma)
        # A word without UPOS is unannotated: it stays in the sentence and carries nothing.
        values = {} if upos == "_" else convert(upos, parse_feats(feats), language, form, lemma)
        return Word(form, lemma, dict(sorted(values.items())))

    return word


def contracted(form: str, components: Sequence[Word]) -> Word:
    """Make one surface word of the components of a multi-word token (SOURCES.md, "Words" [C]).

    An attribute is kept only if exactly one component carries it, even where two agree on its value. If everything
    that is kept comes from one component, the lemma is that component's; otherwise it is the surface form.

    >>> de = Word("de", "de", {"Part of Speech": "ADP"})
    >>> el = Word("el", "el", {"Part of Speech": "DET", "Number": "SG"})
    >>> contracted("del", [de, el])
    Word(form='del', lemma='el', attributes={'Number': 'SG'})
    """
    carriers = Counter(name for word in components for name in word.attributes)
    kept = {name for name, n in carriers.items() if n == 1}
    sources = [word for word in components if kept & set(word.attributes)]
    attributes = {name: word.attributes[name] for word in sources for name in word.attributes if name in kept}
    lemma = sources[0].lemma if len(sources) == 1 else form
    return Word(form, lemma, dict(sorted(attributes.items())))


def parse_feats(feats: str) -> dict[str, str]:
    """Turn a checked FEATS column into a dictionary.

    >>> parse_feats("Number=Plur|Case=Nom"), parse_feats("_")
    ({'Number': 'Plur', 'Case': 'Nom'}, {})
    """
    return cast("dict[str, str]", parser.parse_dict_value(feats) or {})
