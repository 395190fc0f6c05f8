"""The selection against the pool it was taken from, measure by measure (the paper's Figure 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rapsr_core.curation.columns import Column
from rapsr_core.curation.report.facts import Report

RESAMPLES = 2000
GROUPS = 200
"""A bootstrap of more values resamples this many groups of neighbours in place of values; the spread within a group is lost."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """One measure over the pool and over what was kept; missing and infinite values do not count.

    difference: mean of kept - mean of pool, with its 95 % interval (None for fewer than two images on either side).
    better_share: share of kept images that are better than the pool's median; None where neither end is better.
    spread: standard deviation over the pool. selects: a rule uses this measure.
    """

    column: Column
    selects: bool
    pool_count: int
    kept_count: int
    pool_mean: float
    kept_mean: float
    pool_median: float
    kept_median: float
    difference: float
    interval: tuple[float, float] | None
    better_share: float | None
    spread: float

    @property
    def gain(self) -> float | None:
        """The difference in units of the pool's standard deviation, positive when better; None without a better end or spread."""
        if self.column.better == "neither" or self.spread == 0:
            return None
        return self.sign * self.difference / self.spread

    @property
    def sign(self) -> int:
        """-1 where low is better."""
        return -1 if self.column.better == "low" else 1


def compare(report: Report) -> list[Compared]:
    """Every measure that at least one kept image has, in the order of the stages."""
    kept = report.kept
    found = []
    for _, column, values in report.numeric():
        known = np.isfinite(values)
        pool, chosen, rest = values[known], values[known & kept], values[known & ~kept]
        if len(chosen):
            found.append(_compared(column, column.name in report.rules, pool, chosen, rest))
    return found


def difference_interval(chosen: Floats, rest: Floats) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of mean(chosen) - mean(chosen and rest), the selection held fixed.

    The pool contains what was chosen, so the difference is (1 - f) (mean(chosen) - mean(rest)) with f the share chosen, and the
    two are resampled independently. Efron & Tibshirani, An Introduction to the Bootstrap, 1993, sections 8.2 and 13.3; 2000 resamples,
    fixed seed. None for fewer than two values on either side.
    """
    if len(chosen) < 2 or len(rest) < 2:
        return None
    generator = np.random.default_rng(0)
    share = len(chosen) / (len(chosen) + len(rest))
    draws = (1 - share) * (_means(chosen, generator) - _means(rest, generator))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _means(values: Floats, generator: np.random.Generator) -> Floats:
    """(RESAMPLES,) means of resamples: drawing n of n values is multinomial over them."""
    groups = np.array_split(np.sort(values), min(len(values), GROUPS))
    sizes = np.array([len(group) for group in groups])
    counts = generator.multinomial(len(values), sizes / len(values), size=RESAMPLES)
    return counts @ np.array([group.mean() for group in groups]) / len(values)


def _compared(column: Column, selects: bool, pool: Floats, chosen: Floats, rest: Floats) -> Compared:
    median = float(np.median(pool))
    better = chosen < median if column.better == "low" else chosen > median
    return Compared(
        column=column,
        selects=selects,
        pool_count=len(pool),
        kept_count=len(chosen),
        pool_mean=float(pool.mean()),
        kept_mean=float(chosen.mean()),
        pool_median=median,
        kept_median=float(np.median(chosen)),
        difference=float(chosen.mean() - pool.mean()),
        interval=difference_interval(chosen, rest),
        better_share=None if column.better == "neither" else float(better.mean()),
        spread=float(pool.std()),
    )
