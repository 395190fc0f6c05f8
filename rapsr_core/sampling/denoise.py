"""The one denoising loop. Every host runs through it; closing the iterator cancels."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from diffusers import SchedulerMixin
from torch import Tensor

from rapsr_core.sampling import tiling
from rapsr_core.sampling.contract import Condition, Host, Text
from rapsr_core.sampling.guidance import GuidanceSchedule, guide
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import Tile


@dataclass(frozen=True)
class Step:
    """Step i of n (from 1) at timestep t is done; z0 (1, C, h, w) is the present estimate of the clean latent.

    z0 of the last step is the finished latent itself.
    """

    i: int
    n: int
    t: int
    z0: Tensor


@dataclass(frozen=True)
class Plan:
    """How to walk from noise to image. `timesteps`, where given, is the exact list to visit instead of the scheduler's own.

    `weights` of a tile are (h, w) and positive; only their ratios matter. `tile_texts`: (positive, negative) of each window, in place of
    the image's own.
    """

    steps: int
    guidance: GuidanceSchedule
    windows: Sequence[Tile]
    rescale: float = 0.0  # of guidance, phi in [0, 1]
    timesteps: tuple[int, ...] | None = None
    weights: Callable[[Tile], Tensor] = tiling.weights
    tile_texts: Sequence[tuple[Text, Text]] | None = None


def denoise(host: Host, condition: Condition, positive: Text, negative: Text, plan: Plan, noise: ImageNoise) -> Iterator[Step]:
    """Denoise one image, latents and scheduler in float32.

    The scheduler is copied, so runs never share state, and its ancestral noise comes from `noise`: the same arguments give the
    same steps, whatever else the process draws.
    """
    scheduler = copy.deepcopy(host.scheduler)
    chosen = {"timesteps": list(plan.timesteps)} if plan.timesteps else {"num_inference_steps": plan.steps}
    scheduler.set_timesteps(device=condition.colour_reference.device, **chosen)
    ancestral = "generator" in inspect.signature(scheduler.step).parameters
    visited = host.timesteps(scheduler, condition)
    z, n = host.start(condition, scheduler, noise), len(visited)
    for i, t in enumerate(visited):
        scale = plan.guidance(i, int(t))
        texts = [positive] if scale is None else [positive, negative]
        output, *other = _predictions(host, scheduler.scale_model_input(z, t), t, texts, condition, plan)
        if scale is not None:
            output = guide(output, other[0], scale, plan.rescale)
        draws = {"generator": noise.generator(f"step/{i}")} if ancestral else {}
        result = scheduler.step(output, t, z, **draws)
        estimate = getattr(result, "pred_original_sample", None)
        if estimate is None:
            estimate = clean_estimate(scheduler, output, t, z)
        z = result.prev_sample
        yield Step(i + 1, n, int(t), z if i + 1 == n else estimate)


def clean_estimate(scheduler: SchedulerMixin, output: Tensor, t: Tensor, z: Tensor) -> Tensor:
    """The clean latent that a prediction for z at t implies, for schedulers that do not say (UniPC, DPM-Solver++).

    z = sqrt(a) z0 + sqrt(1 - a) eps with a = alphas_cumprod[t] (Ho et al. 2020, eq. 4); v = sqrt(a) eps - sqrt(1 - a) z0
    (Salimans and Ho 2022, section 4).
    """
    a = scheduler.alphas_cumprod[int(t)].to(z)
    match scheduler.config.prediction_type:
        case "sample":
            return output
        case "epsilon":
            return (z - (1 - a).sqrt() * output) / a.sqrt()
        case "v_prediction":
            return a.sqrt() * z - (1 - a).sqrt() * output
    raise ValueError(f"prediction_type is {scheduler.config.prediction_type!r}; it must be sample, epsilon or v_prediction")


def _predictions(host: Host, z: Tensor, t: Tensor, texts: Sequence[Text], condition: Condition, plan: Plan) -> list[Tensor]:
    """One prediction a text for the whole latent, its tiles blended by smooth weights; a tile's features serve all texts."""
    if len(plan.windows) == 1:
        seen = host.step_features(t, condition)
        return [host.predict(z, t, text, seen).float() for text in texts]
    totals, norm = [torch.zeros_like(z) for _ in texts], torch.zeros_like(z[:, :1])
    for k, tile in enumerate(plan.windows):
        own = texts if plan.tile_texts is None else plan.tile_texts[k][: len(texts)]
        weight = plan.weights(tile).to(z)
        region = (..., slice(tile.top, tile.bottom), slice(tile.left, tile.right))
        seen = host.step_features(t, condition.crop(tile))
        for total, text in zip(totals, own, strict=True):
            total[region] += host.predict(z[region], t, text, seen).float() * weight
        norm[region] += weight
    return [total / norm for total in totals]
