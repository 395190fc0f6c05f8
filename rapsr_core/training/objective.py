"""The diffusion objective, for priors that predict the clean latent (x0)."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from rapsr_core.images import save_png
from rapsr_core.priors import SpaceToDepthCodec
from rapsr_core.training.patches import Batch


def x0_weight(scheduler: DDIMScheduler, timesteps: Tensor) -> Tensor:
    """min(SNR + 1, 20) / 4 with SNR = alpha_bar / (1 - alpha_bar): (B,) timesteps -> (B,) weights.

    Min-SNR weighting (Hang et al., "Efficient Diffusion Training via Min-SNR Weighting", ICCV 2023, eq. 8) for x0
    prediction, with 1 added so that the timestep of zero SNR still counts.
    """
    alpha_bar = scheduler.alphas_cumprod.to(timesteps.device)[timesteps]
    return (1 / (1 - alpha_bar)).clamp(max=20) / 4  # SNR + 1 = 1 / (1 - alpha_bar)


def x0_loss(
    unet: UNet2DConditionModel, codec: SpaceToDepthCodec, scheduler: DDIMScheduler, batch: Batch, text: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Weighted mean of (x0_hat - x0)^2 over a batch, and figures to log. `text`: (B, 77, width) hidden states."""
    z0 = codec.encode(batch.target, batch.guide)
    noisy = scheduler.add_noise(z0, batch.noise, batch.timesteps)
    features = codec.features(batch.guide, like=z0)
    output = unet(torch.cat([noisy, features], 1), batch.timesteps, text).sample
    error = (output.float() - z0).square().mean(dim=(1, 2, 3))
    guided = batch.has_guide
    figures = {"mse_guided": error[guided].mean().item(), "mse_guide_itself": z0[guided].square().mean().item()}
    return (x0_weight(scheduler, batch.timesteps) * error).mean(), figures


@torch.no_grad()
def draw(
    unet: UNet2DConditionModel,
    codec: SpaceToDepthCodec,
    scheduler: DDIMScheduler,
    batch: Batch,
    text: Tensor,
    steps: int = 8,
) -> Tensor:
    """Images (B, 3, P, P) in [0, 1] from a batch's noise and guides, without guidance: for validation sheets."""
    features, z = codec.features(batch.guide, like=batch.noise), batch.noise
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        with torch.autocast(z.device.type, torch.bfloat16):
            output = unet(torch.cat([z, features], 1), t, text).sample
        z = scheduler.step(output.float(), t, z).prev_sample
    return codec.decode(z, batch.guide).clamp(0, 1)


def save_sheet(rows: list[Tensor], path: Path) -> None:
    """Rows of images, each (B, 3, P, P), as one PNG."""
    save_png(torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=-2)[None], path)
