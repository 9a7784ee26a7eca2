"""How much a model prefers one form to another in a blank, when a word of the sentence is changed.

The layers up to the site run once for each text, and those above it once for each change; texts that two forms share
are run once, and the head only at the slots that are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
    :func:`~.sources.sentence_key` of its sentence, by which an interchange draws.
    """

    right: Filling
    wrong: Filling
    position: int
    value: int
    sentence: int = 0


class Text(NamedTuple):
    """What is read in one pass, and the word in it that is changed."""

    ids: tuple[int, ...]
    word_ids: tuple[int, ...]
    position: int
    value: int
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
    texts = list(terms_by_text(trials).items())
    found = np.zeros((len(replay.ks), len(trials)))
    model, site = replay.subject.model, replay.part.site
    for group in groups([len(text.ids) for text, _ in texts]):
        batches = [TextBatch.of(model, site, [texts[i] for i in batch]) for batch in group]
        terms = np.concatenate([batch.terms for batch in batches])
        read = _numbered([batch.read for batch in batches])
        for k, change in enumerate(replay.changes):
            final = torch.cat([batch.final(model, site, change) for batch in batches])
            log_p = _log_probabilities(model, final, read, terms[:, 1])
            np.add.at(found[k], terms[:, 2], terms[:, 3] * log_p)
    return found


def terms_by_text(trials: Sequence[Trial]) -> dict[Text, list[Term]]:
    """Every text that is read, once, and the terms that it gives."""
    found: defaultdict[Text, list[Term]] = defaultdict(list)
    for number, trial in enumerate(trials):
        for form, sign in ((trial.right, 1), (trial.wrong, -1)):
            terms = [Term(slot, piece, number, sign) for slot, piece in zip(form.slots, form.pieces, strict=True)]
            found[Text(form.ids, form.word_ids, trial.position, trial.value, trial.sentence)] += terms
    return found


@dataclass(frozen=True, eq=False)
class TextBatch:
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
    def of(cls, model: LanguageModel, site: Site, texts: Sequence[tuple[Text, Sequence[Term]]]) -> TextBatch:
        """Run the layers up to the site."""
        encoded = Encoded.padded([(text.ids, text.word_ids) for text, _ in texts], pad_id=0).to(model.device)
        device = encoded.input_ids.device
        positions, sentences = (np.array([text[i] for text, _ in texts], dtype=np.int64) for i in (2, 4))
        words = ChangedWords(torch.tensor([text.value for text, _ in texts], device=device), sentences, positions)
        at = torch.as_tensor(positions, device=device)[:, None]
        changed = vector_slots(encoded, model.pooling) & (encoded.word_ids == at)
        places = np.array([(row, term.slot) for row, (_, terms) in enumerate(texts) for term in terms])
        unique, read = np.unique(places, axis=0, return_inverse=True)
        rows, slots = torch.as_tensor(unique, device=device).T
        return cls(
            encoded=encoded,
            states=model.hidden(encoded, site),
            changed=changed,
            words=words.at(changed.nonzero()[:, 0]),
            rows=rows,
            slots=slots,
            terms=np.array([term for _, terms in texts for term in terms]),
            read=read.reshape(-1),
        )

    def final(self, model: LanguageModel, site: Site, change: StateChange) -> torch.Tensor:
        """What the head reads where logits are needed, under a change, [m, d]."""
        states = self.states.clone()
        states[self.changed] = change.apply(self.states[self.changed], self.words)
        return model.resume(self.encoded, site, states)[self.rows, self.slots]


def _numbered(reads: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where each term is predicted, among the places of all batches one after the other."""
    starts = np.cumsum([0, *(int(read.max()) + 1 for read in reads)])
    return np.concatenate([read + start for read, start in zip(reads, starts, strict=False)])


def _log_probabilities(
    model: LanguageModel, states: torch.Tensor, read: NDArray[np.int64], pieces: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The log-probability of each piece at its place, [n_terms], for the last ``states`` [m, d] of all places."""
    found = np.empty(len(pieces))
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
        found[here] = (own - logits.double().logsumexp(-1)[row]).cpu().numpy()
    return found
