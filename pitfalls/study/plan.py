"""How many words, sentences and draws a configuration gets; imports nothing heavy, as the command line needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: The rankings whose uses the claims compare: three that read activations, and one that asks the model.
READING = ("linear", "gaussian", "probeless")
ASKED = ("attribution",)


@dataclass(frozen=True)
class Plan:
    """How many words, sentences, strengths and draws a configuration gets; all configurations get the same.

    Attributes
    ----------
    steps, dev_steps:
        The k of an intervention on test and on dev, as shares of the neurons: close together up to a quarter, where
        claims are tested.
    betas, alphas:
        Strengths that are tried on dev.
    test_sentences, dev_sentences:
        How many sentences with a word to change are drawn, the same for every ranking; the paper takes all.
    train_words, dev_words, test_words:
        How many words, at most, are drawn for rankings, means and probes to learn from, select on and be scored on; the
        paper takes all.
    greedy:
        How many neurons the Gaussian ranking chooses before it completes its order, or :meth:`top` if that is more.
    asked_sentences:
        How many training sentences a ranking that asks the model gets.
    random_draws:
        How many random rankings there are; their seeds count up from ``seed``.
    shown:
        How many sentences to show before and after the translation.
    """

    steps: Sequence[float] = (0, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1)
    dev_steps: Sequence[float] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
    betas: Sequence[float] = (2, 4, 6, 8, 12)
    alphas: Sequence[float] = (1, 2, 4, 8)
    test_sentences: int = 40
    dev_sentences: int = 20
    train_words: int = 5_000
    dev_words: int = 2_000
    test_words: int = 4_000
    greedy: int = 24
    asked_sentences: int = 100
    random_draws: int = 2
    shown: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that strengths can be chosen.

        Raises
        ------
        ValueError
            No dev step is above 0 and at most a quarter, where claims are tested.
        """
        if not any(0 < share <= 1 / 4 for share in self.dev_steps):
            raise ValueError(
                f"no k to choose strengths at: of dev_steps {list(self.dev_steps)}, one at least must be above 0 and "
                "at most 1/4 of the neurons"
            )

    def ks(self, n_neurons: int) -> list[int]:
        """The k of an intervention on test: 0 to ``n_neurons``.

        >>> Plan().ks(128)
        [0, 4, 8, 16, 24, 32, 48, 64, 96, 128]
        """
        return sorted({round(share * n_neurons) for share in (*self.steps, *self.dev_steps)})

    def dev_ks(self, n_neurons: int) -> list[int]:
        """The k of an intervention on dev.

        >>> Plan().dev_ks(128)
        [8, 16, 32, 64, 128]
        """
        return sorted({max(1, round(share * n_neurons)) for share in self.dev_steps})

    def quarter(self, n_neurons: int) -> int:
        """The largest k at which claims are tested.

        >>> Plan().quarter(128)
        32
        """
        return n_neurons // 4

    def probing_ks(self, n_neurons: int) -> list[int]:
        """The k of a probe: those of an intervention, and more where curves rise; the paper has 1 to 150 [C].

        >>> Plan().probing_ks(128)
        [1, 2, 4, 8, 10, 16, 24, 32, 48, 50, 64, 80, 96, 112, 128]
        """
        early = [k for k in (1, 2, 4, 8, 10, 16, 32, 50, 80, 112, 150) if k <= n_neurons]
        return sorted({*early, *self.ks(n_neurons)[1:]})

    def top(self, n_neurons: int) -> int:
        """How many leading neurons are compared in overlaps: the paper's share, 100 of 768 [P].

        >>> Plan().top(768), Plan().top(128)
        (100, 17)
        """
        return round(n_neurons * 100 / 768)
