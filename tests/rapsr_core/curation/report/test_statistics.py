import numpy as np
import pytest

from rapsr_core.curation.report.statistics import compare, difference_interval


def test_means_medians_and_shares_are_those_of_numpy(report, columns):
    kept = report.kept
    known = ~np.isnan(columns["noise"])
    found = next(c for c in compare(report) if c.column.name == "noise")
    pool, chosen = columns["noise"][known], columns["noise"][known & kept]
    assert (found.pool_count, found.kept_count) == (29, kept.sum())
    assert (found.pool_mean, found.kept_mean) == (pytest.approx(pool.mean()), pytest.approx(chosen.mean()))
    assert (found.pool_median, found.kept_median) == (np.median(pool), np.median(chosen))
    assert found.better_share == pytest.approx((chosen < np.median(pool)).mean())
    assert found.difference == pytest.approx(chosen.mean() - pool.mean())
    assert found.gain == pytest.approx((pool.mean() - chosen.mean()) / pool.std())


def test_measures_with_a_rule_are_marked_and_only_those_with_a_better_end_have_a_gain(report):
    found = {c.column.name: c for c in compare(report)}
    assert {name: c.selects for name, c in found.items()} == {"width": True, "sharpness": True, "noise": False}
    assert found["width"].gain is None
    assert found["width"].better_share is None


def brute(chosen, rest, resamples=4000):
    """The same interval by resampling indices."""
    generator = np.random.default_rng(1)
    share = len(chosen) / (len(chosen) + len(rest))
    a = chosen[generator.integers(len(chosen), size=(resamples, len(chosen)))].mean(1)
    b = rest[generator.integers(len(rest), size=(resamples, len(rest)))].mean(1)
    return np.quantile((1 - share) * (a - b), [0.025, 0.975])


@pytest.mark.parametrize(("kept", "rest"), [(12, 40), (900, 1500)])
def test_the_interval_is_that_of_resampling_images_also_where_values_are_grouped(kept, rest):
    generator = np.random.default_rng(0)
    chosen, others = generator.lognormal(1, 1, kept), generator.lognormal(0.8, 1, rest)
    expected = brute(chosen, others)
    assert difference_interval(chosen, others) == pytest.approx(expected, abs=0.08 * (expected[1] - expected[0]))


def test_the_interval_is_about_the_difference_between_kept_and_whole_pool():
    generator = np.random.default_rng(0)
    chosen, rest = generator.normal(2, 0.01, 300), generator.normal(1, 0.01, 100)
    low, high = difference_interval(chosen, rest)
    assert low < chosen.mean() - np.concatenate([chosen, rest]).mean() < high
    assert high - low < 0.01


def test_one_value_on_a_side_has_no_interval():
    assert difference_interval(np.ones(1), np.zeros(9)) is None
    assert difference_interval(np.ones(9), np.zeros(0)) is None
