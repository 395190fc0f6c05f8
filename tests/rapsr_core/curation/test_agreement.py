import math

import numpy as np
import pytest
from scipy.stats import binom

from rapsr_core.curation.agreement import cohen_kappa, estimate, fleiss_kappa, krippendorff_alpha, percent_agreement

FLEISS_1971 = (
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445 "
    "333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"
)
"""Fleiss 1971, table 1: 30 patients, 6 psychiatrists, 5 diagnoses; as ratings in the R package irr and in statsmodels."""

TEN_SUBJECTS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip
"""14 raters, 10 subjects, 5 categories: Wikipedia, Fleiss' kappa, worked example (kappa 0.210, P-bar 0.378)."""

KRIPPENDORFF_2011 = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
"""Krippendorff 2011, section C: observers A to D, 12 units, dots are missing; nominal alpha 0.743."""


def counts(ratings):
    """One string of categories a unit -> (units, categories)."""
    categories = sorted(set("".join(ratings)) - {"."})
    return np.array([[unit.count(c) for c in categories] for unit in ratings])


def by_unit(observers):
    """One string of categories an observer -> one a unit."""
    return ["".join(unit) for unit in zip(*observers, strict=True)]


def test_fleiss_kappa_of_fleiss_1971_is_0_430():
    found = counts(FLEISS_1971.split())
    assert found.sum(0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(found) == pytest.approx(0.4302445, abs=1e-7)


def test_fleiss_kappa_of_the_ten_subjects_is_0_210():
    assert percent_agreement(np.array(TEN_SUBJECTS)) == pytest.approx(0.378, abs=5e-4)
    assert fleiss_kappa(np.array(TEN_SUBJECTS)) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_kappa_refuses_units_with_another_number_of_ratings():
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        fleiss_kappa(np.array([[2, 0], [2, 1]]))


def test_alpha_of_krippendorff_2011_with_missing_data_is_0_743():
    assert krippendorff_alpha(counts(by_unit(KRIPPENDORFF_2011))) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_krippendorff_2011_for_two_observers_is_0_095_and_0_692():
    assert krippendorff_alpha(counts(by_unit(("0100000010", "1110010000")))) == pytest.approx(0.095, abs=5e-4)
    assert krippendorff_alpha(counts(by_unit(("aabbdcccedda", "babbbccceddd")))) == pytest.approx(0.692, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676),  # Fleiss, Levin & Paik 2003, table 18.1 (0.68)
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.4842),  # printout of SAS in statsmodels' tests
    ],
)
def test_cohen_kappa_of_published_tables(table, kappa):
    pairs = np.array([(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)])
    assert cohen_kappa(pairs) == pytest.approx(kappa, abs=5e-4)


def test_a_coefficient_is_undefined_when_only_one_category_was_used():
    assert math.isnan(cohen_kappa(np.ones((5, 2), dtype=int)))
    assert math.isnan(krippendorff_alpha(np.array([[2, 0], [3, 0]])))
    assert estimate(krippendorff_alpha, np.array([[2, 0], [3, 0]])).value is None


def test_the_interval_is_that_of_resampled_pictures():
    same = np.arange(80) < 64
    found = estimate(percent_agreement, np.stack([1 + same, 1 - same], axis=1).astype(np.int64))
    exact = binom(80, 0.8).ppf([0.025, 0.975]) / 80  # a resample of agreements is binomial
    assert (found.value, found.units) == (0.8, 80)
    assert [found.low, found.high] == pytest.approx(exact, abs=1 / 80)


def test_a_single_unit_has_a_value_but_no_interval_and_none_has_neither():
    assert estimate(percent_agreement, np.array([[2, 0]])).value == 1
    assert estimate(percent_agreement, np.array([[2, 0]])).low is None
    assert estimate(percent_agreement, np.empty((0, 2), dtype=int)).value is None
