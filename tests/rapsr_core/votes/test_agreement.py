import pytest
from votes_by_hand import contender, vote

from rapsr_core.votes import left_share, metric_agreement
from rapsr_core.votes.agreement import wilson


def test_a_metric_agrees_where_its_better_side_was_chosen():
    """NIQE: lower is better. PSNR: higher."""
    a, b = contender("a", niqe=4.0, psnr=30.0), contender("b", niqe=5.0, psnr=31.0)
    same, none = contender("c", niqe=4.0, psnr=30.0), contender("d")
    answers = ["left", "left", "right", "tie", "both bad"]
    votes = [vote(a, b, answer) for answer in answers] + [vote(b, a, "right"), vote(a, same, "left"), vote(a, none, "left")]
    found = metric_agreement(votes)
    assert {name: (row.share.count, row.share.total, row.equal) for name, row in found.items()} == {
        "niqe": (3, 4, 1),
        "psnr": (1, 4, 1),
    }
    turned = metric_agreement(votes, lambda name: True)
    assert turned["psnr"].share.count == 3


def test_the_interval_is_wilsons():
    """By hand: z = 1.96, p = .8, n = 10: (.8 + z2/20 -+ z sqrt(.016 + z2/400)) / (1 + z2/10)."""
    share = wilson(8, 10)
    assert (share.low, share.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert wilson(0, 0).value is None and wilson(0, 5).low == 0


def test_a_habit_of_a_side_shows():
    a, b = contender("a"), contender("b")
    votes = [vote(a, b, "left")] * 18 + [vote(b, a, "right")] * 2 + [vote(a, b, "tie")] * 9
    share = left_share(votes)
    assert (share.count, share.total) == (18, 20) and share.low > 0.5
