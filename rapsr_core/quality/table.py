"""The metrics as a table: what each is, its direction, its range, its cost and where its parameters come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rapsr_core import ASSETS

Engine = Literal["own", "lpips"]


@dataclass(frozen=True)
class Metric:
    """One row. `typical_range` is what photographs and their degradations span, not a mathematical bound."""

    name: str
    label: str
    engine: Engine
    lower_better: bool
    needs_reference: bool
    typical_range: tuple[float, float]
    min_px: int
    cost_s: float  # 512x512 on two cores, order of magnitude
    live: bool
    parameters: str | None  # file in assets/quality
    source: str
    help: str


_NR, _FR = False, True

METRICS = {
    row.name: row
    for row in (
        Metric("niqe", "NIQE", "own", True, _NR, (2, 12), 96, 0.02, True, "niqe_modelparameters.mat",
               "Mittal et al., IEEE SPL 2013", "Distance of local statistics from those of pristine photographs."),
        Metric("brisque", "BRISQUE", "own", True, _NR, (0, 100), 32, 0.02, True, "brisque_svm_weights.pth",
               "Mittal et al., IEEE TIP 2012", "Learned opinion score from local statistics; it can reward grids and speckle."),
        Metric("piqe", "PIQE", "own", True, _NR, (0, 100), 32, 0.02, True, None,
               "Venkatanath et al., NCC 2015", "Block-wise distortion without training; it can reward grids and speckle."),
        Metric("ilniqe", "IL-NIQE", "own", True, _NR, (15, 120), 96, 0.5, False, "ILNIQE_templateModel.mat",
               "Zhang et al., IEEE TIP 2015", "NIQE with colour, gradient and frequency statistics."),
        Metric("grid", "Grid energy", "own", True, _NR, (0.8, 6), 64, 0.01, False, None,
               "rapsr_core/quality/grid.py", "Spectral power at the codec's 4-px period over its neighbourhood; about 1 in photographs."),
        Metric("psnr", "PSNR-Y", "own", False, _FR, (18, 40), 1, 0.01, False, None,
               "10 log10(1 / MSE) on BT.601 luma", "Fidelity to the ground truth, in dB."),
        Metric("ssim", "SSIM-Y", "own", False, _FR, (0, 1), 11, 0.05, False, None,
               "Wang et al., IEEE TIP 2004", "Structural similarity to the ground truth."),
        Metric("lpips", "LPIPS", "lpips", True, _FR, (0, 0.8), 32, 0.1, False, "alexnet_features.safetensors",
               "Zhang et al., CVPR 2018, v0.1 AlexNet", "Learned perceptual distance from the ground truth."),
    )
}  # fmt: skip

LIVE = tuple(name for name, row in METRICS.items() if row.live)
"""The live panel: NIQE, BRISQUE, PIQE (grid energy is always shown beside them)."""

PARAMETERS = ASSETS / "quality"


def lower_better(name: str) -> bool:
    """Direction of a metric; names outside METRICS are asked of pyiqa's own table."""
    if name in METRICS:
        return METRICS[name].lower_better
    from pyiqa.default_model_configs import DEFAULT_CONFIGS

    return bool(DEFAULT_CONFIGS[name].get("lower_better", False))
