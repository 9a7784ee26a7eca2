"""The command line: the course's experiments on your own model and treebank.

This module reads the arguments and imports nothing heavy, so that ``--help`` answers at once. Each command is a
function of another module here, imported when it runs: it calls the package, writes results and says what it wrote.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from pitfalls import __version__
from pitfalls.language.unimorph import ATTRIBUTES, CONVERSIONS
from pitfalls.study.plan import Plan
from pitfalls.worlds.names import DTYPES, MINI_MODELS, REAL_MODELS, WORLDS

KINDS = ("translation", "constant", "interchange", "ablation", "mean-ablation", "resample-ablation")
"""What ``intervene --kind`` takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 2 for bad input (with a message), or 130 if it is interrupted."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: print(
                f"pitfalls {options.command}: {message}", file=sys.stderr
            )
            pkgutil.resolve_name(f"pitfalls.cli.{options.run}")(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"pitfalls {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        goes_on = options.command in ("sweep", "intervene", "pretrain", "real")
        what_now = "run the same command to go on" if goes_on else "the same command starts over"
        print(f"pitfalls {options.command}: interrupted; {what_now}", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pitfalls",
        description="Rank the neurons of a language model, probe them, change them, and see what happens to each word.",
    )
    parser.add_argument("--version", action="version", version=f"pitfalls {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    probe = commands.add_parser("probe", help="measure the accuracy over k of every probe on every ranking")
    _add_configuration(probe)
    probe.add_argument("--max-k", type=_positive, default=150, help="probe the first 1 to MAX_K neurons (default 150)")
    probe.set_defaults(run="probe:run")

    intervene = commands.add_parser("intervene", help="change the first k neurons and see what happens to each word")
    _add_configuration(intervene)
    intervene.add_argument("--kind", choices=KINDS, default="translation")
    intervene.add_argument(
        "--beta",
        type=float,
        default=8.0,
        help="for a translation: the factor of the first neuron, falling to 0.001 at the last (default 8, the paper's)",
    )
    intervene.add_argument(
        "--alpha", type=float, default=1.0, help="for a constant translation: the factor of all neurons (default 1)"
    )
    intervene.add_argument(
        "--target",
        metavar="VALUE",
        help="the value that a translation or an interchange goes to (default: the next value, as in the paper)",
    )
    intervene.add_argument(
        "--random",
        type=_positive,
        default=1,
        metavar="N",
        help="number of random rankings; their seeds count up from --seed (default 1)",
    )
    intervene.add_argument(
        "--spacy",
        metavar="PIPELINE",
        help="an installed spaCy pipeline to judge the words (default: the treebank's lexicon, then simplemma)",
    )
    intervene.add_argument("--step", type=_positive, default=10, help="step from one k to the next (default 10)")
    intervene.add_argument("--max-k", type=_positive, default=300, help="largest k (default 300)")
    intervene.add_argument("--examples", type=int, default=5, help="sentences to show before and after (default 5)")
    intervene.set_defaults(run="intervene:run")

    _add_sweep(commands.add_parser("sweep", help="measure everything in all configurations of a world; resumable"))
    _add_configs(commands.add_parser("configs", help="list all configurations of a world, and how large they are"))

    repeat = commands.add_parser("reproduce", help="run the notebooks; write figures/, results/ and report.html")
    repeat.add_argument("--world", default="mini", choices=("mini", "paper"))
    repeat.add_argument("--model", help="the paper world's model, by name or folder")
    repeat.add_argument("--treebanks", help="the paper world's folder of CoNLL-U files")
    _add_conversion(repeat, None, "for the paper world, default authors")
    repeat.add_argument("--notebooks", type=Path, default=Path("notebooks"))
    repeat.add_argument("--output", type=Path, default=Path("."))
    repeat.add_argument(
        "--jobs", type=_positive, default=os.cpu_count() or 1, help="notebooks to run at once (default: one per core)"
    )
    repeat.set_defaults(run="reproduce:run")

    fetch = commands.add_parser("fetch", help="fetch the real world's models into the cache")
    fetch.add_argument("models", nargs="*", metavar="MODEL", help=f"default: {' '.join(REAL_MODELS)}")
    fetch.set_defaults(run="fetch:run")

    real = commands.add_parser("real", help="study two real language models (over two hours on two cores; resumes)")
    real.add_argument("models", nargs="*", metavar="MODEL", help="those to study (default: all)")
    real.add_argument("--treebanks", type=Path, metavar="FOLDER", help="with English EWT (default: downloaded)")
    real.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: one per core)")
    real.add_argument("--limit", type=_positive, metavar="N", help="do at most N unfinished tasks, and publish nothing")
    real.add_argument("--output", type=Path, default=Path("."), help="folder for results/ and build/ (default: here)")
    real.set_defaults(run="real:run")

    mini = commands.add_parser("mini", help="write the generated treebanks of the mini world again")
    mini.add_argument("--folder", type=Path, default=Path("data/mini"))
    mini.set_defaults(run="mini:write")

    training = commands.add_parser("pretrain", help="train a model of the mini world again, or go on after a stop")
    _add_mini_model(training)
    training.add_argument("--checkpoints", type=Path, help="default: a folder in build/pretrain named after the model")
    training.set_defaults(run="mini:pretrain")

    card = commands.add_parser("card", help="measure a model of the mini world and write its model card")
    _add_mini_model(card)
    card.set_defaults(run="mini:card")
    return parser


def _add_mini_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=MINI_MODELS, default="bert", help="which of them (default: bert)")
    parser.add_argument("--folder", type=Path, help="default: data/mini/MODEL")


