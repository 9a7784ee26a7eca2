"""Words, sentences and tables as HTML in which a change shows without colour: between asterisks, bold, underlined."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

import pandas as pd


def marked(forms: Sequence[str], words: Mapping[int, str]) -> str:
    """A sentence in which ``words`` (by position) replace its own, between asterisks.

    Examples
    --------
    >>> marked(["los", "gatos"], {1: "gatas"})
    'los *gatas*'
    """
    return " ".join(f"*{words[i]}*" if i in words else form for i, form in enumerate(forms))


def emphasised(text: str) -> str:
    """Text as HTML; whatever is between asterisks is bold and underlined, asterisks included.

    Examples
    --------
    >>> emphasised("los *gat ##as* 2 * 3 < 7")
    'los <b><u>*gat ##as*</u></b> 2 * 3 &lt; 7'
    """
    return re.sub(r"(?<!\S)\*[^\s*](?:[^*]*[^\s*])?\*(?!\S)", r"<b><u>\g<0></u></b>", html.escape(text))


def html_table(table: pd.DataFrame, caption: str) -> str:
    """A table as HTML, with a caption and the columns' names as headings."""
    head = "".join(f'<th scope="col">{html.escape(str(column))}</th>' for column in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{emphasised(str(cell))}</td>' for cell in row)}</tr>"
        for row in table.itertuples(index=False)
    )
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
