"""SeeSR's UNet and ControlNet (Wu et al., CVPR 2024): Stable Diffusion 2's, with a second attention, to an embedding of the image.

Every vanilla weight has its vanilla diffusers name, so that a refinement of SD 2.1-base plugs in by name; an image attention is
held inside the text attention that it follows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from diffusers import ControlNetModel, Transformer2DModel, UNet2DConditionModel
from torch import Tensor

from rapsr_core.priors.checkpoints import Network, fill, read_weights

IMAGE_WIDTH = 512
"""Channels of the image states. Not in the official configuration: fixed in its blocks, in UNet and ControlNet alike."""

IMAGE_TOKENS = "image_states"
"""The cross-attention argument that carries them through diffusers' blocks."""

HOST_ONLY = {"image attention": r"\.attentions\.\d+\.image\."}
"""What of the UNet only SeeSR has, as patterns of our names; a refinement of SD 2.1-base has none of it."""

OFFICIAL_NAMES = (r"\.image_attentions\.(\d+)\.", r".attentions.\1.image.")
"""Official name -> ours, a pattern and its replacement; all other names are the same."""


class TextThenImageAttention(Transformer2DModel):
    """A text attention and, on its output, an image attention of the same size; each adds to its input, there is no gate."""

    def __init__(self, **text: Any) -> None:
        super().__init__(**text)
        self.image = Transformer2DModel(**text | {"cross_attention_dim": IMAGE_WIDTH})

    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        cross_attention_kwargs: Mapping[str, Any],
        return_dict: bool = True,
        **others: Any,
    ) -> Any:
        """hidden_states (B, C, h, w), encoder_hidden_states (B, tokens, width); the image states (B, tokens, 512) are one of
        `cross_attention_kwargs`, the rest of which is the text attention's."""
        rest = dict(cross_attention_kwargs)
        image_states = rest.pop(IMAGE_TOKENS)
        seen = super().forward(hidden_states, encoder_hidden_states, cross_attention_kwargs=rest, return_dict=False, **others)
        return self.image(seen[0], image_states, return_dict=return_dict)


def seesr_unet(config: Mapping[str, Any]) -> UNet2DConditionModel:
    """The UNet of an official configuration, random weights, on torch's current device."""
    return _with_image_attention(UNet2DConditionModel.from_config(_vanilla(config)))


def seesr_controlnet(config: Mapping[str, Any]) -> ControlNetModel:
    """The ControlNet of an official configuration, random weights, on torch's current device."""
    return _with_image_attention(ControlNetModel.from_config(_vanilla(config)))


def load_seesr_unet(
    weights: Mapping[str, Tensor] | Path,
    config: Mapping[str, Any],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> UNet2DConditionModel:
    """SeeSR's UNet, frozen, from an official checkpoint file or its state dict; `config` is its config.json.

    It is called as any diffusers UNet, with `cross_attention_kwargs={"image_states": (B, tokens, 512)}`, which it needs.
    Raises CheckpointError when names or shapes differ.
    """
    with torch.device("meta"):
        network = seesr_unet(config)
    return fill(network, _ours(weights), device=device, dtype=dtype)


def load_seesr_controlnet(
    weights: Mapping[str, Tensor] | Path,
    config: Mapping[str, Any],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ControlNetModel:
    """SeeSR's ControlNet in the same way; its condition image is (B, 3, 8h, 8w), sRGB in [0, 1], for latents (B, 4, h, w)."""
    with torch.device("meta"):
        network = seesr_controlnet(config)
    return fill(network, _ours(weights), device=device, dtype=dtype)


@dataclass(frozen=True)
class SeeSRNetworks:
    """The two networks of SeeSR, which see the same text and image states."""

    unet: UNet2DConditionModel
    controlnet: ControlNetModel

    def noise(
        self, z: Tensor, t: Tensor, text_states: Tensor, image_states: Tensor, image: Tensor, control_scale: float = 1.0
    ) -> Tensor:
        """Predicted noise (B, 4, h, w) of latents z (B, 4, h, w) at timestep t.

        Args:
            text_states: (B, tokens, cross_attention_dim), of the prior's text encoder.
            image_states: (B, tokens, 512), of an ImageReader; the same under every text.
            image: (B, 3, 8h, 8w), the LQ at output size, sRGB in [0, 1].
            control_scale: `conditioning_scale` of the official code, by which the ControlNet's residuals are multiplied.
        """
        seen: dict[str, Any] = {"encoder_hidden_states": text_states, "cross_attention_kwargs": {IMAGE_TOKENS: image_states}}
        down, mid = self.controlnet(z, t, controlnet_cond=image, conditioning_scale=control_scale, return_dict=False, **seen)
        return self.unet(
            z, t, down_block_additional_residuals=down, mid_block_additional_residual=mid, return_dict=False, **seen
        )[0]


@dataclass(frozen=True)
class ImageReading:
    """What SeeSR reads in the LQ image: `states` (B, tokens, 512), and for each image its `tags`, which lead the prompt."""

    states: Tensor
    tags: Sequence[Sequence[str]]


class ImageReader(Protocol):
    """Who reads the LQ: DAPE as published (dape.py). Once per image: all tiles and both branches see the same states."""

    def __call__(self, lq: Tensor) -> ImageReading:
        """Read images (B, 3, h, w), sRGB in [0, 1]."""


def _vanilla(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "use_image_cross_attention"}


def _with_image_attention(network: Network) -> Network:
    """The network with each text attention replaced by one that an image attention follows; weights are new."""
    texts = [(name, module) for name, module in network.named_modules() if isinstance(module, Transformer2DModel)]
    for name, text in texts:
        settings = {key: value for key, value in text.config.items() if not key.startswith("_")}
        network.set_submodule(name, TextThenImageAttention(**settings))
    return network


def _ours(weights: Mapping[str, Tensor] | Path) -> dict[str, Tensor]:
    named = read_weights(weights) if isinstance(weights, Path) else weights
    return {re.sub(*OFFICIAL_NAMES, name): tensor for name, tensor in named.items()}
