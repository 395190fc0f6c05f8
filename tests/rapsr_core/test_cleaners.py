import torch

from rapsr_core import ASSETS, cleaners
from rapsr_core.images import read, resize


def test_none_is_bicubic() -> None:
    lq = torch.rand(1, 3, 8, 12)
    assert torch.equal(cleaners.clean(lq, "none"), resize(lq, (32, 48)))


def test_real_esrgan_keeps_the_photograph_and_tiles_agree() -> None:
    lq = read(ASSETS / "examples" / "cat.png")[..., 40:80, 20:116]
    whole = cleaners.clean(lq, "real-esrgan", dtype=torch.float32)
    assert whole.shape == (1, 3, 160, 384)
    assert (whole - resize(lq, (160, 384))).abs().mean() < 0.05
    steps = list(cleaners.clean_steps(lq, "real-esrgan", dtype=torch.float32, tile_px=48))
    assert [s[:2] for s in steps] == [(1, 2), (2, 2)]
    assert steps[0][2] is None
    assert (steps[1][2] - whole).abs().mean() < 2 / 255
    at_the_cut = [picture.diff(dim=-1)[..., 4 * 48 - 1].square().mean() for picture in (steps[1][2], whole)]
    assert 0.9 < at_the_cut[0] / at_the_cut[1] < 1.1, "no step where tiles meet"


def test_a_cleaners_memory_grows_with_its_tile_up_to_its_own() -> None:
    assert cleaners.needed_bytes("none", 512) == 0
    assert (
        cleaners.needed_bytes("real-esrgan", 64)
        < cleaners.needed_bytes("real-esrgan", 192)
        == cleaners.needed_bytes("real-esrgan", 512)
    )
    assert cleaners.needed_bytes("real-esrgan", 192) < 1e9
