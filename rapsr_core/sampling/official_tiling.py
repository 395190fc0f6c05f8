"""Tiles of the official implementations, for parity with their published results; `tiling.py` has our own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rapsr_core.sampling.tiling import Tile, Tiling, whole

if TYPE_CHECKING:
    from torch import Tensor

GAUSSIAN_VARIANCE = 0.01
"""Of positions divided by the tile's side."""


def gaussian_weights(tile: Tile) -> Tensor:
    """(h, w) float64 weights of a tile in SeeSR, PASD, StableSR and DiffBIR: a Gaussian density in each direction.

    Its middle is at (w - 1) / 2 across but at h / 2 down, half a site low, as in all of them.
    """
    import torch

    height, width = tile.bottom - tile.top, tile.right - tile.left
    return torch.outer(_density(height, height / 2), _density(width, (width - 1) / 2))


def _density(length: int, middle: float) -> Tensor:
    import torch

    distance = (torch.arange(length, dtype=torch.float64) - middle) / length
    return torch.exp(-distance.square() / (2 * GAUSSIAN_VARIANCE)) / math.sqrt(2 * math.pi * GAUSSIAN_VARIANCE)


def seesr_tiles(latent_size: tuple[int, int], side: int, overlap: int) -> list[Tile]:
    """Tiles of SeeSR and PASD over a latent (height, width), column by column (pipelines/pipeline_seesr.py).

    One tile is the whole latent unless its AREA exceeds side * side; the last row and column are moved back to end at the border.
    SeeSR: side 96, overlap 32. Raises ValueError unless 0 <= overlap < the side, which a smaller latent shortens.
    """
    height, width = latent_size
    if height * width <= side * side:
        return [Tile(0, height, 0, width)]
    side = min(side, height, width)
    if not 0 <= overlap < side:
        raise ValueError(f"overlap is {overlap}; it must be at least 0 and less than the tile's side, {side}")
    return [
        Tile(y, y + side, x, x + side)
        for x in _starts(width, side, side - overlap)
        for y in _starts(height, side, side - overlap)
    ]


def diffbir_tiles(size: tuple[int, int], side: int, stride: int) -> list[Tile]:
    """Sliding windows of DiffBIR over a latent or image (height, width), row by row (diffbir/utils/common.py).

    The last row and column are moved back to end at the border. Raises ValueError for a size smaller than a tile: pad it before.
    """
    height, width = size
    if min(size) < side:
        raise ValueError(f"size is {height}x{width}, smaller than a tile of {side}; pad it to at least that")
    return [Tile(y, y + side, x, x + side) for y in _starts(height, side, stride) for x in _starts(width, side, stride)]


def _starts(length: int, side: int, stride: int) -> list[int]:
    return [*range(0, length - side, stride), length - side]


def stablesr_windows(latent_size: tuple[int, int], side: int | None, multiple: int) -> list[Tile]:
    """`Tiling.windows` of StableSR: `seesr_tiles`, half of each tile overlapping (sites: 64 and 32); None = the whole."""
    if side is None:
        return [whole(latent_size)]
    side = max(multiple, side // multiple * multiple)
    return seesr_tiles(latent_size, side, min(side, *latent_size) // 2)


def diffbir_windows(latent_size: tuple[int, int], side: int | None, multiple: int) -> list[Tile]:
    """`Tiling.windows` of DiffBIR: `diffbir_tiles`, a stride of half a tile (pixels: 512 and 256); None = the whole.

    Tiles of a latent narrower than they are become as narrow; DiffBIR itself then takes the whole at once, however long it is.
    """
    if side is None:
        return [whole(latent_size)]
    side = min(max(multiple, side // multiple * multiple), *latent_size)
    return diffbir_tiles(latent_size, side, side // 2)


def _by_area(overlap: int) -> Tiling:
    """The tiling of SeeSR, OSEDiff and PASD.

    Where the official code does not say: tiles too small for the published overlap overlap by a third, as SeeSR's own do, and those a
    narrow latent leaves no room for that by half.
    """

    def windows(latent_size: tuple[int, int], side: int | None, multiple: int) -> list[Tile]:
        if side is None:
            return [whole(latent_size)]
        short, shared = min(side, *latent_size), min(overlap, side // 3)
        return seesr_tiles(latent_size, side, shared if shared < short else short // 2)

    return Tiling(windows, gaussian_weights, whole_up_to_px=0)


SEESR = _by_area(32)
PASD = _by_area(8)
"""By published overlaps, in sites; the sides are in the hosts' rows (`HostInfo.tile_px`)."""

STABLESR = Tiling(stablesr_windows, gaussian_weights, whole_up_to_px=0)
DIFFBIR = Tiling(diffbir_windows, gaussian_weights)
"""DiffBIR's tiles are an option of it, hence our own limit for a whole latent; StableSR's begin beyond the area of one."""
