from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rapsr_core.cleaners import clean
from rapsr_core.device import Device
from rapsr_core.hosts.embedded import NEARLY_CLEAN_T, EmbeddedHost, passes, shifts_px
from rapsr_core.images import resize
from rapsr_core.priors import load_prior
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import tiles

NOISE, RECIPE = ImageNoise(0), Recipe()


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
    output = host.predict(z, torch.tensor(999), host.encode_text(["a cat"]), condition)
    assert output.shape == z.shape
    assert host.preview(output, condition).shape == guide.shape


def test_noise_scale_scales_the_start(host: EmbeddedHost) -> None:
    guide = torch.zeros(1, 3, 64, 64)
    full, half = (
        host.start(host.prepare(guide[..., :16, :16], guide, replace(RECIPE, noise_scale=scale), NOISE), host.scheduler, NOISE)
        for scale in (1.0, 0.5)
    )
    assert torch.equal(half, 0.5 * full)


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
    one, two = (host.predict(z, torch.tensor(999), host.encode_text([p]), condition) for p in ("[X]. ", "[V]. "))
    assert not torch.equal(one, two)


def test_tiles_agree_with_the_whole_and_leave_no_seam(host: EmbeddedHost) -> None:
    """Tiles see less around them, so they may differ a little, but no more where one ends than elsewhere."""
    condition, _ = prepared(host, 31, 63)
    texts, results = [host.encode_text([p]) for p in ("a cat", "blurry")], []
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
    z, text = host.start(condition, host.scheduler, NOISE), host.encode_text(["a cat"])
    full, low = (h.predict(z, torch.tensor(500), text, condition).float() for h in (host, lower))
    assert 0 < (full - low).abs().mean() < 0.05 * full.abs().mean()


def test_neighbouring_steps_lay_the_blocks_elsewhere() -> None:
    """For the step numbers people use, with trailing spacing; and the last mean covers every row and column offset once."""
    for steps in (4, 8, 10, 20):
        timesteps = [round(1000 - k * 1000 / steps) - 1 for k in range(steps)]
        shifts = [shifts_px(t) for t in timesteps if t > NEARLY_CLEAN_T]
        assert all(a != b for a, b in pairwise(shifts))
    assert sorted(down for down, _ in shifts_px(100)) == sorted(right for _, right in shifts_px(100)) == [0, 1, 2, 3]


def test_a_shift_moves_the_codec_and_not_the_picture(host: EmbeddedHost) -> None:
    """A network that sees one block at a time gives the same picture wherever the blocks lie."""
    condition, _ = prepared(host, 16, 16)
    unet, seen = host.unet, []

    class Identity(torch.nn.Module):
        def forward(self, rows, t, states):
            seen.append(rows)
            return SimpleNamespace(sample=rows[:, :48])

    z, text = host.start(condition, host.scheduler, NOISE), host.encode_text(["a cat"])
    try:
        host.unet = Identity()
        for t in (999, 874, 100):
            assert torch.allclose(host.predict(z, torch.tensor(t), text, condition), z, atol=1e-6)
    finally:
        host.unet = unet
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.parametrize("steps", [1, 2, 8, 50])
def test_passes_are_counted(host: EmbeddedHost, steps: int) -> None:
    """The table's number, from which times are estimated, is what the loop does."""
    condition, _ = prepared(host, 16, 16)
    calls, text = [], host.encode_text(["a cat"])
    hook = host.unet.register_forward_pre_hook(lambda module, inputs: calls.append(1))
    windows = tiles(condition.latent_size, None, host.multiple)
    list(denoise(host, condition, text, text, Plan(steps, constant(1.0), windows), NOISE))
    hook.remove()
    assert len(calls) == passes(steps)
