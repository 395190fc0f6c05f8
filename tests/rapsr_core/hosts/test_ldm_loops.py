"""The hosts DiffBIR and StableSR against the official samplers, step by step, through the one denoising loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.schedulers import scheduling_ddpm
from reference import facts, tensors
from tiny_ldm import host
from torch import Tensor

from rapsr_core.hosts.registry import HOSTS
from rapsr_core.hosts.spaced import SpacedHost
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Text
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_schedulers import SPACED_DDPM

TIMESTEPS = (999, 666, 333, 0)


@dataclass(frozen=True)
class StartNoise(ImageNoise):
    """The fixture's field for the start; those of the steps are the scheduler's, see `recorded`."""

    field: Tensor

    def draw(self, name: str, shape: tuple[int, ...]) -> Tensor:
        assert (name, shape) == ("start", tuple(self.field.shape))
        return self.field


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SpacedHost]:
    return {name: host(tmp_path_factory.mktemp(name), name) for name in ("diffbir-v2", "stablesr")}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Makes DDPM schedulers draw these fields in their order; gives the list where the latents after each step go."""

    def make(fields: Sequence[Tensor]) -> list[Tensor]:
        latents: list[Tensor] = []
        drawn, step = iter(fields), DDPMScheduler.step
        monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *arguments, **settings: next(drawn))

        def recording(self, model_output, timestep, sample, generator=None):
            result = step(self, model_output, timestep, sample, generator)
            latents.append(result.prev_sample)
            return result

        monkeypatch.setattr(DDPMScheduler, "step", recording)
        return latents

    return make


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def run(built: SpacedHost, name: str, mode: str, recipe: Recipe, latents: Sequence[str], recorded, **numbers: float):
    """Relative errors of the first latent and of those after each step. `latents`: of the fixture, condition and start noise."""
    row, inputs, outputs = HOSTS[recipe.host], tensors(name, "inputs"), tensors(name, "outputs")
    latent, noise = inputs[latents[0]], StartNoise(0, inputs[latents[1]])
    walked = recorded([inputs[f"step_noise_{k}"] for k in range(4)])
    condition = built.walked_from(torch.zeros(1, 3, 8 * latent.shape[-2], 8 * latent.shape[-1]), latent, recipe, **numbers)
    windows = row.tiling.windows(condition.latent_size, 8 if mode == "tiled" else None, built.multiple)
    plan = Plan(4, row.schedule(recipe), windows, weights=row.tiling.weights)
    steps = list(denoise(built, condition, Text(inputs["pos"]), Text(inputs["neg"]), plan, noise))
    assert tuple(step.t for step in steps) == TIMESTEPS
    start = relative(built.start(condition, built.scheduler, noise), outputs["x_T"] if "x_T" in outputs else inputs["x_T"])
    errors = [relative(ours, outputs[f"{mode}/x_after_{k}"]) for k, ours in enumerate(walked)]
    return [start, *errors, relative(steps[-1].z0, outputs[f"{mode}/final"])]


@pytest.mark.parametrize("mode", ["whole", "rescaled", "tiled"])
def test_diffbirs_spaced_sampler(hosts, mode, recorded) -> None:
    """Its fixture starts from the noised condition."""
    name, settings = "diffbir_sampler_a", {"start_from_picture": 1, "rising_guidance": int(mode == "rescaled")}
    recipe = Recipe(host="diffbir-v2", guidance_scale=4.0, steps=4, host_settings=settings)
    scales = facts(name)["call"]["modes"][mode]["cfg_scale_used"]
    schedule = HOSTS["diffbir-v2"].schedule(recipe)
    assert [schedule(i, t) for i, t in enumerate(TIMESTEPS)] == pytest.approx(scales, abs=1e-12)
    errors = run(hosts["diffbir-v2"], name, mode, recipe, ("cond_latent", "start_noise"), recorded, control_scale=0.9)
    assert max(errors) < 1e-4, errors


@pytest.mark.parametrize("mode", ["whole", "whole_cfg", "tiled"])
def test_stablesrs_respaced_sampler(hosts, mode, recorded) -> None:
    scale = 3.0 if mode == "whole_cfg" else HOSTS["stablesr"].guidance_scale
    recipe = Recipe(host="stablesr", guidance_scale=scale, steps=4, host_settings={"start_from_picture": 0})
    errors = run(hosts["stablesr"], "stablesr_loop_a", mode, recipe, ("lr_latent", "x_T"), recorded)
    assert max(errors) < 1e-4, errors


def test_stablesr_may_start_from_the_noised_latent(hosts) -> None:
    inputs, built = tensors("stablesr_loop_a", "inputs"), hosts["stablesr"]
    recipe = Recipe(host="stablesr", host_settings={"start_from_picture": 1})
    condition = built.walked_from(torch.zeros(1, 3, 64, 128), inputs["lr_latent"], recipe)
    start = built.start(condition, built.scheduler, StartNoise(0, inputs["x_T"]))
    assert relative(start, tensors("stablesr_loop_a", "outputs")["q_sample_999"]) < 1e-6


def test_the_timesteps_are_the_official_ones() -> None:
    for steps, official in facts("diffbir_sampler_a")["spaced_timesteps"].items():
        scheduler = DDPMScheduler(**SPACED_DDPM)
        scheduler.set_timesteps(int(steps))
        assert scheduler.timesteps.tolist() == official[::-1]
