"""What the cells of a sweep say: a table, a matrix of any figure along two axes, CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rapsr_core import csv_rows
from rapsr_core.sweep import figures
from rapsr_core.sweep.axes import SweepError, Value, label_of
from rapsr_core.sweep.definition import Sweep
from rapsr_core.sweep.run import Row

WHICH = ("input", "baseline", "enhanced")
CHANGE = "change"


@dataclass(frozen=True)
class Matrix:
    """A figure over two axes. `values`: (rows, columns), NaN where a cell has none or did not run. `lower_better`: of the figure.

    The axis is "" and its labels ("",) where a sweep has one axis only.
    """

    label: str
    lower_better: bool
    column_axis: str
    row_axis: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: NDArray[np.float64]


def metrics_of(rows: Sequence[Row]) -> list[str]:
    """Every metric that some cell has, in the order of appearance."""
    return list(dict.fromkeys(name for row in rows for scores in row.scores.values() for name in scores))


def csv_text(sweep: Sweep, rows: Sequence[Row]) -> str:
    """One line a cell, by index: the axes' values, every figure of input, baseline and enhanced, seconds, the reason of a failure.

    A value that is not there is empty; of two texts of a pair, both have a column.
    """
    metrics = metrics_of(rows)
    columns = [name for axis in sweep.axes for name in axis.info.sets]
    head = [f"{metric}_{which}" for metric in metrics for which in WHICH]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["cell", *columns, *head, "seconds_baseline", "seconds_enhanced", "error"])
    for row in sorted(rows, key=lambda row: row.cell.index):
        values = [part for value in row.cell.values for part in (value if isinstance(value, tuple) else (value,))]
        scores = [csv_rows.number(row.value(which, metric)) for metric in metrics for which in WHICH]
        seconds = [csv_rows.number(row.seconds.get(branch)) for branch in ("baseline", "enhanced")]
        writer.writerow([row.cell.index, *values, *scores, *seconds, row.error])
    return buffer.getvalue()


def matrix(
    sweep: Sweep,
    rows: Sequence[Row],
    metric: str,
    which: str = "enhanced",
    columns: int = 0,
    lines: int = 1,
    fixed: Mapping[str, Value] | None = None,
) -> Matrix:
    """A figure along axis number `columns` and axis number `lines`; `which`: input, baseline, enhanced, or change (enhanced - baseline).

    `fixed`: the value of the third axis, by its path. Raises SweepError where an axis has neither a place nor a value, or two.
    """
    axes, fixed = sweep.axes, fixed or {}
    if which not in (*WHICH, CHANGE):
        raise SweepError(f"no image {which!r}; there are {', '.join((*WHICH, CHANGE))}")
    shown = [number for number in dict.fromkeys((columns, lines)) if number < len(axes)]
    placed = [axes[number].path for number in shown] + list(fixed)
    if sorted(placed) != sorted(axis.path for axis in axes):
        raise SweepError(f"a matrix of {', '.join(a.path for a in axes)} was given {', '.join(placed)}; place or fix each once")
    across, down = ((axes[n] if n in shown else None) for n in (columns, lines))
    size = (len(down.values) if down else 1, len(across.values) if across else 1)
    values = np.full(size, math.nan)
    for row in rows:
        given = dict(zip((axis.path for axis in axes), row.cell.values, strict=True))
        if all(given[path] == value for path, value in fixed.items()):
            place = sweep.position(row.cell)
            value = row.value(which, metric)
            values[place[lines] if down else 0, place[columns] if across else 0] = math.nan if value is None else value
    return Matrix(
        figures.label(metric),
        figures.lower_better(metric),
        across.info.label if across else "",
        down.info.label if down else "",
        tuple(label_of(v) for v in across.values) if across else ("",),
        tuple(label_of(v) for v in down.values) if down else ("",),
        values,
    )
