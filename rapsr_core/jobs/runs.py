"""A folder of jobs: start, list, stop, resume."""

from __future__ import annotations

import fcntl
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rapsr_core.jobs import runner
from rapsr_core.jobs.job import LOG, STOP, Command, Job, JobError, processes_of, read_job
from rapsr_core.jobs.processes import POLL_S, kill_with_children, signal_group, wait_ended
from rapsr_core.jobs.progress import Progress, progress_of
from rapsr_core.jobs.runner import EXIT, JOB, PROCESS

START_S = 30.0
"""Longest wait for a job's process to be there."""
GRACE_S = 60.0
"""Seconds from SIGINT to SIGTERM; from SIGTERM to SIGKILL a sixth of them. A training run ends after its present step."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Runs:
    """Jobs below one folder, a folder each. Several processes may use it at once; nothing is kept in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def jobs(self) -> list[Job]:
        """All jobs, the last started first."""
        found = [read_job(path.parent) for path in self.folder.glob(f"*/{JOB}")]
        return sorted(found, key=lambda job: job.started_s, reverse=True)

    def job(self, name: str) -> Job:
        """One job. Raises JobError when there is none of this name."""
        return read_job(self._folder(name))

    def start(self, name: str, command: Command, alone: bool = True) -> Job:
        """Run a command as a new job; returns when its process is there. `alone`: only while no other job of the folder runs.

        Raises JobError: the name is taken or no file name, or another job runs.
        """
        folder = self._folder(name)
        with self._lock():
            if (folder / JOB).exists():
                raise JobError(f"there is a job named {name} already; resume it, or take another name")
            self._check_alone(name, alone)
            folder.mkdir(parents=True, exist_ok=True)
            return _run(folder, command)

    def resume(self, name: str, alone: bool = True) -> Job:
        """Run the same command again (a training command has --resume in it: it goes on from its checkpoint, or begins).

        Raises JobError for a job that runs or has finished, or when another job runs.
        """
        with self._lock():
            job = self.job(name)
            if job.state in ("running", "finished"):
                raise JobError(f"job {name} is {job.state}; only one that was stopped or failed is resumed")
            self._check_alone(name, alone)
            return _run(job.folder, job.command)

    def stop(self, name: str, grace_s: float = GRACE_S) -> Job:
        """End a job: SIGINT to its process group, SIGTERM after `grace_s`, SIGKILL to all below it after a sixth of that; waits for it.

        Of a job that does not run nothing is done. What a training run has learned is in its checkpoint after SIGINT.
        """
        job = self.job(name)
        if job.state != "running":
            return job
        runner.write(job.folder / STOP, {"time": time.time()})
        processes = processes_of(job.folder)
        for number, seconds in ((signal.SIGINT, grace_s), (signal.SIGTERM, grace_s / 6)):
            if any(process.alive for process in processes):
                signal_group(processes[0].pid, number)
            if wait_ended(processes, seconds):
                return self.job(name)
        kill_with_children(processes[1:])  # the runner ends by itself, and says how
        wait_ended(processes, START_S)
        return self.job(name)

    def watch(self, name: str, every_s: float = 1.0) -> Iterator[tuple[Job, Progress]]:
        """The job and its training progress whenever either changed, at the end once more; ends with the job. Closing it stops nothing.

        Raises JobError when there is no such job, or its command has no progress folder.
        """
        before = None
        while True:
            job = self.job(name)
            if job.command.progress is None:
                raise JobError(f"job {name} writes no progress that is known; see its log, {job.log}")
            now = (job, progress_of(job.command.progress))
            if now != before:
                yield now
            if job.state != "running":
                return
            before = now
            time.sleep(every_s)

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise JobError(f"{name!r} is no job's name; take letters, digits, dots, hyphens and underscores, at most 80")
        return self.folder / name

    def _check_alone(self, name: str, alone: bool) -> None:
        if alone and (others := [job.name for job in self.jobs() if job.state == "running" and job.name != name]):
            raise JobError(f"job {others[0]} is running; stop it first, or wait until it has ended")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time looks whether it may start, and starts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _run(folder: Path, command: Command) -> Job:
    """Start the runner and wait until the command is there, or has ended already."""
    for name in (PROCESS, STOP, EXIT):
        (folder / name).unlink(missing_ok=True)
    runner.write(folder / JOB, {**command.to_json(), "log": str((folder / LOG).resolve()), "started_s": time.time()})
    with (folder / LOG).open("ab") as log:
        above = [sys.executable, "-I", runner.__file__, str(folder.resolve())]
        subprocess.run(above, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    until = time.monotonic() + START_S
    while not ((folder / PROCESS).is_file() or (folder / EXIT).is_file()):
        if time.monotonic() >= until:
            raise JobError(f"the job's process did not start within {START_S:.0f} s; see {folder / LOG}")
        time.sleep(POLL_S)
    return read_job(folder)
