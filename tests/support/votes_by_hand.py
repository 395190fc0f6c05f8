"""Contenders and votes written by hand."""

from rapsr_core.votes import NO_REFINEMENT, Ballot, Contender, Vote


def contender(host: str, refinement: str = NO_REFINEMENT, **scores: float) -> Contender:
    return Contender(host, refinement, scores, {})


def vote(left: Contender, right: Contender, answer: str, number: int = 0) -> Vote:
    ballot = Ballot(f"id{number}", "photo", left, right, "l", "r")
    return Vote(ballot, answer, "someone", "2026-01-01T00:00:00+00:00", 3.0)  # type: ignore[arg-type]
