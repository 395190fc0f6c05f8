"""The answers, as lines of a file that only grows (json_lines.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rapsr_core import json_lines
from rapsr_core.votes.ballot import ANSWERS, Answer, Ballot, Contender, VoteError


@dataclass(frozen=True)
class Vote:
    """One line. `voter`: a random name of the browser session, no person's."""

    ballot: Ballot
    answer: Answer
    voter: str
    time: str  # ISO 8601, UTC
    seconds: float  # from showing to answering


@dataclass(frozen=True)
class VoteLog:
    """All votes of a file in the order of writing; `torn`: numbers of the lines left out because they were cut off."""

    votes: tuple[Vote, ...]
    torn: tuple[int, ...]


def append(path: Path, vote: Vote) -> None:
    """Add a vote and wait until it is on the disk. Creates the file. Raises OSError, also when the disk is full."""
    json_lines.append(path, [asdict(vote)])


def read(path: Path) -> VoteLog:
    """The file's votes; none when there is no file yet. Raises VoteError for a whole line that is no vote."""
    lines = json_lines.read(path)
    return VoteLog(tuple(_vote(found, f"{path}, line {number}") for number, found in lines.found), lines.torn)


def counted(votes: Sequence[Vote]) -> list[Vote]:
    """The first answer of every ballot: after it the sides were revealed, so that another one is not blind."""
    first: dict[str, Vote] = {}
    for vote in votes:
        first.setdefault(vote.ballot.id, vote)
    return list(first.values())


def _vote(found: Any, where: str) -> Vote:
    _check(found, Vote, where, "vote")
    _check(found["ballot"], Ballot, where, "ballot")
    sides = {}
    for side in ("left", "right"):
        _check(found["ballot"][side], Contender, where, "contender")
        sides[side] = Contender(**found["ballot"][side])
    if found["answer"] not in ANSWERS:
        raise VoteError(f"{where}: answer is {found['answer']!r}; it must be one of {', '.join(ANSWERS)}")
    return Vote(**{**found, "ballot": Ballot(**{**found["ballot"], **sides})})


def _check(found: Any, kind: type, where: str, name: str) -> None:
    fields: Mapping[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    if not isinstance(found, Mapping) or set(found) != set(fields):
        raise VoteError(f"{where} has no {name}; it must have {', '.join(fields)}")
