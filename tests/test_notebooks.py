"""The committed notebooks: executed from top to bottom, safe to compare, and true in what they say about themselves."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

import nbformat

NUMBER = re.compile(r"(?<![\w.,])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")
MINUTES = {
    "a quarter of a minute": "¼",
    "half a minute": "½",
    "a minute": "1",
    "a minute and a half": "1½",
    "two minutes": "2",
    "two and a half minutes": "2½",
    "three minutes": "3",
    "three and a half minutes": "3½",
    "four and a half minutes": "4½",
    "four minutes": "4",
}


def notebooks(root):
    return sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@cache
def read(path):
    return nbformat.read(path, as_version=4)


def test_every_cell_was_run_once_in_order_and_left_no_progress_bar(root):
    """A cell without a count and outputs would pass nbval whatever it prints."""
    for path in notebooks(root):
        assert path.stat().st_size <= 1_500_000
        code = [cell for cell in read(path).cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert read(path).metadata.kernelspec.name == "python3"
        outputs = [output for cell in code for output in cell.outputs]
        kinds = [output.output_type for output in outputs]
        assert "error" not in kinds
        assert kinds.count("stream") + kinds.count("display_data") >= len(code) // 2
        for output in outputs:
            said = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            assert output.get("name") != "stderr", said
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
            assert "it/s]" not in said and "%|" not in said


def head(path):
    """A notebook's first cell as one line, wherever its own lines end."""
    return " ".join(read(path).cells[0].source.split())


def test_a_header_says_its_goals_and_the_same_minutes_as_everywhere(root):
    """A header, notebook 00's map and the README agree, and a header adds up its exercises."""
    rows = {}
    for name in ("README.md", "notebooks/src/00_start_here.py"):
        text = (root / name).read_text(encoding="utf-8")
        found = re.findall(r"^(?:# )?\| \[?(\d\d) [^|]*\|[^|]*\| (\d+) min \| (\S+) min \|", text, re.M)
        rows[name] = {number: (reading, running) for number, reading, running in found}
    assert rows["README.md"].keys() >= {path.stem[:2] for path in notebooks(root)}
    for path in notebooks(root):
        number, said = path.stem[:2], head(path)
        assert "you will learn" in said.lower() and "you need" in said.lower(), path.name
        reading = re.search(r"\*\*It takes\*\* (\d+) minutes to read", said).group(1)
        running = re.search(r"the cells run in about (.+?) on one core", said).group(1)
        expected = (reading, MINUTES[running])
        assert rows["README.md"][number] == expected, path.name
        assert rows["notebooks/src/00_start_here.py"].get(number, expected) == expected, path.name
        cells = read(path).cells
        asked = re.findall(r"^### Exercise .* (\d+) minutes:", "\n".join(cell.source for cell in cells), re.M)
        assert f" {sum(map(int, asked))} more for " in said, path.name
        assert re.search(r"\([\d.]+ GB of memory\)", said), path.name


def read_aloud(path):
    """The figures of a notebook: what each says as text, and the sentence that reads it aloud ("" where none does)."""
    cells = read(path).cells
    shows = [i for i, cell in enumerate(cells) if cell.cell_type == "code" and ".show()" in cell.source]
    for at, end in pairwise([*shows, len(cells)]):
        prose = "\n\n".join(cell.source for cell in cells[at + 1 : end] if cell.cell_type == "markdown")
        found = re.search(r"^\*\*In one sentence\*\*: (.+?)(?:\n\n|\Z)", prose, re.M | re.S)
        yield at, " ".join(found.group(1).split()) if found else ""


def printed(path):
    """All numbers that a notebook prints or says in the text of a figure."""
    outputs = [out for cell in read(path).cells for out in cell.get("outputs", [])]
    text = "\n".join(out.get("text", "") + out.get("data", {}).get("text/plain", "") for out in outputs)
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def test_every_figure_is_read_aloud_in_a_sentence_whose_numbers_stand_in_the_notebook(root):
    figures = 0
    for path in notebooks(root):
        there = printed(path)
        for at, sentence in read_aloud(path):
            figures += 1
            assert sentence, f"{path.name}: the figure of cell {at} is not read aloud"
            assert len(re.findall(r"[.!?](?=\s[A-Z]|$)", sentence)) == 1, f"{path.name}: one sentence, not {sentence!r}"
            for number in NUMBER.findall(sentence):
                digits = len(number.partition(".")[2])
                value = float(number.replace(",", ""))
                near = [other for other in there if abs(other - value) <= 0.5 * 10**-digits + 1e-9]
                assert near, f"{path.name}: {number} is not printed: {sentence}"
    assert figures >= 35, figures
