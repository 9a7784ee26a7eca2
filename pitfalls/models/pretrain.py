"""Pretrains the mini multilingual models on text from the grammars.

A model's recipe (:mod:`.recipes`) says what it is trained to do; its text is fresh sentences that occur in neither dev
nor test. Every batch, mask and dropout draw is a function of the seed and the step alone, so a run that was interrupted
and resumed ends with the same weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from pitfalls import files
from pitfalls.extras import extra
from pitfalls.language.grammar import core, corpora, load_grammar
from pitfalls.models.recipes import Recipe

with extra("models"):
    from safetensors.torch import load_file
    from safetensors.torch import save as to_bytes
    from transformers import PreTrainedTokenizerBase


def fresh_text(language: str, count: int, seed: int, held_out: frozenset[str]) -> list[str]:
    """``count`` different sentences of a language, none of them in ``held_out``."""
    stream = core.sentences(load_grammar(language), seed, held_out)
    return [core.text(tokens) for tokens in islice(stream, count)]


def training_text(recipe: Recipe, language: str) -> list[str]:
    """The sentences of one of its languages that a recipe trains on; none is in dev or test."""
    trees = corpora.trees(language)
    held_out = frozenset(core.text(tokens) for split in ("dev", "test") for tokens in trees[split])
    return fresh_text(language, recipe.sentences, recipe.text_seed + recipe.languages.index(language), held_out)


def tokenize(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_tokens: int) -> list[NDArray[np.int64]]:
    """Subword ids of each sentence, special tokens included; sentences over ``max_tokens`` are left out."""
    ids = tokenizer(list(texts), add_special_tokens=True)["input_ids"]
    return [np.asarray(sentence, dtype=np.int64) for sentence in ids if len(sentence) <= max_tokens]


def batches(lengths: NDArray[np.int64], batch_size: int, seed: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
    """Sentence numbers of each batch from step ``start`` on, without end; a batch holds sentences of similar length.

    An epoch is a permutation, sorted by length within blocks of 64 batches so that there is little padding; the
    batches of an epoch then come in random order. All of it follows from the seed and the epoch's number.
    """
    per_epoch = max(1, len(lengths) // batch_size)
    epoch = start // per_epoch
    skip = start % per_epoch
    while True:
        draw = np.random.default_rng([seed, epoch])
        order = draw.permutation(len(lengths))
        block = 64 * batch_size
        runs = [order[i : i + block] for i in range(0, len(order), block)]
        sorted_order = np.concatenate([run[np.argsort(lengths[run], kind="stable")] for run in runs])
        for index in draw.permutation(per_epoch)[skip:]:
            yield sorted_order[index * batch_size : (index + 1) * batch_size]
        epoch, skip = epoch + 1, 0


def pad(sentences: Sequence[NDArray[np.int64]], pad_token_id: int) -> torch.Tensor:
    """Sentences of different lengths as one matrix [b, t]."""
    ids = np.full((len(sentences), max(map(len, sentences))), pad_token_id, dtype=np.int64)
    for row, sentence in zip(ids, sentences, strict=True):
        row[: len(sentence)] = sentence
    return torch.from_numpy(ids)


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a linear fall that reaches zero after the last step."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    return recipe.learning_rate * max(0.0, (recipe.steps - step) / max(1, recipe.steps - recipe.warmup_steps))


class Checkpoint:
    """The state of a training run on disk: weights, Adam's moments, the step, and the seconds of all runs until then.

    Weights and moments are in safetensors, the rest in JSON.

    The JSON file is written last and names the other one: a run killed while saving resumes from the previous
    checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun = time.perf_counter()
        self._before = float(json.loads(self._state.read_text()).get("seconds", 0)) if self._state.exists() else 0.0

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    def seconds(self) -> float:
        """How long the training has taken, with the runs that were interrupted, up to their last checkpoints."""
        return self._before + time.perf_counter() - self._begun

    def save(self, step: int, model: Any, optimizer: torch.optim.Optimizer, recipe: Recipe) -> None:
        """Write the state after ``step`` steps."""
        tensors = {f"weight/{name}": value.detach().clone() for name, value in model.named_parameters()}
        for name, parameter in model.named_parameters():
            for key, value in optimizer.state[parameter].items():
                tensors[f"{key}/{name}"] = value.detach().clone()
        file = self.folder / f"step-{step}.safetensors"
        state = {"step": step, "file": file.name, "recipe": asdict(recipe), "seconds": round(self.seconds(), 1)}
        files.write({self._state: json.dumps(state).encode(), file: to_bytes(tensors)})
        for old in self.folder.glob("step-*.safetensors"):
            if old != file:
                old.unlink()

    def load(self, model: Any, optimizer: torch.optim.Optimizer, recipe: Recipe) -> int:
        """Restore the state, and return the number of steps done: 0 if nothing was saved.

        Raises
        ------
        ValueError
            The checkpoint was made by another recipe.
        """
        if not self._state.exists():
            return 0
        saved = json.loads(self._state.read_text())
        asked = json.loads(json.dumps(asdict(recipe)))
        if saved["recipe"] != asked:
            different = sorted(key for key in asked if asked[key] != saved["recipe"].get(key))
            raise ValueError(
                f"{self.folder} holds a run with another recipe ({', '.join(different)} differ): "
                "choose another folder, or delete this one to start over"
            )
        tensors = load_file(str(self.folder / saved["file"]))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(tensors[f"weight/{name}"])
                moments = {key: tensors[f"{key}/{name}"] for key in ("step", "exp_avg", "exp_avg_sq")}
                optimizer.state[parameter] = moments
        return int(saved["step"])


