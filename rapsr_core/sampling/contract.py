"""What a host supplies to the one denoising loop. A host supplies pieces, never a loop of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from diffusers import SchedulerMixin
from torch import Tensor

from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import Tile


@dataclass(frozen=True)
class Text:
    """Encoded prompts. `states` (B, tokens, width); `pooled` and `time_ids` for priors that want them (SDXL)."""

    states: Tensor
    pooled: Tensor | None = None
    time_ids: Tensor | None = None


@dataclass(frozen=True)
class Part:
    """A named tensor of a condition and its scale: output pixels per site, or "global" (not cut by tiles)."""

    tensor: Tensor
    scale: int | Literal["global"]


@dataclass(frozen=True)
class Condition:
    """Everything about the image that `predict` and `decode` need; sizes are (height, width)."""

    parts: Mapping[str, Part]
    latent_size: tuple[int, int]
    output_size: tuple[int, int]  # without padding
    site_px: int  # output pixels per latent site
    colour_reference: Tensor  # (1, 3, *output_size), what a colour fix takes its colours from
    class_labels: Tensor | None = None
    key: str = ""  # of a cache: image and the settings `prepare` reads
    extras: Mapping[str, Tensor] = field(default_factory=dict)  # per-step features; cut by no one

    def __getitem__(self, name: str) -> Tensor:
        return self.parts[name].tensor

    def crop(self, tile: Tile) -> Condition:
        """The condition of one tile of latent sites."""
        parts = {name: self._cut(part, tile) for name, part in self.parts.items()}
        return replace(self, parts=parts, latent_size=(tile.bottom - tile.top, tile.right - tile.left))

    def _cut(self, part: Part, tile: Tile) -> Part:
        if part.scale == "global":
            return part
        top, bottom, left, right = (n * self.site_px // part.scale for n in (tile.top, tile.bottom, tile.left, tile.right))
        return Part(part.tensor[..., top:bottom, left:right], part.scale)


class Host(Protocol):
    """A diffusion super-resolution method on a prior."""

    scheduler: SchedulerMixin

    def encode_text(self, prompts: list[str]) -> Text:
        """Encode one prompt per branch."""

    def start(self, condition: Condition, noise: ImageNoise) -> Tensor:
        """First latent (1, C, h, w), float32: pure noise, a noised LQ latent, ..."""

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The network's output for rows of (tile, branch)."""

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        """A cheap look at the present estimate, (1, 3, H, W) in [0, 1]."""

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        """Image (1, 3, *output_size), not clamped."""
