"""Write the tables of README.md from the results: ``python -m benchmarks.readme``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from pitfalls.study.output import write_whole

HERE = Path(__file__).parent
_BEGIN, _END = "<!-- begin: rankings (written by benchmarks.readme) -->", "<!-- end: rankings -->"


def tables(results: Path) -> str:
    """Machine, ratios, limits and the figure, as Markdown."""
    machine = json.loads((results / "machine.json").read_text(encoding="utf-8"))
    rows = pd.read_csv(results / "rankings.csv")
    said = json.loads((results / "cost.json").read_text(encoding="utf-8"))
    lines = [
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory']}; Python "
        f"{machine['Python']}, torch {machine['torch']}, NumPy {machine['numpy']}; load before the start: "
        f"{machine['load at the start']}.",
        "",
        "| work | the loop | threads | seconds | loop, seconds | ratio | wanted | same result |",
        "|---|---|--:|--:|--:|--:|---|---|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.work} | {row.oracle}; {row.oracle_is} | {row.threads} | {_short(row.seconds)} | "
            f"{_short(row.oracle_seconds)} | **{_short(row.ratio)}** | {row.wanted} | "
            f"{'yes' if row.agreed else 'NO'} (within {row.difference:.1g}) |"
        )
    lines += [
        "",
        "| work | threads | peak, MB | copy of the input, MB | moved, GB | gigaflop | exp and log, 10⁹ | "
        "limit, seconds | bound by | limit / measured |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    for row in rows.drop_duplicates(["work", "threads"]).itertuples():
        lines.append(
            f"| {row.work} | {row.threads} | {row.peak_mb:,.0f} | {row.copy_of_input_mb:,.0f} | "
            f"{_short(row.bytes_gb)} | {_short(row.gflop)} | {_short(row.exponentials_g)} | "
            f"{_short(row.limit_seconds)} | {row.bound_by} | "
            f"{row.share_of_limit:.0%} |"
        )
    lines += ["", f"![{said['alt']}](results/cost.svg)", "", said["caption"]]
    return "\n".join(lines)


def _short(number: float) -> str:
    """Three digits, as people write them.

    Examples
    --------
    >>> _short(0.01234), _short(12345.6)
    ('0.0123', '12,346')
    """
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def with_tables(text: str, results: Path) -> str:
    """The README's text with its tables anew.

    Raises
    ------
    ValueError
        If it lacks the two comments that the tables go between.
    """
    if text.count(_BEGIN) != 1 or text.count(_END) != 1:
        raise ValueError(f"README.md must hold each of these lines once: {_BEGIN!r}, {_END!r}")
    before, rest = text.split(_BEGIN)
    return f"{before}{_BEGIN}\n{tables(results)}\n{_END}{rest.split(_END)[1]}"


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md")
    asked = parser.parse_args()
    write_whole(asked.readme, with_tables(asked.readme.read_text(encoding="utf-8"), asked.results))


if __name__ == "__main__":
    main()
