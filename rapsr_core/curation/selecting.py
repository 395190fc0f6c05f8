"""Rules applied to a manifest: which images are kept, and at which stage and for which reason each other one is left out.

No pixel is read, so other thresholds cost seconds. An image is left out by the first rule that it does not meet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rapsr_core.curation.columns import Column, Rule, Stage

Columns = Mapping[str, NDArray[Any]]
"""A manifest in memory: column name -> (N,) array; numbers float64 with NaN for missing, texts as objects. `id` and `error` are there."""

Review = Literal["accepted", "rejected", "open"]
DUPLICATE = "duplicate"
REVIEW = "review"
FIELDS = ("low", "high", "best")


class SelectionError(ValueError):
    """Rules that do not fit the manifest; the message names the rule and what is there."""


@dataclass(frozen=True)
class Verdict:
    """`stage`, `column` and `reason` are empty for an image that is kept."""

    id: str
    kept: bool
    stage: str = ""
    column: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Step:
    """One stage of the funnel: images that entered and left it, and how many each rule's column left out."""

    stage: str
    entered: int
    left: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class Selection:
    """Verdicts in the order of the manifest; `thresholds`: the rules as they were applied, shares of the best made numbers."""

    verdicts: tuple[Verdict, ...]
    funnel: tuple[Step, ...]
    thresholds: tuple[Rule, ...]

    @property
    def kept(self) -> list[str]:
        """Ids, in the order of the manifest."""
        return [v.id for v in self.verdicts if v.kept]


@dataclass(frozen=True)
class Duplicates:
    """How near duplicates are found and which of them is kept.

    `find`: (perceptual hashes, max_distance) -> a cluster number for each image; equal files have equal hashes. Of a cluster's members that passed the
    rules up to `stage`, the one is kept that meets most of the fixed thresholds of all stages, then the best by `order`, then the first by id.
    """

    find: Callable[[Sequence[str], int], Sequence[int] | NDArray[np.integer[Any]]]
    max_distance: int
    order: tuple[str, ...]
    stage: str = "admission"


def changed(rules: Sequence[Rule], changes: Mapping[str, Any], columns: Sequence[Column]) -> tuple[Rule, ...]:
    """`rules` with the changes of a file: {"column": {"low": 3, "high": null, "best": 0.4}} replaces, null takes a rule away.

    Raises SelectionError for a column that is not measured, a field that does not exist or a value out of range.
    """
    known = {c.name: c for c in columns}
    found = {rule.column: rule for rule in rules}
    for name, change in changes.items():
        if name not in known:
            raise SelectionError(f"there is no column {name!r} to set a rule for; measured are {', '.join(known)}")
        if change is None:
            found.pop(name, None)
            continue
        if odd := set(change) - set(FIELDS):
            raise SelectionError(f"rule {name!r} has {sorted(odd)[0]!r}; it may have {', '.join(FIELDS)}")
        found[name] = replace(found.get(name, Rule(name)), **change)
    for rule in found.values():
        _check(rule, known[rule.column])
    return tuple(found.values())


def select(
    columns: Columns,
    stages: Sequence[Stage],
    rules: Sequence[Rule],
    duplicates: Duplicates | None = None,
    review: Mapping[str, Review] | None = None,
    reviewed_only: bool = False,
) -> Selection:
    """Apply `rules` stage by stage, then the review's verdicts (with `reviewed_only`, what is still open is left out too).

    Raises SelectionError for a rule about a column the manifest does not have.
    """
    for rule in rules:
        if rule.column not in columns:
            raise SelectionError(f"the manifest has no column {rule.column!r} for its rule: score again, or take the rule away")
    state = _State(columns)
    state.begin(stages[0].name)
    state.leave_out(columns["error"] != "", "error", lambda i: str(columns["error"][i]))
    for stage in stages:
        state.begin(stage.name)
        known = {c.name: c for c in stage.columns}
        for rule in rules:
            if rule.column in known:
                state.apply(rule, known[rule.column])
        if duplicates is not None and duplicates.stage == stage.name:
            _drop_duplicates(state, duplicates, rules, stages)
    if review is not None:
        state.begin(REVIEW)
        given = np.array([review.get(i, "open") for i in columns["id"]], dtype=object)
        state.leave_out(given == "rejected", REVIEW, lambda _: "rejected by the reviewers")
        if reviewed_only:
            state.leave_out(given == "open", "open", lambda _: "not decided by the reviewers yet")
    return state.selection()


