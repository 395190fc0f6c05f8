"""The tiny networks of the PASD fixtures."""

from typing import Any

import torch
from reference import facts, tensors

from rapsr_core.hosts.networks.pasd import PASDNetworks, load_pasd_controlnet, load_pasd_unet


def config(name: str) -> dict[str, Any]:
    """Configuration of a fixture's network; what is not in it is the class default."""
    return {key: value for key, value in facts(name)["config"].items() if key != "other"}


def pasd(dtype: torch.dtype = torch.float32) -> PASDNetworks:
    """UNet and ControlNet."""
    unet, controlnet = "pasd_unet_a", "pasd_controlnet_a"
    return PASDNetworks(
        load_pasd_unet(tensors(unet, "weights"), config(unet), dtype=dtype),
        load_pasd_controlnet(tensors(controlnet, "weights"), config(controlnet), dtype=dtype),
    )
