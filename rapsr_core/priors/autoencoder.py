"""The codec of the Stable Diffusion family: a learned variational autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

TILE_PX = 1024
"""Longest side that is encoded or decoded at once; beyond it diffusers' own tiling, a quarter of each tile overlapping and blended."""


@dataclass(frozen=True)
class AutoencoderCodec:
    """`AutoencoderKL` with its scaling factor (Rombach et al. 2022, appendix D.1). Kept in float32: fp16 overflows in SDXL's."""

    vae: AutoencoderKL

    def __post_init__(self) -> None:
        self.vae.enable_tiling()
        self.use_tiles(TILE_PX)

    def use_tiles(self, side_px: int) -> None:
        """Take at most `side_px` a side, and TILE_PX, at once, from now on; the caller holds the compute slot.

        A multiple of four sites: diffusers rounds a quarter of a tile in sites and in pixels, and puts the tiles elsewhere where these differ.
        """
        sites = max(min(side_px, TILE_PX) // self.block_px // 4, 1) * 4
        self.vae.tile_sample_min_size, self.vae.tile_latent_min_size = sites * self.block_px, sites

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

    def preview(self, z: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, 3, h, w), about the mean sRGB colour of each site, not clamped: a linear map, no decoding."""
        weight, bias = self._colours
        return torch.einsum("oc,bchw->bohw", weight.to(z), z) + bias.to(z).view(1, 3, 1, 1)

    @cached_property
    def _colours(self) -> tuple[Tensor, Tensor]:
        """(3, C) and (3,) from latents to colours: least squares over what the encoder makes of soft patches of random colours."""
        sites = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        image = F.interpolate(sites, scale_factor=self.block_px, mode="bilinear")
        with torch.inference_mode():
            mean, _ = self.moments(image.to(self.vae.device))
        latent = (mean * self.vae.config.scaling_factor).float().cpu()[0].flatten(1).T
        rows = torch.cat([latent, torch.ones(len(latent), 1)], 1)
        colours = F.avg_pool2d(image, self.block_px)[0].flatten(1).T
        solution = torch.linalg.lstsq(rows, colours, driver="gelsd").solution.T
        return solution[:, :-1].clone(), solution[:, -1].clone()
