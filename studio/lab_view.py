"""What the Prompt lab says, as HTML: plan, progress, outcome. All text is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from studio.progress_view import duration

if TYPE_CHECKING:
    from rapsr_core.sweep.order import Estimate
    from rapsr_core.sweep.suggest import Suggestion


def plan(shape: Sequence[int], swept: Estimate | None, searched: tuple[int, float] | None, most: int) -> str:
    """Cells and time of a sweep, then of a search (comparisons, seconds). `swept` None: no photograph yet, or more than `most` cells."""
    count = math.prod(shape)
    cells = f"{' × '.join(map(str, shape))} = {count} cells" if len(shape) > 1 else f"{count} cell{'s' if count > 1 else ''}"
    if count > most:
        lines = [f"{cells}: more than the {most} that a sweep runs. Suggest tries some of them."]
    elif swept is None:
        lines = [f"{cells}. Open a photograph for the time."]
    else:
        lines = [f"{cells}, about {duration(swept.seconds)}{'' if swept.measured else ' (this machine is not measured yet)'}."]
    if searched is not None:
        number, seconds = searched
        lines.append(f"Suggest: at most {number} comparisons, about {duration(seconds)}.")
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def problems(said: Sequence[str]) -> str:
    """What is wrong, one line each."""
    return '<div class="problem" role="alert">' + "".join(f"<p>{escape(line)}</p>" for line in said) + "</div>"


def bar(message: str, fraction: float) -> str:
    """Progress bar and a line that screen readers announce. `fraction` in [0, 1]."""
    percent = round(100 * min(max(fraction, 0), 1))
    return (
        '<div class="progress"><div class="track" role="progressbar" aria-label="Sweep" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div class="fill" style="width: {percent}%"></div></div>'
        f'<div class="below"><span class="message" role="status">{escape(message)}</span></div></div>'
    )


def finished(done: int, failed: int) -> str:
    """The end of a sweep."""
    return bar(f"Finished: {done} cells" + (f", {failed} of them failed" if failed else ""), 1.0)


def suggested(suggestion: Suggestion | None) -> str:
    """The end of a search."""
    if suggestion is None or suggestion.best is None:
        return bar("Finished: no setting could be scored; the cells say why", 1.0)
    return bar(f"Finished: {suggestion.comparisons} comparisons of {len(suggestion.candidates)} settings", 1.0)


READY = bar("Ready", 0.0)