def train(
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerBase,
    sentences: Sequence[NDArray[np.int64]],
    checkpoint: Checkpoint,
    save_every: int = 1_000,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> Any:
    """Train to the recipe's last step, going on from the checkpoint if there is one.

    Parameters
    ----------
    sentences : subword ids of each sentence
    save_every : steps between checkpoints
    report : called with the step and the mean loss in nats of the last 100 steps
    """
    torch.manual_seed(recipe.seed)
    assert tokenizer.pad_token_id is not None
    model = recipe.model(tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
    start = checkpoint.load(model, optimizer, recipe)
    lengths = np.asarray([len(sentence) for sentence in sentences], dtype=np.int64)
    stream = batches(lengths, recipe.batch_size, recipe.seed, start)
    model.train()
    recent: list[float] = []
    for step in tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="pretraining", unit="step"):
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        ids = pad([sentences[i] for i in next(stream)], tokenizer.pad_token_id)
        loss = recipe.loss(model, ids, tokenizer, generator)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            report(step + 1, sum(recent) / len(recent))
            recent.clear()
        if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
            checkpoint.save(step + 1, model, optimizer, recipe)
    return model.eval()


def save(model: Any, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, folder: Path) -> None:
    """Write the model as transformers reads it (safetensors, tokenizer) with the recipe beside it."""
    with TemporaryDirectory() as beside:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        contents = {folder / file.name: file.read_bytes() for file in sorted(Path(beside).iterdir())}
    files.write({folder / "recipe.json": (json.dumps(asdict(recipe), indent=1) + "\n").encode(), **contents})


def pretrain(
    recipe: Recipe,
    folder: Path,
    checkpoints: Path,
    machine: str = "",
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> float:
    """Draw the text, train, and write model, tokenizer and recipe to ``folder``; return the seconds it took.

    Run again after an interruption, it goes on from the last checkpoint, whose seconds count as well.
    """
    checkpoint = Checkpoint(checkpoints)
    tokenizer = recipe.tokenizer(form for language in recipe.languages for form in load_grammar(language).paradigms())
    sentences: list[NDArray[np.int64]] = []
    for language in tqdm(recipe.languages, desc="drawing text", unit="language"):
        sentences += tokenize(tokenizer, training_text(recipe, language), recipe.max_tokens)
    model = train(recipe, tokenizer, sentences, checkpoint, report=report)
    save(model, tokenizer, recipe, folder)
    seconds = checkpoint.seconds()
    log = {"seconds": round(seconds), "parameters": model.num_parameters(), "machine": machine}
    files.write_text(folder / "training.json", json.dumps(log, indent=1) + "\n")
    return seconds
