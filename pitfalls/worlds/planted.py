"""The planted network: one layer and a head written by hand, so that the answer to every question is known.

One token is one word form. Layer 0 is the embedding. Layer 1 adds what a fixed attention fetches from the fillers
beside the word: their vectors are Gaussian noise, so a word's state is its form's mean plus noise that differs from
sentence to sentence and is the same whenever the sentence is the same. The head reads which word it is from the lemma
block and which value it has from the used block, both by exact Gaussian likelihoods, and by default nothing else: its
weights for the other neurons are 0. :mod:`~pitfalls.worlds.blueprint` says which neurons are which.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.models.blanks import Blank, Filling
from pitfalls.models.interface import NOT_GIVEN, Encoded, Pooling, check_lengths
from pitfalls.models.perturbation import perturb_weights
from pitfalls.site import Site, as_site
from pitfalls.worlds.blueprint import PLANTED_LAYER, PlantedParameters, Truth, plant

_PAD, _UNKNOWN = 0, 1
_SPECIAL = ("[PAD]", "[UNK]")
# No position is encoded, so any length is possible; BERT's limit keeps a batch small.
_MAX_TOKENS = 512
_LOGITS_AT_ONCE = 4096
# Share of the noise variance that belongs to the word form. Without it layer 0, where a word looks the same in
# every sentence, would have neurons that are constant or tell the value without any error.
_FORM_SHARE = 0.04


@dataclass(frozen=True, eq=False)
class PlantedWeights:
    """The network's weights, float64; ``v`` tokens, ``d`` neurons, ``w`` words (lemmas, then fillers), ``z`` values.

    Attributes
    ----------
    embedding : [v, d]
    gain : [v, d]
        How strongly a token takes up the noise of its neighbours, neuron by neuron.
    word, word_bias : [d, w] and [w]
        Linear in the state; 0 outside the lemma block.
    value_square, value, value_bias : [d, z], [d, z] and [z]
        Weights of the state's square and of the state; 0 for neurons that are not read.
    """

    embedding: Tensor
    gain: Tensor
    word: Tensor
    word_bias: Tensor
    value_square: Tensor
    value: Tensor
    value_bias: Tensor

    def to(self, device: str | torch.device) -> PlantedWeights:
        """The same weights on another device."""
        return replace(self, **{name: weight.to(device) for name, weight in self.items()})

    def items(self) -> list[tuple[str, Tensor]]:
        """(name, weight) pairs."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


