"""OSEDiff (Wu et al., "One-Step Effective Diffusion Network for Real-World Image Super-Resolution", NeurIPS 2024).

One step of Stable Diffusion 2.1-base from the latent of the enlarged LQ, without noise, under the positive text alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, SchedulerMixin, UNet2DConditionModel
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.latent import LatentHost
from rapsr_core.hosts.networks.osediff import load_osediff_unet, load_osediff_vae, read_osediff
from rapsr_core.priors import Prior
from rapsr_core.priors.autoencoder import AutoencoderCodec
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_schedulers import ONE_STEP_DDPM


class OSEDiffHost(LatentHost):
    """UNet and VAE are the prior's with OSEDiff's adapters beside their weights: a refinement acts as if merged before them."""

    def __init__(self, prior: Prior, unet: UNet2DConditionModel, vae: AutoencoderKL, device: Device) -> None:
        super().__init__(prior, device, unet)
        self.codec = AutoencoderCodec(vae)
        self.scheduler = DDPMScheduler(**ONE_STEP_DDPM)
        self.multiple = 1  # diffusers' UNet takes any number of sites, and the official code gives it any

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """A draw from the adapted encoder's posterior of the enlarged LQ, scaled."""
        picture = self.enlarged(lq)
        latent = self.posterior_latent(self.padded(picture), noise)
        return self.condition(picture, latent, {})

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """That latent: nothing is added to it."""
        return condition["latent"]

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The noise (1, 4, h, w) that the UNet takes the LQ's latent to have at t = 999."""
        with torch.inference_mode(), self.autocast():
            return self.unet(z, t, text.states).sample


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> OSEDiffHost:
    """The host from the official checkpoint. Raises CheckpointError for another file or another prior than it is for."""
    checkpoint = read_osediff(files["OSEDiff"])
    unet = load_osediff_unet(checkpoint, prior.unet)
    return OSEDiffHost(prior, unet, load_osediff_vae(checkpoint, prior.autoencoder.vae), device)
