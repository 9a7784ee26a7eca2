"""An experiment: a language's words that carry an attribute, their vectors at one site, and the world's model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pitfalls.arrays.ranking import Direction, Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.columns import ASKING, SPLITS, Split
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.replay import Sample
from pitfalls.interventions.run import Run, intervene
from pitfalls.language.analysers import Analyser
from pitfalls.language.corpus import Sentence
from pitfalls.language.lexicon import Lexicon
from pitfalls.models.interface import LanguageModel
from pitfalls.probes.curves import probe_curves
from pitfalls.rankings import rank
from pitfalls.rankings.of_model import ask
from pitfalls.worlds.world import World


@dataclass(frozen=True, eq=False)
class Experiment:
    """One attribute of one language at one site of a world's model: rank, probe and intervene there.

    Attributes
    ----------
    world:
        The world that the words come from.
    data:
        The words of train, dev and test that carry the attribute, and their vectors at the site.

    Raises
    ------
    ValueError
        The words are not the world's.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> order = experiment.rank("probeless")
    >>> experiment.probe(order, ks=[1, 36], probes=["linear"])[["k", "accuracy"]].round(1).values.tolist()
    [[1.0, 0.9], [36.0, 1.0]]
    >>> run = experiment.intervene(order, pf.Translation(), ks=[64], sentences=20)
    >>> run.outcomes["outcome"].unique().tolist()
    ['intended']
    """

    world: World
    data: Splits

    def __post_init__(self) -> None:
        for split in SPLITS:
            part: Activations = getattr(self.data, split)
            _check_words(part, self.world.sentences(part.language, split))

    @property
    def model(self) -> LanguageModel:
        """The language model."""
        return self.world.model

    def sentences(self, split: Split = "test") -> Sequence[Sentence]:
        """The sentences that the ``sentence_ids`` of the split's words index."""
        return self.world.sentences(self.data.language, split)

    def analyser(self) -> Analyser:
        """The analyser that says which readings a form of this language has."""
        return self.world.analyser(self.data.language)

    def lexicon(self) -> Lexicon:
        """The forms of this language, and what each can be."""
        return self.world.lexicon(self.data.language)

    def rank(self, name: str, direction: Direction = "ttb", seed: int = 0, **options: Any) -> Ranking:
        """Rank the neurons of these words.

        Parameters
        ----------
        name:
            One of :data:`~pitfalls.rankings.RANKINGS`, which read the activations (see :func:`~pitfalls.rankings.rank`
            for the options), or of :data:`~pitfalls.columns.ASKING`, which ask the model (see
            :func:`~pitfalls.rankings.of_model.ask`).

        Examples
        --------
        >>> import pitfalls as pf
        >>> world = pf.load_world("planted")
        >>> experiment = world.experiment("art", "Number", layer=1)
        >>> orders = [experiment.rank("linear"), experiment.rank("attribution", sentences=100)]
        >>> areas = pf.comparison.ranking_areas(orders, pf.truth(world))
        >>> areas.set_index("ranking").query("against == 'used'")["area"].round(1).to_dict()
        {'linear': 0.1, 'attribution': 1.0}
        """
        if name in ASKING:
            return ask(self, name, direction, seed, **options)
        return rank(name, self.data, direction, seed, **options)

    def probe(
        self,
        rankings: Ranking | Sequence[Ranking],
        ks: Iterable[int],
        probes: Sequence[str] = ("linear", "gaussian"),
        seed: int = 0,
    ) -> pd.DataFrame:
        """How well probes read the attribute from the first k neurons; see :func:`~.curves.probe_curves`."""
        orders = [rankings] if isinstance(rankings, Ranking) else list(rankings)
        return probe_curves(orders, self.data, ks, probes, seeds=[seed])

    def intervene(
        self,
        ranking: Ranking,
        kind: Kind,
        ks: Iterable[int],
        split: Split = "test",
        sentences: int | None = None,
        seed: int = 0,
    ) -> Run:
        """Change the first k neurons of a ranking in the words of a split; see :func:`~.run.intervene`.

        Parameters
        ----------
        split:
            The split whose words are changed: the paper chooses beta on dev and reports on test.
        sentences, seed:
            How many sentences to take, by default all, and the seed that draws them.
        """
        return intervene(self, ranking, kind, ks, Sample(split, sentences, seed))


def _check_words(part: Activations, sentences: Sequence[Sentence]) -> None:
    """The activations' words must be the world's words."""
    for form, sentence, position in zip(part.forms, part.sentence_ids, part.positions, strict=True):
        inside = 0 <= sentence < len(sentences) and 0 <= position < len(sentences[sentence].words)
        found = sentences[sentence].words[position].form if inside else None
        if found != form:
            raise ValueError(
                f"the activations have {form!r} as word {position} of sentence {sentence}, but the world has "
                f"{found!r}: use the world and split that they come from (bare arrays have none)"
            )
