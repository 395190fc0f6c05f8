"""Kinds of prior: what the network is given beside the noisy latent. A kind is one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Takes = Literal["nothing", "guide", "lq"]


@dataclass(frozen=True)
class Kind:
    """`takes`: nothing (text alone), a guide at output size, or a noised LQ at latent size with its noise level."""

    name: str
    label: str
    takes: Takes
    resolution_px: int  # side of a training image unless told otherwise


KINDS = {
    row.name: row
    for row in (
        Kind("embedded", "Embedded prior", "guide", 128),
        Kind("sd", "Stable Diffusion 1.5 or 2.1", "nothing", 512),
        Kind("sdxl", "Stable Diffusion XL", "nothing", 1024),
        Kind("x4-upscaler", "Stable Diffusion x4 upscaler", "lq", 512),
    )
}


def kind_of(unet_config: Mapping[str, Any]) -> Kind:
    """Kind of a diffusers UNet of the Stable Diffusion family. Raises ValueError for one that is none of them."""
    if unet_config["addition_embed_type"] == "text_time":
        return KINDS["sdxl"]
    if unet_config["in_channels"] == unet_config["out_channels"]:
        return KINDS["sd"]
    if unet_config["in_channels"] == unet_config["out_channels"] + 3 and unet_config["num_class_embeds"]:
        return KINDS["x4-upscaler"]
    raise ValueError(
        f"a UNet of {unet_config['in_channels']} input and {unet_config['out_channels']} output channels is no prior known here; "
        f"there are {', '.join(row.label for row in KINDS.values())}"
    )
