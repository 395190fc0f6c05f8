"""The side of a tile, from the memory that is free: the whole image where it fits, else what takes the least work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapsr_core.sampling.tiling import Tiling

SMALLEST_PX = 256
"""Smallest tile that is chosen; 64 may be asked for."""
STEP_PX = 64
"""Of the sides tried: a UNet of four levels over a codec of 8 px divides by it."""
SHARE = 0.7
"""Of the free memory: allocators keep more than they hand out, and others use the machine too."""
SITE_PX = 8
"""Latent sites are counted at this size to count tiles."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes a run takes over the loaded model, in float32. `tests/bench/memory.py` measures them."""

    image: int  # for each pixel of the output, whatever the tiles
    denoise: int  # for each pixel of a tile
    decode: int  # for each pixel of a tile of the codec, encoding included; 0 = it has none
    decode_px: int = 1024  # the codec's largest tile


@dataclass(frozen=True)
class TileChoice:
    """`tile_px`: output pixels a side, at least the longer side of the output where the image is taken at once."""

    tile_px: int
    reason: str


def choose_tile(
    output_size: tuple[int, int],
    need: MemoryNeed,
    published_px: int | None,
    free_bytes: int,
    tiling: Tiling,
    other: Callable[[int], int],
) -> TileChoice:
    """Tile of an output (height, width).

    `published_px`: the side a host was published with, taken where it fits. `other`: tile side -> bytes of what runs before the host (a
    cleaner).

    Otherwise, among the sides from half the largest that fits up to it, the one with the least work: tiles overlap by a fixed share and the last one
    ends at the border, so a side that just covers the image beats a larger one.
    """
    whole = max(output_size)
    budget = SHARE * free_bytes

    def bytes_of(side: int) -> int:
        return max(_bytes(output_size, need, side), other(side))

    largest = published_px or tiling.whole_up_to_px
    if whole <= max(largest, tiling.whole_up_to_px) and bytes_of(whole) <= budget:
        return TileChoice(whole, f"the whole image at once: about {_gb(bytes_of(whole))} of {_gb(free_bytes)} free memory")
    if published_px is not None and bytes_of(published_px) <= budget:
        return TileChoice(published_px, f"tiles of {published_px} px, as the host was published")
    sides = range(SMALLEST_PX, min(largest, whole) + 1, STEP_PX)
    fitting = [side for side in sides if bytes_of(side) <= budget]
    if not fitting:
        why = f"{_gb(free_bytes)} are free, about {_gb(bytes_of(SMALLEST_PX))} needed, which may not be enough"
        return TileChoice(SMALLEST_PX, f"tiles of {SMALLEST_PX} px, the smallest: {why}")
    best = min((side for side in fitting if side >= fitting[-1] / 2), key=lambda side: (_work(output_size, side, tiling), -side))
    if fitting[-1] == sides[-1] and whole > largest:
        why = f"the host takes at most {largest} px at once, and these cover the image with the least work"
    else:
        why = f"the whole image would take about {_gb(bytes_of(whole))}, and {_gb(free_bytes)} are free"
    return TileChoice(best, f"tiles of {best} px: {why}")


def halved(tile_px: int, output_size: tuple[int, int]) -> int:
    """Half of a tile, or of the longer side where the image was taken at once, a multiple of STEP_PX; at least one step."""
    return max(min(tile_px, max(output_size)) // 2 // STEP_PX * STEP_PX, STEP_PX)


def _bytes(output_size: tuple[int, int], need: MemoryNeed, side: int) -> int:
    height, width = output_size
    tile, codec = (min(n, height) * min(n, width) for n in (side, min(side, need.decode_px)))
    return need.image * height * width + max(need.denoise * tile, need.decode * codec)


def _work(output_size: tuple[int, int], side: int, tiling: Tiling) -> int:
    height, width = (-(-n // SITE_PX) for n in output_size)
    windows = tiling.windows((height, width), side // SITE_PX, STEP_PX // SITE_PX)
    return sum((tile.bottom - tile.top) * (tile.right - tile.left) for tile in windows)


def _gb(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
