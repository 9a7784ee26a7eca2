"""The paper world from files to figures, stage by stage: ``python -m benchmarks.paper_world --folder F --output O``.

Writes ``paper_world.csv`` (one row per stage: seconds, CPU seconds, peak memory) after every stage, so that a run that
is stopped leaves what it measured, and ``paper_world.json`` (the machine and what was asked). On another device or in
another precision the files have other names, such as ``paper_world-cuda-bfloat16.csv``. The model has the true shape
and random weights; its vocabulary is learnt from treebanks, and it is read from a folder like any other model. The
treebank is all of English EWT. The run costs what M-BERT costs; what it finds means nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM, XLMRobertaTokenizer

from benchmarks import mbert
from benchmarks.devices import Device, device, result_name
from benchmarks.measure import forget_peak, held_mb, load_average, peak_mb, say
from pitfalls import rankings
from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.files import write_text
from pitfalls.interventions.run import Run, intervene
from pitfalls.language.corpus import Corpus, Sentence, read_conllu
from pitfalls.language.treebanks import TREEBANKS
from pitfalls.study import effects, paper, probing, setting
from pitfalls.study.machine import describe
from pitfalls.study.plan import Plan
from pitfalls.study.stored import Result, read_result, write_result
from pitfalls.tables import csv_of
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import load_world
from pitfalls.worlds.world import World

ROOT = Path(__file__).resolve().parent.parent
TREEBANKS_FOLDER = ROOT.parent / "shared" / "data" / "ud"
LANGUAGE, ATTRIBUTE = "eng", "Number"
LIMIT_MB = 6_000
"""The peak memory that every stage must stay under."""


@dataclass(frozen=True)
class Scale:
    """A model's shape, how much of the treebank is used, and how much of each thing a configuration gets.

    Attributes
    ----------
    pieces:
        How many entries of the vocabulary are learnt; ``vocabulary`` says how many it has, by layout.
    sentences:
        How many are taken from each split; None for all.
    min_forms:
        The value filter's threshold.
    """

    vocabulary: Mapping[str, int]
    pieces: int
    neurons: int
    n_layers: int
    heads: int
    positions: int
    sentences: int | None
    min_forms: int
    layers: tuple[int, ...]
    plan: Plan


# Interventions cost one pass of the upper layers per sentence, ranking and k; the numbers of sentences are what a run
# of half an hour on two cores has time for. The study's own numbers are those of Plan(): "study" is for a GPU.
_SHORT = Plan(
    steps=(0, 1 / 8, 1 / 4, 1 / 2, 1), dev_steps=(1 / 4, 1), betas=(4, 8), alphas=(2,), test_sentences=8,
    dev_sentences=6, asked_sentences=20, random_draws=1,
)  # fmt: skip
_TINY = replace(_SHORT, test_sentences=6, dev_sentences=4, asked_sentences=10, greedy=8, train_words=500)
SCALES = {
    "full": Scale({"mbert": 119_547, "xlmr": 250_002}, 20_000, 768, 12, 12, 512, None, 100, (2, 7, 12), _SHORT),
    "study": Scale({"mbert": 119_547, "xlmr": 250_002}, 20_000, 768, 12, 12, 512, None, 100, (2, 7, 12), Plan()),
    "small": Scale({"mbert": 4_000, "xlmr": 4_000}, 3_000, 64, 2, 4, 512, 300, 5, (1, 2), _TINY),
    "tiny": Scale({"mbert": 800, "xlmr": 800}, 600, 16, 2, 2, 128, 60, 2, (1, 2), _TINY),
}


# ------------------------------------------------------------------------------------------ stages


@dataclass
class Stages:
    """The time and memory of named stages; a stage that is repeated on the same layer is added to its row.

    Attributes
    ----------
    written:
        Called with the table after every stage.
    on:
        The device that the model runs on: a stage ends when its work has.
    """

    written: Callable[[pd.DataFrame], None]
    on: Device
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, layer: int | None = None) -> Iterator[dict[str, Any]]:
        """Measure what happens inside; the code inside may add a "detail" to the row."""
        forget_peak()
        self.on.forget_peak()
        row = self._row(name, layer)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield row
        finally:
            self.on.wait()
            row["calls"] += 1
            row["seconds"] += time.perf_counter() - wall
            row["cpu_seconds"] += time.process_time() - cpu
            row["peak_mb"] = max(row["peak_mb"], peak_mb())
            row["held_after_mb"] = held_mb()
            for column, found in self.on.peak().items():
                row[column] = max(row.get(column, 0.0), found)
            self.written(self.table())
            where = "" if layer is None else f" on layer {layer}"
            say(f"{time.strftime('%H:%M:%S')} {name}{where}: {row['seconds']:.1f} s, peak {row['peak_mb']:,.0f} MB")

    def timed(self, function: Callable[..., Any], name: Callable[..., str], layer: int) -> Callable[..., Any]:
        """The same function as a stage; ``name`` gives its name from the arguments."""

        def run(*args: Any, **options: Any) -> Any:
            with self.stage(name(*args, **options), layer):
                return function(*args, **options)

        return run

    def table(self) -> pd.DataFrame:
        """One row per stage, in the order in which the stages came."""
        return pd.DataFrame(list(self.rows.values()))

    def _row(self, name: str, layer: int | None) -> dict[str, Any]:
        key = (name, "" if layer is None else str(layer))
        empty = {"stage": name, "layer": key[1], "calls": 0, "seconds": 0.0, "cpu_seconds": 0.0, "peak_mb": 0.0}
        return self.rows.setdefault(key, {**empty, "held_after_mb": 0.0, "detail": ""})


def _run_at_once(*given: Any) -> Run:
    """Intervene and compute the outcomes now: if we did not, the first caller to ask would, outside the timed stage."""
    run = intervene(*given)
    _ = run.outcomes
    return run


@contextmanager
def parts_timed(stages: Stages, layer: int) -> Iterator[None]:
    """While inside, each part of the study is a stage of its own; what the parts do stays the same."""
    parts: list[tuple[Any, str, Callable[..., str]]] = [
        (rankings, "rank", lambda name, *_, **__: f"ranking {name}, both directions, real and control"),
        (setting, "asking_rankings", lambda *_, **__: "rankings that ask the model"),
        (probing, "score", lambda *_, **__: "probing curves, real and control"),
        (effects, "run_all", lambda _, __, kinds, ks, sample: f"{kinds[0].label} and the like, {sample.split}"),
        (effects, "intervene", lambda *_, **__: "translation, test"),
        (effects, "_examples", lambda *_, **__: "examples"),
    ]
    with ExitStack() as stack:
        for module, name, named in parts:
            part = _run_at_once if name == "intervene" else getattr(module, name)
            timed = stages.timed(part, named, layer)
            stack.enter_context(mock.patch.object(module, name, timed))
        yield


# ------------------------------------------------------------------------------------------- model


def build(layout: str, scale: Scale, treebanks: Path, folder: Path) -> None:
    """Write the model and its tokenizer, unless they are already there."""
    if (folder / "model.safetensors").is_file() and (folder / "tokenizer.json").is_file():
        return
    sentences = _texts(treebanks)
    if layout == "mbert":
        # Only its shape is used.
        shape = mbert.Shape(
            *(scale.vocabulary[layout], scale.pieces, scale.neurons, scale.n_layers, scale.heads, scale.positions),
            *(0, (), (), (), 0),
        )
        mbert._save_model(shape, sentences, folder)
    else:
        _save_xlmr(scale, sentences, folder)


def _texts(treebanks: Path) -> list[Sentence]:
    """All sentences of all treebanks in the folder, in the order of the files' names."""
    languages = {bank.prefix[:2]: bank.language for bank in TREEBANKS}
    files = sorted(treebanks.glob("*.conllu"))
    return [
        sentence
        for file in files
        if file.name[:2] in languages
        for sentence in read_conllu(file, languages[file.name[:2]]).sentences
    ]


