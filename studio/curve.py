"""The score of the previews over the denoising steps, as a small SVG: one line a branch. Scoring stays under a share of the run's time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from torch import Tensor

from rapsr_core.quality.scoring import score
from rapsr_core.quality.table import METRICS, lower_better
from studio.score_table import Scores, figure

LABELS = {"baseline": "Baseline", "enhanced": "RAP-SR enhanced"}
SHARE = 0.03
"""Most that scoring previews may take of the time of the branches so far; a step beyond it is left out of the line."""
WIDTH, HEIGHT, LEFT, BOTTOM, ROOM = 420, 130, 44, 24, 12


@dataclass
class Curve:
    """Points of one run. `metric`: a live metric, or "" for no curve (nothing is scored then)."""

    metric: str
    share: float = SHARE
    steps: int = 0
    spent_s: float = 0.0
    points: dict[str, dict[int, float]] = field(default_factory=dict)  # branch -> step -> score

    def take(self, branch: str, step: int, steps: int, preview: Tensor | None, run_s: float) -> None:
        """Score the preview of a step, if that is still affordable after `run_s` seconds of branches."""
        self.steps = steps
        if not self.metric or preview is None or self.spent_s > self.share * run_s:
            return
        began = time.perf_counter()
        value = score(preview, [self.metric])[self.metric].value
        self.spent_s += time.perf_counter() - began
        if value is not None:
            self.points.setdefault(branch, {})[step] = value

    def finish(self, branch: str, scores: Scores) -> None:
        """A branch's final picture was scored, which costs nothing here: the end of its line."""
        row = scores.get(branch, {}).get(self.metric)
        if row is not None and row.value is not None and self.steps:
            self.points.setdefault(branch, {})[self.steps] = row.value

    def render(self) -> str:
        """The figure, or "" while there is nothing to draw."""
        if not self.points:
            return ""
        values = [value for line in self.points.values() for value in line.values()]
        low, high = min(values), max(values)
        label, way = METRICS[self.metric].label, "lower" if lower_better(self.metric) else "higher"
        lines = "".join(self._line(branch, low, high) for branch in LABELS if branch in self.points)
        keys = "".join(f'<span><i data-branch="{b}"></i>{text}</span>' for b, text in LABELS.items() if b in self.points)
        return (
            f'<figure class="curve"><figcaption><b>{label} over the steps</b> ({way} is better){keys}</figcaption>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{self._told(label)}">{self._axes(low, high)}{lines}</svg></figure>'
        )

    def _place(self, step: int, value: float, low: float, high: float) -> tuple[float, float]:
        across = (step - 1) / max(self.steps - 1, 1)
        up = (value - low) / (high - low) if high > low else 0.5
        return LEFT + across * (WIDTH - LEFT - ROOM), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - ROOM)

    def _line(self, branch: str, low: float, high: float) -> str:
        places = [self._place(step, value, low, high) for step, value in sorted(self.points[branch].items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)
        return f'<g data-branch="{branch}"><polyline points="{path}"/>{dots}</g>'

    def _axes(self, low: float, high: float) -> str:
        base, right = HEIGHT - BOTTOM, WIDTH - ROOM
        return (
            f'<path class="axis" d="M{LEFT} {ROOM}V{base}H{right}"/>'
            f'<text x="{LEFT - 6}" y="{ROOM + 4}" text-anchor="end">{figure(self.metric, high)}</text>'
            f'<text x="{LEFT - 6}" y="{base + 4}" text-anchor="end">{figure(self.metric, low)}</text>'
            f'<text x="{LEFT}" y="{HEIGHT - 6}">step 1</text><text x="{right}" y="{HEIGHT - 6}" text-anchor="end">{self.steps}</text>'
        )

    def _told(self, label: str) -> str:
        ends = []
        for branch, line in self.points.items():
            first, last = min(line), max(line)
            ends.append(
                f"{LABELS[branch]} {figure(self.metric, line[first])} at step {first}, {figure(self.metric, line[last])} at step {last}"
            )
        return f"{label}: {'; '.join(ends)}"
