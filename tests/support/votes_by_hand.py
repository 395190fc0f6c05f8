"""Contenders and votes written by hand, and votes of people whose taste is known."""

from collections.abc import Sequence

import numpy as np

from rapsr_core.votes import BASELINE, Ballot, Contender, Vote, draw


def contender(host: str, refinement: str = BASELINE, **scores: float) -> Contender:
    return Contender(host, refinement, scores, {})


def vote(left: Contender, right: Contender, answer: str, number: int = 0) -> Vote:
    ballot = Ballot(f"id{number}", "photo", left, right, "l", "r")
    return Vote(ballot, answer, "someone", "2026-01-01T00:00:00+00:00", 3.0)  # type: ignore[arg-type]


def simulate(contenders: Sequence[Contender], strengths: Sequence[float], nu: float, votes: int, seed: int) -> list[Vote]:
    """Votes on pairs drawn at random, answered by Davidson's model with these strengths; the sides are those of `draw`."""
    generator = np.random.default_rng(seed)
    found = []
    for k in range(votes):
        i, j = generator.choice(len(contenders), 2, replace=False)
        ballot = draw(f"photo {k}", contenders[i], contenders[j], generator)
        s = {id(contenders[n]): strengths[n] for n in (i, j)}
        left, right = s[id(ballot.left)], s[id(ballot.right)]
        odds = np.exp([left, right, np.log(nu) + (left + right) / 2])
        answer = generator.choice(["left", "right", "tie"], p=odds / odds.sum())
        found.append(Vote(ballot, str(answer), "someone", "2026-01-01T00:00:00+00:00", 3.0))  # type: ignore[arg-type]
    return found
