"""Write the tables of README.md from the results: ``python -m benchmarks.readme``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls.files import write_text

HERE = Path(__file__).parent


def tables(results: Path) -> str:
    """The machine, ratios, limits and figure of rankings and probes, as Markdown."""
    rows = pd.read_csv(results / "rankings.csv")
    said = json.loads((results / "cost.json").read_text(encoding="utf-8"))
    lines = [
        _machine(results / "machine.json"),
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


def intervention_tables(results: Path) -> str:
    """The machine, ratios, memory and matrix work of interventions on each device, as Markdown."""
    return _of_all(results, "interventions", _intervention_tables)


def _of_all(results: Path, name: str, tables_of: Callable[[Path], str]) -> str:
    """The tables of every device and precision; :func:`benchmarks.devices.result_name` names their files."""
    # Sorted without their endings, so that the CPU's file comes first.
    files = sorted([*results.glob(f"{name}.csv"), *results.glob(f"{name}-*.csv")], key=lambda file: file.stem)
    return "\n\n".join(map(tables_of, files))


def _intervention_tables(file: Path) -> str:
    rows = pd.read_csv(file)
    lines = [
        _machine(file.with_suffix(".json")),
        "",
        "| work | the slow way | threads | seconds | unjudged | slow way, seconds | ratio | wanted | same tokens |",
        "|---|---|--:|--:|--:|--:|--:|---|---|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.work} | {row.oracle}; {row.oracle_is} | {row.threads} | {_short(row.seconds)} | "
            f"{_short(row.predictions_seconds)} | {_short(row.oracle_seconds)} | **{_short(row.ratio)}** | "
            f"{row.wanted} | {_same_tokens(row)} |"
        )
    lines += [
        "",
        "| work | threads | slots to change | changed at the last k | peak, MB | in all, MB | gigaflop | "
        "with padding | matrix products | limit, seconds | limit / measured |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.work} | {row.threads} | {row.target_slots:,} | {row.target_slots_changed_at_last_k:,} | "
            f"{row.peak_mb:,.0f} | {row.total_mb:,.0f} | {_short(row.gflop)} | "
            f"{_short(row.gflop_done)} | {row.matrix_share:.0%} | "
            f"{_short(row.limit_seconds)} | {row.share_of_limit:.0%} |"
        )
    return "\n".join(lines)


def model_tables(results: Path) -> str:
    """The machine, and the ratios to whole passes, nnsight and plain transformers, as Markdown."""
    rows = pd.read_csv(results / "models.csv")
    said = json.loads((results / "models.json").read_text(encoding="utf-8"))
    lines = [
        f"{_machine(results / 'models.json')} transformers {said['transformers']}, nnsight {said['nnsight']}.",
        "",
        "| work | the other way | threads | load | seconds | other way, seconds | ratio | in CPU time | peak, MB | "
        "same result |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.work} | {row.oracle}; {row.oracle_is} | {row.threads} | {row.load} | {_short(row.seconds)} | "
            f"{_short(row.oracle_seconds)} | **{_short(row.ratio)}** | {_short(row.cpu_ratio)} | "
            f"{row.peak_mb:,.0f} | {'yes' if row.agreed else 'NO'}, {row.compared} (within {row.difference:.1g}) |"
        )
    lines += ["", "| reading | the other way | threads | words per second | other way, words per second |"]
    lines.append("|---|---|--:|--:|--:|")
    for row in rows[rows.words_per_second.notna()].itertuples():
        lines.append(
            f"| {row.work} | {row.oracle} | {row.threads} | **{_short(row.words_per_second)}** | "
            f"{_short(row.oracle_words_per_second)} |"
        )
    return "\n".join(lines)


def real_table(results: Path) -> str:
    """The machine, and the stages of a real model against the plain ways, as Markdown."""
    rows = pd.read_csv(results / "real.csv")
    lines = [
        _machine(results / "real.json"),
        "",
        "| work | the plain way | threads | load | seconds | plain, seconds | ratio | in CPU time | peak, MB | "
        "plain, MB | same result |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.work} | {row.oracle}; {row.oracle_is} | {row.threads} | {row.load} | {_short(row.seconds)} | "
            f"{_short(row.oracle_seconds)} | **{_short(row.ratio)}** | {_short(row.cpu_ratio)} | {row.peak_mb:,.0f} | "
            f"{row.oracle_peak_mb:,.0f} | {'yes' if row.agreed else 'NO'}, {row.compared} (within "
            f"{row.difference:.1g}) |"
        )
    return "\n".join(lines)


def paper_world_table(results: Path) -> str:
    """The machine and stages of the paper world for each device and precision, as Markdown."""
    return _of_all(results, "paper_world", _paper_world_table)


def _paper_world_table(file: Path) -> str:
    rows = pd.read_csv(file, keep_default_na=False)
    said = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    # A GPU has a memory of its own.
    gpu = {"gpu_peak_mb": "peak on the GPU, MB"} if "gpu_peak_mb" in rows else {}
    lines = [
        f"{_machine(file.with_suffix('.json'))} Threads: {said['threads']}; {said['dtype']}; scale: {said['scale']}.",
        "",
        f"| {' | '.join(['stage', 'layer', 'calls', 'seconds', 'CPU seconds', 'peak, MB', *gpu.values()])} | |",
        f"|---|{'--:|' * (5 + len(gpu))}---|",
    ]
    for row in rows.to_dict("records"):
        peaks = " | ".join(f"{float(row[column]):,.0f}" for column in ["peak_mb", *gpu])
        lines.append(
            f"| {row['stage']} | {row['layer']} | {row['calls']} | {_short(row['seconds'])} | "
            f"{_short(row['cpu_seconds'])} | {peaks} | {row['detail']} |"
        )
    return "\n".join(lines)


def scaling_tables(results: Path) -> str:
    """The machine, rates over workers, projected hours and their figure, as Markdown."""
    rows = pd.read_csv(results / "scaling.csv")
    said = json.loads((results / "scaling.json").read_text(encoding="utf-8"))
    lines = [
        _machine(results / "scaling.json"),
        "",
        "| workers | tasks | seconds | until the first began, s | from the first end to the last, s | per task, s | "
        "tasks per minute | ideal | share of ideal | without the start | load before | same tables |",
        f"|{'--:|' * 11}---|",
    ]
    for row in rows[rows.panel == "rate"].itertuples():
        lines.append(
            f"| {row.workers} | {row.tasks:.0f} | {_short(row.seconds)} | {_short(row.startup_seconds)} | "
            f"{_short(row.first_to_last_seconds)} | {_short(row.task_seconds)} | **{_short(row.tasks_per_minute)}** | "
            f"{_short(row.ideal_tasks_per_minute)} | {row.share_of_ideal:.0%} | "
            f"{_short(row.steady_tasks_per_minute)} | {row.load} | {'yes' if row.same_tables else 'NO'} |"
        )
    lines += [
        "",
        "| workers | configurations | projected hours | seconds per configuration | measured on | with |",
        "|--:|--:|--:|---|---|---|",
    ]
    for row in rows[rows.panel == "hours"].itertuples():
        lines.append(
            f"| {row.workers} | {row.configurations:.0f} | **{_short(row.hours)}** | {row.unit_costs} | "
            f"{row.measured_on} | {row.plan} |"
        )
    lines += ["", f"![{said['alt']}](results/scaling.svg)", "", said["caption"]]
    return "\n".join(lines)


def _same_tokens(row: Any) -> str:
    if not row.agreed:
        return f"NO: {row.slots_that_differ:,} of {row.slots:,} differ"
    if row.slots_that_differ:
        # If two logits differ by less than float32's rounding, nobody can say which is higher.
        return f"yes, but {row.slots_that_differ:,} ties of {row.slots:,} (within {row.difference:.1g})"
    return f"yes, all {row.slots:,}"


def _machine(path: Path) -> str:
    machine = json.loads(path.read_text(encoding="utf-8"))
    gpu = f"one {machine['GPU']} ({machine['GPU memory']}) and " if "GPU" in machine else ""
    return (
        f"Measured on {gpu}{machine['processor']}, {machine['cores']} cores, {machine['memory']}; Python "
        f"{machine['Python']}, torch {machine['torch']}, NumPy {machine['numpy']}; load before the start: "
        f"{machine['load at the start']}."
    )


def _short(number: float) -> str:
    """Three significant digits below 100; from there on a whole number, with commas.

    Examples
    --------
    >>> _short(0.01234), _short(12345.6)
    ('0.0123', '12,346')
    """
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def with_tables(text: str, results: Path) -> str:
    """The README's text with new tables; sections other than rankings are renewed only if there are results.

    Raises
    ------
    ValueError
        If it does not hold each of the two comments around a section's tables exactly once.
    """
    text = _with_section(text, "rankings", tables(results))
    # Interventions take a treebank that is not part of the project.
    if (results / "interventions.csv").is_file():
        text = _with_section(text, "interventions", intervention_tables(results))
    if (results / "models.csv").is_file():
        text = _with_section(text, "models", model_tables(results))
    if (results / "real.csv").is_file():
        text = _with_section(text, "real", real_table(results))
    if (results / "paper_world.csv").is_file():
        text = _with_section(text, "paper world", paper_world_table(results))
    if (results / "scaling.csv").is_file():
        text = _with_section(text, "scaling", scaling_tables(results))
    return text


def _with_section(text: str, name: str, written: str) -> str:
    begin, end = f"<!-- begin: {name} (written by benchmarks.readme) -->", f"<!-- end: {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"README.md must hold each of these lines once: {begin!r}, {end!r}")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{written}\n{end}{rest.split(end)[1]}"


def main() -> None:
    """Write the tables into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md")
    asked = parser.parse_args()
    write_text(asked.readme, with_tables(asked.readme.read_text(encoding="utf-8"), asked.results))


if __name__ == "__main__":
    main()
