"""Interventions that can be stopped at any time and go on where they were: what is finished is a durable file.

The words of a split are changed in parts of so many sentences. The outcomes of a part are one file, written in one
step, in a folder named by a SHA-256 over everything that decides them. Whoever asks for the same outcomes again reads
the parts that are there and does the others; a part that is damaged is done again. Other words, neurons, strengths or
code give another folder, so nothing is ever mixed. Rankings, which an intervention waits for, are kept the same way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from pitfalls import files
from pitfalls.arrays.ranking import Direction, Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import Split
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.replay import checked_steps, prepare
from pitfalls.interventions.run import Run, judged_words
from pitfalls.rankings import rank
from pitfalls.study.digests import digest
from pitfalls.study.stored import DamagedResultError, Result, read_result, write_result
from pitfalls.study.sweep import code_fingerprint
from pitfalls.worlds.world import World

#: Sentences of a part: on two cores a part of M-BERT is some minutes' work, and no more can be lost.
SENTENCES_A_PART = 100

_TABLE = "table"
# They round, tokenize and lemmatise: under another version a run begins anew, and is not half of each.
_LIBRARIES = ("numpy", "torch", "transformers", "tokenizers", "simplemma")


# ---------------------------------------------------------------------------------- tables made once


def _found(file: Path, key: str) -> pd.DataFrame | None:
    """The table of a file that was written for ``key``, unless it is missing, damaged or another's."""
    try:
        result = read_result(file)
    except (FileNotFoundError, DamagedResultError):
        return None
    table = result.tables.get(_TABLE)
    sound = table is not None and result.manifest.get("key") == key and result.manifest.get("sha256") == _sha256(table)
    return table if sound else None


def _keep(file: Path, key: str, table: pd.DataFrame) -> None:
    result = Result({"key": key, "sha256": _sha256(table)}, {_TABLE: table})
    _at_second_try(lambda: write_result(file, result))


def _sha256(table: pd.DataFrame) -> str:
    return hashlib.sha256(table.to_csv(index=False).encode("utf-8")).hexdigest()


def _at_second_try(write: Callable[[], None]) -> None:
    """Write a file, though another process that finished the same run may just have removed the folder."""
    try:
        write()
    except FileNotFoundError:
        write()


def _environment() -> dict[str, Any]:
    """The part of every key that no caller chooses: the code, and the libraries that compute."""
    return {"code": code_fingerprint(), **{name: metadata.version(name) for name in _LIBRARIES}}


# ------------------------------------------------------------------------------------ interventions


