"""A world is a language model, an annotated corpus and a lexicon; every experiment takes one.

``load_world("mini")`` is the embedded default, a small BERT (with ``model=``, one of its other models),
``load_world("paper", …)`` a model by name or folder on the nine Universal Dependencies treebanks,
``load_world("real", …)`` one of two real models on English EWT, ``load_world("planted")`` a network written by hand
whose neurons are known, and :func:`world_from_files` any model on any CoNLL-U files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pitfalls.columns import SPLITS
from pitfalls.language import treebanks
from pitfalls.language.corpus import Corpus, read_conllu
from pitfalls.language.unimorph import AUTHORS, Conversion, conversion_of
from pitfalls.models import real
from pitfalls.models.causal import CausalLM
from pitfalls.models.interface import LanguageModel, checked_pooling
from pitfalls.models.loading import load_model
from pitfalls.worlds.blueprint import PlantedParameters, Truth
from pitfalls.worlds.names import DTYPES, MINI_MODELS, REAL_MODELS, UNTRAINED, WORLDS
from pitfalls.worlds.planted import PlantedLM
from pitfalls.worlds.sources import FileSource, GeneratedSource, PlantedSource, TreebankSource
from pitfalls.worlds.world import World

MINI_MIN_FORMS = 20
"""The value filter's threshold in the mini world, in distinct word forms per split (the paper's is 100).

Its lexicons hold several hundred lemmas each, so a value of a closed set of words (a Turkish possessor, a Spanish
person) has tens of forms, not hundreds.
"""

PAPER_MIN_FORMS = 100
"""The value filter's threshold in the paper's code, in distinct word forms per split [C]."""

REAL_LANGUAGE = "eng"
"""The language that the real world's models read."""

PLANTED_MIN_FORMS = 1
"""The value filter's threshold in the planted worlds: their values are known, so none is dropped."""


def vectors_folder() -> Path:
    """Where word vectors are kept between runs: ``$PITFALLS_CACHE`` or the user's cache folder."""
    return treebanks.cache_folder() / "activations"


