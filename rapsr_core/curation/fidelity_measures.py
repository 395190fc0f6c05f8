"""Sharpness, noise, blockiness and clipping of a photograph's luma: classical, cheap, each steered away from what is no fault."""

from __future__ import annotations

import numpy as np

from rapsr_core.curation.blocks import Plane, blocks, halved, sector_bands, tile_spectra

FLOOR = 0.02
"""Power added to the fine bands: rounding to 8 bits has 1/12."""
DETAIL = 10.0
"""Power added to the coarse bands: tiles with less are bare, and say nothing of sharpness."""
TEXTURE = 0.5
"""Share of the coarse power that is taken off the fine one: textures of the pool have 1 to 9 times as much coarse as fine."""
WHITE = 0.75
"""What is left of white noise then, measured; below .5 because the flattest blocks are those where the coarse noise is small."""
CAP = 12.0
"""Grey levels at which a step's excess over its neighbours is cut off, so that edges do not pass for block borders."""
ACTIVE = 2.0
"""Grey levels that a step and its two neighbours must make together to count: bare ground would hide the blocks elsewhere."""
ACTIVE_SHARE = 0.02
"""Counted as if at least this share of the steps were active, so that a few pixels do not speak for a bare picture."""


def sharpness(luma: Plane) -> float | None:
    """Power at .25 to .45 of Nyquist over that at .09 to .19, in dB, of the sharpest tenth of the tiles, in the direction that has least.

    `luma` (H, W) in [0, 255]; None below 64 px a side. A photograph's spectrum falls as 1/f^2 in power (Field 1987), 8 dB between the
    middles of these bands; blur falls faster. The best tenth stands for the picture, so that a shallow depth of field is no fault
    (as the sharpest 1 % in S3, Vu et al. 2012); the least of four directions, so that motion is one. The bands end where noise and
    JPEG rounding begin to fill the spectrum.
    """
    spectra = tile_spectra(luma)
    if not len(spectra):
        return None
    fine, coarse = sector_bands(spectra, 0.25, 0.45) + FLOOR, sector_bands(spectra, 0.09, 0.19) + DETAIL
    return float(np.percentile(10 * np.log10(fine / coarse), 90, axis=1).min())


def noise(luma: Plane) -> float:
    """Standard deviation of the noise in grey levels, from the flattest tenth of the 8-px blocks; 0 where nothing is unclipped.

    `luma` (H, W) in [0, 255]. Immerkaer 1996's operator (second differences both ways, gain 6) cancels slopes. He averages it over the
    picture, which calls texture noise. Here the blocks are ordered by the spread of their 2x2 means and the flattest tenth counts
    (homogeneous blocks: Amer & Dubois 2005), as a median. Where all is texture, its share is taken off: the same operator on the
    2x2 means sees as much of white noise (times 2), and more of anything that falls with frequency.
    """
    residual, inner = blocks(_cross_difference(luma), 8), blocks(luma[1:-1, 1:-1], 8)
    level = inner.mean((1, 2))
    open_ = (level > 16) & (level < 240)
    if not open_.any():
        return 0.0
    means = halved(inner[open_])
    flattest = np.argsort(means.std((1, 2)), kind="stable")[: max(1, len(means) // 10)]
    fine = float(np.median((residual[open_][flattest] ** 2).mean((1, 2)))) / 36
    coarse = float(np.median((_cross_difference(means[flattest]) ** 2).mean((1, 2)))) / 36 * 4
    return float(np.sqrt(max(0.0, fine - TEXTURE * coarse) / WHITE))


def _cross_difference(planes: Plane) -> Plane:
    """Second differences along both of the last axes: the operator of Immerkaer 1996, equation 2."""
    rows = planes[..., 2:] - 2 * planes[..., 1:-1] + planes[..., :-2]
    return rows[..., 2:, :] - 2 * rows[..., 1:-1, :] + rows[..., :-2, :]


def blockiness(luma: Plane) -> float:
    """How much larger, in grey levels, steps are on an 8-px grid than beside it; the mean of both axes, at the offset where it is largest.

    `luma` (H, W) in [0, 255], at least 16 px a side. After Muijs & Kirenko 2005: each step against the mean of its two neighbours;
    here cut off at CAP and averaged over active steps alone. Near 0 without JPEG, .3 to .9 at quality 90 to 80, above 2 at 15.
    """
    return float(np.mean([_grid_step(luma), _grid_step(luma.T)]))


def _grid_step(plane: Plane) -> float:
    step = np.abs(np.diff(plane, axis=1))
    beside = step[:, :-2] + step[:, 2:]
    excess = np.clip(step[:, 1:-1] - beside / 2, -CAP, CAP)
    active = step[:, 1:-1] + beside >= ACTIVE
    columns = excess.shape[1] // 8 * 8
    sums = np.where(active, excess, 0)[:, :columns].sum(0).reshape(-1, 8).sum(0)
    phases = sums / max(active[:, :columns].mean(), ACTIVE_SHARE) / (plane.shape[0] * columns / 8)
    best = int(phases.argmax())
    return float(phases[best] - np.median(np.delete(phases, [best, (best - 1) % 8, (best + 1) % 8])))


def clipped(luma: Plane) -> tuple[float, float]:
    """Shares of the pixels that are black (luma <= 2) and white (>= 253), of (H, W) in [0, 255]."""
    return float((luma <= 2).mean()), float((luma >= 253).mean())