class PlantedLM:
    """A language model with known neurons; see :class:`~pitfalls.models.interface.LanguageModel` for the methods.

    Parameters
    ----------
    parameters : PlantedParameters
    name : str
        For reports.
    device : str or torch.device

    Attributes
    ----------
    truth : Truth
        What is planted where.
    weights : PlantedWeights
    vocabulary : tuple of str
        Two special tokens, the forms (all of the first lemma, then the second's, ...), the fillers.

    Examples
    --------
    >>> lm = PlantedLM(PlantedParameters())
    >>> words = lm.parameters.language.corpus("test", n_words=2, seed=0).sentences[0].forms
    >>> batch = lm.encode([words])
    >>> states = lm.hidden(batch, 1)
    >>> lm.pieces(lm.predict(states, batch.word_ids == 1)) == [words[1]]
    True
    >>> states[..., lm.truth.blocks["unused"]] = 0  # encoded, but not used
    >>> lm.pieces(lm.predict(states, batch.word_ids == 1)) == [words[1]]
    True
    """

    def __init__(
        self, parameters: PlantedParameters, name: str = "planted", device: str | torch.device = "cpu"
    ) -> None:
        self.parameters, self.name = parameters, name
        self.truth = plant(parameters)
        language = parameters.language
        self.vocabulary = (*_SPECIAL, *language.forms, *language.fillers)
        self._ids = {token: i for i, token in enumerate(self.vocabulary)}
        self._first_filler = len(_SPECIAL) + len(language.forms)
        self.weights = _draw(parameters, self.truth)
        perturb_weights(self.weights.items())
        self.weights = self.weights.to(device)

    # ---------------------------------------------------------------- sizes and identity

    @property
    def n_layers(self) -> int:
        """One layer: hidden states are numbered 0 (embeddings) and 1."""
        return PLANTED_LAYER

    @property
    def n_neurons(self) -> int:
        """Number of neurons d of a hidden state."""
        return self.parameters.n_neurons

    @property
    def max_tokens(self) -> int:
        """Longest sentence in words."""
        return _MAX_TOKENS

    @property
    def unknown_id(self) -> int:
        """Id of ``[UNK]``."""
        return _UNKNOWN

    @property
    def device(self) -> torch.device:
        """The device that the weights are on."""
        return self.weights.embedding.device

    @property
    def dtype(self) -> torch.dtype:
        """float64: what is planted must come out the same on every processor."""
        return self.weights.embedding.dtype

    @property
    def pooling(self) -> Pooling:
        """A word has one token, so any would do."""
        return "mean"

    @property
    def causal(self) -> bool:
        """It reads the words on both sides."""
        return False

    def fingerprint(self) -> str:
        """SHA-256 over parameters, vocabulary and weights, but not the name."""
        digest = hashlib.sha256(json.dumps([asdict(self.parameters), self.vocabulary]).encode())
        for name, weight in self.weights.items():
            digest.update(f"{name} {tuple(weight.shape)}".encode())
            digest.update(weight.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def states_fingerprint(self) -> str:
        """The same: a word has one state, which is its vector."""
        return self.fingerprint()

    # ---------------------------------------------------------------- words and tokens

    def encode(self, sentences: Sequence[Sequence[str]]) -> Encoded:
        """One token per word, ``[UNK]`` for a word that is not in the vocabulary; no special tokens.

        Raises
        ------
        TooLongError
            When a sentence has more than ``max_tokens`` words.
        """
        lengths = self.lengths(sentences)
        if not lengths:
            raise ValueError("no sentence to encode: give at least one")
        check_lengths(lengths, self.max_tokens)
        shape = (len(lengths), max(lengths))
        input_ids = torch.full(shape, _PAD, dtype=torch.int64)
        word_ids = torch.full(shape, -1, dtype=torch.int64)
        for row, sentence in enumerate(sentences):
            input_ids[row, : len(sentence)] = torch.tensor([self._ids.get(word, _UNKNOWN) for word in sentence])
            word_ids[row, : len(sentence)] = torch.arange(len(sentence))
        attention_mask = (word_ids >= 0).long()
        return Encoded(input_ids.to(self.device), attention_mask.to(self.device), word_ids.to(self.device))

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the words of each sentence."""
        for index, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise TypeError(f"sentence {index} is the string {sentence!r}: give a sequence of words")
        return [len(sentence) for sentence in sentences]

    @property
    def end_ids(self) -> NDArray[np.int64]:
        """All ids: no token continues a word."""
        return np.arange(len(self.vocabulary))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Token ids as the vocabulary writes them: whole words."""
        return [self.vocabulary[int(piece)] for piece in ids]

    def join(self, pieces: Sequence[int], like: Sequence[int] | None = None, form: str | None = None) -> str | None:
        """The word of one piece; None for a special token, and for any other number of pieces."""
        if like is not None and len(like) != len(pieces):
            raise ValueError(f"{len(pieces)} predicted pieces for a word of {len(like)}: give one for each slot")
        if len(pieces) != 1 or int(pieces[0]) < len(_SPECIAL):
            return None
        return self.vocabulary[int(pieces[0])]

    # ---------------------------------------------------------------- the forward pass, in parts

    def n_units(self, site: Site | int) -> int:
        """Number of units of a site: the neurons, in both layers."""
        self._checked(site)
        return self.n_neurons

    def hidden(self, encoded: Encoded, site: Site | int) -> Tensor:
        """States of one site, [b, t, d]; a copy that may be changed in place."""
        return self.read(encoded, [site])[as_site(site)]

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites: site -> Tensor [b, t, d]."""
        checked = [self._checked(site) for site in sites]
        embedded = self.weights.embedding[encoded.input_ids]
        return {site: self._attend(encoded, embedded) if site.layer else embedded for site in checked}

    def resume(self, encoded: Encoded, site: Site | int, states: Tensor) -> Tensor:
        """Run what comes after a site on ``states`` [b, t, d]; unchanged ones give the full forward pass."""
        layer = self._checked(site).layer
        shape = (*encoded.input_ids.shape, self.n_neurons)
        if tuple(states.shape) != shape:
            raise ValueError(f"states of shape {tuple(states.shape)} for a batch of {shape}: give one per word")
        states = states.to(self.device, self.dtype)
        return states if layer == self.n_layers else self._attend(encoded, states)

    def head(self, final_states: Tensor) -> Tensor:
        """Log-probabilities: [n, d] -> [n, vocabulary]; those of special tokens are minus infinity.

        A form's log-probability is its lemma's, from the lemma block, plus its value's, from the neurons that are read
        for it; a filler's comes from the lemma block alone.
        """
        weights, n = self.weights, len(final_states)
        word = torch.log_softmax(final_states @ weights.word + weights.word_bias, dim=1)
        evidence = final_states.square() @ weights.value_square + final_states @ weights.value
        value = torch.log_softmax(evidence + weights.value_bias, dim=1)
        lemmas, fillers = word.split([self.parameters.lemmas, self.parameters.fillers], dim=1)
        forms = (lemmas[:, :, None] + value[:, None, :]).reshape(n, -1)
        special = torch.full((n, len(_SPECIAL)), -math.inf, device=self.device, dtype=self.dtype)
        return torch.cat([special, forms, fillers], dim=1)

    def fillings(self, blanks: Sequence[Blank]) -> list[Filling]:
        """None: no word of the planted language agrees with another.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(f"no word of {self.name} agrees with another: take a world with a model that was trained")

    def predict(self, final_states: Tensor, positions: Tensor) -> Tensor:
        """Most probable token at the chosen positions (bool [b, t]), int64, in row order."""
        chosen = final_states[positions]
        # The empty tensor is for a batch in which no position is chosen: torch.cat needs at least one.
        parts = [self.head(part).argmax(-1) for part in chosen.split(_LOGITS_AT_ONCE)] if len(chosen) else []
        return torch.cat([torch.empty(0, dtype=torch.int64, device=self.device), *parts])

    def _attend(self, encoded: Encoded, states: Tensor) -> Tensor:
        """Add to every word the mean of the fillers beside it, scaled to the variance of a single filler."""
        is_filler = (encoded.input_ids >= self._first_filler)[..., None]
        read = torch.where(is_filler, states, 0.0)
        found = _beside(read) / _beside(is_filler.to(states)).clamp(min=1).sqrt()
        scale = math.sqrt(1 - _FORM_SHARE) / self.parameters.lemma_strength
        return states + scale * self.weights.gain[encoded.input_ids] * found

    def _checked(self, site: Site | int) -> Site:
        found = as_site(site)
        if found.kind != "residual" or found.layer > self.n_layers:
            has = NOT_GIVEN.get(found.kind, f"layers 0 (embeddings) to {self.n_layers}")
            raise ValueError(f"no {found} in {self.name}: it has {has}")
        return found


def _beside(states: Tensor) -> Tensor:
    """The sum of the left and the right neighbour's states, [b, t, ...]."""
    found = torch.zeros_like(states)
    found[:, 1:] += states[:, :-1]
    found[:, :-1] += states[:, 1:]
    return found


# -------------------------------------------------------------------- the weights

_Array = NDArray[np.float64]


def _draw(parameters: PlantedParameters, truth: Truth) -> PlantedWeights:
    """Write the network: embeddings and gains, and the head that reads them back."""
    generator = np.random.default_rng([parameters.seed, 11])
    means, gains = _values(parameters, truth, generator)
    mix = _noise_mix(parameters, truth)
    codes = np.zeros((parameters.lemmas, parameters.n_neurons))
    lemma_shape = (parameters.lemmas, len(truth.blocks["lemma"]))
    amplitude = parameters.lemma_strength * parameters.noise_sd
    codes[:, truth.blocks["lemma"]] = amplitude * generator.standard_normal(lemma_shape)
    fillers = amplitude * _white(parameters.fillers, len(mix), generator) @ mix
    # The mean over lemmas is removed, value by value: the forms' noise must not move the values' means.
    own = generator.standard_normal((parameters.lemmas, len(means), len(mix)))
    own = (own - own.mean(axis=0)) @ mix * gains * parameters.noise_sd * math.sqrt(_FORM_SHARE)
    forms = (codes[:, None, :] + means + own).reshape(-1, parameters.n_neurons)
    special = np.zeros((len(_SPECIAL), parameters.n_neurons))
    arrays = {
        "embedding": np.concatenate([special, forms, fillers]),
        "gain": np.concatenate([special + 1, np.tile(gains, (parameters.lemmas, 1)), np.ones_like(fillers)]),
        **_word_head(np.concatenate([codes, fillers]), parameters, truth),
        **_value_head(means, gains, parameters, truth),
    }
    return PlantedWeights(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def _values(parameters: PlantedParameters, truth: Truth, generator: np.random.Generator) -> tuple[_Array, _Array]:
    """Mean of every value and the gain of its noise, both [z, d]; each neuron orders the values its own way."""
    n = len(parameters.values)
    levels = np.arange(n) - (n - 1) / 2
    means, gains = np.zeros((n, parameters.n_neurons)), np.ones((n, parameters.n_neurons))
    for block in ("used", "unused"):
        factors = parameters.evenly(len(truth.blocks[block]))
        for neuron, factor in zip(truth.blocks[block].tolist(), factors.tolist(), strict=True):
            level = factor * generator.permutation(levels)
            means[:, neuron] = parameters.noise_sd * parameters.strength(block) * level
            gains[:, neuron] = parameters.spread(block) ** level
    for copy, original in truth.original.items():
        means[:, copy], gains[:, copy] = means[:, original], gains[:, original]
    return means, gains


def _noise_mix(parameters: PlantedParameters, truth: Truth) -> _Array:
    """How the neurons' noise is made of independent parts of variance 1, [d + 1, d]; every column has length 1.

    Part j is neuron j's own; the last one is the correlated block's common factor.
    """
    mix = np.eye(parameters.n_neurons + 1, parameters.n_neurons)
    correlated = truth.blocks["correlated"]
    mix[correlated, correlated] = math.sqrt(1 - parameters.correlation)
    mix[-1, correlated] = math.sqrt(parameters.correlation)
    for copy, original in truth.original.items():
        mix[copy, copy] = math.sqrt(parameters.copy_noise)
        mix[original, copy] = math.sqrt(1 - parameters.copy_noise)
    return mix


def _white(n: int, width: int, generator: np.random.Generator) -> _Array:
    """Gaussian vectors [n, width] whose sample mean is exactly 0, and their sample covariance exactly the identity.

    So the noise has exactly the stated covariance when fillers are drawn uniformly, however few there are.
    """
    vectors = generator.standard_normal((n, width))
    vectors -= vectors.mean(axis=0)
    factor = np.linalg.cholesky(vectors.T @ vectors / n)
    return np.asarray(np.linalg.solve(factor, vectors.T).T)


def _word_head(centres: _Array, parameters: PlantedParameters, truth: Truth) -> dict[str, _Array]:
    """Gaussian log-likelihood of every word from the lemma block, less what is the same for all words."""
    read = np.zeros_like(centres)
    read[:, truth.blocks["lemma"]] = centres[:, truth.blocks["lemma"]] / parameters.noise_sd
    return {"word": read.T / parameters.noise_sd, "word_bias": -0.5 * (read**2).sum(axis=1)}


def _value_head(means: _Array, gains: _Array, parameters: PlantedParameters, truth: Truth) -> dict[str, _Array]:
    """Gaussian log-likelihood of every value from the neurons that are read, less what is the same for all values."""
    weight = np.zeros(parameters.n_neurons)
    weight[truth.blocks["redundant"]] = parameters.redundant_read
    weight[truth.blocks["used"]] = 1.0
    variances = (parameters.noise_sd * gains) ** 2
    square = -0.5 * weight / variances
    bias = (-0.5 * weight * (means**2 / variances + np.log(variances))).sum(axis=1)
    # With equal covariances the squares are the same for all values, and exactly 0 here: the head is linear.
    square -= square.mean(axis=0)
    return {"value_square": square.T, "value": (weight * means / variances).T, "value_bias": bias - bias.mean()}
