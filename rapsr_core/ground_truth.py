"""A comparison held against a ground truth: checked, brought to the output size, and its scores added to the run's own events."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from torch import Tensor

from rapsr_core.events import Event, Finished, Image, Scored
from rapsr_core.images import ImageError, resize
from rapsr_core.quality.scoring import Score, score
from rapsr_core.quality.table import METRICS

METRICS_OF_REFERENCE = tuple(name for name, row in METRICS.items() if row.needs_reference)
"""PSNR-Y, SSIM-Y, LPIPS."""


def fitted(truth: Tensor, size: tuple[int, int]) -> Tensor:
    """The ground truth (1, 3, H, W) at the output's (height, width): bicubic with antialiasing, as results are reduced.

    Its sides may differ from the output's proportions by what rounding explains, one pixel of the output.
    Raises ImageError that names both sizes: smaller than the output, or of other proportions.
    """
    (height, width), (full_height, full_width) = size, truth.shape[-2:]
    both = f"the ground truth is {full_width} x {full_height} px and the output {width} x {height} px"
    if full_height < height or full_width < width:
        raise ImageError(f"{both}; it must be at least as large: use a larger one, or a smaller output size")
    if abs(full_width * height / full_height - width) > 1 and abs(full_height * width / full_width - height) > 1:
        raise ImageError(f"{both}; the proportions must be the same: crop it to what the photograph shows")
    return resize(truth, size)


def referenced(events: Generator[Event, None, None], enlarged: Tensor, truth: Tensor) -> Generator[Event, None, None]:
    """The events of a comparison, `Scored` and `Finished` with PSNR-Y, SSIM-Y and LPIPS as well. Closing it closes `events`.

    Args:
        enlarged: the input after bicubic x4 at output size, which the input's scores are of; as `truth`, (1, 3, H, W) sRGB in [0, 1].
        truth: the ground truth at output size.
    """
    images: dict[str, Tensor] = {"input": enlarged}
    added: dict[str, dict[str, Score]] = {}
    try:
        for event in events:
            match event:
                case Image():
                    images[event.which] = event.image
                case Scored():
                    added[event.which] = score(images[event.which], METRICS_OF_REFERENCE, truth)
                    event = replace(event, scores=event.scores | added[event.which])
                case Finished():
                    event = replace(event, scores={which: rows | added[which] for which, rows in event.scores.items()})
            yield event
    finally:
        events.close()
