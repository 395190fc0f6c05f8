"""What a selection came to, as HTML: funnel, reasons, and the pictures that changed sides."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rapsr_core.curation.report import tables
from rapsr_core.curation.report.facts import Report
from rapsr_core.curation.report.markup import picture

if TYPE_CHECKING:
    from studio.curate_actions import Selected


@dataclass(frozen=True)
class Changed:
    """Pictures that changed sides: how many, and the first ones as (id, why, JPEG or None)."""

    count: int
    shown: tuple[tuple[str, str, bytes | None], ...]


def summary(selected: Selected, before: int) -> str:
    """One line: "420 of 952 kept, 12 more than before"."""
    kept, pool = len(selected.selection.kept), len(selected.selection.verdicts)
    change = kept - before
    told = (
        "as many as in the reference"
        if not change
        else f"{abs(change):,} {'more' if change > 0 else 'fewer'} than in the reference"
    )
    return f'<p class="kept-count" role="status"><b>{kept:,}</b> of {pool:,} kept, {told}</p>'


def funnel(selected: Selected) -> str:
    """Images per stage, and how many each rule left out."""
    report = Report("", selected.curation.columns, selected.curation.stages, selected.selection, lambda _: None, {}, {})
    return f'<div class="curate-tables">{tables.funnel(report)}{tables.reasons(report)}</div>'


def changes(gained: Changed, lost: Changed) -> str:
    """Both kinds of change; says so when there is none."""
    if not gained.count and not lost.count:
        return '<p class="fine">Nothing changed against the reference. Move a threshold.</p>'
    return f'<div class="changes">{_group("Came in", gained)}{_group("Went out", lost)}</div>'


def _group(title: str, found: Changed) -> str:
    more = f", the first {len(found.shown)} shown" if found.count > len(found.shown) else ""
    figures = "".join(picture(name, data, [why]) for name, why, data in found.shown)
    return (
        f'<section><h4>{escape(title)}: {found.count:,}{more}</h4><div class="thumbs">{figures}</div></section>'
        if found.count
        else ""
    )
