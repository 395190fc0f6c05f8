"""What a job is, and in which state: read from its folder, never from memory, so that a studio started anew knows as much."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rapsr_core.jobs.processes import Started
from rapsr_core.jobs.progress import tail
from rapsr_core.jobs.runner import EXIT, JOB, PROCESS

STOP, LOG = "stop.json", "log.txt"
"""Beside the files of runner.py: when a stop was asked for; what the command printed."""
State = Literal["running", "stopped", "finished", "failed"]
INTERRUPTED = (130, 143, -signal.SIGINT, -signal.SIGTERM)
"""Exit codes of what ended by SIGINT or SIGTERM: by itself (128 + number), or by the signal (negative, as subprocess tells)."""


class JobError(RuntimeError):
    """A job that cannot be started, stopped or resumed; the message says why and what to do."""


@dataclass(frozen=True)
class Command:
    """What to run. `environment` is added to that of the studio and kept in a file: no secrets. `progress`: the folder in which a
    training run writes progress.jsonl, settings.json and sheets."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    progress: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **asdict(self),
            "argv": list(self.argv),
            "cwd": str(self.cwd),
            "environment": dict(self.environment),
            "progress": self.progress and str(self.progress),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Command:
        """From `to_json`."""
        where = values["progress"]
        return cls(tuple(values["argv"]), Path(values["cwd"]), values["environment"], None if where is None else Path(where))


@dataclass(frozen=True)
class Job:
    """A job as it stood when it was read. Times in seconds since 1970.

    running: its process is alive. finished: it ended with 0. stopped: by SIGINT or SIGTERM, or otherwise after a stop was asked for.
    failed: anything else; `reason` has the exit code, and the last lines of the log.
    """

    name: str
    folder: Path
    command: Command
    state: State
    started_s: float  # the last time it was started
    ended_s: float | None  # None: it runs, or its runner was killed
    stopping: bool  # asked to stop, and still running
    reason: str = ""

    @property
    def log(self) -> Path:
        """What it printed; a resumed job goes on in the same file."""
        return self.folder / LOG


def read_job(folder: Path) -> Job:
    """The job of a folder. Raises JobError when there is none."""
    if not (folder / JOB).is_file():
        raise JobError(f"there is no job in {folder}; it would have a {JOB}")
    about = json.loads((folder / JOB).read_text(encoding="utf-8"))
    asked = (folder / STOP).is_file()
    alive = any(process.alive for process in processes_of(folder))
    ended = json.loads((folder / EXIT).read_text(encoding="utf-8")) if (folder / EXIT).is_file() else None
    state: State
    if ended is None and alive:
        state, reason = "running", ""
    elif ended is None and asked:
        state, reason = "stopped", ""
    elif ended is None:
        state, reason = (
            "failed",
            _with_log(folder, "it ended without a word: killed (out of memory?), or the machine was restarted"),
        )
    else:
        state, reason = _ending(folder, ended["code"], asked)
    return Job(
        name=folder.name,
        folder=folder,
        command=Command.from_json(about),
        state=state,
        started_s=about["started_s"],
        ended_s=ended and ended["time"],
        stopping=asked and state == "running",
        reason=reason,
    )


def processes_of(folder: Path) -> tuple[Started, ...]:
    """The job's runner and command, as they were started last."""
    path = folder / PROCESS
    if not path.is_file():
        return ()
    return tuple(Started(**row) for row in json.loads(path.read_text(encoding="utf-8"))["processes"])


def _ending(folder: Path, code: int, asked: bool) -> tuple[State, str]:
    if code == 0:
        return "finished", ""
    if asked or code in INTERRUPTED:
        return "stopped", ""
    how = f"exit code {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"
    return "failed", _with_log(folder, how)


def _with_log(folder: Path, how: str) -> str:
    lines = tail(folder / LOG)
    return "\n".join([f"{how}; the end of its log:" if lines else f"{how}; it printed nothing", *lines])
