"""RPR + ROPO: refine a prior on curated images while teaching it restoration identifiers."""

from rapsr_core.refinement.artifact import (
    Refinement,
    RefinementError,
    load_refinement,
    no_refinement,
    save_full,
    save_refinement,
)
from rapsr_core.refinement.plugin import plugged_in

__all__ = ["Refinement", "RefinementError", "load_refinement", "no_refinement", "plugged_in", "save_full", "save_refinement"]
