"""The diffusion objective, for priors that predict the clean latent (x0)."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from rapsr_core.images import save_png
from rapsr_core.priors import SpaceToDepthCodec
from rapsr_core.priors.embedded import network_input
from rapsr_core.quality.fidelity import lpips_loss
from rapsr_core.training.patches import Batch

UNGUIDED_WEIGHT = 0.2
"""Without a guide the latent's variance is about ten times larger; unweighted, an eighth of the samples would rule the loss."""


def x0_weight(scheduler: DDIMScheduler, timesteps: Tensor) -> Tensor:
    """min(SNR + 1, 20) / 4, but at least 1, with SNR = alpha_bar / (1 - alpha_bar): (B,) timesteps -> (B,) weights.

    Min-SNR weighting (Hang et al., "Efficient Diffusion Training via Min-SNR Weighting", ICCV 2023, eq. 8) for x0
    prediction, with a floor, because what the first step of sampling gets wrong the others do not mend.
    """
    alpha_bar = scheduler.alphas_cumprod.to(timesteps.device)[timesteps]
    return ((1 / (1 - alpha_bar)).clamp(max=20) / 4).clamp(min=1)  # SNR + 1 = 1 / (1 - alpha_bar)


def x0_loss(
    unet: UNet2DConditionModel,
    codec: SpaceToDepthCodec,
    scheduler: DDIMScheduler,
    batch: Batch,
    text: Tensor,
    lpips_weight: float = 0.0,
) -> tuple[Tensor, dict[str, float]]:
    """Weighted mean of (x0_hat - x0)^2 over a batch, and figures to log. `text`: (B, 77, width) hidden states.

    `lpips_weight` adds that much of LPIPS(image of x0_hat, target), of the samples that have a guide. Squared error alone draws a
    small network to the mean of all possible textures, which in few steps it cannot leave again.
    """
    with torch.autocast(batch.target.device.type, enabled=False):  # in bf16, 1 - alpha_bar vanishes at low noise
        z0 = codec.encode(batch.target, batch.guide)
    noisy = scheduler.add_noise(z0, batch.noise, batch.timesteps)
    output = unet(network_input(unet, codec, noisy, batch.guide, batch.lq), batch.timesteps, text).sample
    channels = codec.error_weights(like=z0)
    error = ((output.float() - z0).square() * channels).mean(dim=(1, 2, 3))
    guided = batch.has_guide
    figures = {
        "mse_guided": error[guided].mean().item(),
        "mse_guide_itself": (z0[guided].square() * channels).mean().item(),
    }
    weights = x0_weight(scheduler, batch.timesteps) * torch.where(guided, 1.0, UNGUIDED_WEIGHT)
    loss = (weights * error).mean()
    if lpips_weight and guided.any():
        y, x = batch.shift
        with torch.autocast(batch.target.device.type, enabled=False):
            image = codec.decode(output.float(), batch.guide)[guided]
        distance = lpips_loss(image[..., y:, x:], batch.target[guided][..., y:, x:]).sum() / len(guided)
        figures["lpips_guided"] = distance.item() * len(guided) / int(guided.sum())
        loss = loss + lpips_weight * distance
    return loss, figures


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
    z = batch.noise
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        with torch.autocast(z.device.type, torch.bfloat16):
            output = unet(network_input(unet, codec, z, batch.guide, batch.lq), t, text).sample
        z = scheduler.step(output.float(), t, z).prev_sample
    return codec.decode(z, batch.guide).clamp(0, 1)


def save_sheet(rows: list[Tensor], path: Path) -> None:
    """Rows of images, each (B, 3, P, P), as one PNG."""
    save_png(torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=-2)[None], path)
