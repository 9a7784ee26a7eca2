"""Where a cell's output is shown: to a person, with live widgets, or in a file that is compared or exported.

Every output has three forms: a widget where widgets work, a picture or text in HTML elsewhere, and a short fixed text
that nbval compares. A stored notebook holds no widget, because the widget's model would be gone.
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
    """Display a widget where it can be used, and its replacement everywhere else.

    Parameters
    ----------
    text : short, and the same in every run
    fallback : HTML that makes sense without the widget
    widget : makes the widget; called only if :func:`has_widgets` is true
    """
    bundle: dict[str, Any] = {"text/plain": text, "text/html": fallback}
    if has_widgets():
        # Written out, because only ipywidgets 8 has a method for it; Colab has 7.
        bundle[_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": widget().model_id}
    display(bundle, raw=True)


def has_widgets() -> bool:
    """Whether a person sees this cell in a front end that shows widgets.

    JupyterLab, Notebook and VS Code send the cell's identity with every cell; nbclient (nbconvert, nbval's kernel,
    ``pitfalls reproduce``) does not. ``PITFALLS_WIDGETS=1`` or ``0`` in the environment overrides this.

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
