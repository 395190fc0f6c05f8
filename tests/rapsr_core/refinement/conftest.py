"""A tiny prior shaped like Stable Diffusion 2.1-base, and networks trained from it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from rapsr_core.priors import Prior, fingerprint, load_prior
from rapsr_core.refinement import Refinement, load_refinement, save_full, save_refinement
from rapsr_core.refinement.artifact import describe, save_delta
from rapsr_core.refinement.methods import lora_config

IDENTIFIERS = ("[X]. ", "[V]. ")


def sd_unet(seed: int) -> UNet2DConditionModel:
    """Two levels in place of four, 4 latent channels, text width as of the tiny text encoder."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=(1, 2),
        norm_num_groups=4,
        use_linear_projection=True,
    )
    return unet.eval().requires_grad_(False)


@pytest.fixture
def sd_prior(assets: Path) -> Prior:
    prior, unet = load_prior(assets / "prior"), sd_unet(seed=1)
    unet.half().float()  # as loaded from fp16 files
    return replace(prior, name="tiny-sd", unet=unet, fingerprint=fingerprint(unet, prior.text.encoders[0]))


@pytest.fixture
def trained_unet(sd_prior: Prior) -> UNet2DConditionModel:
    """The prior's UNet a few steps later, in fp32; one weight has stayed as it was."""
    unet = copy.deepcopy(sd_prior.unet)
    generator = torch.Generator().manual_seed(2)
    for name, parameter in unet.named_parameters():
        if name != "conv_in.bias":
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return unet


@pytest.fixture
def with_adapter(sd_prior: Prior) -> Prior:
    """The prior with a trained adapter of rank 4 and alpha 8."""
    unet = copy.deepcopy(sd_prior.unet)
    config = lora_config(4)
    config.lora_alpha = 8
    unet.add_adapter(config)
    torch.manual_seed(3)
    for name, parameter in unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return replace(sd_prior, unet=unet)


@pytest.fixture
def refinement_of(sd_prior, trained_unet, with_adapter, tmp_path) -> Callable[[str], Refinement]:
    """Saves and loads a refinement of `sd_prior` as "lora", "full" or "delta"."""

    def make(format_name: str) -> Refinement:
        folder = tmp_path / format_name
        if format_name == "lora":
            save_refinement(folder, with_adapter, IDENTIFIERS, {"steps": 3})
        elif format_name == "full":
            save_full(folder, replace(sd_prior, unet=trained_unet), IDENTIFIERS, {"steps": 3})
        else:
            old = sd_prior.unet.state_dict()
            differences = ((name, new - old[name]) for name, new in trained_unet.state_dict().items())
            save_delta(folder, differences, describe("delta", sd_prior, IDENTIFIERS, None) | {"steps": 3})
        return load_refinement(folder, sd_prior)

    return make
