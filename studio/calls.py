"""What the calls of the API do that run the model (api_table.py): generators, so that a client that leaves frees the slot.

While it runs a call yields no files and {"progress": sentence}; a client that waits gets the last item. Raises KNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.events import Finished, Image, Prepared, Retried, Stage
from rapsr_core.ground_truth import fitted, referenced
from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.images import read, resize
from rapsr_core.quality.table import LIVE
from rapsr_core.sweep import figures
from rapsr_core.sweep.axes import SweepError
from rapsr_core.sweep.definition import Sweep, cells, title
from rapsr_core.sweep.order import cost_ordered
from rapsr_core.sweep.run import CellEnded, Row
from rapsr_core.sweep.run import run as run_cells
from studio import lab_actions, lab_checks
from studio.lab_run import LabRun
from studio.progress_view import message
from studio.results import RunFolder
from studio.score_table import GRID

KNOWN = lab_checks.KNOWN
"""Errors whose message is written for the user."""


def compare(
    comparer: Comparer, image: str, recipe: dict[str, Any], metrics: Sequence[str], truth: str | None
) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
    """Baseline PNG, enhanced PNG, report."""
    asked, lq, folder = recipe_from_json(recipe), read(image), RunFolder(image)
    run = comparer.compare(lq, asked, tuple(dict.fromkeys((*LIVE, *metrics, GRID))))
    if truth is not None:
        size = comparer.final_size(lq.shape[-2], lq.shape[-1], asked)
        enlarged = resize(lq, (lq.shape[-2] * SCALE, lq.shape[-1] * SCALE))
        run = referenced(run, resize(enlarged, size), fitted(read(truth), size))
    files: dict[str, str] = {}
    with closing(run) as events:
        for event in events:
            match event:
                case Prepared() | Retried():
                    asked = event.recipe
                    yield None, None, {"progress": "Starting"}
                case Stage():
                    yield None, None, {"progress": message(event.stage, event.step, event.steps, event.seconds_left)}
                case Image():
                    files[event.which] = str(folder.result(event.image, event.which, asked))
                case Finished():
                    yield files["baseline"], files["enhanced"], event.to_json()


def sweep(
    comparer: Comparer,
    image: str,
    axes: Sequence[dict[str, Any]],
    recipe: dict[str, Any],
    metrics: Sequence[str],
    truth: str | None,
) -> Iterator[tuple[str | None, str | None, str | None, dict[str, Any]]]:
    """Grid of enhanced results, grid of baselines, CSV, report."""
    job = lab_checks.job_of(comparer, sweep_of(axes, recipe), image, truth)
    shown, every = lab_actions.table_metrics(metrics, truth), cost_ordered(cells(job.sweep))
    run = LabRun(image, truth, job.sweep, shown, len(every))
    with closing(run_cells(comparer, job.image, every, (*shown, figures.GRID), job.reference)) as events:
        for event in events:
            if isinstance(event, CellEnded):
                run.end(event)
                continue
            run.take(event)
            if isinstance(event.event, Stage):
                stage = event.event
                where = f"{run.done + 1} of {run.total}, {title(job.sweep, event.cell)}"
                yield (
                    None,
                    None,
                    None,
                    {"progress": f"{where}: {message(stage.stage, stage.step, stage.steps, stage.seconds_left)}"},
                )
    run.ended = True
    files = {name: str(path) for name, path in lab_actions.exported(run).items()}
    named = [{"axis": axis.path, "values": list(axis.values)} for axis in job.sweep.axes]
    report = {"axes": named, "cells": [_told(job.sweep, row) for row in run.rows()]}
    yield files["enhanced"], files["baseline"], files["csv"], report


def sweep_of(axes: Sequence[dict[str, Any]], recipe: dict[str, Any]) -> Sweep:
    """The sweep of an API call, all checked but for the photograph. Raises SweepError, RecipeError.

    An axis names its field under "axis": Gradio's client takes every object with a "path" for a file.
    """
    for row in axes:
        if set(row) != {"axis", "values"}:
            raise SweepError(f"{row!r} is no axis; it must be an object with axis (a recipe field) and values (a list)")
    named = [{"path": row["axis"], "values": row["values"]} for row in axes]
    return lab_checks.allowed(Sweep.from_json({"recipe": recipe_from_json(recipe).to_json(), "axes": named}))


def _told(sweep: Sweep, row: Row) -> dict[str, Any]:
    scores = {which: {name: score.value for name, score in rows.items()} for which, rows in row.scores.items()}
    facts = {"cell": row.cell.index, "title": title(sweep, row.cell), "recipe": row.cell.recipe.to_json()}
    return {**facts, "scores": scores, "seconds": dict(row.seconds), "error": row.error}
