"""What stands between a review session and the page: tokens in place of ids, so that the page knows neither names nor rounds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from rapsr_core.curation.decisions import ReviewError
from rapsr_core.curation.review import Session
from rapsr_core.curation.thumbnails import jpeg_thumbnail
from rapsr_core.images import png_bytes, read

PAGE = 12
"""Pictures of the grid; fewer than `review.GAP`, so it never shows one twice."""

THUMBNAIL_PX = 640
MAX_REASON = 200

REASONS = (
    "soft or out of focus",
    "noise or grain",
    "compression",
    "text or watermark",
    "exposure or colour",
    "dull or cluttered",
    "not a photograph",
)
"""Why a picture is rejected, on the keys 1 to 7."""

SHOWN = ((0, b"\xff\xd8\xff", "image/jpeg"), (0, b"\x89PNG", "image/png"), (0, b"GIF8", "image/gif"), (0, b"BM", "image/bmp"),
         (8, b"WEBP", "image/webp"), (4, b"ftypavif", "image/avif"))  # fmt: skip
"""Formats that browsers show by themselves: where their first bytes are, these, and the type. The rest is sent as PNG."""


@dataclass(frozen=True)
class Content:
    """An answer's body and media type."""

    type: str
    body: bytes


class RequestError(ValueError):
    """A request that is refused. `status`: HTTP status code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Desk:
    """One reviewer's session over the photographs in `pool`; safe to call from several threads."""

    def __init__(self, session: Session, pool: Path) -> None:
        """Raises ReviewError when a picture of the session is not a file inside `pool`."""
        self._session, self._lock = session, Lock()
        root = pool.resolve()
        self._paths = {look.id: (root / look.id).resolve() for look in session.sequence}
        for name, path in self._paths.items():
            if not path.is_relative_to(root) or not path.is_file():
                raise ReviewError(f"{name!r} is no file in {pool}; ids are paths inside the pool")
        self._looks = {secrets.token_urlsafe(12): look for look in session.sequence}
        self._tokens = {look: token for token, look in self._looks.items()}
        self._thumbnail = lru_cache(maxsize=8 * PAGE)(lambda path: jpeg_thumbnail(path.read_bytes(), THUMBNAIL_PX))

    def state(self) -> dict[str, Any]:
        """What the page shows, after reading the file again. `queue`: tokens of the next pictures."""
        with self._lock:
            self._session.reload()
            return self._state()

    def decide(self, tokens: Any, verdict: Any, seconds: Any, reason: Any) -> dict[str, Any]:
        """One verdict about one or more pictures; the new state. Raises RequestError for anything unexpected."""
        if not isinstance(tokens, list) or not tokens or len(set(map(str, tokens))) != len(tokens):
            raise RequestError(400, "tokens must be a list of different tokens")
        looks = [self._look(token) for token in tokens]
        if verdict not in ("accept", "reject"):
            raise RequestError(400, f"verdict is {verdict!r}; it must be accept or reject")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e6:
            raise RequestError(400, f"seconds is {seconds!r}; it must be a number from 0")
        if not isinstance(reason, str) or len(reason) > MAX_REASON:
            raise RequestError(400, f"reason must be text of at most {MAX_REASON} characters")
        with self._lock:
            self._session.decide(looks, verdict, float(seconds), reason)
            return self._state()

    def undo(self) -> dict[str, Any]:
        """Take back the last action; the new state, with what is shown again in `again`."""
        with self._lock:
            again = self._session.undo()
            return self._state() | {"again": [self._tokens[look] for look in again]}

    def picture(self, token: str) -> Content:
        """The very file, or a PNG of it where browsers cannot show its format. Raises ImageError for a damaged one."""
        data = self._path(token).read_bytes()
        for start, magic, kind in SHOWN:
            if data[start : start + len(magic)] == magic:
                return Content(kind, data)
        return Content("image/png", png_bytes(read(data)))

    def thumbnail(self, token: str) -> Content:
        """A JPEG for the grid. Raises ImageError for a damaged file."""
        return Content("image/jpeg", self._thumbnail(self._path(token)))

    def _state(self) -> dict[str, Any]:
        progress = self._session.progress
        torn = len(self._session.torn)
        return {
            "reviewer": self._session.reviewer,
            "done": progress.done,
            "total": progress.total,
            "accepted": progress.accepted,
            "rejected": progress.rejected,
            "queue": [self._tokens[look] for look in self._session.pending(PAGE)],
            "reasons": REASONS,
            "notice": f"{torn} line{'s' if torn > 1 else ''} of the file cut off by a crash and left out." if torn else "",
        }

    def _look(self, token: Any) -> Any:
        if not isinstance(token, str) or token not in self._looks:
            raise RequestError(410, "this page is of an earlier start of the review; reload it")
        return self._looks[token]

    def _path(self, token: str) -> Path:
        return self._paths[self._look(token).id]
