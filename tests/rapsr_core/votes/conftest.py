"""Votes of people whose taste is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rapsr_core.votes import Contender, Vote, draw


@pytest.fixture
def simulated() -> Callable[..., list[Vote]]:
    """`votes` of contenders with these strengths, drawn from Davidson's model; sides are those of `draw`."""

    def simulate(contenders: Sequence[Contender], strengths: Sequence[float], nu: float, votes: int, seed: int) -> list[Vote]:
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

    return simulate
