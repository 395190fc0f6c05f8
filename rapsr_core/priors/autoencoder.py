"""The codec of the Stable Diffusion family: a learned variational autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL
from torch import Tensor


@dataclass(frozen=True)
class AutoencoderCodec:
    """`AutoencoderKL` with its scaling factor (Rombach et al. 2022, appendix D.1). Kept in float32: fp16 overflows in SDXL's."""

    vae: AutoencoderKL

    @property
    def block_px(self) -> int:
        """Pixels a side of one latent site."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def channels(self) -> int:
        return self.vae.config.latent_channels

    def moments(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (B, C, H/f, W/f) of the posterior of (B, 3, H, W) sRGB in [0, 1], unscaled."""
        with torch.autocast(image.device.type, enabled=False):
            posterior = self.vae.encode(2 * image.to(self.vae.dtype) - 1).latent_dist
        return posterior.mean, posterior.std

    def sample(self, moments: tuple[Tensor, Tensor], noise: Tensor) -> Tensor:
        """A draw from the posterior, scaled; `noise` standard normal. As published, training draws rather than takes the mean."""
        mean, std = moments
        return (mean + std * noise) * self.vae.config.scaling_factor

    def decode(self, z: Tensor) -> Tensor:
        """(B, C, h, w) -> image (B, 3, f h, f w), sRGB, not clamped."""
        return self.vae.decode(z.to(self.vae.dtype) / self.vae.config.scaling_factor).sample / 2 + 0.5
