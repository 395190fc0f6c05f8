"""How far a scoring run is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rapsr_core.curation.shard import Count


@dataclass(frozen=True)
class Progress:
    """`done` of `total` images have a row, `errors` of them with an error. Speed and time left are of this run; None = not yet known."""

    done: int
    total: int
    errors: int
    images_per_s: float | None
    seconds_left: float | None


Report = Callable[[Progress], None]


class Tally:
    """Rows of each shard -> Progress, told to `report`."""

    def __init__(self, total: int, there: Mapping[int, Count], report: Report) -> None:
        self._counts, self._total, self._report = dict(there), total, report
        self._done = self._before = sum(count.images for count in there.values())
        self._errors = sum(count.errors for count in there.values())
        self._began = time.perf_counter()

    def set(self, number: int, count: Count) -> None:
        """The shard has these rows now."""
        was = self._counts.get(number, Count(0, 0))
        self._counts[number] = count
        self._done += count.images - was.images
        self._errors += count.errors - was.errors
        self.tell()

    def tell(self) -> None:
        """Report what is known."""
        fresh = self._done - self._before
        speed = fresh / (time.perf_counter() - self._began) if fresh else None
        left = (self._total - self._done) / speed if speed else None
        self._report(Progress(self._done, self._total, self._errors, speed, left))
