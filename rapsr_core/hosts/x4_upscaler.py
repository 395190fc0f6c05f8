"""Stable Diffusion x4 upscaler: the noised LQ beside the latent, its noise level as a class.

After diffusers' StableDiffusionUpscalePipeline; Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", CVPR
2022, section 4.4, with the noise conditioning of Ho et al., "Cascaded Diffusion Models", JMLR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import SchedulerMixin
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.latent import LatentHost
from rapsr_core.priors import Prior
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.noise import ImageNoise


class X4UpscalerHost(LatentHost):
    """One latent site is one pixel of the LQ."""

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """The LQ in [-1, 1], noised to the recipe's `noise_level`."""
        scheduler = self.prior.lq_scheduler
        assert scheduler is not None
        level = torch.tensor([int(recipe.host_settings["noise_level"])])
        noised = scheduler.add_noise(2 * lq - 1, noise.draw("lq", tuple(lq.shape)), level).to(self.device.device)
        height, width = lq.shape[-2:]
        site_px = self.codec.block_px
        return Condition(
            parts={"lq": Part(noised, site_px)},
            latent_size=(height, width),
            output_size=(height * site_px, width * site_px),
            site_px=site_px,
            colour_reference=self.enlarged(lq),
            class_labels=level.to(self.device.device),
        )

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """Noise alone."""
        drawn = noise.draw("start", (1, self.codec.channels, *condition.latent_size))
        return drawn.to(self.device.device) * scheduler.init_noise_sigma

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """Prediction (1, 4, h, w) as the scheduler's `prediction_type` says."""
        with torch.inference_mode(), self.autocast():
            rows = torch.cat([z, condition["lq"]], 1)
            return self.unet(rows, t, text.states, class_labels=condition.class_labels).sample


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> X4UpscalerHost:
    """The host; it has no weights besides the prior's."""
    return X4UpscalerHost(prior, device)
