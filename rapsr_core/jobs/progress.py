"""How far a training run is: what its folder says (rapsr_core/training/loop.py), and the end of its log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL_LINES = 12
_TAIL_BYTES = 16384


@dataclass(frozen=True)
class Progress:
    """A training run so far. `curve`: (step, loss) of every row with a loss; None = not yet known.

    `seconds_left`: the samples still to learn at the speed of the last row. `figures`: the other figures of the last row with a loss;
    `sheet_figures`: those of the last row that a sheet wrote (identifier_contrast).
    """

    step: int
    steps: int | None
    loss: float | None
    samples_per_s: float | None
    seconds_left: float | None
    curve: tuple[tuple[int, float], ...]
    figures: dict[str, float]
    sheet_figures: dict[str, float]
    sheets: tuple[Path, ...]  # the validation sheets, the newest last

    @property
    def sheet(self) -> Path | None:
        """The newest one."""
        return self.sheets[-1] if self.sheets else None


def progress_of(folder: Path) -> Progress:
    """Progress of a run's folder; of one that has not begun, step 0 and nothing else. A row that is being written is left out."""
    settings = _settings(folder / "settings.json")
    rows = list(_rows(folder / "progress.jsonl"))
    learned = [row for row in rows if "loss" in row]
    last = learned[-1] if learned else {}
    step = max((row["step"] for row in rows), default=0)
    speed, steps = last.get("samples_per_s"), settings.get("steps")
    left = (steps - step) * settings["batch_size"] / speed if speed and steps is not None else None
    drawn = [row for row in rows if "loss" not in row]
    return Progress(
        step,
        steps,
        last.get("loss"),
        speed,
        left,
        tuple((row["step"], row["loss"]) for row in learned),
        {name: value for name, value in last.items() if name not in ("step", "loss", "samples_per_s", "seconds")},
        {name: value for name, value in drawn[-1].items() if name != "step"} if drawn else {},
        tuple(sorted(folder.glob("sheet-*.png"))),
    )


def tail(path: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log that are not empty; of one that a progress bar wrote over itself, what it showed last."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - _TAIL_BYTES, 0))
        text = file.read().decode("utf-8", "replace")
    shown = (line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n"))
    return [line for line in shown if line][-lines:]


def _settings(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # not yet there, or being written this very moment
        return {}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines: the run may be writing, or writing anew, this very moment."""
    data = path.read_bytes() if path.is_file() else b""
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        yield json.loads(line)
