import numpy as np
import pytest
from scipy import stats

from rapsr_core.degradation import poisson as module
from rapsr_core.degradation.poisson import COLUMNS, poisson, probabilities


@pytest.mark.parametrize("levels", [2**n for n in range(9)])
def test_tables_hold_the_poisson_distribution(levels: int) -> None:
    """What the two look-ups can give, added up, is the probability of every count at every rate."""
    keep_below, other = (table.reshape(256, COLUMNS) for table in module._tables(levels))
    kept = keep_below / 2**23
    given = kept.copy()
    np.add.at(given, (np.arange(256)[:, None], other), 1 - kept)
    expected = stats.poisson.pmf(np.arange(COLUMNS), np.arange(256)[:, None] / 255 * levels)
    assert np.abs(given / COLUMNS - expected).max() < 2e-9
    assert np.abs(probabilities(levels) - expected).max() < 1e-12


@pytest.mark.parametrize(("k", "levels"), [(0, 256), (1, 2), (40, 64), (255, 256)])
def test_draws_have_the_mean_and_spread_of_their_rate(k: int, levels: int) -> None:
    rate = k / 255 * levels
    counts = poisson(np.full(200_000, rate), levels, np.random.default_rng(3))
    assert abs(counts.mean() - rate) <= 5 * (rate / len(counts)) ** 0.5
    assert abs(counts.var() - rate) <= 5 * ((rate + 2 * rate**2) / len(counts)) ** 0.5
    if k:
        seen = np.bincount(counts, minlength=COLUMNS)
        enough = stats.poisson.pmf(np.arange(COLUMNS), rate) * len(counts) > 10
        expected = stats.poisson.pmf(np.arange(COLUMNS), rate)[enough] * len(counts)
        statistic = ((seen[enough] - expected) ** 2 / expected).sum()
        assert stats.chi2.sf(statistic, enough.sum() - 1) > 1e-4


def test_same_generator_same_counts() -> None:
    rate = np.random.default_rng(0).integers(0, 256, (3, 20, 20)) / 255 * 128
    assert np.array_equal(*(poisson(rate, 128, np.random.default_rng(5)) for _ in range(2)))
