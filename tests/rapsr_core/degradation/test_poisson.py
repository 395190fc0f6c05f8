import numpy as np
import pytest
import torch
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


@pytest.mark.parametrize("levels", [1, 64, 256])
def test_the_packed_table_holds_both(levels: int) -> None:
    """Every draw of 32 bits gives what the two tables say: all fractions next to a threshold, for all columns and values."""
    keep_below, other = (table.reshape(256, COLUMNS) for table in module._tables(levels))
    packed = module._table(levels).numpy().view(np.uint32).reshape(256, COLUMNS)
    fraction, replacing = packed >> 9, packed & 511
    always = keep_below == 2**23
    assert np.array_equal(fraction[~always], keep_below[~always])
    assert np.array_equal(replacing[~always], other[~always])
    assert np.array_equal(replacing[always], np.broadcast_to(np.arange(COLUMNS), (256, COLUMNS))[always])


@pytest.mark.parametrize(("k", "levels"), [(0, 256), (1, 2), (40, 64), (255, 256)])
def test_draws_have_the_mean_and_spread_of_their_rate(k: int, levels: int) -> None:
    rate = k / 255 * levels
    counts = poisson(torch.full((200_000,), k, dtype=torch.uint8), levels, np.random.default_rng(3)).numpy()
    assert abs(counts.mean() - rate) <= 5 * (rate / len(counts)) ** 0.5
    assert abs(counts.var() - rate) <= 5 * ((rate + 2 * rate**2) / len(counts)) ** 0.5
    if k:
        seen = np.bincount(counts, minlength=COLUMNS)
        enough = stats.poisson.pmf(np.arange(COLUMNS), rate) * len(counts) > 10
        expected = stats.poisson.pmf(np.arange(COLUMNS), rate)[enough] * len(counts)
        statistic = ((seen[enough] - expected) ** 2 / expected).sum()
        assert stats.chi2.sf(statistic, enough.sum() - 1) > 1e-4


def test_same_generator_same_counts() -> None:
    values = torch.randint(0, 256, (1, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    one, other = (poisson(values, 128, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one, other)
    assert one.shape == values.shape


def test_draws_follow_the_tables_bit_by_bit() -> None:
    """The packed, chunked look-up against the two plain ones, over more pixels than are taken at once."""
    values = torch.randint(0, 256, (300_000,), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    bits = np.random.default_rng(7).integers(0, 2**32, len(values), dtype=np.uint32)
    keep_below, other = module._tables(32)
    column = (bits >> 23).astype(np.int64)
    cell = values.numpy().astype(np.int64) * COLUMNS + column
    expected = np.where((bits & 0x7FFFFF) < keep_below[cell], column, other[cell])
    assert np.array_equal(poisson(values, 32, np.random.default_rng(7)).numpy(), expected)
