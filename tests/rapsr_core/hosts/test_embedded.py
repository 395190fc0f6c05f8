from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rapsr_core.cleaners import clean
from rapsr_core.device import Device
from rapsr_core.hosts.embedded import EmbeddedHost, shifts_px
from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.images import resize
from rapsr_core.priors import load_prior
from rapsr_core.priors.text import Text
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Condition
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import tiles
from rapsr_core.speeds import network_passes

NOISE, RECIPE = ImageNoise(0), HOSTS["embedded"].completed(Recipe())


@pytest.fixture(scope="module")
def host(assets: Path) -> EmbeddedHost:
    return EmbeddedHost(load_prior(assets / "prior"), Device(torch.device("cpu"), torch.float32, "test"))


def prepared(host: EmbeddedHost, height: int, width: int):
    lq = resize(torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(2)), (height, width))
    return host.prepare(lq, clean(lq, "none"), RECIPE, NOISE), clean(lq, "none")


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (19, 16)])
def test_any_size_is_padded_for_the_network_and_cut_again(host: EmbeddedHost, size: tuple[int, int]) -> None:
    condition, guide = prepared(host, *size)
    assert condition.output_size == (size[0] * 4, size[1] * 4)
    assert all(n % host.multiple == 0 for n in condition.latent_size)
    assert condition["guide"].shape[-2:] == tuple(4 * n for n in condition.latent_size)
    assert all(4 * n >= side * 4 + 4 for n, side in zip(condition.latent_size, size, strict=True))
    z = host.start(condition, host.scheduler, NOISE)
    output = predicted(host, z, 999, host.prior.text.encode(["a cat"]), condition)[0]
    assert output.shape == z.shape
    assert host.preview(output, condition).shape == guide.shape


def test_noise_scale_scales_the_start(host: EmbeddedHost) -> None:
    guide = torch.zeros(1, 3, 64, 64)
    full, half = (
        host.start(
            host.prepare(guide[..., :16, :16], guide, replace(RECIPE, host_settings={"noise_scale": scale}), NOISE),
            host.scheduler,
            NOISE,
        )
        for scale in (1.0, 0.5)
    )
    assert torch.equal(half, 0.5 * full)


def predicted(host: EmbeddedHost, z: torch.Tensor, t: int, text: Text, condition: Condition) -> list[torch.Tensor]:
    """One a view."""
    return [host.predict(z, torch.tensor(t), text, seen) for seen in host.views(torch.tensor(t), condition)]


def test_a_zero_latent_is_the_guide_itself(host: EmbeddedHost) -> None:
    condition, guide = prepared(host, 17, 23)
    assert torch.equal(host.decode(torch.zeros(1, 48, *condition.latent_size), condition), guide)


def test_colours_come_from_the_input_not_from_the_cleaner(host: EmbeddedHost) -> None:
    lq = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    condition = host.prepare(lq, torch.zeros(1, 3, 64, 64), RECIPE, NOISE)
    assert torch.equal(condition.colour_reference, resize(lq, (64, 64)))


def test_the_text_reaches_the_network(host: EmbeddedHost) -> None:
    condition, _ = prepared(host, 16, 16)
    z = host.start(condition, host.scheduler, NOISE)
    one, two = (predicted(host, z, 999, host.prior.text.encode([p]), condition)[0] for p in ("[X]. ", "[V]. "))
    assert not torch.equal(one, two)


def test_the_input_reaches_the_network_beside_the_guide(host: EmbeddedHost) -> None:
    guide, text = torch.full((1, 3, 64, 64), 0.5), host.prior.text.encode(["a cat"])
    one, two = (host.prepare(torch.full((1, 3, 16, 16), grey), guide, RECIPE, NOISE) for grey in (0.4, 0.6))
    z = host.start(one, host.scheduler, NOISE)
    assert not torch.equal(predicted(host, z, 999, text, one)[0], predicted(host, z, 999, text, two)[0])


