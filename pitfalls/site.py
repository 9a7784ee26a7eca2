"""Sites: the places in a model whose units are ranked, probed and changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from pitfalls.numbers import whole

KINDS = ("residual", "mlp", "heads", "sae", "rotated")
"""Kinds of units.

``residual``: the residual stream, transformers' ``hidden_states[layer]``, as in the paper [C]. ``mlp``: the neurons of
the block that gives this layer, after their non-linearity (and gate). ``heads``: the outputs of that block's attention
heads, side by side, before they are mixed. ``sae``: the latents of a sparse autoencoder of the residual stream at this
layer, in a world that was given one (:meth:`.World.with_sae`). ``rotated``: the residual stream at this layer in a
random orthonormal basis (:meth:`.World.rotated`).
"""


@dataclass(frozen=True, order=True)
class Site:
    """Units of one kind at one layer of a model.

    In tables a site takes two columns: ``site``, the kind, and ``layer``.

    Attributes
    ----------
    kind:
        One of :data:`KINDS`.
    layer:
        0 (the embeddings, which have no block: residual only) to the model's number of layers.

    Raises
    ------
    ValueError
        For a kind that does not exist, or a layer that is not a whole number, 0 or more.

    Examples
    --------
    >>> site = Site("residual", 2)
    >>> str(site), site.id, site.columns
    ('layer 2', 'layer2', {'site': 'residual', 'layer': 2})
    """

    kind: str
    layer: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a site's kind is one of {', '.join(KINDS)}, not {self.kind!r}")
        object.__setattr__(self, "layer", whole(self.layer, "a site's layer (0: the embeddings)"))

    def __str__(self) -> str:
        return f"{_called(self.kind)} {self.layer}"

    @property
    def id(self) -> str:
        """The site's name in file names."""
        return f"{_called(self.kind)}{self.layer}"

    @property
    def columns(self) -> dict[str, str | int]:
        """The site as it appears in the rows of a table."""
        return {"site": self.kind, "layer": self.layer}


def _called(kind: str) -> str:
    """What people call a kind: the paper's "layer 7" is the residual stream there."""
    return "layer" if kind == "residual" else kind


def as_site(site: Site | int) -> Site:
    """A site; a whole number stands for the residual stream at that layer.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> as_site(2)
    Site(kind='residual', layer=2)
    """
    if isinstance(site, Site):
        return site
    if isinstance(site, (str, tuple)):
        raise ValueError(f"a site is a layer's number or a pf.Site, such as pf.Site('residual', 2), not {site!r}")
    return Site("residual", site)


def as_sites(sites: Iterable[Site | int]) -> list[Site]:
    """The sites, sorted and without repeats.

    >>> [str(site) for site in as_sites([2, 0, 2])]
    ['layer 0', 'layer 2']
    """
    return sorted({as_site(site) for site in sites})


def with_site(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column ``site``; if it has none, its layers are taken as those of the residual stream.

    >>> with_site(pd.DataFrame({"layer": [2]})).values.tolist()
    [['residual', 2]]
    """
    if "site" in table or "layer" not in table:
        return table
    columns = [part for column in table for part in (("site", column) if column == "layer" else (column,))]
    return table.assign(site="residual")[columns]


def one_kind(table: pd.DataFrame) -> None:
    """Refuse a table with sites of several kinds: layers of different kinds must not share a group.

    Raises
    ------
    ValueError
        With the kinds that were found.
    """
    kinds = sorted(set(table["site"]))
    if len(kinds) > 1:
        raise ValueError(f"the table has units of several kinds, {', '.join(kinds)}: select the rows of one of them")
