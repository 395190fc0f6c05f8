import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, SchedulerMixin
from safetensors.torch import load_file
from torch import Tensor

from rapsr_core.sampling.contract import Condition, Host, Text
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.official_tiling import (
    DIFFBIR,
    PASD,
    SEESR,
    STABLESR,
    diffbir_tiles,
    gaussian_weights,
    seesr_tiles,
)
from rapsr_core.sampling.tiling import Tile

REFERENCE = Path(__file__).parents[2] / "reference"


def fixture(name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    return json.loads((REFERENCE / f"{name}.json").read_text()), load_file(REFERENCE / f"{name}.safetensors")


def corners(tiles: list[Tile]) -> list[list[int]]:
    return [[tile.top, tile.bottom, tile.left, tile.right] for tile in tiles]


def test_the_weights_are_the_official_ones() -> None:
    facts, tensors = fixture("seesr_tile_weights_a")
    for call in facts["calls"]:
        ours = gaussian_weights(Tile(5, 5 + call["tile_height"], 7, 7 + call["tile_width"]))
        assert ours.dtype == torch.float64 and ours.shape == (call["tile_height"], call["tile_width"])
        torch.testing.assert_close(ours, tensors[f"outputs/{call['output']}"], rtol=0, atol=1e-9)
    _, tensors = fixture("diffbir_tiling_a")
    theirs = tensors["outputs/gaussian_weights"]
    torch.testing.assert_close(gaussian_weights(Tile(0, 12, 0, 12)), theirs.double(), rtol=0, atol=1e-9)


def test_diffbir_windows_are_the_official_ones() -> None:
    facts, _ = fixture("diffbir_tiling_a")
    cases = facts["sliding_windows"]["cases"]
    assert len(cases) == 3
    for name, windows in cases.items():
        size, side, stride = name.replace("tile", "").replace("stride", "").split("_")
        height, width = map(int, size.split("x"))
        assert corners(diffbir_tiles((height, width), int(side), int(stride))) == windows, name


def test_diffbir_windows_need_an_image_of_at_least_a_tile() -> None:
    with pytest.raises(ValueError, match="size is 63x90, smaller than a tile of 64"):
        diffbir_tiles((63, 90), 64, 32)


def test_the_published_tilings_of_seesr_and_pasd() -> None:
    assert SEESR.windows((96, 96), 96, 1) == SEESR.windows((96, 96), None, 8) == [Tile(0, 96, 0, 96)]
    assert SEESR.windows((48, 190), 96, 1) == [Tile(0, 48, 0, 190)], "by area"
    assert SEESR.windows((128, 128), 96, 1) == seesr_tiles((128, 128), 96, 32) and len(SEESR.windows((128, 128), 96, 1)) == 4
    assert PASD.windows((400, 300), 320, 1) == seesr_tiles((400, 300), 320, 8)
    assert PASD.windows((300, 300), 320, 1) == [Tile(0, 300, 0, 300)]
    assert {(tiling.weights, tiling.whole_up_to_px) for tiling in (SEESR, PASD)} == {(gaussian_weights, 0)}


@pytest.mark.parametrize("size", [(40, 40), (4, 700), (65, 9)])
@pytest.mark.parametrize("side", [8, 16])
def test_small_tiles_and_narrow_latents_are_covered_too(size: tuple[int, int], side: int) -> None:
    for tiling in (SEESR, PASD):
        covered = torch.zeros(size)
        for tile in tiling.windows(size, side, 1):
            covered[tile.top : tile.bottom, tile.left : tile.right] += tiling.weights(tile)
        assert (covered > 0).all()


class MixingHost(Host):
    """The function of a tile that DiffBIR's fixture stitches, as what a network predicts."""

    def __init__(self, scheduler: SchedulerMixin, start: Tensor) -> None:
        self.scheduler, self.first = scheduler, start

    def start(self, condition: Condition, scheduler: SchedulerMixin, noise: ImageNoise) -> Tensor:
        return self.first

    def predict(self, z: Tensor, t: Tensor, text: Text, condition: Condition) -> Tensor:
        return torch.tanh(2 * z - 0.5) + z.mean((2, 3), keepdim=True)


def test_the_loop_stitches_tiles_as_diffbir_does() -> None:
    facts, tensors = fixture("diffbir_tiling_a")
    call = next(call for call in facts["calls"] if call["output"] == "tiled")
    image = tensors["inputs/content"]
    scheduler = DDIMScheduler(prediction_type="sample", clip_sample=False, thresholding=False)
    size = (image.shape[2], image.shape[3])
    windows = diffbir_tiles(size, call["size"], call["stride"])
    assert len(windows) > 4
    condition, text = Condition({}, size, size, 1, image), Text(torch.zeros(1, 1, 1))
    plan = Plan(1, constant(1.0), windows, weights=gaussian_weights)
    (step,) = denoise(MixingHost(scheduler, image), condition, text, text, plan, ImageNoise(0))
    torch.testing.assert_close(step.z0, tensors["outputs/tiled"], rtol=0, atol=1e-5)


def test_seesr_takes_the_latent_whole_up_to_the_area_of_a_tile() -> None:
    assert corners(seesr_tiles((96, 96), 96, 32)) == [[0, 96, 0, 96]]
    assert corners(seesr_tiles((32, 200), 96, 32)) == [[0, 32, 0, 200]]
    assert len(seesr_tiles((96, 97), 96, 32)) == 2


def test_seesr_goes_column_by_column_and_moves_the_last_ones_back_to_the_border() -> None:
    assert corners(seesr_tiles((12, 20), 8, 4)) == [[top, top + 8, left, left + 8] for left in (0, 4, 8, 12) for top in (0, 4)]
    assert corners(seesr_tiles((128, 170), 96, 32)) == [
        [top, top + 96, left, left + 96] for left in (0, 64, 74) for top in (0, 32)
    ]


def test_a_seesr_tile_is_no_longer_than_the_latent_and_the_overlap_is_shorter() -> None:
    assert corners(seesr_tiles((40, 300), 96, 32))[:3] == [[0, 40, 0, 40], [0, 40, 8, 48], [0, 40, 16, 56]]
    with pytest.raises(ValueError, match="overlap is 32; it must be at least 0 and less than the tile's side, 30"):
        seesr_tiles((30, 400), 96, 32)


def test_stablesr_and_diffbir_overlap_by_half_of_a_tile() -> None:
    assert STABLESR.windows((64, 96), 64, 8) == seesr_tiles((64, 96), 64, 32) and len(STABLESR.windows((64, 96), 64, 8)) == 2
    assert corners(STABLESR.windows((40, 104), 64, 8)) == [[0, 40, left, left + 40] for left in (0, 20, 40, 60, 64)]
    assert DIFFBIR.windows((70, 90), 64, 8) == diffbir_tiles((70, 90), 64, 32)
    assert DIFFBIR.windows((70, 90), 71, 8) == diffbir_tiles((70, 90), 64, 32), "a side is a multiple of 8"
    assert corners(DIFFBIR.windows((64, 64), 64, 8)) == [[0, 64, 0, 64]]


def test_where_they_leave_the_latent_whole() -> None:
    """StableSR by area, as SeeSR; DiffBIR never, but its tiles become as narrow as the latent."""
    assert corners(STABLESR.windows((40, 64), 64, 8)) == [[0, 40, 0, 64]]
    assert corners(DIFFBIR.windows((40, 64), 64, 8)) == [[0, 40, 0, 40], [0, 40, 20, 60], [0, 40, 24, 64]]
    for tiling in (STABLESR, DIFFBIR):
        assert corners(tiling.windows((200, 300), None, 8)) == [[0, 200, 0, 300]]


@pytest.mark.parametrize("size", [(97, 97), (100, 300), (257, 128)])
def test_the_official_tiles_cover_every_site(size: tuple[int, int]) -> None:
    for tiles in (seesr_tiles(size, 96, 32), diffbir_tiles(size, 64, 32)):
        seen = torch.zeros(size)
        for tile in tiles:
            seen[tile.top : tile.bottom, tile.left : tile.right] += gaussian_weights(tile)
        assert (seen > 0).all()
