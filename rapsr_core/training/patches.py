"""Training patches from a cache: a function of (seed, sample number), whatever the batch or the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from rapsr_core.cleaners import SCALE
from rapsr_core.images import resize
from rapsr_core.priors import SpaceToDepthCodec
from rapsr_core.training.cache import ITEM_PX, Cache, Item, as_tensor

GUIDE_SHARES = {"none": 0.05, "bicubic": 0.15, "real-esrgan": 0.80}
"""Any regression restorer can stand before the prior, because it has seen more than one; and none at all. The default one leads."""

STRATA = 16

NO_GUIDE = {"none": 1.0}
"""The prior as a text-to-image model, as published."""

Choose = Callable[[Item, np.random.Generator], tuple[Tensor, str]]
"""An item -> the target (1, 3, ITEM_PX, ITEM_PX) in [0, 1] and the text that goes with it."""


@dataclass(frozen=True)
class Batch:
    """target, guide, lq: (B, 3, P, P) in [0, 1], the LQ enlarged bicubically; guide and LQ are mid grey where `has_guide` (B,) is False;
    noise: (B, C, P/4, P/4) standard normal; timesteps: (B,) int64, stratified over STRATA samples in a row, by `noise_level`."""

    target: Tensor
    guide: Tensor
    lq: Tensor
    has_guide: Tensor
    noise: Tensor
    timesteps: Tensor
    texts: list[str]
    shift: tuple[int, int]  # pixels below block_px that a perceptual loss cuts off, so that its strides never meet the codec's

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved = {name: getattr(self, name).to(device) for name in ("target", "guide", "lq", "has_guide", "noise", "timesteps")}
        return replace(self, **moved)


def noise_level(share: np.ndarray, pure_noise_share: float) -> np.ndarray:
    """Uniform numbers in [0, 1) -> timestep as a share of all, in [0, 1]: uniform, and 1 for the last `pure_noise_share`.

    At pure noise sampling starts. There, and almost only there, the latent does not tell by itself whether its target is sharp or
    blurred (48 x 1024 numbers a patch give it away early): it must be read from guide and text. With uniform timesteps the network
    did neither: at pure noise its error was that of the guide, and good words against bad ones changed 0.1 % of the output.
    """
    return np.minimum(share / (1 - pure_noise_share), 1)


@dataclass(frozen=True)
class PatchSampler:
    """Cuts patches of `patch_px` at any pixel offset, mirrored half of the time (never turned: gravity is knowledge)."""

    cache: Cache
    choose: Choose
    patch_px: int
    codec: SpaceToDepthCodec
    timesteps: int
    seed: int
    pure_noise_share: float = 0.15
    guide_shares: Mapping[str, float] = field(default_factory=lambda: GUIDE_SHARES)
    pass_over_faulty: float = 0.0  # share of the draws of an item with a faulty target in whose place another is drawn

    def batch(self, first: int, size: int) -> Batch:
        """Samples first ... first + size - 1."""
        rows = [self._sample(first + k) for k in range(size)]
        targets, guides, lqs, has_guide, noises, texts = zip(*rows, strict=True)
        shares = np.array([self._stratum(first + k) for k in range(size)])
        rng = np.random.default_rng([self.seed, first // STRATA, 3])
        return Batch(
            target=torch.cat(targets),
            guide=torch.cat(guides),
            lq=torch.cat(lqs),
            has_guide=torch.tensor(has_guide),
            noise=torch.cat(noises),
            timesteps=torch.from_numpy(
                (noise_level(shares, self.pure_noise_share) * (self.timesteps - 1)).round().astype(np.int64)
            ),
            texts=list(texts),
            shift=(int(rng.integers(self.codec.block_px)), int(rng.integers(self.codec.block_px))),
        )

    def _stratum(self, number: int) -> float:
        """In [0, 1): each of STRATA samples in a row falls into another of as many equal parts, however they are batched."""
        group, place = divmod(number, STRATA)
        rng = np.random.default_rng([self.seed, group, 1])
        return float((rng.permutation(STRATA) + rng.random(STRATA))[place] / STRATA)

    def _sample(self, number: int) -> tuple[Tensor, Tensor, Tensor, bool, Tensor, str]:
        rng = np.random.default_rng([self.seed, number])
        item = self._item(rng)
        target, text = self.choose(item, rng)
        kind = str(rng.choice(list(self.guide_shares), p=list(self.guide_shares.values())))
        y, x = (int(v) for v in rng.integers(ITEM_PX - self.patch_px + 1, size=2))
        mirrored = bool(rng.integers(2))
        images = (target, _guide(item, kind), _guide(item, "none" if kind == "none" else "bicubic"))
        target, guide, lq = (self._cut(image, y, x, mirrored) for image in images)
        sites = self.patch_px // self.codec.block_px
        noise = torch.from_numpy(rng.standard_normal((1, self.codec.channels, sites, sites), dtype=np.float32))
        return target, guide, lq, kind != "none", noise, text

    def _item(self, rng: np.random.Generator) -> Item:
        while True:
            item = self.cache[int(rng.integers(self.cache.items))]
            if item.quality == "good" or rng.random() >= self.pass_over_faulty:
                return item

    def _cut(self, image: Tensor, y: int, x: int, mirrored: bool) -> Tensor:
        crop = image[..., y : y + self.patch_px, x : x + self.patch_px]
        return crop.flip(-1) if mirrored else crop


def _guide(item: Item, kind: str) -> Tensor:
    if kind == "none":
        return torch.full((1, 3, ITEM_PX, ITEM_PX), 0.5)
    if kind == "bicubic":
        return resize(as_tensor(item.lq), (item.lq.shape[0] * SCALE, item.lq.shape[1] * SCALE))
    return as_tensor(item.cleaned)
