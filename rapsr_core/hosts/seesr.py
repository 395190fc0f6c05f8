"""SeeSR: Stable Diffusion 2 with a ControlNet on the enlarged LQ and attention to what a tagger made for degraded images sees in it.

Wu et al., "SeeSR: Towards Semantics-Aware Real-World Image Super-Resolution", CVPR 2024. RAP-SR's published integration is in this host:
all vanilla weights of the UNet become the refinement's, the image attention stays SeeSR's (`full` does that; facts, section 1.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import DDPMScheduler, SchedulerMixin
from torch import Tensor

from rapsr_core.device import Device
from rapsr_core.hosts.latent import LatentHost
from rapsr_core.hosts.networks.dape import load_dape
from rapsr_core.hosts.networks.seesr import ImageReader, SeeSRNetworks, load_seesr_controlnet, load_seesr_unet
from rapsr_core.priors import Prior
from rapsr_core.priors.checkpoints import read_folder
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_schedulers import SEESR_DDPM

START_T = 999
"""Timestep the LQ's latent is noised to, although the first step walked is lower (`start_point lr` of the official script)."""


class SeeSRHost(LatentHost):
    """A latent site is 8 px; its networks take any number of sites. Text encoder and codec are the prior's."""

    def __init__(self, prior: Prior, networks: SeeSRNetworks, reader: ImageReader, device: Device) -> None:
        super().__init__(prior, device, networks.unet)
        self.networks, self.reader = networks, reader
        self.scheduler = DDPMScheduler(**SEESR_DDPM)
        self.multiple = 1
        self.least_px = networks.unet.config.sample_size * self.codec.block_px  # `process_size` of the official script, 512

    def tags(self, lq: Tensor) -> str:
        """What the reader names in an input (1, 3, h, w): the tags of SeeSR's prompts, joined as there."""
        with torch.inference_mode():
            return ", ".join(self.reader(lq.to(self.device.device)).tags[0])

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """The enlarged LQ, a draw from the codec's posterior of it, and what the reader sees in the LQ itself.

        All tiles and both branches see the same image states, as in the official loop.
        """
        picture = self.enlarged(lq, self.least_px)
        padded = self.padded(picture)
        latent = self.posterior_latent(padded, noise)
        with torch.inference_mode():
            states = self.reader(lq.to(self.device.device)).states
        parts = {"image": Part(padded, 1), "image_states": Part(states, "global")}
        return self.condition(picture, latent, parts, control_scale=recipe.host_settings["control_scale"])

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """The latent of the enlarged LQ, noised to `START_T`."""
        latent = condition["latent"]
        drawn = noise.draw("start", tuple(latent.shape)).to(latent)
        return scheduler.add_noise(latent, drawn, torch.tensor([START_T], device=latent.device))

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """Predicted noise."""
        scale = condition["control_scale"].item()
        with torch.inference_mode(), self.autocast():
            return self.networks.noise(z, t, text.states, condition["image_states"], condition["image"], scale)


def build(prior: Prior, files: Mapping[str, Path], device: Device) -> SeeSRHost:
    """The host with the official UNet and ControlNet, each in a folder with its configuration, and DAPE."""
    config, weights = read_folder(files["SeeSR UNet"].parent)
    unet = load_seesr_unet(weights, config, device=device.device)
    config, weights = read_folder(files["SeeSR ControlNet"].parent)
    controlnet = load_seesr_controlnet(weights, config, device=device.device)
    tags, thresholds = (files[name].read_text(encoding="utf-8").splitlines() for name in ("RAM tags", "RAM thresholds"))
    reader = load_dape(files["RAM"], files["DAPE"], tags, [float(line) for line in thresholds], device=device.device)
    return SeeSRHost(prior, SeeSRNetworks(unet, controlnet), reader, device)