def _save_xlmr(scale: Scale, sentences: Sequence[Sentence], folder: Path) -> None:
    """Write XLM-R's layout: a Unigram vocabulary with word beginnings marked, positions counted from 2."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=scale.pieces,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator((" ".join(sentence.forms) for sentence in sentences), trainer)
    learnt = [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    unused = [(f"<unused{i}>", -100.0) for i in range(len(learnt), scale.vocabulary["xlmr"] - 1)]
    made = XLMRobertaTokenizer(vocab=[*learnt, *unused], model_max_length=scale.positions)
    config = XLMRobertaConfig(
        vocab_size=len(made),
        hidden_size=scale.neurons,
        num_hidden_layers=scale.n_layers,
        num_attention_heads=scale.heads,
        intermediate_size=4 * scale.neurons,
        max_position_embeddings=scale.positions + 2,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        XLMRobertaForMaskedLM(config).save_pretrained(folder)
    made.save_pretrained(folder)


# --------------------------------------------------------------------------------------------- work


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes, and what its model runs on.

    Attributes
    ----------
    folder:
        The folder of the model, which all runs of one layout and scale share.
    own:
        The folder of this run's word vectors, tables and figures.
    """

    treebanks: Path
    folder: Path
    own: Path
    device: str
    dtype: str


