"""What the Prompt lab keeps of a sweep or a search while it runs and after it: cells, pictures, figures. A visitor's own, in a State."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core.events import Finished, Image, Prepared
from rapsr_core.images import resize
from rapsr_core.sweep import figures, table
from rapsr_core.sweep.axes import label_of
from rapsr_core.sweep.definition import MAX_CELLS, Cell, Sweep, cells, title
from rapsr_core.sweep.objectives import Goal, pareto_front
from rapsr_core.sweep.run import CellEnded, Row, SweepCell
from rapsr_core.sweep.suggest import Suggestion
from studio import viewer
from studio.live_run import LiveRun
from studio.results import RunFolder

THUMB_PX = 384
"""Longest side of what a cell shows until it is drawn larger; the whole picture comes then."""
BRANCHES = {"enhanced": "RAP-SR enhanced", "baseline": "Baseline"}


@dataclass
class Entry:
    """One cell that was begun. Of a search `rows` has one for each seed; pictures and `finished` are of the first."""

    cell: Cell
    live: LiveRun
    rows: list[Row] = field(default_factory=list)
    finished: Finished | None = None
    thumbs: dict[str, Path] = field(default_factory=dict)


@dataclass
class LabRun:
    """A sweep, or with a `goal` a search. `total`: comparisons planned. `begin`, `take` and `end` follow the events."""

    photo: str
    truth: str | None
    sweep: Sweep
    metrics: tuple[str, ...]  # of the scores table when a cell is opened
    total: int
    goal: Goal | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    entries: dict[int, Entry] = field(default_factory=dict)
    running: int | None = None
    done: int = 0
    ended: bool = False  # nothing more will come: finished, or stopped
    suggestion: Suggestion | None = None

    def take(self, event: SweepCell) -> None:
        """Bring the state up to date with what a comparison told."""
        match event.event:
            case Prepared():
                self.running = event.index
                self.entries.setdefault(event.index, Entry(event.cell, LiveRun(RunFolder(self.photo), event.event.recipe)))
            case Image():
                if not self.entries[event.index].finished:
                    self._picture(self.entries[event.index], event.event)
            case Finished():
                entry = self.entries[event.index]
                entry.finished = entry.finished or event.event

    def end(self, event: CellEnded) -> None:
        """A comparison ended."""
        cell = event.row.cell
        entry = self.entries.setdefault(cell.index, Entry(cell, LiveRun(RunFolder(self.photo), cell.recipe)))
        entry.rows.append(event.row)
        self.running, self.done = None, self.done + 1

    def rows(self) -> list[Row]:
        """First row of every cell that ended."""
        return [entry.rows[0] for entry in self.entries.values() if entry.rows]

    def grid_value(self) -> dict[str, Any] | None:
        """Value of the grid component; None for a search among more cells than a grid shows."""
        every = cells(self.sweep) if self.total_cells() <= MAX_CELLS else []
        if not every:
            return None
        metrics = [{"name": name, "label": figures.label(name), "lower": figures.lower_better(name)} for name in self._shown()]
        return {
            "run": self.id,
            "axes": [{"label": axis.info.label, "values": [label_of(v) for v in axis.values]} for axis in self.sweep.axes],
            "metrics": metrics,
            "branches": [{"name": name, "label": label} for name, label in BRANCHES.items()],
            "cells": [self._cell(cell) for cell in every],
        }

    def front_value(self) -> dict[str, Any] | None:
        """Value of the plot of fidelity against quality; None for a sweep."""
        if self.goal is None:
            return None
        scored = [(entry, self.goal.scores(entry.rows)) for entry in self.entries.values() if entry.rows]
        known = [(entry, scores) for entry, scores in scored if scores is not None]
        front = set(pareto_front([scores for _, scores in known]))
        best = self.suggestion.best if self.suggestion else None
        warnings = {c.cell.index: list(c.warnings) for c in self.suggestion.candidates} if self.suggestion else {}
        points = [
            {
                "index": entry.cell.index,
                "title": title(self.sweep, entry.cell),
                "x": fidelity,
                "y": quality,
                "mix": self.goal.mix(fidelity, quality),
                "seeds": len(entry.rows),
                "front": number in front,
                "best": best is not None and best.cell.index == entry.cell.index,
                "warnings": warnings.get(entry.cell.index, []),
                "figures": list(self._figures(entry)),
            }
            for number, (entry, (fidelity, quality)) in enumerate(known)
        ]
        axes = [", ".join(figures.label(o.metric) for o in side) for side in (self.goal.fidelity, self.goal.quality)]
        failed = len(scored) - len(known)
        return {"run": self.id, "x": axes[0], "y": axes[1], "points": points, "failed": failed, "finished": best is not None}

    def total_cells(self) -> int:
        """Cells of the grid."""
        return math.prod(self.sweep.shape)

    def _cell(self, cell: Cell) -> dict[str, Any]:
        entry = self.entries.get(cell.index)
        row = entry.rows[0] if entry and entry.rows else None
        state = "left" if self.ended else "running" if self.running == cell.index else "waiting"
        found: dict[str, Any] = {
            "index": cell.index,
            "place": [*self.sweep.position(cell), 0, 0][:3],
            "title": title(self.sweep, cell),
            "state": state if row is None else "failed" if row.error else "done",
            "error": row.error if row else "",
        }
        if entry and row and not row.error:
            found["images"] = {
                name: {
                    "thumb": viewer.file_data(entry.thumbs[name]),
                    "file": viewer.file_data(entry.live.pictures[name].path),
                    "width_px": entry.live.pictures[name].width_px,
                    "height_px": entry.live.pictures[name].height_px,
                }
                for name in BRANCHES
            }
            found["figures"] = {
                which: {name: row.value(which, name) for name in self._shown()}
                for which in ("enhanced", "baseline", table.CHANGE)
            }
        return found

    def _shown(self) -> list[str]:
        """Metrics of the heat-map."""
        return table.metrics_of(self.rows())

    def _figures(self, entry: Entry) -> Iterator[str]:
        """Means over the seeds, in words."""
        assert self.goal is not None
        for objective in (*self.goal.fidelity, *self.goal.quality):
            values = [row.value("enhanced", objective.metric) or 0.0 for row in entry.rows]
            yield f"{figures.label(objective.metric)} {sum(values) / len(values):.2f}"

    def _picture(self, entry: Entry, event: Image) -> None:
        entry.live.take(event)
        path = entry.live.pictures[event.which].path
        if max(event.image.shape[-2:]) > THUMB_PX:
            path = entry.live.folder.picture(_reduced(event.image), f"thumb-{event.which}")
        entry.thumbs[event.which] = path


def _reduced(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    factor = THUMB_PX / max(height, width)
    return resize(image, (max(round(height * factor), 1), max(round(width * factor), 1))).clamp(0, 1)
