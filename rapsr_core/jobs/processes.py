"""Is a process still the one that was meant? A pid with its start time; Linux and macOS (psutil)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

SAME_START_S = 2.0
"""Starts this close are one: Linux counts them from a boot time that moves when the clock is set. Pids do not come round so soon."""
POLL_S = 0.05


@dataclass(frozen=True)
class Started:
    """A process: its pid, and when it started, in seconds since 1970."""

    pid: int
    time_s: float

    @property
    def alive(self) -> bool:
        """It runs, and is no other one under a pid that came round; one that ended and was not collected is not alive."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.time_s) < SAME_START_S and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def signal_group(group: int, number: signal.Signals) -> None:
    """Send to every process of a group that is known to be alive; one that ended just now is no error (on macOS: PermissionError)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_with_children(processes: tuple[Started, ...]) -> None:
    """SIGKILL to those alive and to all below them, also where a launcher (torchrun) gave its workers sessions of their own."""
    for process in processes:
        if process.alive:
            with suppress(psutil.NoSuchProcess):
                below = psutil.Process(process.pid)
                for each in (*below.children(recursive=True), below):
                    with suppress(psutil.NoSuchProcess):
                        each.kill()


def wait_ended(processes: tuple[Started, ...], seconds: float) -> bool:
    """Wait until none is alive, at most so long; whether it came to that."""
    until = time.monotonic() + seconds
    while any(process.alive for process in processes):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_S)
    return True
