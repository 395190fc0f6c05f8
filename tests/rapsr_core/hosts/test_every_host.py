"""What every host must do: a whole picture through the shared loop, in tiles too, and a refinement that comes and goes."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from tiny_hosts import TINY_HOSTS

from rapsr_core.hosts.registry import HOSTS, recipe_from_json
from rapsr_core.images import resize
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.refinement import Refinement, plugged_in
from rapsr_core.refinement.updates import Delta, Full, LowRank, Update
from rapsr_core.sampling.contract import Host
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.noise import ImageNoise

SIZE = (64, 96)
TILES_APART = 0.05
"""Mean difference of a tiled picture to the whole one, of [0, 1]; random networks see far, trained ones agree better."""


@pytest.fixture(scope="module", params=[name for name in HOSTS if name != "embedded"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Host]:
    return request.param, TINY_HOSTS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def lq() -> torch.Tensor:
    return resize(torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(2)), SIZE)


def picture(name: str, host: Host, lq: torch.Tensor, tile_sites: int | None = None, **settings: float) -> torch.Tensor:
    row, noise = HOSTS[name], ImageNoise(0)
    steps = min(2, row.max_steps)
    recipe = row.completed(replace(row.recipe(Recipe()), steps=steps, guidance_scale=3.0, host_settings=settings))
    condition = host.prepare(lq, resize(lq, (256, 384)), recipe, noise)
    texts = [host.encode_text([host.prior.tokenizer(text).input_ids]) for text in ("[X]. a cat", "[V]. ")]
    windows = row.tiling.windows(condition.latent_size, tile_sites, host.multiple)
    assert (len(windows) > 1) == (tile_sites is not None)
    plan = Plan(steps, row.schedule(recipe), windows, weights=row.tiling.weights)
    walked = list(denoise(host, condition, *texts, plan, noise))
    shown = host.preview(walked[0].z0, condition)
    assert shown.shape[:2] == (1, 3) and 0 <= shown.min() <= shown.max() <= 1
    return host.decode(walked[-1].z0, condition)


UPDATES: dict[str, Callable[[torch.Tensor, torch.Generator], Update]] = {
    "replace": lambda w, g: Full(w + 0.5 * torch.randn(w.shape, generator=g)),
    "delta": lambda w, g: Delta(0.5 * torch.randn(w.shape, generator=g)),
    "lora": lambda w, g: LowRank(torch.randn(2, w.shape[1], generator=g), torch.randn(w.shape[0], 2, generator=g), 0.3),
}


def refinement(host: Host, format_name: str) -> Refinement:
    """A change of what the prior's attention projects with, in one of the three formats."""
    generator, make = torch.Generator().manual_seed(5), UPDATES[format_name]
    ends = ("to_q.weight", "to_v.weight", "to_out.0.weight")
    names = [name for name, _ in host.prior.unet.named_parameters() if name.endswith(ends)]
    updates = {name: make(host.unet.get_parameter(name), generator) for name in names}
    return Refinement("test", updates, "[X]. ", "[V]. ", {}, {}, (), {"prior": "test"})


@pytest.mark.parametrize("format_name", list(UPDATES))
def test_a_refinement_is_plugged_in_and_taken_out_again(host, lq, format_name):
    name, built = host
    change, plain = refinement(built, format_name), picture(name, built, lq)
    before = {n: (p.data_ptr(), p.clone()) for n, p in built.unet.named_parameters()}
    with plugged_in(built.unet, change, 0.0):
        assert torch.equal(picture(name, built, lq), plain)
    with plugged_in(built.unet, change, 1.0):
        moved = {n for n, p in built.unet.named_parameters() if not torch.equal(p, before[n][1])}
        assert moved == set(change.updates), "only what the refinement names is changed, nothing of the host's own"
        assert not torch.equal(picture(name, built, lq), plain)
    assert all(p.data_ptr() == before[n][0] and torch.equal(p, before[n][1]) for n, p in built.unet.named_parameters())
    assert torch.equal(picture(name, built, lq), plain)


def test_a_photograph_becomes_four_times_as_large(host, lq):
    name, built = host
    result = picture(name, built, lq)
    assert result.shape == (1, 3, 256, 384)
    assert torch.isfinite(result).all() and result.std() > 0.02
    assert torch.equal(result, picture(name, built, lq))


def test_tiles_agree_with_the_whole(host, lq):
    name, built = host
    whole, tiled = picture(name, built, lq), picture(name, built, lq, tile_sites=32)
    assert not torch.equal(whole, tiled)
    assert (whole - tiled).abs().mean() < TILES_APART


def test_every_setting_of_a_host_changes_its_picture(host, lq):
    name, built = host
    plain = picture(name, built, lq)
    for setting in HOSTS[name].settings:
        other = setting.low if setting.default != setting.low else setting.high
        assert not torch.equal(plain, picture(name, built, lq, **{setting.name: other})), setting.name


def test_settings_are_checked_by_name_and_range():
    for row in HOSTS.values():
        with pytest.raises(RecipeError, match=f"host_settings.sharpness is no setting of host {row.name}"):
            recipe_from_json({"host": row.name, "host_settings": {"sharpness": 1}})
        for setting in row.settings:
            with pytest.raises(RecipeError, match=f"host_settings.{setting.name} is .*; it must be between"):
                recipe_from_json({"host": row.name, "host_settings": {setting.name: setting.high + 1}})


def test_what_a_recipe_leaves_out_is_the_hosts_own():
    recipe = recipe_from_json({"host": "x4-upscaler", "seed": 5, "baseline": {"positive": "sharp"}})
    assert (recipe.steps, recipe.guidance_scale, recipe.cleaner, recipe.seed) == (75, 9.0, "none", 5)
    assert recipe.baseline.positive == "sharp" and recipe.enhanced == replace(Recipe().enhanced, refinement="none")
    assert recipe_from_json({}) == HOSTS["embedded"].completed(Recipe())
    with pytest.raises(RecipeError, match="host x4-upscaler takes no guide: set cleaner to 'none'"):
        recipe_from_json({"host": "x4-upscaler", "cleaner": "real-esrgan"})
