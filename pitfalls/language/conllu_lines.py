"""The lines of a CoNLL-U file, each checked before the `conllu` library sees it.

The library is lenient: it accepts missing columns, splits at two spaces, and skips what it cannot use.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from pitfalls.language.forms import is_blank
from pitfalls.language.quoting import quoted
from pitfalls.language.unimorph_rules import UPOS_TAGS

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
CHECKED = COLUMNS[:6]
"""The columns that are checked and handed on; the others may hold anything."""

_FEATURE = re.compile(r"[^\s=|_][^\s=|]*=(?!_$)[^\s=|]+")
# Nine digits are enough for any sentence; Python refuses to read numbers of more than 4,300.
_NUMBER = r"[1-9][0-9]{0,8}"
_WORD_ID = re.compile(_NUMBER)
_RANGE_ID = re.compile(rf"({_NUMBER})-({_NUMBER})")
_EMPTY_ID = re.compile(rf"(0|{_NUMBER})\.({_NUMBER})")
_AN_ID = 'a word id such as "3", "3-4" (multi-word token) or "3.1" (empty node), each of nine digits or fewer'
# As a real word of a text, the underscore is far rarer than this.
_FEW_WITHOUT_FORM = 0.05
_GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_AS_UTF_8 = "text in UTF-8 (convert it, for example with iconv)"
_COMPRESSED = {
    b"\x1f\x8b": ("gzip-compressed data", "gunzip"),
    b"\xfd7zXZ\x00": ("xz-compressed data", "unxz"),
    b"BZh": ("bzip2-compressed data", "bunzip2"),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed data", "unzstd"),
    b"PK\x03\x04": ("a zip archive", "unzip"),
}
_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CorpusError(ValueError):
    """A file is not the CoNLL-U that was expected: which file and line, what was found, and what was expected.

    `line` counts from 1; it is None where the whole file is meant.
    """

    def __init__(self, path: str, line: int | None, found: str, expected: str) -> None:
        """Keep the four parts."""
        super().__init__(path, line, found, expected)
        self.path, self.line, self.found, self.expected = path, line, found, expected

    def __str__(self) -> str:
        """Join the parts into the message."""
        where = self.path if self.line is None else f"{self.path}, line {self.line}"
        return f"{where}: {self.found}; expected {self.expected}"


class CheckedLines:
    """Decode the lines of a file and check them one by one as they are iterated over.

    Of comments, only `sent_id` is handed on; of words, the columns in `CHECKED`.

    Raises
    ------
    CorpusError
        A line is malformed, or the file was published without its text.
    """

    def __init__(self, path: Path, stream: Iterable[bytes]) -> None:
        self.path, self.stream, self.number, self.warned = path, stream, 0, False
        self.all_words = self.without_form = 0
        self._start()

    def _start(self) -> None:
        """Begin a new sentence."""
        self.words = self.range_end = self.empty = self.lines = self.comments = 0

    def _error(self, found: str, expected: str) -> CorpusError:
        return CorpusError(str(self.path), self.number, found, expected)

    def __iter__(self) -> Iterator[str]:
        """Yield the lines, with blank ones between sentences."""
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
        self._check_text()

    def _check_text(self) -> None:
        """Refuse a file most of whose words are "_", and warn about one where many are."""
        share = f'{self.without_form} of {self.all_words} words have the FORM "_"'
        if 2 * self.without_form > self.all_words:
            raise CorpusError(
                str(self.path),
                None,
                f"{share}: their text was left out, as Universal Dependencies does with texts that it may not publish",
                "the words themselves (the treebank's README says where to get the text and how to merge it)",
            )
        if self.without_form > _FEW_WITHOUT_FORM * self.all_words:
            warnings.warn(
                f"{self.path}: {share}, and the model reads just that; if their text was left out, merge it in first "
                "(the treebank's README says how)",
                UserWarning,
                stacklevel=3,
            )

    def _decode(self, raw: bytes) -> str:
        if self.number == 1:
            for magic, (found, program) in _COMPRESSED.items():
                if raw.startswith(magic):
                    raise self._error(found, f"unpacked text (run {program} on it first)")
            if raw.startswith(_WIDE):
                raise self._error("text in UTF-16 or UTF-32", _AS_UTF_8)
            raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{raw[error.start]:02x} at column {error.start + 1} is not UTF-8"
            raise self._error(found, _AS_UTF_8) from error
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
        if match and tuple(match[1].lower().split()) != COLUMNS:
            raise self._error(
                f"CoNLL-U Plus with the columns {quoted(match[1])}",
                f"CoNLL-U with the columns {' '.join(COLUMNS).upper()}",
            )
        self.comments += 1

    def _end(self) -> None:
        """End a sentence: nothing may be left open."""
        if self.comments and not self.words:
            raise self._error("comments with no word after them", "a sentence's words after its comments")
        if self.range_end > self.words:
            raise self._error(
                f"a multi-word token that reaches word {self.range_end} in a sentence that ends at word {self.words}",
                "its last component before the sentence ends",
            )
        self._start()

    def _token(self, line: str) -> list[str]:
        columns = line.split("\t")
        if len(columns) != len(COLUMNS):
            number = f"{len(columns)} column{'s' if len(columns) > 1 else ''} in {quoted(line)}"
            expected = f"CoNLL-U: {len(COLUMNS)} columns ({' '.join(COLUMNS).upper()}) separated by tabs"
            raise self._error(number, expected)
        number, form, _, upos, _, feats = checked = columns[: len(CHECKED)]
        self._check_id(number)
        for name, value in zip(CHECKED, checked, strict=True):
            if not value or value != value.strip(" ") or "  " in value:
                raise self._error(
                    f"column {name.upper()} is {quoted(value)}",
                    'text without spaces at its ends and without double spaces, or "_" for nothing',
                )
        if is_blank(form):
            raise self._error(
                f"column FORM is {quoted(form)}, only white space or control characters",
                'a word with something to read in it, or "_"',
            )
        if upos not in UPOS_TAGS:
            raise self._error(f"UPOS {quoted(upos)}", f"a universal part of speech ({' '.join(sorted(UPOS_TAGS))})")
        self._check_features(form, feats)
        self.lines += 1
        if number.isdecimal():
            self.all_words += 1
            self.without_form += form == "_"
        return checked

    def _check_features(self, form: str, feats: str) -> None:
        """Refuse a malformed FEATS column, and warn once per file about a feature in lower case."""
        fault = _feature_fault(feats)
        if fault:
            raise self._error(fault, 'features such as "Case=Nom|Number=Sing", each name once, or "_" for none')
        wrong, right = _lower_case(feats)
        if wrong and not self.warned:
            self.warned = True
            warnings.warn(
                f"{self.path}, line {self.number}: {quoted(form)} has the feature {quoted(wrong)}, which gives "
                "no attribute: Universal Dependencies begins names and values with a capital. Write "
                f"{quoted(right)}, and correct any others like it; only the first in each file is named",
                stacklevel=3,
            )

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
