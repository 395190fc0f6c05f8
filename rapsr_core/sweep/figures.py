"""The figures of a cell: the metrics of quality/table.py, those of pyiqa by name, and LR-PSNR (area)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from rapsr_core.quality import scoring, table
from rapsr_core.quality.consistency import LR_PSNR, lr_psnr_score
from rapsr_core.quality.scoring import Score
from rapsr_core.quality.table import METRICS

GRID = "grid"
LR_PSNR_RANGE = (20.0, 45.0)
"""dB, as `Metric.typical_range`. On five 48-px crops of the examples the embedded host's results had 29 to 38, bicubic x4 38 to 55."""


def label(name: str) -> str:
    """What a figure is called."""
    if name == LR_PSNR:
        return "LR-PSNR (area)"
    return METRICS[name].label if name in METRICS else name


def lower_better(name: str) -> bool:
    """Its direction."""
    return name != LR_PSNR and table.lower_better(name)


def typical_range(name: str) -> tuple[float, float] | None:
    """What photographs and their degradations span; None for a metric that is not ours."""
    if name == LR_PSNR:
        return LR_PSNR_RANGE
    return METRICS[name].typical_range if name in METRICS else None


def needs_reference(name: str) -> bool:
    """True for metrics that compare with a ground truth."""
    return name in METRICS and METRICS[name].needs_reference


def referred(image: Tensor, lq: Tensor, metrics: Sequence[str], reference: Tensor | None) -> dict[str, Score]:
    """What compares `image` with something else: LR-PSNR (area) always, and those of `metrics` that need the ground truth."""
    wanted = [name for name in metrics if needs_reference(name)]
    return scoring.score(image, wanted, reference) | {LR_PSNR: lr_psnr_score(image, lq)}
