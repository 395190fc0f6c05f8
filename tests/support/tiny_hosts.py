"""Every host on a tiny prior of random weights, built of the real classes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from peft import LoraConfig, inject_adapter_in_model
from tiny_priors import save_tiny, tiny_controlnet

from rapsr_core.device import Device
from rapsr_core.hosts.controlnet_tile import ControlNetTileHost
from rapsr_core.hosts.networks.osediff import NOT_ADAPTED, UNET_ADAPTERS, VAE_ADAPTERS
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.hosts.x4_upscaler import X4UpscalerHost
from rapsr_core.priors import Prior, load_prior
from rapsr_core.sampling.contract import Host

FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


def _x4_upscaler(folder: Path) -> Host:
    return X4UpscalerHost(load_prior(save_tiny("x4-upscaler", folder)), FLOAT32)


def _controlnet_tile(folder: Path) -> Host:
    prior: Prior = load_prior(save_tiny("sd15", folder))
    return ControlNetTileHost(prior, tiny_controlnet(prior.unet), FLOAT32)


def _adapted(network: torch.nn.Module, adapters: Mapping[str, str]) -> torch.nn.Module:
    """The network with peft's adapters of random weights in these parts, as OSEDiff's official code adds them."""
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)]
    for adapter in sorted(set(adapters.values())):
        targets = [n for n, _ in layers if adapters.get(n.partition(".")[0]) == adapter and NOT_ADAPTED not in n]
        inject_adapter_in_model(LoraConfig(r=4, target_modules=targets), network, adapter)
    for name, parameter in network.named_parameters():
        if "lora" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return network


def osediff_file(prior: Prior, path: Path) -> Path:
    """An official checkpoint for a tiny prior, with its own conv_in; names and selection are those of the official training code."""
    torch.manual_seed(3)
    unet = _adapted(copy.deepcopy(prior.unet), UNET_ADAPTERS)
    vae = _adapted(copy.deepcopy(prior.autoencoder.vae), VAE_ADAPTERS)
    torch.nn.init.normal_(unet.conv_in.base_layer.weight, std=0.2)
    state_dict = {name: p.detach() for name, p in unet.named_parameters() if "lora" in name or "conv_in" in name}
    adapters = {name: p.detach() for name, p in vae.named_parameters() if "lora" in name}
    torch.save({"state_dict_unet": state_dict, "rank_unet": 4, "state_dict_vae": adapters, "rank_vae": 4}, path)
    return path


def _osediff(folder: Path) -> Host:
    prior = load_prior(save_tiny("sd21", folder))
    return HOSTS["osediff"].build(prior, {"OSEDiff": osediff_file(prior, folder / "osediff.pkl")}, FLOAT32)


TINY_HOSTS: dict[str, Callable[[Path], Host]] = {
    "x4-upscaler": _x4_upscaler,
    "controlnet-tile": _controlnet_tile,
    "osediff": _osediff,
}
"""Host name -> builder; the folder is for its prior. The embedded host has fixtures of its own."""
