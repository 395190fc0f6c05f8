"""Which pictures the report shows: the best and the weakest kept of each stage, examples of every reason, clusters of duplicates."""

from __future__ import annotations

from collections import defaultdict
from html import escape

import numpy as np

from rapsr_core.curation.columns import Column, Stage
from rapsr_core.curation.report.facts import Report, arrow, reason_label, rule_text, stage_label
from rapsr_core.curation.report.markup import decimals, number, picture, section
from rapsr_core.curation.selecting import DUPLICATE

SHOWN = 6
MEASURES = 2
"""Measures of a stage whose best and weakest are shown: first those that select."""

CLUSTERS = 8


def extremes(report: Report) -> str:
    """Best and weakest kept pictures, stage by stage."""
    found = "".join(_stage_extremes(report, stage) for stage in report.stages)
    return section("extremes", "Best and weakest of what was kept", found)


def reasons(report: Report) -> str:
    """For every stage and reason, pictures that were left out, from the narrowest miss to the clearest."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, verdict in enumerate(report.selection.verdicts):
        if not verdict.kept and verdict.column not in (DUPLICATE, "error"):
            groups[verdict.stage, verdict.column].append(i)
    order = [(step.stage, column) for step in report.selection.funnel for column in step.reasons]
    parts = []
    for stage, column in order:
        if rows := groups.get((stage, column)):
            title = f"{stage_label(stage, report.stages)}: {reason_label(column, report.stages)}"
            rule = rule_text(report.rules.get(column), _unit(report, column))
            told = f"{len(rows):,} left out" + (f"; kept is {rule}" if rule else "")
            figures = [_figure(report, i, [report.selection.verdicts[i].reason]) for i in _spread(report, column, rows)]
            parts.append(_row("h3", title, told, figures))
    return section("left-out", "Examples of what was left out", *parts)


def clusters(report: Report) -> str:
    """The largest clusters of duplicates: the one that stays, then those left out for it."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, verdict in enumerate(report.selection.verdicts):
        if verdict.column == DUPLICATE:
            members[verdict.reason.removeprefix("duplicate of ")].append(i)
    place = {name: i for i, name in enumerate(report.ids)}
    largest = sorted(members, key=lambda name: (-len(members[name]), name))[:CLUSTERS]
    parts = []
    for name in largest:
        figures = [_figure(report, place[name], ["stays"])]
        figures += [_figure(report, i, ["left out"]) for i in members[name][: SHOWN - 1]]
        parts.append(
            f'<div class="cluster"><h3>{len(members[name]) + 1} alike</h3><div class="pictures">{"".join(figures)}</div></div>'
        )
    if not parts:
        return ""
    told = f"<p>Clusters: {len(members):,}. Images left out for a better one: {sum(map(len, members.values())):,}. The largest clusters:</p>"
    return section("duplicates", "Duplicates", told, f'<div class="clusters">{"".join(parts)}</div>')


def _stage_extremes(report: Report, stage: Stage) -> str:
    measures = [c for s, c, _ in report.numeric() if s is stage and c.better != "neither"]
    measures.sort(key=lambda c: c.name not in report.rules)
    parts = []
    for column in measures[:MEASURES]:
        values = np.asarray(report.columns[column.name], dtype=np.float64)
        rows = np.flatnonzero(report.kept & np.isfinite(values))
        ordered = rows[np.argsort(values[rows] if column.better == "low" else -values[rows], kind="stable")]
        best, weakest = ordered[:SHOWN], ordered[SHOWN:][-SHOWN:]
        places = decimals(float(values[rows].std())) if len(rows) else 0
        for word, chosen in (("best", best), ("weakest", weakest)):
            figures = [_figure(report, int(i), [_value(column, values[i], places)]) for i in chosen]
            if figures:
                told = column.help if word == "best" else ""
                parts.append(_row("h4", f"{column.label} {arrow(column)}, {word}", told, figures))
    return f"<h3>{escape(stage.label)}</h3>{''.join(parts)}" if parts else ""


def _spread(report: Report, column: str, rows: list[int]) -> list[int]:
    """At most SHOWN of `rows`, evenly from the narrowest miss of the column's threshold to the clearest."""
    rule = report.rules.get(column)
    if rule is not None:
        values = np.asarray(report.columns[column], dtype=np.float64)[rows]
        low, high = -np.inf if rule.low is None else rule.low, np.inf if rule.high is None else rule.high
        miss = np.fmax(low - values, values - high)
        rows = [rows[i] for i in np.argsort(miss, kind="stable")]
    places = np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int)
    return [rows[i] for i in places]


def _figure(report: Report, i: int, lines: list[str]) -> str:
    name = report.ids[i]
    return picture(name, report.thumbnail(name), lines)


def _row(level: str, title: str, told: str, figures: list[str]) -> str:
    said = f"<p>{escape(told)}</p>" if told else ""
    return f'<{level}>{escape(title)}</{level}>{said}<div class="pictures">{"".join(figures)}</div>'


def _unit(report: Report, name: str) -> str:
    return {c.name: c.unit for stage in report.stages for c in stage.columns}.get(name, "")


def _value(column: Column, value: float, places: int) -> str:
    return number(value, places) + (f" {column.unit}" if column.unit else "")
