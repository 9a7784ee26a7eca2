"""How nbval compares these notebooks: all text outputs, strictly; no pixels, no progress bars."""

from __future__ import annotations

import os

# The kernels inherit these: the stored outputs were made without progress bars too.
os.environ.update(TQDM_DISABLE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_OFFLINE="1")

# Progress bars and warnings go to stderr. A figure's pixels and its HTML (which embeds them) depend on the font
# renderer; its text output, compared here, is its caption and its description, computed from the plotted numbers.
SKIPPED = ("stderr", "image/png", "text/html")


def pytest_collectstart(collector):
    """Tell nbval what not to compare."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare = (*collector.skip_compare, *SKIPPED)
