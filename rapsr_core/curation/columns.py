"""What a stage writes of an image, and the rule that a value must meet: both rows of tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rapsr_core.curation.picture import Picture

Value = float | int | str | None
Row = dict[str, Value]
"""Column name -> value; None = could not be measured (the `error` column says why)."""


@dataclass(frozen=True)
class Column:
    """A measurement. `source`: where formula and default threshold come from."""

    name: str
    label: str
    kind: Literal["number", "text"]
    better: Literal["low", "high", "neither"]
    unit: str
    help: str
    source: str


@dataclass(frozen=True)
class Rule:
    """`low` <= value <= `high`; with `best`, the value must be among this share of the best of those that came so far, in (0, 1].

    `missing`: whether an image passes whose value could not be measured, or has none (the JPEG quality of a PNG).
    """

    column: str
    low: float | None = None
    high: float | None = None
    best: float | None = None
    missing: Literal["pass", "fail"] = "fail"


@dataclass(frozen=True)
class Stage:
    """One row of the pipeline. `build` may load a model; it returns the function that measures one picture.

    That function returns every column of the stage and raises ImageError alone, for data that is no usable image.
    """

    name: str
    label: str
    help: str
    cost_s: float  # one 2-megapixel photograph on one core, order of magnitude
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]  # defaults, in the order in which reasons are given
    build: Callable[[], Callable[[Picture], Row]]
