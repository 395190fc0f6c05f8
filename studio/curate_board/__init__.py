"""Histograms of a curation's measures with thresholds that can be dragged: one gr.HTML of board.html, board.css and board.js.

Its value is plain data; labels reach the page as text. A change raises the event `rules` with `seq` and all rules as they are now.
The browser sends the next change when the answer to the last one is there, so nothing piles up and the last one counts. (Gradio's
trigger_mode="always_last" would repeat the data of an earlier event.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio import html_files


@dataclass(frozen=True)
class Measure:
    """One histogram. `pool`, `kept`: images in each bar; the end bars hold what is beyond. `bound`: the threshold that `best` came to."""

    column: str
    label: str
    unit: str
    help: str
    better: str  # "low", "high" or "neither"
    edges: tuple[float, ...]
    pool: tuple[int, ...]
    kept: tuple[int, ...]
    missing: int
    whole: bool  # whole numbers only
    low: float | None
    high: float | None
    best: float | None  # share, in (0, 1]
    bound: float | None


def component(elem_id: str) -> gr.HTML:
    """The board, empty."""
    return html_files.component(Path(__file__).parent, "board", elem_id)


def value(opened: str, seq: int, measures: Sequence[Measure]) -> dict[str, Any]:
    """Value of the component.

    Args:
        opened: changes when the rules come from elsewhere than the board: another curation, a reset, a file.
        seq: that of the event it answers, 0 at first.
    """
    return {"opened": opened, "seq": seq, "measures": [asdict(measure) for measure in measures]}
