"""Names of Stable Diffusion's weights, diffusers <-> LDM (the original code, whose checkpoints ComfyUI and others read).

The names follow from a few rules and from how many blocks a network has, which its names themselves tell: no list is stored.
LDM numbers the parts of each half of the UNet through (per level its layers, then the downsampler or, inside the last layer's
number, the upsampler); diffusers numbers levels and layers. Names here are without the checkpoint prefixes below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."

_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "mid_block.attentions.0": "middle_block.1",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
"""Modules outside the numbered levels, diffusers -> LDM. Below an attention block both sides use the same names."""

_UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
    "conv2.spade": "spade",  # StableSR's alone (hosts/networks/stablesr.py)
}

_VAE_ENDS = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}

_VAE_HALF_ENDS = {
    "conv_in": "conv_in",
    "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
    "mid_block.attentions.0.to_q": "mid.attn_1.q",
    "mid_block.attentions.0.to_k": "mid.attn_1.k",
    "mid_block.attentions.0.to_v": "mid.attn_1.v",
    "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
    "conv_norm_out": "norm_out",
    "conv_out": "conv_out",
}
"""The same in encoder and decoder. LDM keeps the attention weights as 1x1 convolutions: (n, n, 1, 1), diffusers (n, n)."""

_VAE_RESNET = {"norm1": "norm1", "conv1": "conv1", "norm2": "norm2", "conv2": "conv2", "conv_shortcut": "nin_shortcut"}


def unet_to_ldm(names: Iterable[str]) -> dict[str, str]:
    """Diffusers name -> LDM name of a UNet's weights. Raises ValueError for a network that is not Stable Diffusion's."""
    names = list(names)
    levels = 1 + _number(r"down_blocks\.(\d+)\.", names)
    layers = 1 + _number(r"down_blocks\.0\.resnets\.(\d+)\.", names)
    return _renamed(names, _unet_modules(levels, layers, _numbers(r"up_blocks\.(\d+)\.attentions\.", names)))


def unet_from_ldm(names: Iterable[str], others: Mapping[str, str] | None = None) -> dict[str, str]:
    """LDM name -> diffusers name of a UNet's weights, the inverse of `unet_to_ldm`; or of a UNet's first half (a ControlNet).

    `others`: LDM -> diffusers module names of what a host's network has besides.
    """
    names = list(names)
    parts = _number(r"input_blocks\.(\d+)\.0\.op\.", names, of=min)  # a level's layers and its downsampler
    levels = (1 + _number(r"input_blocks\.(\d+)\.", names)) // parts
    attention = {number // parts for number in _numbers(r"output_blocks\.(\d+)\.1\.transformer_blocks\.", names)}
    return _renamed(names, _inverse(_unet_modules(levels, parts - 1, attention)) | dict(others or {}))


def resnet_from_ldm(theirs: str, ours: str) -> dict[str, str]:
    """LDM -> diffusers module names of one residual block of a UNet that is called `theirs` and `ours`."""
    return _inverse(_below(ours, theirs, _UNET_RESNET))


def vae_to_ldm(names: Iterable[str]) -> dict[str, str]:
    """Diffusers name -> LDM name of a VAE's weights. Raises ValueError for a network that is not Stable Diffusion's."""
    names = list(names)
    layers = 1 + _number(r"encoder\.down_blocks\.0\.resnets\.(\d+)\.", names)
    return _renamed(names, _vae_modules(1 + _number(r"encoder\.down_blocks\.(\d+)\.", names), layers))


def vae_from_ldm(names: Iterable[str]) -> dict[str, str]:
    """LDM name -> diffusers name of a VAE's weights; the inverse of `vae_to_ldm`."""
    names = list(names)
    layers = 1 + _number(r"encoder\.down\.0\.block\.(\d+)\.", names)
    return _renamed(names, _inverse(_vae_modules(1 + _number(r"encoder\.down\.(\d+)\.", names), layers)))


