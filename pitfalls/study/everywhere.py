"""All configurations of a world at once: run what is missing, and publish the figures and tables of the paper.

What is written: ``results/effects-WORLD-*.csv`` (counts, strengths, areas, saturation, examples), which notebooks read
back by :func:`~pitfalls.study.output.stored_table`, and the paper's figures 5 and 6 of each language, a panel a
configuration, as ``fig5-LANGUAGE`` and ``fig6-LANGUAGE``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls import figures
from pitfalls.neurons.saturation import saturation_table
from pitfalls.study.configurations import configurations
from pitfalls.study.effects import Plan, long, measure_effects, tasks
from pitfalls.study.output import publish, publish_table
from pitfalls.study.sweep import Swept, sweep
from pitfalls.study.worlds import SPLITS, World, load_world


def effects_everywhere(
    options: Mapping[str, Any],
    folder: Path,
    plan: Plan | None = None,
    layers: Sequence[int] | None = None,
    languages: Sequence[str] | None = None,
    jobs: int = 1,
) -> tuple[World, Swept]:
    """Interventions in all configurations of a world, each a task whose result is kept in ``folder``.

    Parameters
    ----------
    options : what :func:`~pitfalls.study.worlds.load_world` takes, as plain JSON
    layers, languages : by default those of :func:`~pitfalls.study.configurations.configurations`
    jobs : processes; each loads the world for itself

    Raises
    ------
    ValueError
        No such world, layer or language.
    """
    world = load_world(**options)
    which = configurations(world, layers, languages)
    identity = world_identity(world, sorted({one.language for one in which}))
    return world, sweep(tasks(options, which, plan or Plan(), identity), measure_effects, folder, jobs)


def world_identity(world: World, languages: Sequence[str]) -> str:
    """SHA-256 over a world's model, its text in some languages with all annotations, and its value filter."""
    text = hashlib.sha256()
    for language in languages:
        for split in SPLITS:
            text.update(f"{language} {split}\n".encode())
            for sentence in world.sentences(language, split):
                words = [[word.form, word.lemma, sorted(word.attributes.items())] for word in sentence.words]
                text.update(json.dumps(words).encode() + b"\n")
    decisive = [world.model.fingerprint(), world.min_forms, text.hexdigest()]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def publish_effects(world: str, tables: Mapping[str, pd.DataFrame], output: Path) -> None:
    """Write the tables and figures of a sweep of :func:`effects_everywhere`."""
    counts = tables["effects"]
    effects = long(counts)
    whole = {"counts": counts, "saturation": saturation_table(effects)}
    whole |= {name: tables[name] for name in ("strengths", "areas", "examples")}
    for name, table in whole.items():
        publish_table(table, f"effects-{world}-{name}", output)
    for language, own in effects.groupby("language", sort=True):
        for figure_id, kind in (("fig5", "translation"), ("fig6", "ablation")):
            publish(figures.effects_grid(own[own["kind"] == kind]), f"{figure_id}-{language}", output)
