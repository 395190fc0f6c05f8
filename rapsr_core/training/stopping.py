"""Ctrl-C as a request: what runs ends after its present step, and keeps what it has."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """`asked` becomes True at the first SIGINT."""

    asked = False


@contextmanager
def stop_on_interrupt() -> Iterator[Stop]:
    """Inside the block the first SIGINT (Ctrl-C) only sets `asked`; the second one interrupts as ever. Restored at the end.

    Where SIGINT is ignored (a job in the background of a shell) it stays so. Python handles signals in its main thread alone; in
    another one nothing is changed.
    """
    stop = Stop()
    was = signal.getsignal(signal.SIGINT)
    if was == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, was)

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, was)
