"""PASD: Stable Diffusion 1.5 with a ControlNet on the enlarged LQ, whose residuals the UNet attends to pixel by pixel.

Yang et al., "Pixel-Aware Stable Diffusion for Realistic Image Super-Resolution and Personalized Stylization", ECCV 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import SchedulerMixin, UniPCMultistepScheduler
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.latent import LatentHost
from rapsr_core.hosts.networks.pasd import PASDNetworks, load_pasd_controlnet, load_pasd_unet
from rapsr_core.priors import Prior
from rapsr_core.priors.checkpoints import read_folder
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_schedulers import PASD_UNIPC


class PASDHost(LatentHost):
    """A latent site is 8 px; its networks take any number of sites. Text encoder and codec are the prior's."""

    def __init__(self, prior: Prior, networks: PASDNetworks, device: Device) -> None:
        super().__init__(prior, device, networks.unet)
        self.networks = networks
        self.scheduler = UniPCMultistepScheduler(**PASD_UNIPC)
        self.multiple = 1
        # `process_size` of the official script, 768: half as much again as Stable Diffusion 1.5 was trained on
        self.least_px = networks.unet.config.sample_size * self.codec.block_px * 3 // 2

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """The enlarged LQ, and a draw from the codec's posterior of it."""
        picture = self.enlarged(lq, self.least_px)
        padded = self.padded(picture)
        latent = self.posterior_latent(padded, noise)
        numbers = {name: recipe.host_settings[name] for name in ("control_scale", "added_noise")}
        return self.condition(picture, latent, {"image": Part(padded, 1)}, **numbers)

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """The latent of the enlarged LQ, noised to the first timestep, and the result noised again to `added_noise`, or to the last.

        The official script asks for 900 the second time. The scheduler of the diffusers it pins (0.29.2) takes a timestep that is not
        walked for the last one walked, so that is what its results come from; the schedulers of 2023 took it as asked for.
        """
        latent = condition["latent"]
        for name, t in (("start", scheduler.timesteps[0]), ("added", condition["added_noise"] or scheduler.timesteps[-1])):
            a = scheduler.alphas_cumprod[int(t)].to(latent)
            latent = a.sqrt() * latent + (1 - a).sqrt() * noise.draw(name, tuple(latent.shape)).to(latent)
        return latent

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """Predicted noise."""
        with torch.inference_mode(), self.autocast():
            return self.networks.noise(z, t, text.states, condition["image"], condition["control_scale"].item())


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> PASDHost:
    """The host with the official UNet and ControlNet, each in a folder with its configuration."""
    config, weights = read_folder(files["PASD UNet"].parent)
    unet = load_pasd_unet(weights, config, device=device.device)
    config, weights = read_folder(files["PASD ControlNet"].parent)
    return PASDHost(prior, PASDNetworks(unet, load_pasd_controlnet(weights, config, device=device.device)), device)
