"""Text conditioning of a prior: one tokenizer and encoder, or two (SDXL)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer


@dataclass(frozen=True)
class Text:
    """Encoded prompts. `states` (B, tokens, width); `pooled` (B, width) and `time_ids` (B, 6) for priors that want them (SDXL)."""

    states: Tensor
    pooled: Tensor | None = None
    time_ids: Tensor | None = None


@dataclass(frozen=True)
class TextStack:
    """Tokenizers and encoders, in the order their hidden states are joined."""

    tokenizers: tuple[CLIPTokenizer, ...]
    encoders: tuple[CLIPTextModel | CLIPTextModelWithProjection, ...]

    def encode(self, prompts: Sequence[str]) -> Text:
        """Hidden states as the prior's UNet was trained on them; gradients are the caller's affair.

        One encoder (SD 1.5, SD 2.1, embedded): the last hidden state. Two (SDXL, Podell et al. 2023, section 2.1): the penultimate
        states of both, side by side, and the projected text embedding of the second.
        """
        outputs = [
            encoder(self._ids(tokenizer, prompts, encoder), output_hidden_states=len(self.encoders) > 1)
            for tokenizer, encoder in zip(self.tokenizers, self.encoders, strict=True)
        ]
        if len(outputs) == 1:
            return Text(outputs[0].last_hidden_state)
        return Text(torch.cat([o.hidden_states[-2] for o in outputs], -1), outputs[-1].text_embeds)

    def _ids(self, tokenizer: CLIPTokenizer, prompts: Sequence[str], encoder: torch.nn.Module) -> Tensor:
        rows = tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt").input_ids
        return rows.to(next(encoder.parameters()).device)