def mini_folder() -> Path:
    """The mini world's data: inside the installed package, or ``data/mini`` of a checkout.

    Raises
    ------
    FileNotFoundError
        Neither exists.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_mini", package.parent / "data" / "mini"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no mini world at {package / '_mini'} or {package.parent / 'data' / 'mini'}")


def load_world(
    name: str | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    treebanks: str | os.PathLike[str] | None = None,
    languages: Sequence[str] | None = None,
    conversion: str | Conversion | None = None,
    min_forms: int | None = None,
    revision: str | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    pooling: str | None = None,
    planted: PlantedParameters | None = None,
) -> World:
    """A world by name.

    Parameters
    ----------
    name : ``mini`` (embedded, offline), ``paper``, ``real`` (models of the package index), ``planted`` (known neurons)
        or ``planted-covariance`` (known neurons, values that differ in covariance only); without it, the environment
        variable ``PITFALLS_WORLD`` and its companions ``PITFALLS_MODEL``, ``PITFALLS_TREEBANKS`` and
        ``PITFALLS_CONVERSION`` decide, so that one switch moves a whole notebook; where they are not set, ``mini``
    model : for ``mini``, one of :data:`~pitfalls.worlds.names.MINI_MODELS` (default ``bert``), or its untrained twin,
        as in ``bert-untrained``; for ``real``, in the same way, one of :data:`~pitfalls.worlds.names.REAL_MODELS`
        (default ``smollm2``), which is fetched into the cache (:func:`~pitfalls.models.real.model_folder`), or its
        name on the Hub, such as ``HuggingFaceTB/SmolLM2-135M-Instruct``, from where it is loaded at a pinned commit
        (:data:`~pitfalls.models.real.MODELS`); for ``paper``, any language model by name or folder, masked or causal,
        or an encoder, which can only be probed (default ``bert-base-multilingual-cased``)
    treebanks : for ``paper`` and ``real``, a folder of CoNLL-U files (default: downloaded into the cache)
    languages : for ``paper``, the languages wanted (default: all nine)
    conversion : for ``paper`` and ``real``, the conversion to UniMorph, or its name: ``authors`` (default),
        ``converter`` or ``ours``, which is the mini world's (:mod:`pitfalls.language.unimorph`)
    min_forms : the value filter's threshold in distinct word forms (default 20 for ``mini``, 100 for ``paper`` and
        ``real``, 1 for the planted worlds)
    revision : for ``paper``, the model's revision on the Hub (the real world's are pinned)
    device : ``cpu``, ``cuda``, …
    dtype : for ``paper`` and ``real``, the precision that the model computes in, one of
        :data:`~pitfalls.worlds.names.DTYPES` (default ``float32``); the other worlds compute in float64, so that every
        processor prints the same digits
    pooling : for ``paper`` and ``real``, what a word's vector is: the ``mean`` over its subwords, or the ``last`` one
        (default ``last`` for a causal model, which has read a word only at its end, and ``mean`` for others, as in the
        paper)
    planted : for the planted worlds, what is planted (default: ``PlantedParameters()``, or for
        ``planted-covariance`` ``PlantedParameters.covariance()``)

    Raises
    ------
    ValueError
        There is no such world, language, conversion, dtype or pooling, the world does not take an option, means
        differ in ``planted-covariance``, or a real model or its treebank cannot be had.
    OSError
        The disk is too full for a real model, the cache cannot be written, the Hub does not give a model, or a model's
        files are missing or damaged.

    Examples
    --------
    >>> load_world("mini").languages
    ('eng', 'rus', 'spa', 'tur')
    >>> load_world("mini", model="causal").model.causal
    True
    >>> load_world("planted", planted=PlantedParameters(seed=3)).values("art", "Number")
    ('PL', 'SG')
    """
    if name is None:
        name = os.environ.get("PITFALLS_WORLD") or "mini"
        model = model or os.environ.get("PITFALLS_MODEL") or None
        treebanks = treebanks or os.environ.get("PITFALLS_TREEBANKS") or None
        conversion = conversion or os.environ.get("PITFALLS_CONVERSION") or None
    given = {"treebanks": treebanks, "languages": languages, "conversion": conversion, "revision": revision}
    _check_options(name, {"model": model, **given, "pooling": pooling})
    precision = _dtype(dtype)
    if dtype not in (None, "float64") and name in WORLDS and name not in ("paper", "real"):
        raise ValueError(
            f'the {name} world computes in float64, not {dtype}; for another precision use load_world("paper", …)'
        )
    if planted is not None and name in ("mini", "paper", "real"):
        raise ValueError(f'nothing can be planted in the {name} world; use load_world("planted", planted=…)')
    if name == "mini":
        folder, own = mini_folder(), os.fspath(model or MINI_MODELS[0])
        lm: LanguageModel = load_model(folder / own.removesuffix(UNTRAINED), device=device, dtype=torch.float64)
        world = World("mini", lm, GeneratedSource(folder), min_forms or MINI_MIN_FORMS, vectors_folder())
        return world.untrained() if own.endswith(UNTRAINED) else world
    if name == "real":
        source = _treebank_source(treebanks, [REAL_LANGUAGE], conversion or AUTHORS)
        source.check()
        own = os.fspath(model or REAL_MODELS[0])
        lm = _real_model(own.removesuffix(UNTRAINED), device, precision, pooling)
        world = World("real", lm, source, min_forms or PAPER_MIN_FORMS, vectors_folder())
        return world.untrained() if own.endswith(UNTRAINED) else world
    if name == "paper":
        source = _treebank_source(treebanks, languages, conversion or AUTHORS)
        chosen_model = os.fspath(model or "bert-base-multilingual-cased")
        lm = _pooled_model(chosen_model, revision, device, precision, pooling)
        return World("paper", lm, source, min_forms or PAPER_MIN_FORMS, vectors_folder())
    if name in ("planted", "planted-covariance"):
        parameters = _planted_parameters(name, planted)
        network = PlantedLM(parameters, name, device)
        return World(name, network, PlantedSource(parameters), min_forms or PLANTED_MIN_FORMS)
    raise ValueError(f"no world {name!r}; there are: {', '.join(WORLDS)}")


# The options that a world takes, and the models that it has by name.
_TAKES = {"mini": ("model",), "real": ("model", "treebanks", "conversion", "pooling")}
_NAMED = {"mini": MINI_MODELS, "real": real.names()}


def _check_options(name: str, options: Mapping[str, object]) -> None:
    """Refuse options that a world does not take, and a model that it does not have."""
    if name not in WORLDS or name == "paper":
        return
    models, takes = _NAMED.get(name, ()), _TAKES.get(name, ())
    given = [option for option, value in options.items() if value is not None]
    unknown = options["model"] is not None and str(options["model"]).removesuffix(UNTRAINED) not in models
    if all(option in takes for option in given) and not unknown:
        return
    others = "".join(f", its {option}" for option in takes[1:])
    named = f"{', '.join(models)}, or one of these with {UNTRAINED!r} after it"
    own = f", except for its model ({named}){others}" if models else ""
    raise ValueError(
        f'the {name} world is fixed{own}; for another model, treebank or conversion use load_world("paper", …)'
    )


def _dtype(name: str | None) -> torch.dtype:
    if name is None:
        return torch.float32
    if name not in DTYPES:
        raise ValueError(f"no dtype {name!r}; there are: {', '.join(DTYPES)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _pooled_model(
    source: str, revision: str | None, device: str, dtype: torch.dtype, pooling: str | None, layer: int = 0
) -> LanguageModel:
    """A model of any kind, with the given pooling, or by default that of its kind."""
    asked = None if pooling is None else checked_pooling(pooling)
    found = load_model(source, revision, device, dtype, layer)
    return found if asked is None else found.pooled(asked)


def _real_model(name: str, device: str, dtype: torch.dtype, pooling: str | None) -> LanguageModel:
    found = _pooled_model(*real.source_of(name), device, dtype, pooling)
    begins_with = real.named(name).begins_with
    return found.beginning_with(begins_with) if begins_with and isinstance(found, CausalLM) else found


def _planted_parameters(name: str, given: PlantedParameters | None) -> PlantedParameters:
    if name == "planted":
        return given or PlantedParameters()
    parameters = given or PlantedParameters.covariance()
    if parameters.used_strength > 0 or parameters.unused_strength > 0:
        raise ValueError(
            f"the values of planted-covariance have equal means, and used_strength is {parameters.used_strength}, "
            f"unused_strength {parameters.unused_strength}: start from PlantedParameters.covariance()"
        )
    return parameters


def truth(world: World) -> Truth:
    """Which neurons of a planted world encode the attribute, and which ones the model uses.

    Raises
    ------
    ValueError
        The world is not a planted one, so nobody knows which neurons its model uses; or it has other units, too.

    Examples
    --------
    >>> planted = truth(load_world("planted"))
    >>> int(planted.encoded.sum()), int(planted.used.sum()), planted.n_neurons
    (36, 12, 128)
    """
    if isinstance(world.model, PlantedLM):
        return world.model.truth
    if hasattr(world.model, "truth"):
        raise ValueError(
            f"the truth is about the {world.name} world's own neurons, not about units that are computed from them: "
            "take it from the world as it was before rotated() or with_sae()"
        )
    raise ValueError(
        f"which neurons the {world.name} world uses is not known: only the planted worlds are written by hand; use "
        'load_world("planted")'
    )


def _treebank_source(
    folder: str | os.PathLike[str] | None, languages: Sequence[str] | None, conversion: str | Conversion
) -> TreebankSource:
    known = sorted(bank.language for bank in treebanks.TREEBANKS)
    wanted = sorted(set(languages)) if languages is not None else known
    unknown = [language for language in wanted if language not in known]
    if unknown:
        raise ValueError(f"no treebank of {', '.join(unknown)}; there are treebanks of: {', '.join(known)}")
    return TreebankSource(None if folder is None else Path(folder), tuple(wanted), conversion_of(conversion))


def world_from_files(
    model: str | os.PathLike[str],
    files: Sequence[str | os.PathLike[str]],
    language: str | None = None,
    *,
    conversion: str | Conversion = "ours",
    min_forms: int = PAPER_MIN_FORMS,
    revision: str | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    pooling: str | None = None,
    layer: int = 0,
) -> World:
    """A world of one language from any language model and CoNLL-U files.

    The files' names say their split (``…-train.conllu``, ``…-dev…``, ``…-test…``) and, as in Universal Dependencies,
    their language (``en_ewt-…``). Where there is no training file, four out of five sentences of the dev file are used
    for training, and every fifth stays in dev.

    Parameters
    ----------
    model : name or folder
    files : CoNLL-U files; dev and test are needed
    language : ISO 639-3 code, where the names do not say it. A language other than the paper's nine has no rules of its
        own (a warning says so): only the conversion's common table gives its attributes
    conversion : the conversion to UniMorph, or its name: ``authors``, ``converter`` or ``ours``
        (:mod:`pitfalls.language.unimorph`)
    min_forms : the value filter's threshold in distinct word forms per split
    revision, device, dtype, pooling : as in :func:`load_world`
    layer : one that will be asked for, so that a model without it is refused before its weights are read

    Raises
    ------
    ValueError
        There is no such dtype, conversion or pooling, a file's name does not give its split or language, a split is
        given twice, or dev or test is missing.
    """
    precision, convert = _dtype(dtype), conversion_of(conversion)
    paths: dict[str, Path] = {}
    for file in map(Path, files):
        split = split_of(file)
        if split in paths:
            raise ValueError(f"two files for {split}: {paths[split]} and {file}; give one of each split")
        paths[split] = file
    missing = [split for split in ("dev", "test") if split not in paths]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)} file among {', '.join(map(str, files))}")
    code = language or _language_of(paths["test"])
    convert.check(code)
    # The bare method, because `check` has already warned about the language, once for all splits.
    parts = {split: read_conllu(path, code, convert.attributes) for split, path in paths.items()}
    if "train" not in parts:
        parts["train"], parts["dev"] = divide(parts["dev"])
    lm = _pooled_model(os.fspath(model), revision, device, precision, pooling, layer)
    return World(paths["test"].stem, lm, FileSource(parts), min_forms, vectors_folder())


def divide(corpus: Corpus) -> tuple[Corpus, Corpus]:
    """Divide a corpus: four out of five sentences for training, every fifth for dev."""
    train = tuple(sentence for index, sentence in enumerate(corpus.sentences) if index % 5 != 4)
    dev = tuple(sentence for index, sentence in enumerate(corpus.sentences) if index % 5 == 4)
    return (
        Corpus(corpus.language, train, f"{corpus.name} (4 of 5)"),
        Corpus(corpus.language, dev, f"{corpus.name} (1 of 5)"),
    )


def split_of(path: Path) -> str:
    """The split that a file's name says.

    >>> split_of(Path("en_ewt-ud-dev.conllu"))
    'dev'
    """
    found = [split for split in SPLITS if split in path.stem.replace("_", "-").split("-")]
    if len(found) != 1:
        raise ValueError(f"{path}: its name must contain one of train, dev and test, as in en_ewt-ud-dev.conllu")
    return found[0]


def _language_of(path: Path) -> str:
    prefix = path.name.split("-")[0]
    for bank in treebanks.TREEBANKS:
        if prefix.split("_")[0] in (bank.prefix.split("_")[0], bank.language):
            return bank.language
    raise ValueError(f"{path}: cannot tell its language from {prefix!r}; give it with --language (ISO 639-3)")
