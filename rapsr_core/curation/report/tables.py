"""The report's tables."""

from __future__ import annotations

from collections import Counter
from html import escape

import numpy as np
from numpy.typing import NDArray

from rapsr_core.curation.agreement import Estimate
from rapsr_core.curation.report.facts import Report, arrow, reason_label, rule_text, stage_label
from rapsr_core.curation.report.markup import decimals, number, percent, table
from rapsr_core.curation.report.statistics import Compared

MAX_ERRORS = 50
MAX_TEXTS = 20
"""A column of texts with more different ones (digests, hashes) is not tabulated."""


def known(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Neither missing nor infinite."""
    return np.isfinite(values)


def funnel(report: Report) -> str:
    """Images per stage, with bars."""
    pool = len(report.ids)
    rows = [["Pool", "", "", f"{pool:,}", percent(pool, pool), _bar(1)]]
    for step in report.selection.funnel:
        share = step.left / pool if pool else 0
        label = escape(stage_label(step.stage, report.stages))
        out = f"{step.entered - step.left:,}"
        rows.append([label, f"{step.entered:,}", out, f"{step.left:,}", percent(step.left, pool), _bar(share)])
    return table("Images per stage", ["Stage", "In", "Left out", "Remain", "Of the pool", "Share"], rows, range(1, 5), "funnel")


def reasons(report: Report) -> str:
    """Images left out per stage and reason, each counted once, for the first rule not met."""
    units = {c.name: c.unit for stage in report.stages for c in stage.columns}
    rows = [
        [
            escape(stage_label(step.stage, report.stages)),
            escape(reason_label(name, report.stages)),
            escape(rule_text(report.rules.get(name), units.get(name, ""))),
            f"{count:,}",
            percent(count, step.entered),
        ]
        for step in report.selection.funnel
        for name, count in step.reasons.items()
    ]
    if not rows:
        return "<p>Nothing was left out.</p>"
    heads = ["Stage", "Left out for", "Kept is", "Images", "Of those that entered"]
    return table("Images left out, each for the first rule it does not meet", heads, rows, (3, 4))


def comparison(compared: list[Compared]) -> str:
    """Means, medians, difference with interval, share better than the pool's median."""
    heads = ["Measure", "Used to select", "Images", "Mean, pool", "Mean, kept", "Median, pool", "Median, kept",
             "Difference of means", "95 % interval", "Kept better than the pool’s median"]  # fmt: skip
    rows = [_compared(c) for c in compared]
    note = (
        "<p class=note>Used to select: a rule is about this measure, so that it must come out better. Arrow: the better end. Interval: "
        "bootstrap over images, 2000 resamples, the selection held fixed (Efron &amp; Tibshirani 1993). Figures that improve are bold.</p>"
    )
    return table("Selection against pool, every measure", heads, rows, range(2, 10), "sortable") + note


def texts(report: Report) -> str:
    """Columns of few different texts: images with each, before and after."""
    rows = []
    for stage in report.stages:
        for column in stage.columns:
            if column.kind != "text" or column.name not in report.columns:
                continue
            values = [str(v) for v in report.columns[column.name]]
            pool, kept = Counter(values), Counter(v for v, k in zip(values, report.kept, strict=True) if k)
            if len(pool) <= MAX_TEXTS:
                rows += [
                    [escape(column.label), escape(text) or "—", f"{n:,}", f"{kept[text]:,}"] for text, n in pool.most_common()
                ]
    return table("Measures that are texts", ["Measure", "Value", "Pool", "Kept"], rows, (2, 3)) if rows else ""


def errors(report: Report) -> str:
    """Files with an error, the first MAX_ERRORS."""
    found = [(name, str(error)) for name, error in zip(report.ids, report.columns["error"], strict=True) if error]
    if not found:
        return ""
    told = f"<p>The first {MAX_ERRORS} of {len(found):,}:</p>" if len(found) > MAX_ERRORS else ""
    rows = [[escape(name), escape(error)] for name, error in found[:MAX_ERRORS]]
    return told + table("Files and what is wrong with them", ["File", "Why"], rows, (), "texts")


def agreement(report: Report) -> str:
    """Between reviewers and of each with themselves."""
    found = report.agreement
    if found is None or not found.reviewers:
        return ""
    rows = [_estimate("Observed agreement", found.percent), _estimate("Krippendorff’s alpha", found.alpha)]
    rows.append(_estimate("Fleiss’ kappa", found.fleiss))
    if found.cohen is not None:
        rows.append(_estimate("Cohen’s kappa", found.cohen))
    heads = ["Coefficient", "Value", "95 % interval", "Images"]
    between = f"Between {len(found.reviewers)} reviewers ({', '.join(found.reviewers)}), first looks"
    parts = (
        [table(between, heads, rows, (1, 2, 3))] if len(found.reviewers) > 1 else [f"<p>{escape(found.reviewers[0])} alone.</p>"]
    )
    own = [
        row
        for name, looks in found.second_looks.items()
        for row in (_estimate(f"{name}: observed agreement", looks.percent), _estimate(f"{name}: Cohen’s kappa", looks.kappa))
    ]
    if own:
        parts.append(table("Each with themselves: blind second look against first", heads, own, (1, 2, 3)))
    return "".join(parts)


def settings(report: Report) -> str:
    """What the run was told, and what ran."""
    groups = (("Settings", report.settings), ("Versions", report.versions))
    parts = [
        table(name, ["Name", "Value"], [[escape(k), escape(v)] for k, v in values.items()], (), "texts")
        for name, values in groups
        if values
    ]
    return f'<div class="pair">{"".join(parts)}</div>'


def sources(report: Report) -> str:
    """Every column: what it is, its rule, and where formula and threshold come from."""
    rows = [
        [
            f"{escape(column.label)} {arrow(column)}",
            escape(stage.label),
            escape(rule_text(report.rules.get(column.name), column.unit)) or "—",
            escape(column.help),
            escape(column.source),
        ]
        for stage in report.stages
        for column in stage.columns
    ]
    heads = ["Measure", "Stage", "Rule", "What it is", "Source"]
    inside = table("Every measure, its rule and its source", heads, rows, (), "texts")
    return f"<details><summary>Every measure, its rule and its source</summary>{inside}</details>"


def _compared(c: Compared) -> list[str]:
    places = decimals(c.spread)
    low_high = "" if c.interval is None else " to ".join(number(v, places, sign=True) for v in c.interval)
    difference = number(c.difference, places, sign=True)
    if (c.gain or 0) > 0:
        difference = f"<b>{difference}</b>"
    share = "" if c.better_share is None else percent(c.better_share, 1)
    if c.better_share is not None and c.better_share > 0.5:
        share = f"<b>{share}</b>"
    unit = f" <small>{escape(c.column.unit)}</small>" if c.column.unit else ""
    values = (number(v, places) for v in (c.pool_mean, c.kept_mean, c.pool_median, c.kept_median))
    mark = '<span class="key selects">yes</span>' if c.selects else '<span class="key unused">no</span>'
    name = f"{escape(c.column.label)}&nbsp;{arrow(c.column)}{unit}"
    return [name, mark, f"{c.kept_count:,} of {c.pool_count:,}", *values, difference, low_high, share]


def _estimate(name: str, found: Estimate) -> list[str]:
    value = "undefined" if found.value is None else number(found.value, 3)
    span = "" if found.low is None or found.high is None else f"{number(found.low, 3)} to {number(found.high, 3)}"
    return [escape(name), value, span, f"{found.units:,}"]


def _bar(share: float) -> str:
    return f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="{100 * share:.2f}" height="8"/></svg>'
