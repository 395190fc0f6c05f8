"""Signals of processes that tests start."""

import signal


def heard() -> None:
    """`preexec_fn` of a process that is to hear Ctrl-C: a shell that starts pytest in its background ignores it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
