"""The funnel as Markdown, for the card of a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from rapsr_core.curation.columns import Stage
from rapsr_core.curation.report.facts import reason_label, rule_text, stage_label
from rapsr_core.curation.report.markup import percent
from rapsr_core.curation.selecting import Selection


def funnel_markdown(selection: Selection, stages: Sequence[Stage]) -> str:
    """Two tables (GitHub's Markdown): images per stage, and images left out per reason with the threshold that did it."""
    pool = len(selection.verdicts)
    lines = ["| stage | images in | left out | remain | of the pool |", "|---|---:|---:|---:|---:|"]
    for step in selection.funnel:
        cells = (stage_label(step.stage, stages), *(f"{n:,}" for n in (step.entered, step.entered - step.left, step.left)))
        lines.append(_line(*cells, percent(step.left, pool)))
    rules = {rule.column: rule for rule in selection.thresholds}
    units = {c.name: c.unit for stage in stages for c in stage.columns}
    reasons = [
        _line(
            stage_label(step.stage, stages),
            reason_label(column, stages),
            rule_text(rules.get(column), units.get(column, "")),
            f"{count:,}",
        )
        for step in selection.funnel
        for column, count in step.reasons.items()
    ]
    if reasons:
        lines += ["", "| stage | left out for | kept is | images |", "|---|---|---|---:|", *reasons]
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
