"""report.html: one file without any request to elsewhere, light and dark, complete without JavaScript."""

from __future__ import annotations

from html import escape
from pathlib import Path

from rapsr_core.curation.report import examples, tables
from rapsr_core.curation.report.charts import gains, histogram
from rapsr_core.curation.report.facts import Report, arrow
from rapsr_core.curation.report.markup import section
from rapsr_core.curation.report.statistics import Compared, compare

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content security policy: whatever the manifest's texts say, the page asks no other host for anything."""


def write_report(report: Report, path: Path) -> Path:
    """Write `html(report)`; returns the path."""
    path.write_text(html(report), encoding="utf-8")
    return path


def html(report: Report) -> str:
    """The whole page. Thumbnails are asked for one after the other, in the order in which they are shown."""
    compared = compare(report)
    sections = [
        section("funnel", "Funnel", tables.funnel(report), tables.reasons(report)),
        section("comparison", "Selection against pool", *_comparison(compared)),
        section("histograms", "Before and after", _legend(), *_histograms(report), tables.texts(report)),
        examples.extremes(report),
        examples.reasons(report),
        examples.clusters(report),
        section("review", "Reviewers", tables.agreement(report)),
        section("errors", "Files that could not be used", tables.errors(report)),
        section("settings", "Settings and versions", tables.settings(report), tables.sources(report)),
    ]
    contents = "".join(_link(text) for text in sections if text)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(report.title)}</title><style>{_file('report.css')}</style></head><body>"
        f"<header><h1>{escape(report.title)}</h1>{_summary(report, compared)}<nav aria-label=Contents><ul>{contents}</ul></nav></header>"
        f"<main>{''.join(sections)}</main><script>{_file('report.js')}</script></body></html>"
    )


def _summary(report: Report, compared: list[Compared]) -> str:
    pool, kept = len(report.ids), int(report.kept.sum())
    cells = [("images in the pool", f"{pool:,}"), ("kept", f"{kept:,}"), ("of the pool", tables.percent(kept, pool))]
    judged = [c for c in compared if c.gain is not None and not c.selects]
    if judged:
        cells.append(("measures not used to select: better mean", f"{sum((c.gain or 0) > 0 for c in judged)} of {len(judged)}"))
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in cells) + "</dl>"


def _link(text: str) -> str:
    anchor, title = text.split('<h2 id="', 1)[1].split("</h2>", 1)[0].split('">', 1)
    return f'<li><a href="#{anchor}">{title}</a></li>'


def _comparison(compared: list[Compared]) -> list[str]:
    """The chart and the table; measures that select apart from those that do not, because only the latter judge the selection."""
    judged = [c for c in compared if c.gain is not None]
    judged.sort(key=lambda c: (c.selects, -(c.gain or 0)))
    if not compared:
        return ["<p>Nothing was kept.</p>"]
    parts = []
    if judged:
        parts.append(
            "<p>How far the mean of what was kept is from the mean of the pool, in standard deviations of the pool; right is better. "
            '<span class="key unused">not used to select</span> <span class="key selects">used to select</span></p>'
            f'<div class="scroll chart">{gains(judged)}</div>'
        )
    return [*parts, tables.comparison(compared)]


def _legend() -> str:
    return (
        '<p><span class="key pool">pool</span> <span class="key kept">kept</span> <span class="key bound">threshold; '
        "shaded is left out</span> Both add up to 1. The ends of an axis are the 0.5 % and 99.5 % quantiles of the pool; what is beyond is "
        "in the end bars.</p>"
    )


def _histograms(report: Report) -> list[str]:
    kept, rules, found = report.kept, report.rules, []
    for stage in report.stages:
        figures = []
        for of, column, values in report.numeric():
            known = tables.known(values)
            if of is not stage or not known.any():
                continue
            missing = int((~known).sum())
            unit = f" ({column.unit})" if column.unit else ""
            told = f"{column.label}{unit} {arrow(column)}" + (f" <small>{missing:,} without a value</small>" if missing else "")
            drawn = histogram(column, values[known], values[known & kept], rules.get(column.name))
            figures.append(f"<figure><figcaption>{told}</figcaption>{drawn}</figure>")
        if figures:
            found.append(f'<h3>{escape(stage.label)}</h3><div class="charts">{"".join(figures)}</div>')
    return found


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
