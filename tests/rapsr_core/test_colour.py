from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rapsr_core.colour import adain, fix_colour, wavelet, wavelet_split

FIXTURE = load_file(Path(__file__).parents[1] / "reference" / "color_fix_a.safetensors")
TARGET, SOURCE = FIXTURE["inputs/target"] / 255, FIXTURE["inputs/source"] / 255


@pytest.mark.parametrize(("fix", "name"), [(adain, "adain_float"), (wavelet, "wavelet_float")])
def test_parity(fix, name: str) -> None:
    assert (fix(TARGET, SOURCE) - FIXTURE[f"outputs/{name}"]).abs().max() < 1e-5


def test_bands_add_up() -> None:
    high, low = wavelet_split(TARGET)
    assert (high - FIXTURE["outputs/wavelet_high"]).abs().max() < 1e-5
    assert (high + low - TARGET).abs().max() < 1e-6


def test_none_changes_nothing() -> None:
    assert torch.equal(fix_colour(TARGET, SOURCE, "none"), TARGET)
