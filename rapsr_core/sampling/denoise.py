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
class Underway:
    """`share` of the network passes of step i of n are done, less than 1. z0: what they alone imply, or None where they do not cover all tiles."""

    i: int
    n: int
    share: float
    z0: Tensor | None


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
    """The steps of `walk` alone."""
    return (step for step in walk(host, condition, positive, negative, plan, noise) if isinstance(step, Step))


def walk(
    host: Host, condition: Condition, positive: Text, negative: Text, plan: Plan, noise: ImageNoise
) -> Iterator[Step | Underway]:
    """Denoise one image, latents and scheduler in float32. Between two network passes there is always an item, so that closing cancels soon.

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
        for mean in _predictions(host, scheduler.scale_model_input(z, t), t, texts, condition, plan):
            output = None if mean.predictions is None else _guided(mean.predictions, scale, plan.rescale)
            if mean.share < 1:
                yield Underway(i + 1, n, mean.share, None if output is None else clean_estimate(scheduler, output, t, z))
        assert output is not None
        draws = {"generator": noise.generator(f"step/{i}")} if ancestral else {}
        result = scheduler.step(output, t, z, **draws)
        estimate = getattr(result, "pred_original_sample", None)
        if estimate is None:
            estimate = clean_estimate(scheduler, output, t, z)
        z = result.prev_sample
        yield Step(i + 1, n, int(t), z if i + 1 == n else estimate)


def _guided(predictions: Sequence[Tensor], scale: float | None, rescale: float) -> Tensor:
    positive, *negative = predictions
    return positive if scale is None else guide(positive, negative[0], scale, rescale)


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


@dataclass(frozen=True)
class _Mean:
    """Over `share` of a step's network passes: one prediction a text, or None while there are tiles that no pass has covered."""

    predictions: list[Tensor] | None
    share: float


def _predictions(host: Host, z: Tensor, t: Tensor, texts: Sequence[Text], condition: Condition, plan: Plan) -> Iterator[_Mean]:
    """The mean over a step's views as it grows, its tiles blended by smooth weights; the last one is the step's prediction."""
    windows = plan.windows
    totals, norm = [torch.zeros_like(z) for _ in texts], torch.zeros_like(z[:, :1])
    for done, (k, seen, passes) in enumerate(_passes(host, t, condition, windows), 1):
        own = texts if plan.tile_texts is None else plan.tile_texts[k][: len(texts)]
        tile, weight = windows[k], plan.weights(windows[k]).to(z) if len(windows) > 1 else torch.ones((), device=z.device)
        region = (..., slice(tile.top, tile.bottom), slice(tile.left, tile.right))
        for total, text in zip(totals, own, strict=True):
            total[region] += host.predict(z[region], t, text, seen).float() * weight
        norm[region] += weight
        yield _Mean([total / norm for total in totals] if done >= len(windows) else None, done / passes)


def _passes(host: Host, t: Tensor, condition: Condition, windows: Sequence[Tile]) -> Iterator[tuple[int, Condition, int]]:
    """(tile, what is seen of it, passes in all): every tile's first view, then every tile's second, ... What is seen is not held on to."""
    later: list[Sequence[Condition]] = []
    for k, tile in enumerate(windows):
        views = list(host.views(t, condition if len(windows) == 1 else condition.crop(tile)))
        passes = len(windows) * len(views)
        later.append(views[1:])
        yield k, views.pop(0), passes
    for k_views in zip(*later, strict=True):
        yield from ((k, seen, passes) for k, seen in enumerate(k_views))
