"""Settings tried one after the other on the same images, as a table: a row for each setting and branch."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from rapsr_core.evaluation.frontier import Point
from rapsr_core.evaluation.pairs import EvaluationError
from rapsr_core.evaluation.restorers import Scores
from rapsr_core.evaluation.table import BRANCHES, Row
from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.quality.table import METRICS, lower_better
from rapsr_core.recipe import Recipe, RecipeError


def read_settings(path: Path) -> dict[str, Recipe]:
    """Recipes by name from a JSON object {name: {field: value, ...}}; fields not given keep their host's defaults.

    Raises EvaluationError that names the file, and the setting where it is one of them.
    """
    try:
        named = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} is not JSON ({error})") from error
    if not isinstance(named, dict) or not named:
        raise EvaluationError(f"{path} must be an object of named recipes with at least one of them")
    recipes = {}
    for name, fields in named.items():
        try:
            recipes[name] = recipe_from_json(fields)
        except RecipeError as error:
            raise EvaluationError(f"{path}, {name}: {error}") from error
    return recipes


def choose_settings(recipes: Mapping[str, Recipe], names: Sequence[str] | None) -> dict[str, Recipe]:
    """All, or those of `names`. Raises EvaluationError for a name that is not there."""
    if unknown := [name for name in names or () if name not in recipes]:
        raise EvaluationError(f"no setting named {unknown[0]!r}; there are {', '.join(recipes)}")
    return {name: recipe for name, recipe in recipes.items() if names is None or name in names}


def grouped(images: Sequence[str], presets: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Images by the degradation preset of a committed list, all of them first. Raises EvaluationError for one the list has not."""
    if unknown := [name for name in images if name not in presets]:
        raise EvaluationError(f"{unknown[0]} is not in the list; --by-preset takes sets that --make-list wrote")
    kinds = sorted({str(presets[name]) for name in images})
    return {"all": list(images)} | {kind: [name for name in images if str(presets[name]) == kind] for kind in kinds}


def points_of(
    rows: Mapping[str, Sequence[Row]], alone: Mapping[str, Mapping[str, Scores]], images: Sequence[str], metrics: Sequence[str]
) -> list[Point]:
    """Means over `images`: restorers alone (label -> image -> scores) first, then each setting's branches. A score that failed on
    an image is missing in the mean's point."""
    taken = set(images)
    found = [Point(name, name, _means([scores[image] for image in images], metrics)) for name, scores in alone.items()]
    for name, table in rows.items():
        chosen = [row for row in table if row.image in taken]
        for branch in BRANCHES:
            scores = [{metric: row.scores[metric, branch] for metric in metrics} for row in chosen]
            found.append(Point(name, branch, _means(scores, metrics)))
    return found


def _means(scores: Sequence[Scores], metrics: Sequence[str]) -> dict[str, float]:
    columns = {metric: [row[metric] for row in scores] for metric in metrics}
    return {
        metric: statistics.fmean(v for v in values if v is not None) for metric, values in columns.items() if None not in values
    }


def tuning_table(points: Sequence[Point], metrics: Sequence[str]) -> str:
    """Markdown, a line for each point; the best figure of each column is bold."""
    labels = [f"{METRICS[m].label if m in METRICS else m} {'↓' if lower_better(m) else '↑'}" for m in metrics]
    lines = [f"| setting | branch | {' | '.join(labels)} |", f"|---|---|{'---:|' * len(metrics)}"]
    best = [_best([point.scores.get(metric) for point in points], lower_better(metric)) for metric in metrics]
    for point in points:
        values = [point.scores.get(metric) for metric in metrics]
        cells = [_cell(value, value is not None and value == top) for value, top in zip(values, best, strict=True)]
        branch = "-" if point.series == point.name else point.series
        lines.append(f"| {point.name} | {branch} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _best(values: Sequence[float | None], lower: bool) -> float | None:
    known = [value for value in values if value is not None]
    return (min if lower else max)(known, default=None)


def _cell(value: float | None, best: bool) -> str:
    if value is None:
        return "-"
    return f"**{value:.3f}**" if best else f"{value:.3f}"
