"""What is studied of which model: sites, numbers of words, sentences and items."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pitfalls.site import Site
from pitfalls.study.agreement import AgreementPlan
from pitfalls.study.plan import Plan

SMOLLM2_LAYERS = (2, 5, 8, 12, 16, 20, 25, 30)
"""The layers of SmolLM2 that are studied, of 30; nothing above the last one reads other words."""
AGREES = "Number"
"""The attribute in which words agree."""
SAE_LAYER = 12
"""The layer whose states an autoencoder is trained on."""
_MLP_LAYERS = (2, 5, 8, 12, 20, 25)
_TWIN_LAYERS = (5, 12, 20)
_MINILM_LAYERS = tuple(range(7))
_CAUSAL_LAYERS = (1, 2, 3)


@dataclass(frozen=True)
class Draw:
    """How many sentences and agreement items are drawn.

    Attributes
    ----------
    sentences:
        Of each split of the treebank.
    items:
        Of each split, from the treebank: how many of each value without attractors, and how many with.
    pairs:
        Of each split, how many constructed (or generated) items, half of them with attractors.
    longest:
        The most words that may stand before a place.
    """

    sentences: Mapping[str, int] = field(default_factory=lambda: {"train": 3_000, "dev": 1_000, "test": 2_077})
    items: Mapping[str, tuple[int, int]] = field(
        default_factory=lambda: {"train": (80, 20), "dev": (10, 5), "test": (24, 16)}
    )
    pairs: Mapping[str, int] = field(default_factory=lambda: {"train": 120, "dev": 24, "test": 48})
    longest: int = 24
    seed: int = 0


@dataclass(frozen=True)
class ModelPlan:
    """What is studied of one model.

    Attributes
    ----------
    world:
        What :func:`~pitfalls.worlds.load.load_world` takes.
    sites:
        Where attributes are probed.
    agreement:
        Which interventions items get at which site; none at the others. A site of an autoencoder's latents, which is
        trained for it, is studied in what agrees only.
    attributes:
        Those that are probed; by default all that pass the value filter.
    left_out:
        Attributes and sites that are not probed, because that would take too long.
    """

    world: Mapping[str, Any]
    sites: Sequence[Site]
    agreement: Mapping[Site, AgreementPlan] = field(default_factory=dict)
    attributes: Sequence[str] | None = None
    left_out: Collection[tuple[str, Site]] = ()
    probing: Plan = field(
        default_factory=lambda: Plan(train_words=5_000, dev_words=2_000, test_words=4_000, random_draws=2)
    )
    draw: Draw = field(default_factory=Draw)

    @property
    def all_sites(self) -> list[Site]:
        """Those of ``sites``, then further ones of ``agreement``."""
        return list(dict.fromkeys([*self.sites, *self.agreement]))

    def studies(self, attribute: str, site: Site) -> bool:
        """Whether an attribute is studied at a site."""
        probed = site in self.sites and (attribute, site) not in self.left_out
        return probed or self.agreement_of(attribute, site) is not None

    def agreement_of(self, attribute: str, site: Site) -> AgreementPlan | None:
        """The interventions of an attribute at a site."""
        return self.agreement.get(site) if attribute == AGREES else None


def _sites(kind: str, layers: Sequence[int]) -> list[Site]:
    return [Site(kind, layer) for layer in layers]


_FEW = AgreementPlan(draws=3)


def _smollm2() -> ModelPlan:
    residual, mlp = _sites("residual", SMOLLM2_LAYERS), _sites("mlp", _MLP_LAYERS)
    # A mask takes minutes, and asking for the effect of each unit alone a quarter of an hour.
    slow = {8: ("mask",), 12: ("mask", "effect")}
    plan = AgreementPlan()
    agreement = {site: replace(plan, asked=(*plan.asked, *slow.get(site.layer, ()))) for site in residual[:-1]}
    agreement |= {site: _FEW for site in [*_sites("mlp", (5, 12, 20)), Site("sae", SAE_LAYER)]}
    # With 1,536 units the Gaussian search takes a minute, and with seven values six.
    rarely = ("Part of Speech", "Person", "Mood")
    left_out = [(name, site) for name in rarely for site in mlp if site.layer not in (2, 12, 20)]
    return ModelPlan({"name": "real", "model": "smollm2"}, [*residual, *mlp], agreement, left_out=left_out)


def _smollm2_twin() -> ModelPlan:
    sites = _sites("residual", _TWIN_LAYERS)
    return ModelPlan({"name": "real", "model": "smollm2-untrained"}, sites, dict.fromkeys(sites, _FEW))


def _mini_causal() -> ModelPlan:
    sites = _sites("residual", _CAUSAL_LAYERS)
    return ModelPlan(
        {"name": "mini", "model": "causal"}, sites, dict.fromkeys(sites, AgreementPlan()), attributes=("Number",)
    )


def plans() -> dict[str, ModelPlan]:
    """What is studied, by the model's name."""
    minilm = _sites("residual", _MINILM_LAYERS)
    return {
        "minilm": ModelPlan({"name": "real", "model": "minilm"}, minilm),
        "minilm-untrained": ModelPlan({"name": "real", "model": "minilm-untrained"}, minilm[::2]),
        "smollm2": _smollm2(),
        "smollm2-untrained": _smollm2_twin(),
        "causal": _mini_causal(),
    }
