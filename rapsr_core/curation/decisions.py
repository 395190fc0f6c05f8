"""What reviewers decided, as lines of a file that only grows. One JSON object a line; an undo is a line as well.

Several people may write to one file at once: each action is one write (json_lines.py). A line cut off by a crash is left out when
reading, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from rapsr_core import json_lines

Verdict = Literal["accept", "reject"]
Kind = Literal["accept", "reject", "undo"]


class ReviewError(ValueError):
    """A review that cannot be read or continued; the message names the file and the line, or the value."""


@dataclass(frozen=True)
class Decision:
    """One line. The decisions of one action (several pictures at once) share their `time`."""

    id: str
    verdict: Kind
    reviewer: str
    time: str  # ISO 8601, UTC, microseconds
    round: int  # 1: first look, 2: blind second look
    seconds: float  # from showing to deciding; of several pictures at once, an equal part each
    reason: str = ""


@dataclass(frozen=True)
class Log:
    """All decisions of a file in the order of writing; `torn`: numbers of the lines left out because they were cut off."""

    decisions: tuple[Decision, ...]
    torn: tuple[int, ...]


def append(path: Path, decisions: Sequence[Decision]) -> None:
    """Add lines, all of them in one write, and wait until they are on the disk. Creates the file.

    Raises OSError, also when the disk is full.
    """
    json_lines.append(path, [asdict(decision) for decision in decisions])


def read(path: Path) -> Log:
    """The file's decisions; none when there is no file yet. Raises ReviewError for a whole line that is not a decision."""
    lines = json_lines.read(path)
    return Log(tuple(_decision(found, f"{path}, line {number}") for number, found in lines.found), lines.torn)


def live(decisions: Sequence[Decision]) -> list[Decision]:
    """What counts: accepts and rejects that were not taken back, in the order of deciding.

    An undo takes back the reviewer's last one of the same picture and round, so that a changed verdict returns to what it was
    before; without one it does nothing. Of several that stay, the last is the reviewer's verdict (`votes`).
    """
    found: list[Decision] = []
    for decision in decisions:
        if decision.verdict != "undo":
            found.append(decision)
            continue
        same = [i for i, d in enumerate(found) if _key(d) == _key(decision)]
        if same:
            del found[same[-1]]
    return found


def votes(decisions: Sequence[Decision], round: int = 1) -> dict[str, dict[str, Verdict]]:
    """Reviewer -> id -> verdict of that round, undone ones left out."""
    found: dict[str, dict[str, Verdict]] = {}
    for decision in live(decisions):
        if decision.round == round and decision.verdict != "undo":
            found.setdefault(decision.reviewer, {})[decision.id] = decision.verdict
    return found


def _key(decision: Decision) -> tuple[str, str, int]:
    return decision.reviewer, decision.id, decision.round


def _decision(found: Any, where: str) -> Decision:
    if not isinstance(found, Mapping) or set(found) - {"reason"} != set(Decision.__dataclass_fields__) - {"reason"}:
        raise ReviewError(f"{where} is no decision; it must have {', '.join(Decision.__dataclass_fields__)}")
    for name in ("id", "reviewer", "time"):
        if not isinstance(found[name], str):
            raise ReviewError(f"{where}: {name} is {found[name]!r}; it must be text")
    if found["verdict"] not in get_args(Kind):
        raise ReviewError(f"{where}: verdict is {found['verdict']!r}; it must be one of {', '.join(get_args(Kind))}")
    if found["round"] not in (1, 2):
        raise ReviewError(f"{where}: round is {found['round']!r}; it must be 1 or 2")
    return Decision(**found)
