"""The course's widgets in a real browser: JupyterLab with a kernel, headless Chromium, and the keyboard.

Skipped, with a reason, where there is no browser or no playwright; `pytest -m browser` runs these alone.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

import pitfalls as pf
from pitfalls.course import neuron_view

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The kernel imports torch and reads the world; on a busy machine that takes a while.
STARTING, MOVING = 600_000, 300_000
IMPORTS = "import pitfalls as pf\nfrom pitfalls.course.explorers import intervention_explorer, neuron_explorer\n"
NEURON = f'{IMPORTS}neuron_explorer(pf.load_world("mini"), "spa", "Gender", 2, neuron=17, names=["probeless", "anova"])'
INTERVENTION = f"""{IMPORTS}world = pf.load_world("mini")
experiment = world.experiment("spa", "Gender", layer=2)
intervention_explorer(experiment, [experiment.rank("probeless"), experiment.rank("probeless", "btt")], k=32)"""
PREDICT = 'from pitfalls.course.predict import predict\npredict("00-a", "How accurate is it?", 0, 1)'


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A separate JupyterLab on a free port, without any user's settings: its folder and its address."""
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"IPYTHONDIR": str(folder / "ipython"), "PITFALLS_GUESSES": str(folder / "guesses.json")}
    own |= {"TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # progress bars are outputs, too
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=t"]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(server, f"{address}/api?token=t", folder / "lab.log")
            yield folder, address
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(server, url, log):
    for _ in range(1200):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"JupyterLab did not answer in ten minutes:\n{log.read_text()}")


@pytest.fixture
def run(browser, lab):
    """Open a notebook of one cell in a page, and run the cell."""
    playwright.expect.set_options(timeout=STARTING)
    folder, address = lab
    pages = []

    def opened(name, code):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        pages.append(page)
        page.set_default_timeout(STARTING)
        page.goto(f"{address}/lab/tree/{name}.ipynb?token=t&reset")
        run_cell(page)
        return page

    yield opened
    for page in pages:
        page.close()


def run_cell(page):
    """Run the first cell by the keyboard; Lab forgets what is run before its kernel is there."""
    playwright.expect(page.locator("#jp-main-statusbar")).to_contain_text("Idle")
    prompt = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").first
    before = prompt.inner_text()
    for _ in range(10):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        for _ in range(20):
            if prompt.inner_text() != before:
                return
            page.wait_for_timeout(250)
    raise AssertionError(f"the cell was not run: its prompt is still {before}")


def handle(page, index):
    """The handle of a slider, by its place among all handles."""
    return page.locator(".jp-OutputArea [role=slider]").nth(index)


def shows(page, text):
    playwright.expect(page.locator(".jp-OutputArea").first).to_contain_text(text, timeout=MOVING)


def test_the_neuron_explorer_follows_its_slider_and_is_true_when_it_stands_still(run, lab):
    page = run("neuron", NEURON)
    picture = page.locator(".jp-OutputArea-output figure img")
    picture.wait_for()
    world = pf.load_world("mini")
    orders = neuron_view.explorer_rankings(world.activations("spa", "Gender", layer=2), ["probeless", "anova"])

    def alt(neuron, layer=2):
        data = world.activations("spa", "Gender", layer)
        return pf.figures.neuron(neuron_view.neuron_values(data, neuron), neuron_view.neuron_title(data, neuron)).alt

    assert picture.get_attribute("alt") == alt(17) != alt(18)
    handle(page, 0).focus()
    page.keyboard.press("ArrowRight")
    playwright.expect(picture).to_have_attribute("alt", alt(18), timeout=MOVING)
    for row in neuron_view.neuron_positions(18, orders).itertuples():
        shows(page, f"{row.ranking}{row.position}{row.of}")
    page.get_by_label("layer").select_option("1")
    playwright.expect(picture).to_have_attribute("alt", alt(18, 1), timeout=MOVING)
    page.keyboard.press("Control+s")
    _still(lab[0] / "neuron.ipynb", alt(17))


def _still(path, alt):
    """What Lab saved, exported to HTML: the picture of the first view, and no widget without its model."""
    from nbconvert import HTMLExporter

    for _ in range(600):
        outputs = nbformat.read(path, as_version=4).cells[0].outputs
        if outputs:
            break
        time.sleep(0.5)
    (output,) = outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data  # it was live
    exported, _ = HTMLExporter().from_filename(str(path))
    assert f'alt="{alt}"' in exported and '"model_id"' not in exported


def test_the_intervention_explorer_rewrites_the_sentence(run):
    page = run("intervention", INTERVENTION)
    handle(page, 0).wait_for()
    shows(page, "Probeless, k = 32, β = 4: ")
    shown = page.locator(".jp-OutputArea-output p")
    assert shown.nth(1).inner_text()[len("before: ") :] != shown.nth(2).inner_text()[len("after: ") :]
    assert page.locator(".jp-OutputArea-output p b u").count() >= 2
    handle(page, 0).focus()
    page.keyboard.press("ArrowRight")
    shows(page, "k = 33, ")
    page.keyboard.press("Home")
    shows(page, "k = 0, β = 4: 0 of ")
    assert shown.nth(1).inner_text()[len("before: ") :] == shown.nth(2).inner_text()[len("after: ") :]
    page.get_by_label("ranking").select_option("Probeless, bottom to top")
    shows(page, "Probeless, bottom to top, k = 0")


def test_a_guess_is_committed_once(run, lab):
    page = run("predict", PREDICT)
    commit = page.get_by_role("button", name="Commit")
    playwright.expect(commit).to_be_disabled(timeout=STARTING)
    for index, key in enumerate(["ArrowRight", "ArrowLeft"]):
        handle(page, index).focus()
        page.keyboard.press(key)
    playwright.expect(commit).to_be_enabled(timeout=MOVING)
    commit.focus()
    page.keyboard.press("Enter")
    shows(page, "Kept: 0.02 to 0.98. It stays on this computer.")
    playwright.expect(commit).to_be_disabled()
    kept = json.loads((lab[0] / "guesses.json").read_text())
    assert (kept["00-a"]["low"], kept["00-a"]["high"]) == (0.02, 0.98)
    run_cell(page)
    playwright.expect(page.locator(".jp-OutputArea").first).to_contain_text("Kept: 0.02", timeout=MOVING)
    playwright.expect(page.get_by_role("button", name="Commit")).to_be_disabled()
