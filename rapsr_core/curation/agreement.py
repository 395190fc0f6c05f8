"""Agreement between raters on nominal categories, and its bootstrap interval.

`counts` is (units, categories): how many raters put the unit into each category. `pairs` is (units, 2): the category that each of two
raters chose. Units are pictures here. A coefficient is NaN where it is 0 / 0: nobody disagreed because only one category was used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
Table = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A coefficient over `units` with its 95 % interval; None where undefined."""

    value: float | None
    low: float | None
    high: float | None
    units: int


def percent_agreement(counts: Table) -> float:
    """Mean over units of the share of pairs of raters that agree, in [0, 1]; units with fewer than two raters do not count.

    With two raters, the share of units on which they agree; with a constant number, P-bar of Fleiss 1971, eq. 2.
    """
    raters = counts.sum(1)
    counts, raters = counts[raters >= 2], raters[raters >= 2]
    if not len(counts):
        return math.nan
    return float(((counts * (counts - 1)).sum(1) / (raters * (raters - 1))).mean())


def cohen_kappa(pairs: Table) -> float:
    """Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20, 1960, eq. 1.

    (p_o - p_e) / (1 - p_e), with the chance agreement p_e from each rater's own distribution.
    """
    if not len(pairs):
        return math.nan
    observed = float((pairs[:, 0] == pairs[:, 1]).mean())
    expected = sum(float((pairs[:, 0] == c).mean() * (pairs[:, 1] == c).mean()) for c in np.unique(pairs))
    return _beyond(1 - observed, 1 - expected)


def fleiss_kappa(counts: Table) -> float:
    """Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76, 1971, eqs. 2 to 7.

    Every unit must have the same number (two or more) of ratings, by any raters. Raises ValueError when they differ.
    """
    if not len(counts):
        return math.nan
    if len(np.unique(counts.sum(1))) != 1:
        raise ValueError(f"Fleiss' kappa needs as many ratings of every unit; found {sorted(set(counts.sum(1).tolist()))}")
    shares = counts.sum(0) / counts.sum()
    return _beyond(1 - percent_agreement(counts), 1 - float((shares**2).sum()))


def krippendorff_alpha(counts: Table) -> float:
    """Nominal alpha. Krippendorff, Computing Krippendorff's alpha-reliability, 2011, section C (any raters, missing data).

    1 - D_o / D_e; in coincidences, D_o = sum over units and categories of n_uc (m_u - n_uc) / (m_u - 1) / n, and
    D_e = (n^2 - sum of n_c^2) / (n (n - 1)). Units with fewer than two ratings cannot be paired and do not count.
    """
    raters = counts.sum(1)
    counts, raters = counts[raters >= 2], raters[raters >= 2]
    if not len(counts):
        return math.nan
    n = int(counts.sum())
    observed = float(((counts * (raters[:, None] - counts)).sum(1) / (raters - 1)).sum()) / n
    expected = (n**2 - float((counts.sum(0) ** 2).sum())) / (n * (n - 1))
    return _beyond(observed, expected)


def estimate(coefficient: Callable[[NDArray[Any]], float], units: NDArray[Any]) -> Estimate:
    """`coefficient(units)` with the 95 % percentile bootstrap interval, resampling units (rows).

    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3; 2000 resamples, fixed seed. Resamples in which the
    coefficient is undefined are left out. No interval for fewer than two units.
    """
    value = coefficient(units)
    if math.isnan(value):
        return Estimate(None, None, None, len(units))
    if len(units) < 2:
        return Estimate(value, None, None, len(units))
    generator = np.random.default_rng(0)
    draws = [coefficient(units[generator.integers(len(units), size=len(units))]) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Estimate(value, float(low), float(high), len(units))


def _beyond(disagreement: float, by_chance: float) -> float:
    return 1 - disagreement / by_chance if by_chance > 1e-12 else math.nan