def test_tiles_agree_with_the_whole_and_leave_no_seam(host: EmbeddedHost) -> None:
    """Tiles see less around them, so they may differ a little, but no more where one ends than elsewhere."""
    condition, _ = prepared(host, 31, 63)
    texts, results = [host.prior.text.encode([p]) for p in ("a cat", "blurry")], []
    for side in (None, 32):
        windows = tiles(condition.latent_size, side, host.multiple)
        *_, last = denoise(host, condition, *texts, Plan(3, constant(1.2), windows), NOISE)
        results.append(host.decode(last.z0, condition))
    difference = (results[1] - results[0]).abs()
    assert 0 < difference.mean() < 0.01
    jumps = (results[1] - results[0]).diff(dim=-1).abs().mean(dim=(0, 1, 2))  # between neighbouring columns
    ends = [4 * tile.right - 1 for tile in windows if tile.right < condition.latent_size[1]]
    assert len(ends) == 2
    assert max(jumps[end] for end in ends) < 2 * jumps[3::4].mean()


def test_reduced_precision_stays_near_float32(assets: Path, host: EmbeddedHost) -> None:
    lower = EmbeddedHost(host.prior, Device(torch.device("cpu"), torch.bfloat16, "test"))
    condition, _ = prepared(host, 16, 16)
    z, text = host.start(condition, host.scheduler, NOISE), host.prior.text.encode(["a cat"])
    full, low = (predicted(h, z, 500, text, condition)[0] for h in (host, lower))
    assert 0 < (full - low).abs().mean() < 0.05 * full.abs().mean()


@pytest.mark.parametrize("steps", [4, 8, 10, 20])
def test_neighbouring_steps_lay_the_blocks_elsewhere(steps: int) -> None:
    """For the step numbers people use, with trailing spacing."""
    timesteps = [round(1000 - k * 1000 / steps) - 1 for k in range(steps)]
    shifts = [shifts_px(t, timesteps[-1], 4) for t in timesteps[:-1]]
    assert all(len(a) == 1 and a != b for a, b in pairwise(shifts))


def test_the_mean_of_the_last_step_has_no_component_of_the_codecs_period() -> None:
    """Every frequency (k/4, l/4) of a pattern that moves with the blocks cancels, those along the diagonals too."""
    pattern = torch.randn(16, 16, generator=torch.Generator().manual_seed(1)).double()[:4, :4].repeat(4, 4)
    mean = torch.stack([pattern.roll(shift, (0, 1)) for shift in shifts_px(124, 124, 4)]).mean(0)
    assert (mean - pattern.mean()).abs().max() < 1e-12


@pytest.mark.parametrize("steps", [1, 4, 8, 30])
def test_the_last_step_is_known(host: EmbeddedHost, steps: int) -> None:
    condition = host.prepare(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 64, 64), replace(RECIPE, steps=steps), NOISE)
    assert int(condition["last_t"]) == round(1000 / steps) - 1


def test_a_shift_moves_the_codec_and_not_the_picture(host: EmbeddedHost) -> None:
    """A network that sees one block at a time gives the same picture wherever the blocks lie."""
    condition, _ = prepared(host, 16, 16)
    unet, seen = host.unet, []

    class Identity(torch.nn.Module):
        def forward(self, rows, t, states):
            seen.append(rows)
            return SimpleNamespace(sample=rows[:, :48])

    z, text = host.start(condition, host.scheduler, NOISE), host.prior.text.encode(["a cat"])
    try:
        host.unet = Identity()
        for t in (999, 874, 124):
            assert all(torch.allclose(output, z, atol=1e-6) for output in predicted(host, z, t, text, condition))
    finally:
        host.unet = unet
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.parametrize("steps", [1, 2, 8, 50])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_passes_are_counted(host: EmbeddedHost, steps: int, scale: float) -> None:
    """The table's number, from which times are estimated, is what the loop does."""
    row, recipe = host_info("embedded"), replace(RECIPE, steps=steps, guidance_scale=scale)
    image = torch.zeros(1, 3, 16, 16)
    condition = host.prepare(image, clean(image, "none"), recipe, NOISE)
    calls, text = [], host.prior.text.encode(["a cat"])
    hook = host.unet.register_forward_pre_hook(lambda module, inputs: calls.append(1))
    plan = Plan(steps, row.guidance(scale, steps), tiles(condition.latent_size, None, host.multiple))
    list(denoise(host, condition, text, text, plan, NOISE))
    hook.remove()
    assert len(calls) == sum(network_passes(recipe))
