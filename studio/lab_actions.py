"""What happens in the Prompt lab: a sweep or a search is checked as one, runs cell by cell, is exported, and a cell is opened in Compare."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.events import Prepared, Stage
from rapsr_core.ground_truth import METRICS_OF_REFERENCE, fitted
from rapsr_core.images import ImageError, read, resize
from rapsr_core.quality.consistency import LR_PSNR
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.sweep import definition, figures, grid, table
from rapsr_core.sweep.axes import AXES, Axis, SweepError, parse_axis
from rapsr_core.sweep.definition import MAX_CELLS, Cell, Sweep, cells, title
from rapsr_core.sweep.objectives import Goal, default_goal
from rapsr_core.sweep.order import cost_ordered, estimate
from rapsr_core.sweep.run import CellEnded, SweepCell, SweepEvent
from rapsr_core.sweep.run import run as run_cells
from rapsr_core.sweep.suggest import Budget, Suggestion, suggest
from studio import actions, forms, lab_view, progress_view
from studio.checks import NO_PHOTO, check_recipe
from studio.lab_run import BRANCHES, LabRun
from studio.progress_view import STAGES, duration
from studio.results import RunFolder

KNOWN = (*actions.KNOWN, SweepError)
MAX_SECONDS = 3600.0
"""Longest sweep or search that is started; it holds the one slot that computes."""
MAX_SPACE = 2000
"""Most settings that a search chooses from."""
SWEEP_KEY = "rapsr-sweep"
"""Keyword of the PNG text chunk that carries the sweep as JSON."""


@dataclass(frozen=True)
class Asked:
    """What the tab's controls say. `axes`: (path or "", text of the values); `values`: of Compare's controls, for all that is not swept."""

    photo: str | None
    truth: str | None
    axes: tuple[tuple[str, str], ...]
    extra: tuple[str, ...]
    quality: tuple[str, ...]
    share: float
    budget: int | None
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """Checked: what runs, on what. `reference`: the ground truth at output size."""

    sweep: Sweep
    image: Tensor
    reference: Tensor | None


@dataclass(frozen=True)
class LabShown:
    """What changes in the tab; None = stays."""

    run: LabRun | None = None
    progress: str | None = None
    grid: dict[str, Any] | None = None
    front: dict[str, Any] | None = None
    files: Mapping[str, Path] | None = None


def space(asked: Asked, limit: int) -> Sweep:
    """The sweep of the controls. Raises SweepError with all that is wrong with its axes, RecipeError for Compare's controls."""
    found: list[Axis] = []
    problems: list[str] = []
    for path, text in asked.axes:
        if path:
            try:
                found.append(parse_axis(path, text))
            except SweepError as error:
                problems += error.problems
    if problems:
        raise SweepError(*problems)
    if not found:
        raise SweepError("no axis is chosen yet: choose what changes along the columns")
    sweep = Sweep(forms.recipe_of(asked.values), tuple(found), limit)
    if refused := _refused(sweep):
        raise SweepError(*refused)
    return sweep


def checked(comparer: Comparer, asked: Asked, limit: int = MAX_CELLS) -> Job:
    """All of it, against the photograph too. Raises SweepError, RecipeError, ImageError."""
    sweep = space(asked, limit)
    if asked.photo is None:
        raise ImageError(NO_PHOTO)
    image = read(asked.photo)
    definition.check(sweep, comparer, image)
    return Job(sweep, image, _reference(comparer, asked.truth, sweep, image))


def plan(comparer: Comparer, asked: Asked) -> str:
    """What would run and how long it takes, or what is wrong, as HTML."""
    try:
        sweep = space(asked, MAX_SPACE)
        if asked.photo is None:
            return lab_view.plan(sweep.shape, None, None, MAX_CELLS)
        job = checked(comparer, asked, MAX_SPACE)
    except SweepError as error:
        return lab_view.problems(error.problems)
    except KNOWN as error:
        return lab_view.problems([str(error)])
    swept = estimate(cost_ordered(cells(sweep)), comparer, job.image) if math.prod(sweep.shape) <= MAX_CELLS else None
    searched = None if asked.budget is None else (asked.budget, _search_seconds(comparer, job, asked.budget))
    return lab_view.plan(sweep.shape, swept, searched, MAX_CELLS)


def problems(comparer: Comparer, asked: Asked, searching: bool) -> dict[str, str]:
    """What keeps a sweep, or a search, from starting: name of a control of the tab -> message."""
    try:
        job = checked(comparer, asked, MAX_SPACE if searching else MAX_CELLS)
        if searching:
            _goal(asked)
    except SweepError as error:
        return _by_axis(asked, error.problems)
    except RecipeError as error:
        return {"photo": f"Among the settings of Compare: {error}"}
    except ImageError as error:
        return {"truth" if "ground truth" in str(error) else "photo": str(error)}
    return _search_problems(comparer, job, asked) if searching else _long(_sweep_seconds(comparer, job), "values0")


