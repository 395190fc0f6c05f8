"""Cells one after the other, as a stream: what the comparison tells, then the cell with its figures. Closing it cancels."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from torch import Tensor

from rapsr_core.captions import caption
from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.events import Event, Finished, Image
from rapsr_core.images import resize
from rapsr_core.quality.scoring import Score
from rapsr_core.quality.table import LIVE
from rapsr_core.sweep import figures
from rapsr_core.sweep.definition import Cell
from rapsr_core.sweep.order import Estimate, cost_ordered, estimate

Scores = Mapping[str, Mapping[str, Score]]
"""input | baseline | enhanced -> metric -> score."""


@dataclass(frozen=True)
class Row:
    """A cell that ended. With an `error` there are no scores and no seconds. `seconds`: as `Finished.seconds`."""

    cell: Cell
    scores: Scores = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""

    def value(self, which: str, metric: str) -> float | None:
        """A figure, or None where there is none; `which` may be "change": enhanced - baseline."""
        if which == "change":
            baseline, enhanced = self.value("baseline", metric), self.value("enhanced", metric)
            return None if baseline is None or enhanced is None else enhanced - baseline
        score = self.scores.get(which, {}).get(metric)
        return None if score is None else score.value


@dataclass(frozen=True)
class SweepCell:
    """The comparison of a cell told something."""

    index: int
    cell: Cell
    event: Event


@dataclass(frozen=True)
class CellEnded:
    """A cell is done, or failed with `row.error`. `images`: baseline and enhanced, (1, 3, H, W) sRGB in [0, 1]; none of a failed one."""

    row: Row
    images: Mapping[str, Tensor]
    done: int
    total: int
    left: Estimate  # of the cells still to come


SweepEvent = SweepCell | CellEnded


def run(
    comparer: Comparer,
    image: Tensor,
    cells: Sequence[Cell],
    metrics: Sequence[str] = (*LIVE, figures.GRID),
    reference: Tensor | None = None,
) -> Generator[SweepEvent, None, None]:
    """Compare (1, 3, H, W) sRGB in [0, 1] by every cell's recipe, in cost order. LR-PSNR (area) is added to `metrics`.

    `reference`: the ground truth at x4, for those of `metrics` that need it. A caption that is to be written is written once. A cell
    that raises ends with its reason, whatever it is, and the rest goes on. Closing the iterator cancels at the next step.
    """
    ordered = cost_ordered(_captioned(cells, image))
    for done, cell in enumerate(ordered, 1):
        images: dict[str, Tensor] = {}
        try:
            row = yield from _compared(comparer, image, cell, metrics, reference, images)
        except Exception as error:  # one cell of hours of work
            row, images = Row(cell, error=_reason(error)), {}
        yield CellEnded(row, images, done, len(ordered), estimate(ordered[done:], comparer, image))


def _reason(error: Exception) -> str:
    """Messages of ValueError and OSError are written for the user; of others the type says more."""
    return str(error) if isinstance(error, (ValueError, OSError)) and str(error) else f"{type(error).__name__}: {error}"


def _captioned(cells: Sequence[Cell], image: Tensor) -> list[Cell]:
    if all(cell.recipe.caption is not None for cell in cells):
        return list(cells)
    written = caption(image)
    return [
        replace(cell, recipe=replace(cell.recipe, caption=written)) if cell.recipe.caption is None else cell for cell in cells
    ]


def _compared(
    comparer: Comparer,
    image: Tensor,
    cell: Cell,
    metrics: Sequence[str],
    reference: Tensor | None,
    images: dict[str, Tensor],
) -> Generator[SweepEvent, None, Row]:
    """One comparison; fills `images`."""
    free = [name for name in metrics if not figures.needs_reference(name)]
    with closing(comparer.compare(image, cell.recipe, free)) as events:
        for event in events:
            if isinstance(event, Image):
                images[event.which] = event.image
            elif isinstance(event, Finished):
                finished = event
            yield SweepCell(cell.index, cell, event)
    size = (image.shape[-2] * SCALE, image.shape[-1] * SCALE)
    shown = {"input": resize(resize(image, size), images["enhanced"].shape[-2:]), **images}
    scores = {
        which: {**finished.scores[which], **figures.referred(picture, image, metrics, reference)}
        for which, picture in shown.items()
    }
    return Row(cell, scores, finished.seconds)
