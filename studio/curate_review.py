"""Review desks started from the page, each a server of its own on 127.0.0.1 (studio/review)."""

from __future__ import annotations

from http.server import ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.curate_actions import Selected


class Desks:
    """The desks that are open, one for each curation and reviewer."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], ThreadingHTTPServer] = {}
        self._lock = Lock()

    def open(self, selected: Selected, reviewer: str) -> str:
        """Address of a desk over what is kept now; the same reviewer's desk before it is closed, its decisions are in the file.

        Raises ReviewError: a name that cannot be one, nothing to review, or pictures that are no files of this machine.
        """
        from rapsr_core.curation.decisions import ReviewError
        from rapsr_core.curation.opening import REVIEWS
        from rapsr_core.curation.review import Session
        from studio.review.desk import Desk
        from studio.review.server import HOST, build

        pool = selected.curation.pool
        if pool is None:
            raise ReviewError(
                "the pictures of this curation are no files in one folder of this machine; review them where they are"
            )
        desk = Desk(Session(selected.curation.folder / REVIEWS, selected.selection.kept, reviewer), pool)
        server = build(desk, 0)
        with self._lock:
            before = self._open.pop((selected.curation.name, reviewer), None)
            self._open[selected.curation.name, reviewer] = server
        if before is not None:
            before.shutdown()
            before.server_close()
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://{HOST}:{server.server_port}"
