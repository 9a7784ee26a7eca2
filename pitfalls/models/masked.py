"""A masked language model that can be stopped at a layer, and resumed from one with changed states.

The model and the tokenizer are transformers' own; this module only adds the four things that the paper's
experiments ask of them: one vector sequence per site (:meth:`MaskedLM.hidden`), the rest of the forward pass
from changed states (:meth:`MaskedLM.resume`), the head at chosen positions only (:meth:`MaskedLM.head`), and
the way back from predicted subwords to a word (:meth:`MaskedLM.join`).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.extras import extra
from pitfalls.models import checkpoint, perturbation
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.interface import Encoded, check_lengths
from pitfalls.models.vocabulary import best_tokens
from pitfalls.site import Site, as_site

with extra("models"):
    from transformers import AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
    from transformers.utils import logging

# Sentences tokenised in one call: keeps the tokenizer's parallel speed without holding a whole corpus twice.
_TOKENISE_AT_ONCE = 1024
# Positions whose logits are held at once: 512 x 250,002 (XLM-R's vocabulary) x 4 bytes is half a gigabyte.
_LOGITS_AT_ONCE = 512
# Embeddings are padded to a multiple of 64 or 128.
_MOST_PADDING = 128
# Words of the vocabulary that are tokenised at loading, to see whether they are known.
_WORDS_TRIED = 50
# transformers writes int(1e30) for "this tokenizer knows no limit".
_NO_LIMIT = 10**6
_SUPPORTED = "layouts like BERT's and RoBERTa's (XLM-R's) are supported"

# Hooks sit on the model, which threads may share: one thread at a time between installing and removing one.
_HOOKS = threading.Lock()


class MissingHeadError(ValueError):
    """Logits were asked of an encoder whose checkpoint has no language-model head."""


@dataclass(frozen=True)
class _Pieces:
    """One tokenised sentence: its subword ids and the word of each, -1 for special tokens."""

    ids: list[int]
    words: list[int]


class _EmbeddingsReachedError(Exception):
    """Stops a forward pass at the first layer; never leaves this module."""


class MaskedLM:
    """A transformers masked language model with its fast tokenizer, in evaluation mode.

    Layer ``l`` of ``n_layers`` is transformers' ``hidden_states[l]``: 0 is the output of the embeddings,
    which is the input of the first layer, and ``n_layers`` what the head reads (SOURCES.md, "Layers").

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
        When the layers or the head are not found, or when running the layers one by one is not the model's
        own forward pass. This is tried on a small padded batch, so that a layout which would silently give
        other numbers is refused.

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
        if getattr(model.config, "is_decoder", False):
            raise UnsupportedModelError(f"{self._what}: config.is_decoder is true; a masked LM sees both sides")
        self._check_tokenizer()
        self._encoder: nn.Module = model.base_model
        self._layers = self._find_layers()
        self._head = self._find_head() if has_head else None
        self._decoder = self._find_decoder()
        self._join = _joiner(self._tokenizer_state)
        self._n_prefix = self._tokenise([[tokenizer.unk_token]])[0].words.index(0)
        self._check_layout()

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
        loaded with ``has_head=False``: it serves for probing.

        Parameters
        ----------
        name_or_folder : str or Path
            ``"bert-base-multilingual-cased"``, ``"xlm-roberta-base"``, any other name, or a folder written by
            ``save_pretrained``.
        revision : str, optional
            Commit of the model on the Hub.
        device, dtype
            Where and in which precision the model runs.

        Raises
        ------
        ModelFilesError
            When there is no such model (an ``OSError``), or its files are missing, damaged or not of one model.
        UnsupportedModelError
            When it is no masked LM, weights of the encoder are missing, its layout is not understood, its tokenizer
            is not its own, or the device cannot compute in this precision.
        """
        source = str(name_or_folder)
        folder = checkpoint.folder_of(source, revision)
        # Where there is no such device, or the switch for tests holds nonsense, the files are not to blame.
        torch.empty(0, device=device)
        perturbation.epsilon()
        with checkpoint.one_error(folder):
            return cls._load(source, folder, device, dtype)

    @classmethod
    def _load(cls, source: str, folder: Path, device: str | torch.device, dtype: torch.dtype) -> MaskedLM:
        config = checkpoint.check(folder)
        with _no_bar():
            model, info = AutoModelForMaskedLM.from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                use_safetensors=True,
                output_loading_info=True,
                trust_remote_code=False,
            )
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        if getattr(tokenizer, "add_prefix_space", None) is False:
            # Byte-level tokenizers mark where a word begins by its space: without, "cat" is an end.
            tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True, trust_remote_code=False)
        has_head = _head_was_loaded(model, info, source)
        name = Path(source).resolve().name if Path(source).is_dir() else source
        perturbation.perturb_weights(model.named_parameters())
        try:
            return cls(model.to(device), tokenizer, name=name, has_head=has_head)
        except RuntimeError as error:
            # torch names the operation, and not what to do ("..." not implemented for 'Half').
            if dtype == torch.float32 or "not implemented for" not in str(error):
                raise
            raise UnsupportedModelError(
                f"{source!r} cannot compute in {str(dtype).removeprefix('torch.')} on {device}: take float32, "
                f"bfloat16, or another device. torch says: {error}"
            ) from error

    # ---------------------------------------------------------------- sizes and identity

    @property
    def n_layers(self) -> int:
        """Number of layers L; hidden states are numbered 0 (embeddings) to L."""
        return len(self._layers)

    @property
    def n_neurons(self) -> int:
        """Number of neurons d of a hidden state."""
        return int(self.model.config.hidden_size)

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
        """Longest sentence in subwords, special tokens included (512 for M-BERT and for XLM-R).

        XLM-R's table of positions has 514 rows, the first two (``padding_idx + 1``) are no positions.
        """
        limit = int(getattr(self.model.config, "max_position_embeddings", _NO_LIMIT))
        for name, module in self._encoder.named_modules():
            if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
                unused = 0 if module.padding_idx is None else module.padding_idx + 1
                limit = module.num_embeddings - unused
                break
        stated = self.tokenizer.model_max_length
        return min(limit, int(stated)) if stated is not None and stated < _NO_LIMIT else limit

    @property
    def unknown_id(self) -> int:
        """Id of the token that stands for what the tokenizer cannot write."""
        return int(self.tokenizer.unk_token_id)

    def fingerprint(self) -> str:
        """SHA-256 over configuration, tokenizer and weights: equal for models that give equal vectors.

        Names, paths and library versions do not enter, nor does a head that was never trained. Computed once
        an instance (about a second for 180 million weights), so do not train the model behind its back.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        config = self.model.config.to_diff_dict()
        for incidental in ("transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype"):
            config.pop(incidental, None)
        for part in (config, self._tokenizer_state):
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
        weights = (self.model if self.has_head else self._encoder).state_dict()
        for name in sorted(weights):
            weight = weights[name].detach().cpu().contiguous()
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            digest.update(weight.reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    @cached_property
    def _tokenizer_state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.tokenizer.backend_tokenizer.to_str())
        # What the last call padded or cut to is no property of the tokenizer.
        return {**state, "truncation": None, "padding": None}

    @property
    def _what(self) -> str:
        return f"{self.name} ({type(self.model).__name__}, model_type {self.model.config.model_type!r})"

    # ---------------------------------------------------------------- words to subwords

    def encode(self, sentences: Sequence[Sequence[str]]) -> Encoded:
        """Tokenise sentences of words, each word by itself, and pad them to one batch.

        Every word has at least one subword: one that tokenises to nothing (control characters, an empty
        string) becomes the unknown token. A word spelt like a special token becomes that token, so that
        ``"[MASK]"`` masks.

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
        pieces = self._tokenise(sentences)
        check_lengths([len(sentence.ids) for sentence in pieces], self.max_tokens)
        shape = (len(pieces), max(len(sentence.ids) for sentence in pieces))
        pad = self.tokenizer.pad_token_id
        input_ids = torch.full(shape, 0 if pad is None else pad, dtype=torch.int64)
        attention_mask = torch.zeros(shape, dtype=torch.int64)
        word_ids = torch.full(shape, -1, dtype=torch.int64)
        for row, sentence in enumerate(pieces):
            length = len(sentence.ids)
            input_ids[row, :length] = torch.tensor(sentence.ids)
            attention_mask[row, :length] = 1
            word_ids[row, :length] = torch.tensor(sentence.words)
        return Encoded(input_ids.to(self.device), attention_mask.to(self.device), word_ids.to(self.device))

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the subwords of each sentence, special tokens included; no limit applies."""
        if not len(sentences):
            return []
        return [len(sentence.ids) for sentence in self._tokenise(sentences)]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Token ids as the vocabulary writes them, such as ``["cat", "##s"]``."""
        return list(self.tokenizer.convert_ids_to_tokens([int(piece) for piece in ids]))

    def join(self, pieces: Sequence[int], like: Sequence[int] | None = None) -> str | None:
        """Join the subwords predicted at one word's own slots into a word.

        Parameters
        ----------
        pieces : sequence of int
            Token ids, in order.
        like : sequence of int, optional
            The word's own token ids at these slots. A word may itself consist of several tokens that are not
            continuations (BERT: ``don ' t``); where its own piece begins anew, the predicted one may as well.

        Returns
        -------
        str or None
            None when the pieces are not exactly one word: a special token, a first piece that continues a
            word, or a later one that begins a word ("split differently", SOURCES.md, "Interventions").
        """
        if like is not None and len(like) != len(pieces):
            raise ValueError(f"{len(pieces)} predicted pieces for a word of {len(like)}: they must be at its slots")
        if any(int(piece) in self._special_ids for piece in pieces):
            return None
        own = None if like is None else self.pieces(like)
        return self._join(self.pieces(pieces), own) or None

    @cached_property
    def _special_ids(self) -> frozenset[int]:
        return frozenset(self.tokenizer.all_special_ids)

    def _tokenise(self, sentences: Sequence[Sequence[str]]) -> list[_Pieces]:
        if not len(sentences):
            raise ValueError("no sentence to encode: give at least one")
        for index, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise TypeError(f"sentence {index} is the string {sentence!r}: give a sequence of words")
        found: list[_Pieces] = []
        for start in range(0, len(sentences), _TOKENISE_AT_ONCE):
            chunk = [list(sentence) for sentence in sentences[start : start + _TOKENISE_AT_ONCE]]
            # verbose=False: the caller decides about long sentences, the tokenizer need not warn as well.
            encoded = self.tokenizer(chunk, is_split_into_words=True, padding=False, truncation=False, verbose=False)
            for row, words in enumerate(chunk):
                word_ids = [-1 if word is None else word for word in encoded.word_ids(row)]
                found.append(self._every_word(_Pieces(encoded["input_ids"][row], word_ids), len(words)))
        return found

    def _every_word(self, pieces: _Pieces, n_words: int) -> _Pieces:
        """Insert the unknown token for words that tokenised to nothing."""
        missing = sorted(set(range(n_words)).difference(pieces.words))
        if not missing:
            return pieces
        ids, words = list(pieces.ids), list(pieces.words)
        for word in missing:
            # Behind the last piece of an earlier word, or behind the special tokens that open the sentence.
            place = 1 + max((i for i, w in enumerate(words) if 0 <= w < word), default=self._n_prefix - 1)
            ids.insert(place, self.tokenizer.unk_token_id)
            words.insert(place, word)
        return _Pieces(ids, words)

    # ---------------------------------------------------------------- the forward pass, in parts

    def n_units(self, site: Site | int) -> int:
        """Number of units of a site.

        Raises
        ------
        ValueError
            The model has no such site.
        """
        self._checked(site)
        return self.n_neurons

    def hidden(self, encoded: Encoded, site: Site | int) -> Tensor:
        """States of one site, running only the layers below it.

        Parameters
        ----------
        encoded : Encoded
        site : Site or int
            At the layers 0 (output of the embeddings) to ``n_layers``.

        Returns
        -------
        Tensor [b, t, n_units]
            Of the residual stream transformers' ``hidden_states[layer]``; a copy that may be changed in place.
        """
        return self.read(encoded, [site])[as_site(site)]

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites from one pass: site -> Tensor [b, t, n_units]."""
        wanted = {site.layer: site for site in map(self._checked, sites)}
        found = {}
        with torch.inference_mode():
            states, call = self._enter(encoded)
            for layer in range(max(wanted) + 1):
                if layer:
                    states = self._run(states, call, layer - 1, layer)
                if layer in wanted:
                    found[wanted[layer]] = states
        # Copied outside inference mode: tensors made in it cannot be changed in place elsewhere.
        return {site: state.clone() for site, state in found.items()}

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
        """
        layer = self._checked(site).layer
        shape = (*encoded.input_ids.shape, self.n_units(site))
        if tuple(states.shape) != shape:
            raise ValueError(f"states of shape {tuple(states.shape)} for a batch of shape {shape}: one a subword")
        with torch.inference_mode():
            _, call = self._enter(encoded)
            return self._run(states.to(self.device, self.dtype), call, layer, self.n_layers)

    def head(self, final_states: Tensor) -> Tensor:
        """Logits of selected final hidden states: [n, n_neurons] -> [n, vocabulary].

        Raises
        ------
        MissingHeadError
            When the checkpoint came without a language-model head.
        """
        if self._head is None:
            raise MissingHeadError(
                f"{self._what} was loaded without the weights of its language-model head: it can be probed, "
                "not intervened on. Load a checkpoint saved from AutoModelForMaskedLM for that"
            )
        with torch.inference_mode():
            logits: Tensor = self._head(final_states)
            return logits

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
        chosen = final_states[positions]
        if not len(chosen):
            return torch.empty(0, dtype=torch.int64, device=chosen.device)
        return torch.cat([self._best(part) for part in chosen.split(_LOGITS_AT_ONCE)])

    def _best(self, states: Tensor) -> Tensor:
        """The most probable token of each of ``states`` [n, n_neurons]."""
        if self._head is None or self._decoder is None:
            return self.head(states).argmax(-1)
        return best_tokens(self._head, self._decoder, states)

    def _enter(self, encoded: Encoded) -> tuple[Tensor, _Call]:
        """Embed a batch, and note how the model calls its first layer: its own attention mask above all."""
        with _first_call(self._layers[0]) as call:
            self._encoder(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask)
        return call.states, call

    def _run(self, states: Tensor, call: _Call, start: int, stop: int) -> Tensor:
        for layer in self._layers[start:stop]:
            out = layer(states, *call.args, **call.kwargs)
            # transformers 5 returns a tensor; older layers a tuple that begins with it.
            states = out if isinstance(out, Tensor) else out[0]
        return states

    # ---------------------------------------------------------------- checks at loading

    def _checked(self, site: Site | int) -> Site:
        found = as_site(site)
        if found.kind != "residual" or found.layer > self.n_layers:
            raise ValueError(f"{found} of {self._what}: it has layers 0 (embeddings) to {self.n_layers}")
        return found

    def _check_tokenizer(self) -> None:
        if not self.tokenizer.is_fast:
            raise UnsupportedModelError(
                f"{self._what} comes with the slow tokenizer {type(self.tokenizer).__name__}: only fast ones "
                "(tokenizer.json) tell which word a subword belongs to"
            )
        if self.tokenizer.unk_token_id is None:
            raise UnsupportedModelError(f"{self._what}: its tokenizer has no unknown token for words without subwords")
        highest = max(self.tokenizer.get_vocab().values())
        n_embeddings = self.model.get_input_embeddings().weight.shape[0]
        if highest >= n_embeddings:
            raise UnsupportedModelError(
                f"{self._what}: the tokenizer has ids up to {highest}, the model {n_embeddings} embeddings: "
                "they do not belong together"
            )
        self._check_vocabulary(n_embeddings)

    def _check_vocabulary(self, n_embeddings: int) -> None:
        """Refuse a tokenizer that does not know the model's words: every vector would be that of the unknown token.

        Without tokenizer files transformers makes a tokenizer of special tokens, and says nothing.
        """
        vocabulary = self.tokenizer.get_vocab()
        pieces = sorted(set(vocabulary) - set(self.tokenizer.all_special_tokens))
        # Rows are added to the embeddings to make their number even for a GPU, but never that many.
        if not pieces or (2 * len(vocabulary) < n_embeddings and n_embeddings - len(vocabulary) > _MOST_PADDING):
            raise UnsupportedModelError(
                f"{self._what}: its tokenizer knows {len(vocabulary)} tokens, {len(pieces)} of them not special, and "
                f"the model has {n_embeddings} embeddings: put the model's own tokenizer.json (or the vocabulary that "
                "its tokenizer is made from) into its folder"
            )
        words = [piece for piece in (piece.lstrip("▁Ġ") for piece in pieces) if piece.isalpha()]
        tried = words[:: max(1, len(words) // _WORDS_TRIED)]
        unknown = [word for word in tried if set(self._tokenise([[word]])[0].ids) <= self._special_ids]
        if 2 * len(unknown) > len(tried):
            raise UnsupportedModelError(
                f"{self._what}: its tokenizer takes {len(unknown)} of {len(tried)} words of its own vocabulary for "
                f"unknown, such as {unknown[0]!r}: its files are not of one tokenizer; copy them from where the model "
                "was trained"
            )

    def _find_layers(self) -> nn.ModuleList:
        n_layers = self.model.config.num_hidden_layers
        for module in self._encoder.modules():
            if isinstance(module, nn.ModuleList) and len(module) == n_layers:
                return module
        raise UnsupportedModelError(f"{self._what}: no list of its {n_layers} layers was found; {_SUPPORTED}")

    def _find_head(self) -> nn.Module:
        heads = [module for name, module in self.model.named_children() if module is not self._encoder]
        if len(heads) == 1:
            return heads[0]
        raise UnsupportedModelError(
            f"{self._what}: expected one head beside the encoder, found {len(heads)}; {_SUPPORTED}"
        )

    def _find_decoder(self) -> nn.Linear | None:
        """The vocabulary matrix, where the head ends with it as it is; None where it does more to the logits."""
        decoder = self.model.get_output_embeddings()
        if self._head is None or not isinstance(decoder, nn.Linear):
            return None
        width = self.model.config.hidden_size
        trial = torch.linspace(-1, 1, 4 * width, device=self.device, dtype=self.dtype).sin().view(4, width)
        given: list[Tensor] = []
        handle = decoder.register_forward_hook(lambda _, args, out: given.append(out))
        try:
            logits = self.head(trial)
        finally:
            handle.remove()
        return decoder if len(given) == 1 and torch.equal(given[0], logits) else None

    def _check_layout(self) -> None:
        """Try that our stepwise forward pass is the model's own, on a batch whose padding matters."""
        length = min(self.max_tokens, 8)
        input_ids = torch.full((2, length), self.tokenizer.unk_token_id, device=self.device)
        input_ids[0] = torch.arange(5, 5 + length).remainder(len(self.tokenizer))
        attention_mask = torch.ones_like(input_ids)
        attention_mask[1, length // 2 :] = 0
        trial = Encoded(input_ids, attention_mask, torch.full_like(input_ids, -1))
        with torch.inference_mode():
            ours = self.resume(trial, 0, self.hidden(trial, 0))
            theirs = self._encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            pairs = [("layers", ours, theirs)]
            if self._head is not None:
                logits = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
                pairs.append(("head", self.head(theirs), logits))
        for part, mine, own in pairs:
            tolerance = 1e-3 * max(1.0, float(own.abs().max()))
            if mine.shape != own.shape or not torch.allclose(mine.float(), own.float(), atol=tolerance, rtol=0.0):
                raise UnsupportedModelError(
                    f"{self._what}: running its {part} step by step does not give its own forward pass (or "
                    f"its weights are not finite); {_SUPPORTED}"
                )


# -------------------------------------------------------------------- the one hook


@dataclass
class _Call:
    """How a model calls its first layer: the states, and everything else, the same for all layers."""

    states: Tensor
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@contextmanager
def _first_call(layer: nn.Module) -> Iterator[_Call]:
    """Stop the forward pass run inside at ``layer``, and note its call; the hook is gone afterwards."""
    call = _Call(torch.empty(0), (), {})

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call.states, call.args, call.kwargs = args[0], args[1:], kwargs
        raise _EmbeddingsReachedError

    with _HOOKS:
        handle = layer.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield call
        except _EmbeddingsReachedError:
            pass
        finally:
            handle.remove()


# -------------------------------------------------------------------- loading and joining


@contextmanager
def _no_bar() -> Iterator[None]:
    """Without transformers' bar over the weights: from a disk they come at once, and in a notebook the bar stays."""
    if not logging.is_progress_bar_enabled():
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def _head_was_loaded(model: PreTrainedModel, info: Mapping[str, Any], source: str) -> bool:
    """Whether all weights of the head were in the checkpoint; an encoder that is incomplete is an error."""
    missing = sorted(str(key) for key in info["missing_keys"])
    prefix = f"{model.base_model_prefix}."
    of_encoder = [key for key in missing if key.startswith(prefix)]
    if of_encoder:
        raise UnsupportedModelError(
            f"{source!r} lacks {len(of_encoder)} weights of the encoder, among them {of_encoder[0]}: the "
            f"file is incomplete or belongs to another architecture than {type(model).__name__}"
        )
    return not missing


class _Joiner:
    """How tokens of one kind of tokenizer make a word: a mark begins a word, or continues one."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        decoder = state.get("decoder") or {}
        self.kind = decoder.get("type")
        self.mark = decoder.get("prefix") or decoder.get("replacement") or ""

    def __call__(self, tokens: Sequence[str], own: Sequence[str] | None) -> str | None:
        raise UnsupportedModelError(
            f"do not know how a tokenizer with a {self.kind!r} decoder writes words; WordPiece (BERT) and "
            "Metaspace (XLM-R) are supported"
        )

    def _begins(self, token: str) -> bool:
        raise NotImplementedError

    def _is_one_word(self, tokens: Sequence[str], own: Sequence[str] | None) -> bool:
        if not tokens or not self._begins(tokens[0]):
            return False
        may_begin = [own is not None and self._begins(token) for token in own or tokens]
        return all(may or not self._begins(token) for may, token in zip(may_begin[1:], tokens[1:], strict=True))


class _WordPieceJoiner(_Joiner):
    def _begins(self, token: str) -> bool:
        return not token.startswith(self.mark)

    def __call__(self, tokens: Sequence[str], own: Sequence[str] | None) -> str | None:
        if not self._is_one_word(tokens, own):
            return None
        return "".join(token.removeprefix(self.mark) for token in tokens)


class _MetaspaceJoiner(_Joiner):
    def _begins(self, token: str) -> bool:
        return token.startswith(self.mark)

    def __call__(self, tokens: Sequence[str], own: Sequence[str] | None) -> str | None:
        if not self._is_one_word(tokens, own):
            return None
        return "".join(tokens).replace(self.mark, " ").strip()


def _joiner(state: Mapping[str, Any]) -> _Joiner:
    kinds: dict[Any, type[_Joiner]] = {"WordPiece": _WordPieceJoiner, "Metaspace": _MetaspaceJoiner}
    joiner = _Joiner(state)
    return kinds.get(joiner.kind, _Joiner)(state)
