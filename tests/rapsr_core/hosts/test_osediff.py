from dataclasses import replace
from pathlib import Path

import pytest
import torch
from reference import tensors
from tiny_hosts import FLOAT32
from tiny_osediff import FIXTURE, fixture_checkpoint, fixture_prior, save_osediff
from tiny_priors import save_sd21_base

from rapsr_core.comparison import Comparer
from rapsr_core.events import Finished
from rapsr_core.hosts.networks.osediff import load_osediff_unet
from rapsr_core.hosts.osediff import OSEDiffHost
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import resize
from rapsr_core.priors import Prior, Text, load_prior
from rapsr_core.recipe import EnhancedText, Recipe, RecipeError
from rapsr_core.refinement.artifact import describe, save_delta
from rapsr_core.sampling.contract import Condition, Part
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_tiling import seesr_tiles
from rapsr_core.sampling.tile_choice import choose_tile
from rapsr_core.sampling.tiling import Tile, sites_a_side
from rapsr_core.weights import VARIABLE, WeightsError

ROW, NOISE = host_info("osediff"), ImageNoise(0)
RECIPE = replace(ROW.recipe(Recipe()), caption="grass, dog")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with a tiny prior, OSEDiff's file for it, and a refinement of it."""
    folder = tmp_path_factory.mktemp("weights")
    prior = load_prior(save_sd21_base(folder / "priors/sd21-base"))
    save_osediff(prior, folder / ROW.weights[0].path)
    generator = torch.Generator().manual_seed(5)
    changed = [(n, p) for n, p in prior.unet.named_parameters() if n.endswith(("to_q.weight", "to_v.weight"))]
    differences = [(name, 0.5 * torch.randn(p.shape, generator=generator)) for name, p in changed]
    save_delta(folder / "refinement", differences, describe("delta", replace(prior, name="sd21-base"), ("[X]. ", "[V]. "), None))
    return folder


@pytest.fixture
def comparer(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Comparer:
    monkeypatch.setenv(VARIABLE, str(weights))
    return Comparer(device=FLOAT32)


@pytest.fixture(scope="module")
def prior(weights: Path) -> Prior:
    return load_prior(weights / "priors/sd21-base")


@pytest.fixture(scope="module")
def host(prior: Prior, weights: Path) -> OSEDiffHost:
    return ROW.build(prior, {"OSEDiff": weights / ROW.weights[0].path}, FLOAT32)


def refined(weights: Path, **other: object) -> Recipe:
    return replace(RECIPE, enhanced=EnhancedText(refinement=str(weights / "refinement"), **other))


def test_the_loop_takes_the_official_step(prior: Prior) -> None:
    inputs, expected = tensors(FIXTURE, "inputs"), tensors(FIXTURE, "outputs")["denoised"]
    small = replace(prior, unet=fixture_prior())
    host = OSEDiffHost(small, load_osediff_unet(fixture_checkpoint(), small.unet), prior.autoencoder.vae, FLOAT32)
    condition = Condition({"latent": Part(inputs["lq_latent"], 8)}, (8, 8), (64, 64), 8, torch.zeros(1, 3, 64, 64))
    calls = []
    host.unet.register_forward_pre_hook(lambda module, inputs: calls.append(inputs))
    plan = Plan(ROW.steps, ROW.guidance(ROW.guidance_scale, ROW.steps), [Tile(0, 8, 0, 8)])
    text = Text(inputs["text"])
    (step,) = denoise(host, condition, text, Text(-inputs["text"]), plan, NOISE)
    assert (step.t, len(calls)) == (999, 1), "one pass: there is no negative branch"
    assert (step.z0 - expected).norm() / expected.norm() <= 1e-3


def test_the_start_is_a_draw_of_the_adapted_encoder_and_nothing_more(host: OSEDiffHost, prior: Prior) -> None:
    lq = resize(torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(2)), (17, 30))
    condition = host.prepare(lq, lq, RECIPE, NOISE)
    start = host.start(condition, host.scheduler, ImageNoise(1))
    picture = host.padded(resize(lq, (68, 120)))
    drawn = NOISE.draw("posterior", tuple(start.shape))
    with torch.inference_mode():
        own, other = (
            (lambda d: (d.mean + d.std * drawn) * 0.18215)(vae.encode(2 * picture - 1).latent_dist)
            for vae in (host.codec.vae, prior.autoencoder.vae)
        )
    assert start.shape == (1, 4, 9, 15) and condition.output_size == (68, 120)
    assert (start - own).abs().max() <= 1e-6
    assert (start - other).abs().max() > 1e-3, "the prior's encoder has no adapters"
    assert torch.equal(condition.colour_reference, resize(lq, (68, 120)))


@pytest.mark.parametrize(
    ("size", "count"), [((768, 768), 1), ((576, 1024), 1), ((1024, 1024), 4), ((1024, 1536), 6), ((512, 2048), 7)]
)
def test_tiles_are_the_published_ones(size: tuple[int, int], count: int) -> None:
    latent = (size[0] // 8, size[1] // 8)
    tile_px = choose_tile(size, ROW.memory, ROW.tile_px, 10**12, ROW.tiling, lambda side: 0).tile_px
    windows = ROW.tiling.windows(latent, sites_a_side(size, tile_px, 8), 8)
    assert len(windows) == count
    assert windows == seesr_tiles(latent, 96, 32)


def test_a_comparison_runs_and_only_the_positive_identifier_and_the_refinement_act(
    comparer: Comparer, weights: Path, photo: torch.Tensor
) -> None:
    result = comparer.run(photo, refined(weights), [])
    prompts = result.finished.prompts
    assert prompts["baseline"]["positive"]["text"] == "grass, dog, ,"
    assert prompts["enhanced"]["positive"]["text"] == "[X]. grass, dog, ,"
    assert result.baseline.shape == (1, 3, 96, 128) and not torch.equal(result.baseline, result.enhanced)
    assert torch.equal(comparer.run(photo, refined(weights, negative_identifier="worse"), []).enhanced, result.enhanced)
    assert not torch.equal(comparer.run(photo, refined(weights, strength=0.5), []).enhanced, result.enhanced)
    unchanged = comparer.run(photo, refined(weights, positive_identifier="", strength=0.0), [])
    assert torch.equal(unchanged.baseline, unchanged.enhanced)


def test_its_speed_is_measured_in_one_step(comparer: Comparer, weights: Path, photo: torch.Tensor) -> None:
    comparer.measure(refined(weights))
    *_, finished = comparer.compare(photo, refined(weights), [])
    assert isinstance(finished, Finished) and comparer.speeds.seconds(refined(weights), 1.0)


def test_more_steps_and_guidance_are_refused(comparer: Comparer) -> None:
    with pytest.raises(RecipeError, match="steps is 4; host osediff takes at most 1"):
        comparer.check_size(24, 32, replace(RECIPE, steps=4))
    with pytest.raises(RecipeError, match=r"guidance_scale is 7\.5, but host osediff has no negative branch: set it to 1"):
        comparer.check_size(24, 32, replace(RECIPE, guidance_scale=7.5))


def test_without_its_file_the_command_is_told(
    comparer: Comparer, weights: Path, photo: torch.Tensor, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "priors").symlink_to(weights / "priors")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError) as told:
        comparer.run(photo, refined(weights), [])
    assert "curl -fL --create-dirs -o $RAPSR_WEIGHTS/osediff/osediff.pkl https://github.com/cswry/OSEDiff/raw/" in str(told.value)
    assert str(tmp_path) not in str(told.value)
