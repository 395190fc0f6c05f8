"""Learned tokens: vectors in place of words, as textual inversion has them (Gal et al., "An Image is Worth One Word", ICLR 2023).

They live beside a prior, not in it: ids from the vocabulary's size on stand for the vectors of a refinement. Tokenizer and encoder stay
as they are, so two refinements never meet, and nothing has to be undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def vocabulary(encoder: nn.Module) -> nn.Embedding:
    """The token embedding of a CLIP text encoder."""
    size = encoder.config.vocab_size
    return next(m for m in encoder.modules() if isinstance(m, nn.Embedding) and m.num_embeddings == size)


@contextmanager
def standing_in(encoder: nn.Module, token_ids: Tensor, vectors: Tensor) -> Iterator[Tensor]:
    """Yields token ids (B, tokens) the encoder may be given: ids past its vocabulary replaced by 0, in whose places the embedding
    gives `vectors` (n, width) instead. Gradients reach `vectors`.

    Raises ValueError for an id that has no vector.
    """
    size = encoder.config.vocab_size
    learned = token_ids >= size
    if token_ids.max() >= size + len(vectors):
        raise ValueError(
            f"token id {int(token_ids.max())} has no vector: the vocabulary has {size}, and {len(vectors)} are learned"
        )

    def substitute(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        del module, inputs
        rows = vectors[(token_ids - size).clamp(min=0)].to(output)
        return torch.where(learned[..., None].to(output.device), rows, output)

    hook = vocabulary(encoder).register_forward_hook(substitute)
    try:
        yield token_ids.masked_fill(learned, 0)
    finally:
        hook.remove()


class LearnedTokens(nn.Module):
    """Trainable vectors, one set for each encoder of a prior; each starts as the mean of the tokens of a text."""

    def __init__(self, encoders: Sequence[nn.Module], starts: Sequence[Sequence[int]]) -> None:
        """`starts`: token ids, a row for each learned token, whose vectors it starts from."""
        super().__init__()
        self.first_id = encoders[0].config.vocab_size
        self.vectors = nn.ParameterList(
            torch.stack([vocabulary(encoder).weight[list(ids)].mean(0) for ids in starts]).detach().float()
            for encoder in encoders
        )

    def ids(self) -> list[int]:
        """Token ids of the learned tokens, in order."""
        return [self.first_id + k for k in range(len(self.vectors[0]))]
