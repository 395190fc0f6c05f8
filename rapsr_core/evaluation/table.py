"""scores.csv: one row an image, appended when the image is finished, so that a killed run loses at most the one under
way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rapsr_core import csv_rows

WHICH = ("input", "baseline", "enhanced")
BRANCHES = ("baseline", "enhanced")


@dataclass(frozen=True)
class Row:
    """Scores of one image: (metric, which) -> value, None where it could not be computed (`notes` says why). Branch
    -> seconds.
    """

    image: str
    scores: dict[tuple[str, str], float | None]
    seconds: dict[str, float]
    notes: str = ""


def header(metrics: Sequence[str]) -> list[str]:
    scores = [f"{metric}_{which}" for metric in metrics for which in WHICH]
    return ["image", *scores, *(f"seconds_{branch}" for branch in BRANCHES), "notes"]


def append(path: Path, row: Row, metrics: Sequence[str]) -> None:
    """Add a row in one write; the header first when the file is new."""
    values = [row.scores[metric, which] for metric in metrics for which in WHICH]
    cells = map(csv_rows.number, values)
    times = [f"{row.seconds[branch]:.2f}" for branch in BRANCHES]
    csv_rows.append(path, [[row.image, *cells, *times, row.notes]], header(metrics))


def load(path: Path, metrics: Sequence[str]) -> list[Row]:
    """Rows so far, [] without a file. A last line without its end (the run was killed while writing) is cut off the
    file.
    """
    columns, *rows = csv_rows.read(path) or [[]]
    return [_row(dict(zip(columns, cells, strict=True)), metrics) for cells in rows]


def _row(cells: dict[str, str], metrics: Sequence[str]) -> Row:
    keys = [(metric, which) for metric in metrics for which in WHICH]
    texts = {key: cells[f"{key[0]}_{key[1]}"] for key in keys}
    return Row(
        cells["image"],
        {key: float(text) if text else None for key, text in texts.items()},
        {branch: float(cells[f"seconds_{branch}"]) for branch in BRANCHES},
        cells["notes"],
    )
