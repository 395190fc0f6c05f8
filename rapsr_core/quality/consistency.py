"""Does a result, made small again, give back the picture it was made of? Fidelity where there is no ground truth."""

from __future__ import annotations

import math
import time

import torch.nn.functional as F
from torch import Tensor

from rapsr_core.quality.fidelity import psnr_y
from rapsr_core.quality.scoring import Score

LR_PSNR = "lr_psnr"


def lr_psnr(image: Tensor, lq: Tensor) -> float:
    """LR-PSNR (area), in dB: PSNR-Y of the result reduced by area averaging, against the input.

    `image`: (1, 3, H, W) sRGB in [0, 1], at least as large as `lq`, (1, 3, h, w); infinite when they agree. As in Lugmayr et al.,
    SRFlow, ECCV 2020, section 5.1, which reduces by bicubic; area averaging has no weights to choose. An input with noise or JPEG
    artefacts is given back only by a result that has them too: read it as distance to the input, not to the truth.
    """
    return psnr_y(F.interpolate(image, size=lq.shape[-2:], mode="area"), lq)


def lr_psnr_score(image: Tensor, lq: Tensor) -> Score:
    """`lr_psnr` as a row of scores; an error where the result is smaller than the input, or gives it back exactly."""
    began = time.perf_counter()
    if image.shape[-2] < lq.shape[-2] or image.shape[-1] < lq.shape[-1]:
        sizes = f"the result is {image.shape[-1]} x {image.shape[-2]} px, the input {lq.shape[-1]} x {lq.shape[-2]}"
        return Score(LR_PSNR, None, 0.0, f"LR-PSNR (area) reduces the result to the input; {sizes}")
    value = lr_psnr(image, lq)
    seconds = time.perf_counter() - began
    if not math.isfinite(value):
        return Score(LR_PSNR, None, seconds, "LR-PSNR (area) is infinite: the reduced result equals the input")
    return Score(LR_PSNR, value, seconds)
