"""What the cards of all mini models share: how readable each attribute is, and how a card is written.

The measures of each are in :mod:`.masked_card` and :mod:`.causal_card`, as tables with the columns measure, language,
attribute, where, value and required (NaN where nothing is).
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pitfalls import files
from pitfalls.tables import csv_of
from pitfalls.worlds.world import World

BY_LAYER = "readability of a layer"
"""The measure with one row per layer, which a card shows as a table of its own."""


def one_row(measure: str, language: str, attribute: str, where: str, value: float, required: float) -> pd.DataFrame:
    """One measure, as a table of one row."""
    row = {"measure": measure, "language": language, "attribute": attribute, "where": where, "value": value}
    return pd.DataFrame([{**row, "required": required}])


def agreeing_pairs(world: World) -> list[tuple[str, str]]:
    """The world's languages with the attributes, of Number and Gender, that can be probed in each."""
    pairs = world.pairs()
    found = set(zip(pairs["language"], pairs["attribute"], strict=True))
    return [pair for pair in product(world.languages, ("Number", "Gender")) if pair in found]


def layer_accuracies(world: World, language: str, attribute: str, words: int = 40_000) -> pd.DataFrame:
    """Accuracy on dev and test of scikit-learn's logistic regression at each layer: layer, dev, test.

    It sees the first ``words`` words of each split, standardised.
    """
    rows = []
    for layer in world.layers:
        data = world.activations(language, attribute, layer)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        probe.fit(data.train.X[:words], data.train.y[:words])
        dev, test = (float(probe.score(part.X[:words], part.y[:words])) for part in (data.dev, data.test))
        rows.append({"layer": layer, "dev": dev, "test": test})
    return pd.DataFrame(rows)


def readability(accuracies: pd.DataFrame, language: str, attribute: str, required: float) -> pd.DataFrame:
    """From :func:`layer_accuracies`, the accuracy on test at the first of the layers that are best on dev.

    Examples
    --------
    >>> accuracies = pd.DataFrame({"layer": [0, 1, 2], "dev": [0.7, 0.9, 0.9], "test": [0.99, 0.8, 0.95]})
    >>> readability(accuracies, "spa", "Gender", 0.9)[["where", "value"]].values.tolist()
    [['layer 1', 0.8]]
    """
    best = accuracies.iloc[int(accuracies["dev"].to_numpy().argmax())]
    return one_row("readability", language, attribute, f"layer {best['layer']:.0f}", float(best["test"]), required)


def write_card(folder: Path, measures: pd.DataFrame, card: str) -> Path:
    """Write ``measures.csv`` and the model card ``README.md`` beside the weights.

    Parameters
    ----------
    folder : named after the model
    card : a format string; its fields are the recipe's settings, ``name``, ``architecture``, ``vocabulary``,
        ``parameters``, ``minutes``, ``machine``, ``table`` (the measures with one value each), ``layers_table``,
        ``unreadable`` and ``inexact``
    """
    recipe, log, config = (_json(folder / f"{name}.json") for name in ("recipe", "training", "config"))
    layered = measures["measure"] == BY_LAYER
    text = card.format(
        **{**recipe, "languages": ", ".join(recipe["languages"])},
        name=folder.name,
        architecture=config["architectures"][0],
        vocabulary=config["vocab_size"],
        parameters=log["parameters"],
        minutes=log["seconds"] / 60,
        machine=log["machine"],
        table=_markdown(measures[~layered]),
        layers_table=_layers_markdown(measures[layered]),
        unreadable=_below(measures, "readability", "pair"),
        inexact=_below(measures, "identity", "language"),
    )
    files.write({folder / "README.md": text.encode(), folder / "measures.csv": csv_of(measures, "%.4f").encode()})
    return folder / "README.md"


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _below(measures: pd.DataFrame, measure: str, what: str) -> str:
    """Name the languages, or pairs, whose value stays below what is required, if there are any."""
    low = measures[(measures["measure"] == measure) & (measures["value"] < measures["required"])]
    rows = low[["language", "attribute", "value"]].itertuples(index=False)
    named = [f"{f'{language} {attribute}'.strip()} ({value:.3f})" for language, attribute, value in rows]
    return f"Below it: {', '.join(named)}." if named else f"No {what} is below it."


def _markdown(measures: pd.DataFrame) -> str:
    lines = ["| measure | language | attribute | where | value | required |", "|---|---|---|---|---|---|"]
    for row in measures.to_dict("records"):
        names = [str(row[column]) for column in ("measure", "language", "attribute", "where")]
        required = "" if pd.isna(row["required"]) else f"{row['required']:g}"
        lines.append("| " + " | ".join([*names, f"{row['value']:.4f}", required]) + " |")
    return "\n".join(lines)


def _layers_markdown(measures: pd.DataFrame) -> str:
    """One line per language and attribute, one column per layer."""
    wheres = list(dict.fromkeys(measures["where"]))
    lines = ["| " + " | ".join(["language", "attribute", *wheres]) + " |", "|---" * (2 + len(wheres)) + "|"]
    for (language, attribute), rows in measures.groupby(["language", "attribute"], sort=False):
        values = rows.set_index("where")["value"]
        lines.append(
            "| " + " | ".join([str(language), str(attribute), *(f"{values[where]:.4f}" for where in wheres)]) + " |"
        )
    return "\n".join(lines)
