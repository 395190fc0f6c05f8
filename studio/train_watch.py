"""What the Train tab shows of the runs, read from their folders whenever it is asked. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from rapsr_core.jobs import Job, progress_of, tail
from rapsr_core.refinement.shelf import on_shelf
from studio import forms, train_jobs, train_view

LOG_LINES = 12
BUSY_S, IDLE_S = 2.0, 10.0
"""Seconds between two looks at the folders, while a run goes and while none does."""


@dataclass(frozen=True)
class Watched:
    """All that is shown of the runs. `run`: the one that is chosen; `sheet`: a file the page may have, `sheets`: how many come before and after."""

    run: str | None
    runs: tuple[tuple[str, str], ...]
    refinements: tuple[tuple[str, str], ...]
    every_s: float
    busy: str  # the run that goes on, "" = none
    may_stop: bool
    may_resume: bool
    may_open: bool
    progress: str = train_view.NO_RUNS
    curve: str = ""
    log: str = ""
    sheet: str | None = None
    sheet_told: str = ""
    sheets: tuple[int, int] = (0, 0)


def look(run: str | None, sheet: str = "") -> Watched:
    """The chosen run, or else the last one; `sheet`: name of an earlier sheet's file, "" = the newest."""
    jobs = train_jobs.runs().jobs()
    busy = next((job.name for job in jobs if job.state == "running"), "")
    chosen = next((job for job in jobs if job.name == run), jobs[0] if jobs else None)
    found: dict[str, Any] = {
        "runs": tuple((f"{job.name}: {train_view.state_of(job)}", job.name) for job in jobs),
        "refinements": forms.refinements(),
        "every_s": BUSY_S if busy else IDLE_S,
        "busy": busy,
    }
    if chosen is None:
        return Watched(None, **found, may_stop=False, may_resume=False, may_open=False)
    return Watched(
        chosen.name,
        **found,
        may_stop=chosen.state == "running" and not chosen.stopping,
        may_resume=chosen.state in ("stopped", "failed") and not busy,
        may_open=chosen.state == "finished" and on_shelf(chosen.name) is not None,
        **_of(chosen, sheet),
    )


def turned(run: str | None, sheet: str, by: int) -> str:
    """The sheet `by` places after the one that is shown; "" when that is the newest."""
    sheets = _sheets(train_jobs.runs().job(run)) if run else ()
    names = [path.name for path in sheets]
    place = max((names.index(sheet) if sheet in names else len(names) - 1) + by, 0)
    return names[place] if place < len(names) - 1 else ""


def _of(job: Job, sheet: str) -> dict[str, Any]:
    found = progress_of(job.folder)
    log = train_jobs.without_folders("\n".join(tail(job.log, LOG_LINES)))
    shown: dict[str, Any] = {
        "progress": train_jobs.without_folders(train_view.progress(job, found, on_shelf(job.name) is not None)),
        "curve": train_view.curve(found),
        "log": train_view.lines(log, f"The end of the log of {job.name}"),
    }
    if not found.sheets:
        return shown
    place = next((k for k, path in enumerate(found.sheets) if path.name == sheet), len(found.sheets) - 1)
    pair = (train_jobs.given(job, "--positive-identifier", "[X]. "), train_jobs.given(job, "--negative-identifier", "[V]. "))
    prior, count, path = train_jobs.given(job, "--prior", "embedded"), len(found.sheets), found.sheets[place]
    step = int(path.stem.removeprefix("sheet-"))
    return shown | {
        "sheet": save_file_to_cache(path, get_upload_folder()),
        "sheet_told": train_view.sheet(prior, pair, "--faults" in job.command.argv, place + 1, count, step),
        "sheets": (place, count - 1 - place),
    }


def _sheets(job: Job) -> tuple[Path, ...]:
    return progress_of(job.folder).sheets
