"""Whole photographs as samples, for priors of the Stable Diffusion family: a function of (seed, sample number), as everywhere.

As published: short side resized to the training resolution (bicubic), centre crop, no mirroring; the negative target is degraded anew
for every sample.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rapsr_core.degradation import degrade, preset
from rapsr_core.images import read, resize
from rapsr_core.refinement.samples import Material, Ropo
from rapsr_core.training.photos import Photo

LQ_LEVELS = 350
"""Noise levels an LQ is drawn from: the x4 upscaler's `max_noise_level` (Stability-AI/stablediffusion, x4-upscaling configuration)."""


@dataclass(frozen=True)
class NoisyLq:
    """image (B, 3, R/4, R/4), sRGB in [0, 1]; noise of the same shape, standard normal; levels (B,) int64, how far it is noised."""

    image: Tensor
    noise: Tensor
    levels: Tensor


@dataclass(frozen=True)
class PhotoBatch:
    """target (B, 3, R, R), sRGB in [0, 1]; noise and posterior_noise (B, C, R/f, R/f), standard normal; timesteps (B,) int64; `photos`
    names the clean photograph whose pixels a target has, or None; `lq` for priors that take one."""

    target: Tensor
    noise: Tensor
    posterior_noise: Tensor
    timesteps: Tensor
    texts: list[str]
    photos: list[str | None]
    lq: NoisyLq | None = None

    def to(self, device: torch.device) -> PhotoBatch:
        """The same on another device."""
        moved = {name: getattr(self, name).to(device) for name in ("target", "noise", "posterior_noise", "timesteps")}
        lq = self.lq and NoisyLq(self.lq.image.to(device), self.lq.noise.to(device), self.lq.levels.to(device))
        return replace(self, **moved, lq=lq)

    def with_texts(self, texts: list[str]) -> PhotoBatch:
        """The same images under other texts."""
        return replace(self, texts=texts)


@dataclass(frozen=True)
class PhotoSampler:
    """`latent` is (channels, pixels per site) of the prior's codec; `lq_levels` how many noise levels an LQ may get."""

    photos: Sequence[Photo]
    captions: Mapping[str, str]
    ropo: Ropo
    resolution_px: int
    latent: tuple[int, int]
    timesteps: int
    seed: int
    takes_lq: bool = False
    degradation: str = "rapsr"

    def batch(self, first: int, count: int) -> PhotoBatch:
        """Samples first ... first + count - 1."""
        rows = [self._sample(first + k) for k in range(count)]
        lq = [row.lq for row in rows if row.lq is not None]
        return PhotoBatch(
            target=torch.cat([row.target for row in rows]),
            noise=torch.cat([row.noise for row in rows]),
            posterior_noise=torch.cat([row.posterior_noise for row in rows]),
            timesteps=torch.cat([row.timesteps for row in rows]),
            texts=[text for row in rows for text in row.texts],
            photos=[photo for row in rows for photo in row.photos],
            lq=NoisyLq(*(torch.cat([getattr(x, n) for x in lq]) for n in ("image", "noise", "levels"))) if lq else None,
        )

    def photo(self, number: int) -> Photo:
        """Every photograph once an epoch, in an order of its own."""
        epoch, place = divmod(number, len(self.photos))
        return self.photos[int(np.random.default_rng([self.seed, 2, epoch]).permutation(len(self.photos))[place])]

    def _sample(self, number: int) -> PhotoBatch:
        """A batch of one."""
        rng = np.random.default_rng([self.seed, number])
        photo = self.photo(number)
        clean = centre_crop(read(photo.path), self.resolution_px)
        lq_seed = int(rng.integers(2**31))
        lq = functools.cache(lambda: degrade(clean, preset(self.degradation), [lq_seed]).image)
        target, text = self.ropo.choose(self.captions[photo.name], Material(clean, lq, (self.degradation,)), rng)
        channels, site_px = self.latent
        latent = (1, channels, self.resolution_px // site_px, self.resolution_px // site_px)
        return PhotoBatch(
            target=target,
            noise=_normal(rng, latent),
            posterior_noise=_normal(rng, latent),
            timesteps=torch.tensor([int(rng.integers(self.timesteps))]),
            texts=[text],
            photos=[photo.name if target is clean else None],
            lq=NoisyLq(lq(), _normal(rng, tuple(lq().shape)), torch.tensor([int(rng.integers(LQ_LEVELS))]))
            if self.takes_lq
            else None,
        )


def centre_crop(image: Tensor, side_px: int) -> Tensor:
    """(1, 3, H, W) -> (1, 3, side, side): short side resized (bicubic), then the centre."""
    height, width = image.shape[-2:]
    scale = side_px / min(height, width)
    image = resize(image, (max(side_px, round(height * scale)), max(side_px, round(width * scale))))
    y, x = (image.shape[-2] - side_px) // 2, (image.shape[-1] - side_px) // 2
    return image[..., y : y + side_px, x : x + side_px]


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
