"""What is planted where: the parameters of the planted network, and the truth about its neurons.

The hidden layer has six blocks of neurons, scattered by the seed so that a neuron's index tells nothing about it:

========== ======= ======================== =================================================================
block      encoded read by the head for     what it holds
========== ======= ======================== =================================================================
used       yes     the value                the attribute
redundant  yes     the value, by a weight   copies of used neurons, their noise included; the weight is 0 by default
unused     yes     nothing                  the attribute, by default more clearly than the used neurons
lemma      no      which word it is         the word's identity
correlated no      nothing                  noise with a common factor
noise      no      nothing                  noise
========== ======= ======================== =================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.language import unimorph
from pitfalls.language.artificial import LANGUAGE, ArtificialLanguage
from pitfalls.site import Site

#: The blocks of the planted layer, in the order in which they are planted.
BLOCKS = ("used", "redundant", "unused", "lemma", "correlated", "noise")
#: The blocks whose neurons carry the attribute.
ENCODED_BLOCKS = ("used", "redundant", "unused")
#: The planted layer; 0 is the embeddings.
PLANTED_LAYER = 1


@dataclass(frozen=True)
class PlantedParameters:
    """Everything that decides a planted world; the defaults are the world "planted".

    Attributes
    ----------
    used, redundant, unused, lemma, correlated, noise : int
        Neurons of each block.
    used_strength, unused_strength : float
        Distance between the means of neighbouring values, in units of ``noise_sd``; each neuron puts the values
        in an order of its own. Redundant neurons have the strength of the used ones that they copy.
    unevenness : float
        The strengths of a block's neurons run evenly from ``1 - unevenness`` to ``1 + unevenness`` times the block's
        (and the logarithms of their spreads likewise), 0 or more and below 1.
    used_spread, unused_spread : float
        Ratio of the noise's standard deviations at neighbouring values, 1 or more; 1 means equal covariances.
    lemma_strength : float
        Standard deviation of a lemma's code, in units of ``noise_sd``.
    noise_sd : float
        Standard deviation of every neuron around its word form's mean (at the middle value, where spread is above 1).
    correlation : float
        Between any two neurons of the correlated block, 0 or more and below 1.
    copy_noise : float
        Share of a redundant neuron's noise variance that is its own, 0 to 1.
    redundant_read : float
        Weight of the redundant neurons' evidence in the head, where that of the used ones is 1.
    attribute : str
        One of the paper's thirteen, such as ``"Number"``.
    values : tuple of str
        Two to fourteen; kept sorted.
    lemmas, fillers : int
        Size of the vocabulary; it needs more fillers than neurons, since the noise is made of their vectors.
    train_words, dev_words, test_words : int
        Words that carry the attribute, in each split.
    seed : int
        For the weights, the vocabulary and the sentences.

    Raises
    ------
    ValueError
        A size, strength or share is out of range, or the used (or unused) neurons encode nothing.

    Examples
    --------
    >>> parameters = PlantedParameters(values=("SG", "PL", "DU"), redundant_read=1.0)
    >>> parameters.values, parameters.n_neurons
    (('DU', 'PL', 'SG'), 128)
    """

    used: int = 12
    redundant: int = 12
    unused: int = 12
    lemma: int = 24
    correlated: int = 34
    noise: int = 34
    used_strength: float = 1.5
    unused_strength: float = 2.0
    unevenness: float = 0.6
    used_spread: float = 1.0
    unused_spread: float = 1.0
    lemma_strength: float = 2.0
    noise_sd: float = 1.0
    correlation: float = 0.8
    copy_noise: float = 0.05
    redundant_read: float = 0.0
    attribute: str = "Number"
    values: tuple[str, ...] = ("PL", "SG")
    lemmas: int = 160
    fillers: int = 1000
    train_words: int = 4000
    dev_words: int = 1000
    test_words: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(sorted(self.values)))
        for block, least in zip(BLOCKS, (1, 0, 0, 1, 0, 0), strict=True):
            _check(getattr(self, block) >= least, block, self, f"give {least} neurons or more")
        for name in ("used_strength", "unused_strength", "redundant_read", "seed"):
            _check(getattr(self, name) >= 0, name, self, "give 0 or more")
        for name in ("used_spread", "unused_spread"):
            _check(getattr(self, name) >= 1, name, self, "give 1 (equal covariances) or more")
        for name in ("lemma_strength", "noise_sd"):
            _check(getattr(self, name) > 0, name, self, "give more than 0")
        _check(0 <= self.unevenness < 1, "unevenness", self, "give 0 (all alike) or more and less than 1")
        _check(0 <= self.correlation < 1, "correlation", self, "give 0 or more and less than 1")
        _check(0 <= self.copy_noise <= 1, "copy_noise", self, "give a share, 0 to 1")
        _check(self.attribute in unimorph.ATTRIBUTES, "attribute", self, f"give one of {list(unimorph.ATTRIBUTES)}")
        # One latent noise per neuron, and the common factor: fewer fillers could not span them.
        least = self.n_neurons + 2
        _check(self.fillers >= least, "fillers", self, f"give {least} or more for {self.n_neurons} neurons")
        for name in ("train_words", "dev_words", "test_words"):
            least = len(self.values)
            _check(getattr(self, name) >= least, name, self, f"give {least} or more, one per value")
        self._check_encoded()
        _ = self.language  # checks the vocabulary

    def _check_encoded(self) -> None:
        for block in ("used", "unused"):
            strength, spread = self.strength(block), self.spread(block)
            if getattr(self, block) and strength == 0 and spread == 1:
                raise ValueError(
                    f"{block}_strength is 0 and {block}_spread 1: the {getattr(self, block)} {block} neurons would "
                    "not encode the attribute; raise one of the two"
                )

    @classmethod
    def covariance(cls, **changes: Any) -> PlantedParameters:
        """Parameters of the world "planted-covariance": values with equal means that differ in covariance only.

        A linear probe fails there on a perfect ranking (the paper's first pitfall, made exact).

        Examples
        --------
        >>> PlantedParameters.covariance(seed=3).used_strength
        0.0
        """
        equal_means: dict[str, Any] = {"used_strength": 0.0, "unused_strength": 0.0}
        return cls(**{**equal_means, "used_spread": 3.0, "unused_spread": 4.0, **changes})

    @property
    def n_neurons(self) -> int:
        """Number of neurons in all blocks."""
        return sum(int(getattr(self, block)) for block in BLOCKS)

    def strength(self, block: str) -> float:
        """Distance between neighbouring values' means in a block, in units of ``noise_sd``."""
        return {"used": self.used_strength, "redundant": self.used_strength, "unused": self.unused_strength}[block]

    def spread(self, block: str) -> float:
        """Ratio of neighbouring values' standard deviations in a block."""
        return {"used": self.used_spread, "redundant": self.used_spread, "unused": self.unused_spread}[block]

    def evenly(self, n: int) -> NDArray[np.float64]:
        """The factors by which a block's ``n`` neurons differ in strength, ascending; their mean is 1."""
        return 1 + self.unevenness * np.linspace(-1, 1, n) if n > 1 else np.ones(n)

    @cached_property
    def language(self) -> ArtificialLanguage:
        """The language that the network speaks."""
        return ArtificialLanguage(self.attribute, self.values, self.lemmas, self.fillers, self.seed)

    def words(self, split: str) -> int:
        """How many words carry the attribute in "train", "dev" or "test"."""
        return {"train": self.train_words, "dev": self.dev_words, "test": self.test_words}[split]


def _check(holds: bool, name: str, parameters: PlantedParameters, advice: str) -> None:
    # "not (x >= 0)" and never "x < 0": NaN must fail as well.
    if not holds:
        raise ValueError(f"{name} is {getattr(parameters, name)!r}: {advice}")


@dataclass(frozen=True, eq=False)
class Truth:
    """Which neurons of a planted layer encode the attribute, and which ones the head reads it from.

    Attributes
    ----------
    blocks : mapping from name to sorted int64 array
        The neurons of each of :data:`BLOCKS`; every neuron is in one of them.
    encoded : bool [n_neurons]
        The neuron carries the attribute: used, redundant, unused.
    used : bool [n_neurons]
        The value that the head predicts depends on the neuron: used, and redundant where the head reads it.
    original : mapping from int to int
        The used neuron that each redundant one copies.
    language, attribute : str
    site : Site
    """

    blocks: Mapping[str, NDArray[np.int64]]
    encoded: NDArray[np.bool_]
    used: NDArray[np.bool_]
    original: Mapping[int, int]
    language: str
    attribute: str
    site: Site

    @property
    def n_neurons(self) -> int:
        """Number of neurons of the layer."""
        return len(self.encoded)

    def sets(self) -> dict[str, NDArray[np.bool_]]:
        """What a ranking can be scored against: "encoded" and "used", bool [n_neurons] each."""
        return {"encoded": self.encoded, "used": self.used}


def plant(parameters: PlantedParameters) -> Truth:
    """Scatter the blocks over the layer, by the seed.

    Examples
    --------
    >>> truth = plant(PlantedParameters(used=2, redundant=2, unused=1, lemma=3, correlated=0, noise=2))
    >>> {name: neurons.tolist() for name, neurons in truth.blocks.items() if len(neurons)}
    {'used': [1, 4], 'redundant': [6, 7], 'unused': [2], 'lemma': [3, 5, 9], 'noise': [0, 8]}
    >>> int(truth.encoded.sum()), int(truth.used.sum())
    (5, 2)
    """
    d = parameters.n_neurons
    scattered = np.random.default_rng([parameters.seed, 10]).permutation(d).astype(np.int64)
    ends = np.cumsum([getattr(parameters, block) for block in BLOCKS])[:-1]
    blocks = {name: np.sort(part) for name, part in zip(BLOCKS, np.split(scattered, ends), strict=True)}
    read = ("used", "redundant") if parameters.redundant_read > 0 else ("used",)
    used = blocks["used"].tolist()
    return Truth(
        blocks=blocks,
        encoded=_mask(blocks, ENCODED_BLOCKS, d),
        used=_mask(blocks, read, d),
        original={neuron: used[i % len(used)] for i, neuron in enumerate(blocks["redundant"].tolist())},
        language=LANGUAGE,
        attribute=parameters.attribute,
        site=Site("residual", PLANTED_LAYER),
    )


def _mask(blocks: Mapping[str, NDArray[np.int64]], names: tuple[str, ...], d: int) -> NDArray[np.bool_]:
    mask = np.zeros(d, dtype=np.bool_)
    mask[np.concatenate([blocks[name] for name in names])] = True
    return mask
