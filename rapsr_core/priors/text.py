"""Text conditioning of a prior: one tokenizer and encoder, or two (SDXL)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from rapsr_core.priors.learned import standing_in


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
        return self.encode_ids([self.tokenizers[0](prompt, truncation=True).input_ids for prompt in prompts])

    def encode_ids(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        """The same from token ids, begin and end marks included, each row cut to the encoder's length (`prompts.Encoded`).

        `learned`: vectors (n, width) for each encoder, which ids past the vocabulary stand for (priors/learned.py).
        """
        several, outputs = len(self.encoders) > 1, []
        for k, (tokenizer, encoder) in enumerate(zip(self.tokenizers, self.encoders, strict=True)):
            ids = _padded(tokenizer, token_ids, encoder)
            if not learned:
                outputs.append(encoder(ids, output_hidden_states=several))
                continue
            with standing_in(encoder, ids, learned[k]) as known:
                outputs.append(encoder(known, output_hidden_states=several))
        if len(outputs) == 1:
            return Text(outputs[0].last_hidden_state)
        return Text(torch.cat([o.hidden_states[-2] for o in outputs], -1), outputs[-1].text_embeds)


def _padded(tokenizer: CLIPTokenizer, token_ids: Sequence[Sequence[int]], encoder: torch.nn.Module) -> Tensor:
    """(B, tokens), filled up with the tokenizer's own pad token: SDXL's second one differs in nothing else."""
    limit, pad = tokenizer.model_max_length, tokenizer.pad_token_id
    rows = [[*ids, *[pad] * (limit - len(ids))] for ids in token_ids]
    return torch.tensor(rows, device=next(encoder.parameters()).device)
