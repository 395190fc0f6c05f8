"""Every host on a tiny prior of random weights, built of the real classes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import tiny_ldm
import torch
from tiny_osediff import save_osediff
from tiny_priors import save_sd15_f8, save_sd21_base, save_tiny, tiny_controlnet
from tiny_seesr_pasd import write_pasd, write_seesr

from rapsr_core.device import Device
from rapsr_core.hosts.controlnet_tile import ControlNetTileHost
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.hosts.x4_upscaler import X4UpscalerHost
from rapsr_core.priors import Prior, load_prior
from rapsr_core.sampling.contract import Host

FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


def _x4_upscaler(folder: Path) -> Host:
    return X4UpscalerHost(load_prior(save_tiny("x4-upscaler", folder)), FLOAT32)


def _controlnet_tile(folder: Path) -> Host:
    prior: Prior = load_prior(save_sd15_f8(folder))
    return ControlNetTileHost(prior, tiny_controlnet(prior.unet, prior.autoencoder.block_px), FLOAT32)


def _seesr(folder: Path) -> Host:
    prior = load_prior(save_sd21_base(folder))
    return HOSTS["seesr"].build(prior, write_seesr(folder / "weights", prior.unet), FLOAT32)


def _pasd(folder: Path) -> Host:
    prior = load_prior(save_sd15_f8(folder))
    return HOSTS["pasd"].build(prior, write_pasd(folder / "weights", prior.unet), FLOAT32)


def _osediff(folder: Path) -> Host:
    prior = load_prior(save_sd21_base(folder))
    return HOSTS["osediff"].build(prior, {"OSEDiff": save_osediff(prior, folder / "osediff.pkl")}, FLOAT32)


TINY_HOSTS: dict[str, Callable[[Path], Host]] = {
    "x4-upscaler": _x4_upscaler,
    "controlnet-tile": _controlnet_tile,
    "seesr": _seesr,
    "pasd": _pasd,
    "osediff": _osediff,
    **{name: functools.partial(tiny_ldm.host, name=name) for name in ("stablesr", "diffbir-v1", "diffbir-v2")},
}
"""Host name -> builder; the folder is for its prior. The embedded host has fixtures of its own."""
