"""A masked language model that can be stopped at a layer, and resumed from one with changed states.

The model and the tokenizer are transformers' own; this module only adds the four things that the paper's experiments
ask of them: the states at a site (:meth:`MaskedLM.hidden`), the rest of the forward pass from changed states
(:meth:`MaskedLM.resume`), the head at chosen positions only (:meth:`MaskedLM.head`), and the way back from predicted
subwords to a word (:meth:`MaskedLM.join`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pitfalls.arrays.words import checked_device
from pitfalls.extras import extra
from pitfalls.models import checkpoint, perturbation
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.forward import Blocks, Head, MissingHeadError, n_positions
from pitfalls.models.interface import NO_SAE, Encoded
from pitfalls.models.tokens import WordTokenizer
from pitfalls.models.trial import Trial, running, texts
from pitfalls.site import Site, as_site

with extra("models"):
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# transformers writes int(1e30) for "this tokenizer knows no limit".
_NO_LIMIT = 10**6


class MaskedLM:
    """A transformers masked language model with its fast tokenizer, in evaluation mode.

    Layer ``l`` of ``n_layers`` is transformers' ``hidden_states[l]``: 0 is the output of the embeddings, which is the
    input of the first layer, and ``n_layers`` what the head reads (SOURCES.md, "Layers").

    Parameters
    ----------
    model : transformers.PreTrainedModel
        From ``AutoModelForMaskedLM``; set to evaluation mode here.
    tokenizer : transformers.PreTrainedTokenizerBase
        A fast one: the slow ones do not tell which word a subword belongs to.
    name : str
        For reports.
    has_head : bool
        False where the head's weights are untrained; logits are then refused.

    Raises
    ------
    UnsupportedModelError
        When its states cannot be read, as was tried on a small padded batch and, where the model has windows, on a text
        that is longer than they are; or when its own code raises an error there. A model that cannot be resumed from
        changed states, or whose head cannot be run by itself, can still be probed, and says so when it is asked for
        that (:mod:`~pitfalls.models.trial`).

    Examples
    --------
    >>> import torch, transformers as hf
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s", "sleep"]
    >>> tokenizer = hf.BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    >>> config = hf.BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    >>> lm = MaskedLM(hf.BertForMaskedLM(config), tokenizer, name="tiny")
    >>> batch = lm.encode([["cats", "sleep"]])
    >>> batch.word_ids.tolist()
    [[-1, 0, 0, 1, -1]]
    >>> states = lm.hidden(batch, 1)
    >>> states[..., 3] = 0  # ablate neuron 3 everywhere
    >>> lm.predict(lm.resume(batch, 1, states), batch.word_ids == 0).shape
    torch.Size([2])
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        name: str = "model",
        has_head: bool = True,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.has_head = has_head
        for setting in ("is_decoder", "is_encoder_decoder"):
            if getattr(model.config, setting, False):
                raise UnsupportedModelError(f"{self._what}: config.{setting} is true; a masked LM sees both sides")
        with running(self.model, self._what):
            n_embeddings = self.model.get_input_embeddings().weight.shape[0]
        self._words = WordTokenizer(tokenizer, n_embeddings, self._what)
        with running(self.model, self._what):
            self._try_out()

    @classmethod
    def load(
        cls,
        name_or_folder: str | Path,
        revision: str | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> MaskedLM:
        """Load a masked LM and its tokenizer by name or from a folder.

        Weights are read from safetensors files in one folder only, and no code that comes with a checkpoint is run:
        :mod:`~pitfalls.models.checkpoint` looks at the files first. A checkpoint of an encoder without its head is
        loaded with ``has_head=False``: it can still be probed. Of a model on the Hub, only the files that are read are
        downloaded, into huggingface_hub's cache; no token is asked for (:mod:`~pitfalls.models.hub`).

        Parameters
        ----------
        name_or_folder : str or Path
            ``"bert-base-multilingual-cased"``, ``"xlm-roberta-base"``, any other name, or a folder written by
            ``save_pretrained``.
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
            When it is not a masked LM, weights of the encoder are missing, its layout is not understood, its tokenizer
            is not its own, or the device cannot compute in this precision.
        ValueError
            When torch cannot compute on the device at all.
        """
        source = str(name_or_folder)
        folder = checkpoint.folder_of(source, revision)
        # Outside one_error: a missing device, or nonsense in the switch for tests, is not the fault of the files.
        checked_device(device)
        perturbation.epsilon()
        with checkpoint.one_error(folder):
            return cls._load(source, folder, device, dtype)

    @classmethod
    def _load(cls, source: str, folder: Path, device: str | torch.device, dtype: torch.dtype) -> MaskedLM:
        model, tokenizer, has_head = checkpoint.load(folder, source, dtype)
        name = Path(source).resolve().name if Path(source).is_dir() else source
        perturbation.perturb_weights(model.named_parameters())
        # transformers' decorator hides the signature of torch's to().
        model.to(device)  # type: ignore[arg-type]
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

    def fingerprint(self) -> str:
        """SHA-256 over configuration, tokenizer and weights: equal for models that give equal vectors.

        Names, paths and library versions are left out, as is a head that was never trained. It is computed once per
        instance (about a second for 180 million weights), so do not train the model afterwards.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        config = self.model.config.to_diff_dict()
        for incidental in ("transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype"):
            config.pop(incidental, None)
        for part in (config, self._words.state):
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
        weights = (self.model if self.has_head else self.model.base_model).state_dict()
        for name in sorted(weights):
            weight = weights[name].detach().cpu().contiguous()
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            digest.update(weight.reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    @property
    def _what(self) -> str:
        return f"{self.name} ({type(self.model).__name__}, model_type {self.model.config.model_type!r})"

    # ---------------------------------------------------------------- words to subwords

    def encode(self, sentences: Sequence[Sequence[str]]) -> Encoded:
        """Tokenise sentences of words, each word by itself, and pad them to one batch.

        Every word has at least one subword: one that tokenises to nothing (control characters, an empty string) becomes
        the unknown token. A word spelt like a special token becomes that token, so that ``"[MASK]"`` masks.

        Parameters
        ----------
        sentences : sequence of b sequences of words

        Returns
        -------
        Encoded
            On the model's device; ``t`` is the longest sentence's length.

        Raises
        ------
        TooLongError
            When a sentence has more than ``max_tokens`` subwords.
        """
        return self._words.encode(sentences, self.max_tokens).to(self.device)

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the subwords of each sentence, special tokens included; no limit applies."""
        return self._words.lengths(sentences)

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
        """The states that a block is called with; kept while the batch is, as it may be resumed at many k."""
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

    def _checked(self, site: Site | int) -> Site:
        found = as_site(site)
        if found.kind == "residual":
            known, has = found.layer <= self.n_layers, f"layers 0 (embeddings) to {self.n_layers}"
        elif found.kind in self._blocks.inner:
            known, has = 1 <= found.layer <= self.n_layers, f"{found.kind} 1 to {self.n_layers}"
        elif found.kind == "sae":
            known, has = False, NO_SAE
        else:
            known, has = False, "layers only, as its blocks do not write twice what a linear map reads alone"
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
        trial.check_reading()
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
                f"{self._what} was loaded without the weights of its language-model head: it can be probed, "
                "not intervened on. Load a checkpoint saved from AutoModelForMaskedLM for that"
            )
        return self._head

    def _check_for_interventions(self, why_not: str | None) -> None:
        if why_not is not None:
            raise UnsupportedModelError(f"{self._what} can be probed, not intervened on: {why_not}")
