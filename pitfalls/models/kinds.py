"""The kinds of models that are loaded: masked, causal, and the encoders of models that also have a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pitfalls.extras import extra

with extra("models"):
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
        MODEL_FOR_TEXT_ENCODING_MAPPING,
        AutoModelForCausalLM,
        AutoModelForMaskedLM,
        AutoModelForTextEncoding,
        PreTrainedConfig,
    )


@dataclass(frozen=True)
class Kind:
    """A kind of model: what messages call it, the class that transformers loads it by, and the models there are.

    ``has_head``: whether it predicts subwords.
    """

    name: str
    auto: Any
    models: Any
    has_head: bool = True

    def called(self, config: PreTrainedConfig) -> str:
        """The class of such a model with this configuration; "" if transformers has none."""
        return self.models[type(config)].__name__ if type(config) in self.models else ""


MASKED = Kind("a masked LM", AutoModelForMaskedLM, MODEL_FOR_MASKED_LM_MAPPING)
CAUSAL = Kind("a causal LM", AutoModelForCausalLM, MODEL_FOR_CAUSAL_LM_MAPPING)
# For the encoders of models that also have a decoder, such as T5's.
ENCODER = Kind("an encoder", AutoModelForTextEncoding, MODEL_FOR_TEXT_ENCODING_MAPPING, has_head=False)
