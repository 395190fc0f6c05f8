"""Quality metrics: what each is, its direction, range and cost; scoring."""

from typing import TYPE_CHECKING

from rapsr_core.lazily import attributes
from rapsr_core.quality.table import LIVE, METRICS, Metric, lower_better

if TYPE_CHECKING:
    from rapsr_core.quality.grid import grid_energy
    from rapsr_core.quality.scoring import Score, score

__all__ = ["LIVE", "METRICS", "Metric", "Score", "grid_energy", "lower_better", "score"]

__getattr__ = attributes(__name__, {"grid_energy": "grid", "Score": "scoring", "score": "scoring"})
