"""PIQE: Venkatanath et al., "Blind image quality evaluation using perception based features", NCC 2015."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rapsr_core.quality.natural.features import Features, NaturalError, Scale

BLOCK_PX = 16
ACTIVE_VARIANCE = 0.1
EDGE_PX = 6
EDGE_DEVIATION = 0.1
"""MATLAB's piqe: a block is active above this variance, and impaired when 6 pixels in a row of its rim deviate less than this."""

Blocks = NDArray[np.float64]
"""(R, 16, C, 16): the blocks of R rows and C columns, in the place they have in the image."""


def piqe(features: Features) -> float:
    """Mean distortion of the spatially active 16-px blocks, in [0, 100]; lower is better.

    As pyiqa, unlike MATLAB: the luma is scaled by its maximum, and an image that is no multiple of 16 px is mirrored by
    size mod 16 pixels (not up to the next multiple), after which incomplete blocks fall away.
    Raises NaturalError for a black image and under 16 px a side.
    """
    if min(features.height, features.width) < BLOCK_PX:
        raise NaturalError(f"PIQE needs at least {BLOCK_PX} px a side; this image is {features.width} x {features.height}")
    scale = _scaled(features)
    canvas = np.pad(scale.plane, [(0, n % BLOCK_PX) for n in scale.plane.shape], "symmetric")
    rows, cols = (n // BLOCK_PX for n in canvas.shape)
    blocks = scale.single(canvas, "edge")[: rows * BLOCK_PX, : cols * BLOCK_PX].reshape(rows, BLOCK_PX, cols, BLOCK_PX)
    variance, noisy = _noise(blocks)
    score = np.where(_impaired(blocks), 1 - variance, 0) + np.where(noisy, variance, 0)
    active = variance > ACTIVE_VARIANCE
    return float((score[active].sum() + 1) / (active.sum() + 1) * 100)


def _scaled(features: Features) -> Scale:
    peak = features.unit_luma.max()
    if peak <= 0:
        raise NaturalError("PIQE is undefined for a black image")
    scaled = np.round(np.float32(255) * (features.unit_luma / peak)).astype(np.float64)
    return features.full if np.array_equal(scaled, features.full.plane) else Scale(scaled)


def _impaired(blocks: Blocks) -> NDArray[np.bool_]:
    """Noticeable distortion (section III-B): on one of the four sides, six pixels in a row are nearly constant. (R, C)."""
    across, down = blocks[:, [0, -1]], blocks[..., [0, -1]]
    rim = np.concatenate([across.transpose(0, 2, 1, 3), down.transpose(0, 2, 3, 1)], 2)
    runs = np.lib.stride_tricks.sliding_window_view
    sums, squares = runs(rim, EDGE_PX, -1).sum(-1), runs(rim * rim, EDGE_PX, -1).sum(-1)
    return (squares - sums**2 / EDGE_PX < EDGE_DEVIATION**2 * (EDGE_PX - 1)).any((2, 3))


def _noise(blocks: Blocks) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Variance, and white noise (section III-C): the block deviates more than twice as much as its centre stands out. (R, C) each.

    The centre is columns 8 and 9 of 16. MATLAB deletes column 8 and then the ninth of what is left, so that the surround keeps
    column 9 and loses 10.
    """
    sums, squares = blocks.sum(1), np.einsum("rycx,rycx->rcx", blocks, blocks)
    surround = [n for n in range(BLOCK_PX) if n not in (7, 9)]
    variance, centre, around = (_variance(sums[..., at], squares[..., at]) for at in (slice(None), slice(7, 9), surround))
    deviation = np.sqrt(variance)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # flat blocks
        ratio = np.nan_to_num(np.sqrt(centre / around))
        return variance, deviation > 2 * np.abs(deviation - ratio) / np.maximum(deviation, ratio)


def _variance(sums: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of columns of 16 px, with n - 1, from their sums and sums of squares (..., columns)."""
    count = BLOCK_PX * sums.shape[-1]
    return np.maximum(squares.sum(-1) - sums.sum(-1) ** 2 / count, 0) / (count - 1)
