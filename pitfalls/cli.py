"""The command line: the course's experiments on anybody's model and treebank.

Computation happens elsewhere; this module reads the arguments, calls, writes and says what it wrote.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls import figures
from pitfalls.language.analysers import SpacyAnalyser
from pitfalls.language.corpus import Sentence
from pitfalls.language.coverage import coverage
from pitfalls.language.grammar import corpora
from pitfalls.language.treebanks import TREEBANKS, TreebankError
from pitfalls.language.unimorph import ATTRIBUTES
from pitfalls.model.activations import Splits, free_space
from pitfalls.model.pretrain import Recipe, pretrain
from pitfalls.neurons.curves import probe_curves
from pitfalls.neurons.damage import damage
from pitfalls.neurons.interventions import Ablation, ConstantTranslation, Kind, Translation, examples
from pitfalls.neurons.outcomes import clwv
from pitfalls.neurons.rankings import Ranking
from pitfalls.study import machine
from pitfalls.study.card import measure, write_card
from pitfalls.study.configurations import (
    PAPER_LAYERS,
    PaperTexts,
    by_attribute,
    checked_layers,
    paper_comparison,
    paper_texts,
    sizes,
)
from pitfalls.study.costs import estimate, total_hours
from pitfalls.study.everywhere import do_study, preparations, publish_study, study_tasks
from pitfalls.study.executors import DaskCluster
from pitfalls.study.experiments import effects_and_intervals, paper_rankings, rehearse, resumed_rankings
from pitfalls.study.output import publish, publish_table
from pitfalls.study.plan import Plan
from pitfalls.study.reproduce import reproduce
from pitfalls.study.sweep import Task
from pitfalls.study.unfinished import Unfinished, finish, unfinished
from pitfalls.study.worlds import DTYPES, SPLITS, WORLDS, World, load_world, world_from_files


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with a message for bad input."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, ImportError, TreebankError) as error:
        print(f"pitfalls {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        goes_on = options.command in ("sweep", "intervene", "pretrain")
        what_now = "run the same command to go on" if goes_on else "the same command begins anew"
        print(f"pitfalls {options.command}: interrupted; {what_now}", file=sys.stderr)
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
    intervene.add_argument("--kind", choices=tuple(_KINDS), default="translation")
    intervene.add_argument(
        "--beta",
        type=float,
        default=8.0,
        help="of a translation: the factor of the first neuron; it falls to 0.001 at the last (default 8, the paper's)",
    )
    intervene.add_argument(
        "--alpha", type=float, default=1.0, help="of a constant translation: the factor of all neurons (default 1)"
    )
    intervene.add_argument(
        "--target", metavar="VALUE", help="the value to translate to (default: each value's next, as in the paper)"
    )
    intervene.add_argument(
        "--random", type=_positive, default=1, metavar="N", help="random rankings, with seeds from --seed (default 1)"
    )
    intervene.add_argument(
        "--spacy",
        metavar="PIPELINE",
        help="an installed spaCy pipeline that judges the words (default: the treebank's lexicon, then simplemma)",
    )
    intervene.add_argument("--step", type=_positive, default=10, help="distance between two values of k (default 10)")
    intervene.add_argument("--max-k", type=_positive, default=300, help="largest k (default 300)")
    intervene.add_argument("--examples", type=int, default=5, help="sentences to show before and after (default 5)")
    intervene.set_defaults(run=_intervene)

    _add_sweep(commands.add_parser("sweep", help="everything in all configurations of a world; resumable"))
    _add_configs(commands.add_parser("configs", help="all configurations of a world, and how large they are"))

    repeat = commands.add_parser("reproduce", help="run the notebooks; write figures/, results/ and report.html")
    repeat.add_argument("--world", default="mini", choices=("mini", "paper"))
    repeat.add_argument("--model", help="the paper world's model, by name or folder")
    repeat.add_argument("--treebanks", help="the paper world's folder of CoNLL-U files")
    repeat.add_argument("--notebooks", type=Path, default=Path("notebooks"))
    repeat.add_argument("--output", type=Path, default=Path("."))
    repeat.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="notebooks at once (one a core)")
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
    _add_device(parser, "cpu (default), cuda, ...")
    add("--output", type=Path, default=Path("."), help="folder for figures/ and results/ (default: here)")


def _add_device(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--device", default="cpu", help=what)
    parser.add_argument(
        "--dtype", default="float32", choices=tuple(DTYPES), help="precision of the model (default float32)"
    )


def _add_world(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--world", default="mini", choices=WORLDS)
    add("--model", help="the paper world's model, by name or folder")
    add("--treebanks", help="the paper world's folder of CoNLL-U files")
    add("--languages", nargs="+", metavar="CODE", help="ISO 639-3 (default: all of the world's)")
    add("--layers", nargs="+", type=int, help="default: 2 7 12 of a model of 12 layers or more, else all above 0")


def _add_configs(parser: argparse.ArgumentParser) -> None:
    _add_world(parser)
    parser.add_argument("--output", type=Path, help="folder: write the table to results/configs-WORLD.csv there too")
    parser.set_defaults(run=_configs)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    add, plan = parser.add_argument, Plan()
    _add_world(parser)
    _add_device(parser, "of the workers; with --dask and cuda each task takes the resource GPU=1")
    add(
        "--sentences",
        type=_positive,
        default=plan.test_sentences,
        help=f"test sentences that are drawn a configuration (default {plan.test_sentences}; the paper takes all)",
    )
    add(
        "--words",
        nargs=3,
        type=_positive,
        default=(plan.train_words, plan.dev_words, plan.test_words),
        metavar=("TRAIN", "DEV", "TEST"),
        help="words that rankings and probes learn from, select on and are scored on at most, drawn "
        f"(default {plan.train_words} {plan.dev_words} {plan.test_words}; the paper takes all)",
    )
    add("--seed", type=int, default=plan.seed)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: one a core)")
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="of a Dask scheduler, such as tcp://10.0.0.1:8786, whose workers do the work and see --output too",
    )
    add("--dry-run", action="store_true", help="say what is to do and how long it takes; do nothing")
    add("--limit", type=_positive, metavar="N", help="do at most N configurations that are not done; publish nothing")
    add("--output", type=Path, default=Path("."), help="folder for figures/, results/ and build/ (default: here)")
    parser.set_defaults(run=_sweep)


# What --kind takes: the intervention with its strength, and the figure that draws it.
_KINDS: dict[str, tuple[Callable[[argparse.Namespace], Kind], Callable[[pd.DataFrame], figures.Plot]]] = {
    "translation": (lambda options: Translation(beta=options.beta), figures.translation),
    "constant": (lambda options: ConstantTranslation(alpha=options.alpha), figures.translation),
    "ablation": (lambda options: Ablation(), figures.ablation),
    "mean-ablation": (lambda options: Ablation("mean"), figures.ablation),
}


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
        dtype=options.dtype,
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
    if options.spacy:
        world = world.judged_by(SpacyAnalyser(data.language, options.spacy))
    _say_judge(world, data)
    _say_left_out(world, data)
    make_kind, draw = _KINDS[options.kind]
    kind = make_kind(options)
    rehearse(world, data, kind, target=options.target)
    largest = min(options.max_k, world.model.n_neurons)
    ks = sorted({*range(0, largest + 1, options.step), largest})
    name = _id(options, data, options.kind)
    kept = options.output / "unfinished" / name
    rankings = resumed_rankings(data, kept, options.seed, options.max_neurons or largest, options.random)
    runs = [unfinished(world, data, ranking, kind, ks, kept, target=options.target) for ranking in rankings]
    _say_found(runs, kept)
    effects, intervals = effects_and_intervals(runs)
    publish(draw(effects), name, options.output)
    publish_table(intervals, f"{name}_intervals", options.output)
    for title in ("error rate", "CLWV"):
        _say_rates(intervals[intervals["measure"] == title], title, [0, min(50, largest), largest])
    best = max(rankings, key=lambda ranking: _top(effects, ranking))
    _say_damage(world, data, best, kind, largest, options.target)
    if options.examples > 0:
        shown = examples(
            world, data, best, kind, k=largest, n=options.examples, seed=options.seed, target=options.target
        )
        publish_table(shown, f"{name}_examples", options.output)
        sentences = world.sentences(data.language, "test")
        _say(f"{best.name} {best.direction}, k = {largest}:\n{_before_and_after(shown, sentences)}")
        _say(f"wrote {options.output / 'results' / name}_examples.csv")
    _say(f"wrote {options.output / 'results' / name}_intervals.csv")
    _wrote(options, name)
    # Only now is everything safe under its own name.
    finish(runs, kept)


def _say_judge(world: World, data: Splits) -> None:
    """Name the analyser, and how much of the test words it knows."""
    judge = world.analyser(data.language)
    known = coverage([judge], data.test.forms).set_index("per").loc["word"]
    _say(
        f"judged by {judge.name}, which knows {known['known']:.1%} of the test words with {data.attribute}, "
        f"{known['with_attributes']:.1%} with their attributes"
    )


def _say_damage(world: World, data: Splits, best: Ranking, kind: Kind, k: int, target: str | None) -> None:
    """Say what the strongest ranking did to the words that were left alone."""
    try:
        found = damage(world, data, best, kind, [k], target=target).iloc[0]
    except ValueError as error:
        # All words may carry the attribute: no reason to lose what has been done.
        _say(f"damage: {error}")
        return
    _say(
        f"damage by {best.name} {best.direction}, k = {k}: {found['damaged']} of the {found['others']} words that were "
        f"left alone came out different ({found['damage']:.1%})"
    )


def _say_left_out(world: World, data: Splits) -> None:
    """Name the values that test words have and that are not studied: training may lack them altogether."""
    sentences = world.sentences(data.language, "test")
    found = {word.attributes.get(data.attribute) for sentence in sentences for word in sentence.words}
    left_out = sorted(value for value in found if value is not None and value not in data.values)
    if left_out:
        _say(
            f"values of test words that are left out, because train, dev or test has fewer than {world.min_forms} "
            f"forms with them: {' '.join(left_out)}"
        )


def _say_found(runs: Sequence[Unfinished], kept: Path) -> None:
    """Say how much an earlier, interrupted run has done."""
    found, parts = sum(run.finished() for run in runs), sum(len(run.parts) for run in runs)
    if found:
        _say(f"{found} of {parts} parts were done before, in {kept}; going on")


def _say_rates(intervals: pd.DataFrame, title: str, ks: Sequence[int]) -> None:
    """One measure of every ranking at a few k, each with its interval; k = 0 is the model without intervention."""
    shown = intervals[intervals["k"].isin(ks)]
    cells = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in shown[["mean", "low", "high"]].to_numpy()]
    names = {k: "0 (no intervention)" if k == 0 else str(k) for k in shown["k"]}
    table = shown.assign(cell=cells, k=shown["k"].map(names)).pivot(
        index=["ranking", "direction", "ranking_seed"], columns="k", values="cell"
    )
    rows = list(dict.fromkeys(zip(shown["ranking"], shown["direction"], shown["ranking_seed"], strict=True)))
    table = table.loc[rows, list(dict.fromkeys(names.values()))]
    _say(f"{title} on test at k =, with 95 % intervals over sentences\n{table.to_string()}")


def _before_and_after(shown: pd.DataFrame, sentences: Sequence[Sentence]) -> str:
    """Each sentence before and after, the words that came out different between stars, and what became of each."""
    # Words may hold spaces, so that the text alone does not say where they are.
    forms = {(sentence.id, " ".join(sentence.forms)): sentence.forms for sentence in sentences}
    blocks = []
    for _, rows in shown.groupby(["sentence_id", "before"], sort=False):
        sentence_id, before = rows[["sentence_id", "before"]].iloc[0]
        after = list(forms[sentence_id, before])
        for position, predicted in zip(rows["position"], rows["predicted"], strict=True):
            after[position] = f"*{predicted}*"
        lines = ["", f"before: {before}", f"after:  {' '.join(after)}"]
        lines += [f"        {row['word']} -> {row['predicted']} ({row['outcome']})" for row in rows.to_dict("records")]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _top(effects: pd.DataFrame, ranking: Ranking) -> float:
    named = {"ranking": ranking.name, "direction": ranking.direction, "ranking_seed": ranking.seed}
    own = effects[(effects[list(named)] == pd.Series(named)).all(axis=1)]
    return float(clwv(own)["clwv"].max())


def _configs(options: argparse.Namespace) -> None:
    # The paper's model weighs gigabytes; without it only the sentences that are too long for it are not known.
    read = _texts_of_the_paper if options.world == "paper" and not options.model else _texts_of_a_world
    texts, layers = read(options)
    table = sizes(texts, layers, options.languages)
    _say(table.to_string(index=False))
    pairs = len(table[["language", "attribute"]].drop_duplicates())
    _say(f"{len(table)} configurations: {pairs} pairs on {len(layers)} layers; values with {texts.min_forms} forms")
    if options.output:
        publish_table(table, f"configs-{options.world}", options.output)
        _say(f"wrote {options.output / 'results' / f'configs-{options.world}.csv'}")
    if options.world == "paper":
        _say_paper(paper_comparison(texts, options.languages))


def _texts_of_the_paper(options: argparse.Namespace) -> tuple[PaperTexts, Sequence[int]]:
    texts = paper_texts(options.treebanks, options.languages)
    if options.languages is None:
        _say_lacking(texts)
    _say("without --model: no sentence is dropped for its length")
    return texts, options.layers or PAPER_LAYERS


def _texts_of_a_world(options: argparse.Namespace) -> tuple[World, Sequence[int]]:
    chosen: dict[str, Any] = _world_options(options)
    if options.world == "paper":
        texts = paper_texts(options.treebanks, options.languages)
        _say_lacking(texts)
        chosen["languages"] = texts.languages
    world = load_world(**chosen)
    return world, checked_layers(world, options.layers)


def _say_lacking(texts: PaperTexts) -> None:
    """Name the languages that a folder of treebanks has not whole."""
    for bank in TREEBANKS:
        if bank.language not in texts.languages and (lacks := texts.lacking(bank.language)):
            _say(f"left out: {bank.language}, without {' and '.join(lacks)} ({bank.file_name(lacks[0])})")


def _say_paper(comparison: pd.DataFrame) -> None:
    """Say how the pairs found compare with the paper's 52, and why they differ."""
    _say("the paper's pairs [I], those of the languages above, and what passes here:")
    _say(by_attribute(comparison).to_string(index=False))
    differing = comparison[comparison["paper"] != comparison["here"]]
    for row in differing.to_dict("records"):
        _say(
            f"{row['language']} {row['attribute']}: in the paper {row['paper']}, here {row['here']}; "
            f"fewest forms of each value: {row['why']}"
        )


