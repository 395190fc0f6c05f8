"""Targets of mixed quality, as a web-scale pool has them: this is what leaves a prior room for RPR and ROPO.

Half of the targets stay as they are; the others get one of the faults below. The name of the fault chooses the words a
caption may use for it.
"""

from __future__ import annotations

import io

import numpy as np
import torch
import torchvision.transforms.v2.functional as TF
from PIL import Image
from torch import Tensor

from rapsr_core.degradation import degrade, preset
from rapsr_core.images import read, resize, to_uint8
from rapsr_core.training.cache import Targets

WORDS = {
    "good": (
        "sharp, clean, high quality",
        "crisp and detailed",
        "high resolution, 8k",
        "clean, sharp focus, best quality",
    ),
    "blur": ("blurry", "out of focus, soft", "blurred, low quality"),
    "resampled": ("low resolution", "low quality, soft", "upscaled, low resolution"),
    "noise": ("noisy", "grainy, noisy, low quality", "film grain"),
    "jpeg": ("jpeg artifacts", "compressed, low quality", "blocky, compression artifacts"),
    "mixed": ("low quality, degraded", "bad quality, blurry, noisy", "low quality, low resolution"),
}
"""Quality words by fault. A caption that tells the truth takes them from its own row, a wrong one from another side."""


def degrade_target(crop: Tensor, rng: np.random.Generator) -> tuple[Tensor, str]:
    """(1, 3, H, W) in [0, 1] -> the target and the name of its fault, a key of WORDS."""
    if rng.random() < 0.5:
        return crop, "good"
    fault = ("blur", "resampled", "noise", "jpeg", "mixed")[int(rng.integers(5))]
    return _FAULTS[fault](crop, rng), fault


def _blur(crop: Tensor, rng: np.random.Generator) -> Tensor:
    return TF.gaussian_blur(crop, kernel_size=[13, 13], sigma=[float(rng.uniform(0.6, 2.2))]).clamp(0, 1)


def _resampled(crop: Tensor, rng: np.random.Generator) -> Tensor:
    height, width = crop.shape[-2:]
    factor = rng.uniform(1.4, 3.0)
    return resize(resize(crop, (round(height / factor), round(width / factor))), (height, width))


def _noise(crop: Tensor, rng: np.random.Generator) -> Tensor:
    channels = 1 if rng.random() < 0.4 else 3
    noise = rng.standard_normal((1, channels, *crop.shape[-2:]), dtype=np.float32)
    return (crop + torch.from_numpy(noise) * float(rng.uniform(3, 16)) / 255).clamp(0, 1)


def _jpeg(crop: Tensor, rng: np.random.Generator) -> Tensor:
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(crop)).save(buffer, "JPEG", quality=int(rng.integers(20, 70)))
    return read(buffer.getvalue())


def _mixed(crop: Tensor, rng: np.random.Generator) -> Tensor:
    return degrade(crop, preset("seesr_mild"), [int(rng.integers(2**31))], resize_back=True).image


_FAULTS = {"blur": _blur, "resampled": _resampled, "noise": _noise, "jpeg": _jpeg, "mixed": _mixed}

MIXED_QUALITY = Targets("degrade_target", degrade_target, reduced_share=1 / 3, reduction=(1.0, 2.0))
