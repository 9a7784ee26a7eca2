"""How Sphinx makes the book.

We use Sphinx with MyST-NB, not Jupyter Book: Jupyter Book 2 needs node.js, which pip cannot install, and version 1
holds Sphinx back. Neither building nor reading needs the network: the theme brings its own fonts and scripts, and no
page loads MathJax or widget scripts from elsewhere (which is why dollar mathematics is off).
``docs/book/build.py`` collects the pages and calls Sphinx.
"""

import re
import sys
from pathlib import Path

import pitfalls

sys.path.insert(0, str(Path(__file__).parent))
import build

project = "pitfalls"
author = "The pitfalls maintainers"
project_copyright = "the pitfalls maintainers, MIT licence"
version = release = pitfalls.__version__
html_title = "Pitfalls of analysing individual neurons"
html_theme = "furo"
html_static_path: list[str] = []
html_show_sourcelink = False
# The sources of the pages are in the repository.
html_copy_source = False
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# The notebooks are shown as they were executed.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_code_prompt_show = "Show the {type}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

# scikit-learn gives every estimator the two excluded methods; their text refers to scikit-learn's glossary.
autodoc_default_options = {"members": True, "exclude-members": "set_fit_request, set_score_request"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
# A shape in a type, such as float [n_words, n_neurons], names several classes' attributes: no reference is meant.
suppress_warnings = ["ref.python"]

NAMES = build.names()


def literal_underscores(app, what, name, obj, options, lines):
    """Read scikit-learn's fitted attributes (``coef_``) in docstrings as names, not as references."""
    for number, line in enumerate(lines):
        if not line.startswith(".. "):
            lines[number] = re.sub(r"(?<![`\w])(\w+[^\W_])_(?![\w`])", r"\1\\_", line)


def in_the_repository(app, env, node, contnode):
    """Link a reference to something that no page describes to that thing's file in the repository."""
    from docutils.nodes import reference

    files = build.named(node["reftarget"], NAMES) if node.get("refdomain") == "py" else set()
    if len(files) != 1:
        return None
    return reference("", "", contnode, refuri=f"{build.address()}/blob/main/{files.pop()}", internal=False)


def setup(app):
    """Connect the two functions above; napoleon reads docstrings first, because it escapes the names of attributes."""
    app.connect("autodoc-process-docstring", literal_underscores, priority=900)
    app.connect("missing-reference", in_the_repository)
