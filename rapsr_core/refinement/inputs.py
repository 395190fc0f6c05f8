"""What each kind of prior is given in training: a kind is one function and one row of INPUTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from rapsr_core.priors import Prior, Text
from rapsr_core.refinement.photo_samples import PhotoBatch
from rapsr_core.training.diffusion import Inputs


def text_only(prior: Prior, batch: PhotoBatch, text: Text, moments: tuple[Tensor, Tensor]) -> Inputs:
    """SD 1.5, SD 2.1: latent, timestep, text."""

    def predict(noisy: Tensor, timesteps: Tensor) -> Tensor:
        return prior.unet(noisy, timesteps, text.states).sample

    return _inputs(prior, batch, moments, predict)


def text_and_size(prior: Prior, batch: PhotoBatch, text: Text, moments: tuple[Tensor, Tensor]) -> Inputs:
    """SDXL: also the pooled text and (original height, width, crop top, left, target height, width), Podell et al. 2023, 2.2."""
    side = float(batch.target.shape[-1])
    time_ids = torch.tensor([side, side, 0.0, 0.0, side, side], device=batch.target.device).expand(len(batch.target), 6)

    def predict(noisy: Tensor, timesteps: Tensor) -> Tensor:
        added = {"text_embeds": text.pooled, "time_ids": time_ids}
        return prior.unet(noisy, timesteps, text.states, added_cond_kwargs=added).sample

    return _inputs(prior, batch, moments, predict)


def text_and_lq(prior: Prior, batch: PhotoBatch, text: Text, moments: tuple[Tensor, Tensor]) -> Inputs:
    """SD x4 upscaler: the LQ in [-1, 1], noised to a random level, beside the latent, and the level as a class label."""
    assert prior.lq_scheduler is not None and batch.lq is not None
    levels = batch.lq.levels
    lq = prior.lq_scheduler.add_noise(2 * batch.lq.image - 1, batch.lq.noise, levels)

    def predict(noisy: Tensor, timesteps: Tensor) -> Tensor:
        rows = torch.cat([noisy, lq.to(noisy)], 1)
        return prior.unet(rows, timesteps, text.states, class_labels=levels).sample

    return _inputs(prior, batch, moments, predict)


def _inputs(
    prior: Prior, batch: PhotoBatch, moments: tuple[Tensor, Tensor], predict: Callable[[Tensor, Tensor], Tensor]
) -> Inputs:
    return Inputs(prior.autoencoder.sample(moments, batch.posterior_noise), batch.noise, batch.timesteps, predict)


INPUTS: Mapping[str, Callable[[Prior, PhotoBatch, Text, tuple[Tensor, Tensor]], Inputs]] = {
    "sd": text_only,
    "sdxl": text_and_size,
    "x4-upscaler": text_and_lq,
}
"""By the name of a prior's kind; the embedded one learns from cached patches instead (patch_task.py)."""
