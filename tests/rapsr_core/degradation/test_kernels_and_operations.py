"""Parity with the official implementations (fixtures in tests/reference)."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rapsr_core.degradation import operations as op
from rapsr_core.degradation.kernels import blur_kernel, pad_kernel, sinc_kernel

REFERENCE = Path(__file__).parents[2] / "reference"
KERNELS = json.loads((REFERENCE / "degradation_kernels_a.json").read_text())["calls"]
KERNEL_VALUES = load_file(REFERENCE / "degradation_kernels_a.safetensors")
FILTERS = load_file(REFERENCE / "degradation_filter_resize_a.safetensors")
NOISE = load_file(REFERENCE / "degradation_noise_a.safetensors")
BLURS = [c for c in KERNELS if "sig_x" in c and "type" in c]
SINCS = [c for c in KERNELS if "cutoff" in c]


def test_the_fixture_has_both_kinds() -> None:
    assert len(BLURS) >= 12
    assert SINCS


@pytest.mark.parametrize("call", BLURS, ids=lambda c: c["output"])
def test_blur_kernels(call: dict) -> None:
    family = {"iso": "gaussian", "aniso": "gaussian"}.get(call["type"], call["type"].rsplit("_", 1)[0])
    sigma_y, theta = (call["sig_x"], 0.0) if call["isotropic"] else (call["sig_y"], call["theta"])
    kernel = blur_kernel(family, call["kernel_size"], call["sig_x"], sigma_y, theta, call["beta"] or 1.0)
    assert (torch.from_numpy(kernel) - KERNEL_VALUES[f"outputs/{call['output']}"]).abs().max() < 1e-9


@pytest.mark.parametrize("call", SINCS, ids=lambda c: c["output"])
def test_sinc_kernels(call: dict) -> None:
    expected = KERNEL_VALUES[f"outputs/{call['output']}"]
    kernel = sinc_kernel(call["kernel_size"], call["cutoff"])
    assert (torch.from_numpy(pad_kernel(kernel, expected.shape[-1])) - expected).abs().max() < 1e-9


def test_filter2d() -> None:
    image, kernels = FILTERS["inputs/image"].double(), FILTERS["inputs/kernels"].double()
    assert (op.filter2d(image, kernels) - FILTERS["outputs/filter_batch"]).abs().max() < 1e-5
    assert (op.filter2d(image, kernels[0]) - FILTERS["outputs/filter_single"]).abs().max() < 1e-5


def test_filter2d_refuses_small_images() -> None:
    with pytest.raises(ValueError, match="9 x 9 px is too small for a 21-px kernel"):
        op.filter2d(torch.zeros(1, 3, 9, 9), torch.ones(21, 21))


def test_usm() -> None:
    close = (op.usm_sharpen(FILTERS["inputs/usm_image"]) - FILTERS["outputs/usm"]).abs() < 1e-4
    assert close.float().mean() > 0.995


@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
def test_resize(mode: str) -> None:
    image = FILTERS["inputs/image"]
    for factor in (0.37, 1.31):
        assert (op.resize_by(image, factor, mode) - FILTERS[f"outputs/resize_scale_{factor}_{mode}"]).abs().max() < 1e-5
    for size in ((13, 17), (50, 61)):
        assert (op.resize_to(image, size, mode) - FILTERS[f"outputs/resize_size_{size[0]}x{size[1]}_{mode}"]).abs().max() < 1e-5


def test_poisson_rates() -> None:
    for i, image in enumerate(NOISE["inputs/image"]):
        for grey, name in ((False, "color"), (True, "gray")):
            values, levels = op.poisson_levels(image[None], grey=grey)
            rate = NOISE[f"outputs/poisson_rate_{name}"][i]
            assert grey or levels == NOISE["outputs/poisson_levels_color"][i]
            assert (values / 255 * levels - rate).abs().max() < 1e-3


def test_gaussian() -> None:
    for i, image in enumerate(NOISE["inputs/image"]):
        if NOISE["inputs/gauss_gray"][i] == 0:
            out = op.add_gaussian(image[None], NOISE["inputs/gauss_draw_color"][i][None], NOISE["inputs/gauss_sigma"][i].item())
            assert (out - NOISE["outputs/gaussian_added"][i]).abs().max() < 1e-6
