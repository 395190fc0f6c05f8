"""StableSR (Wang et al., IJCV 2024): structure features of the enlarged LQ, made anew at every timestep, modulate the UNet.

Made from the paper, key lists and notes in tests/reference; the official code is not free, and none of it is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from rapsr_core.cleaners import SCALE
from rapsr_core.device import Device
from rapsr_core.hosts.networks.stablesr import StableSRUNet, load_stablesr_unet
from rapsr_core.hosts.networks.stablesr_structure import StructureEncoder, load_structure_encoder, structure_sizes
from rapsr_core.hosts.spaced import SpacedHost
from rapsr_core.images import resize
from rapsr_core.priors import Prior
from rapsr_core.priors.checkpoints import read_weights
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.noise import ImageNoise


class StableSRHost(SpacedHost):
    """Its UNet is its own, the prior's with SPADE in every residual block; text encoder and VAE are the prior's."""

    unet: StableSRUNet

    def __init__(self, prior: Prior, encoder: StructureEncoder, unet: StableSRUNet, device: Device) -> None:
        super().__init__(prior, device, unet)
        self.encoder = encoder

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """A draw from the codec's posterior of the enlarged LQ, as Stable Diffusion encodes images; no noise is added to it."""
        size = self.working_size(lq.shape[-2] * SCALE, lq.shape[-1] * SCALE)
        picture = resize(lq, size).to(self.device.device)
        return self.walked_from(picture, self.posterior_latent(self.padded(picture), noise), recipe)

    def views(self, t: Tensor, condition: Condition) -> Sequence[Condition]:
        """One, with the structure features of this timestep, from fine to coarse: "structure/0", "structure/1", ..."""
        with torch.inference_mode(), self.autocast():
            features = self.encoder(condition["latent"], t)
        structure = {f"structure/{k}": Part(level, condition.site_px << k) for k, level in enumerate(features)}
        return [replace(condition, parts={**condition.parts, **structure})]

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The noise in z."""
        levels = len(self.unet.config.block_out_channels)
        with torch.inference_mode(), self.autocast():
            return self.unet(z, t, text.states, [condition[f"structure/{k}"] for k in range(levels)]).sample


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> StableSRHost:
    """The host with encoder and UNet of one official checkpoint. Raises CheckpointError when it does not fit the prior."""
    weights = read_weights(files["StableSR"])
    sizes = structure_sizes(weights)
    encoder = load_structure_encoder(weights, sizes, device=device.device)
    unet = load_stablesr_unet(weights, prior.unet.config, structure_channels=sizes.features, device=device.device)
    return StableSRHost(prior, encoder, unet.to(memory_format=torch.channels_last), device)
