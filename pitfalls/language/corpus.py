"""Sentences of words with their morphological attributes, read from CoNLL-U files.

The `conllu` library splits the file into sentences and columns. It is lenient (it accepts missing columns,
splits at two spaces, skips what it cannot use), so every line is checked here before the library sees it.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO, cast

from pitfalls.extras import extra
from pitfalls.language import unimorph
from pitfalls.language.forms import composed, is_blank
from pitfalls.language.quoting import quoted

with extra("models"):
    import conllu
    from conllu.exceptions import ParseException

Convert = Callable[[str, Mapping[str, str], str, str, str], Mapping[str, str]]
"""`(upos, feats, language, form, lemma)` to a mapping from attribute to value."""


@dataclass(frozen=True)
class Word:
    """A surface token: what stands in the text, its dictionary form, and its attributes.

    Form and lemma are composed (NFC), so that canonically equal words are equal; the model reads this form
    (`pitfalls.language.forms` says why). `attributes` maps an attribute to its UniMorph value. Words are equal if
    all three agree; the hash leaves the attributes out, because a mapping has none.

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


@dataclass(frozen=True)
class Dropped:
    """The sentences that `drop_long` left out of `n_sentences`: their ids and their lengths in subwords."""

    name: str
    ids: tuple[str, ...]
    lengths: tuple[int, ...]
    limit: int
    n_sentences: int

    def __len__(self) -> int:
        """How many sentences were dropped."""
        return len(self.ids)

    def report(self) -> str:
        """One line for a log or a table's caption.

        >>> Dropped("en_ewt-ud-dev", ("a-1",), (530,), 512, 2001).report()
        'en_ewt-ud-dev: 1 of 2001 sentences dropped, 512 or more subwords long: a-1 (530)'
        """
        share = f"{len(self)} of {self.n_sentences} sentences dropped"
        line = f"{self.name}: {share}, {self.limit} or more subwords long"
        named = ", ".join(f"{i} ({n})" for i, n in zip(self.ids, self.lengths, strict=True))
        return f"{line}: {named}" if named else line


class CorpusError(ValueError):
    """A file that is not the CoNLL-U that was expected: which file, which line, what was found and expected.

    `line` counts from 1 and is None where the whole file is meant.
    """

    def __init__(self, path: str, line: int | None, found: str, expected: str) -> None:
        """Keep the four parts, and join them into the message."""
        self.path, self.line, self.found, self.expected = path, line, found, expected
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {found}; expected {expected}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes: the default would rebuild the error from its message alone."""
        return type(self), (self.path, self.line, self.found, self.expected)


def read_conllu(
    path_or_paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    language: str,
    convert: Convert | str = unimorph.OURS,
) -> Corpus:
    r"""Read one or several CoNLL-U files as one corpus of surface words with attributes.

    Words are those of SOURCES.md, "Words" [C]: a multi-word token ("del" = "de" + "el") stays one surface word
    and keeps an attribute only if exactly one of its components carries it. Its lemma is that of the
    component from which its attributes come; where they come from several or there are none, it is the
    surface form, so that it is the lemma of no other word by accident. Empty nodes (8.1) are ignored;
    misspelt, foreign and unannotated words are kept, and so are repeated sentences.

    Parameters
    ----------
    path_or_paths : a path, or several, read in the order given
    language : ISO 639-3 code, such as "eng"
    convert : `(upos, feats, language, form, lemma)` to `{attribute: value}`, such as a conversion of
        `pitfalls.language.unimorph` or its name; it warns of a language that it has no rules for

    Raises
    ------
    CorpusError
        A file is missing, empty, of another format or encoding, or a line is malformed; nothing is returned.

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
    build = _WordBuilder(language, convert)
    sentences = [sentence for path in paths for sentence in _read_file(path, build)]
    return Corpus(language, tuple(sentences), "+".join(path.stem for path in paths))


