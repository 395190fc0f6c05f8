"""What happens in the Prompt lab: a sweep or a search is checked as one, runs cell by cell, is exported, and a cell is opened in Compare."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.events import Prepared, Stage
from rapsr_core.ground_truth import METRICS_OF_REFERENCE, fitted
from rapsr_core.images import read, resize
from rapsr_core.quality.consistency import LR_PSNR
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe
from rapsr_core.sweep import figures, grid, table
from rapsr_core.sweep.axes import SweepError
from rapsr_core.sweep.definition import MAX_CELLS, Sweep, cells, title
from rapsr_core.sweep.objectives import Goal
from rapsr_core.sweep.order import cost_ordered, estimate
from rapsr_core.sweep.run import CellEnded, SweepCell, SweepEvent
from rapsr_core.sweep.run import run as run_cells
from rapsr_core.sweep.suggest import Budget, Suggestion, suggest
from studio import actions, lab_view, progress_view
from studio.lab_checks import MAX_SPACE, Asked, Job, checked, goal_of
from studio.lab_run import BRANCHES, LabRun
from studio.progress_view import STAGES, duration
from studio.results import RunFolder

SWEEP_KEY = "rapsr-sweep"
"""Keyword of the PNG text chunk that carries the sweep as JSON."""


@dataclass(frozen=True)
class LabShown:
    """What changes in the tab; None = stays."""

    run: LabRun | None = None
    progress: str | None = None
    grid: dict[str, Any] | None = None
    front: dict[str, Any] | None = None
    files: Mapping[str, Path] | None = None


def sweep(comparer: Comparer, asked: Asked) -> Iterator[LabShown]:
    """Every cell, in cost order. Closing the iterator cancels; what is in `LabRun` stays."""
    job = checked(comparer, asked)
    ordered = cost_ordered(cells(job.sweep))
    assert asked.photo is not None
    run = LabRun(asked.photo, asked.truth, job.sweep, table_metrics(asked.extra, asked.truth), len(ordered))
    yield LabShown(run, lab_view.bar("Waiting for the model", 0.0), run.grid_value(), files={})
    metrics = (*table_metrics(asked.extra, asked.truth), figures.GRID)
    with closing(run_cells(comparer, job.image, ordered, metrics, job.reference)) as events:
        for event in events:
            yield from _follow(run, event, estimate(ordered[run.done + 1 :], comparer, job.image).seconds)
    run.ended = True
    yield LabShown(progress=lab_view.finished(run.done, _failed(run)), grid=run.grid_value(), files=exported(run))


def search(comparer: Comparer, asked: Asked) -> Iterator[LabShown]:
    """Suggest: the budget spent on some cells, as suggest.py says. Closing the iterator cancels; what is in `LabRun` stays."""
    job, goal = checked(comparer, asked, MAX_SPACE), goal_of(asked)
    assert asked.photo is not None and asked.budget is not None
    run = LabRun(asked.photo, asked.truth, job.sweep, table_metrics(asked.extra, asked.truth), asked.budget, goal)
    yield LabShown(run, lab_view.bar("Waiting for the model", 0.0), run.grid_value(), run.front_value(), files={})
    with closing(_searching(comparer, job, goal, asked.budget)) as events:
        for event in events:
            if isinstance(event, Suggestion):
                run.suggestion = event
            else:
                yield from _follow(run, event, None)
    run.ended = True
    found = lab_view.suggested(run.suggestion)
    yield LabShown(progress=found, grid=run.grid_value(), front=run.front_value(), files=exported(run))


def opened(run: LabRun, index: int) -> tuple[Recipe, actions.Shown]:
    """A cell that is done, as Compare shows it. Raises SweepError for one that is not."""
    entry = run.entries.get(index)
    if entry is None or entry.finished is None or not entry.rows or entry.rows[0].error:
        raise SweepError("this cell has no pictures yet; wait until it is done")
    live, image = entry.live, read(run.photo)
    live.show_input(resize(image, (image.shape[-2] * SCALE, image.shape[-1] * SCALE)))
    if run.truth is not None:
        picture = live.pictures["enhanced"]
        live.show_truth(fitted(read(run.truth), (picture.height_px, picture.width_px)))
    scores = {which: {k: v for k, v in row.items() if k != LR_PSNR} for which, row in entry.rows[0].scores.items()}
    live.prompts = entry.finished.prompts
    live.take(replace(entry.finished, scores=scores))
    found = actions.Shown(
        status=escape(f"From the Prompt lab: {title(run.sweep, entry.cell)}"),
        progress=progress_view.render(live.progress),
        viewer=live.viewer_value(),
        scores=actions.score_table.render(live.scores, run.metrics),
        curve="",
        prompts=live.prompts_html(),
        crop_px=0,
        downloads=live.downloads,
        results=live.results(),
        export=live.export(),
    )
    return live.recipe, found


def exported(run: LabRun) -> dict[str, Path]:
    """Files of what is done: CSV, and of a grid that can be shown a PNG for each branch, with the sweep in it."""
    rows = run.rows()
    if not rows:
        return {}
    folder = RunFolder(run.photo)
    found = {"csv": folder.named("sweep.csv")}
    found["csv"].write_text(table.csv_text(run.sweep, rows), encoding="utf-8")
    if run.total_cells() <= MAX_CELLS:
        for branch in BRANCHES:
            found[branch] = folder.named(f"grid-{branch}.png")
            _sheet(run, branch).save(found[branch], pnginfo=_carrying(run.sweep), compress_level=4)
    return found


def stopped(run: LabRun | None) -> LabShown:
    """Stop was pressed: what there is stays, with its files."""
    if run is None:
        return LabShown(progress=lab_view.bar("Stopped", 0.0))
    if run.ended:
        return LabShown()
    run.ended = True
    text = f"Stopped: {run.done} of {run.total} comparisons are there"
    return LabShown(progress=lab_view.bar(text, run.done / run.total), grid=run.grid_value(), files=exported(run))


def _follow(run: LabRun, event: SweepEvent, rest_s: float | None) -> Iterator[LabShown]:
    """What an event changes. `rest_s`: of the cells after the one that runs."""
    if isinstance(event, CellEnded):
        run.end(event)
        yield LabShown(grid=run.grid_value(), front=run.front_value())
        return
    run.take(event)
    if isinstance(event.event, Prepared):
        yield LabShown(grid=run.grid_value(), progress=lab_view.bar(f"{_where(run, event)}: starting", run.done / run.total))
    elif isinstance(event.event, Stage):
        yield LabShown(progress=_progress(run, event, event.event, rest_s))


def _progress(run: LabRun, event: SweepCell, stage: Stage, rest_s: float | None) -> str:
    left, share = stage.seconds_left, 0.0
    if left is not None:
        share = stage.seconds / (stage.seconds + left) if stage.seconds + left else 0.0
        left = left + rest_s if rest_s is not None else None
    told = f", about {duration(left)} left" if left is not None else ""
    text = f"{_where(run, event)}: {STAGES[stage.stage].lower()}, step {stage.step} of {stage.steps}{told}"
    return lab_view.bar(text, (run.done + share) / run.total)


def _where(run: LabRun, event: SweepCell) -> str:
    return f"{run.done + 1} of {run.total}, {title(run.sweep, event.cell)}"


def _searching(comparer: Comparer, job: Job, goal: Goal, budget: int) -> Generator[SweepEvent | Suggestion, None, None]:
    return suggest(comparer, job.image, job.sweep, goal, Budget(comparisons=budget), job.reference)


def _failed(run: LabRun) -> int:
    return sum(bool(row.error) for row in run.rows())


def table_metrics(extra: Sequence[str], truth: str | None) -> tuple[str, ...]:
    """The live metrics, those chosen, and those that a ground truth allows; each once."""
    chosen = (*LIVE, *extra, *(METRICS_OF_REFERENCE if truth else ()))
    return tuple(name for name in dict.fromkeys(chosen) if name != figures.GRID)


def _sheet(run: LabRun, branch: str) -> Pillow.Image:
    """The sheets of a third axis one below the other."""
    pictures = {}
    for index, entry in run.entries.items():
        if branch in entry.live.downloads and entry.rows and not entry.rows[0].error:
            with Pillow.open(entry.live.downloads[branch]) as opened_file:
                pictures[index] = opened_file.convert("RGB")
    made = [sheet.image for sheet in grid.sheets(run.sweep, pictures, run.rows())]
    whole = Pillow.new("RGB", (max(image.width for image in made), sum(image.height for image in made)), grid.PAPER)
    top = 0
    for image in made:
        whole.paste(image, (0, top))
        top += image.height
    return whole


def _carrying(sweep: Sweep) -> PngInfo:
    chunks = PngInfo()
    chunks.add_itxt(SWEEP_KEY, json.dumps(sweep.to_json()))
    return chunks
