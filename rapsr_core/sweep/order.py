"""In which order cells cost least, and how long they take together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from torch import Tensor

from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.kept import shared_part
from rapsr_core.speeds import FIRST_GUESS
from rapsr_core.sweep.definition import Cell


@dataclass(frozen=True)
class Estimate:
    """Time of several comparisons. `measured`: every speed behind it was measured on this machine; otherwise a first guess is in it."""

    seconds: float
    measured: bool


def cost_ordered(cells: Sequence[Cell]) -> list[Cell]:
    """Cells so that hosts change least often, then baselines, then refinements; otherwise as given.

    A host that changes is loaded again; a baseline is kept while only the enhanced part of the recipe changes (kept.py), so its
    cells stand together; a refinement that changes is loaded once, and stays.
    """
    keys = [(cell.recipe.host, repr(shared_part(cell.recipe)), cell.recipe.enhanced.refinement) for cell in cells]
    ranks = [_first_seen(column) for column in zip(*keys, strict=True)]
    order = sorted(range(len(cells)), key=lambda i: [rank[part] for rank, part in zip(ranks, keys[i], strict=True)])
    return [cells[i] for i in order]


def estimate(ordered: Sequence[Cell], comparer: Comparer, image: Tensor) -> Estimate:
    """Time of cells one after the other on (1, 3, H, W), with the live metrics; a baseline counts once where its cells stand together."""
    megapixels = image.shape[-2] * image.shape[-1] * SCALE**2 / 1e6
    total, measured, before = 0.0, True, None
    for cell in ordered:
        key = repr(shared_part(cell.recipe))
        own = comparer.speeds.seconds(cell.recipe, megapixels, baseline=key != before)
        guess = FIRST_GUESS.seconds(cell.recipe, megapixels, baseline=key != before)
        assert guess is not None
        total += guess if own is None else own
        measured, before = measured and own is not None, key
    return Estimate(total, measured)


def _first_seen(column: Sequence[Hashable]) -> dict[Hashable, int]:
    return {value: rank for rank, value in enumerate(dict.fromkeys(column))}
