"""A sparse autoencoder: a hidden state as the sum of a few of many directions.

The latents ``z = activation(h W_enc + b_enc)`` of a state are mostly 0, and ``z W_dec + b_dec`` approximates the state.
The one that is trained here keeps the k largest latents of each state: TopK, Gao et al. 2024 (arXiv 2406.04093).
:mod:`.sae_files` keeps autoencoders in files, and :mod:`.latents` makes their latents the units of a site.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, TypeVar

import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from pitfalls.arrays.ties import TIE
from pitfalls.models.interface import LanguageModel
from pitfalls.models.vectors import batches
from pitfalls.numbers import whole
from pitfalls.site import Site

# Subwords read at a time, padding included.
_TOKENS = 4096

_T = TypeVar("_T")


class Activation(Protocol):
    """A dataclass that makes latents [..., n] of what the encoder's linear map gives, [..., n].

    Attributes
    ----------
    architecture:
        Its name in files.
    """

    architecture: ClassVar[str]

    def __call__(self, given: Tensor) -> Tensor:
        """The latents, mostly 0 and none below it."""


@dataclass(frozen=True)
class TopK:
    """Keep the k largest, if they are above 0; a tie goes to the lower index.

    >>> TopK(2)(torch.tensor([0.5, 3.0, -1.0, 0.5])).tolist()
    [0.5, 3.0, 0.0, 0.0]
    """

    k: int
    architecture: ClassVar[str] = "topk"

    def __call__(self, given: Tensor) -> Tensor:
        """The k largest of each row, the others 0."""
        return _largest(given.relu(), self.k)


def _largest(values: Tensor, k: int) -> Tensor:
    """The k largest of ``values`` [..., n], none below 0, in their places; the others are 0."""
    least = values.topk(k, dim=-1).values[..., -1:]
    margin = TIE * values.amax(-1, keepdim=True)
    above = values > least + margin
    tied = (values >= least - margin) & ~above
    room = k - above.sum(-1, keepdim=True)
    return values.where(above | (tied & (tied.cumsum(-1) <= room)), 0)


@dataclass(frozen=True)
class Origin:
    """Where an autoencoder belongs.

    Attributes
    ----------
    layer:
        The residual stream at this layer.
    model, fingerprint:
        The model's name, for people, and the fingerprint of its states; empty if a file does not say.
    """

    layer: int
    model: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class SparseAutoencoder:
    """Encodes states as latents, and decodes latents to states.

    Attributes
    ----------
    W_enc, b_enc : [d, n] and [n]
        For states of d neurons and n latents.
    W_dec, b_dec : [n, d] and [d]
        A latent's direction is its row of ``W_dec``.
    activation:
        Such as :class:`TopK`.
    origin:
        The layer and the model.
    centred:
        Whether states are centred over the neurons first, as in TransformerLens's models with layer norm.

    Raises
    ------
    ValueError
        Shapes do not fit, or a weight is not finite.

    Examples
    --------
    >>> sae = SparseAutoencoder(torch.eye(2), torch.zeros(2), torch.eye(2), torch.zeros(2), TopK(1), Origin(layer=3))
    >>> z = sae.encode(torch.tensor([[1.0, 2.0]]))
    >>> z.tolist(), sae.decode(z).tolist()
    ([[0.0, 2.0]], [[0.0, 2.0]])
    """

    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    activation: Activation
    origin: Origin
    centred: bool = False

    def __post_init__(self) -> None:
        d, n = self.W_enc.shape
        for name, shape in (("b_enc", (n,)), ("W_dec", (n, d)), ("b_dec", (d,))):
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} of an autoencoder of {d} neurons and {n} latents is {shape}, not {found}")
        for name in ("W_enc", "b_enc", "W_dec", "b_dec"):
            if not torch.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} of the autoencoder has numbers that are not finite: its weights are damaged")

    @property
    def width(self) -> int:
        """Number of neurons d of a state."""
        return int(self.W_enc.shape[0])

    @property
    def n_latents(self) -> int:
        """Number of latents n."""
        return int(self.W_enc.shape[1])

    def given(self, states: Tensor) -> Tensor:
        """What is encoded, and what decoding should reconstruct: the states [..., d], without their mean if centred."""
        return states - states.mean(-1, keepdim=True) if self.centred else states

    def encode(self, states: Tensor) -> Tensor:
        """The latents [..., n] of states [..., d]."""
        return self.activation(self.given(states) @ self.W_enc + self.b_enc)

    def decode(self, latents: Tensor) -> Tensor:
        """States [..., d] from latents [..., n]."""
        return latents @ self.W_dec + self.b_dec

    def to(self, device: torch.device, dtype: torch.dtype) -> SparseAutoencoder:
        """The same autoencoder on a device, in another precision."""
        return replace(_moved(self, device, dtype), activation=_moved(self.activation, device, dtype))

    def fingerprint(self) -> str:
        """SHA-256 over everything that decides the latents and what writing them does; names are left out."""
        digest = hashlib.sha256(f"{self.activation.architecture} {self.origin.layer} {self.centred}".encode())
        for part in (self, self.activation):
            for field in fields(part):  # type: ignore[arg-type]
                value = getattr(part, field.name)
                if isinstance(value, Tensor):
                    digest.update(f"{field.name} {value.dtype} {tuple(value.shape)}".encode())
                    digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
                elif isinstance(value, int):
                    digest.update(f"{field.name} {value}".encode())
        return digest.hexdigest()

    def check(self, model: LanguageModel) -> None:
        """Refuse a model that the autoencoder was not made for.

        Raises
        ------
        ValueError
            The model has no such layer or another width, or the autoencoder was made for another model, or for the
            last layer of one that is not known.
        """
        layer, called = self.origin.layer, f"the autoencoder of layer {self.origin.layer}"
        if layer > model.n_layers:
            raise ValueError(f"{called}: {model.name} has layers 0 to {model.n_layers}; take one made for this model")
        if self.width != model.n_neurons:
            raise ValueError(
                f"{called} is for states of {self.width} neurons, and those of {model.name} have {model.n_neurons}: "
                "take one made for this model"
            )
        if not self.origin.fingerprint:
            if layer == model.n_layers:
                raise ValueError(
                    f"{called} reads what the last block gives, and layer {layer} of {model.name} is what its head "
                    "reads, which a norm may have changed: take an autoencoder of a lower layer"
                )
        elif self.origin.fingerprint != model.states_fingerprint():
            raise ValueError(
                f"{called} was trained on {self.origin.model} ({self.origin.fingerprint[:12]}), and this is "
                f"{model.name} ({model.states_fingerprint()[:12]}): train one on this model "
                "(pitfalls.models.sae.train_sae)"
            )


def _moved(made: _T, device: torch.device, dtype: torch.dtype) -> _T:
    """A dataclass with its tensors on a device, in a precision."""
    values = {field.name: getattr(made, field.name) for field in fields(made)}  # type: ignore[arg-type]
    tensors = {name: value.to(device, dtype) for name, value in values.items() if isinstance(value, Tensor)}
    return replace(made, **tensors)  # type: ignore[type-var]


# -------------------------------------------------------------------- training


@dataclass(frozen=True)
class Recipe:
    """How a TopK autoencoder is trained.

    Attributes
    ----------
    latents, k:
        How many latents there are, and how many of them a state may use.
    steps, batch_size, learning_rate:
        Adam's steps, the states drawn for each, and its rate, which falls to 0 over the last fifth of the steps.
    seed:
        For the first directions, and for which states are drawn.

    Raises
    ------
    ValueError
        A number is not a whole number of at least 1, or k is larger than the number of latents.
    """

    latents: int = 1024
    k: int = 32
    steps: int = 1000
    batch_size: int = 512
    learning_rate: float = 4e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("latents", "k", "steps", "batch_size"):
            whole(getattr(self, name), name, 1)
        whole(self.seed, "a seed")
        if self.k > self.latents:
            raise ValueError(
                f"k = {self.k} of {self.latents} latents cannot be kept: take a k of {self.latents} at most"
            )


def train(states: Tensor, recipe: Recipe, origin: Origin) -> SparseAutoencoder:
    """Train a TopK autoencoder on states [n_states, d], in their precision.

    As in Gao et al.: the encoder begins as the decoder's transpose; the decoder's directions have norm 1; what is
    subtracted before encoding is added after decoding. They add a loss that revives dead latents, which the mini world
    hardly has; :func:`quality` counts them.

    Raises
    ------
    ValueError
        There are fewer states than latents, all states are the same, or some are not finite.

    Examples
    --------
    >>> states = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    >>> sae = train(states, Recipe(latents=8, k=2, steps=20), Origin(layer=1))
    >>> (sae.encode(states) > 0).sum(1).max().item()
    2
    """
    if len(states) < recipe.latents:
        raise ValueError(
            f"{len(states)} states for {recipe.latents} latents: give more sentences, or take fewer latents"
        )
    if not torch.isfinite(states).all():
        raise ValueError(f"some of {len(states)} states are not finite: there is nothing to encode in those")
    centre = states.mean(0)
    scale = (states - centre).square().mean().sqrt()
    if not scale > 0:
        raise ValueError(f"all {len(states)} states are the same: there is nothing to encode")
    generator = torch.Generator().manual_seed(recipe.seed)
    directions = torch.randn(recipe.latents, states.shape[1], generator=generator, dtype=torch.float64).to(states)
    W_dec = (directions / directions.norm(dim=1, keepdim=True)).requires_grad_()
    W_enc = W_dec.detach().T.clone().requires_grad_()
    bias = torch.zeros_like(centre).requires_grad_()
    optimizer = torch.optim.Adam([W_enc, W_dec, bias], lr=recipe.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 5 - 5 * step / recipe.steps))
    for _ in tqdm(range(recipe.steps), desc="training an autoencoder", unit="step", leave=False):
        drawn = torch.randint(len(states), (recipe.batch_size,), generator=generator)
        batch = (states[drawn.to(states.device)] - centre) / scale
        values, places = (batch @ W_enc - bias @ W_enc).topk(recipe.k, sorted=False)
        # The sum of k directions, each times its number: far cheaper than a product with all of them.
        given_back = bias + nn.functional.embedding_bag(places, W_dec, per_sample_weights=values.relu(), mode="sum")
        optimizer.zero_grad()
        (batch - given_back).square().mean().backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            W_dec /= W_dec.norm(dim=1, keepdim=True)

    with torch.no_grad():
        subtracted = centre + scale * bias
        return SparseAutoencoder(
            W_enc.detach(), -(subtracted @ W_enc), W_dec.detach(), subtracted, TopK(recipe.k), origin
        )


def train_sae(
    model: LanguageModel, sentences: Sequence[Sequence[str]], layer: int, recipe: Recipe | None = None
) -> SparseAutoencoder:
    """Train a TopK autoencoder on a model's states at all subwords of sentences; special tokens are left out.

    In the mini world, a layer takes about a minute. The states are held in memory: 8 bytes (float32: 4) a neuron.

    Parameters
    ----------
    layer:
        0 (the embeddings) to the model's last.
    recipe:
        By default ``Recipe()``.

    Raises
    ------
    ValueError
        The model has no such layer, or as in :func:`train`.
    """
    site = Site("residual", layer)
    states = torch.cat(list(_states(model, sentences, site)))
    return train(states, recipe or Recipe(), Origin(site.layer, model.name, model.states_fingerprint()))


def quality(sae: SparseAutoencoder, model: LanguageModel, sentences: Sequence[Sequence[str]]) -> pd.DataFrame:
    """How well an autoencoder reconstructs the states of sentences, and with how few latents.

    Take sentences that it was not trained on.

    Returns
    -------
    One row: site and layer, latents, states (how many subwords), variance_explained (1: all of it; 0: no better than
    the mean state), l0 (latents above 0 in a state, on average), dead (latents above 0 in no state).

    Raises
    ------
    ValueError
        The autoencoder is not this model's (:meth:`SparseAutoencoder.check`).
    """
    sae.check(model)
    count, squares, missed, active = 0, 0.0, 0.0, 0
    total = torch.zeros((), dtype=torch.float64)
    used = torch.zeros(sae.n_latents, dtype=torch.bool)
    for states in _states(model, sentences, Site("residual", sae.origin.layer)):
        own = sae.to(states.device, states.dtype)
        latents, given = own.encode(states), own.given(states).double()
        count += len(states)
        total, squares = total + given.sum(0), squares + float(given.square().sum())
        missed += float((given - own.decode(latents)).square().sum())
        active += int((latents > 0).sum())
        used |= (latents > 0).any(0).cpu()
    variance = squares - float((total.square() / count).sum())
    row: dict[str, Any] = {
        **Site("sae", sae.origin.layer).columns,
        "latents": sae.n_latents,
        "states": count,
        "variance_explained": 1 - missed / variance,
        "l0": active / count,
        "dead": int((~used).sum()),
    }
    return pd.DataFrame([row])


def _states(model: LanguageModel, sentences: Sequence[Sequence[str]], site: Site) -> Iterator[Tensor]:
    """The states [n_subwords, d] of a few sentences at a time, those of similar length together."""
    if not any(len(sentence) for sentence in sentences):
        raise ValueError(f"no word in {len(sentences)} sentences: there is no state to encode")
    for batch in batches(model.lengths(sentences), _TOKENS):
        encoded = model.encode([sentences[i] for i in batch])
        states = model.hidden(encoded, site)[encoded.word_ids >= 0]
        yield states if states.dtype == torch.float64 else states.float()
