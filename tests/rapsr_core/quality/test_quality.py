"""Metrics on the five calibration pairs inside pyiqa: LPIPS and PIQE are the official values, NIQE and BRISQUE those of pyiqa's code
with the official parameters (MATLAB differs by up to 0.44 and 5.4 on I19)."""

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from rapsr_core import ASSETS
from rapsr_core.images import read
from rapsr_core.quality import METRICS, grid_energy, score
from rapsr_core.quality.fidelity import lpips_loss

CALIBRATION = Path(find_spec("pyiqa").origin).parents[1] / "ResultsCalibra"
OFFICIAL = {
    "I03": {"niqe": 15.6558, "brisque": 94.6367, "piqe": 100.00, "lpips": 0.7237},
    "I04": {"niqe": 3.6549, "brisque": -0.1099, "piqe": 21.62, "lpips": 0.2572},
    "I06": {"niqe": 3.2342, "brisque": 1.0818, "piqe": 35.86, "lpips": 0.0508},
    "I08": {"niqe": 3.1917, "brisque": 5.1312, "piqe": 41.15, "lpips": 0.0521},
    "I19": {"niqe": 9.0727, "brisque": 66.8407, "piqe": 76.95, "lpips": 0.4253},
}
TOLERANCE = {"niqe": 0.01, "brisque": 0.015, "piqe": 0.01, "lpips": 1e-4}
"""BRISQUE: pyiqa adds up 774 terms of up to 1024 in float32; for I08 it gives 5.1342, 5.1312 and 5.1329 with 1, 2 and 4 threads.
Ours, in float64, is 5.1423 with any."""


@pytest.mark.parametrize("name", OFFICIAL)
def test_calibration(name: str) -> None:
    image, reference = (
        read(next(p for p in (CALIBRATION / d).iterdir() if p.stem.upper() == name)) for d in ("dist_dir", "ref_dir")
    )
    rows = score(image, OFFICIAL[name], reference)
    for metric, expected in OFFICIAL[name].items():
        assert rows[metric].value == pytest.approx(expected, abs=TOLERANCE[metric]), metric


def test_a_metric_that_cannot_be_computed_says_so() -> None:
    rows = score(torch.full((1, 3, 64, 64), 0.5), ["niqe", "lpips", "no-such-metric", "grid"])
    assert "at least 96 px" in rows["niqe"].error and rows["niqe"].value is None
    assert "ground truth" in rows["lpips"].error
    assert "cannot be loaded" in rows["no-such-metric"].error


def test_grid_energy_sees_a_faint_grid() -> None:
    photo = read(next(p for p in (CALIBRATION / "ref_dir").iterdir() if p.stem.upper() == "I04"))
    clean = grid_energy(photo)
    assert 0.8 < clean < 1.25
    grid = torch.zeros_like(photo)
    grid[..., ::4, :] = grid[..., :, ::4] = 2 / 255
    assert grid_energy((photo + grid).clamp(0, 1)) > 1.2 * clean
    assert grid_energy((photo + grid).clamp(0, 1)[..., 1:, 2:]) > 1.2 * clean


def test_parameter_files_are_the_listed_ones() -> None:
    listed = dict(re.findall(r"\| (\S+) \| .* \| ([0-9a-f]{64}) \|", (ASSETS / "quality" / "README.md").read_text()))
    used = {row.parameters for row in METRICS.values() if row.parameters}
    assert used == set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((ASSETS / "quality" / name).read_bytes()).hexdigest() == digest


def test_lpips_for_training_is_lpips_with_a_gradient_everywhere() -> None:
    image, reference = torch.rand(2, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = [score(a[None], ["lpips"], b[None])["lpips"].value for a, b in zip(image, reference, strict=True)]
    assert lpips_loss(image, reference).tolist() == pytest.approx(expected, abs=1e-5)
    black = torch.zeros(1, 3, 64, 64, requires_grad=True)
    lpips_loss(black, reference[:1]).sum().backward()
    assert black.grad.isfinite().all() and black.grad.any()
