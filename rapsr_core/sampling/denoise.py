"""The one denoising loop. Every host runs through it; closing the iterator cancels."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rapsr_core.sampling.contract import Condition, Host, Text
from rapsr_core.sampling.guidance import guide
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import Tile, weights

GuidanceSchedule = Callable[[int, int], float | None]
"""(step index, timestep) -> guidance scale; None = the positive branch alone, no second pass."""


@dataclass(frozen=True)
class Step:
    """Step i of n (from 1) at timestep t is done; z0 is the present estimate of the clean latent (1, C, h, w)."""

    i: int
    n: int
    t: int
    z0: Tensor


def constant(scale: float) -> GuidanceSchedule:
    """The same guidance at every step; scale 1 needs no second pass."""
    return lambda i, t: None if scale == 1 else scale


def denoise(
    host: Host,
    condition: Condition,
    positive: Text,
    negative: Text,
    guidance: GuidanceSchedule,
    steps: int,
    noise: ImageNoise,
    windows: list[Tile],
) -> Iterator[Step]:
    """Denoise one image. The last step's z0 is the result.

    The scheduler is copied, so runs never share state; its ancestral noise, if any, comes from `noise`.
    """
    scheduler = copy.deepcopy(host.scheduler)
    scheduler.set_timesteps(steps, device=condition.colour_reference.device)
    z = host.start(condition, noise)
    for i, t in enumerate(scheduler.timesteps):
        scale = guidance(i, int(t))
        model_input = scheduler.scale_model_input(z, t)
        output = _tiled(host, model_input, t, positive, condition, windows)
        if scale is not None:
            output = guide(output, _tiled(host, model_input, t, negative, condition, windows), scale)
        result = scheduler.step(output, t, z)
        z = result.prev_sample
        yield Step(i + 1, len(scheduler.timesteps), int(t), result.pred_original_sample)


def _tiled(host: Host, z: Tensor, t: Tensor, text: Text, condition: Condition, windows: list[Tile]) -> Tensor:
    """Prediction for the whole latent: tiles blended by smooth weights."""
    if len(windows) == 1:
        return host.predict(z, t, text, condition).float()
    total, norm = torch.zeros_like(z), torch.zeros_like(z[:, :1])
    for tile in windows:
        weight = weights(tile).to(z)
        region = (..., slice(tile.top, tile.bottom), slice(tile.left, tile.right))
        total[region] += host.predict(z[region], t, text, condition.crop(tile)).float() * weight
        norm[region] += weight
    return total / norm
