"""What DiffBIR and StableSR share: Stable Diffusion 2.1-base walked by respaced DDPM steps, the condition a latent of a picture."""

from __future__ import annotations

import torch
from diffusers import DDPMScheduler, SchedulerMixin
from torch import Tensor, nn

from rapsr_core.device import Device
from rapsr_core.hosts.latent import LatentHost, at_least
from rapsr_core.priors import Prior
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_schedulers import SPACED_DDPM


class SpacedHost(LatentHost):
    """A latent site is 8 px. `start_from_picture` of a recipe other than 0: the first latent is the condition's, noised."""

    def __init__(self, prior: Prior, device: Device, unet: nn.Module | None = None) -> None:
        super().__init__(prior, device, unet)
        self.scheduler = DDPMScheduler(**SPACED_DDPM)

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """Where a picture is smaller than what the prior was trained on (512 px for SD 2.1-base), the size it is enlarged to.

        Its shorter side then has that many pixels; the result is reduced. Otherwise (height, width) as given.
        """
        least = self.prior.unet.config.sample_size * self.codec.block_px
        return at_least((height, width), least)

    def walked_from(self, picture: Tensor, latent: Tensor, recipe: Recipe, **numbers: float) -> Condition:
        """`condition`, with the recipe's choice of the first latent."""
        return self.condition(picture, latent, {}, start_from_picture=recipe.host_settings["start_from_picture"], **numbers)

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """Noise alone, or the condition's latent noised to the last of the 1000 timesteps (DiffBIR's start point "cond")."""
        latent = condition["latent"]
        drawn = noise.draw("start", tuple(latent.shape)).to(latent)
        if not condition["start_from_picture"]:
            return drawn
        return scheduler.add_noise(latent, drawn, torch.tensor([scheduler.config.num_train_timesteps - 1]))
