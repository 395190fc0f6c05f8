"""What needs no prior, scored as results are: bicubic enlargement and each cleaner alone. The points a host is held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rapsr_core import csv_rows
from rapsr_core.cleaners import CLEANERS, clean
from rapsr_core.evaluation.pairs import EvaluationError, Pair, load
from rapsr_core.images import read, save_png
from rapsr_core.quality.scoring import score

Scores = dict[str, float | None]
LABELS = {"none": "bicubic", "real-esrgan": "Real-ESRGAN"}


def check_restorers(names: Sequence[str]) -> None:
    """Raises EvaluationError for a name that is no cleaner."""
    if unknown := [name for name in names if name not in CLEANERS]:
        raise EvaluationError(f"no cleaner named {unknown[0]!r}; there are {', '.join(CLEANERS)}")


def restore(pairs: Sequence[Pair], name: str, metrics: Sequence[str], out: Path) -> Iterator[tuple[str, Scores]]:
    """(image, scores) of every pair enlarged by a cleaner, as PNG and scores.csv in `out`; what is there is not repeated.

    Pairs have an LQ. Reference metrics need an HQ. Raises EvaluationError when `out` was scored by other metrics.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, header = out / "scores.csv", ["image", *metrics]
    done = _load(path, header)
    for pair in pairs:
        if pair.name not in done:
            lq, reference = load(pair, "rapsr", 0)
            image = read(save_png(clean(lq, name).clamp(0, 1), out / f"{pair.name}.png"))
            done[pair.name] = {metric: row.value for metric, row in score(image, metrics, reference).items()}
            csv_rows.append(path, [[pair.name, *(csv_rows.number(done[pair.name][metric]) for metric in metrics)]], header)
        yield pair.name, done[pair.name]


def _load(path: Path, header: Sequence[str]) -> dict[str, Scores]:
    """Rows so far."""
    first, *rows = csv_rows.read(path) or [list(header)]
    if first != list(header):
        raise EvaluationError(f"{path} has the columns {', '.join(first)}, asked are {', '.join(header)}; give another --out")
    return {cells[0]: {m: float(c) if c else None for m, c in zip(header[1:], cells[1:], strict=True)} for cells in rows}
