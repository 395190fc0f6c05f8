import pytest
import torch

from rapsr_core.images import resize
from rapsr_core.quality.consistency import lr_psnr, lr_psnr_score
from rapsr_core.quality.fidelity import psnr_y


def test_lr_psnr_reduces_by_area_and_says_where_it_cannot():
    tiny = resize(torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(2)), (16, 16))
    blocks = tiny.repeat_interleave(4, -1).repeat_interleave(4, -2)
    assert lr_psnr(blocks, tiny) > 120  # the very mean of each block, but for rounding
    assert lr_psnr(blocks * 0.5, tiny) == pytest.approx(psnr_y(tiny * 0.5, tiny), abs=1e-3)
    assert lr_psnr_score(tiny, tiny).error == "LR-PSNR (area) is infinite: the reduced result equals the input"
    assert "the result is 8 x 8 px, the input 16 x 16" in (lr_psnr_score(tiny[..., :8, :8], tiny).error or "")
