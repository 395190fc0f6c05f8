"""Finished baselines, so that a comparison in which only the enhanced branch changed computes only that one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rapsr_core.quality.scoring import Score
from rapsr_core.recipe import EnhancedText, Recipe
from rapsr_core.sampling.contract import Condition
from rapsr_core.sampling.tile_choice import TileChoice


@dataclass(frozen=True)
class Baseline:
    """What a comparison made before its enhanced branch. Images: (1, 3, H, W) sRGB in [0, 1]."""

    condition: Condition
    tile: TileChoice
    captions: tuple[str, ...]  # of the tiles, where each has its own
    image: Tensor
    scores: dict[str, dict[str, Score]]  # of "input" and "baseline"
    seconds: float  # the branch took when it was computed

    def to(self, device: torch.device) -> Baseline:
        """The same with its condition on another device."""
        return replace(self, condition=self.condition.to(device))


class KeptBaselines:
    """The last few baselines by everything they depend on: the pixels, the recipe without its enhanced part, the metrics."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Baseline] = OrderedDict()

    def get(self, image: Tensor, recipe: Recipe, metrics: Sequence[str]) -> Baseline | None:
        """The baseline of an equal request, or None. `recipe` has its caption; its tile is as asked for, not as chosen."""
        key = _key(image, recipe, metrics)
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, image: Tensor, recipe: Recipe, metrics: Sequence[str], baseline: Baseline) -> None:
        """Remember it; the one longest unused goes."""
        key = _key(image, recipe, metrics)
        self._kept[key] = baseline
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    @property
    def newest(self) -> Baseline | None:
        """The one kept or used last."""
        return next(reversed(self._kept.values()), None)


def shared_part(recipe: Recipe) -> Recipe:
    """What a baseline depends on of a recipe: all but its enhanced part, which is set to the default."""
    return replace(recipe, enhanced=EnhancedText())


def _key(image: Tensor, recipe: Recipe, metrics: Sequence[str]) -> str:
    pixels = hashlib.sha256(image.contiguous().numpy().tobytes()).hexdigest()
    return f"{tuple(image.shape)} {pixels} {shared_part(recipe)!r} {tuple(metrics)}"
