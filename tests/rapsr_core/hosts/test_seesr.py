"""SeeSR as a host: the official loop through the one loop, what it draws and sees, a comparison from start to end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.schedulers import scheduling_ddpm
from host_runs import FLOAT32, Given, comparison, relative
from reference import facts, tensors
from tiny_priors import save_sd21_base
from tiny_seesr_pasd import write_seesr
from torch import Tensor

from rapsr_core.hosts.networks.seesr import ImageReading, SeeSRNetworks, load_seesr_controlnet, load_seesr_unet
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.hosts.seesr import SeeSRHost
from rapsr_core.images import resize
from rapsr_core.priors import Prior, load_prior
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_tiling import gaussian_weights, seesr_tiles
from rapsr_core.sampling.tiling import Tile
from rapsr_core.weights import WeightsError, require

LOOP, LATENT_SCALE = "seesr_loop_a", 0.18215


@pytest.fixture(scope="module")
def prior_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd21_base(tmp_path_factory.mktemp("prior"))


@pytest.fixture(scope="module")
def prior(prior_folder: Path) -> Prior:
    return load_prior(prior_folder)


@pytest.fixture(scope="module")
def weights_folder(prior: Prior, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_seesr(folder, prior.unet)
    return folder


@pytest.fixture(scope="module")
def host(prior: Prior, weights_folder: Path) -> SeeSRHost:
    return HOSTS["seesr"].build(prior, write_seesr(weights_folder, prior.unet), FLOAT32)


class FromNoise(SeeSRHost):
    """`start_point noise` of the official script."""

    def start(self, condition, scheduler, noise):
        return noise.draw("start", tuple(condition["latent"].shape)) * scheduler.init_noise_sigma


def official(prior: Prior, mode: str) -> SeeSRHost:
    """The host on the fixtures' networks."""
    names = ("seesr_unet_a", "seesr_controlnet_a")
    configs = [{key: value for key, value in facts(name)["config"].items() if key != "other"} for name in names]
    unet, controlnet = (
        load(tensors(n, "weights"), c)
        for load, n, c in zip((load_seesr_unet, load_seesr_controlnet), names, configs, strict=True)
    )
    kind = FromNoise if mode == "noise_start" else SeeSRHost
    return kind(prior, SeeSRNetworks(unet, controlnet), lambda lq: ImageReading(lq, [[]]), FLOAT32)


def official_condition(inputs: dict[str, Tensor]) -> Condition:
    image = inputs["cond"]
    parts = {
        "image": Part(image, 1),
        "latent": Part(inputs["vae_latent"] * LATENT_SCALE, 8),
        "image_states": Part(inputs["image_states"], "global"),
        "control_scale": Part(torch.tensor(1.0), "global"),
    }
    return Condition(parts, inputs["vae_latent"].shape[-2:], image.shape[-2:], 8, image)


@pytest.mark.parametrize("mode", ["whole", "tiled", "noise_start"])
def test_the_host_ends_where_the_official_loop_does(mode: str, prior: Prior, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, inputs, outputs = facts(LOOP), tensors(LOOP, "inputs"), tensors(LOOP, "outputs")
    drawn: Iterator[Tensor] = iter([inputs[f"step_noise_{k}"] for k in range(4)])
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *arguments, **settings: next(drawn))
    call = loop["call"] | loop["call"][mode]
    host, condition = official(prior, mode), official_condition(inputs)
    noise = Given(0, {"start": inputs["initial_noise"]})
    windows = seesr_tiles(condition.latent_size, call["latent_tiled_size"], call.get("latent_tiled_overlap", 4))
    assert len(windows) == (8 if mode == "tiled" else 1)

    start = host.start(condition, host.scheduler, noise)
    assert (start - outputs[f"{mode}/latents_in_0"]).abs().max() < 1e-6
    plan = Plan(call["num_inference_steps"], constant(call["guidance_scale"]), windows, weights=gaussian_weights)
    steps = list(denoise(host, condition, Text(inputs["pos"]), Text(inputs["neg"]), plan, noise))
    assert [step.t for step in steps] == loop["timesteps_used"]
    a = host.scheduler.alphas_cumprod[steps[0].t]
    first = (start - (1 - a).sqrt() * outputs[f"{mode}/noise_pred_0"]) / a.sqrt()
    assert relative(steps[0].z0, first) < 1e-4, "the guided prediction of the first step, as the clean latent it implies"
    assert relative(steps[-1].z0, outputs[f"{mode}/latents_final"]) < 1e-3