def _unet_modules(levels: int, layers: int, attention_up: set[int]) -> dict[str, str]:
    """Module names, diffusers -> LDM. An upsampler is third in its LDM block where attention comes before it, else second."""
    modules = _UNET_ENDS | _below("mid_block.resnets.0", "middle_block.0", _UNET_RESNET)
    modules |= _below("mid_block.resnets.1", "middle_block.2", _UNET_RESNET)
    parts = layers + 1
    for level in range(levels):
        down, up = f"down_blocks.{level}", f"up_blocks.{level}"
        for layer in range(layers):
            block = f"input_blocks.{1 + level * parts + layer}"
            modules |= _below(f"{down}.resnets.{layer}", f"{block}.0", _UNET_RESNET)
            modules[f"{down}.attentions.{layer}"] = f"{block}.1"
        modules[f"{down}.downsamplers.0.conv"] = f"input_blocks.{(level + 1) * parts}.0.op"
        for layer in range(parts):
            block = f"output_blocks.{level * parts + layer}"
            modules |= _below(f"{up}.resnets.{layer}", f"{block}.0", _UNET_RESNET)
            if level in attention_up:
                modules[f"{up}.attentions.{layer}"] = f"{block}.1"
        modules[f"{up}.upsamplers.0.conv"] = f"{block}.{2 if level in attention_up else 1}.conv"
    return modules


def _vae_modules(levels: int, layers: int) -> dict[str, str]:
    """Module names, diffusers -> LDM. LDM counts the decoder's levels from the output."""
    modules = dict(_VAE_ENDS)
    for half in ("encoder", "decoder"):
        modules |= _below(half, half, _VAE_HALF_ENDS)
        for layer in range(2):
            modules |= _below(f"{half}.mid_block.resnets.{layer}", f"{half}.mid.block_{layer + 1}", _VAE_RESNET)
    for level in range(levels):
        down, ldm_down = f"encoder.down_blocks.{level}", f"encoder.down.{level}"
        up, ldm_up = f"decoder.up_blocks.{level}", f"decoder.up.{levels - 1 - level}"
        for layer in range(layers):
            modules |= _below(f"{down}.resnets.{layer}", f"{ldm_down}.block.{layer}", _VAE_RESNET)
        for layer in range(layers + 1):
            modules |= _below(f"{up}.resnets.{layer}", f"{ldm_up}.block.{layer}", _VAE_RESNET)
        modules[f"{down}.downsamplers.0"] = f"{ldm_down}.downsample"
        modules[f"{up}.upsamplers.0"] = f"{ldm_up}.upsample"
    return modules


def _below(ours: str, theirs: str, modules: Mapping[str, str]) -> dict[str, str]:
    return {f"{ours}.{one}": f"{theirs}.{other}" for one, other in modules.items()}


def _inverse(modules: Mapping[str, str]) -> dict[str, str]:
    return {theirs: ours for ours, theirs in modules.items()}


def _renamed(names: Iterable[str], modules: Mapping[str, str]) -> dict[str, str]:
    """Every name with the module that leads it replaced. Raises ValueError for a name no module leads."""
    renamed = {}
    for name in names:
        parts = name.split(".")
        leading = (".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
        module = next((module for module in leading if module in modules), None)
        if module is None:
            raise ValueError(f"weight {name!r} has no other name: only those of Stable Diffusion 1.x and 2.x have")
        renamed[name] = modules[module] + name[len(module) :]
    return renamed


def _numbers(pattern: str, names: Iterable[str]) -> set[int]:
    return {int(match[1]) for name in names if (match := re.match(pattern, name))}


def _number(pattern: str, names: list[str], of: Callable[[set[int]], int] = max) -> int:
    """The greatest number (or the least, `of=min`) at the group of the pattern."""
    numbers = _numbers(pattern, names)
    if not numbers:
        raise ValueError(
            f"no weight is named like {pattern!r} (first of {len(names)}: {names[:1]}): not Stable Diffusion's names"
        )
    return of(numbers)
