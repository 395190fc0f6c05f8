"""What a table of scores says: means, the share of images improved, and an interval of the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rapsr_core.evaluation.table import BRANCHES, WHICH, Row
from rapsr_core.quality.table import METRICS, lower_better

RESAMPLES = 10_000


def summarise(rows: Sequence[Row], metrics: Sequence[str]) -> dict[str, Any]:
    """The content of summary.json; every number is a mean over images.

    metrics.<name>: lower_better; input, baseline, enhanced; improved_share, the share of images on which enhanced is
    better than baseline (a tie is not); interval, the 95 % interval of the mean of enhanced - baseline; scored, the
    number of images behind them (one that failed on any of the three is left out). Values are null when there is
    none.
    """
    return {
        "images": len(rows),
        "metrics": {metric: _metric(rows, metric) for metric in metrics},
        "seconds": {branch: _mean([row.seconds[branch] for row in rows]) for branch in BRANCHES},
    }


def paired_interval(differences: Sequence[float]) -> list[float] | None:
    """95 % percentile bootstrap interval of the mean of paired differences; None for fewer than two.

    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3: 10 000 resamples of the images, fixed
    seed.
    """
    if len(differences) < 2:
        return None
    values = np.asarray(differences, dtype=np.float64)
    draws = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return [float(low), float(high)]


def markdown(summary: dict[str, Any]) -> str:
    """The summary as a Markdown table, as README shows it. The better branch is bold."""
    lines = ["| score | input | baseline | enhanced | difference (95 %) | improved |", "|---|---:|---:|---:|---:|---:|"]
    lines += [_line(name, values) for name, values in summary["metrics"].items()]
    return "\n".join(lines)


def _metric(rows: Sequence[Row], metric: str) -> dict[str, Any]:
    lower = lower_better(metric)
    triples = [[row.scores[metric, which] for which in WHICH] for row in rows]
    scored = [[v for v in values if v is not None] for values in triples if None not in values]
    gains = [enhanced - baseline for _, baseline, enhanced in scored]
    return {
        "lower_better": lower,
        **{which: _mean([values[i] for values in scored]) for i, which in enumerate(WHICH)},
        "improved_share": _mean([float(gain < 0 if lower else gain > 0) for gain in gains]),
        "interval": paired_interval(gains),
        "scored": len(scored),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _line(name: str, values: dict[str, Any]) -> str:
    label = f"{METRICS[name].label if name in METRICS else name} {'↓' if values['lower_better'] else '↑'}"
    if not values["scored"]:
        return f"| {label} | not computed | | | | |"
    baseline, enhanced = values["baseline"], values["enhanced"]
    cells = {which: f"{values[which]:.3f}" for which in WHICH}
    if baseline != enhanced:
        best = "enhanced" if (enhanced < baseline) == values["lower_better"] else "baseline"
        cells[best] = f"**{cells[best]}**"
    span = f" [{values['interval'][0]:+.3f}, {values['interval'][1]:+.3f}]" if values["interval"] else ""
    change = f"{enhanced - baseline:+.3f}{span}"
    return f"| {label} | {' | '.join(cells.values())} | {change} | {values['improved_share']:.0%} |"
