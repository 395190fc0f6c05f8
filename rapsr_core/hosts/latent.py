"""What hosts on a learned codec (Stable Diffusion's family) share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rapsr_core.cleaners import SCALE
from rapsr_core.device import Device
from rapsr_core.images import resize
from rapsr_core.priors import Prior
from rapsr_core.priors.text import Text
from rapsr_core.sampling.contract import Condition, Host, Part
from rapsr_core.sampling.noise import ImageNoise


def at_least(size: tuple[int, int], least_px: int) -> tuple[int, int]:
    """A size (height, width), enlarged until the shorter side has `least_px`: networks do worse below what they were trained on."""
    factor = max(1.0, least_px / min(size))
    return round(size[0] * factor), round(size[1] * factor)


class LatentHost(Host):
    """Text, decoding and previews; a subclass says what its network sees. `unet` is the prior's own unless another is given."""

    def __init__(self, prior: Prior, device: Device, unet: nn.Module | None = None) -> None:
        self.prior, self.device = prior, device
        self.codec = prior.autoencoder
        self.scheduler = prior.scheduler
        self.unet = prior.unet if unet is None else unet
        self.multiple = 2 ** (len(prior.unet.config.block_out_channels) - 1)

    def encode_text(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        """Hidden states of the prior's text encoder."""
        with torch.inference_mode():
            return self.prior.text.encode_ids(token_ids, learned)

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        """The codec's image, cut to the output size; in tiles where it is large (`AutoencoderCodec.decode`)."""
        height, width = condition.output_size
        with torch.inference_mode():
            return self.codec.decode(z)[..., :height, :width].float()

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        """A linear map of each site's latent to its mean colour, at the latent's own size; see `AutoencoderCodec.preview`."""
        height, width = condition.output_size
        small = self.codec.preview(z0)[..., : -(-height // condition.site_px), : -(-width // condition.site_px)]
        return small.clamp(0, 1)

    def enlarged(self, lq: Tensor, least_px: int = 1) -> Tensor:
        """(1, 3, h, w) -> bicubic x4 on the host's device, what a colour fix takes its colours from.

        More than x4 where the shorter side would have less than `least_px`: the result is reduced again.
        """
        return resize(lq, at_least((lq.shape[-2] * SCALE, lq.shape[-1] * SCALE), least_px)).to(self.device.device)

    def padded(self, image: Tensor) -> Tensor:
        """(1, 3, H, W) with its last row and column repeated until the UNet's reductions divide the latent."""
        unit = self.codec.block_px * self.multiple
        height, width = image.shape[-2:]
        return F.pad(image, (0, -width % unit, 0, -height % unit), mode="replicate")

    def posterior_latent(self, image: Tensor, noise: ImageNoise) -> Tensor:
        """A draw from the codec's posterior of an image (1, 3, H, W) in [0, 1]: a latent (1, C, H/f, W/f), scaled."""
        with torch.inference_mode():
            mean, std = self.codec.moments(image)
        return self.codec.sample((mean, std), noise.draw("posterior", tuple(mean.shape)).to(mean))

    def condition(self, picture: Tensor, latent: Tensor, parts: Mapping[str, Part], **numbers: float) -> Condition:
        """Of a picture (1, 3, H, W), whose size the output has and which is the colour reference, and its latent (1, C, h, w), part "latent".

        `parts`: what else the network sees; `numbers`: settings that it reads, as global parts.
        """
        everywhere = {name: Part(torch.tensor(number), "global") for name, number in numbers.items()}
        return Condition(
            parts={"latent": Part(latent, self.codec.block_px), **parts, **everywhere},
            latent_size=(latent.shape[-2], latent.shape[-1]),
            output_size=(picture.shape[-2], picture.shape[-1]),
            site_px=self.codec.block_px,
            colour_reference=picture,
        )

    def autocast(self) -> torch.autocast:
        """Networks compute in the device's arithmetic; latents stay in float32."""
        return torch.autocast(self.device.device.type, self.device.dtype, enabled=self.device.dtype != torch.float32)
