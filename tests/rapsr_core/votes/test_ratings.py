import math
from dataclasses import replace

import numpy as np
import pytest
from votes_by_hand import contender, simulate, vote

from rapsr_core.votes import VoteError, rate
from rapsr_core.votes.ratings import fit

HOSTS = [contender(name) for name in "abcd"]
TRUTH = [1.0, 0.2, -0.3, -0.9]


def swapped(one):
    """The same vote with its sides exchanged."""
    answer = {"left": "right", "right": "left"}.get(one.answer, one.answer)
    return replace(one, ballot=replace(one.ballot, left=one.ballot.right, right=one.ballot.left), answer=answer)


def test_known_strengths_are_recovered_within_their_intervals():
    found = rate(simulate(HOSTS, TRUTH, 0.6, 2000, 0), "host")
    assert [row.name for row in found.rows] == ["a", "b", "c", "d"]
    assert all(row.low < truth < row.high for row, truth in zip(found.rows, TRUTH, strict=True))
    assert all(0.1 < row.high - row.low < 0.4 for row in found.rows)
    assert found.tie == pytest.approx(0.6, abs=0.1)
    assert sum(row.strength for row in found.rows) == pytest.approx(0, abs=1e-9)
    assert (found.votes, found.left_out, found.both_bad, found.groups) == (2000, 0, 0, 1)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """80 experiments of 120 votes: 320 strengths and 80 preferences; 95 % less four standard errors of independent ones."""
    inside, preferred = [], []
    for seed in range(80):
        found = rate(simulate(HOSTS, TRUTH, 0.6, 120, seed), "host")
        rows = {row.name: row for row in found.rows}
        inside += [rows[name].low < truth < rows[name].high for name, truth in zip("abcd", TRUTH, strict=True)]
        _, low, high = found.preference("a", "c")
        preferred.append(low < 1 / (1 + math.exp(-1.3)) < high)
    assert 0.95 - 4 * (0.95 * 0.05 / 320) ** 0.5 < np.mean(inside) < 1
    assert np.mean(preferred) > 0.95 - 4 * (0.95 * 0.05 / 80) ** 0.5


def test_the_interval_is_as_wide_as_a_bootstrap_says():
    votes = simulate(HOSTS, TRUTH, 0.6, 400, 3)
    generator = np.random.default_rng(0)
    draws = []
    for _ in range(200):
        again = rate([votes[k] for k in generator.integers(len(votes), size=len(votes))], "host")
        draws.append({row.name: row.strength for row in again.rows})
    for row in rate(votes, "host").rows:
        low, high = np.quantile([draw[row.name] for draw in draws], [0.025, 0.975])
        assert row.high - row.low == pytest.approx(high - low, rel=0.25)


def test_two_systems_have_the_closed_form():
    """Davidson 1970: with two, exp(s1 - s2) = w1 / w2 and nu = t / sqrt(w1 w2); the penalty moves it little."""
    wins, ties = np.array([[0.0, 14], [6, 0]]), np.array([[0.0, 5], [0, 0]])
    strengths, log_nu, covariance = fit(wins * 1000, ties * 1000)
    assert strengths[0] - strengths[1] == pytest.approx(math.log(14 / 6), abs=1e-4)
    assert math.exp(log_nu) == pytest.approx(5 / math.sqrt(14 * 6), abs=1e-4)
    # var(log w1/w2) = 1/w1 + 1/w2, as of any log odds
    gap = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert gap == pytest.approx(1 / 14000 + 1 / 6000, rel=1e-2)
    few, _, _ = fit(wins, ties * 0)
    assert few[0] - few[1] == pytest.approx(math.log(14 / 6), rel=0.02)


