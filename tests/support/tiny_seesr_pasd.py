"""Files of SeeSR and PASD under their official names, tiny and random, as a weights folder would hold them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from reference import tensors
from safetensors.torch import save_file
from torch import Tensor, nn

from rapsr_core.hosts.networks.pasd import PASDControlNet, PASDUNet
from rapsr_core.hosts.networks.seesr import seesr_controlnet, seesr_unet
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.priors.checkpoints import below

SAMPLE_SIZE = 8
"""Sites a side that the networks are said to have been trained on: pictures below 64 px (PASD: 96) are enlarged further."""

ZEROED = ("controlnet_down_blocks", "controlnet_mid_block", "controlnet_cond_embedding.conv_out")
"""What a ControlNet begins its training with as zeros, hence would do nothing here."""


def write_seesr(folder: Path, vanilla: UNet2DConditionModel) -> dict[str, Path]:
    """SeeSR on a UNet's configuration, and the tagger of its fixture. Files by the names of the host's row."""
    config = {**vanilla.config, "sample_size": SAMPLE_SIZE, "use_image_cross_attention": True}
    torch.manual_seed(1)
    files = _placed(folder, "seesr")
    _write(files["SeeSR UNet"], seesr_unet(config), config)
    _write(files["SeeSR ControlNet"], seesr_controlnet(_control(config)), _control(config))
    weights = tensors("dape_a", "weights")
    torch.save({"model": below(weights, "ram/")}, files["RAM"])
    torch.save(below(weights, "dape/"), files["DAPE"])
    files["RAM tags"].write_text("".join(f"tag {k}\n" for k in range(10)))
    files["RAM thresholds"].write_text("0.5\n" * 10)
    return files


def write_pasd(folder: Path, vanilla: UNet2DConditionModel) -> dict[str, Path]:
    """PASD in the same way."""
    torch.manual_seed(1)
    files = _placed(folder, "pasd")
    config = {**vanilla.config, "sample_size": SAMPLE_SIZE}
    _write(files["PASD UNet"], PASDUNet(config), config)
    config = _control(vanilla.config) | {"return_rgbs": True, "use_rrdb": False}
    _write(files["PASD ControlNet"], PASDControlNet(config), config)
    return files


def _placed(folder: Path, host: str) -> dict[str, Path]:
    files = {weights.name: folder / weights.path for weights in HOSTS[host].weights}
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    return files


def _control(config: Any) -> dict[str, Any]:
    """Of a ControlNet that sees 8 px a site."""
    known = ControlNetModel.__init__.__wrapped__.__code__.co_varnames
    shared = {name: value for name, value in config.items() if name in (*known, "use_image_cross_attention")}
    return shared | {"conditioning_embedding_out_channels": [8, 8, 8, 8]}


def _write(file: Path, network: nn.Module, config: dict[str, Any]) -> None:
    weights: dict[str, Tensor] = {}
    for name, weight in network.state_dict().items():
        official = re.sub(r"\.attentions\.(\d+)\.image\.", r".image_attentions.\1.", name)
        weights[official] = torch.randn_like(weight) * 0.2 if name.startswith(ZEROED) else weight.contiguous()
    save_file(weights, file)
    (file.parent / "config.json").write_text(json.dumps({k: v for k, v in config.items() if not k.startswith("_")}))
