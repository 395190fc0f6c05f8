"""PIQE: Venkatanath et al., "Blind image quality evaluation using perception based features", NCC 2015."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rapsr_core.quality.natural.aggd import split
from rapsr_core.quality.natural.features import Features, NaturalError, Scale

BLOCK_PX = 16
ACTIVE_VARIANCE = 0.1
EDGE_PX = 6
EDGE_DEVIATION = 0.1
"""MATLAB's piqe: a block is active above this variance, and impaired when 6 pixels in a row of its rim deviate less than this."""


def piqe(features: Features) -> float:
    """Mean distortion of the spatially active 16-px blocks, in [0, 100]; lower is better.

    As pyiqa, unlike MATLAB: the luma is scaled by its maximum, and an image that is no multiple of 16 px is mirrored by
    size mod 16 pixels (not up to the next multiple), after which incomplete blocks fall away.
    Raises NaturalError for a black image and under 16 px a side.
    """
    if min(features.height, features.width) < BLOCK_PX:
        raise NaturalError(f"PIQE needs at least {BLOCK_PX} px a side; this image is {features.width} x {features.height}")
    scale = _scaled(features)
    height, width = (n + n % BLOCK_PX for n in scale.plane.shape)
    canvas = np.pad(scale.plane, ((0, features.height % BLOCK_PX), (0, features.width % BLOCK_PX)), "symmetric")
    plane = scale.normalised(canvas, "edge")
    blocks = split(plane[: height // BLOCK_PX * BLOCK_PX, : width // BLOCK_PX * BLOCK_PX], BLOCK_PX)
    variance = blocks.var((1, 2), ddof=1)
    active = variance > ACTIVE_VARIANCE
    blocks, variance = blocks[active], variance[active]
    score = np.where(_impaired(blocks), 1 - variance, 0) + np.where(_noisy(blocks, np.sqrt(variance)), variance, 0)
    return float((score.sum() + 1) / (len(blocks) + 1) * 100)


def _scaled(features: Features) -> Scale:
    peak = features.unit_luma.max()
    if peak <= 0:
        raise NaturalError("PIQE is undefined for a black image")
    scaled = np.round(np.float32(255) * (features.unit_luma / peak)).astype(np.float64)
    return features.full if np.array_equal(scaled, features.full.plane) else Scale(scaled)


def _impaired(blocks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Noticeable distortion (section III-B): on one of the four sides, six pixels in a row are nearly constant."""
    rim = np.stack([blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]], 1)
    runs = np.lib.stride_tricks.sliding_window_view(rim, EDGE_PX, -1)
    return (runs.std(-1, ddof=1) < EDGE_DEVIATION).any((1, 2))


def _noisy(blocks: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.bool_]:
    """White noise (section III-C): the block deviates more than twice as much as its centre stands out of its surround.

    The centre is columns 8 and 9 of 16. MATLAB deletes column 8 and then the ninth of what is left, so that the surround keeps
    column 9 and loses 10.
    """
    centre = blocks[:, :, 7:9].std((1, 2), ddof=1)
    surround = np.delete(blocks, (7, 9), 2).std((1, 2), ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.nan_to_num(centre / surround)
    return deviation > 2 * np.abs(deviation - ratio) / np.maximum(deviation, ratio)
