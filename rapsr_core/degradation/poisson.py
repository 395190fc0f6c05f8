"""Poisson draws for 8-bit images. They know at most 256 different rates, so a draw is two look-ups in a table of those.

Walker's alias method (A. J. Walker, "An efficient method for generating discrete random variables with general distributions",
ACM TOMS 1977; tables as in M. D. Vose, IEEE TSE 1991). The probability of every count is exact to 2^-32.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

COLUMNS = 512
"""Counts 0 ... 511: the largest rate is 256, and 512 lies 16 standard deviations above it."""
_FRACTION_BITS = 23  # of 32; the other 9 choose the column


def poisson(rate: NDArray[np.floating], levels: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Counts for rates that are k / 255 * levels with whole k in 0 ... 255; `levels` at most 256. One 32-bit draw a pixel."""
    keep_below, other = _tables(levels)
    bits = rng.integers(0, 2**32, rate.shape, dtype=np.uint32)
    column = (bits >> _FRACTION_BITS).astype(np.int64)
    cell = np.rint(rate * (255 / levels)).astype(np.int64) * COLUMNS + column
    return np.where((bits & (2**_FRACTION_BITS - 1)) < keep_below[cell], column, other[cell])


def probabilities(levels: int) -> NDArray[np.float64]:
    """(256, COLUMNS): P(count | rate k / 255 * levels); what lies beyond the last column is added to it."""
    rates, counts = np.arange(256)[:, None] / 255 * levels, np.arange(COLUMNS)[None]
    found = np.exp(xlogy(counts, rates) - rates - gammaln(counts + 1))
    found[:, -1] += 1 - found.sum(1)
    return found


@functools.lru_cache(maxsize=9)  # levels are powers of two up to 256
def _tables(levels: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Flat (256 * COLUMNS): a column is kept when the fraction is below the first value, else the second replaces it.

    Columns are filled from the least probable on, each by the most probable one left; a row for each rate, all rows at once.
    """
    share = probabilities(levels) * COLUMNS
    order, row = share.argsort(axis=1), np.arange(256)
    other = np.tile(np.arange(COLUMNS), (256, 1))
    next_small, big, current = np.zeros(256, int), np.full(256, COLUMNS - 1), order[:, 0].copy()
    for _ in range(COLUMNS - 1):
        giver = order[row, big]
        other[row, current] = giver
        share[row, giver] -= 1 - share[row, current]
        used_up = share[row, giver] < 1
        next_small += ~used_up
        big -= used_up
        current = np.where(used_up, giver, order[row, next_small])
    share[row, current] = 1
    return np.rint(share * 2**_FRACTION_BITS).astype(np.uint32).ravel(), other.ravel()
