"""What shows a cell's output: a front end with a person and live widgets, or a file that is compared or exported.

Everything that is shown here has three forms in one output: the widget where it can live, else a picture or text in
HTML, and a short fixed text, which is what nbval compares. A stored notebook holds no widget: its model would be gone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import ipywidgets
from IPython.core.getipython import get_ipython
from IPython.display import display

_VIEW = "application/vnd.jupyter.widget-view+json"


def show(text: str, fallback: str, widget: Callable[[], ipywidgets.Widget]) -> None:
    """Display a widget where it can be used, and what stands for it everywhere else.

    Parameters
    ----------
    text : short, and the same in every run
    fallback : HTML, true without the widget
    widget : makes it; called only where :func:`has_widgets`
    """
    bundle: dict[str, Any] = {"text/plain": text, "text/html": fallback}
    if has_widgets():
        # Written out, since only ipywidgets 8 has a method for it; Colab has 7.
        bundle[_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": widget().model_id}
    display(bundle, raw=True)


def has_widgets() -> bool:
    """Whether somebody sits before this cell in a front end that shows widgets.

    JupyterLab, Notebook and VS Code say with every cell which cell it is; nbclient (nbconvert, nbval's kernel,
    ``pitfalls reproduce``) says nothing. ``PITFALLS_WIDGETS=1`` or ``0`` in the environment decides where that is
    not so.

    Examples
    --------
    >>> has_widgets()  # no notebook at all
    False
    """
    stated = os.environ.get("PITFALLS_WIDGETS", "")
    if stated in ("0", "1"):
        return stated == "1"
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return bool(kernel.get_parent("shell").get("metadata")) or "google.colab" in sys.modules
