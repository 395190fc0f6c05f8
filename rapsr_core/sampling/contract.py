"""What a host supplies to the one denoising loop. A host supplies pieces, never a loop of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from diffusers import SchedulerMixin
from torch import Tensor, nn

from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import Tile


@dataclass(frozen=True)
class Part:
    """A named tensor of a condition and its scale: output pixels per site, or "global" (not cut by tiles)."""

    tensor: Tensor
    scale: int | Literal["global"]


@dataclass(frozen=True)
class Condition:
    """Everything about the image that `predict` and `decode` need; sizes are (height, width).

    Padding is what `latent_size * site_px` has more than `output_size`, below and on the right.
    """

    parts: Mapping[str, Part]
    latent_size: tuple[int, int]
    output_size: tuple[int, int]  # without padding
    site_px: int  # output pixels per latent site
    colour_reference: Tensor  # (1, 3, *output_size), what a colour fix takes its colours from
    class_labels: Tensor | None = None

    def __getitem__(self, name: str) -> Tensor:
        return self.parts[name].tensor

    def to(self, device: torch.device) -> Condition:
        """The same on another device."""
        parts = {name: Part(part.tensor.to(device), part.scale) for name, part in self.parts.items()}
        labels = None if self.class_labels is None else self.class_labels.to(device)
        return replace(self, parts=parts, colour_reference=self.colour_reference.to(device), class_labels=labels)

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
    """A diffusion super-resolution method on a prior. A host inherits from this class, hence the defaults."""

    scheduler: SchedulerMixin  # copied for every run
    unet: nn.Module  # what a refinement is plugged into
    multiple: int  # a tile's sides, in latent sites, are multiples of this

    def encode_text(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        """Encode prompts given as token ids (`prompts.Encoded`): what the page shows is what is encoded.

        `learned`: a refinement's vectors for ids past the vocabulary (`priors/learned.py`).
        """

    def tags(self, lq: Tensor) -> str:
        """What its own tagger names in an input (1, 3, h, w), in place of a caption; nothing by default (`HostInfo.captions`)."""
        return ""

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """Condition of an input (1, 3, h, w) and its cleaner's guide (1, 3, 4h, 4w), sRGB in [0, 1]; shared by both branches."""

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """First latent (1, C, h, w), float32: pure noise, a noised LQ latent, an unnoised one for a single step, ...

        `scheduler` is the run's own, its timesteps set (`timesteps` says which are visited). Fields drawn under different names are independent (PASD noises twice).
        """

    def timesteps(self, scheduler: SchedulerMixin, condition: Condition) -> Tensor:
        """Those of the scheduler's timesteps that are visited, by default all; image-to-image hosts leave the first ones out."""
        return scheduler.timesteps

    def views(self, t: Tensor, condition: Condition) -> Sequence[Condition]:
        """What `predict` sees of a tile's own condition at timestep t, once for all texts: one condition a network pass, by default the tile's itself.

        What depends on the timestep but not on the text is added here (StableSR's structure features). The step's prediction is the mean over the
        views (the embedded host's, of blocks laid elsewhere); several need a scheduler with z = sqrt(a) z0 + sqrt(1 - a) eps.
        """
        return [condition]

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The network's output for one tile z (1, C, h, w), already scaled as the scheduler wants it, under one text."""

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        """A cheap look at the present estimate, (1, 3, H, W) in [0, 1]."""

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        """Image (1, 3, *output_size), not clamped."""
