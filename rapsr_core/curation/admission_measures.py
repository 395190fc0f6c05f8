"""Colour, enlargement, frames and drawn graphics, from the decoded pixels."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from rapsr_core.curation.blocks import Plane, axis_bands, blocks, tile_spectra

BLOCK_PX = 8
MAX_BLOCKS = 6000
"""Blocks looked at for drawn edges, evenly spread over those with contrast."""
CONTRAST = 60.0
"""Grey levels between the extremes of a block that count as an edge."""


def colourfulness(image: Tensor) -> float:
    """Hasler & Suesstrunk 2003, equation 8, of (1, 3, H, W) sRGB in [0, 1], on a reduction to a quarter: 0 grey, 15 slightly, 109 extremely."""
    red, green, blue = (F.avg_pool2d(image, 4, ceil_mode=True) * 255)[0]
    a, b = red - green, (red + green) / 2 - blue
    spread = torch.hypot(a.std(unbiased=False), b.std(unbiased=False))
    return float(spread + 0.3 * torch.hypot(a.mean(), b.mean()))


def fine_detail(luma: Plane) -> float | None:
    """Power at .56 to .94 of Nyquist over that at .28 to .44, along the axis that has less, in dB, over the tiles of most detail.

    `luma` (H, W) in [0, 255]; None below 64 px a side. Enlargement by 2 leaves little beyond half of Nyquist along either axis but what
    the filter lets through and JPEG rounding; photographs stay near -8 dB (1/f^2: Field 1987). The tiles' powers are added, not
    their ratios averaged, so that those with detail decide. The upper bands are two thirds of what x2 empties.
    """
    spectra = tile_spectra(luma)
    if not len(spectra):
        return None
    above, below = (axis_bands(spectra, *band).sum(1) for band in ((0.56, 0.94), (0.28, 0.44)))
    return float((10 * np.log10((above + 1e-6) / (below + 1e-6))).min())


def frame_share(luma: Plane, tolerance: float = 6.0) -> float:
    """Share of the picture's sides that a uniform frame takes: the larger of left + right over width, and top + bottom over height.

    `luma` (H, W) in [0, 255]. A frame's lines stay within `tolerance` grey levels of its outermost line's median and end in a step: within
    two lines half of the pixels change by more. A clear sky and a gradient have no such end.
    """
    height, width = luma.shape
    sides = [_frame(rows, tolerance) for rows in (luma, luma[::-1], luma.T, luma.T[::-1])]
    return max((sides[0] + sides[1]) / height, (sides[2] + sides[3]) / width)


def _frame(rows: Plane, tolerance: float) -> int:
    """Lines of the frame at the beginning of axis 0; 0 when there is none, or nothing but one."""
    off = np.abs(rows[: len(rows) // 2] - np.median(rows[0])) > tolerance
    ends = np.flatnonzero(off.mean(1) > 0.005)
    if not len(ends) or ends[0] < 2 or ends[0] + 1 >= len(rows):
        return 0
    end = int(ends[0])
    return end if np.median(np.abs(rows[end + 1] - rows[end - 1])) > tolerance else 0


def flat_share(luma: Plane) -> float:
    """Share of the 8-px blocks whose pixels are all equal, of (H, W) in [0, 255]: drawn surfaces (and clipped ones)."""
    cut = blocks(luma, BLOCK_PX)
    return float((cut.max((1, 2)) - cut.min((1, 2)) < 0.5).mean())


def common_level_share(luma: Plane) -> float:
    """Share of the pixels at the four most frequent of 256 grey levels, of (H, W) in [0, 255]."""
    counts = np.bincount(luma.astype(np.int16).ravel(), minlength=256)
    return float(np.sort(counts)[-4:].sum() / luma.size)


def drawn_edges(luma: Plane) -> float:
    """Share of the 8-px blocks with an edge that lie, for the most part, on one exact level: text, lines and boxes.

    `luma` (H, W) in [0, 255]. A block has an edge when its extremes are CONTRAST levels apart; it is drawn when more than 40 % of its
    pixels are within 3 levels of its darkest, its brightest or its median. In photographs both sides of an edge have texture.
    0 when there is no edge at all.
    """
    drawn = _drawn(blocks(luma, BLOCK_PX))
    return 0.0 if drawn is None else float(drawn.mean())


def graphic(luma: Plane) -> float:
    """0 to 1: the geometric mean of `common_level_share` and `drawn_edges`.

    Either alone is high for photographs too: objects on plain grounds, or branches before an even sky.
    """
    return float(np.sqrt(common_level_share(luma) * drawn_edges(luma)))


def overlay(luma: Plane) -> float:
    """How much more drawn the edges of the picture's busiest rim cell are than all of its edges: 0 to 1.

    `luma` (H, W) in [0, 255]. The rim is an eighth of the height at the top and bottom, in four cells each. Finds opaque captions,
    dates and logos; it cannot find faint or tiled watermarks. Hence no default rule: of 952 pool photographs 14 are above .6, and none
    of them has an overlay (branches, reflections, black foregrounds).
    """
    height, width = luma.shape
    band, step = height // 8, width // 4
    cells = [rows[:, n * step : (n + 1) * step] for rows in (luma[:band], luma[-band:]) for n in range(4)]
    found = [_drawn(blocks(cell, BLOCK_PX)) for cell in cells]
    shares = [float(drawn.mean()) for drawn in found if drawn is not None and len(drawn) >= 8]
    return max(0.0, max(shares, default=0.0) - drawn_edges(luma))


def _drawn(cut: Plane) -> NDArray[np.bool_] | None:
    """Of the blocks with an edge, which are drawn; None when there is none."""
    edges = cut[cut.max((1, 2)) - cut.min((1, 2)) > CONTRAST]
    if not len(edges):
        return None
    pixels = edges[:: -(-len(edges) // MAX_BLOCKS)].reshape(-1, BLOCK_PX**2)
    levels = (pixels.min(1), pixels.max(1), np.median(pixels, 1))
    shares = [(np.abs(pixels - level[:, None]) <= 3).mean(1) for level in levels]
    return np.max(shares, axis=0) > 0.4