def sweep(comparer: Comparer, asked: Asked) -> Iterator[LabShown]:
    """Every cell, in cost order. Closing the iterator cancels; what is in `LabRun` stays."""
    job = checked(comparer, asked)
    ordered = cost_ordered(cells(job.sweep))
    assert asked.photo is not None
    run = LabRun(asked.photo, asked.truth, job.sweep, _table_metrics(asked), len(ordered))
    yield LabShown(run, lab_view.bar("Waiting for the model", 0.0), run.grid_value(), files={})
    metrics = (*_table_metrics(asked), figures.GRID)
    with closing(run_cells(comparer, job.image, ordered, metrics, job.reference)) as events:
        for event in events:
            yield from _follow(run, event, estimate(ordered[run.done + 1 :], comparer, job.image).seconds)
    run.ended = True
    yield LabShown(progress=lab_view.finished(run.done, _failed(run)), grid=run.grid_value(), files=exported(run))


def search(comparer: Comparer, asked: Asked) -> Iterator[LabShown]:
    """Suggest: the budget spent on some cells, as suggest.py says. Closing the iterator cancels; what is in `LabRun` stays."""
    job, goal = checked(comparer, asked, MAX_SPACE), _goal(asked)
    assert asked.photo is not None and asked.budget is not None
    run = LabRun(asked.photo, asked.truth, job.sweep, _table_metrics(asked), asked.budget, goal)
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


def _table_metrics(asked: Asked) -> tuple[str, ...]:
    chosen = (*LIVE, *asked.extra, *(METRICS_OF_REFERENCE if asked.truth else ()))
    return tuple(name for name in dict.fromkeys(chosen) if name != figures.GRID)


def _goal(asked: Asked) -> Goal:
    return default_goal(asked.truth is not None, asked.quality, asked.share)


def _reference(comparer: Comparer, truth: str | None, sweep: Sweep, image: Tensor) -> Tensor | None:
    """Raises ImageError when it does not fit, or the cells have several sizes."""
    if truth is None:
        return None
    height, width = image.shape[-2:]
    sizes = {comparer.final_size(height, width, cell.recipe) for cell in cells(sweep)}
    if len(sizes) > 1:
        raise ImageError("the ground truth needs results of one size; leave it out, or do not sweep the output scale")
    return fitted(read(truth), sizes.pop())


def _refused(sweep: Sweep) -> list[str]:
    """Hosts and refinements that cannot run here, or that a visitor may not name; each once."""
    found: dict[tuple[str, str], Cell] = {}
    for cell in cells(sweep):
        found.setdefault((cell.recipe.host, cell.recipe.enhanced.refinement), cell)
    said = []
    for cell in found.values():
        try:
            check_recipe(cell.recipe)
        except RecipeError as error:
            said.append(f"{title(sweep, cell)}: {error}")
    return said


def _by_axis(asked: Asked, said: tuple[str, ...]) -> dict[str, str]:
    """Problems at the axis whose name they begin with; others at the first axis."""
    found: dict[str, list[str]] = {}
    labels = {f"values{number}": AXES[path].label for number, (path, _) in enumerate(asked.axes) if path in AXES}
    for problem in said:
        place = next((name for name, label in labels.items() if problem.startswith(label)), "values0")
        found.setdefault("quality" if "goal needs" in problem else place, []).append(problem)
    return {name: "; ".join(several) for name, several in found.items()}


def _search_problems(comparer: Comparer, job: Job, asked: Asked) -> dict[str, str]:
    for number, (path, _) in enumerate(asked.axes):
        if path == "seed":
            return {
                f"values{number}": "Seed cannot be searched: a search draws its own seeds, from Compare's on. Choose another axis"
            }
    if asked.budget is None or asked.budget < 1:
        return {"budget": "the budget is empty; enter a number of comparisons from 1 on"}
    return _long(_search_seconds(comparer, job, asked.budget), "budget")


def _long(seconds: float, control: str) -> dict[str, str]:
    if seconds <= MAX_SECONDS:
        return {}
    limit = duration(MAX_SECONDS)
    return {
        control: f"this would take about {duration(seconds)} here, over the limit of {limit}; take fewer values, steps or pixels"
    }


def _sweep_seconds(comparer: Comparer, job: Job) -> float:
    return estimate(cost_ordered(cells(job.sweep)), comparer, job.image).seconds


def _search_seconds(comparer: Comparer, job: Job, budget: int) -> float:
    """Of the mean cell, `budget` times."""
    every = cells(job.sweep)
    return budget * sum(estimate([cell], comparer, job.image).seconds for cell in every) / len(every)


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
