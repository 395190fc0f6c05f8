"""(Asymmetric) generalised Gaussian fits by moment matching, many blocks at once.

Sharifi and Leon-Garcia 1995 (GGD); Lasmar, Stitou and Berthoumieu 2009 (AGGD). The shape is looked up in the grid 0.2 to 10 by
0.001 of the LIVE releases of BRISQUE and NIQE; the ratio is monotonic in the shape, so that is a binary search.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[np.floating]

SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Neighbours whose products are fitted: horizontal, vertical, both diagonals (Mittal 2012, equations 7 to 10)."""


@dataclass(frozen=True)
class Aggd:
    """Shape and both standard deviations, each (B,). NaN deviations: no value of that sign (MATLAB's mean of nothing)."""

    shape: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def scales(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """beta left and right: sigma sqrt(Gamma(1/a) / Gamma(3/a))."""
        unit = np.exp((gammaln(1 / self.shape) - gammaln(3 / self.shape)) / 2)
        return self.left * unit, self.right * unit

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of the distribution: (beta right - beta left) Gamma(2/a) / Gamma(1/a) (NIQE, equation 8)."""
        left, right = self.scales
        return (right - left) * np.exp(gammaln(2 / self.shape) - gammaln(1 / self.shape))


@functools.cache
def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shapes, and E|x|^2 / E x^2 of the GGD of that shape, increasing."""
    shapes = np.arange(200, 10001) / 1000
    return shapes, np.exp(2 * gammaln(2 / shapes) - gammaln(1 / shapes) - gammaln(3 / shapes))


def _nearest(table: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapes whose entry of the increasing table is nearest; the first one for NaN, as MATLAB's min gives."""
    found = np.searchsorted((table[1:] + table[:-1]) / 2, values)
    return _grid()[0][np.where(np.isnan(values), 0, found)]


def fit_aggd(blocks: Array) -> Aggd:
    """AGGD of each row of (B, N)."""
    count = blocks.shape[1]
    magnitude = np.abs(blocks)
    power = np.einsum("bn,bn->b", blocks, blocks).astype(np.float64)
    signed = np.einsum("bn,bn->b", blocks, magnitude).astype(np.float64)
    negative = np.count_nonzero(blocks < 0, axis=1)
    positive = np.count_nonzero(blocks > 0, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.sqrt(np.maximum(power - signed, 0) / 2 / negative)
        right = np.sqrt(np.maximum(power + signed, 0) / 2 / positive)
        ratio = left / right
        r = magnitude.sum(1).astype(np.float64) ** 2 / count / power
        r *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    return Aggd(_nearest(_grid()[1], r), left, right)


def fit_ggd(values: Array) -> tuple[float, float]:
    """Shape and standard deviation about 0 of (N,)."""
    power = np.einsum("n,n->", values, values) / len(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.abs(values).mean() ** 2 / power
        # nearest in E x^2 / E|x|^2, the inverse of the AGGD's ratio, as in the release
        shape = _nearest(-1 / _grid()[1], -1 / np.atleast_1d(r))
    return float(shape[0]), float(np.sqrt(power))


def neighbour_products(blocks: Array) -> Iterator[Array]:
    """(B, h, w) -> for each of SHIFTS the (B, h * w) products with the neighbour, wrapping round inside each block."""
    for shift in SHIFTS:
        product = np.roll(blocks, shift, axis=(1, 2))
        product *= blocks
        yield product.reshape(len(blocks), -1)


def local_features(blocks: Array) -> NDArray[np.float64]:
    """The 18 features of NIQE and IL-NIQE of normalised luminance (B, h, w): (B, 18)."""
    own = fit_aggd(blocks.reshape(len(blocks), -1))
    columns = [own.shape, sum(own.scales) / 2]
    for product in neighbour_products(blocks):
        fit = fit_aggd(product)
        columns += [fit.shape, fit.mean, *fit.scales]
    return np.stack(columns, 1)


def split(plane: Array, side: int) -> Array:
    """(n side, m side) -> (n m, side, side), contiguous."""
    rows, cols = plane.shape[0] // side, plane.shape[1] // side
    return plane.reshape(rows, side, cols, side).swapaxes(1, 2).reshape(rows * cols, side, side)
