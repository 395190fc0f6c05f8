import pytest
import torch

from rapsr_core.sampling.guidance import all_but_last, constant, guide, rising

GENERATOR = torch.Generator().manual_seed(0)
POSITIVE, NEGATIVE = (torch.randn(2, 3, 8, 8, generator=GENERATOR) for _ in range(2))


def test_scales_0_1_and_3() -> None:
    assert torch.equal(guide(POSITIVE, NEGATIVE, 0.0), NEGATIVE)
    torch.testing.assert_close(guide(POSITIVE, NEGATIVE, 1.0), POSITIVE)
    torch.testing.assert_close(guide(POSITIVE, NEGATIVE, 3.0), 3 * POSITIVE - 2 * NEGATIVE)


@pytest.mark.parametrize("phi", [0.3, 0.7, 1.0])
def test_rescaling_moves_the_spread_of_each_image_towards_the_positive(phi: float) -> None:
    guided, rescaled = guide(POSITIVE, NEGATIVE, 4.0), guide(POSITIVE, NEGATIVE, 4.0, phi)
    for image in range(2):
        wanted = phi * POSITIVE[image].std() + (1 - phi) * guided[image].std()
        torch.testing.assert_close(rescaled[image].std(), wanted)


def test_constant_needs_no_second_pass_at_1() -> None:
    assert constant(1.0)(0, 999) is None
    assert constant(1.2)(7, 124) == 1.2


def test_the_last_step_of_several_is_unguided() -> None:
    assert [all_but_last(1.5, 3)(i, 0) for i in range(3)] == [1.5, 1.5, None]
    assert all_but_last(1.5, 1)(0, 999) == 1.5
    assert all_but_last(1.0, 3)(0, 999) is None


def test_rising_guidance_starts_at_1_ends_at_1_more_than_the_scale_and_leaves_small_scales_alone() -> None:
    scales = [rising(4.0)(0, t) for t in (1000, 700, 300, 0)]
    assert scales == sorted(scales) and scales[0] == 1 and scales[-1] == 5
    assert rising(1.0)(0, 0) is None and rising(0.5)(0, 0) == 0.5
