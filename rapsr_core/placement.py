"""Where a host's networks lie while it runs: on the device, or, where they do not fit, on it only while they are used.

diffusers' `enable_model_cpu_offload` on our modules, with the same hooks of accelerate: text encoders, then the UNet, then the codec come
to the device when they are called, each sending away the one before. What else a host has (a ControlNet) runs beside the UNet at every step
and stays on the device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import cpu_offload_with_hook
from torch import nn

from rapsr_core.device import Device
from rapsr_core.priors import Prior
from rapsr_core.priors.autoencoder import AutoencoderCodec
from rapsr_core.sampling.contract import Host

RESIDENT_SHARE = 0.6
"""Of the free memory that weights may take; the rest is for the run."""


@dataclass(frozen=True)
class Placement:
    """`offload`: networks take turns on the device. `half`: the UNet's weights are kept in the device's arithmetic."""

    offload: bool
    half: bool
    reason: str


def choose_placement(weight_bytes: int, free_bytes: int, device: Device) -> Placement:
    """On the processor nothing is moved. On CUDA the UNet is kept in half precision, and networks take turns where all do not fit.

    The codec stays in float32: in fp16 its activations overflow, and the picture is black.
    """
    if device.device.type != "cuda":
        return Placement(False, False, "weights stay in memory in float32")
    sizes = f"{weight_bytes / 1e9:.1f} GB of weights, {free_bytes / 1e9:.1f} GB free"
    if weight_bytes > RESIDENT_SHARE * free_bytes:
        return Placement(True, True, f"text encoder, UNet and codec take turns on the GPU: {sizes}")
    return Placement(False, True, f"all networks stay on the GPU: {sizes}")


def weight_bytes(host: Host, prior: Prior) -> int:
    """Of everything a host runs."""
    return sum(p.numel() * p.element_size() for module in _networks(host, prior) for p in module.parameters())


def place(host: Host, prior: Prior, device: Device, placement: Placement) -> Callable[[], None]:
    """Bring a host's networks where `placement` says, convolutions in channels-last order; the UNet is compiled where the device says so.

    Returns what a run calls at its end, however it ends: networks that take turns leave the device. (accelerate looks at the first weight
    alone to see where a network is, and a refinement that is taken out leaves its own weights elsewhere.)
    """
    for codec in codecs(host):
        codec.preview(torch.zeros(1, codec.channels, 1, 1))  # fits its colours while everything is in one place
    if placement.half:
        host.unet.to(device.dtype)
    chain = _in_turn(host, prior) if placement.offload else []
    for network in _networks(host, prior):
        network.to(memory_format=torch.channels_last)
        if not any(network is one for one in chain):
            network.to(device.device)
    hook = None
    for network in chain:
        _, hook = cpu_offload_with_hook(network, device.device, hook)
    if device.compile:
        host.unet.compile(dynamic=True)

    def rest() -> None:
        for network in chain:
            network.to("cpu")

    return rest


def codecs(host: Host) -> list[AutoencoderCodec]:
    """The learned codec a host encodes and decodes with, its prior's or its own; none where nothing is learned."""
    return [value for value in vars(host).values() if isinstance(value, AutoencoderCodec)]


def _in_turn(host: Host, prior: Prior) -> list[nn.Module]:
    return [*prior.text.encoders, host.unet, *(codec.vae for codec in codecs(host))]


def _networks(host: Host, prior: Prior) -> list[nn.Module]:
    chain = _in_turn(host, prior)
    own = [value for value in vars(host).values() if isinstance(value, nn.Module)]
    return [*chain, *(network for network in own if all(network is not one for one in chain))]
