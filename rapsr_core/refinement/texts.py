"""Texts of training samples: identifiers as plain text, as published, or as learned tokens beside the frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from rapsr_core.priors import Text, TextStack
from rapsr_core.priors.learned import LearnedTokens
from rapsr_core.prompts import tokenize_prescribed


@dataclass(frozen=True)
class SampleTexts:
    """`learned` holds a vector for each of `identifiers`, in their order; None where they are plain text."""

    stack: TextStack
    identifiers: tuple[str, ...] = ()
    learned: LearnedTokens | None = None

    def encode(self, texts: Sequence[str]) -> Text:
        """Hidden states; with a gradient only where there are learned tokens."""
        if self.learned is None:
            with torch.no_grad():
                return self.stack.encode(texts)
        ids = {text: [number] for text, number in zip(self.identifiers, self.learned.ids(), strict=True)}
        rows = [tokenize_prescribed(self.stack.tokenizers[0], text, ids).token_ids for text in texts]
        return self.stack.encode_ids(rows, list(self.learned.vectors))


def learn_identifiers(stack: TextStack, identifiers: Sequence[str]) -> SampleTexts:
    """A learned token for each identifier, starting from the mean of the tokens of its text."""
    starts = [stack.tokenizers[0](text, add_special_tokens=False).input_ids for text in identifiers]
    return SampleTexts(stack, tuple(identifiers), LearnedTokens(stack.encoders, starts))
