"""How much a model prefers one form to another in a blank, when words of the sentence are changed.

The layers up to the site run once for each text, and those above it once for each change; texts that two forms share
are run once, and the head only at the slots that are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.interventions.replay import Replay, groups
from pitfalls.interventions.sources import ChangedWords
from pitfalls.models.blanks import ENDS
from pitfalls.models.interface import Encoded, vector_slots

if TYPE_CHECKING:
    from pitfalls.interventions.kinds import StateChange
    from pitfalls.models.blanks import Filling
    from pitfalls.models.interface import LanguageModel
    from pitfalls.site import Site

# Rows of logits that are held at once: 128 x 250,002 (XLM-R's vocabulary) x 4 bytes is 128 MB.
_LOGITS_AT_ONCE = 128


@dataclass(frozen=True)
class Trial:
    """A blank, two forms that may fill it, and the word that is changed.

    ``position`` and ``value`` are those of the word (the index of its value), ``sentence`` is the
    :func:`~.sources.sentence_key` of its sentence, by which an interchange draws, and ``also`` are positions and values
    of other words that are changed with it.
    """

    right: Filling
    wrong: Filling
    position: int
    value: int
    sentence: int = 0
    also: tuple[tuple[int, int], ...] = ()

    @property
    def texts(self) -> tuple[Text, Text]:
        """What is read for the right and for the wrong form."""
        changes = tuple(sorted({(self.position, self.value), *self.also}))
        right, wrong = (Text(form.ids, form.word_ids, changes, self.sentence) for form in (self.right, self.wrong))
        return right, wrong


class Text(NamedTuple):
    """What is read in one pass, the words in it that are changed (position and value), and its sentence's key."""

    ids: tuple[int, ...]
    word_ids: tuple[int, ...]
    changes: tuple[tuple[int, int], ...]
    sentence: int


class Term(NamedTuple):
    """A piece, or ENDS, whose log-probability at a slot counts for (+1) or against (-1) a trial."""

    slot: int
    piece: int
    trial: int
    sign: int


