"""Configurations: every (language, attribute, layer) of a world that can be studied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.study.worlds import World


@dataclass(frozen=True, order=True)
class Configuration:
    """One language, one attribute, one layer.

    >>> Configuration("spa", "Part of Speech", 2).id
    'spa_part-of-speech_layer2'
    """

    language: str
    attribute: str
    layer: int

    @property
    def id(self) -> str:
        """For file names."""
        return f"{self.language}_{self.attribute.lower().replace(' ', '-')}_layer{self.layer}"


def configurations(
    world: World, layers: Sequence[int] | None = None, languages: Sequence[str] | None = None
) -> list[Configuration]:
    """All configurations of a world: the pairs that pass its value filter, on each layer.

    Parameters
    ----------
    layers : by default the paper's 2, 7, 12 [C] in a model of 12 layers or more, in a smaller one all above the
        embeddings
    languages : by default all of the world's

    Raises
    ------
    ValueError
        The model has no such layer, or the world no such language.

    Examples
    --------
    >>> from pitfalls.study.worlds import load_world
    >>> [configuration.id for configuration in configurations(load_world("planted"), layers=[0, 1])]
    ['art_number_layer0', 'art_number_layer1']
    """
    wanted = default_layers(world.model.n_layers) if layers is None else tuple(layers)
    unknown = [layer for layer in wanted if layer not in world.layers]
    if unknown:
        raise ValueError(f"{world.model.name} has the layers 0 to {world.model.n_layers}, not {unknown}")
    pairs = world.pairs(languages)
    return [
        Configuration(language, attribute, layer)
        for language, attribute in zip(pairs["language"], pairs["attribute"], strict=True)
        for layer in wanted
    ]


def default_layers(n_layers: int) -> tuple[int, ...]:
    """The layers that are studied where nobody says which.

    >>> default_layers(12), default_layers(4)
    ((2, 7, 12), (1, 2, 3, 4))
    """
    return (2, 7, 12) if n_layers >= 12 else tuple(range(1, n_layers + 1))
