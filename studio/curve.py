"""The score of the previews over the denoising steps, as a small SVG: one line a branch. Scoring stays under a share of the run's time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from rapsr_core.quality.scoring import score
from rapsr_core.quality.table import METRICS, lower_better
from studio.line_chart import Chart
from studio.score_table import Scores, figure

LABELS = {"baseline": "Baseline", "enhanced": "RAP-SR enhanced"}
SHARE = 0.03
"""Most that scoring previews may take of the time of the branches so far; a step beyond it is left out of the line."""


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
        label, way = METRICS[self.metric].label, "lower" if lower_better(self.metric) else "higher"
        keys = "".join(f'<span><i data-branch="{b}"></i>{text}</span>' for b, text in LABELS.items() if b in self.points)
        chart = Chart(self.points, LABELS, self.steps, partial(figure, self.metric))
        return chart.render(label, f"<b>{label} over the steps</b> ({way} is better){keys}")
