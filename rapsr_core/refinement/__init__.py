"""RPR + ROPO: refine a prior on curated images while teaching it restoration identifiers."""

from typing import TYPE_CHECKING

from rapsr_core.lazily import attributes
from rapsr_core.refinement.facts import RefinementError

if TYPE_CHECKING:
    from rapsr_core.refinement.artifact import Refinement, load_refinement, no_refinement, save_full, save_refinement
    from rapsr_core.refinement.plugin import plugged_in

__all__ = [
    "Refinement",
    "RefinementError",
    "load_refinement",
    "no_refinement",
    "plugged_in",
    "save_full",
    "save_refinement",
]

__getattr__ = attributes(
    __name__,
    {"plugged_in": "plugin"}
    | dict.fromkeys(("Refinement", "load_refinement", "no_refinement", "save_full", "save_refinement"), "artifact"),
)