@dataclass(frozen=True, eq=False)
class Unfinished:
    """One intervention, cut into parts whose outcomes are kept as files; made by :func:`unfinished`.

    Attributes
    ----------
    folder:
        Of this intervention alone: ``manifest.json``, which says in words what is in it, and ``part-0000.zip``, ...
    manifest:
        What decides the outcomes.
    parts:
        The words to change, so many sentences at a time.
    ks:
        The numbers of neurons asked for.
    """

    folder: Path
    manifest: Mapping[str, Any]
    parts: Sequence[Run]
    ks: Sequence[int]

    def finished(self) -> int:
        """The number of parts that are done."""
        return sum(self._read(i) is not None for i in range(len(self.parts)))

    def outcomes(self) -> pd.DataFrame:
        """Do the parts that are not done, and give what became of all words, as :func:`resumed_outcomes` does.

        Raises
        ------
        OSError
            A part cannot be written (a full disk, say); those before it are kept.
        """
        tables = {i: table for i in range(len(self.parts)) if (table := self._read(i)) is not None}
        sizes = [len(np.unique(part.targets.sentences)) for part in self.parts]
        about = f"{self.manifest['ranking']} {self.manifest['direction']}"
        # Sentences found are no work of today: they would make the rate too high.
        done = sum(sizes[i] for i in tables)
        with tqdm(total=sum(sizes), initial=done, desc=about, unit="sentence", leave=False) as progress:
            for i in range(len(self.parts)):
                if i not in tables:
                    tables[i] = self._made(i)
                    progress.update(sizes[i])
        words = pd.concat([tables[i] for i in range(len(self.parts))], ignore_index=True)
        # Each part is in the order of k and word, and the parts in the order of words.
        return words.sort_values("k", kind="stable", ignore_index=True)

    def remove(self) -> None:
        """Remove the folder, for when the outcomes are safe elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def _key(self) -> str:
        return digest(self.manifest)

    def _file(self, i: int) -> Path:
        return self.folder / f"part-{i:04d}.zip"

    def _read(self, i: int) -> pd.DataFrame | None:
        return _found(self._file(i), f"{self._key} {i}")

    def _made(self, i: int) -> pd.DataFrame:
        table = judged_words(self.parts[i], self.ks)
        try:
            _at_second_try(self._describe)
            _keep(self._file(i), f"{self._key} {i}", table)
        except OSError as error:
            raise OSError(
                f"{error}; {self.finished()} of {len(self.parts)} parts are done and kept: mend that, and run the same "
                "again"
            ) from error
        return table

    def _describe(self) -> None:
        """Write what the folder holds; for people, nothing here reads it."""
        text = json.dumps(self.manifest, indent=1, ensure_ascii=False) + "\n"
        files.write_text(self.folder / "manifest.json", text)


def unfinished(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    ks: Iterable[int],
    folder: Path,
    split: Split = "test",
    target: str | None = None,
    sentences_a_part: int = SENTENCES_A_PART,
) -> Unfinished:
    """An intervention that is done part by part, or was begun before; see :func:`resumed_outcomes`.

    Nothing is run or written yet.
    """
    asked = checked_steps(data, ranking, ks, split)
    run = prepare(world, data, ranking, kind, [0, *asked], split, target)
    parts = run.parts(sentences_a_part)
    manifest = _manifest(run, asked, sentences_a_part)
    return Unfinished(folder / digest(manifest)[:16], manifest, parts, asked)


def _manifest(run: Run, asked: Sequence[int], sentences_a_part: int) -> dict[str, Any]:
    """Everything that decides the outcomes: what can be said in words, and digests of the rest."""
    model, targets, part = run.world.model, run.targets, run.part
    changed = [run.sentences[i] for i in np.unique(targets.sentences).tolist()]
    # JSON has no NaN.
    keys = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in run.keys.items()}
    return {
        "what": "outcomes of an intervention, word by word",
        **keys,
        "values": list(part.values),
        "ks": list(asked),
        "words": len(targets),
        "sentences": len(changed),
        "sentences_a_part": sentences_a_part,
        "sha256": {
            "model": model.fingerprint(),
            # The kind, its strength, the order, the means and the target all end in these.
            "changes": digest(list(run.changes)),
            "aims": digest(run.aims),
            "targets": digest(targets),
            "text": digest([[(word.form, word.lemma) for word in sentence.words] for sentence in changed]),
            "analyser": digest(run.world.analyser(part.language)),
        },
        "environment": _environment(),
    }


def resumed_outcomes(
    world: World,
    data: Splits,
    ranking: Ranking,
    kind: Kind,
    ks: Iterable[int],
    folder: Path,
    split: Split = "test",
    target: str | None = None,
    sentences_a_part: int = SENTENCES_A_PART,
) -> pd.DataFrame:
    """Do what :func:`~pitfalls.interventions.run.outcomes_by_word` does, in parts that outlive an interruption.

    Stopped in whatever way, the same call goes on after the last finished part: no word is lost, none comes twice.
    Processes that do the same at once do not harm each other; both do the work.

    Parameters
    ----------
    folder:
        Under which each intervention gets a folder of its own, named by what decides its outcomes.
    sentences_a_part:
        At most so many sentences are done anew after an interruption.

    Returns
    -------
    The table of ``outcomes_by_word`` for the same arguments. Sentences are batched part by part, so a model's last
    digit, and with it a word that hangs on it, may differ between sizes of parts; never between runs of one size.

    Raises
    ------
    ValueError
        As ``outcomes_by_word``; and for a kind or an analyser that is no dataclass of numbers, text and arrays.
    OSError
        A part cannot be written; those before it are kept.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import pitfalls as pf
    >>> world = pf.load_world("planted")
    >>> data = world.activations("art", "Number", 1)
    >>> given = world, data, pf.rank("probeless", data), pf.Translation(), [0, 64]
    >>> with TemporaryDirectory() as folder:
    ...     words = resumed_outcomes(*given, folder=Path(folder))
    >>> words.equals(pf.outcomes_by_word(*given))
    True
    """
    return unfinished(world, data, ranking, kind, ks, folder, split, target, sentences_a_part).outcomes()


def finish(runs: Iterable[Unfinished], folder: Path) -> None:
    """Remove what was kept of runs in ``folder``, for when their outcomes are safe elsewhere.

    Rankings stay as long as the folder holds another unfinished run, which may need the same ones.
    """
    for run in runs:
        run.remove()
    if folder.is_dir() and not any(entry.is_dir() for entry in folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()  # it may hold the runs of other configurations


# ----------------------------------------------------------------------------------------- rankings


def resumed_ranking(
    name: str,
    data: Splits,
    folder: Path,
    direction: Direction = "ttb",
    seed: int = 0,
    max_neurons: int | None = None,
) -> Ranking:
    """Rank as :func:`~pitfalls.rankings.rank` does, or read what the same call found before."""
    decisive = {
        "what": "a ranking",
        "ranking": name,
        "direction": direction,
        "seed": seed,
        "max_neurons": max_neurons,
        "words": [(part.X, part.y) for part in (data.train, data.dev)],
        "values": data.values,
        "environment": _environment(),
    }
    key = digest(decisive)
    file = folder / f"{name}-{direction}-{key[:16]}.zip"
    table = _found(file, key)
    if table is None:
        table = _as_table(rank(name, data, direction, seed, max_neurons=max_neurons))
        _keep(file, key, table)
    return _as_ranking(table)


def _as_table(ranking: Ranking) -> pd.DataFrame:
    scores = {} if ranking.scores is None else {"score": np.asarray(ranking.scores, dtype=np.float64)}
    named = {name: getattr(ranking, name) for name in ("name", "direction", "ranked", "seed")}
    return pd.DataFrame({"order": ranking.order, **scores, **named})


def _as_ranking(table: pd.DataFrame) -> Ranking:
    said = table.iloc[0]
    scores = table["score"].to_numpy(dtype=np.float64) if "score" in table else None
    order = table["order"].to_numpy(dtype=np.int64)
    return Ranking(order, scores, str(said["name"]), str(said["direction"]), int(said["ranked"]), int(said["seed"]))
