"""Which visitors' pages have a comparison under way. Stop waits for its end, which comes after a network pass: until then the browser drops what
is asked of the same event, so "Stopped" has to mean that Compare works again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Running:
    """Sessions with something under way, each as often as it has."""

    def __init__(self) -> None:
        self._changed, self._sessions = threading.Condition(), Counter[str]()

    @contextmanager
    def of(self, session: str) -> Iterator[None]:
        """Within, the session has one more."""
        self._add(session, 1)
        try:
            yield
        finally:
            self._add(session, -1)

    def ended(self, session: str, most_s: float) -> bool:
        """Wait until the session has none, for at most so long; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._sessions[session] == 0, most_s)

    def _add(self, session: str, n: int) -> None:
        with self._changed:
            self._sessions[session] += n
            if not self._sessions[session]:
                del self._sessions[session]
            self._changed.notify_all()
