"""Blind votes between two results: ballots, the file of answers, ratings of hosts and refinements, agreement of metrics with people."""

from rapsr_core.votes.agreement import Agreement, Share, left_share, metric_agreement
from rapsr_core.votes.ballot import ANSWERS, BASELINE, Answer, Ballot, Contender, VoteError, contenders, draw
from rapsr_core.votes.log import Vote, VoteLog, append, counted, read
from rapsr_core.votes.ratings import By, Rating, Ratings, rate

__all__ = [
    "ANSWERS",
    "BASELINE",
    "Agreement",
    "Answer",
    "Ballot",
    "By",
    "Contender",
    "Rating",
    "Ratings",
    "Share",
    "Vote",
    "VoteError",
    "VoteLog",
    "append",
    "contenders",
    "counted",
    "draw",
    "left_share",
    "metric_agreement",
    "rate",
    "read",
]