def load(scale: Scale, place: Place) -> World:
    """The paper world of English, with its word vectors in a folder of its own."""
    world = load_world(
        "paper",
        model=place.folder / "model",
        treebanks=place.treebanks,
        languages=[LANGUAGE],
        min_forms=scale.min_forms,
        device=place.device,
        dtype=place.dtype,
    )
    world.cache = place.own / "activations"
    return world


def read(world: World, sentences: int | None) -> str:
    """Read the first sentences of the three splits, and filter the values; return what was found, in words."""
    said = []
    for split in SPLITS:
        corpus = world.corpus(LANGUAGE, split)
        if sentences is not None:
            corpus = Corpus(LANGUAGE, corpus.sentences[:sentences], corpus.name)
            world._corpora[LANGUAGE, split] = corpus
        n_words = sum(len(sentence.words) for sentence in corpus.sentences)
        subwords = sum(world.model.lengths([sentence.forms for sentence in corpus.sentences]))
        dropped = len(world.dropped(LANGUAGE, split))
        said.append(
            f"{split} {len(corpus.sentences):,} sentences ({dropped} dropped), {n_words:,} words, {subwords:,} subwords"
        )
    return "; ".join([*said, f"{ATTRIBUTE}: {' '.join(world.values(LANGUAGE, ATTRIBUTE))}"])


def make_vectors(world: World, layers: Sequence[int]) -> str:
    """Put the vectors of all layers into the cache, in one pass per split; return their size, in words."""
    assert world.cache is not None
    world.prepare([LANGUAGE], layers)
    files = sorted(world.cache.glob("*.npy"))
    size = sum(file.stat().st_size for file in files)
    return f"{len(files)} files, {size / 1e6:,.0f} MB on disk"


def select_words(world: World, layer: int, chosen: Plan) -> Splits:
    """The words with the attribute, as :meth:`pitfalls.study.setting.Setting.of` draws them."""
    whole = world.activations(LANGUAGE, ATTRIBUTE, layer)
    return Splits(train=setting.drawn(whole.train, chosen.train_words, chosen.seed), dev=whole.dev, test=whole.test)


def measure_layer(stages: Stages, world: World, layer: int, chosen: Plan) -> dict[str, pd.DataFrame]:
    """The tables of :func:`pitfalls.study.measures.measure` for one layer, its parts timed."""
    with stages.stage("select words with the attribute (vectors from the cache)", layer) as row:
        data = select_words(world, layer, chosen)
        row["detail"] = f"{data.train.n_words:,} train, {data.dev.n_words:,} dev, {data.test.n_words:,} test words"
    with parts_timed(stages, layer):
        on = str(world.model.device)  # type: ignore[attr-defined]
        one = setting.Setting.on(Experiment(world, data), chosen, on)
        tables = probing.probing_tables(one)
        return {**tables, **effects.effect_tables(one, tables["curves"])}


def publish(stages: Stages, study: Mapping[str, pd.DataFrame], n_neurons: int, output: Path) -> None:
    """Write the paper's tables and figures, as far as one language and attribute give them."""
    output.mkdir(parents=True, exist_ok=True)
    with stages.stage("tables and figures of the paper") as row:
        paper.publish_paper(paper.tables_of(study, n_neurons), output)
        row["detail"] = f"{sum(file.is_file() for file in output.rglob('*'))} files"


