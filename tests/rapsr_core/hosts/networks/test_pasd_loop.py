"""The five steps of the official PASD loop through the one denoising loop, on the fixtures' networks."""

from collections.abc import Sequence

import pytest
import torch
from diffusers import SchedulerMixin, UniPCMultistepScheduler
from reference import facts, tensors
from tiny_pasd import pasd
from torch import Tensor

from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Host, Part, Text
from rapsr_core.sampling.denoise import Plan, Step, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_tiling import gaussian_weights, seesr_tiles

LOOP, LATENT_SCALE = "pasd_loop_a", 0.18215


class PASDLatents(Host):
    """The fixtures' networks; conditions, texts and the noise of the start are the fixture's as well."""

    multiple = 4

    def __init__(self, scheduler: SchedulerMixin, noise: Tensor, added_noise: Tensor) -> None:
        self.networks, self.scheduler = pasd(), scheduler
        self.unet, self.noise, self.added_noise = self.networks.unet, noise, added_noise

    def encode_text(self, token_ids: Sequence[Sequence[int]], learned: Sequence[Tensor] = ()) -> Text:
        raise NotImplementedError("texts are the fixture's")

    def prepare(self, lq: Tensor, guide: Tensor, recipe: Recipe, noise: ImageNoise) -> Condition:
        raise NotImplementedError("conditions are the fixture's")

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        """Noised twice."""
        once = scheduler.add_noise(condition["lq_latent"], self.noise, scheduler.timesteps[:1])
        return scheduler.add_noise(once, self.added_noise, torch.tensor([900]))

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        return self.networks.noise(z, t, text.states, condition["image"])

    def preview(self, z0: Tensor, condition: Condition) -> Tensor:
        return z0

    def decode(self, z: Tensor, condition: Condition) -> Tensor:
        return z


@pytest.mark.parametrize("mode", ["whole", "tiled"])
@torch.inference_mode()
def test_every_step_ends_where_the_official_loop_does(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, inputs, outputs = facts(LOOP), tensors(LOOP, "inputs"), tensors(LOOP, "outputs")
    call = loop["call"] | loop["call"][mode]
    latents: list[Tensor] = []
    official_step = UniPCMultistepScheduler.step

    def recording(*arguments, **settings):
        result = official_step(*arguments, **settings)
        latents.append(result.prev_sample)
        return result

    monkeypatch.setattr(UniPCMultistepScheduler, "step", recording)
    scheduler = UniPCMultistepScheduler(**loop["scheduler"]["config_given"])
    host = PASDLatents(scheduler, inputs["init_noise"], inputs["added_noise"])
    parts = {"image": Part(inputs["cond"], 1), "lq_latent": Part(inputs["vae_latent"] * LATENT_SCALE, 8)}
    condition = Condition(parts, inputs["vae_latent"].shape[-2:], inputs["cond"].shape[-2:], 8, inputs["cond"])
    windows = seesr_tiles(condition.latent_size, call["latent_tiled_size"], call.get("latent_tiled_overlap", 8))
    assert len(windows) == (15 if mode == "tiled" else 1)

    plan = Plan(call["num_inference_steps"], constant(call["guidance_scale"]), windows, weights=gaussian_weights)
    steps: list[Step] = list(denoise(host, condition, Text(inputs["pos"]), Text(inputs["neg"]), plan, ImageNoise(0)))
    assert [step.t for step in steps] == loop["timesteps_used"]
    scheduler.set_timesteps(call["num_inference_steps"])
    start, a = outputs[f"{mode}/latents_in_0"], scheduler.alphas_cumprod[999]
    assert (host.start(condition, scheduler, ImageNoise(0)) - start).abs().max() < 1e-5
    first = (start - (1 - a).sqrt() * outputs[f"{mode}/noise_pred_0"]) / a.sqrt()
    assert relative(steps[0].z0, first) < 1e-4, "the guided prediction of the first step, as the clean latent it implies"
    for k, ours in enumerate(latents):
        assert relative(ours, outputs[f"{mode}/latents_after_{k}"]) < 1e-3, k
    assert torch.equal(steps[-1].z0, latents[-1])


def relative(ours: Tensor, theirs: Tensor) -> Tensor:
    return (ours - theirs).norm() / theirs.norm()
