"""Quality metrics: what each is, its direction, range and cost; scoring."""

from rapsr_core.quality.grid import grid_energy
from rapsr_core.quality.scoring import Score, lower_better, score
from rapsr_core.quality.table import LIVE, METRICS, Metric

__all__ = ["LIVE", "METRICS", "Metric", "Score", "grid_energy", "lower_better", "score"]
