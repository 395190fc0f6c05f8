"""Two scores of many settings as one plot: a point each, a line along those that no other beats on both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapsr_core.evaluation.pairs import EvaluationError
from rapsr_core.quality.table import METRICS, lower_better

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Point:
    """`series`: baseline, enhanced, or a restorer's own name. `scores`: metric -> mean over the images."""

    name: str
    series: str
    scores: Mapping[str, float]


def front(points: Sequence[Point], across: str, up: str) -> list[Point]:
    """Points that no other one equals or beats on both scores and beats on one, best of `across` first."""
    signs = [1 if lower_better(metric) else -1 for metric in (across, up)]
    keys = {id(p): tuple(sign * p.scores[m] for sign, m in zip(signs, (across, up), strict=True)) for p in points}
    kept = [p for p in points if not any(_dominates(keys[id(other)], keys[id(p)]) for other in points)]
    return sorted(kept, key=lambda p: keys[id(p)])


def _dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def plot(points: Sequence[Point], across: str, up: str, title: str, path: Path) -> None:
    """Write `figure` as SVG, or any ending matplotlib knows."""
    drawn = figure(points, across, up, title)
    path.parent.mkdir(parents=True, exist_ok=True)
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "rapsr"}):  # the same points give the same file
        drawn.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def figure(points: Sequence[Point], across: str, up: str, title: str) -> Figure:
    """Both axes turned so that up and right is better. Raises EvaluationError for a score that is missing, or without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise EvaluationError("--plot needs matplotlib: pip install matplotlib") from error
    for metric in (across, up):
        if missing := [p.name for p in points if metric not in p.scores]:
            raise EvaluationError(f"{metric} of {missing[0]} was not computed; name it in --metrics, or plot another")
    made = Figure(figsize=(7.2, 5), layout="constrained")
    axes = made.subplots()
    for series in dict.fromkeys(p.series for p in points):
        _series(axes, [p for p in points if p.series == series], across, up, series)
    for metric, label, invert in ((across, axes.set_xlabel, axes.invert_xaxis), (up, axes.set_ylabel, axes.invert_yaxis)):
        label(f"{METRICS[metric].label} ({'lower' if lower_better(metric) else 'higher'} is better)")
        if lower_better(metric):
            invert()
    axes.set_title(title, fontsize=9)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7)
    return made


def _series(axes: Any, points: Sequence[Point], across: str, up: str, label: str) -> None:
    (line,) = axes.plot(*_columns(front(points, across, up), across, up), "-", alpha=0.6)
    axes.plot(*_columns(points, across, up), "o" if len(points) > 1 else "*", color=line.get_color(), label=label)
    for p in points if len(points) > 1 else []:
        place = (p.scores[across], p.scores[up])
        axes.annotate(p.name, place, (3, 3), textcoords="offset points", fontsize=6, color=line.get_color())


def _columns(points: Sequence[Point], across: str, up: str) -> tuple[list[float], list[float]]:
    return [p.scores[across] for p in points], [p.scores[up] for p in points]
