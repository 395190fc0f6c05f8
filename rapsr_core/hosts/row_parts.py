"""What rows of the table of hosts share: weights, settings, and a function of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapsr_core.hosts.info import Setting, same
from rapsr_core.hosts.prompting import diffbir
from rapsr_core.sampling import official_tiling
from rapsr_core.sampling.guidance import constant_or_rising
from rapsr_core.weights import Weights

TILE_REPOSITORY = "lllyasviel/control_v11f1e_sd15_tile"
SEESR_REPOSITORY = "CSWRY/SeeSR"
PASD_REPOSITORY = "yangtao9009/PASD"
RAM_DATA = "https://github.com/cswry/SeeSR/raw/main/ram/data"

RAM = (
    Weights(
        "RAM",
        "ram/ram_swin_large_14m.pth",
        5.6,
        "Apache-2.0",
        (("xinyu1205/recognize_anything_model", "ram_swin_large_14m.pth"),),
    ),
    Weights("RAM tags", "ram/ram_tag_list.txt", 0.0, "Apache-2.0", url=f"{RAM_DATA}/ram_tag_list.txt"),
    Weights("RAM thresholds", "ram/ram_tag_list_threshold.txt", 0.0, "Apache-2.0", url=f"{RAM_DATA}/ram_tag_list_threshold.txt"),
)
"""The tagger that DAPE changes; SeeSR keeps a copy of its lists."""

CONTROL_SCALE = Setting("control_scale", "Control scale", 1.0, 0.0, 2.0, 0.05, "Weight of the ControlNet's residuals.")


def sixteen_at_the_end(steps: int) -> list[int]:
    """The embedded host: its last step is a mean over all offsets of the codec's 4x4 blocks."""
    return [1] * (steps - 1) + [16]


def model_folder(name: str, path: str, size_gb: float, licence: str, repository: str, folder: str) -> tuple[Weights, ...]:
    """A diffusers model of a hub repository: its weights (`name`) and its configuration, to lie together in `path`."""
    parts = ((name, "diffusion_pytorch_model.safetensors", size_gb), (f"{name} configuration", "config.json", 0.0))
    return tuple(
        Weights(what, f"{path}/{file}", size, licence, ((repository, f"{folder}/{file}"),)) for what, file, size in parts
    )


START_FROM_PICTURE = Setting(
    "start_from_picture", "Start from the picture", 0, 0, 1, 1,
    "0 = from noise alone, as published; 1 = from the noised latent of what it is conditioned on, steadier and with less detail.",
)  # fmt: skip

ON_DIFFBIR = "LoRA, full or delta of SD 2.1-base, whose UNet it is; IRControlNet is never touched, and reads the identifiers too"

DIFFBIR: Mapping[str, Any] = {
    "prior": "sd21-base",
    "steps": 50,
    "positive": "",
    "scheduler": "DDPM, respaced: evenly from t = 999 to 0",
    "start": "noise",
    "colour_fix": "wavelet",
    "takes_guide": True,
    "pass_seconds": 8.0,
    "passes": same(1),
    "guidance": constant_or_rising,
    "guidance_settings": ("rising_guidance",),
    "code_licence": "Apache-2.0",
    "weights_licence": "Apache-2.0",
    "module": "rapsr_core.hosts.diffbir",
    "parity": "networks, sampler, guidance, tiles, colour fix and texts against the official code's (random weights). Not compared: "
    "trained weights; edges are padded by repetition, not black. Not built: its cleaners (v1 SwinIR, v2 BSRNet); Real-ESRGAN stands in",
    "settings": (
        Setting("control_scale", "Control scale", 1.0, 0.0, 2.0, 0.05, "Weight of IRControlNet's residuals; less invents more."),
        Setting(
            "rising_guidance", "Rising guidance", 0, 0, 1, 1,
            "1 = guidance grows from 1 to 1 + its scale over the steps, late and steeply; 0 = the same at every step, as published.",
        ),
        START_FROM_PICTURE,
    ),
    "captions": "nobody",
    "prompt": diffbir,
    "tiling": official_tiling.DIFFBIR,
    "tile_px": 512,
}  # fmt: skip
"""What both versions share. v1: the first release's inference.py; v2: README.md, "ECCV paper version"."""


def ircontrolnet(name: str, file: str) -> Weights:
    """A file of DiffBIR's repository."""
    return Weights(name, f"diffbir/{file}", 1.5, "Apache-2.0", (("lxq007/DiffBIR-v2", file),))
