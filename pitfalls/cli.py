"""The command line: the course's experiments on anybody's model and treebank.

Computation happens elsewhere; this module reads the arguments, calls, writes and says what it wrote.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pandas as pd

from pitfalls import figures
from pitfalls.language.grammar import corpora
from pitfalls.language.treebanks import TreebankError
from pitfalls.language.unimorph import ATTRIBUTES
from pitfalls.model.activations import Splits
from pitfalls.model.pretrain import Recipe, pretrain
from pitfalls.neurons.curves import probe_curves
from pitfalls.neurons.interventions import Ablation, Translation, examples
from pitfalls.neurons.outcomes import clwv, error_rate
from pitfalls.neurons.rankings import Ranking
from pitfalls.study import machine
from pitfalls.study.card import measure, write_card
from pitfalls.study.experiments import intervention_curves, paper_rankings
from pitfalls.study.output import publish, publish_table
from pitfalls.study.reproduce import reproduce
from pitfalls.study.worlds import SPLITS, World, load_world, world_from_files


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with a message for bad input."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, TreebankError) as error:
        print(f"pitfalls {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"pitfalls {options.command}: interrupted; run the same command to go on", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pitfalls",
        description="Rank the neurons of a masked language model, probe them, change them, and see what becomes of "
        "each word.",
    )
    parser.add_argument("--version", action="version", version=f"pitfalls {metadata.version('pitfalls')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    probe = commands.add_parser("probe", help="accuracy over k of every probe on every ranking")
    _add_configuration(probe)
    probe.add_argument("--max-k", type=_positive, default=150, help="probe the first 1 to MAX_K neurons (default 150)")
    probe.set_defaults(run=_probe)

    intervene = commands.add_parser("intervene", help="change the first k neurons and see what becomes of each word")
    _add_configuration(intervene)
    intervene.add_argument("--kind", choices=("translation", "ablation"), default="translation")
    intervene.add_argument("--beta", type=float, default=8.0, help="strength of a translation (default 8, the paper's)")
    intervene.add_argument("--step", type=_positive, default=10, help="distance between two values of k (default 10)")
    intervene.add_argument("--max-k", type=_positive, default=300, help="largest k (default 300)")
    intervene.add_argument("--examples", type=int, default=5, help="sentences to show before and after (default 5)")
    intervene.set_defaults(run=_intervene)

    repeat = commands.add_parser("reproduce", help="run the notebooks; write figures/, results/ and report.html")
    repeat.add_argument("--world", default="mini", choices=("mini", "paper"))
    repeat.add_argument("--model", help="the paper world's model, by name or folder")
    repeat.add_argument("--treebanks", help="the paper world's folder of CoNLL-U files")
    repeat.add_argument("--notebooks", type=Path, default=Path("notebooks"))
    repeat.add_argument("--output", type=Path, default=Path("."))
    repeat.set_defaults(run=_reproduce)

    mini = commands.add_parser("mini", help="write the generated treebanks of the mini world anew")
    mini.add_argument("--folder", type=Path, default=Path("data/mini"))
    mini.set_defaults(run=_mini)

    training = commands.add_parser("pretrain", help="train the mini world's BERT anew; goes on where it stopped")
    training.add_argument("--folder", type=Path, default=Path("data/mini/model"))
    training.add_argument("--checkpoints", type=Path, default=Path("build/pretrain"))
    training.set_defaults(run=_pretrain)

    card = commands.add_parser("card", help="measure the mini world's BERT and write its model card")
    card.add_argument("--folder", type=Path, default=Path("data/mini/model"))
    card.set_defaults(run=_card)
    return parser


def _add_configuration(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", required=True, metavar="FOLDER_OR_NAME", help="a masked LM as transformers loads it")
    add(
        "--treebank",
        required=True,
        nargs="+",
        metavar="FILE",
        help="CoNLL-U files; their names say train, dev, test",
    )
    add("--attribute", required=True, choices=ATTRIBUTES, metavar="NAME", help=", ".join(ATTRIBUTES))
    add("--layer", required=True, type=int, help="0 (embeddings) to the model's last")
    add("--language", metavar="CODE", help="ISO 639-3, where the files' names do not say it")
    add(
        "--min-forms",
        type=_positive,
        default=100,
        help="the value filter: distinct forms a split (default 100)",
    )
    add(
        "--max-neurons",
        type=_positive,
        help="bound of the Gaussian ranking's greedy search (default: --max-k)",
    )
    add("--seed", type=int, default=0)
    add("--revision", help="the model's revision on the hub")
    add("--device", default="cpu")
    add("--output", type=Path, default=Path("."), help="folder for figures/ and results/ (default: here)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return number


def _say(line: str) -> None:
    print(line, file=sys.stdout, flush=True)


def _world_and_data(options: argparse.Namespace) -> tuple[World, Splits]:
    world = world_from_files(
        options.model,
        options.treebank,
        options.language,
        min_forms=options.min_forms,
        revision=options.revision,
        device=options.device,
    )
    (language,) = world.languages
    data = world.activations(language, options.attribute, options.layer)
    for split in SPLITS:
        words = len(getattr(data, split).y)
        sentences, dropped = len(world.sentences(language, split)), len(world.dropped(language, split))
        _say(f"{split}: {words} words with {options.attribute} in {sentences} sentences ({dropped} too long, dropped)")
    _say(f"values: {' '.join(data.train.values)}; neurons: {world.model.n_neurons}; layer {options.layer}")
    return world, data


def _id(options: argparse.Namespace, data: Splits, kind: str) -> str:
    attribute = options.attribute.lower().replace(" ", "-")
    return f"{kind}_{data.train.language}_{attribute}_layer{options.layer}"


def _wrote(options: argparse.Namespace, name: str) -> None:
    for path in (f"figures/{name}.png", f"figures/{name}.svg", f"results/{name}.csv"):
        _say(f"wrote {options.output / path}")


def _probe(options: argparse.Namespace) -> None:
    world, data = _world_and_data(options)
    largest = min(options.max_k, world.model.n_neurons)
    rankings = paper_rankings(data, options.seed, options.max_neurons or largest)
    curves = probe_curves(rankings, data, range(1, largest + 1), seeds=[options.seed])
    name = _id(options, data, "probe")
    publish(figures.accuracy(curves), name, options.output)
    last = curves[curves["k"].isin({min(10, largest), min(50, largest), largest})]
    table = last.pivot_table(index=["probe", "ranking", "direction"], columns="k", values="accuracy", sort=False)
    _say(f"test accuracy at k =\n{table.round(3).to_string()}")
    _wrote(options, name)


def _intervene(options: argparse.Namespace) -> None:
    world, data = _world_and_data(options)
    largest = min(options.max_k, world.model.n_neurons)
    kind = Translation(beta=options.beta) if options.kind == "translation" else Ablation()
    rankings = paper_rankings(data, options.seed, options.max_neurons or largest)
    ks = sorted({*range(0, largest + 1, options.step), largest})
    effects = intervention_curves(world, data, rankings, kind, ks)
    name = _id(options, data, options.kind)
    draw = figures.translation if options.kind == "translation" else figures.ablation
    publish(draw(effects), name, options.output)
    for title, column, rates in (
        ("error rate", "error_rate", error_rate(effects)),
        ("CLWV", "clwv", clwv(effects)),
    ):
        shown = rates[rates["k"].isin({0, min(50, largest), largest})]
        table = shown.pivot_table(index=["ranking", "direction"], columns="k", values=column, sort=False)
        _say(f"{title} on test at k =\n{table.round(3).to_string()}")
    if options.examples > 0:
        best = max(range(len(rankings)), key=lambda i: _top(effects, rankings[i]))
        shown = examples(world, data, rankings[best], kind, k=largest, n=options.examples, seed=options.seed)
        publish_table(shown, f"{name}_examples", options.output)
        _say(f"{rankings[best].name} {rankings[best].direction}, k = {largest}:\n{_before_and_after(shown)}")
    _wrote(options, name)


def _before_and_after(shown: pd.DataFrame) -> str:
    """Each sentence before and after, and below them what became of each word that came out different."""
    blocks = []
    for _, rows in shown.groupby("sentence_id", sort=False):
        lines = ["", f"before: {rows['before'].iloc[0]}", f"after:  {rows['after'].iloc[0]}"]
        lines += [f"        {row['word']} -> {row['predicted']} ({row['outcome']})" for row in rows.to_dict("records")]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _top(effects: pd.DataFrame, ranking: Ranking) -> float:
    own = effects[(effects["ranking"] == ranking.name) & (effects["direction"] == ranking.direction)]
    return float(clwv(own)["clwv"].max())


def _reproduce(options: argparse.Namespace) -> None:
    chosen = {"PITFALLS_MODEL": options.model, "PITFALLS_TREEBANKS": options.treebanks}
    given = {key: os.path.abspath(value) if os.path.exists(value) else value for key, value in chosen.items() if value}
    report = reproduce(options.notebooks, options.output, options.world, given)
    _say(f"wrote {options.output / 'figures'}, {options.output / 'results'} and {report}")


def _mini(options: argparse.Namespace) -> None:
    corpora.write(options.folder)
    _say(f"wrote {len(list(options.folder.glob('*.conllu')))} treebanks to {options.folder}")


def _pretrain(options: argparse.Namespace) -> None:
    said = machine.describe()
    where = f"{said['cores']} cores of {said['processor']}, torch {said['torch']}"
    seconds = pretrain(Recipe(), options.folder, options.checkpoints, where, _loss)
    _say(f"wrote {options.folder} ({seconds:.0f} s)")


def _loss(step: int, loss: float) -> None:
    if step % 500 == 0:
        _say(f"step {step}: loss {loss:.3f} nats")


def _card(options: argparse.Namespace) -> None:
    measures = measure(load_world("mini"))
    write_card(options.folder, measures)
    _say(measures.to_string(index=False))
    _say(f"wrote {options.folder / 'README.md'}")
