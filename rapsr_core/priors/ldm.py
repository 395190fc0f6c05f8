"""Stable Diffusion from the original code's checkpoint (.ckpt or safetensors with LDM names): UNet and VAE.

The text encoder under `cond_stage_model.` (OpenCLIP's names for 2.x) is not read: it is the same frozen one in every file, and
comes with the tokenizer from a diffusers folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from rapsr_core.priors.autoencoder import AutoencoderCodec
from rapsr_core.priors.checkpoints import below, fill, read_weights
from rapsr_core.priors.loading import Prior, fingerprint
from rapsr_core.priors.naming import UNET_PREFIX, VAE_PREFIX, unet_from_ldm, vae_from_ldm

SD21_BASE_UNET: Mapping[str, Any] = MappingProxyType(
    {
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280, 1280),
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),  # diffusers' old misnomer: the number of heads
        "use_linear_projection": True,
    }
)
"""What differs from diffusers' defaults in the UNet of Stable Diffusion 2.1-base (its `unet/config.json`)."""

SD_VAE: Mapping[str, Any] = MappingProxyType(
    {
        "sample_size": 512,
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
    }
)
"""The same for the VAE of Stable Diffusion 1.x and 2.x; the scaling factor is the default, 0.18215."""


def load_ldm_unet(
    source: Path | Mapping[str, Tensor],
    config: Mapping[str, Any] = SD21_BASE_UNET,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> UNet2DConditionModel:
    """UNet from what a checkpoint has under `model.diffusion_model.`, or from a file of a UNet alone.

    Raises ValueError when the weights are not, name by name and shape by shape, those of a UNet of this configuration.
    """
    weights = below(read_weights(source), UNET_PREFIX)
    names = unet_from_ldm(weights)
    renamed = {names[name]: weight for name, weight in weights.items()}
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(dict(config))
    return fill(unet, renamed, device=device, dtype=dtype)


def load_ldm_vae(
    source: Path | Mapping[str, Tensor],
    config: Mapping[str, Any] = SD_VAE,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> AutoencoderKL:
    """VAE from what a checkpoint has under `first_stage_model.`, or from a file of a VAE alone.

    Raises ValueError when the weights are not, name by name and shape by shape, those of a VAE of this configuration.
    """
    weights = below(read_weights(source), VAE_PREFIX)
    names = vae_from_ldm(weights)
    renamed = {names[name]: _linear(names[name], weight) for name, weight in weights.items()}
    with torch.device("meta"):
        vae = AutoencoderKL.from_config(dict(config))
    return fill(vae, renamed, device=device, dtype=dtype)


def _linear(name: str, weight: Tensor) -> Tensor:
    """LDM keeps the attention's linear layers as 1x1 convolutions."""
    return weight.flatten(1) if ".attentions." in name and weight.ndim == 4 else weight


def with_ldm_weights(prior: Prior, source: Path | Mapping[str, Tensor]) -> Prior:
    """The prior with UNet and VAE of a checkpoint of its kind; text encoder, tokenizer and scheduler stay. It has a new fingerprint.

    Raises ValueError for the embedded kind and for weights of another kind than the prior's.
    """
    weights, old = read_weights(source), prior.autoencoder.vae
    unet = load_ldm_unet(weights, prior.unet.config, device=prior.unet.device, dtype=prior.unet.dtype)
    vae = load_ldm_vae(weights, old.config, device=old.device, dtype=old.dtype)
    unet.to(memory_format=torch.channels_last)
    return replace(prior, unet=unet, codec=AutoencoderCodec(vae), fingerprint=fingerprint(unet, *prior.text.encoders))
