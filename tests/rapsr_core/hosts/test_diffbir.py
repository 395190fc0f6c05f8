from dataclasses import replace
from pathlib import Path

import pytest
import torch
from reference import tensors
from tiny_ldm import host, save_official

from rapsr_core.colour import fix_colour
from rapsr_core.hosts.diffbir import DiffBIRHost
from rapsr_core.hosts.networks.diffbir import CONTROLNET_PREFIX
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.images import resize
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.guidance import constant, rising
from rapsr_core.sampling.noise import ImageNoise

ROW = HOSTS["diffbir-v2"]
RECIPE, NOISE = ROW.recipe(Recipe()), ImageNoise(0)


@pytest.fixture(scope="module")
def diffbir(tmp_path_factory: pytest.TempPathFactory) -> DiffBIRHost:
    return host(tmp_path_factory.mktemp("diffbir"), "diffbir-v2")


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """An input and a guide that is not the same picture."""
    generator = torch.Generator().manual_seed(4)
    return torch.rand(1, 3, 16, 20, generator=generator), resize(torch.rand(1, 3, 4, 5, generator=generator), (64, 80))


class Silent(ImageNoise):
    def draw(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        raise AssertionError(f"{name} was drawn")


def test_the_condition_is_the_mean_of_the_cleaned_images_posterior(diffbir: DiffBIRHost, pictures) -> None:
    lq, guide = pictures
    condition = diffbir.prepare(lq, guide, RECIPE, Silent(0))
    mean, _ = diffbir.codec.moments(guide)
    assert torch.equal(condition["latent"], mean * 0.18215)
    assert torch.equal(condition.colour_reference, guide)
    other = diffbir.prepare(1 - lq, guide, RECIPE, Silent(0))
    assert torch.equal(other["latent"], condition["latent"]), "the input itself is not seen"


def test_the_latent_starts_as_noise_or_as_the_noised_condition(diffbir: DiffBIRHost, pictures) -> None:
    noise, from_picture = (
        diffbir.start(diffbir.prepare(*pictures, replace(RECIPE, host_settings=settings), NOISE), diffbir.scheduler, NOISE)
        for settings in (RECIPE.host_settings, {**RECIPE.host_settings, "start_from_picture": 1})
    )
    condition, last = diffbir.prepare(*pictures, RECIPE, NOISE), diffbir.scheduler.alphas_cumprod[999]
    assert torch.equal(noise, NOISE.draw("start", (1, 4, 8, 10)))
    torch.testing.assert_close(from_picture, last.sqrt() * condition["latent"] + (1 - last).sqrt() * noise)


def test_the_unet_is_the_priors_and_both_networks_read_the_text(diffbir: DiffBIRHost, pictures) -> None:
    assert diffbir.unet is diffbir.prior.unet
    condition, z = diffbir.prepare(*pictures, RECIPE, NOISE), NOISE.draw("z", (1, 4, 8, 10))
    one, two = (diffbir.encode_text([diffbir.prior.tokenizer(text).input_ids]) for text in ("[X]. ", "[V]. "))
    outputs = {}
    for network in (diffbir.controlnet, diffbir.unet):
        swap = network.register_forward_pre_hook(_reading(two.states), with_kwargs=True)
        outputs[network] = diffbir.predict(z, torch.tensor(999), one, condition)
        swap.remove()
    plain = diffbir.predict(z, torch.tensor(999), one, condition)
    assert all((output - plain).abs().max() > 1e-4 for output in outputs.values())


def _reading(states: torch.Tensor):
    """A hook that gives a network another text: its third argument."""
    return lambda module, given, named: ((*given[:2], states, *given[3:]), named)


def test_guidance_is_constant_as_published_or_rises() -> None:
    schedules = [ROW.schedule(RECIPE), ROW.schedule(replace(RECIPE, host_settings={"rising_guidance": 1}))]
    for schedule, expected in zip(schedules, (constant(4.0), rising(4.0)), strict=True):
        assert [schedule(i, t) for i, t in enumerate((999, 500, 0))] == [expected(i, t) for i, t in enumerate((999, 500, 0))]
    version_1 = HOSTS["diffbir-v1"]
    assert version_1.schedule(version_1.recipe(Recipe()))(0, 999) is None


def test_the_first_versions_whole_checkpoint_is_read_too(tmp_path: Path, diffbir: DiffBIRHost) -> None:
    ((name, file),) = save_official(tmp_path, "diffbir-v1").items()
    alone = torch.load(file)
    torch.save({"state_dict": {CONTROLNET_PREFIX + key: w for key, w in alone.items()} | {"model.x": torch.ones(1)}}, file)
    built = HOSTS["diffbir-v1"].build(diffbir.prior, {name: file}, diffbir.device)
    for key, weight in diffbir.controlnet.named_parameters():
        assert torch.equal(weight, built.controlnet.get_parameter(key))


def test_the_colour_fix_is_the_official_one() -> None:
    inputs, official = tensors("diffbir_tiling_a", "inputs"), tensors("diffbir_tiling_a", "outputs")["wavelet"]
    torch.testing.assert_close(fix_colour(inputs["content"], inputs["style"], ROW.colour_fix), official, rtol=0, atol=1e-5)
