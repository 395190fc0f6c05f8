"""Scoring a new pool from the page: `train.curate` as a job that outlives the studio (rapsr_core/jobs).

Pools are the folders in RAPSR_POOLS (pools/); a job writes into a folder of its own below RAPSR_CURATIONS, where the page finds it.
"""

from __future__ import annotations

import os
import sys
from html import escape
from pathlib import Path

from rapsr_core.jobs import Command, Job, JobError, Runs, tail

POOLS_VARIABLE, POOLS = "RAPSR_POOLS", "pools"
ROOT_VARIABLE, ROOT = "RAPSR_CURATIONS", "runs"
REPOSITORY = Path(__file__).parents[1]
LOG_LINES = 4
SAID = {
    "finished": "finished; choose it as the curation above",
    "stopped": "stopped; what is scored stays, “Score it” goes on with the rest",
}
"""What a state means here; the others stand for themselves."""


def root() -> Path:
    """The folder below which curations are found: RAPSR_CURATIONS, or runs/. No visitor chooses it."""
    return Path(os.environ.get(ROOT_VARIABLE, ROOT))


def pools() -> list[str]:
    """Names of the folders in RAPSR_POOLS, or pools/."""
    folder = Path(os.environ.get(POOLS_VARIABLE, POOLS))
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != ".") if folder.is_dir() else []


def start(name: str, pool: str | None) -> Job:
    """Score a pool that `pools` lists; the same name again resumes what was stopped. Raises JobError."""
    if pool not in pools():
        raise JobError("choose a pool; pools are the folders in RAPSR_POOLS (pools/)")
    runs = Runs(root())
    place = Path(os.environ.get(POOLS_VARIABLE, POOLS)).resolve() / pool
    command = Command(
        (sys.executable, "-m", "train.curate", str(place), str((root() / name).resolve()), "--no-dataset"), REPOSITORY
    )
    known = {job.name: job for job in runs.jobs()}
    if name in known and known[name].command == command:
        return known[name] if known[name].state == "running" else runs.resume(name)
    if (root() / name).exists():
        raise JobError(f"there is something named {name} already; take another name")
    return runs.start(name, command)


def stop(name: str) -> Job:
    """What is scored stays. Raises JobError."""
    return Runs(root()).stop(name)


def running() -> str | None:
    """Name of the job that runs, if one does; the last started where another studio has one too."""
    return next((job.name for job in Runs(root()).jobs() if job.state == "running"), None)


def told(name: str) -> tuple[str, bool]:
    """State and the end of the log as HTML, without the server's folders, and whether it runs. Raises JobError."""
    job, folder = Runs(root()).job(name), f"{root().resolve()}/"
    log = "".join(f"<div>{escape(line.replace(folder, ''))}</div>" for line in tail(job.log, LOG_LINES))
    state = "stopping" if job.stopping else SAID.get(job.state, job.state)
    return f'<p role="status"><b>{escape(job.name)}</b>: {state}</p><div class="log">{log}</div>', job.state == "running"