def _world_options(options: argparse.Namespace) -> dict[str, str]:
    """What load_world takes, as it goes to other processes and machines: paths whole."""
    given = {name: getattr(options, name) for name in ("model", "treebanks")}
    whole = {name: os.path.abspath(value) if os.path.exists(value) else value for name, value in given.items() if value}
    return {"name": options.world, **whole}


_USUAL = {"device": "cpu", "dtype": "float32"}


def _sweep(options: argparse.Namespace) -> None:
    world = _world_options(options)
    # What is as it is by default is not named: a task's name hangs on all that is.
    world |= {name: getattr(options, name) for name in ("device", "dtype") if getattr(options, name) != _USUAL[name]}
    train, dev, test = options.words
    plan = Plan(test_sentences=options.sentences, train_words=train, dev_words=dev, test_words=test, seed=options.seed)
    kept = options.output / "build" / "sweep"
    resources = {"GPU": 1.0} if options.device.startswith("cuda") else {}
    executor = DaskCluster(options.dask, resources) if options.dask else options.jobs
    opened, tasks = study_tasks(world, plan, options.layers, options.languages)
    _say_disk(opened, preparations(opened, tasks, kept, options.limit))
    if options.dry_run:
        _say_costs(tasks, kept, executor.workers() if isinstance(executor, DaskCluster) else executor)
        return
    swept = do_study(opened, tasks, kept, executor, options.limit)
    _say(f"{len(swept.results)} configurations, {swept.found} of them done before (kept in {kept})")
    if swept.left:
        _say(f"{swept.left} are left for later (--limit): nothing is published before all are done")
    elif swept.results:
        publish_study(options.world, opened.model.n_neurons, swept.tables(), options.output)
        _say(f"wrote {options.output / 'results' / f'study-{options.world}.zip'} and the paper's figures and tables")
    if swept.failures:
        told = "; ".join(f"{failure.task.name}: {failure.reason}" for failure in swept.failures)
        raise ValueError(f"{len(swept.failures)} tasks failed ({told}); the same command does them again")


