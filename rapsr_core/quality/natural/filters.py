"""Filters and resizing as in MATLAB's image toolbox, each pass one product with a sparse matrix.

scipy.sparse multiplies on one thread, row by row, so the last bit does not depend on any number of threads.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.floating]
Border = Literal["edge", "symmetric", "constant"]
"""Names of np.pad: MATLAB's 'replicate', 'symmetric' and 0."""


@functools.cache
def gaussian(taps: int, sigma: float) -> NDArray[np.float64]:
    """One factor of MATLAB's fspecial('gaussian', taps, sigma): (taps,) float64.

    Its square sums to what the two-dimensional window sums to in float32, as pyiqa holds it. On flat areas the sign of
    x - mean is the sign of that rounding, and the fits below count signs.
    """
    at = np.arange(taps) - (taps - 1) / 2
    line = np.exp(-(at**2) / (2 * sigma**2))
    line /= line.sum()
    return line * math.sqrt(np.outer(line, line).astype(np.float32).sum(dtype=np.float64))


@functools.lru_cache(maxsize=64)
def _band(length: int, taps: tuple[float, ...], dtype: type) -> sparse.csr_array:
    """(length - len(taps) + 1, length): correlation with `taps` where they fit inside."""
    out = length - len(taps) + 1
    return sparse.diags_array([np.full(out, tap) for tap in taps], offsets=range(len(taps)), shape=(out, length), dtype=dtype).tocsr()


def correlate_valid(plane: Array, down: NDArray[np.float64], across: NDArray[np.float64]) -> Array:
    """Separable correlation of (H, W) where the window fits inside: (H - len(down) + 1, W - len(across) + 1), same dtype."""
    dtype = plane.dtype.type
    rows = _band(plane.shape[0], tuple(down), dtype) @ plane
    return (_band(plane.shape[1], tuple(across), dtype) @ rows.T).T


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys 1981 with a = -0.5."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


@functools.lru_cache(maxsize=64)
def resize_matrix(length: int, out: int, scale: float) -> sparse.csr_array:
    """(out, length): MATLAB's imresize along one axis, bicubic, antialiased, mirrored at the borders.

    `scale` is given by itself because imresize(x, 0.5) keeps 0.5 for odd lengths.
    """
    narrow = min(scale, 1.0)
    reach = 2 / narrow
    centre = (np.arange(out) + 0.5) / scale - 0.5
    taps = np.floor(centre - reach)[:, None] + np.arange(math.ceil(2 * reach) + 2)
    weights = _cubic(narrow * (centre[:, None] - taps))
    weights /= weights.sum(1, keepdims=True)
    source = taps.astype(np.int64) % (2 * length)
    source = np.where(source < length, source, 2 * length - 1 - source)
    rows = np.repeat(np.arange(out), taps.shape[1])
    matrix = sparse.csr_array((weights.ravel(), (rows, source.ravel())), shape=(out, length))
    matrix.eliminate_zeros()
    return matrix


def resize(plane: Array, size: tuple[int, int], scale: tuple[float, float]) -> Array:
    """(H, W) float64 -> (*size), MATLAB's imresize, bicubic with antialiasing."""
    down, across = (resize_matrix(n, m, s) for n, m, s in zip(plane.shape, size, scale, strict=True))
    return (across @ (down @ plane).T).T
