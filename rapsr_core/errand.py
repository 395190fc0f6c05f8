"""What crosses between this process and one that computes for it (away.py). Only bytes do: tensors are written out by torch.save, wherever they
lie, and read onto the processor.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rapsr_core.kept import Baseline
from rapsr_core.recipe import Recipe


@dataclass(frozen=True)
class Errand:
    """What a comparison needs that the other process may not have, or not any more."""

    image: Tensor
    recipe: Recipe  # with its caption, unless the host writes it
    metrics: tuple[str, ...]
    speeds: Mapping[str, float]
    kept: Baseline | None


@dataclass(frozen=True)
class Learned:
    """Speeds measured, and a baseline to keep with the recipe that made it."""

    speeds: Mapping[str, float]
    recipe: Recipe | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True)
class Raised:
    """The comparison ended in an error."""

    error: Exception


def packed(value: Any) -> bytes:
    """Any of the above, or an event. An error that cannot cross becomes a RuntimeError that says the same."""
    buffer = io.BytesIO()
    try:
        torch.save(value, buffer)
    except Exception:
        if not isinstance(value, Raised):
            raise
        return packed(Raised(RuntimeError(f"{type(value.error).__name__}: {value.error}")))
    return buffer.getvalue()


def unpacked(data: bytes) -> Any:
    """The value, its tensors on the processor. Of this program's own processes only: it may run code."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
