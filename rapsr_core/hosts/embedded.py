"""The embedded upscaler: the embedded prior with a guide from a cleaner (or bicubic x4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import SchedulerMixin
from torch import Tensor

from rapsr_core.cleaners import SCALE
from rapsr_core.device import Device
from rapsr_core.images import resize
from rapsr_core.priors import Prior
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Host, Part, Text
from rapsr_core.sampling.noise import ImageNoise


class EmbeddedHost(Host):
    """Pieces for the loop. `multiple` is the number of sites a tile must be divisible by (the UNet's reductions)."""

    def __init__(self, prior: Prior, device: Device) -> None:
        self.prior, self.device = prior, device
        self.scheduler = prior.scheduler
        self.unet = prior.unet
        self.multiple = 2 ** (len(prior.unet.config.block_out_channels) - 1)

    def encode_text(self, prompts: list[str]) -> Text:
        """Hidden states of the prior's own text encoder."""
        ids = self.prior.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        with torch.inference_mode():
            return Text(self.prior.text_encoder(ids.to(self.device.device)).last_hidden_state)

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        """The guide, its last row and column repeated up to what the UNet divides by, and its features; nothing is drawn."""
        height, width = guide.shape[-2:]
        unit = self.prior.codec.block_px * self.multiple
        pad = (0, -width % unit, 0, -height % unit)
        padded = F.pad(guide, pad, mode="replicate").to(self.device.device)
        sites = tuple(n // self.prior.codec.block_px for n in padded.shape[-2:])
        like = torch.empty(1, self.prior.codec.channels, *sites, device=self.device.device)
        parts = {
            "guide": Part(padded, 1),
            "features": Part(self.prior.codec.features(padded, like), self.prior.codec.block_px),
        }
        reference = resize(lq, (lq.shape[-2] * SCALE, lq.shape[-1] * SCALE)).to(self.device.device)
        return Condition(parts, (sites[0], sites[1]), (height, width), self.prior.codec.block_px, reference)

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """Pure noise: the schedule has zero terminal SNR."""
        return noise.draw("start", (1, self.prior.codec.channels, *condition.latent_size)).to(self.device.device)

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        """The UNet's estimate of the clean latent."""
        rows = torch.cat([z, condition["features"]], 1).contiguous(memory_format=torch.channels_last)
        lower = self.device.dtype != torch.float32
        with torch.inference_mode(), torch.autocast(self.device.device.type, self.device.dtype, enabled=lower):
            return self.unet(rows, t, text.states).sample

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        """Guide plus residual, cut to the output size."""
        height, width = condition.output_size
        return self.prior.codec.decode(z, condition["guide"])[..., :height, :width]

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        """The same: decoding is a rearrangement."""
        return self.decode(z0, condition).clamp(0, 1)
