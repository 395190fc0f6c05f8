from dataclasses import replace

import pytest
import torch

from rapsr_core.priors import SpaceToDepthCodec
from rapsr_core.priors.embedded import TINY, build_scheduler, build_unet
from rapsr_core.training.objective import x0_loss, x0_weight
from rapsr_core.training.patches import Batch

CODEC, SCHEDULER = SpaceToDepthCodec(), build_scheduler()


def batch(timestep: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    target, guide, lq = torch.rand(3, 2, 3, 32, 32, generator=generator)
    noise = torch.randn(2, 48, 8, 8, generator=generator)
    return Batch(target, guide, lq, torch.tensor([True, True]), noise, torch.full((2,), timestep), ["", ""], (0, 0))


def test_autocast_does_not_touch_the_noise_level():
    """In bf16 alpha_bar rounds to 1 at t = 20, and the network would see its input without any noise."""
    seen = []
    unet = build_unet(TINY)
    unet.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    given = batch(20)
    with torch.autocast("cpu", torch.bfloat16):
        x0_loss(unet, CODEC, SCHEDULER, given, torch.zeros(2, 77, TINY.text_width))
    z0, alpha_bar = CODEC.encode(given.target, given.guide), SCHEDULER.alphas_cumprod[20]
    assert torch.allclose(seen[0][:, :48], alpha_bar.sqrt() * z0 + (1 - alpha_bar).sqrt() * given.noise, atol=1e-4)


def test_weights_are_min_snr_plus_one_with_a_floor():
    timesteps = torch.tensor([0, 150, 500, 999])
    snr = SCHEDULER.alphas_cumprod[timesteps] / (1 - SCHEDULER.alphas_cumprod[timesteps])
    assert torch.allclose(x0_weight(SCHEDULER, timesteps), ((snr + 1).clamp(max=20) / 4).clamp(min=1))
    assert x0_weight(SCHEDULER, timesteps)[[0, 2, 3]].tolist() == [5, 1, 1]


def test_lpips_is_added_to_the_squared_error():
    torch.manual_seed(0)
    unet, given, text = build_unet(TINY), batch(500), torch.zeros(2, 77, TINY.text_width)
    plain, _ = x0_loss(unet, CODEC, SCHEDULER, given, text)
    both, figures = x0_loss(unet, CODEC, SCHEDULER, given, text, lpips_weight=2.0)
    assert both.item() == pytest.approx(plain.item() + 2 * figures["lpips_guided"], rel=1e-5)
    assert figures["lpips_guided"] > 0


def test_lpips_counts_guided_samples_only():
    torch.manual_seed(0)
    unet, text = build_unet(TINY), torch.zeros(2, 77, TINY.text_width)
    given = replace(batch(500), has_guide=torch.tensor([False, False]))
    assert "lpips_guided" not in x0_loss(unet, CODEC, SCHEDULER, given, text, lpips_weight=2.0)[1]
