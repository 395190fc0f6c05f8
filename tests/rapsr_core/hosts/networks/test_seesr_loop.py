"""The four steps of the official SeeSR loop through the one denoising loop, on the fixtures' networks."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from diffusers import DDPMScheduler, SchedulerMixin
from diffusers.schedulers import scheduling_ddpm
from torch import Tensor

from rapsr_core.hosts.networks.seesr import SeeSRNetworks
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Host, Part, Text
from rapsr_core.sampling.denoise import Plan, Step, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_tiling import gaussian_weights, seesr_tiles

LOOP = "seesr_loop_a"
START_T, LATENT_SCALE = 999, 0.18215


class LoopHost(Host):
    """The fixtures' networks; conditions, texts and the noise of the start are the fixture's as well."""

    multiple = 2

    def __init__(self, networks: SeeSRNetworks, scheduler: SchedulerMixin, noise: Tensor, start_point: str) -> None:
        self.networks, self.unet, self.scheduler = networks, networks.unet, scheduler
        self.noise, self.start_point = noise, start_point

    def encode_text(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        raise NotImplementedError("texts are the fixture's")

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        raise NotImplementedError("conditions are the fixture's")

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        if self.start_point == "noise":
            return self.noise * scheduler.init_noise_sigma
        return scheduler.add_noise(condition["lq_latent"], self.noise, torch.tensor([START_T]))

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        return self.networks.noise(z, t, text.states, condition["image_states"], condition["image"])

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        return z0

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        return z


@pytest.fixture
def inputs(part_of, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """The fixture's inputs; the scheduler draws the noise of its steps from them, in their order."""
    tensors = part_of(LOOP, "inputs")
    drawn: Iterator[Tensor] = iter([tensors[f"step_noise_{k}"] for k in range(4)])
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *arguments, **settings: next(drawn))
    return tensors


@pytest.fixture
def condition(inputs: dict[str, Tensor]) -> Condition:
    image = inputs["cond"]
    parts = {
        "image": Part(image, 1),
        "image_states": Part(inputs["image_states"], "global"),
        "lq_latent": Part(inputs["vae_latent"] * LATENT_SCALE, 8),
    }
    return Condition(parts, inputs["vae_latent"].shape[-2:], image.shape[-2:], 8, image)


@pytest.mark.parametrize("mode", ["whole", "tiled", "noise_start"])
@torch.inference_mode()
def test_every_step_ends_where_the_official_loop_does(mode, facts_of, part_of, networks, inputs, condition) -> None:
    facts, outputs = facts_of(LOOP), part_of(LOOP, "outputs")
    call = facts["call"] | facts["call"][mode]
    scheduler = DDPMScheduler(**facts["scheduler"]["config"])
    host = LoopHost(networks, scheduler, inputs["initial_noise"], call["start_point"])
    windows = seesr_tiles(condition.latent_size, call["latent_tiled_size"], call.get("latent_tiled_overlap", 4))
    assert len(windows) == (8 if mode == "tiled" else 1)
    plan = Plan(call["num_inference_steps"], constant(call["guidance_scale"]), windows, weights=gaussian_weights)
    texts = (Text(inputs["pos"]), Text(inputs["neg"]))

    start = host.start(condition, scheduler, ImageNoise(0))
    assert (start - outputs[f"{mode}/latents_in_0"]).abs().max() < 1e-6
    steps: list[Step] = list(denoise(host, condition, *texts, plan, ImageNoise(0)))
    assert [step.t for step in steps] == facts["timesteps_used"]
    a = scheduler.alphas_cumprod[steps[0].t]
    first = (start - (1 - a).sqrt() * outputs[f"{mode}/noise_pred_0"]) / a.sqrt()
    assert relative(steps[0].z0, first) < 1e-4, "the guided prediction of the first step, as the clean latent it implies"
    assert relative(steps[-1].z0, outputs[f"{mode}/latents_final"]) < 1e-3


def relative(ours: Tensor, theirs: Tensor) -> Tensor:
    return (ours - theirs).norm() / theirs.norm()
