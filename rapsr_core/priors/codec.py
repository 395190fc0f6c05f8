"""Space-to-depth codec: 4x4 pixels are one latent site of 48 channels. Nothing is learned, so nothing is lost in decoding.

Latents are RELATIVE TO THE GUIDE: z = space_to_depth(2 image - 2 guide) * gain, and decoding adds the guide. A network
that predicts zero therefore returns the guide itself, and the 4-px grid that plain latents show all but disappears.
Without a guide, mid grey takes its place, and the same network is a text-only prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class SpaceToDepthCodec:
    """`block_px` pixels a side become one site; `gain` brings the residual of a typical guide near unit variance."""

    block_px: int = 4
    gain: float = 4.0

    @property
    def channels(self) -> int:
        return 3 * self.block_px**2

    def encode(self, image: Tensor, guide: Tensor | None) -> Tensor:
        """(B, 3, H, W) image and guide, sRGB in [0, 1], H and W multiples of block_px -> z (B, 48, H/4, W/4)."""
        base = 0.5 if guide is None else guide
        return F.pixel_unshuffle((image - base) * (2 * self.gain), self.block_px)

    def decode(self, z: Tensor, guide: Tensor | None) -> Tensor:
        """z (B, 48, h, w) -> image (B, 3, 4h, 4w), sRGB, not clamped."""
        base = 0.5 if guide is None else guide
        return F.pixel_shuffle(z, self.block_px) / (2 * self.gain) + base

    def features(self, guide: Tensor | None, like: Tensor) -> Tensor:
        """What the network sees of the guide: its pixels in [-1, 1] as (B, 48, h, w); zeros (mid grey) without one.

        `like` gives shape, device and dtype: any latent of the run.
        """
        if guide is None:
            return like.new_zeros(like.shape)
        return F.pixel_unshuffle(guide * 2 - 1, self.block_px).to(like)
