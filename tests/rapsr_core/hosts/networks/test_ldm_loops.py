"""The official samplers of DiffBIR and StableSR, step by step, through the one denoising loop on the fixtures' networks."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from diffusers import DDPMScheduler, SchedulerMixin
from diffusers.schedulers import scheduling_ddpm
from reference import facts, tensors
from tiny_ldm import diffbir, stablesr
from torch import Tensor

from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Host, Part, Text
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import GuidanceSchedule, constant, rising
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_schedulers import SPACED_DDPM
from rapsr_core.sampling.official_tiling import diffbir_tiles, gaussian_weights, seesr_tiles
from rapsr_core.sampling.tiling import tiles

TIMESTEPS = (999, 666, 333, 0)


class LatentHost(Host):
    """Latents in, latents out: conditions, texts and noise are the fixture's."""

    multiple = 2

    def __init__(self, scheduler: SchedulerMixin, noise: Tensor) -> None:
        self.scheduler, self.noise = scheduler, noise

    def encode_text(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        raise NotImplementedError("texts are the fixture's")

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        raise NotImplementedError("conditions are the fixture's")

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        return self.noise

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        return z0

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        return z


class DiffBIRLatents(LatentHost):
    def __init__(self, scheduler: SchedulerMixin, noise: Tensor) -> None:
        super().__init__(scheduler, noise)
        self.controlnet, self.unet = diffbir()

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """The condition, noised to 999 (start point "cond")."""
        return scheduler.add_noise(condition["latent"], self.noise, torch.tensor([999]))

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        control = self.controlnet(z, t, text.states, condition["latent"], conditioning_scale=0.9)
        return self.unet(
            z,
            t,
            text.states,
            down_block_additional_residuals=control.down_block_res_samples,
            mid_block_additional_residual=control.mid_block_res_sample,
        ).sample


class StableSRLatents(LatentHost):
    def __init__(self, scheduler: SchedulerMixin, noise: Tensor) -> None:
        super().__init__(scheduler, noise)
        self.encoder, self.unet = stablesr()

    def step_features(self, t: Tensor, condition: Condition) -> Condition:
        features = self.encoder(condition["latent"], t)
        parts = {f"structure/{level}": Part(f, condition.site_px << level) for level, f in enumerate(features)}
        return replace(condition, parts=condition.parts | parts)

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        structure = [part.tensor for name, part in sorted(condition.parts.items()) if name.startswith("structure/")]
        return self.unet(z, t, text.states, structure).sample


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Tensor]], tuple[SchedulerMixin, list[Tensor]]]:
    """A DDPM scheduler that draws these fields in their order, and the list where its latents go."""

    def make(fields: Sequence[Tensor]) -> tuple[SchedulerMixin, list[Tensor]]:
        latents: list[Tensor] = []
        drawn = iter(fields)
        monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *arguments, **settings: next(drawn))

        class Recorded(DDPMScheduler):
            def step(self, model_output, timestep, sample, generator=None, return_dict=True):
                result = super().step(model_output, timestep, sample, generator, return_dict)
                latents.append(result.prev_sample)
                return result

        return Recorded(**SPACED_DDPM), latents

    return make


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def run(kind: type[LatentHost], name: str, mode: str, latent: str, start: str, guidance: GuidanceSchedule, windows, recorded):
    """(host, condition, greatest relative error of the latents after each step)."""
    inputs, outputs = tensors(name, "inputs"), tensors(name, "outputs")
    scheduler, latents = recorded([inputs[f"step_noise_{k}"] for k in range(4)])
    host = kind(scheduler, inputs[start])
    size = inputs[latent].shape[-2:]
    reference = torch.zeros(1, 3, 8 * size[0], 8 * size[1])
    condition = Condition({"latent": Part(inputs[latent], 8)}, size, reference.shape[-2:], 8, reference)
    plan = Plan(4, guidance, windows(size), weights=gaussian_weights)
    steps = list(denoise(host, condition, Text(inputs["pos"]), Text(inputs["neg"]), plan, ImageNoise(0)))
    assert tuple(step.t for step in steps) == TIMESTEPS
    errors = [relative(ours, outputs[f"{mode}/x_after_{k}"]) for k, ours in enumerate(latents)]
    return host, condition, [*errors, relative(steps[-1].z0, outputs[f"{mode}/final"])]


def whole(size: tuple[int, int]):
    return tiles(size, None, 2)


@pytest.mark.parametrize("mode", ["whole", "rescaled", "tiled"])
@torch.inference_mode()
def test_diffbirs_spaced_sampler(mode, recorded) -> None:
    windows = whole if mode != "tiled" else lambda size: diffbir_tiles(size, side=8, stride=4)
    guidance = rising(4.0) if mode == "rescaled" else constant(4.0)
    scales = facts("diffbir_sampler_a")["call"]["modes"][mode]["cfg_scale_used"]
    assert [guidance(i, t) for i, t in enumerate(TIMESTEPS)] == pytest.approx(scales, abs=1e-12)
    name = "diffbir_sampler_a"
    host, condition, errors = run(DiffBIRLatents, name, mode, "cond_latent", "start_noise", guidance, windows, recorded)
    start = host.start(condition, host.scheduler, ImageNoise(0))
    assert relative(start, tensors(name, "outputs")["x_T"]) < 1e-6
    assert max(errors) < 1e-4, errors


@pytest.mark.parametrize("mode", ["whole", "whole_cfg", "tiled"])
@torch.inference_mode()
def test_stablesrs_respaced_sampler(mode, recorded) -> None:
    windows = whole if mode != "tiled" else lambda size: seesr_tiles(size, side=8, overlap=4)
    guidance = constant(3.0 if mode == "whole_cfg" else 1)
    errors = run(StableSRLatents, "stablesr_loop_a", mode, "lr_latent", "x_T", guidance, windows, recorded)[2]
    assert max(errors) < 1e-4, errors


def test_the_timesteps_are_the_official_ones() -> None:
    for steps, official in facts("diffbir_sampler_a")["spaced_timesteps"].items():
        scheduler = DDPMScheduler(**SPACED_DDPM)
        scheduler.set_timesteps(int(steps))
        assert scheduler.timesteps.tolist() == official[::-1]
