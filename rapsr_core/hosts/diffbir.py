"""DiffBIR v1 and v2 (Lin et al., ECCV 2024): IRControlNet beside Stable Diffusion 2.1-base, conditioned on a cleaned image.

The UNet is the prior's own: a refinement changes it for the time of a run, and IRControlNet, which is frozen, never sees that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.networks.diffbir import IRControlNet, load_diffbir_controlnet
from rapsr_core.hosts.spaced import SpacedHost
from rapsr_core.images import resize
from rapsr_core.priors import Prior
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition
from rapsr_core.sampling.noise import ImageNoise


class DiffBIRHost(SpacedHost):
    """The guide is the condition, and what a colour fix takes its colours from; the LQ itself is not seen."""

    def __init__(self, prior: Prior, controlnet: IRControlNet, device: Device) -> None:
        super().__init__(prior, device)
        self.controlnet = controlnet

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """The mean of the codec's posterior of the guide, scaled; nothing is drawn."""
        picture = resize(guide, self.working_size(guide.shape[-2], guide.shape[-1])).to(self.device.device)
        with torch.inference_mode():
            mean, _ = self.codec.moments(self.padded(picture))
        latent = mean * self.codec.vae.config.scaling_factor
        return self.walked_from(picture, latent, recipe, control_scale=recipe.host_settings["control_scale"])

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The noise in z, with IRControlNet's residuals, which see the text too."""
        with torch.inference_mode(), self.autocast():
            down, middle = self.controlnet(
                z, t, text.states, condition["latent"], conditioning_scale=condition["control_scale"].item(), return_dict=False
            )
            return self.unet(z, t, text.states, down_block_additional_residuals=down, mid_block_additional_residual=middle).sample


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> DiffBIRHost:
    """The host with the one IRControlNet among its files. Raises CheckpointError when it does not fit the prior."""
    (file,) = files.values()
    return DiffBIRHost(prior, load_diffbir_controlnet(file, prior.unet.config, device=device.device), device)
