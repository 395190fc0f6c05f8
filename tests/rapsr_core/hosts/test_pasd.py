"""PASD as a host: the official loop through the one loop, its two noises, a comparison from start to end."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import UniPCMultistepScheduler
from host_runs import FLOAT32, Given, comparison, relative
from reference import facts, tensors
from tiny_pasd import pasd
from tiny_priors import save_sd15_f8
from tiny_seesr_pasd import write_pasd
from torch import Tensor

from rapsr_core.hosts.pasd import PASDHost
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.priors import Prior, load_prior
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_tiling import gaussian_weights, seesr_tiles
from rapsr_core.weights import WeightsError, require

LOOP, LATENT_SCALE = "pasd_loop_a", 0.18215


@pytest.fixture(scope="module")
def prior_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd15_f8(tmp_path_factory.mktemp("prior"))


@pytest.fixture(scope="module")
def prior(prior_folder: Path) -> Prior:
    return load_prior(prior_folder)


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    return tensors(LOOP, "inputs")


@pytest.fixture
def condition(inputs: dict[str, Tensor]) -> Condition:
    """Of the fixture, with the host's default settings."""
    parts = {"image": Part(inputs["cond"], 1), "latent": Part(inputs["vae_latent"] * LATENT_SCALE, 8)}
    parts |= {setting.name: Part(torch.tensor(setting.default), "global") for setting in HOSTS["pasd"].settings}
    return Condition(parts, inputs["vae_latent"].shape[-2:], inputs["cond"].shape[-2:], 8, inputs["cond"])


@pytest.mark.parametrize("mode", ["whole", "tiled"])
def test_the_host_ends_every_step_where_the_official_loop_does(
    mode: str, prior: Prior, inputs: dict[str, Tensor], condition: Condition, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, outputs = facts(LOOP), tensors(LOOP, "outputs")
    call = loop["call"] | loop["call"][mode]
    latents: list[Tensor] = []
    official_step = UniPCMultistepScheduler.step

    def recording(*arguments, **settings):
        result = official_step(*arguments, **settings)
        latents.append(result.prev_sample)
        return result

    monkeypatch.setattr(UniPCMultistepScheduler, "step", recording)
    host = PASDHost(prior, pasd(), FLOAT32)
    noise = Given(0, {"start": inputs["init_noise"], "added": inputs["added_noise"]})
    windows = seesr_tiles(condition.latent_size, call["latent_tiled_size"], call.get("latent_tiled_overlap", 8))
    assert len(windows) == (15 if mode == "tiled" else 1)
    plan = Plan(call["num_inference_steps"], constant(call["guidance_scale"]), windows, weights=gaussian_weights)
    steps = list(denoise(host, condition, Text(inputs["pos"]), Text(inputs["neg"]), plan, noise))
    assert [step.t for step in steps] == loop["timesteps_used"] and noise.asked == ["start", "added"]

    host.scheduler.set_timesteps(call["num_inference_steps"])
    start, a = outputs[f"{mode}/latents_in_0"], host.scheduler.alphas_cumprod[999]
    assert (host.start(condition, host.scheduler, noise) - start).abs().max() < 1e-5
    first = (start - (1 - a).sqrt() * outputs[f"{mode}/noise_pred_0"]) / a.sqrt()
    assert relative(steps[0].z0, first) < 1e-4, "the guided prediction of the first step, as the clean latent it implies"
    for k, ours in enumerate(latents):
        assert relative(ours, outputs[f"{mode}/latents_after_{k}"]) < 1e-3, k
    assert torch.equal(steps[-1].z0, latents[-1])


def test_added_noise_is_of_its_own_timestep_when_asked_for(prior: Prior, inputs: dict[str, Tensor], condition: Condition) -> None:
    """More of it leaves less of the input: what a start shares with the LQ's latent shrinks by sqrt(alphas_cumprod)."""
    host = PASDHost(prior, pasd(), FLOAT32)
    host.scheduler.set_timesteps(20)
    silent = Given(0, {name: torch.zeros_like(inputs["init_noise"]) for name in ("start", "added")})
    a = host.scheduler.alphas_cumprod
    assert [int(t) for t in host.scheduler.timesteps[[0, 1, -1]]] == [999, 949, 50]
    for asked, t in ((0, 50), (900, 900), (50, 50)):
        parts = {**condition.parts, "added_noise": Part(torch.tensor(float(asked)), "global")}
        start = host.start(replace(condition, parts=parts), host.scheduler, silent)
        torch.testing.assert_close(start, condition["latent"] * (a[999] * a[t]).sqrt())


def test_any_size_is_padded_to_whole_sites_alone(prior: Prior, tmp_path: Path) -> None:
    host = HOSTS["pasd"].build(prior, write_pasd(tmp_path, prior.unet), FLOAT32)
    lq = torch.rand(1, 3, 25, 30, generator=torch.Generator().manual_seed(1))
    recipe = HOSTS["pasd"].completed(Recipe(host="pasd"))
    condition = host.prepare(lq, lq, recipe, ImageNoise(0))
    assert condition.output_size == (100, 120) and condition.latent_size == (13, 15)
    assert condition["image"].shape == (1, 3, 104, 120)
    text = host.encode_text([[49406, 49407]])
    assert host.predict(condition["latent"], torch.tensor(500), text, condition).shape == (1, 4, 13, 15)
    assert host.decode(condition["latent"], condition).shape == (1, 3, 100, 120)
    assert host.prepare(lq[..., :12, :], lq, recipe, ImageNoise(0)).output_size == (96, 240), "worked at 96 px at least"


def test_a_comparison_from_start_to_end(prior_folder: Path, prior: Prior, tmp_path: Path, photo: Tensor, monkeypatch) -> None:
    write_pasd(tmp_path, prior.unet)
    result, _ = comparison("pasd", prior_folder, tmp_path, photo, monkeypatch, caption="a blurry photo of a dog")
    texts = {branch: {side: said["text"] for side, said in sides.items()} for branch, sides in result.finished.prompts.items()}
    assert texts["baseline"]["positive"] == "a clear photo of a dogclean, high-resolution, 8k"
    assert texts["baseline"]["negative"] == "blurry, dotted, noise, raster lines, unclear, lowres, over-smoothed"
    assert texts["enhanced"] == {"positive": "[X]. a clear photo of a dog", "negative": "[V]. "}
    assert result.baseline.shape == (1, 3, 96, 128) and not torch.equal(result.baseline, result.enhanced)
    assert torch.isfinite(result.enhanced).all() and result.baseline.std() > 0.02


def test_missing_weights_are_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPSR_WEIGHTS", str(tmp_path))
    with pytest.raises(
        WeightsError, match=r"hf download yangtao9009/PASD pasd/checkpoint-100000/unet/diffusion_pytorch_model.safetensors"
    ):
        require(HOSTS["pasd"].weights)
