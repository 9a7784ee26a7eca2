"""How nbval compares these notebooks: all text outputs, strictly; no pixels, no progress bars."""

from __future__ import annotations

import os
import tempfile
from collections import Counter

# The kernels inherit these: the stored outputs were made without progress bars too.
os.environ.update(TQDM_DISABLE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_OFFLINE="1")

# Nobody's own guesses: the stored outputs are of a reader who made none.
os.environ["PITFALLS_GUESSES"] = os.path.join(tempfile.mkdtemp(), "guesses.json")

# Progress bars and warnings go to stderr. A figure's pixels and its HTML (which embeds them) depend on the font
# renderer; its text output, compared here, is its caption and its description, computed from the plotted numbers.
SKIPPED = ("stderr", "image/png", "text/html")


def pytest_collectstart(collector):
    """Tell nbval what not to compare."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare = (*collector.skip_compare, *SKIPPED)


def pytest_collection_modifyitems(items):
    """Note of every cell what nbval will do with it, where also another process's report says it."""
    for item in items:
        if hasattr(item, "cell"):
            item.user_properties.append(("nbval", _kind(item.cell)))


def _kind(cell):
    tags = set(cell.metadata.get("tags", []))
    if "nbval-skip" in tags:
        return "skipped"
    if "nbval-ignore-output" in tags:
        return "run without comparing"
    said = [output for output in cell.outputs if output.get("name") != "stderr"]
    return "compared" if said else "silent"


def pytest_terminal_summary(terminalreporter):
    """Say what was compared, so that a green run that compared nothing is seen to be one."""
    reports = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    kinds = Counter(kind for report in reports for name, kind in report.user_properties if name == "nbval")
    said = ", ".join(f"{kinds[kind]} {kind}" for kind in ("compared", "run without comparing", "skipped", "silent"))
    terminalreporter.write_line(f"nbval, cells: {said}")