def drop_long(corpus: Corpus, length: Callable[[Sequence[str]], int], limit: int) -> tuple[Corpus, Dropped]:
    """Leave out the sentences of `limit` or more subwords, and say which.

    The paper's limit is 512, the number of positions of both its models (SOURCES.md, "Words" [C]).

    Parameters
    ----------
    corpus : the sentences
    length : from the forms of a sentence to its length in the model's subwords
    limit : the smallest length that is dropped, at least 1

    Examples
    --------
    >>> cat = Word("cat", "cat", {})
    >>> corpus = Corpus("eng", (Sentence("a", (cat,)), Sentence("b", (cat, cat))), "toy")
    >>> kept, dropped = drop_long(corpus, len, limit=2)
    >>> [s.id for s in kept.sentences], dropped.ids, dropped.lengths
    (['a'], ('b',), (2,))
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}; expected 1 or more, the smallest length that is dropped")
    lengths = [length(sentence.forms) for sentence in corpus.sentences]
    pairs = list(zip(corpus.sentences, lengths, strict=True))
    kept = tuple(sentence for sentence, n in pairs if n < limit)
    too_long = [(sentence.id, n) for sentence, n in pairs if n >= limit]
    dropped = Dropped(corpus.name, tuple(i for i, _ in too_long), tuple(n for _, n in too_long), limit, len(pairs))
    return Corpus(corpus.language, kept, corpus.name), dropped


# -- from checked lines to words -----------------------------------------------------------------------------

_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_READ = _COLUMNS[:6]


def _read_file(path: Path, build: _WordBuilder) -> list[Sentence]:
    """Read the sentences of one file."""
    try:
        with path.open("rb") as stream:
            lines = _CheckedLines(path, stream)
            parsed = conllu.parse_incr(cast(TextIO, lines), fields=_READ, field_parsers=_PARSERS)
            try:
                sentences = [
                    Sentence(tokens.metadata.get("sent_id") or f"{path.stem}-{i}", build(tokens))
                    for i, tokens in enumerate(parsed, 1)
                ]
            except ParseException as error:
                raise CorpusError(str(path), lines.number, quoted(str(error)), "a line of CoNLL-U") from error
    except OSError as error:
        raise CorpusError(str(path), None, f"cannot be read ({error.strerror})", "a CoNLL-U file") from error
    if not sentences:
        raise CorpusError(str(path), None, "the file holds no sentence", "at least one sentence of CoNLL-U")
    return sentences


class _WordBuilder:
    """Surface words from the tokens of a sentence; attributes are worked out once for equal words."""

    def __init__(self, language: str, convert: Convert) -> None:
        self.language, self.convert = language, convert
        self.cache: dict[tuple[str, str, str, str], Word] = {}

    def __call__(self, tokens: conllu.TokenList) -> tuple[Word, ...]:
        words: list[Word] = []
        contraction, components, last = "", [], 0
        for token in tokens:
            number = token["id"]
            if isinstance(number, int):
                word = self.word(token["form"], token["lemma"], token["upos"], token["feats"])
                if number > last:
                    words.append(word)
                    continue
                components.append(word)
                if number == last:
                    words.append(contracted(contraction, components))
            elif number[1] == "-":
                contraction, components, last = token["form"], [], number[2]
        return tuple(words)

    def word(self, form: str, lemma: str, upos: str, feats: str) -> Word:
        """Make the word of one line; the same object for equal lines, which a treebank has many of."""
        key = (form, lemma, upos, feats)
        word = self.cache.get(key)
        if word is None:
            # "_" is CoNLL-U for "no lemma"; only the word "_" itself has "_" as its lemma.
            form, lemma = composed(form), composed(form if lemma == "_" else lemma)
            # A word without UPOS is unannotated: it stays in the sentence and carries nothing.
            annotated = upos != "_"
            values = self.convert(upos, parse_feats(feats), self.language, form, lemma) if annotated else {}
            word = self.cache[key] = Word(form, lemma, dict(sorted(values.items())))
        return word


def contracted(form: str, components: Sequence[Word]) -> Word:
    """Make one surface word of the components of a multi-word token (SOURCES.md, "Words" [C]).

    An attribute is kept only if exactly one component carries it, also where two agree on its value. The
    lemma is that of the one component from which everything kept comes, otherwise the surface form.

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


# -- checks --------------------------------------------------------------------------------------------------

