"""The book: nothing of the course is missing from it, and no link or picture of the built pages is broken."""

from __future__ import annotations

import doctest
import fnmatch
import importlib.util
import re
import shlex
import subprocess
import sys
import textwrap
import types
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pandas as pd
import pytest

import pitfalls
from pitfalls.cli import _parser


@pytest.fixture(scope="module")
def book(root):
    """The module docs/book/build.py."""
    spec = importlib.util.spec_from_file_location("book_build", root / "docs" / "book" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(book, tmp_path_factory):
    """The built website's folder."""
    missing = [name for name in ("sphinx", "myst_nb", "furo") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the book is not built here: {', '.join(missing)} not installed (pip install -e '.[dev]')")
    folder = tmp_path_factory.mktemp("book")
    # In a separate process: Sphinx leaves its roles and its logging behind.
    command = [sys.executable, book.__file__, "--output", str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def toc(root):
    """The patterns of the front page's tables of contents."""
    blocks = re.findall(r"```\{toctree\}\n(.*?)```", (root / "docs/book/index.md").read_text(encoding="utf-8"), re.S)
    return [line for block in blocks for line in block.split("\n") if line and not line.startswith(":")]


def test_every_page_is_in_the_table_of_contents(root, book, tmp_path):
    pages = book.collect(tmp_path)
    sources = {path.stem for path in (root / "notebooks" / "src").glob("*.py")}
    assert sources <= {page.split("/")[-1].removesuffix(".ipynb") for page in pages if page.startswith("notebooks/")}
    api = (root / "docs/book/api.rst").read_text(encoding="utf-8")
    listed = [*toc(root), *re.findall(r"^   (api/\w+)$", api, re.M)]
    for page in pages:
        name = page.rsplit(".", 1)[0]
        assert name == "index" or any(fnmatch.fnmatch(name, pattern) for pattern in listed), page


def test_the_reference_has_every_public_name_once(root):
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "docs/book/api").glob("*.rst")))
    named = re.findall(r"^\.\. auto(?:class|function|data):: (\w+)$", pages, re.M)
    named += [
        name.removeprefix("pitfalls.") for name in re.findall(r"^\.\. automodule:: (pitfalls\.\w+)$", pages, re.M)
    ]
    assert sorted(set(named) & set(pitfalls.__all__)) == sorted(pitfalls.__all__)
    assert len(named) == len(set(named))


@pytest.mark.parametrize("room", ["comparison", "interventions", "probes"])
def test_the_reference_has_every_name_of_a_rooms_face(root, room):
    page = (root / f"docs/book/api/{room}.rst").read_text(encoding="utf-8")
    face = importlib.import_module(f"pitfalls.{room}").__all__
    assert set(face) <= set(re.findall(r"^\.\. auto(?:class|function|data):: (\w+)$", page, re.M))


def test_every_reference_of_a_docstring_names_something_of_the_package(root, book):
    known = book.names()
    assert book.named("~.run.Run", known) == {"pitfalls/interventions/run.py"} == book.named("Run.rates", known)
    lost = [
        f"{path.relative_to(root)}: {reference}"
        for path in sorted((root / "pitfalls").rglob("*.py"))
        for reference in re.findall(r":(?:class|data|exc|func|meth|mod):`([^`]+)`", path.read_text(encoding="utf-8"))
        if not book.named(reference, known)
    ]
    assert not lost, lost


#: Texts that visitors read, and may copy code from.
TEXTS = ("README.md", "CONTRIBUTING.md", "docs/guide/*.md", "docs/instructor/*.md", "docs/book/index.md")

#: Files that CONTRIBUTING's recipes write.
EXAMPLES = {
    "pitfalls/rankings/variance.py",
    "pitfalls/probes/nearest_mean.py",
    "pitfalls/interventions/sign_swap.py",
    "pitfalls/figures/layers.py",
    "pitfalls/course/questions/nb12.py",
    "tests/test_figures_layers.py",
    "notebooks/src/12_name.py",
    "notebooks/src/NN_name.py",
    "notebooks/NN_name.ipynb",
}


def texts(root):
    return sorted(path for pattern in TEXTS for path in root.glob(pattern))


def blocks(path, language):
    """The code blocks of a text in one language, except those marked as not run."""
    pattern = rf"(<!-- not run: [^>]+ -->\n)?^( *)```{language}\n(.*?)^ *```$"
    found = re.findall(pattern, path.read_text(encoding="utf-8"), re.M | re.S)
    return [textwrap.dedent(code) for left_out, _, code in found if not left_out]