def log_margins(replay: Replay, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Log-probability of the right form less that of the wrong one, in nats, at every k of a replay.

    Parameters
    ----------
    replay
        Its changes are applied to its subject's model, at its site and at the subwords that make the vector of each
        trial's word.

    Returns
    -------
    [n_ks, n_trials]
    """
    texts = list(texts_of(trials).items())
    found = np.zeros((len(replay.ks), len(trials)))
    model, site = replay.subject.model, replay.part.site
    for group in groups([len(text.ids) for text, _ in texts]):
        batches = [Batch.of(model, site, [texts[i] for i in batch]) for batch in group]
        terms = np.concatenate([batch.terms for batch in batches])
        read = _numbered([batch.read for batch in batches])
        for k, change in enumerate(replay.changes):
            final = torch.cat([batch.final(model, site, change) for batch in batches])
            log_p = log_probabilities(model, final, read, terms[:, 1]).cpu().numpy()
            np.add.at(found[k], terms[:, 2], terms[:, 3] * log_p)
    return found


def texts_of(trials: Sequence[Trial]) -> dict[Text, list[Term]]:
    """Every text that is read, once, and the terms that it gives."""
    found: defaultdict[Text, list[Term]] = defaultdict(list)
    for number, trial in enumerate(trials):
        for text, form, sign in zip(trial.texts, (trial.right, trial.wrong), (1, -1), strict=True):
            found[text] += [
                Term(slot, piece, number, sign) for slot, piece in zip(form.slots, form.pieces, strict=True)
            ]
    return found


@dataclass(frozen=True, eq=False)
class Batch:
    """Texts that are run together.

    ``states`` [b, t, d] are those of the site; ``changed`` bool [b, t] says where they are changed, and ``words`` are
    those of the n subwords there; ``rows`` and ``slots`` [m] are where logits are needed. ``terms`` [n_terms, 4]
    are those of all texts, and ``read`` [n_terms] says at which of the m places each is predicted.
    """

    encoded: Encoded
    states: torch.Tensor
    changed: torch.Tensor
    words: ChangedWords
    rows: torch.Tensor
    slots: torch.Tensor
    terms: NDArray[np.int64]
    read: NDArray[np.int64]

    @classmethod
    def of(cls, model: LanguageModel, site: Site, texts: Sequence[tuple[Text, Sequence[Term]]]) -> Batch:
        """Run the layers up to the site."""
        encoded = Encoded.padded([(text.ids, text.word_ids) for text, _ in texts], pad_id=0).to(model.device)
        device = encoded.input_ids.device
        value_at = torch.full_like(encoded.word_ids, -1)
        for row, (text, _) in enumerate(texts):
            for position, value in text.changes:
                value_at[row, encoded.word_ids[row] == position] = value
        changed = vector_slots(encoded, model.pooling) & (value_at >= 0)
        sentences = np.array([text.sentence for text, _ in texts], dtype=np.int64)
        places_of_words = encoded.word_ids[changed].cpu().numpy()
        places = np.array([(row, term.slot) for row, (_, terms) in enumerate(texts) for term in terms])
        unique, read = np.unique(places, axis=0, return_inverse=True)
        rows, slots = torch.as_tensor(unique, device=device).T
        return cls(
            encoded=encoded,
            states=model.hidden(encoded, site),
            changed=changed,
            words=ChangedWords(value_at[changed], sentences[changed.nonzero()[:, 0].cpu().numpy()], places_of_words),
            rows=rows,
            slots=slots,
            terms=np.array([term for _, terms in texts for term in terms]),
            read=read.reshape(-1),
        )

    def final(self, model: LanguageModel, site: Site, change: StateChange) -> torch.Tensor:
        """What the head reads where logits are needed, under a change, [m, d]."""
        return self.final_of(model, site, change.apply(self.states[self.changed], self.words))

    def final_of(self, model: LanguageModel, site: Site, states_there: torch.Tensor) -> torch.Tensor:
        """The same for states [n, n_units] of the changed subwords; a gradient with respect to them flows back."""
        states = self.states.clone()
        states[self.changed] = states_there
        return model.resume(self.encoded, site, states)[self.rows, self.slots]

    def margins(self, model: LanguageModel, final: torch.Tensor) -> torch.Tensor:
        """The margin of each trial, nats, float64 [n_trials], from what the head reads [m, d]; gradients flow back."""
        log_p = log_probabilities(model, final, self.read, self.terms[:, 1])
        trial, sign = (torch.as_tensor(self.terms[:, i], device=log_p.device) for i in (2, 3))
        return log_p.new_zeros(int(self.terms[:, 2].max()) + 1).index_add(0, trial, sign * log_p)


@dataclass(frozen=True, eq=False)
class TrialBatch:
    """Trials that are run together, for whatever is learned by asking the model; the layers up to the site have run."""

    model: LanguageModel
    site: Site
    batch: Batch

    @classmethod
    def of(cls, model: LanguageModel, site: Site, trials: Sequence[Trial]) -> TrialBatch:
        """Run the layers up to the site."""
        return cls(model, site, Batch.of(model, site, list(texts_of(trials).items())))

    def margins(self, change: StateChange) -> torch.Tensor:
        """Those of :func:`log_margins` under a change, float64 [n_trials], through which gradients flow."""
        return self.batch.margins(self.model, self.batch.final(self.model, self.site, change))


def trial_batches(model: LanguageModel, site: Site, trials: Sequence[Trial], size: int) -> Iterator[TrialBatch]:
    """The trials in their order, ``size`` at a time."""
    for start in range(0, len(trials), size):
        yield TrialBatch.of(model, site, trials[start : start + size])


def _numbered(reads: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where each term is predicted, among the places of all batches one after the other."""
    starts = np.cumsum([0, *(int(read.max()) + 1 for read in reads)])
    return np.concatenate([read + start for read, start in zip(reads, starts, strict=False)])


def log_probabilities(
    model: LanguageModel, states: torch.Tensor, read: NDArray[np.int64], pieces: NDArray[np.int64]
) -> torch.Tensor:
    """The log-probability of each piece at its place, [n_terms] float64, for the last ``states`` [m, d] of all places.

    A gradient with respect to the states flows back, if they need one.
    """
    found = torch.empty(len(pieces), dtype=torch.float64, device=states.device)
    for start in range(0, len(states), _LOGITS_AT_ONCE):
        here = np.flatnonzero((read >= start) & (read < start + _LOGITS_AT_ONCE))
        logits = model.head(states[start : start + _LOGITS_AT_ONCE])
        row = torch.as_tensor(read[here] - start, device=logits.device)
        piece = torch.as_tensor(pieces[here], device=logits.device)
        own = logits[row, piece.clamp(min=0)].double()
        ends = piece == ENDS
        if ends.any():
            end_ids = torch.as_tensor(model.end_ids, device=logits.device)
            own[ends] = logits[row[ends]][:, end_ids].double().logsumexp(-1)
        found[torch.as_tensor(here, device=found.device)] = own - logits.double().logsumexp(-1)[row]
    return found
