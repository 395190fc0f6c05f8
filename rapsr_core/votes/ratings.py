"""How strong hosts and refinements are by the votes: the Bradley-Terry model with ties of Davidson.

R. R. Davidson, On extending the Bradley-Terry model to accommodate ties in paired comparison experiments, Journal of the American
Statistical Association 65, 1970, eqs. 2.2 and 2.3. With strengths s (natural logarithms) and a tie parameter nu,

    P(i) : P(j) : P(tie) = exp(s_i) : exp(s_j) : nu exp((s_i + s_j) / 2).

Fitted by maximum likelihood with a Gaussian penalty of standard deviation PENALTY_SD on every s and on log nu, which keeps the
optimum finite where somebody won every vote, and the mean of the strengths at zero. Intervals are from the observed information
(the Hessian at the optimum, penalty included): normal, 95 %. They take votes as independent; many of one voter, or of one picture, are
not, and make them too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp, softmax

from rapsr_core.votes.ballot import BASELINE, Contender, VoteError
from rapsr_core.votes.log import Vote

By = Literal["system", "host", "refinement"]
PENALTY_SD = 3.0
"""One standard deviation is odds of 20 : 1 against the average. Two systems and 20 votes: it moves a strength by under 2 %."""
Z95 = 1.959964
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rating:
    """One system. `strength` and its 95 % interval in natural logarithms; the mean over the systems it was compared with, directly or
    through others (`group`), is 0. Times 400 / ln 10 it is on the scale of Elo. Both-bad votes are told and do not count."""

    name: str
    strength: float
    low: float | None  # None: it was compared with nobody but in both-bad votes
    high: float | None
    wins: int
    losses: int
    ties: int
    both_bad: int
    group: int


@dataclass(frozen=True)
class Ratings:
    """Strongest first. `votes`: those the strengths are from. `left_out`: those that say nothing on the question (`rate`).

    `tie`: nu, so that two equals tie with probability nu / (2 + nu). `groups`: more than one = between them nobody was compared, and
    strengths of different groups must not be.
    """

    by: By
    rows: tuple[Rating, ...]
    votes: int
    left_out: int
    both_bad: int
    tie: float
    groups: int
    covariance: Array = field(repr=False, compare=False)  # of the strengths, in the order of `rows`

    def preference(self, one: str, two: str) -> tuple[float, float, float]:
        """Probability that a vote that is decided goes to `one`, with its 95 % interval. Raises VoteError for names never compared."""
        names = [row.name for row in self.rows]
        for name in (one, two):
            if name not in names:
                raise VoteError(f"{name!r} has no votes; there are {', '.join(names)}")
        i, j = names.index(one), names.index(two)
        if self.rows[i].group != self.rows[j].group:
            raise VoteError(f"{one} and {two} were never compared, not through others either")
        gap = self.rows[i].strength - self.rows[j].strength
        error = Z95 * math.sqrt(self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j])
        return _logistic(gap), _logistic(gap - error), _logistic(gap + error)


def system_name(contender: Contender) -> str:
    """ "seesr", "seesr + rap-sr": host and refinement."""
    return contender.host + ("" if contender.refinement == BASELINE else f" + {contender.refinement}")


def rate(votes: Sequence[Vote], by: By = "system") -> Ratings:
    """Ratings of systems (host and refinement together), of hosts, or of refinements.

    Only votes that differ in what is rated and in nothing else count: hosts are rated by ballots of equal refinements, refinements by
    ballots on one host. The others are `left_out`. The order of the votes does not matter. Raises VoteError when none is left.
    """
    tables = _tables(votes, by)
    if not tables.names:
        raise VoteError(f"none of {len(votes)} votes compares by {by}; collect ballots that differ in that alone")
    strengths, log_tie, covariance = fit(tables.wins, tables.ties)
    groups, group = connected_components(tables.wins + tables.wins.T + tables.ties, directed=False)
    centre = _centring(group)
    strengths, covariance = centre @ strengths, centre @ covariance[:-1, :-1] @ centre.T
    order = np.argsort(-strengths, kind="stable")
    errors = Z95 * np.sqrt(np.diag(covariance))
    rows = tuple(_rating(tables, k, strengths[k], errors[k], group) for k in order)
    asked = int(tables.wins.sum() + tables.ties.sum() + tables.bad.sum())
    return Ratings(
        by=by,
        rows=rows,
        votes=int(tables.wins.sum() + tables.ties.sum()),
        left_out=len(votes) - asked,
        both_bad=int(tables.bad.sum()),
        tie=math.exp(log_tie),
        groups=int(groups),
        covariance=covariance[np.ix_(order, order)],
    )


@dataclass(frozen=True)
class _Tables:
    """Counts by name: `wins[i, j]` of i over j; `ties` and `bad` above the diagonal."""

    names: tuple[str, ...]
    wins: Array
    ties: Array
    bad: Array


def _tables(votes: Sequence[Vote], by: By) -> _Tables:
    pairs = [(_names(vote, by), vote.answer) for vote in votes]
    asked = [(*pair, answer) for pair, answer in pairs if pair is not None]
    names = tuple(sorted({name for left, right, _ in asked for name in (left, right)}))
    wins, ties, bad = (np.zeros((len(names), len(names))) for _ in range(3))
    for left, right, answer in asked:
        i, j = names.index(left), names.index(right)
        if answer in ("left", "right"):
            wins[(i, j) if answer == "left" else (j, i)] += 1
        else:
            (ties if answer == "tie" else bad)[min(i, j), max(i, j)] += 1
    return _Tables(names, wins, ties, bad)


def _rating(tables: _Tables, k: int, strength: float, error: float, group: NDArray[np.int32]) -> Rating:
    alone = bool((group == group[k]).sum() == 1)
    return Rating(
        name=tables.names[k],
        strength=float(strength),
        low=None if alone else float(strength - error),
        high=None if alone else float(strength + error),
        wins=int(tables.wins[k].sum()),
        losses=int(tables.wins[:, k].sum()),
        ties=int(tables.ties[k].sum() + tables.ties[:, k].sum()),
        both_bad=int(tables.bad[k].sum() + tables.bad[:, k].sum()),
        group=int(group[k]),
    )


def fit(wins: Array, ties: Array) -> tuple[Array, float, Array]:
    """(strengths, log nu, covariance of both) from counts: wins[i, j] of i over j; ties[i, j] of the pair, on one side of the diagonal.

    The penalised likelihood has one optimum: it is a multinomial logit, concave in (s, log nu).
    """
    size = len(wins)
    met = wins + wins.T + ties + ties.T
    first, second = np.nonzero(np.triu(met, 1))
    counts = np.stack([wins[first, second], wins[second, first], (ties + ties.T)[first, second]], 1)
    rows = np.arange(len(first))
    design = np.zeros((len(first), 3, size + 1))  # utilities of "first", "second", "tie"
    design[rows, 0, first] = design[rows, 1, second] = design[:, 2, size] = 1
    design[rows, 2, first] = design[rows, 2, second] = 0.5
    penalty = np.full(size + 1, PENALTY_SD**-2)

    def loss(x: Array) -> float:
        utilities = design @ x
        return float((counts * (logsumexp(utilities, axis=1, keepdims=True) - utilities)).sum() + 0.5 * (penalty * x * x).sum())

    def gradient(x: Array) -> Array:
        expected = counts.sum(1, keepdims=True) * softmax(design @ x, axis=1)
        return np.einsum("mo,mok->k", expected - counts, design) + penalty * x

    def hessian(x: Array) -> Array:
        chance = softmax(design @ x, axis=1)
        mean = np.einsum("mo,mok->mk", chance, design)
        spread = np.einsum("m,mo,mok,mol->kl", counts.sum(1), chance, design, design)
        return spread - np.einsum("m,mk,ml->kl", counts.sum(1), mean, mean) + np.diag(penalty)

    found = minimize(loss, np.zeros(size + 1), jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-8})
    optimum: Array = found.x
    return optimum[:-1], float(optimum[-1]), np.asarray(np.linalg.inv(hessian(optimum)), np.float64)


def _names(vote: Vote, by: By) -> tuple[str, str] | None:
    """What is compared by this vote, left and right; None when it says nothing on the question."""
    left, right = vote.ballot.left, vote.ballot.right
    host, refinement = left.host != right.host, left.refinement != right.refinement
    if by == "system":
        return (system_name(left), system_name(right)) if host or refinement else None
    if by == "host":
        return (left.host, right.host) if host and not refinement else None
    return (left.refinement, right.refinement) if refinement and not host else None


def _centring(group: NDArray[np.int32]) -> Array:
    """The matrix that takes from each the mean of its group."""
    same = (group[:, None] == group[None]).astype(float)
    return np.eye(len(group)) - same / same.sum(1, keepdims=True)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
