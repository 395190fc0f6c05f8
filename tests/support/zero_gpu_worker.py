"""The real wrapper of the package `spaces` for generators: its fork, queues, threads and stop event. Only what speaks to Hugging Face's scheduler
and to the GPU is left out: a GPU is granted at once, and the worker finds nothing to initialise.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

from rapsr_core.away import Task


@contextmanager
def granted(asked: list[float]) -> Iterator[Callable[[Task], Task]]:
    """Gives the decorator. `asked`: where the seconds go that each call asks for.

    `spaces` keeps its workers for the next call. They are forks, and hold open what this process had open, as the pipe by whose end the
    browser's driver learns that it is done: they are ended here.
    """
    from spaces.zero import client, wrappers

    others = set(multiprocessing.active_children())

    def schedule(task_id, request, duration, gpu_size):
        asked.append(duration.total_seconds())
        return SimpleNamespace(allowToken="token", nvidiaIndex=0, nvidiaUUID="uuid", idle=True)

    with (
        mock.patch.object(client, "schedule", schedule),
        mock.patch.object(client, "release", return_value=None),
        mock.patch.object(client, "get_duration_seconds", lambda duration, size: duration.seconds),
        mock.patch.object(wrappers, "worker_init", return_value=None),
        mock.patch.object(wrappers.torch, "enter_mode", return_value=None),
    ):
        try:
            yield lambda task: decorated(task, wrappers)
        finally:
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
                process.join()


def decorated(task: Task, wrappers) -> Task:
    return wrappers.generator_function_wrapper(task, lambda errand, seconds: round(seconds), None)
