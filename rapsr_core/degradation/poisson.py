"""Poisson draws for 8-bit images. They know at most 256 different rates, so a draw is two look-ups in a table of those.

Walker's alias method (A. J. Walker, "An efficient method for generating discrete random variables with general distributions",
ACM TOMS 1977; tables as in M. D. Vose, IEEE TSE 1991). The probability of every count is exact to 2^-32.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy
from torch import Tensor

COLUMNS = 512
"""Counts 0 ... 511: the largest rate is 256, and 512 lies 16 standard deviations above it."""
_COLUMN_BITS = 9
_FRACTION_BITS = 32 - _COLUMN_BITS  # of a draw; the others choose the column
_FRACTION = 2**_FRACTION_BITS - 1
_AT_ONCE = 2**17  # pixels, so that what is between stays in the cache


def poisson(values: Tensor, levels: int, rng: np.random.Generator) -> Tensor:
    """Counts (int32) for the rates k / 255 * levels of `values` k (uint8); `levels` at most 256. One 32-bit draw a pixel."""
    table, rates = _table(levels), values.flatten().cpu()
    bits = torch.from_numpy(rng.integers(0, 2**32, rates.numel(), dtype=np.uint32).view(np.int32))
    counts = torch.empty_like(bits)
    for part, k, drawn in zip(counts.split(_AT_ONCE), rates.split(_AT_ONCE), bits.split(_AT_ONCE), strict=True):
        column = (drawn >> _FRACTION_BITS) & (COLUMNS - 1)
        cell = table.index_select(0, (k.int() << _COLUMN_BITS) + column)
        kept = (drawn & _FRACTION) < ((cell >> _COLUMN_BITS) & _FRACTION)
        torch.where(kept, column, cell & (COLUMNS - 1), out=part)
    return counts.view(values.shape).to(values.device)


@functools.lru_cache(maxsize=9)  # levels are powers of two up to 256
def _table(levels: int) -> Tensor:
    """Both tables in one look-up, (256 * COLUMNS) int32: the fraction above the column that replaces."""
    keep_below, other = _tables(levels)
    always = keep_below == 2**_FRACTION_BITS  # does not fit: replaced by itself instead
    other = np.where(always, np.tile(np.arange(COLUMNS), 256), other).astype(np.uint32)
    return torch.from_numpy(((keep_below & _FRACTION) << _COLUMN_BITS | other).view(np.int32))


def probabilities(levels: int) -> NDArray[np.float64]:
    """(256, COLUMNS): P(count | rate k / 255 * levels); what lies beyond the last column is added to it."""
    rates, counts = np.arange(256)[:, None] / 255 * levels, np.arange(COLUMNS)[None]
    found = np.exp(xlogy(counts, rates) - rates - gammaln(counts + 1))
    found[:, -1] += 1 - found.sum(1)
    return found


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
