"""ControlNet 1.1 "tile" on Stable Diffusion 1.5, as diffusers' StableDiffusionControlNetImg2ImgPipeline runs it.

Zhang et al., "Adding Conditional Control to Text-to-Image Diffusion Models", ICCV 2023. The bicubic x4 of the LQ is both the picture to
start from and the control.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import ControlNetModel, SchedulerMixin
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.latent import LatentHost
from rapsr_core.priors import Prior
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.noise import ImageNoise


class ControlNetTileHost(LatentHost):
    """A latent site is 8 px; the control is seen at output size."""

    def __init__(self, prior: Prior, controlnet: ControlNetModel, device: Device) -> None:
        super().__init__(prior, device)
        self.controlnet = controlnet.to(device.device).eval().requires_grad_(False)

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """The enlarged LQ, and a draw from the codec's posterior of it."""
        picture = self.enlarged(lq)
        padded = self.padded(picture)
        latent = self.posterior_latent(padded, noise)
        numbers = {name: recipe.host_settings[name] for name in ("strength", "control_scale")}
        return self.condition(picture, latent, {"control": Part(padded, 1)}, **numbers)

    def timesteps(self, scheduler: SchedulerMixin, condition: Condition) -> Tensor:
        """The last steps, as many as `strength` says; at least one (SDEdit, Meng et al., ICLR 2022)."""
        steps = len(scheduler.timesteps)
        walked = max(1, min(int(steps * condition["strength"].item()), steps))
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index((steps - walked) * scheduler.order)
        return scheduler.timesteps[(steps - walked) * scheduler.order :]

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """The latent of the enlarged LQ, noised to the first timestep that is walked."""
        latent = condition["latent"]
        first = self.timesteps(scheduler, condition)[:1]
        return scheduler.add_noise(latent, noise.draw("start", tuple(latent.shape)).to(latent), first)

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The UNet's prediction with the ControlNet's residuals, which see the text too."""
        with torch.inference_mode(), self.autocast():
            down, middle = self.controlnet(
                z,
                t,
                encoder_hidden_states=text.states,
                controlnet_cond=condition["control"],
                conditioning_scale=condition["control_scale"].item(),
                return_dict=False,
            )
            return self.unet(z, t, text.states, down_block_additional_residuals=down, mid_block_additional_residual=middle).sample


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> ControlNetTileHost:
    """The host with the ControlNet whose weights and configuration lie in one folder."""
    folder = files["ControlNet tile"].parent
    return ControlNetTileHost(prior, ControlNetModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True), device)
