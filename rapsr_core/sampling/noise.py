"""Noise that belongs to the image: the same name and shape give the same field, whatever was drawn before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageNoise:
    """Standard normal fields from a seed; always drawn on the CPU, so all devices see the same."""

    seed: int

    def draw(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Float32 field of `shape`, a function of (seed, name, shape) alone."""
        return torch.randn(shape, generator=self.generator(f"{name}/{tuple(shape)}"))

    def generator(self, name: str) -> torch.Generator:
        """A fresh CPU generator, a function of (seed, name) alone, for code that draws by itself (ancestral schedulers)."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