def run(layout: str, scale: Scale, place: Place, stages: Stages, layers: Sequence[int]) -> None:
    """Go from files to figures."""
    with stages.stage("build the model and its tokenizer (no part of the study)") as row:
        build(layout, scale, place.treebanks, place.folder / "model")
        row["detail"] = f"{sum(f.stat().st_size for f in (place.folder / 'model').iterdir()) / 1e6:,.0f} MB on disk"
    with stages.stage("load the model") as row:
        world = load(scale, place)
        row["detail"] = f"{sum(p.numel() for p in world.model.model.parameters()) / 1e6:,.0f} million weights"  # type: ignore[attr-defined]
    with stages.stage("read the treebank and filter values") as row:
        row["detail"] = read(world, scale.sentences)
    with stages.stage(f"word vectors of layers {', '.join(map(str, sorted(layers)))} in one pass") as row:
        row["detail"] = make_vectors(world, sorted(layers))
    parts: list[dict[str, pd.DataFrame]] = []
    for layer in layers:
        parts.append(measure_layer(stages, world, layer, scale.plan))
        write_result(place.own / "study.zip", Result({"layers": list(layers[: len(parts)])}, joined(parts)))
    publish(stages, read_result(place.own / "study.zip").tables, world.model.n_neurons, place.own / "figures")


def joined(parts: Sequence[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """The tables of all layers under their names, one below the other."""
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    """What the command line says, with the layers filled in; a wrong command line ends the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder to write the measurements to")
    parser.add_argument("--folder", type=Path, required=True, help="folder for model, word vectors and figures")
    parser.add_argument("--treebanks", type=Path, default=TREEBANKS_FOLDER, help="folder of CoNLL-U files")
    parser.add_argument("--layout", choices=["mbert", "xlmr"], default="mbert")
    parser.add_argument("--scale", choices=list(SCALES), default="full")
    parser.add_argument("--layers", type=int, nargs="+", help="the scale's layers to study, in this order")
    parser.add_argument("--device", default="cpu", help="what the model runs on: cpu, cuda, ...")
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32", help="its precision")
    asked = parser.parse_args(arguments)
    there = list(SCALES[asked.scale].layers)
    asked.layers = asked.layers or there
    if not set(asked.layers) <= set(there):
        parser.error(f"layers {asked.layers}: the scale {asked.scale} has {there}")
    try:
        asked.on = device(asked.device)
    except ValueError as error:
        parser.error(str(error))
    return asked


def _place(asked: argparse.Namespace) -> Place:
    """Make and return the folders of a run."""
    folder = asked.folder / f"{asked.layout}-{asked.scale}"
    name = result_name("", asked.device, asked.dtype).lstrip("-")
    own = folder / name if name else folder
    own.mkdir(parents=True, exist_ok=True)
    asked.output.mkdir(parents=True, exist_ok=True)
    return Place(asked.treebanks, folder, own, asked.device, asked.dtype)


def _about(asked: argparse.Namespace) -> dict[str, Any]:
    """The machine, and what was asked of it."""
    scale = SCALES[asked.scale]
    machine = describe() | {"load at the start": load_average(), "threads": str(torch.get_num_threads())}
    shape = {name: value for name, value in asdict(scale).items() if name != "vocabulary"}
    shape |= {"vocabulary": scale.vocabulary[asked.layout], "layers": asked.layers}
    return {**machine, **asked.on.about(), "dtype": asked.dtype, "layout": asked.layout, "scale": asked.scale, **shape}


def main(arguments: list[str] | None = None) -> int:
    """Run, write what was measured, and say whether memory stayed under the limit."""
    asked = _asked(arguments)
    if not (asked.treebanks / "en_ewt-ud-train.conllu").is_file():
        say(f"the paper world is not measured: no en_ewt-ud-train.conllu in {asked.treebanks}; give --treebanks FOLDER")
        return 0
    place, name = _place(asked), result_name("paper_world", asked.device, asked.dtype)
    write_text(asked.output / f"{name}.json", json.dumps(_about(asked), indent=2) + "\n")
    stages = Stages(lambda table: write_table(table, asked.output / f"{name}.csv"), asked.on)
    run(asked.layout, SCALES[asked.scale], place, stages, asked.layers)
    table = stages.table()
    within = bool((table["peak_mb"] < LIMIT_MB).all())
    say(f"all in {table['seconds'].sum():,.0f} s, peak {table['peak_mb'].max():,.0f} MB (limit {LIMIT_MB:,})")
    return 0 if within else 1


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write the stages measured so far."""
    write_text(path, csv_of(table, "%.4g"))


if __name__ == "__main__":
    sys.exit(main())
