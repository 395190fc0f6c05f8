import torch

from rapsr_core import ASSETS, cleaners
from rapsr_core.images import read, resize


def test_none_is_bicubic() -> None:
    lq = torch.rand(1, 3, 8, 12)
    assert torch.equal(cleaners.clean(lq, "none"), resize(lq, (32, 48)))


def test_real_esrgan_keeps_the_photograph_and_tiles_agree(monkeypatch) -> None:
    lq = read(ASSETS / "examples" / "cat.png")[..., 40:80, 20:116]
    whole = cleaners.clean(lq, "real-esrgan", dtype=torch.float32)
    assert whole.shape == (1, 3, 160, 384)
    assert (whole - resize(lq, (160, 384))).abs().mean() < 0.05
    monkeypatch.setattr(cleaners, "TILE_PX", 48)
    steps = list(cleaners.clean_steps(lq, "real-esrgan", dtype=torch.float32))
    assert [s[:2] for s in steps] == [(1, 2), (2, 2)]
    assert steps[0][2] is None
    assert (steps[1][2] - whole).abs().mean() < 2 / 255
