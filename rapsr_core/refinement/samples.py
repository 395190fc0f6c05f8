"""ROPO samples (RAP-SR, section 1.4 of its official training code): one image, two qualities, two identifiers.

Positive: `[X]. ` + caption, target = the curated image. Negative: `[V]. ` + the SAME caption, target = the same image degraded
and resized back. Where the prior takes an LQ, the negative's target and its LQ come from one degradation draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from rapsr_core.training.cache import Item, as_tensor, resized_back


@dataclass(frozen=True)
class Ropo:
    """The published numbers are the defaults."""

    positive_identifier: str = "[X]. "
    negative_identifier: str = "[V]. "
    negative_share: float = 0.2
    drop_text_share: float = 0.05  # drops identifier and caption together

    def choose(self, captions: dict[str, str], item: Item, rng: np.random.Generator) -> tuple[Tensor, str]:
        """Target (1, 3, ITEM_PX, ITEM_PX) and text of one sample; bind `captions` for a `training.patches.Choose`."""
        negative = rng.random() < self.negative_share
        identifier = self.negative_identifier if negative else self.positive_identifier
        text = "" if rng.random() < self.drop_text_share else identifier + captions[item.photo]
        return (resized_back(item.lq, rng) if negative else as_tensor(item.target)), text
