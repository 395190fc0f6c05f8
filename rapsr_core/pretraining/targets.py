"""Targets of mixed quality, as a web-scale pool has them: this is what leaves a prior room for RPR and ROPO.

Half of the targets stay as they are; the others get one of the faults below. The name of the fault chooses the words a
caption may use for it.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from rapsr_core.degradation import degrade, preset
from rapsr_core.training.cache import Targets
from rapsr_core.training.faults import add_blur, add_jpeg, add_noise, add_resampling

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


def _mixed(crop: Tensor, rng: np.random.Generator) -> Tensor:
    return degrade(crop, preset("seesr_mild"), [int(rng.integers(2**31))], resize_back=True).image


_FAULTS = {"blur": add_blur, "resampled": add_resampling, "noise": add_noise, "jpeg": add_jpeg, "mixed": _mixed}

MIXED_QUALITY = Targets("degrade_target", degrade_target, reduced_share=1 / 3, reduction=(1.0, 2.0))
