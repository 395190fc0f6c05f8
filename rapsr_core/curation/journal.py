"""The rows of a shard under way, as append-only JSON lines, so that a kill at any moment loses none.

Lines: {"start": id, "run": run} before an image, {"row": ..., "seconds": ...} after it. A start of this run without a row is a worker that
died; of another run, one that was stopped.
"""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from pathlib import Path
from types import TracebackType

from rapsr_core.curation.scoring import Scored


class Journal:
    """Open by one process at a time (flock): another waits until the one that has it ends. One write for each line."""

    def __init__(self, path: Path, run: str) -> None:
        self.path, self.run = path, run
        self.scored: dict[str, Scored] = {}
        self._starts: Counter[str] = Counter()

    def __enter__(self) -> Journal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        lines, whole = whole_lines(self.path)
        self._file.truncate(whole)
        for line in lines:
            if "row" in line:
                self.scored[line["row"]["id"]] = Scored(line["row"], line["seconds"])
            elif line["run"] == self.run:
                self._starts[line["start"]] += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def deaths(self, name: str) -> int:
        """How many workers of this run died while they measured the image."""
        return 0 if name in self.scored else self._starts[name]

    def start(self, name: str) -> None:
        """The image is about to be measured."""
        self._write({"start": name, "run": self.run})

    def add(self, scored: Scored) -> None:
        """The image was measured."""
        self.scored[str(scored.row["id"])] = scored
        self._write({"row": scored.row, "seconds": scored.seconds})

    def _write(self, line: dict[str, object]) -> None:
        self._file.write((json.dumps(line) + "\n").encode())
        self._file.flush()


def whole_lines(path: Path) -> tuple[list[dict], int]:
    """The lines of a journal, and the bytes they take; a last line without its end was being written, and is no line."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    return [json.loads(line) for line in data[:whole].splitlines()], whole
