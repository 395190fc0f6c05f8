"""What the Prompt lab's controls ask for, checked as one before anything runs, with its time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rapsr_core.comparison import Comparer
from rapsr_core.ground_truth import fitted
from rapsr_core.images import ImageError, read
from rapsr_core.recipe import RecipeError
from rapsr_core.sweep import definition
from rapsr_core.sweep.axes import AXES, Axis, SweepError, parse_axis
from rapsr_core.sweep.definition import MAX_CELLS, Cell, Sweep, cells, title
from rapsr_core.sweep.objectives import Goal, default_goal
from rapsr_core.sweep.order import cost_ordered, estimate
from studio import actions, forms, lab_view
from studio.checks import NO_PHOTO, check_recipe
from studio.progress_view import duration

KNOWN = (*actions.KNOWN, SweepError)
MAX_SECONDS = 3600.0
"""Longest sweep or search that is started; it holds the one slot that computes."""
MAX_SPACE = 2000
"""Most settings that a search chooses from."""


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
    return allowed(Sweep(forms.recipe_of(asked.values), tuple(found), limit))


def allowed(sweep: Sweep) -> Sweep:
    """`sweep`, if every host and refinement in it can run here and a visitor may name it. Raises SweepError."""
    if refused := _refused(sweep):
        raise SweepError(*refused)
    return sweep


def checked(comparer: Comparer, asked: Asked, limit: int = MAX_CELLS) -> Job:
    """All of it, against the photograph too. Raises SweepError, RecipeError, ImageError."""
    return job_of(comparer, space(asked, limit), asked.photo, asked.truth)


def job_of(comparer: Comparer, sweep: Sweep, photo: str | None, truth: str | None) -> Job:
    """A sweep against its photograph and ground truth. Raises SweepError, ImageError."""
    if photo is None:
        raise ImageError(NO_PHOTO)
    image = read(photo)
    definition.check(sweep, comparer, image)
    return Job(sweep, image, _reference(comparer, truth, sweep, image))


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
            goal_of(asked)
    except SweepError as error:
        return _by_axis(asked, error.problems)
    except RecipeError as error:
        return {"photo": f"Among the settings of Compare: {error}"}
    except ImageError as error:
        return {"truth" if "ground truth" in str(error) else "photo": str(error)}
    return _search_problems(comparer, job, asked) if searching else _long(sweep_seconds(comparer, job), "values0")


def goal_of(asked: Asked) -> Goal:
    """What a search looks for. Raises SweepError."""
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


def too_long(seconds: float) -> str:
    """The refusal of what would take so long, or ""."""
    if seconds <= MAX_SECONDS:
        return ""
    limit = duration(MAX_SECONDS)
    return f"this would take about {duration(seconds)} here, over the limit of {limit}; take fewer values, steps or pixels"


def _long(seconds: float, control: str) -> dict[str, str]:
    problem = too_long(seconds)
    return {control: problem} if problem else {}


def sweep_seconds(comparer: Comparer, job: Job) -> float:
    """Of all its cells."""
    return estimate(cost_ordered(cells(job.sweep)), comparer, job.image).seconds


def _search_seconds(comparer: Comparer, job: Job, budget: int) -> float:
    """Of the mean cell, `budget` times."""
    every = cells(job.sweep)
    return budget * sum(estimate([cell], comparer, job.image).seconds for cell in every) / len(every)
