"""What every transformers model can do here: read a site, resume from changed states, and run its head.

The model and the tokenizer are transformers' own. :mod:`~pitfalls.models.masked`, :mod:`~pitfalls.models.causal` and
:mod:`~pitfalls.models.encoder` say how each kind is loaded and how it reads words; everything they share is here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.arrays.words import checked_device
from pitfalls.extras import extra
from pitfalls.models import checkpoint, identity, perturbation
from pitfalls.models.blanks import Blank, Filling
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.forward import Blocks, Head, MissingHeadError, n_positions
from pitfalls.models.interface import NOT_GIVEN, Encoded, Pooling, checked_pooling
from pitfalls.models.kinds import Kind
from pitfalls.models.tokens import WordTokenizer
from pitfalls.models.trial import Trial, running, texts
from pitfalls.numbers import whole
from pitfalls.site import Site, as_site

with extra("models"):
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# transformers writes int(1e30) for "this tokenizer knows no limit".
_NO_LIMIT = 10**6

_LM = TypeVar("_LM", bound="TransformerLM")


class TransformerLM:
    """A transformers model with its fast tokenizer, in evaluation mode; the base of the kinds of models.

    Layer ``l`` of ``n_layers`` is transformers' ``hidden_states[l]``: 0 is the output of the embeddings, which is the
    input of the first layer, and ``n_layers`` what the head reads (SOURCES.md, "Layers").

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of the kind; set to evaluation mode here.
    tokenizer : transformers.PreTrainedTokenizerBase
        A fast one: the slow ones do not tell which word a subword belongs to.
    name : str
        For reports.
    has_head : bool
        False where the head's weights are untrained; logits are then refused.

    Raises
    ------
    UnsupportedModelError
        When its states cannot be read, or its own code raises an error, in a trial on a small padded batch and, if the
        model has windows, on a text longer than these. A model that cannot be resumed from changed states, or whose
        head cannot be run by itself, can still be probed, and says so when it is asked for the rest
        (:mod:`~pitfalls.models.trial`).
    """

    #: What is loaded: each kind of model has its own class.
    kind: ClassVar[Kind]
    #: Whether it reads from left to right, so that a word is predicted before it is read.
    causal: ClassVar[bool] = False
    #: What a word's vector is; :meth:`pooled` changes it.
    pooling: Pooling = "mean"
    _tokenizer: ClassVar[type[WordTokenizer]] = WordTokenizer

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str = "model", has_head: bool = True
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.has_head = has_head and self.kind.has_head
        self._fingerprints: dict[Pooling, str] = {}
        self._check_config()
        with running(self.model, self._what):
            n_embeddings = self.model.get_input_embeddings().weight.shape[0]
        self._words = self._tokenizer(tokenizer, n_embeddings, self._what)
        with running(self.model, self._what):
            self._try_out()

    @classmethod
    def load(
        cls: type[_LM],
        name_or_folder: str | Path,
        revision: str | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> _LM:
        """Load a model of this kind and its tokenizer, by name or from a folder.

        Weights are read from safetensors files in one folder only, and no code that comes with a checkpoint is run:
        :mod:`~pitfalls.models.checkpoint` looks at the files first. A checkpoint of an encoder without its head is
        loaded with ``has_head=False``: it can still be probed. Of a model on the Hub, only the files that are read are
        downloaded, into huggingface_hub's cache; no token is asked for (:mod:`~pitfalls.models.hub`).

        Parameters
        ----------
        name_or_folder : str or Path
            ``"bert-base-multilingual-cased"``, ``"gpt2"``, any other name, or a folder written by ``save_pretrained``.
        revision : str, optional
            Commit of the model on the Hub; a tag or a branch is taken, too, but may move.
        device, dtype
            Where and in which precision the model runs.

        Raises
        ------
        ModelFilesError
            When there is no such model (an ``OSError``), the Hub does not give it, or its files are missing, damaged or
            from different models.
        UnsupportedModelError
            When it is of another kind, weights of the encoder are missing, its layout is not understood, its tokenizer
            is not its own, or the device cannot compute in this precision.
        ValueError
            When torch cannot compute on the device at all.
        """
        source = str(name_or_folder)
        return cls.from_folder(checkpoint.folder_of(source, revision), source, device, dtype)

    @classmethod
    def from_folder(cls: type[_LM], folder: Path, source: str, device: str | torch.device, dtype: torch.dtype) -> _LM:
        """As :meth:`load`, from the files in ``folder``; reports call the model by its ``source``."""
        # Outside one_error: a missing device, or nonsense in the switch for tests, is not the fault of the files.
        checked_device(device)
        perturbation.epsilon()
        with checkpoint.one_error(folder):
            model, tokenizer, has_head = checkpoint.load(folder, source, dtype, cls.kind)
            perturbation.perturb_weights(model.named_parameters())
            # transformers' decorator hides the signature of torch's to().
            model.to(device)  # type: ignore[arg-type]
            name = Path(source).resolve().name if Path(source).is_dir() else source
            return cls(model, tokenizer, name=name, has_head=has_head)

    # ---------------------------------------------------------------- sizes and identity

    @property
    def n_layers(self) -> int:
        """Number of layers L; hidden states are numbered 0 (embeddings) to L."""
        return len(self._blocks)

    @property
    def n_neurons(self) -> int:
        """Number of neurons d of a hidden state."""
        return self._blocks.width

    @property
    def device(self) -> torch.device:
        """The device that the model is on."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights and the hidden states."""
        return self.model.dtype

    @property
    def max_tokens(self) -> int:
        """Longest sentence in subwords, special tokens included (512 for M-BERT and for XLM-R)."""
        limit, stated = n_positions(self.model, _NO_LIMIT), self.tokenizer.model_max_length
        return min(limit, int(stated)) if stated is not None and stated < _NO_LIMIT else limit

    @property
    def unknown_id(self) -> int:
        """Id of the token that stands for whatever the tokenizer does not know."""
        return self._words.unknown_id

    def pooled(self: _LM, pooling: Pooling) -> _LM:
        """The same model, in which a word's vector is the "mean" over its subwords, or that of its "last" one.

        Raises
        ------
        ValueError
            For any other name.
        """
        found = copy.copy(self)
        found.pooling = checked_pooling(pooling)
        return found

    def untrained(self: _LM, seed: int = 0) -> _LM:
        """The same architecture and tokenizer with random weights, which transformers' own initialisation draws.

        What a probe reads from it comes from the words themselves and the architecture, and not from training.

        Parameters
        ----------
        seed
            0 or more.
        """
        config = copy.deepcopy(self.model.config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(whole(seed, "a seed"))
            # In double precision, because draws in single precision depend on the processor.
            model = self.kind.auto.from_config(config, dtype=torch.float64)
        perturbation.perturb_weights(model.named_parameters())
        model.to(self.device, self.dtype)
        return type(self)(model, self.tokenizer, f"{self.name}, untrained {seed}", self.has_head).pooled(self.pooling)

    def fingerprint(self) -> str:
        """SHA-256 over configuration, tokenizer and weights: equal for models that give equal vectors.

        Names, paths and library versions are left out, as is a head that was never trained. It is computed once per
        instance (about a second for 180 million weights), so do not train the model afterwards.
        """
        return self._known_by(self.pooling)

    def states_fingerprint(self) -> str:
        """As :meth:`fingerprint`, whatever a word's vector is: equal for models that give equal states."""
        return self._known_by("mean")

    def _known_by(self, pooling: Pooling) -> str:
        if pooling not in self._fingerprints:
            weights = self.model if self.has_head else self.model.base_model
            self._fingerprints[pooling] = identity.fingerprint(self.model.config, weights, self._also_decides(pooling))
        return self._fingerprints[pooling]

    @property
    def _what(self) -> str:
        return f"{self.name} ({type(self.model).__name__}, model_type {self.model.config.model_type!r})"

    # ---------------------------------------------------------------- words to subwords

    def encode(self, sentences: Sequence[Sequence[str]]) -> Encoded:
        """Tokenise sentences of words, and pad them to one batch on the model's device.

        Each kind of model reads words in its own way (:mod:`.tokens`, :mod:`.running_text`), but every word has at
        least one subword, and one that is spelt like a special token becomes that token.

        Raises
        ------
        TooLongError
            When a sentence has more than ``max_tokens`` subwords.
        """
        return self._words.encode(sentences, self.max_tokens).to(self.device)

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the subwords of each sentence, special tokens included; no limit applies."""
        return self._words.lengths(sentences)

    @property
    def end_ids(self) -> NDArray[np.int64]:
        """Ids of the tokens that do not continue the word before them, such as ``cat``, not ``##s``."""
        return self._words.end_ids

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Token ids as the vocabulary writes them, such as ``["cat", "##s"]``."""
        return self._words.pieces(ids)

    def join(self, pieces: Sequence[int], like: Sequence[int] | None = None, form: str | None = None) -> str | None:
        """Join the subwords predicted at one word's own slots into a word; see :meth:`.tokens.WordTokenizer.join`."""
        return self._words.join(pieces, like, form)

    # ---------------------------------------------------------------- the forward pass, in parts

    def n_units(self, site: Site | int) -> int:
        """Number of units of a site.

        Raises
        ------
        ValueError
            The model has no such site.
        """
        found = self._checked(site)
        if found.kind == "residual":
            return self.n_neurons
        reader: Any = self._blocks.inner[found.kind][found.layer - 1]
        # Its weight is [out, in] or, in GPT-2's own kind of linear map, [in, out].
        return int(reader.weight.numel() // self.n_neurons)

    def hidden(self, encoded: Encoded, site: Site | int) -> Tensor:
        """States of one site, running only the layers below it.

        Parameters
        ----------
        encoded : Encoded
        site : Site or int
            At one of the layers 0 (output of the embeddings) to ``n_layers``; neurons and heads are those of the block
            that gives the layer, so there are none at 0.

        Returns
        -------
        Tensor [b, t, n_units]
            Transformers' ``hidden_states[layer]``, the block's neurons after their non-linearity, or its heads' outputs
            side by side before they are mixed; a copy that may be changed in place.
        """
        return self.read(encoded, [site])[as_site(site)]

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites from one pass: site -> Tensor [b, t, n_units]."""
        found = self._blocks.read(encoded, {self._checked(site) for site in sites})
        return {site: found[site] for site in sorted(found)}

    def resume(self, encoded: Encoded, site: Site | int, states: Tensor) -> Tensor:
        """Run what comes after a site on ``states``, which stand in for the site's own.

        Parameters
        ----------
        encoded : Encoded
            The batch that the states belong to (its attention mask is used).
        site : Site or int
            Resuming from layer ``n_layers`` runs nothing.
        states : Tensor [b, t, n_units]

        Returns
        -------
        Tensor [b, t, n_neurons]
            What the head reads. Unchanged states give exactly the full forward pass.

        Raises
        ------
        UnsupportedModelError
            The model can be probed, but not resumed.
        """
        found = self._checked(site)
        shape = (*encoded.input_ids.shape, self.n_units(site))
        if tuple(states.shape) != shape:
            raise ValueError(f"states of shape {tuple(states.shape)} for a batch of {shape}: give one per subword")
        self._check_for_interventions(self._why_not_resumed)
        below = None if found.kind == "residual" else self._below(encoded, found.layer - 1)
        return self._blocks.resume(encoded, found, states.to(self.device, self.dtype), below)

    def _below(self, encoded: Encoded, layer: int) -> Tensor:
        """The states that a block is called with; kept as long as the batch, which may be resumed at many k."""
        # The batch may have been changed in place since (a word masked, for instance).
        text = torch.stack([encoded.input_ids, encoded.attention_mask])
        kept = self._kept.get(encoded)
        if kept is None or kept[0] != layer or not torch.equal(kept[1], text):
            self._kept[encoded] = kept = layer, text, self.hidden(encoded, layer)
        return kept[2]

    def head(self, final_states: Tensor) -> Tensor:
        """Logits of selected final hidden states: [n, n_neurons] -> [n, vocabulary].

        Raises
        ------
        MissingHeadError
            When the checkpoint came without a language-model head.
        """
        return self._checked_head().logits(final_states)

    def fillings(self, blanks: Sequence[Blank]) -> list[Filling]:
        """What to read to say how likely each form is in its blank; a model without a head cannot say it."""
        self._checked_head()
        raise NotImplementedError

    def predict(self, final_states: Tensor, positions: Tensor) -> Tensor:
        """Most probable token at the chosen positions.

        Parameters
        ----------
        final_states : Tensor [b, t, n_neurons]
            From :meth:`resume`, or :meth:`hidden` of the last layer.
        positions : bool Tensor [b, t]

        Returns
        -------
        int64 Tensor [number of chosen positions]
            In row order: sentence by sentence, left to right.
        """
        return self._checked_head().best(final_states[positions])

    # ---------------------------------------------------------------- checks at loading

    def _check_config(self) -> None:
        """Refuse settings with which the model is not of its kind."""

    def _also_decides(self, pooling: Pooling) -> Sequence[object]:
        """What decides the vectors, besides configuration and weights; the mean is the default and left out."""
        return (self._words.state,) if pooling == "mean" else (self._words.state, pooling)

    def _check_reading(self, trial: Trial) -> None:
        """Refuse a model that does not read as its kind does."""
        trial.check_reading()

    def _checked(self, site: Site | int) -> Site:
        found = as_site(site)
        if found.kind == "residual":
            known, has = found.layer <= self.n_layers, f"layers 0 (embeddings) to {self.n_layers}"
        elif found.kind in self._blocks.inner:
            known, has = 1 <= found.layer <= self.n_layers, f"{found.kind} 1 to {self.n_layers}"
        elif found.kind in NOT_GIVEN:
            known, has = False, NOT_GIVEN[found.kind]
        else:
            others = "".join(f" and {kind} 1 to {self.n_layers}" for kind in self._blocks.inner)
            why = f"not all of its blocks have exactly one linear map that reads their {found.kind}, at the same place"
            known, has = False, f"layers 0 to {self.n_layers}{others}, as {why}"
        if not known:
            raise ValueError(f"no {found} in {self._what}: it has {has}")
        return found

    def _try_out(self) -> None:
        """Read a few texts, resume from changed states and run the head, and note what does not work."""
        ids, pad = self._words.text_ids, self._words.pad_id
        tried = [two.to(self.device) for two in texts(ids, pad, self.model.config, self.max_tokens)]
        self._kept: WeakKeyDictionary[Encoded, tuple[int, Tensor, Tensor]] = WeakKeyDictionary()
        self._blocks = Blocks(self.model, tried[0].both, self._what)
        trial = Trial(self.model, self._blocks, tried, self._what)
        self._check_reading(trial)
        self._why_not_resumed = trial.why_not_resumed()
        self._head: Head | None = None
        self._why_no_logits = trial.why_no_logits(self._found_head) if self.has_head else None

    def _found_head(self) -> Head:
        self._head = Head(self.model, self._blocks)
        return self._head

    def _checked_head(self) -> Head:
        self._check_for_interventions(self._why_no_logits)
        if self._head is None:
            raise MissingHeadError(
                f"{self._what} was loaded without the weights of a language-model head: it can be probed, not "
                "intervened on"
                + (f". Load a checkpoint saved from {self.kind.auto.__name__} for that" if self.kind.has_head else "")
            )
        return self._head

    def _check_for_interventions(self, why_not: str | None) -> None:
        if why_not is not None:
            raise UnsupportedModelError(f"{self._what} can be probed, not intervened on: {why_not}")
