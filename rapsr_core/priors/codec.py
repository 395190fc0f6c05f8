"""Space-to-depth codec: 4x4 pixels are one latent site of 48 channels. Nothing is learned, so nothing is lost in decoding.

Latents are RELATIVE TO THE GUIDE: z = space_to_depth(YCbCr(2 image - 2 guide) * gains), and decoding adds the guide. A
network that predicts zero therefore returns the guide itself, and the 4-px grid that plain latents show all but disappears.
Without a guide, mid grey takes its place, and the same network is a text-only prior.

Luma and chroma have gains of their own because photographs have 4 to 5 times less of the residual in chroma (measured on
the patch cache: .164 luma, .038 Cb, .033 Cr, images in [-1, 1]). With one gain for R, G and B, unit noise would bury the
chroma at every step of sampling, and whatever noise a network leaves would show as coloured speckle.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""R, G, B -> Y, Cb, Cr without offsets (JFIF 1.02, from ITU-R BT.601)."""


@dataclass(frozen=True)
class SpaceToDepthCodec:
    """`block_px` pixels a side become one site; the gains bring the residual of a typical guide near unit variance."""

    block_px: int = 4
    luma_gain: float = 6.0
    chroma_gain: float = 27.0

    @property
    def channels(self) -> int:
        return 3 * self.block_px**2

    def encode(self, image: Tensor, guide: Tensor | None) -> Tensor:
        """(B, 3, H, W) image and guide, sRGB in [0, 1], H and W multiples of block_px -> z (B, 48, H/4, W/4)."""
        base = 0.5 if guide is None else guide
        residual = torch.einsum("ij,bjhw->bihw", self._matrix(image), image - base)
        return F.pixel_unshuffle(residual, self.block_px)

    def decode(self, z: Tensor, guide: Tensor | None) -> Tensor:
        """z (B, 48, h, w) -> image (B, 3, 4h, 4w), sRGB, not clamped."""
        base = 0.5 if guide is None else guide
        residual = F.pixel_shuffle(z, self.block_px)
        return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(self._matrix(z)), residual) + base

    def features(self, guide: Tensor | None, like: Tensor) -> Tensor:
        """What the network sees of the guide, (B, 48, h, w): its details in the latent's own units, the mean of each block in
        [-1, 1]; zeros (mid grey) without a guide.

        Plain pixels would not do: beside unit noise the details of a photograph are tiny (about 0.1), and where the latent is all
        noise the network then learned nothing from the guide. `like` gives batch, sites, type and device where there is none.
        """
        if guide is None:
            return like.new_zeros(like.shape)
        planes = F.pixel_unshuffle(torch.einsum("ij,bjhw->bihw", self._matrix(guide), guide - 0.5), self.block_px)
        planes = planes.unflatten(1, (3, -1))
        mean = planes.mean(2, keepdim=True)
        return (planes - mean + mean / self._gains().view(3, 1, 1, 1).to(mean)).flatten(1, 2).to(like)

    def error_weights(self, like: Tensor) -> Tensor:
        """Weights (1, 48, 1, 1) of squared latent errors, mean 1, proportional to 1 / gain.

        Equal weights would spend two thirds of a network on chroma; weights of 1 / gain^2 (errors of pixels) almost nothing.
        """
        per_plane = 1 / self._gains()
        return (per_plane / per_plane.mean()).repeat_interleave(self.block_px**2).view(1, -1, 1, 1).to(like)

    def _gains(self) -> Tensor:
        """Of Y, Cb and Cr."""
        return torch.tensor([self.luma_gain, self.chroma_gain, self.chroma_gain])

    def _matrix(self, like: Tensor) -> Tensor:
        """(3, 3): RGB in [0, 1] -> scaled YCbCr; images count in [-1, 1], hence the factor of 2."""
        return (2 * self._gains()[:, None] * torch.tensor(_TO_YCBCR)).to(device=like.device, dtype=torch.float32)
