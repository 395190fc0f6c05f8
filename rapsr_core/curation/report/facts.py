"""What the report is made of, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rapsr_core.curation.columns import Column, Rule, Stage
from rapsr_core.curation.review import Agreement
from rapsr_core.curation.selecting import DUPLICATE, REVIEW, Columns, Selection

REASON_LABELS = {
    "error": "not a usable image",
    DUPLICATE: "duplicate or near duplicate",
    REVIEW: "rejected by the reviewers",
    "open": "not decided by the reviewers yet",
}
"""Reasons that are no column."""

STAGE_LABELS = {REVIEW: "Human selection"}
"""Steps of the funnel that are no stage."""


@dataclass(frozen=True)
class Report:
    """One curation. `columns` and `selection.verdicts` are in the same order.

    thumbnail: id -> the bytes of a small JPEG, or None when there is none. settings, versions: shown as they are.
    """

    title: str
    columns: Columns
    stages: Sequence[Stage]
    selection: Selection
    thumbnail: Callable[[str], bytes | None]
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    agreement: Agreement | None = None

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """(N,), in the order of the manifest."""
        return np.array([v.kept for v in self.selection.verdicts], dtype=bool)

    @cached_property
    def ids(self) -> list[str]:
        """(N,), in the order of the manifest."""
        return [v.id for v in self.selection.verdicts]

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """Rules as applied, by column."""
        return {rule.column: rule for rule in self.selection.thresholds}

    def numeric(self) -> Iterator[tuple[Stage, Column, NDArray[np.float64]]]:
        """Every column of numbers that the manifest has, with its stage and values (NaN = missing)."""
        for stage in self.stages:
            for column in stage.columns:
                if column.kind == "number" and column.name in self.columns:
                    yield stage, column, np.asarray(self.columns[column.name], dtype=np.float64)


def stage_label(name: str, stages: Sequence[Stage]) -> str:
    """A step's name for people."""
    return {stage.name: stage.label for stage in stages}.get(name, STAGE_LABELS.get(name, name))


def reason_label(name: str, stages: Sequence[Stage]) -> str:
    """What left images out, for people: a column's label, or a reason that is no column."""
    return {c.name: c.label for stage in stages for c in stage.columns}.get(name, REASON_LABELS.get(name, name))


def rule_text(rule: Rule | None, unit: str = "") -> str:
    """ "≥ 100 px", "0.1 to 0.9", "best 40 % (≥ 3.2)"; empty without bounds."""
    if rule is None:
        return ""
    low, high = (None if bound is None else f"{bound:.4g}" for bound in (rule.low, rule.high))
    bounds = f"{low} to {high}" if low and high else f"≥ {low}" if low else f"≤ {high}" if high else ""
    bounds += f" {unit}" if bounds and unit else ""
    if rule.best is None:
        return bounds
    return f"best {100 * rule.best:.4g} %" + (f" ({bounds})" if bounds else "")


def arrow(column: Column) -> str:
    """Which way is better: ↑, ↓ or nothing."""
    return {"high": "↑", "low": "↓", "neither": ""}[column.better]
