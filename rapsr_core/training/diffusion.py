"""The plain diffusion objective of any prior: what its scheduler says it predicts, uniform timesteps, mean squared error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import SchedulerMixin
from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """What a network gets and what it is to find. z0 (B, C, h, w): the clean latent; noise: of the same shape; timesteps (B,).

    `predict` maps (noisy latent, timesteps) to the network's output, the text and everything else already bound.
    """

    z0: Tensor
    noise: Tensor
    timesteps: Tensor
    predict: Callable[[Tensor, Tensor], Tensor]


def wanted(scheduler: SchedulerMixin, z0: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The network's target by `prediction_type`: epsilon (Ho et al. 2020), v_prediction (Salimans and Ho 2022), sample."""
    match scheduler.config.prediction_type:
        case "epsilon":
            return noise
        case "v_prediction":
            return scheduler.get_velocity(z0, noise, timesteps)
        case "sample":
            return z0
    raise ValueError(f"prediction_type is {scheduler.config.prediction_type!r}; it must be epsilon, v_prediction or sample")


def min_snr_weight(scheduler: SchedulerMixin, timesteps: Tensor, gamma: float) -> Tensor:
    """min(SNR, gamma) in x0 terms, in terms of what is predicted: / SNR for epsilon, / (SNR + 1) for v (Hang et al. 2023)."""
    alpha_bar = scheduler.alphas_cumprod.to(timesteps.device)[timesteps]
    snr = alpha_bar / (1 - alpha_bar)
    kept = snr.clamp(max=gamma)
    return {"epsilon": kept / snr, "v_prediction": kept / (snr + 1), "sample": kept}[scheduler.config.prediction_type]


def denoising_loss(scheduler: SchedulerMixin, inputs: Inputs, snr_gamma: float | None = None) -> Tensor:
    """Mean over samples of the mean squared error, weighted by min-SNR where `snr_gamma` is given."""
    noisy = scheduler.add_noise(inputs.z0, inputs.noise, inputs.timesteps)
    output = inputs.predict(noisy, inputs.timesteps).float()
    target = wanted(scheduler, inputs.z0, inputs.noise, inputs.timesteps)
    error = (output - target).square().mean(dim=tuple(range(1, output.ndim)))
    if snr_gamma is None:
        return error.mean()
    return (min_snr_weight(scheduler, inputs.timesteps, snr_gamma) * error).mean()


@torch.no_grad()
def walk(scheduler: SchedulerMixin, inputs: Inputs, steps: int) -> Tensor:
    """The clean latent that the network draws from `inputs.noise` in so many steps, without guidance: for validation sheets."""
    scheduler.set_timesteps(steps, device=inputs.noise.device)
    z = inputs.noise * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        output = inputs.predict(scheduler.scale_model_input(z, t), t.expand(len(z))).float()
        z = scheduler.step(output, t, z).prev_sample
    return z
