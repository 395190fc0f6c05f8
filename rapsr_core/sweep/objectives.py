"""What a search wants: a mix of figures as one number for quality and one for fidelity, and the front of the two."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rapsr_core.quality.consistency import LR_PSNR
from rapsr_core.quality.table import LIVE
from rapsr_core.sweep import figures
from rapsr_core.sweep.axes import SweepError
from rapsr_core.sweep.run import Row


@dataclass(frozen=True)
class Objective:
    """One figure of a mix. Normalised, 0 is `worst` and 1 is `best`, on a line; nothing is clipped, so values may leave [0, 1].

    By default the ends are the metric's typical range (quality/table.py; LR-PSNR: figures.py), turned by its direction.
    """

    metric: str
    worst: float
    best: float
    weight: float = 1.0

    def value(self, row: Row) -> float | None:
        """Normalised figure of a cell's enhanced image."""
        given = row.value("enhanced", self.metric)
        return None if given is None else (given - self.worst) / (self.best - self.worst)


def objective(metric: str, weight: float = 1.0) -> Objective:
    """With the metric's typical range as its ends. Raises SweepError for one without, or a weight that is not positive."""
    ends = figures.typical_range(metric)
    if ends is None:
        raise SweepError(f"{metric} has no typical range here; give an Objective with the values that are worst and best")
    if not weight > 0:
        raise SweepError(f"{figures.label(metric)} has weight {weight:g}; it must be above 0, or be left out")
    low, high = ends
    return Objective(metric, high, low, weight) if figures.lower_better(metric) else Objective(metric, low, high, weight)


@dataclass(frozen=True)
class Goal:
    """Quality and fidelity of a candidate, each a weighted mean of normalised figures; `fidelity_share`: of fidelity in the one number
    by which candidates are promoted, in [0, 1]."""

    quality: tuple[Objective, ...]
    fidelity: tuple[Objective, ...]
    fidelity_share: float = 0.5

    def __post_init__(self) -> None:
        if not self.quality or not self.fidelity:
            raise SweepError("a goal needs at least one metric of quality and one of fidelity")
        if not 0 <= self.fidelity_share <= 1:
            raise SweepError(f"the share of fidelity is {self.fidelity_share:g}; it must be between 0 and 1")

    @property
    def metrics(self) -> tuple[str, ...]:
        """What cells must be scored with; grid energy is always there. LR-PSNR comes by itself."""
        named = (*(row.metric for row in (*self.quality, *self.fidelity)), figures.GRID)
        return tuple(name for name in dict.fromkeys(named) if name != LR_PSNR)

    def scores(self, rows: Sequence[Row]) -> tuple[float, float] | None:
        """(fidelity, quality), means over `rows` (the seeds of one candidate); None where a figure is missing."""
        found = []
        for side in (self.fidelity, self.quality):
            total = 0.0
            for row in side:
                values = [row.value(cell) for cell in rows]
                known = [value for value in values if value is not None]
                if not known or len(known) < len(values):
                    return None
                total += row.weight * statistics.fmean(known)
            found.append(total / sum(row.weight for row in side))
        return found[0], found[1]

    def mix(self, fidelity: float, quality: float) -> float:
        """The one number."""
        return self.fidelity_share * fidelity + (1 - self.fidelity_share) * quality


def default_goal(has_reference: bool, quality: Sequence[str] = LIVE, fidelity_share: float = 0.5) -> Goal:
    """`quality`: metrics without a reference, weighted alike. Fidelity: PSNR-Y and LPIPS where there is a ground truth, else LR-PSNR
    (area), how well the reduced result gives back the input. Raises SweepError (`objective`, `Goal`)."""
    fidelity = ("psnr", "lpips") if has_reference else (LR_PSNR,)
    if named := [name for name in quality if figures.needs_reference(name) or name == LR_PSNR]:
        raise SweepError(f"{figures.label(named[0])} is a metric of fidelity; choose no-reference metrics for quality")
    return Goal(tuple(map(objective, quality)), tuple(map(objective, fidelity)), fidelity_share)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other one dominates (at least as large in both, larger in one), in the order given."""
    return [
        i
        for i, (x, y) in enumerate(points)
        if not any(a >= x and b >= y and (a, b) != (x, y) for a, b in points)
    ]  # fmt: skip