def _add_configuration(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", required=True, metavar="FOLDER_OR_NAME", help="a masked or causal LM that transformers can load")
    add(
        "--treebank",
        required=True,
        nargs="+",
        metavar="FILE",
        help="CoNLL-U files; their names say train, dev, test",
    )
    add("--attribute", required=True, choices=ATTRIBUTES, metavar="NAME", help=", ".join(ATTRIBUTES))
    add("--layer", required=True, type=int, help="0 (embeddings) to the model's last")
    add(
        "--site",
        default="residual",
        metavar="KIND",
        help="the layer's units: residual (its output; default), mlp (its block's neurons), heads (its block's heads)",
    )
    add("--language", metavar="CODE", help="ISO 639-3, if the files' names do not say it")
    _add_conversion(parser, "ours", "default ours")
    add(
        "--min-forms",
        type=_positive,
        default=100,
        help="the value filter: distinct forms per split (default 100)",
    )
    add(
        "--max-neurons",
        type=_positive,
        help="the most neurons that the Gaussian ranking's greedy search chooses (default: --max-k)",
    )
    add("--seed", type=int, default=0)
    add("--revision", help="the model's revision on the hub")
    _add_device(parser, "cpu (default), cuda, ...")
    add(
        "--pooling",
        choices=("mean", "last"),
        help="a word's vector: the mean over its subwords (default), or its last one (default for causal LMs)",
    )
    add("--output", type=Path, default=Path("."), help="folder for figures/ and results/ (default: here)")


def _add_conversion(parser: argparse.ArgumentParser, default: str | None, what: str) -> None:
    parser.add_argument(
        "--conversion",
        choices=tuple(CONVERSIONS),
        default=default,
        help=f"to UniMorph: as the authors ran it, with the converter's language rules, or by our rules ({what})",
    )


def _add_device(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--device", default="cpu", help=what)
    parser.add_argument(
        "--dtype", choices=DTYPES, help="precision of the model (default float32; float64 in the mini world)"
    )


def _add_world(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--world", default="mini", choices=WORLDS)
    of_real = f"the real world's: {', '.join(REAL_MODELS)}, or their names on the Hub"
    named = f"the mini world's: {', '.join(MINI_MODELS)}; {of_real}"
    add("--model", help=f"the paper world's, by name or folder; {named}")
    add("--treebanks", help="the paper or the real world's folder of CoNLL-U files (default: downloaded)")
    _add_conversion(parser, None, "for the paper and the real world, default authors")
    add("--languages", nargs="+", metavar="CODE", help="ISO 639-3 (default: all of the world's)")
    add("--layers", nargs="+", type=int, help="default: 2 7 12 if the model has 12 layers or more, else all above 0")


def _add_configs(parser: argparse.ArgumentParser) -> None:
    _add_world(parser)
    parser.add_argument("--output", type=Path, help="also write the table to results/configs-WORLD.csv in this folder")
    parser.set_defaults(run="configs:run")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    add, plan = parser.add_argument, Plan()
    _add_world(parser)
    _add_device(parser, "device of the workers; with --dask and cuda each task takes the resource GPU=1")
    add(
        "--sentences",
        type=_positive,
        default=plan.test_sentences,
        help=f"test sentences to draw per configuration (default {plan.test_sentences}; the paper takes all)",
    )
    add(
        "--words",
        nargs=3,
        type=_positive,
        default=(plan.train_words, plan.dev_words, plan.test_words),
        metavar=("TRAIN", "DEV", "TEST"),
        help="the most words to draw for rankings and probes to learn from, select on and be scored on "
        f"(default {plan.train_words} {plan.dev_words} {plan.test_words}; the paper takes all)",
    )
    add("--seed", type=int, default=plan.seed)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: one per core)")
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="address of a Dask scheduler, such as tcp://10.0.0.1:8786; its workers must see --output too",
    )
    add("--dry-run", action="store_true", help="say what is left to do and how long it will take; do nothing")
    add(
        "--limit",
        type=_positive,
        metavar="N",
        help="do at most N unfinished configurations; publish nothing unless all are done",
    )
    add(
        "--spot-checks",
        type=_positive,
        metavar="N",
        help="do N configurations of each model only, compare them with the stored studies, and publish these",
    )
    add("--output", type=Path, default=Path("."), help="folder for figures/, results/ and build/ (default: here)")
    parser.set_defaults(run="sweep:run")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return number
