"""Stage 3: a judge of the table as a stage of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from rapsr_core.curation.columns import Row, Stage
from rapsr_core.curation.judges.table import find


def build_for(judge_id: str) -> Stage:
    """The stage `judgement` with the columns and default rules of a judge. Loads nothing: that is `Stage.build`, which gives a `Judge`,
    callable with one picture as any stage's function, and with many (`Judge.many`, `Judge.batch_size`) where a GPU wants batches.

    Raises JudgeError for an id that names no judge; `build` raises it when weights are missing.
    """
    row, argument = find(judge_id)
    return Stage(
        name="judgement",
        label=f"Quality and aesthetics: {row.label}",
        help=row.help,
        cost_s=row.cost_s,
        columns=row.columns,
        rules=row.rules,
        build=partial(row.build, judge_id, argument),
    )


def refusals(rows: Iterable[Row]) -> str:
    """One line for the report: how many images the judge gave no score, and the first reason; empty when it scored all."""
    found = [str(row["judge_refusal"]) for row in rows if row.get("judge_refusal")]
    return f"the judge gave no score to {len(found)} images; the first: {found[0]}" if found else ""