_FEATURE = re.compile(r"[^\s=|_][^\s=|]*=(?!_$)[^\s=|]+")
# Nine digits are enough for any sentence; Python refuses to read numbers of more than 4,300.
_NUMBER = r"[1-9][0-9]{0,8}"
_WORD_ID = re.compile(_NUMBER)
_RANGE_ID = re.compile(rf"({_NUMBER})-({_NUMBER})")
_EMPTY_ID = re.compile(rf"(0|{_NUMBER})\.({_NUMBER})")
_UPOS = frozenset(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X _".split()  # noqa: SIM905
)
_AN_ID = 'a word id such as "3", "3-4" (multi-word token) or "3.1" (empty node), each of nine digits or fewer'
# The underscore as a word of the text is far rarer than this.
_FEW_WITHOUT_FORM = 0.05
_GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_FORMATS = (
    (b"\x1f\x8b", "gzip-compressed data", "unpacked text (run gunzip on it first)"),
    (b"\xfd7zXZ\x00", "xz-compressed data", "unpacked text (run unxz on it first)"),
    (b"BZh", "bzip2-compressed data", "unpacked text (run bunzip2 on it first)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data", "unpacked text (run unzstd on it first)"),
    (b"PK\x03\x04", "a zip archive", "an unpacked file (run unzip on it first)"),
    (b"\xff\xfe\x00\x00", "text in UTF-32", "text in UTF-8 (convert it, for example with iconv)"),
    (b"\x00\x00\xfe\xff", "text in UTF-32", "text in UTF-8 (convert it, for example with iconv)"),
    (b"\xff\xfe", "text in UTF-16", "text in UTF-8 (convert it, for example with iconv)"),
    (b"\xfe\xff", "text in UTF-16", "text in UTF-8 (convert it, for example with iconv)"),
)


@lru_cache(maxsize=65536)
def _feature_fault(feats: str) -> str:
    """Say what is wrong with a FEATS column, or return the empty string."""
    if feats == "_":
        return ""
    parts = feats.split("|")
    for part in parts:
        if not _FEATURE.fullmatch(part):
            return f"feature {quoted(part)}"
    names = Counter(part.split("=")[0] for part in parts)
    twice = sorted(name for name, n in names.items() if n > 1)
    return f"feature {quoted(twice[0])} given twice in {quoted(feats)}" if twice else ""


@lru_cache(maxsize=65536)
def _lower_case(feats: str) -> tuple[str, str]:
    """Find the first feature whose name or value begins in lower case, and write it as it should be.

    >>> _lower_case("Case=Nom|number=sing"), _lower_case("Case=Nom|Number[psor]=Sing")
    (('number=sing', 'Number=Sing'), ('', ''))
    """
    for part in feats.split("|"):
        right = re.sub(r"(^|[=,])([a-z])", lambda start: start[1] + start[2].upper(), part)
        if right != part:
            return part, right
    return "", ""


def parse_feats(feats: str) -> dict[str, str]:
    """Turn a checked FEATS column into a dictionary.

    >>> parse_feats("Number=Plur|Case=Nom"), parse_feats("_")
    ({'Number': 'Plur', 'Case': 'Nom'}, {})
    """
    return cast("dict[str, str]", conllu.parser.parse_dict_value(feats) or {})


def _text(columns: list[str], i: int) -> str:
    return columns[i]


# In place of the library's: XPOS is not looked at, and FEATS stays text until a word is new.
_PARSERS: dict[str, Callable[[list[str], int], Any]] = {"xpos": _text, "feats": _text}


