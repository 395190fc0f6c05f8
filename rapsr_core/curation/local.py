"""--engine local: shards on a pool of processes of this machine.

Not concurrent.futures, whose pool is lost with one worker: here a worker that dies is replaced, and its shard goes on after the image
that killed it (`shard.ATTEMPTS`).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from rapsr_core.curation.columns import Stage
from rapsr_core.curation.progress import Tally
from rapsr_core.curation.scoring import build
from rapsr_core.curation.shard import ONE_THREAD, Count, Shard, journal_path, one_thread, score_shard

PRELOADED = ["torch", "rapsr_core.curation.shard"]
"""Imported once in the fork server, which runs no code of theirs, so that a worker (and the one that takes its place) starts in no time."""


class EngineError(RuntimeError):
    """Scoring cannot go on; what was scored is kept, and the same call resumes."""


@dataclass(frozen=True)
class Local:
    """`workers`: processes, one thread each. Each builds the stages once (memory: the models, and one decoded image)."""

    workers: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"{self.workers} workers; give at least 1")


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    shard: Shard | None = None
    journal_bytes: int = 0  # of the shard's journal when the worker got it


def score_locally(shards: Sequence[Shard], stages: Sequence[Stage], out: Path, options: Local, run: str, tally: Tally) -> None:
    """Score the shards whose parts are not there. Any end (Ctrl-C, kill -9) leaves a state that the same call resumes.

    Raises EngineError when a stage cannot be built, or a worker dies for a reason that is no image.
    """
    waiting = deque(shards)
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.shard for worker in workers):
            while waiting and len(workers) < options.workers:
                workers.append(_hired(stages, out, run))
            for worker in workers:
                if worker.shard is None and waiting:
                    _hand(worker, waiting.popleft(), out)
            for pipe in connection.wait([worker.pipe for worker in workers]):
                worker = next(w for w in workers if w.pipe is pipe)
                if not _heard(worker, tally):
                    workers.remove(worker)
                    _bury(worker, out, waiting)
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()


def _hired(stages: Sequence[Stage], out: Path, run: str) -> _Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, tuple(stages), out, run), daemon=True)
    with _environment(ONE_THREAD):
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _hand(worker: _Worker, shard: Shard, out: Path) -> None:
    journal = journal_path(out, shard.number)
    worker.shard, worker.journal_bytes = shard, journal.stat().st_size if journal.is_file() else 0
    with _closed_pipes_are_heard_later():
        worker.pipe.send(shard)


def _heard(worker: _Worker, tally: Tally) -> bool:
    """Take in one message; False when the worker is gone."""
    try:
        message = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        return False
    if isinstance(message, str):
        raise EngineError(f"a worker cannot go on:\n{message}")
    number, count, finished = message
    tally.set(number, count)
    if finished:
        worker.shard = None
    return True


def _bury(worker: _Worker, out: Path, waiting: deque[Shard]) -> None:
    """The shard of a dead worker goes to the front of the queue, if an image can have been the cause."""
    worker.process.join()
    worker.pipe.close()
    if worker.shard is None:
        return
    journal = journal_path(out, worker.shard.number)
    if not journal.is_file() or journal.stat().st_size <= worker.journal_bytes:
        raise EngineError(
            f"a worker ended with exit code {worker.process.exitcode} before it measured an image: see its output, and memory"
        )
    waiting.appendleft(worker.shard)


def _work(pipe: Connection, stages: tuple[Stage, ...], out: Path, run: str) -> None:
    """A worker's life: build the stages, then shards until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    one_thread()
    try:
        measures = build(stages)
        while True:
            shard: Shard = pipe.recv()

            def tell(count: Count, number: int = shard.number) -> None:
                pipe.send((number, count, False))

            pipe.send((shard.number, score_shard(shard, out, measures, run, tell), True))
    except (EOFError, BrokenPipeError):
        return
    except Exception:
        pipe.send(traceback.format_exc())


def _end_with_parent() -> None:
    """A parent killed by -9 cannot end its workers; a worker that lived on would score what the next run scores again."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set for the fork server, started with the first worker: it must be there when numpy and torch are imported."""
    was = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    yield
    for name, value in was.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@contextmanager
def _closed_pipes_are_heard_later() -> Iterator[None]:
    """A worker that died before it got its shard is found by the next recv."""
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        return
