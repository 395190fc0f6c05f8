"""A scored pool opened again: manifest, stages, the rules it was selected with, and what other rules would select."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapsr_core.curation.columns import Column, Rule, Stage
from rapsr_core.curation.decisions import read
from rapsr_core.curation.items import Item, read_item
from rapsr_core.curation.judges.contract import JUDGE
from rapsr_core.curation.manifest import SCORES, ManifestError, read_manifest
from rapsr_core.curation.places import is_uri
from rapsr_core.curation.review import verdicts
from rapsr_core.curation.selecting import FIELDS, Columns, Selection, changed, select
from rapsr_core.curation.stages import DUPLICATES, pipeline
from rapsr_core.curation.thumbnails import jpeg_thumbnail
from rapsr_core.images import ImageError

SELECTION, REVIEWS, KEPT, LEFT_OUT = "selection.json", "review.jsonl", "kept.txt", "left_out.tsv"
DEPTH = 3
"""How many folders deep curations are looked for."""


@dataclass(frozen=True)
class Curation:
    """A folder that `train.curate` wrote. `rules`: those of its last selection, or the defaults."""

    name: str
    folder: Path
    columns: Columns
    stages: tuple[Stage, ...]
    rules: tuple[Rule, ...]

    @property
    def defaults(self) -> tuple[Rule, ...]:
        """The stages' own rules."""
        return tuple(rule for stage in self.stages for rule in stage.rules)

    @property
    def measures(self) -> tuple[Column, ...]:
        """Every column of the stages that the manifest has."""
        return tuple(c for stage in self.stages for c in stage.columns if c.name in self.columns)

    @property
    def reviewed(self) -> bool:
        """Whether there are decisions of stage 4."""
        return (self.folder / REVIEWS).is_file()

    def select(self, rules: Sequence[Rule], review: bool = False, reviewed_only: bool = False) -> Selection:
        """What `rules` select; `review`: the reviewers' decisions too, read anew. Raises SelectionError, ReviewError."""
        found = None
        if review and self.reviewed:
            found = verdicts(read(self.folder / REVIEWS).decisions, [str(i) for i in self.columns["id"]])
        return select(self.columns, self.stages, rules, DUPLICATES, found, reviewed_only and found is not None)

    def with_changes(self, changes: Mapping[str, Any]) -> tuple[Rule, ...]:
        """The default rules with the changes of a rules file. Raises SelectionError."""
        return changed(self.defaults, changes, self.measures)

    def thumbnail(self, name: str, side_px: int) -> bytes | None:
        """A small JPEG of an image, or None when it cannot be read from here (moved, a tar's member, damaged)."""
        return _thumbnail(self.source(name), side_px)

    def source(self, name: str) -> str:
        """Path or URI of an image, as the manifest has it."""
        ids = self.columns["id"]  # sorted, as `manifest.merge` writes them
        return str(self.columns["source"][bisect_left(ids, name)])

    @property
    def pool(self) -> Path | None:
        """The folder whose paths the ids are, or None when the pool was no folder of this machine."""
        roots = {str(s).removesuffix(f"/{i}") for s, i in zip(self.columns["source"], self.columns["id"], strict=True)}
        root = roots.pop() if len(roots) == 1 else ""
        return Path(root) if root and not is_uri(root) and Path(root).is_dir() else None


def curations(root: Path) -> list[str]:
    """Folders below `root`, at most DEPTH deep, that hold a manifest: names relative to it, sorted."""
    found = {path.parent for n in range(1, DEPTH + 1) for path in root.glob("/".join(["*"] * n) + f"/{SCORES}")}
    return sorted(folder.relative_to(root).as_posix() for folder in found)


def open_curation(root: Path, name: str) -> Curation:
    """The curation of a name that `curations` lists. Raises ManifestError for another name, JudgeError for a judge that is gone."""
    if name not in curations(root):
        raise ManifestError(f"there is no curation {name!r} any more; reload the page for those there are")
    return _opened(root / name, name, (root / name / SCORES).stat().st_mtime_ns)


def rules_file(rules: Sequence[Rule], defaults: Sequence[Rule]) -> dict[str, Any]:
    """What differs from the defaults, as `train.curate --rules` takes it; a rule that was taken away is None."""
    now, before = ({rule.column: rule for rule in some} for some in (rules, defaults))
    found: dict[str, Any] = {name: None for name in before if name not in now}
    for name, rule in now.items():
        was = before.get(name, Rule(name))
        if changes := {field: getattr(rule, field) for field in FIELDS if getattr(rule, field) != getattr(was, field)}:
            found[name] = changes
    return found


def write_selection(out: Path, selection: Selection) -> None:
    """kept.txt (ids), left_out.tsv (id, stage, column, reason) and selection.json (funnel, thresholds as applied)."""
    (out / KEPT).write_text("".join(f"{name}\n" for name in selection.kept), encoding="utf-8")
    lines = ["id\tstage\tcolumn\treason"]
    left = [v for v in selection.verdicts if not v.kept]
    lines += ["\t".join(" ".join(cell.split()) for cell in (v.id, v.stage, v.column, v.reason)) for v in left]
    (out / LEFT_OUT).write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = {"funnel": [asdict(step) for step in selection.funnel], "thresholds": [asdict(r) for r in selection.thresholds]}
    (out / SELECTION).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


@lru_cache(maxsize=4)
def _opened(folder: Path, name: str, changed_ns: int) -> Curation:
    columns = read_manifest(folder / SCORES)
    judges = {str(judge) for judge in columns.get(JUDGE.name, []) if judge}
    stages = pipeline(judges.pop() if judges else "embedded")
    found = Curation(name, folder, columns, stages, ())
    return replace(found, rules=_last_rules(folder, found.defaults))


def _last_rules(folder: Path, defaults: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Of selection.json, where shares of the best were made numbers: of such a rule the default's bounds."""
    if not (folder / SELECTION).is_file():
        return defaults
    bounds = {rule.column: (rule.low, rule.high) for rule in defaults}
    rules = [Rule(**row) for row in json.loads((folder / SELECTION).read_text(encoding="utf-8"))["thresholds"]]
    found = []
    for rule in rules:
        low, high = (rule.low, rule.high) if rule.best is None else bounds.get(rule.column, (None, None))
        found.append(replace(rule, low=low, high=high))
    return tuple(found)


@lru_cache(maxsize=512)
def _thumbnail(source: str, side_px: int) -> bytes | None:
    try:
        return jpeg_thumbnail(read_item(Item("", source)), side_px)
    except (ImageError, OSError):
        return None
