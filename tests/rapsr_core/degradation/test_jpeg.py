"""The torch JPEG against the official arithmetic, and against a real codec."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rapsr_core import ASSETS
from rapsr_core.degradation.jpeg import jpeg_torch, quality_factor
from rapsr_core.degradation.operations import jpeg_codec
from rapsr_core.images import read

FIXTURE = load_file(Path(__file__).parents[2] / "reference/degradation_jpeg_a.safetensors")


@pytest.mark.parametrize("name", ["q30", "q60", "q95", "per_sample"])
def test_equals_diffjpeg(name):
    quality = FIXTURE["inputs/qualities"] if name == "per_sample" else float(name[1:])
    assert (jpeg_torch(FIXTURE["inputs/image"], quality) - FIXTURE[f"outputs/{name}"]).abs().max() < 1e-5


def test_quality_factors_are_the_official_ones():
    factors = quality_factor(torch.tensor([30.0, 61.7000, 94.2]))
    assert factors.tolist() == pytest.approx([1.66667, 0.766, 0.116], abs=1e-4)


def test_a_sample_does_not_depend_on_its_batch():
    images, quality = FIXTURE["inputs/image"], FIXTURE["inputs/qualities"]
    batch = jpeg_torch(images, quality)
    assert torch.allclose(jpeg_torch(images[1:2], quality[1:2])[0], batch[1], atol=1e-6)


@pytest.mark.parametrize(("quality", "decibels"), [(30, 31.0), (60, 35.0), (90, 40.0)])
def test_how_close_to_libjpeg(quality, decibels):
    """They are not the same: other table orientation, chroma sampling and rounding. The distance is about that of either to the photograph."""
    photo = read(ASSETS / "examples/lake.png")
    difference = (jpeg_torch(photo, float(quality)) - jpeg_codec(photo, quality)).square().mean()
    assert -10 * torch.log10(difference) > decibels
