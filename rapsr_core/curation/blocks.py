"""A picture's luma cut into squares, and its spectrum in the squares with the most detail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

TILE_PX = 64
TILES = 48
"""Squares of the most detail that are looked at: detail must be in them if it is anywhere."""
BINS = TILE_PX // 2
"""Frequency bins from 0 to Nyquist."""


def blocks(plane: Plane, side_px: int) -> Plane:
    """Non-overlapping squares from the upper left, (N, side, side), row by row; what is left at the right and below is not looked at."""
    height, width = (n // side_px for n in plane.shape)
    cut = plane[: height * side_px, : width * side_px].reshape(height, side_px, width, side_px)
    return cut.swapaxes(1, 2).reshape(-1, side_px, side_px)


def halved(squares: Plane) -> Plane:
    """(N, s, s) -> (N, s / 2, s / 2): means over 2x2 px."""
    rows = squares[:, ::2] + squares[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25)


def tile_spectra(luma: Plane) -> Plane:
    """Power spectra (N, TILE_PX, BINS + 1) of up to TILES squares of the most detail, N = 0 when the picture is smaller than one.

    `luma` in [0, 255]. Detail is the power of the steps between means over 2x2 px, which noise and JPEG change little. The squares
    are Hann-windowed; axis 1 is numpy's order of frequencies, axis 2 runs from 0 to Nyquist.
    """
    tiles = blocks(luma, TILE_PX)
    if not len(tiles):
        return np.zeros((0, TILE_PX, BINS + 1), dtype=np.float32)
    half = halved(tiles)
    detail = sum(np.diff(half, axis=axis).reshape(len(tiles), -1).var(1) for axis in (1, 2))
    chosen = tiles[np.argsort(-detail, kind="stable")[:TILES]]
    chosen = chosen - chosen.mean((1, 2), keepdims=True)
    window = np.hanning(TILE_PX + 2)[1:-1].astype(np.float32)
    window = window[:, None] * window
    return (np.abs(np.fft.rfft2(chosen * window)) ** 2 / (window**2).sum()).astype(np.float32)


def axis_bands(spectra: Plane, low: float, high: float) -> Plane:
    """(2, N): mean power where the frequency along x, or y, is from `low` to `high` of Nyquist, at any frequency along the other axis."""
    first, last = round(low * BINS), round(high * BINS)
    along_y = np.abs(np.fft.fftfreq(TILE_PX)) * 2 * BINS
    rows = (along_y >= first - 0.5) & (along_y <= last + 0.5)
    return np.stack([spectra[:, :, first : last + 1].mean((1, 2)), spectra[:, rows].mean((1, 2))])


def sector_bands(spectra: Plane, low: float, high: float) -> Plane:
    """(4, N): mean power at radii from `low` to `high` of Nyquist, in the four directions 0, 45, 90 and 135 degrees (22.5 each side)."""
    y, x = np.fft.fftfreq(TILE_PX)[:, None] * 2, np.arange(BINS + 1)[None] / BINS
    radius, angle = np.hypot(x, y), np.rad2deg(np.arctan2(y, x)) % 180
    ring = (radius >= low) & (radius <= high)
    near = [np.minimum(abs(angle - centre), 180 - abs(angle - centre)) <= 22.5 for centre in (0, 45, 90, 135)]
    return np.stack([spectra[:, ring & sector].mean(1) for sector in near])
