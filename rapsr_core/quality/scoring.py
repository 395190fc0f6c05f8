"""Score one image at a time. A metric that cannot be computed says so in its row and stops nothing."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from rapsr_core.quality.fidelity import lpips_network, psnr_y, ssim_y
from rapsr_core.quality.grid import grid_energy
from rapsr_core.quality.natural import NATURAL, Features, NaturalError, natural_score
from rapsr_core.quality.table import METRICS


@dataclass(frozen=True)
class Score:
    """One figure, or the reason why there is none."""

    name: str
    value: float | None
    seconds: float
    error: str | None = None


class ScoreError(RuntimeError):
    """A metric cannot be computed; the message is shown in its row."""


def score(image: Tensor, names: Iterable[str], reference: Tensor | None = None) -> dict[str, Score]:
    """Scores of (1, 3, H, W) sRGB in [0, 1] by metric name; `reference` of the same shape for PSNR, SSIM and LPIPS.

    NIQE, BRISQUE, PIQE and IL-NIQE share their features: the first of them pays for what the others take.
    Names outside METRICS go to pyiqa as they are (with a network: musiq, maniqa, clipiqa, topiq_nr, ...).
    """
    image = image.detach().float().cpu()
    features = Features(image)
    return {name: _timed(name, features, image, reference) for name in names}


def _timed(name: str, features: Features, image: Tensor, reference: Tensor | None) -> Score:
    began = time.perf_counter()
    try:
        value = _value(name, features, image, reference)
    except (ScoreError, NaturalError) as error:
        return Score(name, None, time.perf_counter() - began, str(error))
    if not math.isfinite(value):
        return Score(name, None, time.perf_counter() - began, f"{name} is undefined here ({value}): flat or equal images")
    return Score(name, value, time.perf_counter() - began)


def _value(name: str, features: Features, image: Tensor, reference: Tensor | None) -> float:
    row = METRICS.get(name)
    height, width = image.shape[-2:]
    if row and min(height, width) < row.min_px:
        raise ScoreError(f"{row.label} needs at least {row.min_px} px a side; this image is {width} x {height}")
    if row and row.needs_reference:
        if reference is None:
            raise ScoreError(f"{row.label} compares with a ground truth; none was given")
        if reference.shape != image.shape:
            raise ScoreError(f"{row.label}: image {width} x {height}, ground truth {reference.shape[-1]} x {reference.shape[-2]}")
        return _REFERENCE[name](image, reference.float().cpu())
    if name == "grid":
        return grid_energy(image)
    if name in NATURAL:
        return natural_score(features, name)
    return _no_reference(name, image)


def _lpips(image: Tensor, reference: Tensor) -> float:
    try:
        network = lpips_network()
    except ModuleNotFoundError as error:
        raise ScoreError(f"{error.name} is missing: pip install lpips") from error
    with torch.inference_mode():
        return float(network(image * 2 - 1, reference * 2 - 1))


_REFERENCE: dict[str, Callable[[Tensor, Tensor], float]] = {"psnr": psnr_y, "ssim": ssim_y, "lpips": _lpips}


def _no_reference(name: str, image: Tensor) -> float:
    network = _pyiqa_metric(name)
    try:
        with torch.inference_mode():
            return float(network(image))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:  # what the formulas raise on flat images
        raise ScoreError(f"{name} failed on this image: {error}") from error


@functools.lru_cache(maxsize=16)
def _pyiqa_metric(name: str) -> torch.nn.Module:
    try:
        import pyiqa
    except ModuleNotFoundError as error:
        raise ScoreError(f"{error.name} is missing: pip install pyiqa (PolyForm Noncommercial licence)") from error
    try:
        return pyiqa.create_metric(name, device=torch.device("cpu"))
    except Exception as error:  # pyiqa raises whatever its downloads and registries raise
        raise ScoreError(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error
