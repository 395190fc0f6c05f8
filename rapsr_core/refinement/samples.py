"""ROPO samples (RAP-SR, section 1.4 of its official training code): one image, several qualities, an identifier for each.

As published there are two: `[X]. ` + caption with the curated image as the target, and `[V]. ` + the SAME caption with the same image
degraded and resized back. More are possible, each a row: a text, its share of the samples, and how its target is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from rapsr_core.degradation import degrade, preset
from rapsr_core.training.cache import PRESETS, Item, as_tensor, resized_back
from rapsr_core.training.faults import add_blur, add_jpeg, add_noise


@dataclass(frozen=True)
class Material:
    """What a target may be made of: the clean image (1, 3, S, S); its LQ (1, 3, S/4, S/4), the one the prior gets if it takes one,
    made when asked for; and the presets another LQ may be drawn from."""

    clean: Tensor
    lq: Callable[[], Tensor]
    presets: tuple[str, ...]


def clean(material: Material, rng: np.random.Generator) -> Tensor:
    """The curated image itself."""
    del rng
    return material.clean


def same_lq(material: Material, rng: np.random.Generator) -> Tensor:
    """The very LQ the prior gets, resized back: one degradation draw for both."""
    return resized_back(material.lq(), material.clean.shape[-1], rng)


def independent_lq(material: Material, rng: np.random.Generator) -> Tensor:
    """Another draw of the same degradation, resized back."""
    name = material.presets[int(rng.integers(len(material.presets)))]
    return degrade(material.clean, preset(name), [int(rng.integers(2**31))], resize_back=True).image


TARGETS: Mapping[str, Callable[[Material, np.random.Generator], Tensor]] = {
    "clean": clean,
    "same": same_lq,
    "independent": independent_lq,
    "blur": lambda material, rng: add_blur(material.clean, rng),
    "noise": lambda material, rng: add_noise(material.clean, rng),
    "jpeg": lambda material, rng: add_jpeg(material.clean, rng),
}
"""How a target is made of its material, by name."""


@dataclass(frozen=True)
class Identifier:
    """One identifier: the text put before the caption, its share of the samples, a key of TARGETS, and what it means."""

    text: str
    share: float
    target: str
    meaning: str


def published(
    positive: str = "[X]. ", negative: str = "[V]. ", negative_share: float = 0.2, negative_lq: str = "same"
) -> tuple[Identifier, ...]:
    """The two of the paper, the positive one first."""
    return (
        Identifier(positive, 1 - negative_share, "clean", "high fidelity"),
        Identifier(negative, negative_share, negative_lq, "degraded"),
    )


FAULTS = (
    Identifier("[N]. ", 0.1, "noise", "noise"),
    Identifier("[B]. ", 0.1, "blur", "blur"),
    Identifier("[J]. ", 0.1, "jpeg", "JPEG artefacts"),
)
"""One fault each: optional, beside the two; their shares are taken from the positive one."""


def with_faults(identifiers: Sequence[Identifier], faults: Sequence[Identifier] = FAULTS) -> tuple[Identifier, ...]:
    """`identifiers` and a row for each fault, the shares of the faults taken from the first."""
    first, *others = identifiers
    left = first.share - sum(fault.share for fault in faults)
    return (Identifier(first.text, left, first.target, first.meaning), *others, *faults)


@dataclass(frozen=True)
class Ropo:
    """Draws a sample's identifier. Raises ValueError for shares that do not add up to 1, equal texts or unknown targets."""

    identifiers: tuple[Identifier, ...] = published()
    drop_text_share: float = 0.05  # drops identifier and caption together

    def __post_init__(self) -> None:
        shares = [row.share for row in self.identifiers]
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise ValueError(f"the shares of the identifiers are {shares}; they must not be negative and add up to 1")
        if len({row.text for row in self.identifiers}) < len(self.identifiers):
            raise ValueError(f"identifiers {[row.text for row in self.identifiers]} must all differ")
        if unknown := [row.target for row in self.identifiers if row.target not in TARGETS]:
            raise ValueError(f"no target named {unknown[0]!r}; there are {', '.join(TARGETS)}")

    def choose_of_item(self, captions: Mapping[str, str], item: Item, rng: np.random.Generator) -> tuple[Tensor, str]:
        """The same from a cached triple; bind `captions` for a `training.patches.Choose`."""
        return self.choose(captions[item.photo], Material(as_tensor(item.target), lambda: as_tensor(item.lq), PRESETS), rng)

    def choose(self, caption: str, material: Material, rng: np.random.Generator) -> tuple[Tensor, str]:
        """Target (1, 3, S, S) and text of one sample."""
        row = self.identifiers[int(rng.choice(len(self.identifiers), p=[row.share for row in self.identifiers]))]
        text = "" if rng.random() < self.drop_text_share else row.text + caption
        return TARGETS[row.target](material, rng), text
