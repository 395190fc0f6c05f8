"""How often metrics say what people say, and whether a side was favoured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from rapsr_core.quality import table
from rapsr_core.votes.log import Vote


@dataclass(frozen=True)
class Share:
    """`count` of `total` with the 95 % interval of Wilson (Journal of the American Statistical Association 22, 1927); None of nothing."""

    count: int
    total: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """A metric: the share of decided votes (left or right) that its better score agrees with. `equal`: votes whose two scores are equal,
    which count neither way; votes without both scores are not asked."""

    metric: str
    share: Share
    equal: int


def metric_agreement(votes: Sequence[Vote], lower_better: Callable[[str], bool] = table.lower_better) -> dict[str, Agreement]:
    """By metric, in the order of appearance. `lower_better`: the direction of a metric by its name."""
    decided = [vote for vote in votes if vote.answer in ("left", "right")]
    metrics = dict.fromkeys(metric for vote in decided for metric in vote.ballot.left.scores)
    return {metric: _agreement(metric, decided, lower_better(metric)) for metric in metrics}


def left_share(votes: Sequence[Vote]) -> Share:
    """The share of decided votes for the left side: far from one half, people had a habit, or the sides were not blind."""
    answers = [vote.answer for vote in votes if vote.answer in ("left", "right")]
    return wilson(answers.count("left"), len(answers))


def wilson(count: int, total: int) -> Share:
    """A share with its interval (scipy)."""
    if total == 0:
        return Share(0, 0, None, None, None)
    interval = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return Share(count, total, count / total, float(interval.low), float(interval.high))


def _agreement(metric: str, decided: Sequence[Vote], lower: bool) -> Agreement:
    agreed = equal = total = 0
    for vote in decided:
        left, right = (side.scores.get(metric) for side in (vote.ballot.left, vote.ballot.right))
        if left is None or right is None:
            continue
        if left == right:
            equal += 1
            continue
        total += 1
        agreed += ("left" if (left < right) == lower else "right") == vote.answer
    return Agreement(metric, wilson(agreed, total), equal)
