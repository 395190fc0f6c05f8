"""The official chain stage by stage: each stage gets the official output of the one before, and the recorded decision."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rapsr_core.degradation import operations as op
from rapsr_core.degradation.jpeg import jpeg_torch

FOLDER = Path(__file__).parents[2] / "reference"
TENSORS = load_file(FOLDER / "degradation_chain_a.safetensors")
CALLS = json.loads((FOLDER / "degradation_chain_a.json").read_text())["calls"]


def steps():
    for call in CALLS:
        prefix = call["prefix"]
        before, kernels = TENSORS[f"inputs/{prefix}gt"], iter(("kernel1", "kernel2", "sinc_kernel"))
        for stage in call["stages"]:
            kernel = TENSORS[f"inputs/{prefix}{next(kernels)}"] if stage["op"] == "filter2D" else None
            after = TENSORS[f"outputs/{stage['output']}"]
            yield pytest.param(before, stage, kernel, after, id=stage["output"])
            before = after


@pytest.mark.parametrize(("before", "stage", "kernel", "after"), steps())
def test_stage(before, stage, kernel, after):
    if stage["op"] == "usm":
        found = op.usm_sharpen(before)
    elif stage["op"] == "filter2D":
        found = op.filter2d(before, kernel)
    elif stage["op"] == "resize":
        by_factor = "scale_factor" in stage
        found = (
            op.resize_by(before, stage["scale_factor"], stage["mode"])
            if by_factor
            else op.resize_to(before, tuple(stage["size"]), stage["mode"])
        )
    elif stage["op"] == "jpeg":
        found = jpeg_torch(before.clamp(0, 1), torch.tensor(stage["quality"]))
        flipped = ((found - after).abs() > 1e-4).float().mean()  # rounding may flip a coefficient of a block
        assert flipped < 0.01
        return
    else:
        check_noise(before.clamp(0, 1), stage, after)
        return
    assert found.shape == after.shape
    assert (found - after).abs().max() < 1e-5


def check_noise(before, stage, after):
    """The official draws are not ours; the stage must be explained by our formulas for some strength in the drawn range."""
    added = after - before
    inside = (after > 0) & (after < 1)
    low, high = stage["sigma_range"] if stage["op"] == "gaussian_noise" else stage["scale_range"]
    for image, noise, free in zip(before, added, inside, strict=True):
        if stage["op"] == "gaussian_noise":
            strength = noise[free].std() * 255
        else:
            values, levels = op.poisson_levels(image[None], grey=False)
            rate = values / 255 * levels
            strength = noise[free].std() / (rate.clamp(min=1).sqrt() / levels)[0][free].square().mean().sqrt()
        assert 0.7 * low <= strength <= 1.3 * high


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call["prefix"])
def test_result_is_the_last_stage_in_8_bits(call):
    last = TENSORS[f"outputs/{call['stages'][-1]['output']}"]
    assert torch.equal((last * 255).round().clamp(0, 255) / 255, TENSORS[f"outputs/{call['prefix']}lq"])