GUIDE = [f"docs/guide/{name}.md" for name in ("package", "own-data", "all-configurations", "agreement", "latents")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", *GUIDE])
def test_the_code_of_a_text_runs_from_top_to_bottom(root, name, monkeypatch):
    """So do the doctests in it: CONTRIBUTING's recipes have some."""
    found = blocks(root / name, "python")
    assert found
    page = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    for code in found:
        exec(compile(code, name, "exec", dont_inherit=True), vars(page))
    failed, tried = doctest.testmod(page, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0 and tried >= (5 if name == "CONTRIBUTING.md" else 0)


def test_the_readme_has_ten_lines(root):
    (code,) = blocks(root / "README.md", "python")
    assert len([line for line in code.splitlines() if line]) == 10


def test_the_texts_name_commands_options_and_files_that_exist(root):
    targets = set(re.findall(r"^([a-z]+(?:-[a-z]+)?):", (root / "Makefile").read_text(encoding="utf-8"), re.M))
    commands = 0
    for path in texts(root):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.M):
            assert target in targets, f"{path.name}: the Makefile has no target {target}"
        shell = "\n".join(blocks(path, "bash")).replace("\\\n", " ")
        for line in [
            *re.findall(r"^.*?pitfalls (.+)$", shell, re.M),
            *re.findall(r"`pitfalls ((?:[a-z]+ -)[^`]+)`", text),
        ]:
            _parser().parse_args(shlex.split(line, comments=True))
            commands += 1
        for file in re.findall(r"`((?:pitfalls|tests|notebooks|docs|results|benchmarks)/[\w/.-]+\.\w+)`", text):
            assert (root / file).exists() or file in EXAMPLES, f"{path.name}: there is no {file}"
    assert commands >= 6


def test_links_to_what_is_no_page_lead_to_the_repository(book):
    pages = {"notebooks/01_two_pitfalls.ipynb", "SOURCES.md"}
    here = Path("notebooks/01_two_pitfalls.ipynb")
    assert book.relinked("[a](../SOURCES.md) [b](#here) [c](https://x.org)", here, pages) == (
        "[a](../SOURCES.md) [b](#here) [c](https://x.org)"
    )
    assert book.relinked("[l](../LICENSE)", here, pages) == f"[l]({book.address()}/blob/main/LICENSE)"
    with pytest.raises(ValueError, match=r"notebooks/01_two_pitfalls.ipynb links to ../nowhere.md"):
        book.relinked("[n](../nowhere.md)", here, pages)


def test_solutions_are_folded_and_the_installing_cell_is_left_out(book):
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [new_code_cell("import google.colab"), new_code_cell("1", metadata={"tags": ["exercise"]}), new_code_cell()]
    shown = book.shown(new_notebook(cells=cells)).cells
    assert [cell.metadata.get("tags") for cell in shown] == [["remove-cell"], ["exercise", "hide-input"], None]


class Page(HTMLParser):
    """A page's links, pictures, places to link to, and headings."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.pictures, self.ids, self.headings = [], [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append(found)
        if tag in ("script", "link", "img") and (found.get("src") or found.get("href")):
            self.loaded.append(found.get("src") or found["href"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


def faults(pages):
    """What is wrong with pages, given their texts by path: broken links, missing pictures and alt texts, requests."""
    read = {path.resolve(): Page(text) for path, text in pages.items()}
    found = []
    for path, page in read.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not goal.is_file():
                found.append(f"{path.name}: {link} leads nowhere")
            elif parts.fragment and goal in read and unquote(parts.fragment) not in read[goal].ids:
                found.append(f"{path.name}: {link}: no such place in the page")
        found += [f"{path.name}: {link} needs the network" for link in page.loaded if re.match(r"(https?:)?//", link)]
        found += [
            f"{path.name}: a picture has no alt text" for image in page.pictures if not image.get("alt", "").strip()
        ]
    return found


def test_faults_are_found(tmp_path):
    (tmp_path / "there.html").write_text("")
    page = '<h1 id="top"></h1><a href="{}">x</a><img src="{}" alt="{}">'
    good, picture = page.format("there.html", "there.html", "A chart"), tmp_path / "page.html"
    assert faults({picture: good}) == []
    for wrong, says in (
        (page.format("nowhere.html", "there.html", "A chart"), "leads nowhere"),
        (page.format("#bottom", "there.html", "A chart"), "no such place"),
        (page.format("there.html", "gone.png", "A chart"), "leads nowhere"),
        (page.format("there.html", "there.html", " "), "no alt text"),
        (page.format("there.html", "https://x.org/a.png", "A chart"), "needs the network"),
    ):
        picture.write_text(wrong)
        (said,) = faults({picture: wrong})
        assert says in said


@pytest.mark.slow
def test_no_link_or_picture_of_the_built_pages_is_broken(root, built):
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(built.rglob("*.html"))}
    assert len(pages) > len(list((root / "notebooks" / "src").glob("*.py")))
    assert faults(pages) == []
    text = pages[built / "notebooks" / "05_probe_and_ranking.html"]
    assert len(Page(text).pictures) >= 3  # the figures are there at all
    assert "Traceback" not in text
    stored = nbformat.read(root / "notebooks" / "05_probe_and_ranking.ipynb", as_version=4)
    exercises = [cell for cell in stored.cells if "exercise" in cell.metadata.get("tags", [])]
    assert text.count("tag_hide-input") == len(exercises)  # solutions are folded

    # Headings come in order.
    for path in (built / "notebooks").glob("*.html"):
        headings = Page(pages[path]).headings
        assert headings.count(1) == 1
        assert all(b - a <= 1 for a, b in pairwise(headings)), (path.name, headings)


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_finds_selectivity_without_a_network(built, chromium):
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--virtual-time-budget=20000", "--dump-dom", f"{(built / 'search.html').as_uri()}?q="]
    found = {}
    for word in ("selectivity", "xyzzyplugh"):
        command[-1] = f"{(built / 'search.html').as_uri()}?q={word}"
        page = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout
        results = page.partition('id="search-results"')[2].partition("</article>")[0]
        found[word] = [link for link in Page(results).links if ".html" in link]
    assert any("06_selectivity" in link for link in found["selectivity"])
    assert found["xyzzyplugh"] == []


def seen(page, address):
    """What a browser finds in a page: pictures without an image, requests that failed, errors, and its links."""
    failed, errors = [], []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    empty = page.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.alt)")
    links = page.evaluate("[...document.links].map(link => link.href)")
    return empty, failed, errors, links


@pytest.mark.browser
def test_a_browser_sees_what_is_missing(browser, tmp_path):
    (tmp_path / "page.html").write_text('<img src="gone.png" alt="A chart"><script>nothing()</script>')
    page = browser.new_page()
    empty, failed, errors, _ = seen(page, (tmp_path / "page.html").as_uri())
    assert empty == ["A chart"] and len(failed) == 1 and "nothing" in errors[0]
    page.close()


@pytest.mark.slow
@pytest.mark.browser
def test_a_browser_shows_every_picture_and_follows_every_link(browser, built):
    links, pictures = set(), 0
    for path in sorted(built.rglob("*.html")):
        page = browser.new_page()
        empty, failed, errors, found = seen(page, path.as_uri())
        assert (empty, failed, errors) == ([], [], []), path.name
        pictures += page.evaluate("document.images.length")
        links |= set(found)
        page.close()
    local = {unquote(urlsplit(link).path) for link in links if link.startswith("file:")}
    assert [link for link in sorted(local) if not Path(link).is_file()] == []
    assert len(local) >= 20 and pictures >= 35


def kit(root):
    """The instructor's kit: texts by name, each as one line."""
    found = {path.stem: path.read_text(encoding="utf-8") for path in (root / "docs" / "instructor").glob("*.md")}
    assert len(found) >= 7
    return {name: " ".join(text.split()) for name, text in found.items()}


def test_what_is_said_of_a_claim_is_what_the_tables_say(root):
    text = kit(root)["when-a-claim-fails"].replace(" > ", " ")
    claims = pd.read_csv(root / "results" / "claims.csv", keep_default_na=False)
    parts = re.split(r" ## (?=\d)", text)[1:]
    assert len(parts) == len(claims)
    for part, claim in zip(parts, claims.itertuples(), strict=True):
        title = f"{claim.claim} [{claim.tag}] {claim.text} **Verdict here**: {claim.verdict}."
        assert part.startswith(title), part[:200]
        quoted = [
            claim.evidence,
            f"Control: {claim.control}",
            *([f"Untrained: {claim.untrained}"] if claim.untrained else []),
        ]
        assert all(said in part for said in quoted), part[:900]


def test_the_kit_names_headings_and_exercises_that_exist(root):
    sources = {
        path.stem[:2]: re.sub(r"\n# ?", " ", path.read_text(encoding="utf-8"))
        for path in (root / "notebooks" / "src").glob("*.py")
    }
    for name, text in kit(root).items():
        named = re.findall(r"(?:\[| |\()(\d\d), \"(.+?)\"(?:\]|\)| \|)", text)
        named += re.findall(r'\[(\d\d), "([^]]+)"\]\(\.\./\.\./notebooks/\1_', text)
        for number, heading in named:
            assert f"## {heading}" in sources[number], f"{name}.md: notebook {number} has no heading {heading!r}"
        for exercise in re.findall(r"\b[01]\d\.\d\b", text):
            assert f"### Exercise {exercise} " in sources[exercise[:2]], f"{name}.md: there is no exercise {exercise}"


@pytest.mark.parametrize("name", ["plan-lecture", "plan-labs"])
def test_plans_fill_ninety_minutes_without_a_gap(root, name):
    text = (root / "docs" / "instructor" / f"{name}.md").read_text(encoding="utf-8")
    plans = re.findall(r"\| minutes \|.*?\n\|[-|]+\|\n((?:\|.*\n)+)", text)
    assert len(plans) == (1 if name == "plan-lecture" else 3)
    for plan in plans:
        at = 0
        for row in plan.splitlines():
            start, end = (int(minute) for minute in re.match(r"\| (\d+)–(\d+) \|", row).groups())
            assert start == at < end, row
            at = end
        assert at == 90