def _say_disk(world: World, vectors: Sequence[Task]) -> None:
    """What the word vectors of some languages will take in the cache, and what is free there."""
    if world.cache is None:
        return
    need = sum(world.disk_need([task.parameters["language"]], task.parameters["layers"]) for task in vectors)
    free = free_space(world.cache)
    short = "" if need <= free else ": too little; make room, or set PITFALLS_CACHE to a folder on another disk"
    _say(f"word vectors: {need / 1e9:.3f} GB to write into {world.cache}, where {free / 1e9:.2f} GB are free{short}")


def _say_costs(tasks: Sequence[Task], kept: Path, workers: int) -> None:
    """What a sweep would do, and how long it would take."""
    table = estimate(tasks, kept, workers)
    _say(table.round({"seconds_a_task": 2, "hours": 3}).to_string(index=False))
    hours = total_hours(table, workers)
    todo = f"{table['to_do'].sum()} of {table['tasks'].sum()} configurations are to do"
    if math.isnan(hours):
        _say(f"{todo}; what one takes is not measured: do one with --limit 1")
        return
    _say(f"{todo}: {hours:.2f} hours on {workers} worker(s)")


def _reproduce(options: argparse.Namespace) -> None:
    chosen = {"PITFALLS_MODEL": options.model, "PITFALLS_TREEBANKS": options.treebanks}
    given = {key: os.path.abspath(value) if os.path.exists(value) else value for key, value in chosen.items() if value}
    report = reproduce(options.notebooks, options.output, options.world, given, options.jobs)
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
