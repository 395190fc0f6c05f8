"""The process above a job: it starts the command, waits, and writes how it ended. `python -I runner.py FOLDER`; it
imports nothing of ours.

It leaves whoever started it (fork, new session), so that a job survives the studio and its terminal, and nobody has to collect it.
Its own handlers for SIGINT and SIGTERM do nothing: they are sent to the whole group, and meant for the command, which exec gives the
default ones back, even where a shell in the background had them ignored.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

JOB, PROCESS, EXIT = "job.json", "process.json", "exit.json"


def main(folder: Path) -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    with Path(job["log"]).open("ab") as log:
        try:
            process = subprocess.Popen(
                job["argv"],
                cwd=job["cwd"],
                env={**os.environ, **job["environment"]},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            log.write(f"{error}\n".encode())
            write(folder / EXIT, {"code": 127, "time": time.time()})
            return
    pids = (os.getpid(), process.pid)  # a pid alone may come round
    write(folder / PROCESS, {"processes": [{"pid": pid, "time_s": psutil.Process(pid).create_time()} for pid in pids]})
    write(folder / EXIT, {"code": process.wait(), "time": time.time()})


def write(path: Path, values: dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(values) + "\n", encoding="utf-8")
    os.replace(temporary, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
