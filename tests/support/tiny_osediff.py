"""OSEDiff's checkpoint for tiny networks: of the fixture, and of a tiny prior as its official training code would save it."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig, inject_adapter_in_model
from reference import facts, tensors
from torch import nn

from rapsr_core.hosts.networks.osediff import HOST_ONLY, NOT_ADAPTED, UNET_ADAPTERS, VAE_ADAPTERS, OSEDiffCheckpoint
from rapsr_core.priors import Prior
from rapsr_core.priors.checkpoints import fill

FIXTURE = "osediff_unet_a"


def host_only(name: str) -> bool:
    return any(re.search(pattern, name) for pattern in HOST_ONLY.values())


def fixture_checkpoint() -> OSEDiffCheckpoint:
    """What the official file would hold: adapters and its own conv_in."""
    return OSEDiffCheckpoint({name: w for name, w in tensors(FIXTURE, "weights").items() if host_only(name)}, 4, {}, 4)


def fixture_prior(dtype: torch.dtype = torch.float32) -> UNet2DConditionModel:
    """The fixture's UNet without adapters; its conv_in is a new one, as the fixture does not tell the prior's."""
    weights = {name.replace(".base_layer", ""): w for name, w in tensors(FIXTURE, "weights").items() if "lora" not in name}
    generator = torch.Generator().manual_seed(5)
    weights |= {name: torch.randn(weights[name].shape, generator=generator) for name in ("conv_in.weight", "conv_in.bias")}
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(facts(FIXTURE)["config"])
    return fill(unet, weights, device="cpu", dtype=dtype)


def save_osediff(prior: Prior, path: Path) -> Path:
    """An official checkpoint for a tiny prior, with its own conv_in; names and selection are those of the official training code."""
    torch.manual_seed(3)
    unet = _adapted(copy.deepcopy(prior.unet), UNET_ADAPTERS)
    vae = _adapted(copy.deepcopy(prior.autoencoder.vae), VAE_ADAPTERS)
    nn.init.normal_(unet.conv_in.base_layer.weight, std=0.2)
    state_dict = {name: p.detach() for name, p in unet.named_parameters() if "lora" in name or "conv_in" in name}
    adapters = {name: p.detach() for name, p in vae.named_parameters() if "lora" in name}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict_unet": state_dict, "rank_unet": 4, "state_dict_vae": adapters, "rank_vae": 4}, path)
    return path


def _adapted(network: nn.Module, adapters: Mapping[str, str]) -> nn.Module:
    """The network with peft's adapters of random weights in these parts, as the official code adds them."""
    layers = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    for adapter in sorted(set(adapters.values())):
        targets = [n for n in layers if adapters.get(n.partition(".")[0]) == adapter and NOT_ADAPTED not in n]
        inject_adapter_in_model(LoraConfig(r=4, target_modules=targets), network, adapter)
    for name, parameter in network.named_parameters():
        if "lora" in name:
            nn.init.normal_(parameter, std=0.02)
    return network