def test_order_sides_and_names_do_not_matter():
    votes = simulate(HOSTS, TRUTH, 0.6, 200, 1)
    found = rate(votes, "host")
    mixed = [votes[k] for k in np.random.default_rng(0).permutation(len(votes))]
    assert rate(mixed, "host") == found
    turned = rate([swapped(v) for v in votes], "host")
    assert [row.strength for row in turned.rows] == pytest.approx([row.strength for row in found.rows], abs=1e-9)
    other = {"a": "z", "b": "y", "c": "x", "d": "w"}

    def renamed(side):
        return replace(side, host=other[side.host])

    again = rate(
        [replace(v, ballot=replace(v.ballot, left=renamed(v.ballot.left), right=renamed(v.ballot.right))) for v in votes], "host"
    )
    assert [row.name for row in again.rows] == [other[row.name] for row in found.rows]
    assert [row.strength for row in again.rows] == pytest.approx([row.strength for row in found.rows], abs=1e-6)
    assert again.preference("z", "w") == pytest.approx(found.preference("a", "d"), abs=1e-6)


def test_who_won_every_vote_is_strong_by_a_finite_amount_and_uncertain():
    found = rate([vote(HOSTS[0], HOSTS[1], "left") for _ in range(6)], "host")
    best, worst = found.rows
    assert (best.name, best.wins, worst.losses) == ("a", 6, 6)
    assert 0.5 < best.strength < 4 and best.strength == pytest.approx(-worst.strength)
    assert best.high - best.low > 1.5
    probability, low, high = found.preference("a", "b")
    assert low < probability < high and probability > 0.8


def test_only_votes_that_differ_in_what_is_rated_count():
    a, ax, ay, b, bx = (contender(h, r) for h, r in (("a", "baseline"), ("a", "x"), ("a", "y"), ("b", "baseline"), ("b", "x")))
    votes = [
        vote(a, ax, "right"),
        vote(bx, b, "left"),
        vote(ax, bx, "tie"),
        vote(a, b, "left"),
        vote(a, bx, "left"),
        vote(ax, ay, "left"),
        vote(a, a, "left"),
    ]
    systems, hosts, refinements = (rate(votes, by) for by in ("system", "host", "refinement"))
    assert {row.name for row in systems.rows} == {"a", "a + x", "a + y", "b", "b + x"}
    assert (systems.votes, systems.left_out) == (6, 1)
    assert (hosts.votes, hosts.left_out) == (2, 5)
    assert {row.name: (row.wins, row.losses, row.ties) for row in hosts.rows} == {"a": (1, 0, 1), "b": (0, 1, 1)}
    assert (refinements.votes, refinements.left_out) == (3, 4)
    assert {row.name: (row.wins, row.losses) for row in refinements.rows} == {"x": (3, 0), "baseline": (0, 2), "y": (0, 1)}


def test_both_bad_is_counted_and_moves_no_strength():
    votes = simulate(HOSTS[:2], [0.5, -0.5], 0.5, 60, 0)
    bad = [vote(HOSTS[0], HOSTS[1], "both bad"), vote(HOSTS[1], contender("e"), "both bad")]
    before, after = rate(votes, "host"), rate(votes + bad, "host")
    strengths = {row.name: row.strength for row in after.rows}
    assert [strengths[row.name] for row in before.rows] == pytest.approx([row.strength for row in before.rows], abs=1e-6)
    assert {row.name: row.both_bad for row in after.rows} == {"a": 1, "b": 2, "e": 1}
    assert (after.votes, after.both_bad, after.groups) == (60, 2, 2)
    lonely = next(row for row in after.rows if row.name == "e")
    assert (lonely.strength, lonely.low, lonely.high) == (0.0, None, None)


def test_groups_that_never_met_are_told_and_not_compared():
    votes = [vote(HOSTS[0], HOSTS[1], "left"), vote(HOSTS[2], HOSTS[3], "left")]
    found = rate(votes, "host")
    assert found.groups == 2
    groups = {row.name: row.group for row in found.rows}
    assert groups["a"] == groups["b"] != groups["c"] == groups["d"]
    with pytest.raises(VoteError, match="a and c were never compared"):
        found.preference("a", "c")
    with pytest.raises(VoteError, match="'q' has no votes; there are a, c, b, d"):
        found.preference("q", "c")


def test_no_votes_on_the_question_is_an_error():
    with pytest.raises(VoteError, match="none of 1 votes compares by refinement"):
        rate([vote(HOSTS[0], HOSTS[1], "left")], "refinement")
