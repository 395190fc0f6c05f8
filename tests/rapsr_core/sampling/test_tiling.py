from itertools import pairwise

import pytest
import torch

from rapsr_core.sampling.tiling import Tile, sites_a_side, tiles, weights


@pytest.mark.parametrize(
    ("output_size", "tile_px", "expected"), [((512, 512), 512, None), ((512, 512), 256, 64), ((256, 200), 256, None)]
)
def test_an_output_that_a_tile_covers_is_not_cut(output_size: tuple[int, int], tile_px: int, expected: int | None) -> None:
    assert sites_a_side(output_size, tile_px, 4) == expected


@pytest.mark.parametrize("size", [(128, 128), (260, 132), (12, 300), (136, 64)])
def test_windows_cover_the_latent_overlap_and_keep_to_the_multiple(size: tuple[int, int]) -> None:
    found = tiles(size, 66, 4)
    covered = torch.zeros(size)
    for tile in found:
        assert all(n % 4 == 0 for n in (tile.top, tile.bottom, tile.left, tile.right))
        assert (tile.bottom - tile.top, tile.right - tile.left) == (min(64, size[0]), min(64, size[1]))
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert covered.min() >= 1
    starts = sorted({tile.left for tile in found})
    assert all(b - a <= 48 for a, b in pairwise(starts))  # a quarter of 64 in common


@pytest.mark.parametrize(("side", "stride"), [(32, 24), (64, 48), (96, 80), (192, 168)])
def test_large_tiles_share_an_eighth_and_small_ones_a_quarter(side: int, stride: int) -> None:
    first, second, *_ = tiles((side, 4 * side), side, 4)
    assert second.left - first.left == stride


def test_a_small_latent_is_one_tile() -> None:
    assert tiles((40, 30), 64, 4) == [Tile(0, 40, 0, 30)] == tiles((40, 30), None, 4)


def test_weights_are_positive_symmetric_and_fall_to_the_edge() -> None:
    weight = weights(Tile(8, 40, 0, 64))
    assert weight.shape == (32, 64)
    assert weight.min() > 0
    torch.testing.assert_close(weight, weight.flip(0, 1))
    assert weight[16, 32] > 0.99
    assert weight[16, 0] < 0.01


def test_tiles_that_disagree_leave_no_seam() -> None:
    """Every tile says another constant; the blend must pass from one to the next without a jump."""
    windows = tiles((64, 160), 64, 4)
    total, norm = torch.zeros(64, 160), torch.zeros(64, 160)
    for value, tile in enumerate(windows):
        total[tile.top : tile.bottom, tile.left : tile.right] += value * weights(tile)
        norm[tile.top : tile.bottom, tile.left : tile.right] += weights(tile)
    line = (total / norm)[32]
    assert (line[0], line[-1]) == (0, len(windows) - 1)
    assert line.diff().abs().max() < 0.2
