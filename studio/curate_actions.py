"""What happens in the Curate tab: rules in, selection and what is shown of it out. Needs the core's stages; no components."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rapsr_core.curation.columns import Column, Rule
from rapsr_core.curation.decisions import ReviewError
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.manifest import ManifestError
from rapsr_core.curation.opening import KEPT, LEFT_OUT, Curation, curations, open_curation, rules_file, write_selection
from rapsr_core.curation.report.charts import bin_edges
from rapsr_core.curation.selecting import Selection, SelectionError
from studio import curate_board
from studio.curate_jobs import root
from studio.curate_view import Changed
from studio.results import RunFolder

KNOWN = (ManifestError, SelectionError, ReviewError, JudgeError)
"""Errors whose message is written for the user."""
SHOWN, THUMBNAIL_PX = 8, 200
"""Most pictures of each kind of change, and their longer side."""
MAX_RULES_BYTES = 65_536


@dataclass(frozen=True)
class Wish:
    """What the page asks for. `changes`: as a rules file has them, over the default rules."""

    changes: Mapping[str, Any]
    review: bool = False
    reviewed_only: bool = False


@dataclass(frozen=True)
class Selected:
    """A selection of an open curation."""

    curation: Curation
    rules: tuple[Rule, ...]
    selection: Selection


def names() -> list[str]:
    """Curations there are."""
    return curations(root())


def changes_of(name: str) -> dict[str, Any]:
    """The rules of a curation's last selection, as changes of the defaults. Raises one of KNOWN."""
    curation = open_curation(root(), name)
    return rules_file(curation.rules, curation.defaults)


def select(name: str, wish: Wish) -> Selected:
    """Raises one of KNOWN."""
    curation = open_curation(root(), name)
    if not all(change is None or isinstance(change, Mapping) for change in wish.changes.values()):
        raise SelectionError("each rule must be a table of low, high and best, or null")
    rules = curation.with_changes(wish.changes)
    return Selected(curation, rules, curation.select(rules, wish.review, wish.reviewed_only))


def changes_from_board(name: str, rules: Any) -> dict[str, Any]:
    """The board's rules (all there are) as changes of the defaults. Raises one of KNOWN."""
    if not isinstance(rules, Mapping):
        raise SelectionError("the rules must be a table of measures")
    missing: dict[str, Any] = {rule.column: None for rule in open_curation(root(), name).defaults if rule.column not in rules}
    return {**missing, **rules}


def restore(name: str, path: str) -> dict[str, Any]:
    """Changes of an uploaded rules file, checked. Raises one of KNOWN."""
    file = Path(path)
    if file.stat().st_size > MAX_RULES_BYTES:
        raise SelectionError(f"{file.name} has {file.stat().st_size:,} bytes; a rules file has at most {MAX_RULES_BYTES:,}")
    try:
        changes = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SelectionError(f"{file.name} is no JSON ({error}); open a rules.json") from error
    if not isinstance(changes, dict):
        raise SelectionError(f"{file.name} is no table of rules; open a rules.json")
    select(name, Wish(changes))
    return changes


def board(selected: Selected, opened: str | None, seq: int) -> dict[str, Any]:
    """Value of the histograms. `opened` None: the rules come from elsewhere than the board."""
    kept = np.array([verdict.kept for verdict in selected.selection.verdicts], dtype=bool)
    asked = {rule.column: rule for rule in selected.rules}
    applied = {rule.column: rule for rule in selected.selection.thresholds}
    start = {rule.column: rule for rule in selected.curation.rules}
    found = []
    for column in selected.curation.measures:
        if column.kind == "number":
            values = np.asarray(selected.curation.columns[column.name], dtype=np.float64)
            known = np.isfinite(values)
            if known.any():
                edges = bin_edges(values[known], start.get(column.name))
                counts = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] for v in (values[known], values[known & kept])]
                found.append(
                    _measure(column, edges, counts, int((~known).sum()), asked.get(column.name), applied.get(column.name))
                )
    return curate_board.value(opened or uuid.uuid4().hex, seq, found)


def changed(selected: Selected, before: frozenset[str]) -> tuple[Changed, Changed]:
    """Pictures that came in and went out since the ids `before` were kept, the first SHOWN of each with a thumbnail."""
    gained = [(v.id, "now kept") for v in selected.selection.verdicts if v.kept and v.id not in before]
    lost = [(v.id, v.reason) for v in selected.selection.verdicts if not v.kept and v.id in before]
    return _changed(selected.curation, gained), _changed(selected.curation, lost)


def files(selected: Selected) -> dict[str, Path]:
    """rules.json, kept.txt and left_out.tsv to take away."""
    folder = RunFolder(selected.curation.name).path
    write_selection(folder, selected.selection)
    rules = folder / "rules.json"
    rules.write_text(json.dumps(rules_file(selected.rules, selected.curation.defaults), indent=2) + "\n", encoding="utf-8")
    return {"rules": rules, "kept": folder / KEPT, "left_out": folder / LEFT_OUT}


def _changed(curation: Curation, rows: Sequence[tuple[str, str]]) -> Changed:
    return Changed(len(rows), tuple((name, why, curation.thumbnail(name, THUMBNAIL_PX)) for name, why in rows[:SHOWN]))


def _measure(
    column: Column, edges: Any, counts: Sequence[Any], missing: int, asked: Rule | None, applied: Rule | None
) -> curate_board.Measure:
    asked = asked or Rule(column.name)
    bound = None if asked.best is None or applied is None else applied.low if column.better == "high" else applied.high
    return curate_board.Measure(
        column=column.name,
        label=column.label,
        unit=column.unit,
        help=column.help,
        better=column.better,
        edges=tuple(float(edge) for edge in edges),
        pool=tuple(int(n) for n in counts[0]),
        kept=tuple(int(n) for n in counts[1]),
        missing=missing,
        whole=len(edges) > 2 and float(edges[0]) % 1 == 0.5 and float(edges[1] - edges[0]) == 1.0,
        low=asked.low,
        high=asked.high,
        best=asked.best,
        bound=bound,
    )
