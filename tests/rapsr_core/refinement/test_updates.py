import pytest
import torch

from rapsr_core.refinement.updates import Delta, Full, LowRank

GENERATOR = torch.Generator().manual_seed(0)
UPDATES = {
    "lora": LowRank(torch.randn(2, 3, 1, 1, generator=GENERATOR), torch.randn(4, 2, 1, 1, generator=GENERATOR), 0.5),
    "delta": Delta(torch.randn(4, 3, 1, 1, generator=GENERATOR).half()),
    "full": Full(torch.randn(4, 3, 1, 1, generator=GENERATOR).half()),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_strength_0_is_the_weight_with_the_sign_of_its_zeros(update, dtype) -> None:
    weight = torch.full((4, 3, 1, 1), -0.0, dtype=dtype)
    applied = update.applied(weight, 0.0)
    assert applied.dtype == dtype and torch.signbit(applied).all()


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_half_the_strength_is_half_the_way(update) -> None:
    weight = torch.randn(4, 3, 1, 1, generator=torch.Generator().manual_seed(1))
    half, whole = update.applied(weight, 0.5), update.applied(weight, 1.0)
    torch.testing.assert_close(half, (weight + whole) / 2)
    assert (whole - weight).abs().max() > 0.1


def test_full_at_strength_1_is_the_new_weight_bit_for_bit() -> None:
    new = torch.tensor([1e-7, -0.0, 0.1], dtype=torch.float16)
    weight = torch.tensor([1e4, 1.0, 3.0], dtype=torch.float32)
    assert Full(new).applied(weight, 1.0).half().view(torch.int16).equal(new.view(torch.int16))


def test_low_rank_delta_is_the_scaled_product() -> None:
    update = UPDATES["lora"]
    torch.testing.assert_close(update.delta()[:, :, 0, 0], 0.5 * update.up[:, :, 0, 0] @ update.down[:, :, 0, 0])
