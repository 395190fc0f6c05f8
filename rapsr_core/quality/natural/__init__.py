"""NIQE, BRISQUE, PIQE and IL-NIQE from one set of shared features.

After the papers, MATLAB's piqe and the Apache-2.0 port of IL-NIQE (IceClear/IL-NIQE). Where those and pyiqa differ the numbers are
pyiqa's, the field's reference; each module says where. No result depends on a number of
threads: two engines must write the same manifest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torch import Tensor

from rapsr_core.quality.natural.brisque import brisque
from rapsr_core.quality.natural.features import Features, NaturalError
from rapsr_core.quality.natural.ilniqe import ilniqe
from rapsr_core.quality.natural.niqe import niqe
from rapsr_core.quality.natural.piqe import piqe

NATURAL: dict[str, Callable[[Features], float]] = {"niqe": niqe, "brisque": brisque, "piqe": piqe, "ilniqe": ilniqe}
"""Metric by name: a finite score of shared features, or NaturalError."""


def natural_scores(image: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Scores by name (see NATURAL) of one image, (1, 3, H, W) sRGB in [0, 1], e.g. `natural_scores(picture.view, ("niqe", "piqe"))`.

    Raises NaturalError when one of them is undefined for this image; for the others, call NATURAL with one `Features(image)`.
    """
    features = Features(image)
    return {name: natural_score(features, name) for name in names}


def natural_score(features: Features, name: str) -> float:
    """One finite score, or NaturalError."""
    value = NATURAL[name](features)
    if not math.isfinite(value):
        raise NaturalError(f"{name} is undefined here ({value}): the image is flat")
    return value


__all__ = ["NATURAL", "Features", "NaturalError", "natural_score", "natural_scores"]
