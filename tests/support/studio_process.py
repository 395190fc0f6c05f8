"""The real studio as a process of its own: `python app.py`, or the same page over other assets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OFFLINE = ROOT / "tests/browser/offline"
START_S = 60
TINY = "tests/support/tiny_studio.py"
"""A command; it takes an assets folder."""


@dataclass(frozen=True)
class Studio:
    """The running studio."""

    url: str
    cache: Path  # Gradio's folder of uploads and results
    log: Path  # what it printed
    attempts: Path  # the network it asked for; absent when it asked for none
    process: subprocess.Popen[bytes]


@contextmanager
def studio(folder: Path, environment: Mapping[str, str] | None = None, command: Sequence[str] = ("app.py",)) -> Iterator[Studio]:
    """Started in `folder`'s cache with no way to the network, served until the block ends. Raises RuntimeError with what it printed.

    `environment`: over this process's and the folders below `folder`; `command`: a Python file with its arguments.
    """
    port = free_port()
    cache, log, attempts = folder / "cache", folder / "log.txt", folder / "attempts.txt"
    own = {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(cache),
        "RAPSR_WEIGHTS": str(folder / "weights"),
        "RAPSR_REFINEMENTS": str(folder / "refinements"),
        "RAPSR_VOTES": str(folder / "votes"),
        "RAPSR_CURATIONS": str(folder / "curations"),
        "RAPSR_TRAININGS": str(folder / "trainings"),
        "RAPSR_POOLS": str(folder / "pools"),
        "PYTHONPATH": f"{OFFLINE}:{ROOT}",
        "OFFLINE_LOG": str(attempts),
    }
    with log.open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env={**os.environ, **own, **(environment or {})}, stdout=printed, stderr=subprocess.STDOUT
        )  # fmt: skip
        found = Studio(f"http://127.0.0.1:{port}", cache, log, attempts, process)
        try:
            _wait(found)
            yield found
        finally:
            process.terminate()
            process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(found: Studio) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(found.url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if found.process.poll() is not None:
                break
            time.sleep(0.2)
    raise RuntimeError(f"the studio served no page within {START_S} s; it printed:\n{found.log.read_text()[-4000:]}")
