"""A CSV file that grows by a row when a piece of work is finished: a run that is killed loses at most the row under way.

No cell holds a line break.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path


def number(value: float | None) -> str:
    """A cell: six significant digits, empty for what was not measured."""
    return "" if value is None else f"{value:.6g}"


def append(path: Path, rows: Iterable[Sequence[str]], header: Sequence[str] | None = None) -> None:
    """Add rows in one write; the header first when the file is new. Creates the file."""
    first = [header] if header and not (path.is_file() and path.stat().st_size) else []
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([*first, *rows])
    with path.open("a", newline="", encoding="utf-8") as file:
        file.write(buffer.getvalue())


def read(path: Path) -> list[list[str]]:
    """Rows so far, the header among them; [] without a file. A last line without its end is cut off the file, so that rows can be added."""
    if not path.is_file():
        return []
    found = path.read_bytes()
    whole = found[: found.rfind(b"\n") + 1]
    if whole != found:
        path.write_bytes(whole)
    return list(csv.reader(io.StringIO(whole.decode("utf-8"))))
