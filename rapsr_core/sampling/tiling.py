"""Tiles over a latent, with smooth weights, so that predictions are blended where tiles overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WHOLE_UP_TO_PX = 1024
"""Longest output side that is taken at once: the time of self-attention grows with the square of the pixels."""
OVERLAP_SHARE, OVERLAP_SITES, MOST_OVERLAP_SHARE = 0.125, 16, 0.25
"""Neighbours overlap by an eighth, but by no fewer sites, as long as that is no more than a quarter. On a real photograph (256 -> 1024 px, tiles of 384 and
512 px) an eighth brought results as near to the untiled one as a quarter (50 and 54 dB), in less time; small tiles with little in common show seams."""


@dataclass(frozen=True)
class Tile:
    """Window in latent sites; bottom and right are exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def sites_a_side(output_size: tuple[int, int], tile_px: int, site_px: int) -> int | None:
    """Latent sites a side of a tile of `tile_px` output pixels; None = the output (height, width) is not larger, and not cut."""
    return tile_px // site_px if tile_px < max(output_size) else None


def whole(latent_size: tuple[int, int]) -> Tile:
    """The one tile that is all of a latent (height, width)."""
    return Tile(0, latent_size[0], 0, latent_size[1])


def tiles(latent_size: tuple[int, int], side: int | None, multiple: int) -> list[Tile]:
    """Windows of `side` sites (rounded down to a multiple the network needs) that cover the latent, evenly overlapped."""
    height, width = latent_size
    if side is None:
        return [whole(latent_size)]
    side = max(multiple, side // multiple * multiple)
    return [
        Tile(y, y + min(side, height), x, x + min(side, width))
        for y in _starts(height, side, multiple)
        for x in _starts(width, side, multiple)
    ]


def _starts(length: int, side: int, multiple: int) -> list[int]:
    if length <= side:
        return [0]
    overlap = min(MOST_OVERLAP_SHARE * side, max(OVERLAP_SHARE * side, OVERLAP_SITES))
    stride = max(multiple, int(side - overlap) // multiple * multiple)
    return [*range(0, length - side, stride), length - side]


def weights(tile: Tile) -> Tensor:
    """(h, w) raised-cosine weights of a tile, positive everywhere; the blend divides by their sum."""
    import torch

    height, width = tile.bottom - tile.top, tile.right - tile.left
    lines = [torch.sin((torch.arange(n) + 0.5) * torch.pi / n).square() for n in (height, width)]
    return torch.outer(*lines).clamp_min(1e-4)


@dataclass(frozen=True)
class Tiling:
    """A way to cover a latent. `windows`: (latent size, sites a side or None for the whole, multiple) -> tiles; `weights`: see `Plan`.

    `whole_up_to_px`: longest output side that may be taken at once; 0 where `windows` itself leaves small latents whole.
    """

    windows: Callable[[tuple[int, int], int | None, int], list[Tile]]
    weights: Callable[[Tile], Tensor]
    whole_up_to_px: int = WHOLE_UP_TO_PX


OURS = Tiling(tiles, weights)
