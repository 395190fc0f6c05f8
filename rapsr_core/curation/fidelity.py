"""Stage 2: fidelity. Classical measures of the whole picture, and no-reference metrics of its central crop.

Thresholds: train.plant, photographs of eight packages, seeds 1 and 11 (`tests/bench/planted.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor

from rapsr_core.curation import fidelity_measures as measures
from rapsr_core.curation.columns import Column, Row, Rule
from rapsr_core.curation.picture import Picture
from rapsr_core.quality.table import METRICS

NATURAL = ("niqe", "brisque", "piqe", "ilniqe")

CLASSICAL = (
    Column("sharpness", "Sharpness", "number", "high", "dB",
           "Fine over coarse detail in the sharpest tenth of the picture, in the direction that has least; -6 is usual, blur is lower.",
           "fidelity_measures.sharpness; threshold calibrated"),
    Column("noise", "Noise", "number", "low", "levels",
           "Standard deviation in the flattest tenth of the blocks, in grey levels of 255.",
           "fidelity_measures.noise, after Immerkaer 1996; threshold calibrated"),
    Column("blockiness", "Blockiness", "number", "low", "levels",
           "Steps on an 8-px grid, at any offset, over those beside it: JPEG, also when saved again as something else.",
           "fidelity_measures.blockiness, after Muijs & Kirenko 2005; threshold calibrated"),
    Column("clipped_dark", "Black pixels", "number", "low", "share", "Share with luma <= 2: underexposed.", "threshold by eye"),
    Column("clipped_bright", "White pixels", "number", "low", "share", "Share with luma >= 253: overexposed.", "threshold by eye"),
)  # fmt: skip

COLUMNS = (
    *CLASSICAL,
    *(Column(name, METRICS[name].label, "number", "low", "", METRICS[name].help, METRICS[name].source) for name in NATURAL),
)

RULES = (
    Rule("sharpness", low=-12.0),
    Rule("noise", high=3.0),
    Rule("blockiness", high=1.6),
    Rule("clipped_dark", high=0.6),
    Rule("clipped_bright", high=0.6),
)


def natural_scores(view: Tensor, names: Iterable[str] = NATURAL) -> dict[str, float | None]:
    """No-reference metrics of (1, 3, h, w) in [0, 1]; None for one that cannot be computed there."""
    from rapsr_core.quality.scoring import score

    return {name: found.value for name, found in score(view, names).items()}


def classical(picture: Picture) -> Row:
    """The columns of CLASSICAL. Raises ImageError."""
    luma = picture.luma
    dark, bright = measures.clipped(luma)
    return {
        "sharpness": measures.sharpness(luma),
        "noise": measures.noise(luma),
        "blockiness": measures.blockiness(luma),
        "clipped_dark": dark,
        "clipped_bright": bright,
    }


def build() -> Callable[[Picture], Row]:
    """Measures every column of the stage. The returned function raises ImageError for data that is no usable image."""
    return lambda picture: {**classical(picture), **natural_scores(picture.view)}
