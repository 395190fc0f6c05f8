"""Stage 4, people: a review session that can be left and resumed, with blind second looks, and what several reviewers agree on.

The session's state is nothing but the lines of its file (`decisions.py`) and a sequence of looks that follows from ids, reviewer and
seed alone, so it is rebuilt by reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from rapsr_core.curation.agreement import Estimate, cohen_kappa, estimate, fleiss_kappa, krippendorff_alpha, percent_agreement
from rapsr_core.curation.decisions import Decision, Log, ReviewError, Verdict, append, live, read, votes
from rapsr_core.curation.selecting import Review

SECOND_LOOK_SHARE = 0.1
"""Share of the pictures that each reviewer sees twice."""

GAP = 20
"""Looks between the first and the second look at a picture, at least; more than a grid shows, so it never has one twice."""

MAX_NAME = 80


@dataclass(frozen=True)
class Look:
    """One showing of a picture: round 1, or 2 for a blind second look."""

    id: str
    round: int


@dataclass(frozen=True)
class Progress:
    """Looks, both rounds together: telling them apart would give the second looks away."""

    done: int
    total: int
    accepted: int
    rejected: int


class Session:
    """One reviewer's way through `ids`; every action is on the disk before it counts.

    Attributes: `sequence` (every look, in order), `torn` (numbers of cut-off lines in the file).
    """

    def __init__(
        self,
        path: Path,
        ids: Sequence[str],
        reviewer: str,
        seed: int = 0,
        second_look_share: float = SECOND_LOOK_SHARE,
        gap: int = GAP,
    ) -> None:
        """Raises ReviewError for no or repeated ids, a name that is empty or not one short line, or a file that is no review."""
        _check(ids, reviewer, second_look_share)
        self.path, self.reviewer = path, reviewer
        self.sequence = sequence(ids, reviewer, seed, second_look_share, gap)
        self.reload()

    def reload(self) -> None:
        """Read the file again: another window of the same reviewer may have written to it."""
        log = read(self.path)
        self.torn = log.torn
        asked = set(self.sequence)
        own = [d for d in log.decisions if d.reviewer == self.reviewer and Look(d.id, d.round) in asked]
        self._live = live(own)

    def pending(self, count: int) -> list[Look]:
        """The next looks, at most `count`. What was undone comes first; a second look waits for the first."""
        decided = {Look(d.id, d.round) for d in self._live}
        ready = (look for look in self.sequence if look not in decided and (look.round == 1 or Look(look.id, 1) in decided))
        return list(islice(ready, count))

    def decide(self, looks: Sequence[Look], verdict: Verdict, seconds: float, reason: str = "") -> None:
        """Write one verdict about one or several looks, `seconds` in all. A look decided before is changed."""
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        share = round(seconds / len(looks), 3)
        lines = [Decision(look.id, verdict, self.reviewer, time, look.round, share, reason) for look in looks]
        append(self.path, lines)
        self._live += lines

    def undo(self) -> list[Look]:
        """Take back the last action, with all its pictures; the looks taken back, none when there is nothing left."""
        if not self._live:
            return []
        last = [d for d in self._live if d.time == self._live[-1].time]
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        append(self.path, [Decision(d.id, "undo", self.reviewer, time, d.round, 0.0) for d in reversed(last)])
        self._live = [d for d in self._live if d.time != last[0].time]
        return [Look(d.id, d.round) for d in last]

    @property
    def progress(self) -> Progress:
        """How many looks of this session are decided, and how."""
        now = {Look(d.id, d.round): d.verdict for d in self._live}
        accepted = sum(verdict == "accept" for verdict in now.values())
        return Progress(len(now), len(self.sequence), accepted, len(now) - accepted)


def sequence(ids: Sequence[str], reviewer: str, seed: int, second_look_share: float, gap: int) -> tuple[Look, ...]:
    """Every look of a session, in an order that is the reviewer's own: sorted by a hash of seed, reviewer and id.

    So an id added or taken away later leaves the order of the others as it is. round(share * N) pictures get a second look `gap` to
    2 `gap` - 1 pictures after the first, at the latest at the end. They are drawn from those that have at least `gap` pictures behind
    them, so up to `gap` ids have none.
    """
    order = sorted(ids, key=lambda name: _hash(seed, reviewer, "order", name))
    able = sorted(range(len(order) - gap), key=lambda i: _hash(seed, reviewer, "second", order[i]))
    again = able[: round(second_look_share * len(order))]
    looks = [(i, 1, i) for i in range(len(order))]
    for i in again:
        delay = gap + int(_hash(seed, reviewer, "delay", order[i])[:8], 16) % gap
        looks.append((min(i + delay, len(order) - 1), 2, i))
    return tuple(Look(order[i], number) for _, number, i in sorted(looks))


def verdicts(decisions: Sequence[Decision], ids: Sequence[str], minimum_votes: int = 1) -> dict[str, Review]:
    """id -> accepted, rejected or open, for `selecting.select`.

    The majority of the reviewers' first looks decides; a tie, and fewer than `minimum_votes`, leave the picture open. Second looks
    measure a reviewer and do not vote.
    """
    given = list(votes(decisions).values())
    found: dict[str, Review] = {}
    for name in ids:
        cast = [of[name] for of in given if name in of]
        lead = 2 * cast.count("accept") - len(cast)
        found[name] = "open" if len(cast) < minimum_votes or lead == 0 else "accepted" if lead > 0 else "rejected"
    return found


# Agreement


@dataclass(frozen=True)
class SecondLooks:
    """How often a reviewer said the same again (intra-rater): first against second look."""

    percent: Estimate
    kappa: Estimate


@dataclass(frozen=True)
class Agreement:
    """Between reviewers, on first looks, and of each with themselves.

    percent, alpha: pictures with two or more votes. fleiss: pictures that all reviewers decided. cohen: two reviewers, else None.
    """

    reviewers: tuple[str, ...]
    percent: Estimate
    cohen: Estimate | None
    fleiss: Estimate
    alpha: Estimate
    second_looks: Mapping[str, SecondLooks]


def agreement(log: Log) -> Agreement:
    """Inter-rater and intra-rater agreement of a review, each with its 95 % bootstrap interval over pictures."""
    first, second = votes(log.decisions, 1), votes(log.decisions, 2)
    names = tuple(sorted(first))
    ids = sorted({name for of in first.values() for name in of})
    counts = np.array(
        [[sum(of.get(i) == verdict for of in first.values()) for verdict in ("accept", "reject")] for i in ids], dtype=np.int64
    ).reshape(-1, 2)
    several, everyone = counts[counts.sum(1) >= 2], counts[counts.sum(1) == max(2, len(names))]
    return Agreement(
        names,
        estimate(percent_agreement, several),
        estimate(cohen_kappa, _pairs(first[names[0]], first[names[1]])) if len(names) == 2 else None,
        estimate(fleiss_kappa, everyone),
        estimate(krippendorff_alpha, several),
        {name: _second_looks(first[name], second[name]) for name in names if name in second},
    )


def _second_looks(first: Mapping[str, Verdict], second: Mapping[str, Verdict]) -> SecondLooks:
    pairs = _pairs(first, second)
    same = np.stack([(pairs == 1).sum(1), (pairs == 0).sum(1)], axis=1)
    return SecondLooks(estimate(percent_agreement, same), estimate(cohen_kappa, pairs))


def _pairs(one: Mapping[str, Verdict], other: Mapping[str, Verdict]) -> np.ndarray:
    """(pictures decided by both, 2), 1 = accept."""
    both = sorted(one.keys() & other.keys())
    return np.array([[one[i] == "accept", other[i] == "accept"] for i in both], dtype=np.int64).reshape(-1, 2)


def _hash(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _check(ids: Sequence[str], reviewer: str, share: float) -> None:
    if not ids:
        raise ReviewError("there are no pictures to review; loosen the rules of the stages before")
    if len(set(ids)) != len(ids):
        raise ReviewError(f"{len(ids) - len(set(ids))} ids are given twice; each picture has one id")
    if not reviewer.strip() or len(reviewer) > MAX_NAME or not reviewer.isprintable():
        raise ReviewError(f"the reviewer's name is {reviewer!r}; give 1 to {MAX_NAME} printable characters on one line")
    if not 0 <= share <= 1:
        raise ReviewError(f"the share of second looks is {share:g}; it must be in [0, 1]")
