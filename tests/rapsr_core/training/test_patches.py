import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rapsr_core.priors import SpaceToDepthCodec
from rapsr_core.training.cache import ITEM_PX, Cache, as_tensor
from rapsr_core.training.patches import NO_GUIDE, PatchSampler, noise_level


@pytest.mark.parametrize("pure", [0.0, 0.25, 0.5])
def test_timesteps_are_uniform_beside_pure_noise(pure):
    level = noise_level(np.linspace(0, 1, 10_000, endpoint=False), pure)
    assert level[0] == 0
    assert (np.diff(level) >= 0).all()
    assert (level == 1).mean() == pytest.approx(pure, abs=1e-3)
    assert (level < 0.3).mean() == pytest.approx(0.3 * (1 - pure), abs=1e-3)


def test_timesteps_do_not_depend_on_how_samples_are_batched(tmp_path):
    """And 16 samples in a row fall into 16 different sixteenths."""
    sampler = PatchSampler(Cache(a_cache(tmp_path)), choose=lambda item, rng: (as_tensor(item.target), "x"), patch_px=32,
                           codec=SpaceToDepthCodec(), timesteps=1000, seed=4, pure_noise_share=0.0)  # fmt: skip
    whole = sampler.batch(0, 32)
    parts = [sampler.batch(first, 4) for first in range(0, 32, 4)]
    for name in ("target", "guide", "lq", "noise", "timesteps"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(part, name) for part in parts]))
    assert sorted((whole.timesteps[:16] * 16 // 1000).tolist()) == list(range(16))


def test_without_a_guide(tmp_path):
    sampler = PatchSampler(Cache(a_cache(tmp_path)), choose=lambda item, rng: (as_tensor(item.target), "x"), patch_px=32,
                           codec=SpaceToDepthCodec(), timesteps=1000, seed=4, guide_shares=NO_GUIDE)  # fmt: skip
    batch = sampler.batch(0, 8)
    assert not batch.has_guide.any()
    assert (batch.lq == 0.5).all()


def test_the_lq_is_the_enlarged_input_whatever_the_guide(tmp_path):
    samplers = [
        PatchSampler(
            Cache(a_cache(tmp_path)),
            choose=lambda item, rng: (as_tensor(item.target), "x"),
            patch_px=32,
            codec=SpaceToDepthCodec(),
            timesteps=1000,
            seed=4,
            guide_shares=shares,
        )
        for shares in ({"bicubic": 1.0}, {"real-esrgan": 1.0})
    ]
    bicubic, cleaned = (sampler.batch(0, 4) for sampler in samplers)
    assert torch.equal(bicubic.guide, bicubic.lq)
    assert torch.equal(cleaned.lq, bicubic.lq)
    assert not torch.equal(cleaned.guide, cleaned.lq)


@pytest.mark.parametrize(("share", "good"), [(0.0, 0.5), (0.6, 0.5 / 0.7), (1.0, 1.0)])
def test_faulty_targets_are_passed_over(tmp_path, share, good):
    seen = []
    sampler = PatchSampler(Cache(a_cache(tmp_path, ("good", "blur"))), choose=lambda item, rng: (seen.append(item.quality), (as_tensor(item.target), "x"))[1],
                           patch_px=16, codec=SpaceToDepthCodec(), timesteps=1000, seed=4, guide_shares=NO_GUIDE, pass_over_faulty=share)  # fmt: skip
    sampler.batch(0, 400)
    assert seen.count("good") / 400 == pytest.approx(good, abs=0.07)


def a_cache(folder: Path, qualities: tuple[str, str] = ("good", "good")) -> Path:
    """One shard of two items of noise, as `build_cache` writes it."""
    rng = np.random.default_rng(0)
    np.save(folder / "00000.npy", rng.integers(0, 256, (2, 3 * (2 * ITEM_PX**2 + (ITEM_PX // 4) ** 2)), dtype=np.uint8))
    (folder / "00000.json").write_text(json.dumps([{"photo": "a", "quality": quality} for quality in qualities]))
    return folder