def test_it_sees_the_enlarged_input_and_reads_the_input_itself(host: SeeSRHost, prior: Prior) -> None:
    lq = torch.rand(1, 3, 17, 22, generator=torch.Generator().manual_seed(1))
    noise = Given(0, {"posterior": torch.randn(1, 4, 9, 11)})
    condition = host.prepare(lq, lq, HOSTS["seesr"].completed(Recipe(host="seesr")), noise)
    large = resize(lq, (68, 88))
    assert condition.output_size == (68, 88) and condition.latent_size == (9, 11) and condition["image"].shape == (1, 3, 72, 88)
    assert torch.equal(condition["image"][..., :68, :], large) and torch.equal(condition.colour_reference, large)
    assert noise.asked == ["posterior"]
    moments = prior.autoencoder.moments(condition["image"])
    assert torch.equal(condition["latent"], prior.autoencoder.sample(moments, noise.fields["posterior"]))
    assert torch.equal(condition["image_states"], host.reader(lq).states) and condition["image_states"].shape[-1] == 512
    tile = condition.crop(Tile(0, 4, 2, 6))
    assert tile["image_states"] is condition["image_states"], "all tiles see the whole image's states"
    assert torch.equal(tile["image"], condition["image"][..., :32, 16:48])


def test_a_small_input_is_worked_at_the_size_of_training(host: SeeSRHost) -> None:
    lq = torch.rand(1, 3, 8, 12)
    condition = host.prepare(lq, lq, HOSTS["seesr"].completed(Recipe(host="seesr")), ImageNoise(0))
    assert condition.output_size == (64, 96) and torch.equal(condition.colour_reference, resize(lq, (64, 96)))
    assert torch.equal(condition["image_states"], host.reader(lq).states), "the reader sees the input as it came"


def test_states_and_scale_reach_unet_and_controlnet(host: SeeSRHost) -> None:
    lq = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    condition = host.prepare(lq, lq, HOSTS["seesr"].completed(Recipe(host="seesr")), ImageNoise(0))
    text, z, t = host.encode_text([[49406, 49407]]), condition["latent"], torch.tensor(500)
    plain = host.predict(z, t, text, condition)
    for name in ("image_states", "control_scale", "image"):
        other = {**condition.parts, name: replace(condition.parts[name], tensor=condition[name] * 0.5)}
        assert not torch.equal(plain, host.predict(z, t, text, replace(condition, parts=other))), name


def test_a_comparison_with_its_own_tags(prior_folder: Path, weights_folder: Path, photo: Tensor, monkeypatch) -> None:
    result, comparer = comparison("seesr", prior_folder, weights_folder, photo, monkeypatch)
    host = comparer._host(result.finished.recipe).host
    tags = host.tags(photo)
    assert tags.startswith("tag ") and result.finished.recipe.caption == tags
    texts = {branch: {side: said["text"] for side, said in sides.items()} for branch, sides in result.finished.prompts.items()}
    assert texts["baseline"]["positive"] == f"{tags}, ,clean, high-resolution, 8k"
    assert texts["enhanced"] == {"positive": f"[X]. {tags}, ,", "negative": "[V]. "}
    assert result.baseline.shape == (1, 3, 96, 128) and not torch.equal(result.baseline, result.enhanced)
    assert torch.isfinite(result.enhanced).all() and result.baseline.std() > 0.02
    given = replace(result.finished.recipe, caption="dog")
    assert comparer.prepared(photo, given).prompts["baseline"]["positive"]["text"].startswith("dog, ,")


def test_missing_weights_are_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPSR_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError) as told:
        require(HOSTS["seesr"].weights)
    for said in (
        "hf download CSWRY/SeeSR seesr/unet/diffusion_pytorch_model.safetensors",
        "hf download CSWRY/SeeSR DAPE.pth (mirrors: alexnasa/SEESR)",
        "hf download xinyu1205/recognize_anything_model ram_swin_large_14m.pth",
        "https://github.com/cswry/SeeSR/raw/main/ram/data/ram_tag_list.txt",
    ):
        assert said in str(told.value)