class _CheckedLines:
    """The lines of a file, decoded and checked one by one; looks enough like a text file for `conllu`.

    Only what is used is handed on: the `sent_id` comments and the first six columns. The library also splits
    at two spaces, which may stand in the other columns.
    """

    def __init__(self, path: Path, stream: Iterable[bytes]) -> None:
        self.path, self.stream, self.number, self.warned = path, stream, 0, False
        self.all_words = self.without_form = 0
        self._start()

    def read(self) -> str:
        """`conllu` asks for this method to tell a file from a string, and iterates."""
        raise NotImplementedError

    def _start(self) -> None:
        """Begin a new sentence."""
        self.words = self.range_end = self.empty = self.lines = self.comments = 0

    def _error(self, found: str, expected: str) -> CorpusError:
        return CorpusError(str(self.path), self.number, found, expected)

    def __iter__(self) -> Iterator[str]:
        raw = b"\n"
        for raw in self.stream:
            self.number += 1
            line = self._decode(raw)
            if not line.strip(" "):
                self._end()
                yield "\n"
            elif line.startswith("#"):
                self._comment(line)
                if "sent_id" in line:
                    yield line + "\n"
            else:
                yield "\t".join(self._token(line)) + "\n"
        if not raw.endswith(b"\n"):
            raise self._error(
                "the file ends in the middle of a line",
                "a line break at its end (is the file cut off? if it is whole, add a blank line)",
            )
        self._end()
        if 2 * self.without_form > self.all_words:
            found = f'{self.without_form} of {self.all_words} words have the FORM "_": their text was left out'
            raise CorpusError(
                str(self.path),
                None,
                f"{found}, as Universal Dependencies does with texts that it may not publish",
                "the words themselves (the treebank's README says where to get the text and how to merge it)",
            )
        if self.without_form > _FEW_WITHOUT_FORM * self.all_words:
            warnings.warn(
                f'{self.path}: {self.without_form} of {self.all_words} words have the FORM "_", and the model reads '
                "just that; if their text was left out, merge it in first (the treebank's README says how)",
                UserWarning,
                stacklevel=2,
            )

    def _decode(self, raw: bytes) -> str:
        if self.number == 1:
            for magic, found, expected in _FORMATS:
                if raw.startswith(magic):
                    raise self._error(found, expected)
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            bad = raw[error.start : error.start + 1].hex()
            raise self._error(
                f"byte 0x{bad} at column {error.start + 1} is not UTF-8",
                "text in UTF-8 (convert it, for example with iconv)",
            ) from error
        line = line.rstrip("\r\n")
        if "\r" in line:
            raise self._error(
                "a carriage return (CR) inside the line, as in files whose lines end in CR alone",
                r"lines that end in LF or CR LF (convert it, for example with tr '\r' '\n')",
            )
        return line

    def _comment(self, line: str) -> None:
        if self.lines:
            raise self._error(
                f"comment {quoted(line)} between the words of a sentence",
                "comments before a sentence's first word, and a blank line after its last",
            )
        match = _GLOBAL_COLUMNS.match(line)
        if match and tuple(match[1].lower().split()) != _COLUMNS:
            raise self._error(
                f"CoNLL-U Plus with the columns {quoted(match[1])}",
                f"CoNLL-U with the columns {' '.join(_COLUMNS).upper()}",
            )
        self.comments += 1

    def _end(self) -> None:
        """End a sentence: nothing may be left open."""
        if self.comments and not self.words:
            raise self._error("comments with no word after them", "a sentence's words after its comments")
        if self.range_end > self.words:
            raise self._error(
                f"a multi-word token to word {self.range_end} in a sentence that ends at word {self.words}",
                "its last component before the sentence ends",
            )
        self._start()

    def _token(self, line: str) -> list[str]:
        columns = line.split("\t")
        if len(columns) != len(_COLUMNS):
            number = f"{len(columns)} column{'s' if len(columns) > 1 else ''} in {quoted(line)}"
            expected = f"CoNLL-U: {len(_COLUMNS)} columns ({' '.join(_COLUMNS).upper()}) separated by tabs"
            raise self._error(number, expected)
        self._check_id(columns[0])
        for name, value in zip(_READ, columns, strict=False):
            if not value or value != value.strip(" ") or "  " in value:
                raise self._error(
                    f"column {name.upper()} is {quoted(value)}",
                    'text without spaces at its ends and without double spaces, or "_" for nothing',
                )
        if is_blank(columns[1]):
            raise self._error(
                f"column FORM is {quoted(columns[1])}, only white space or control characters",
                'a word with something to read in it, or "_"',
            )
        if columns[3] not in _UPOS:
            raise self._error(f"UPOS {quoted(columns[3])}", f"a universal part of speech ({' '.join(sorted(_UPOS))})")
        fault = _feature_fault(columns[5])
        if fault:
            raise self._error(fault, 'features such as "Case=Nom|Number=Sing", each name once, or "_" for none')
        wrong, right = _lower_case(columns[5])
        if wrong and not self.warned:
            self.warned = True
            warnings.warn(
                f"{self.path}, line {self.number}: {quoted(columns[1])} has the feature {quoted(wrong)}, which gives "
                "no attribute: Universal Dependencies begins names and values with a capital. Write "
                f"{quoted(right)}, there and wherever the file has the like; only the first is named",
                stacklevel=2,
            )
        self.lines += 1
        if columns[0].isdecimal():
            self.all_words += 1
            self.without_form += columns[1] == "_"
        return columns[: len(_READ)]

    def _check_id(self, number: str) -> None:
        if _WORD_ID.fullmatch(number):
            if int(number) != self.words + 1:
                raise self._error(f"word id {number}", f"{self.words + 1}, the next word of the sentence")
            self.words, self.empty = self.words + 1, 0
        elif match := _RANGE_ID.fullmatch(number):
            start, end = int(match[1]), int(match[2])
            if start != self.words + 1 or end < start or start <= self.range_end:
                raise self._error(
                    f"multi-word token id {number}",
                    f"a range that starts at the next word, {self.words + 1}, and overlaps no other",
                )
            self.range_end = end
        elif match := _EMPTY_ID.fullmatch(number):
            if (int(match[1]), int(match[2])) != (self.words, self.empty + 1):
                raise self._error(f"empty node id {number}", f"{self.words}.{self.empty + 1}")
            self.empty += 1
        else:
            raise self._error(f"id {quoted(number)}", _AN_ID)