@dataclass
class _State:
    """Who is still in, and why the others are not."""

    columns: Columns
    alive: NDArray[np.bool_] = field(init=False)
    reasons: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # row -> stage, column, reason
    entered: dict[str, int] = field(default_factory=dict)
    thresholds: list[Rule] = field(default_factory=list)
    stage: str = ""

    def __post_init__(self) -> None:
        self.alive = np.ones(len(self.columns["id"]), dtype=bool)

    def begin(self, stage: str) -> None:
        self.stage = stage
        self.entered.setdefault(stage, int(self.alive.sum()))

    def leave_out(self, mask: NDArray[np.bool_], column: str, reason: Callable[[int], str]) -> None:
        for i in np.flatnonzero(self.alive & mask):
            self.reasons[int(i)] = (self.stage, column, reason(int(i)))
        self.alive &= ~mask

    def apply(self, rule: Rule, column: Column) -> None:
        values = self.columns[rule.column]
        missing = np.isnan(values)
        if rule.missing == "fail":
            self.leave_out(missing, rule.column, lambda _: f"{column.label} could not be measured")
        if rule.best is not None:
            rule = _as_number(rule, column, values[self.alive & ~missing])
        for low, bound, word in ((True, rule.low, "below"), (False, rule.high, "above")):
            if bound is not None:
                said = f"is {word} {bound:.4g}" + (f", the worst of the best {rule.best:.0%}" if rule.best else "")
                self.leave_out(values < bound if low else values > bound, rule.column, partial(_said, column, values, said))
        self.thresholds.append(rule)

    def selection(self) -> Selection:
        ids = [str(i) for i in self.columns["id"]]
        verdicts = tuple(
            Verdict(name, True) if self.alive[i] else Verdict(name, False, *self.reasons[i]) for i, name in enumerate(ids)
        )
        found = {stage: Counter(column for s, column, _ in self.reasons.values() if s == stage) for stage in self.entered}
        steps = tuple(
            Step(stage, entered, entered - found[stage].total(), dict(found[stage].most_common()))
            for stage, entered in self.entered.items()
        )
        return Selection(verdicts, steps, tuple(self.thresholds))


def _as_number(rule: Rule, column: Column, values: NDArray[np.float64]) -> Rule:
    """A share of the best as a threshold, so that at least this share of `values` meets it."""
    assert rule.best is not None
    if not len(values):
        return rule
    ordered = np.sort(values if column.better == "low" else -values)
    bound = float(ordered[math.ceil(rule.best * len(ordered) - 1e-9) - 1])
    if column.better == "high":
        return replace(rule, low=-bound if rule.low is None else max(-bound, rule.low))
    return replace(rule, high=bound if rule.high is None else min(bound, rule.high))


def _said(column: Column, values: NDArray[np.float64], said: str, i: int) -> str:
    return f"{column.label} {values[i]:.4g}{f' {column.unit}' if column.unit else ''} {said}"


def _drop_duplicates(state: _State, how: Duplicates, rules: Sequence[Rule], stages: Sequence[Stage]) -> None:
    columns, rows = state.columns, np.flatnonzero(state.alive)
    numbers = how.find([columns["phash"][i] for i in rows], how.max_distance)
    direction = {c.name: c.better for stage in stages for c in stage.columns}
    keys = [columns["id"][rows].astype(str)]
    for name in reversed(how.order):
        values = columns[name][rows]
        keys.append(np.nan_to_num(-values if direction[name] == "high" else values, nan=np.inf))
    keys.append(-_met(columns, rows, rules))
    best: dict[int, int] = {}
    for at in np.lexsort(keys):
        best.setdefault(int(numbers[at]), int(rows[at]))
    kept = {int(row): best[int(number)] for row, number in zip(rows, numbers, strict=True)}
    mask = np.zeros(len(state.alive), dtype=bool)
    mask[[row for row, of in kept.items() if row != of]] = True
    state.leave_out(mask, DUPLICATE, lambda i: f"duplicate of {columns['id'][kept[i]]}")


def _met(columns: Columns, rows: NDArray[np.int64], rules: Sequence[Rule]) -> NDArray[np.int64]:
    """How many fixed thresholds each row meets."""
    met = np.zeros(len(rows), dtype=np.int64)
    for rule in rules:
        values = columns[rule.column][rows]
        low, high = -np.inf if rule.low is None else rule.low, np.inf if rule.high is None else rule.high
        met += ((values >= low) & (values <= high)) | (np.isnan(values) & (rule.missing == "pass"))
    return met


def _check(rule: Rule, column: Column) -> None:
    if column.kind != "number":
        raise SelectionError(f"column {rule.column!r} is text; rules are for numbers")
    for name in FIELDS:
        value = getattr(rule, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise SelectionError(f"{rule.column}.{name} is {value!r}; it must be a number")
    if rule.low is not None and rule.high is not None and rule.low > rule.high:
        raise SelectionError(f"{rule.column}: low {rule.low:g} is above high {rule.high:g}; nothing could meet it")
    if rule.best is not None and not 0 < rule.best <= 1:
        raise SelectionError(f"{rule.column}.best is {rule.best:g}; it is a share above 0 and up to 1")
    if rule.best is not None and column.better == "neither":
        raise SelectionError(f"{rule.column} has no better end; give low or high in place of best")
