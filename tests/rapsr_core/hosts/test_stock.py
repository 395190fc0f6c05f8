"""Hosts that diffusers has as a pipeline: same seed, same picture."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionUpscalePipeline,
    UniPCMultistepScheduler,
)
from tiny_priors import save_tiny, tiny_controlnet

from rapsr_core.device import Device
from rapsr_core.hosts.controlnet_tile import ControlNetTileHost
from rapsr_core.hosts.x4_upscaler import X4UpscalerHost
from rapsr_core.images import resize
from rapsr_core.priors import load_prior
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import tiles

FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")
PROMPT, NEGATIVE = "[X]. a cat", "[V]. "


@dataclass(frozen=True)
class InTurn(ImageNoise):
    """Every field from one generator, in the order asked for, as the pipelines draw; ours belong to names."""

    one: torch.Generator

    def draw(self, name, shape):
        return torch.randn(shape, generator=self.one)

    def generator(self, name):
        return self.one


def in_turn(seed: int) -> InTurn:
    return InTurn(seed, torch.Generator().manual_seed(seed))


def run(host, lq, recipe, scale, windows=None):
    noise = in_turn(3)
    condition = host.prepare(lq, lq, recipe, noise)
    ids = [host.prior.tokenizer(text).input_ids for text in (PROMPT, NEGATIVE)]
    positive, negative = (host.encode_text([row]) for row in ids)
    plan = Plan(recipe.steps, constant(scale), windows or tiles(condition.latent_size, None, 1))
    steps = list(denoise(host, condition, positive, negative, plan, noise))
    return host.decode(steps[-1].z0, condition).clamp(0, 1), steps, condition


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return resize(torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(2)), (24, 32))


@pytest.mark.parametrize(("scale", "level"), [(5.0, 20), (1.0, 100)])
def test_x4_upscaler_is_the_stock_pipeline(tmp_path: Path, picture: torch.Tensor, scale: float, level: int) -> None:
    folder = save_tiny("x4-upscaler", tmp_path / "prior")
    pipe = StableDiffusionUpscalePipeline.from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    stock = pipe(
        PROMPT, picture, 5, scale, level, NEGATIVE, generator=torch.Generator().manual_seed(3), output_type="pt"
    ).images  # fmt: skip
    recipe = Recipe(host="x4-upscaler", steps=5, host_settings={"noise_level": level})
    ours, steps, _ = run(X4UpscalerHost(load_prior(folder), FLOAT32), picture, recipe, scale)
    assert ours.shape == (1, 3, 96, 128) and len(steps) == 5
    assert (ours - stock).abs().max() <= 1e-4
    assert ours.std() > 0.05  # a picture, not a constant


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("kind", [DDIMScheduler, UniPCMultistepScheduler])
def test_controlnet_tile_is_the_stock_pipeline(tmp_path: Path, picture: torch.Tensor, strength: float, kind) -> None:
    folder = save_tiny("sd15", tmp_path / "prior")
    prior = load_prior(folder)
    controlnet = tiny_controlnet(prior.unet)
    host = ControlNetTileHost(prior, controlnet, FLOAT32)
    host.scheduler = kind.from_config(prior.scheduler.config)
    pipe = StableDiffusionControlNetImg2ImgPipeline.from_pretrained(folder, controlnet=controlnet, local_files_only=True)
    pipe.scheduler = kind.from_config(prior.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    large = resize(picture, (96, 128))
    stock = pipe(
        PROMPT, large, large, strength=strength, num_inference_steps=6, guidance_scale=4.0, negative_prompt=NEGATIVE,
        generator=torch.Generator().manual_seed(3), controlnet_conditioning_scale=0.8, output_type="pt",
    ).images  # fmt: skip
    recipe = Recipe(host="controlnet-tile", steps=6, host_settings={"strength": strength, "control_scale": 0.8})
    ours, steps, _ = run(host, picture, recipe, 4.0)
    assert len(steps) == 6 * strength
    assert (ours - stock).abs().max() <= 1e-4
    assert ours.std() > 0.05


def test_previews_have_the_colours_that_an_encoder_has_learnt_to_keep(tmp_path: Path, picture: torch.Tensor) -> None:
    """A random encoder keeps none, so this one learns to; the preview is then fitted to it, and shown another picture."""
    codec = load_prior(save_tiny("sd15", tmp_path)).autoencoder
    learner, generator = codec.vae.encoder.train().requires_grad_(True), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(learner.parameters(), lr=3e-3)
    for _ in range(120):
        soft = resize(torch.rand(4, 3, 8, 8, generator=generator), (32, 32))
        colours = torch.nn.functional.avg_pool2d(soft, codec.block_px)
        loss = (codec.moments(soft)[0][:, :3] - colours).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        mean, _ = codec.moments(resize(picture, (96, 128)))
        shown = codec.preview(mean * codec.vae.config.scaling_factor)
    target = resize(picture, tuple(shown.shape[-2:]))
    assert shown.shape == (1, 3, 48, 64)
    assert (shown - target).square().mean() < 0.2 * target.var()
