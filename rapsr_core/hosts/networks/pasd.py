"""PASD's UNet and ControlNet (Yang et al., ECCV 2024): Stable Diffusion 1.5's, with pixel-aware cross attention.

In the UNet's second half every ResNet block, and its text attention where it has one, is followed by a pixel attention whose keys are
the ControlNet's residual of the skip that this ResNet block takes. A residual acts twice: added to the skip, and as keys. All names
are the official ones; every vanilla weight has its vanilla diffusers name, so that a refinement of SD 1.5 plugs in by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, Transformer2DModel, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor, nn

from rapsr_core.priors.checkpoints import fill, read_weights

HOST_ONLY = {"pixel attention": r"\.pixel_attentions\.\d+\."}
"""What of the UNet only PASD has, as patterns of names; a refinement of SD 1.5 has none of it."""


class PASDUNet(UNet2DConditionModel):
    """The UNet of an official configuration, random weights. It cannot do without a ControlNet's residuals."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(**_known(UNet2DConditionModel, config))
        channels = self.mid_block.resnets[-1].out_channels
        for block in self.up_blocks:
            block.pixel_attentions = nn.ModuleList()
            for resnet in block.resnets:
                block.pixel_attentions.append(self._pixel_attention(resnet.out_channels, resnet.in_channels - channels))
                channels = resnet.out_channels

    def _pixel_attention(self, channels: int, residual_channels: int) -> Transformer2DModel:
        heads = self.config.attention_head_dim  # diffusers' old misnomer: the number of heads
        return Transformer2DModel(
            num_attention_heads=heads,
            attention_head_dim=channels // heads,
            in_channels=channels,
            cross_attention_dim=residual_channels,
            norm_num_groups=self.config.norm_num_groups,
        )

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | int,
        encoder_hidden_states: Tensor,
        down_block_additional_residuals: Sequence[Tensor],
        mid_block_additional_residual: Tensor,
        return_dict: bool = True,
    ) -> UNet2DConditionOutput | tuple[Tensor]:
        """Predicted noise (B, 4, h, w).

        Written out, because diffusers' own forward tells its up blocks skips with the residuals already added.

        Args:
            sample: noisy latent (B, 4, h, w).
            timestep: scalar or (B,).
            encoder_hidden_states: text (B, tokens, width).
            down_block_additional_residuals: of the ControlNet, one for each skip, in its shape, the first at (h, w).
            mid_block_additional_residual: of the ControlNet, in the middle block's shape.
        """
        emb = self.time_embedding(self.get_time_embed(sample, timestep))
        hidden = self.conv_in(sample)
        skips, residuals = [hidden], list(down_block_additional_residuals)
        for block in self.down_blocks:
            seen = {"encoder_hidden_states": encoder_hidden_states} if _has_text(block) else {}
            hidden, more = block(hidden, emb, **seen)
            skips += more
        hidden = self.mid_block(hidden, emb, encoder_hidden_states=encoder_hidden_states) + mid_block_additional_residual
        for block in self.up_blocks:
            for k, (resnet, pixel_attention) in enumerate(zip(block.resnets, block.pixel_attentions, strict=True)):
                residual = residuals.pop()
                hidden = resnet(torch.cat([hidden, skips.pop() + residual], 1), emb)
                if _has_text(block):
                    hidden = block.attentions[k](hidden, encoder_hidden_states, return_dict=False)[0]
                hidden = pixel_attention(hidden, residual.flatten(2).transpose(1, 2), return_dict=False)[0]
            for upsampler in block.upsamplers or ():
                hidden = upsampler(hidden, skips[-1].shape[-2:])
        predicted = self.conv_out(self.conv_act(self.conv_norm_out(hidden)))
        return UNet2DConditionOutput(sample=predicted) if return_dict else (predicted,)


class ConditionEmbedding(ControlNetConditioningEmbedding):
    """diffusers' embedding of the condition image, with the heads by which PASD's training asks it to see a clean image."""

    def __init__(self, channels: int, block_out_channels: Sequence[int]) -> None:
        super().__init__(channels, block_out_channels=tuple(block_out_channels))
        self.to_rgbs = nn.ModuleList(nn.Conv2d(block.out_channels, 3, 3, padding=1) for block in self.blocks[1::2])

    def seen(self, image: Tensor) -> list[Tensor]:
        """What it takes the image (B, 3, H, W), sRGB in [0, 1], for: RGB of H/2, H/4, H/8. Nothing else reads this but training."""
        hidden, rgbs = F.silu(self.conv_in(image)), []
        for k, block in enumerate(self.blocks):
            hidden = F.silu(block(hidden))
            if k % 2:
                rgbs.append(self.to_rgbs[k // 2](hidden))
        return rgbs


class PASDControlNet(ControlNetModel):
    """The ControlNet of an official configuration, random weights: diffusers' own but for the heads in its condition embedding.

    Condition images are (B, 3, 8h, 8w), sRGB in [0, 1], for latents (B, 4, h, w).
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(**_known(ControlNetModel, config))
        widths = self.config.conditioning_embedding_out_channels
        self.controlnet_cond_embedding = ConditionEmbedding(self.config.block_out_channels[0], widths)


def load_pasd_unet(
    source: Path | Mapping[str, Tensor],
    config: Mapping[str, Any],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PASDUNet:
    """PASD's UNet, frozen, from an official checkpoint file or its state dict; `config` is its config.json.

    Raises CheckpointError when names or shapes differ.
    """
    with torch.device("meta"):
        network = PASDUNet(config)
    return fill(network, read_weights(source), device=device, dtype=dtype)


def load_pasd_controlnet(
    source: Path | Mapping[str, Tensor],
    config: Mapping[str, Any],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PASDControlNet:
    """PASD's ControlNet in the same way."""
    with torch.device("meta"):
        network = PASDControlNet(config)
    return fill(network, read_weights(source), device=device, dtype=dtype)


@dataclass(frozen=True)
class PASDNetworks:
    """The two networks of PASD, which see the same text."""

    unet: PASDUNet
    controlnet: PASDControlNet

    def noise(self, z: Tensor, t: Tensor, text_states: Tensor, image: Tensor, control_scale: float = 1.0) -> Tensor:
        """Predicted noise (B, 4, h, w) of latents z (B, 4, h, w) at timestep t.

        Args:
            text_states: (B, tokens, 768), of the prior's text encoder.
            image: (B, 3, 8h, 8w), the LQ at output size, sRGB in [0, 1].
            control_scale: `conditioning_scale` of the official code; it scales the skips' residuals and the pixel attentions' keys.
        """
        down, mid = self.controlnet(z, t, text_states, image, conditioning_scale=control_scale, return_dict=False)
        return self.unet(z, t, text_states, down, mid, return_dict=False)[0]


def _has_text(block: nn.Module) -> bool:
    return getattr(block, "has_cross_attention", False)


def _known(network: type[nn.Module], config: Mapping[str, Any]) -> dict[str, Any]:
    """What of an official configuration diffusers' class takes: `return_rgbs` and the like are not its own."""
    return {key: value for key, value in config.items() if key in inspect.signature(network.__init__).parameters}
