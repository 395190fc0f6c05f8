"""Settings tried one after the other on the same images, as a table: a row for each setting and branch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rapsr_core.evaluation.pairs import EvaluationError
from rapsr_core.evaluation.table import BRANCHES
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


def tuning_table(summaries: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> str:
    """Markdown from the summary.json of each setting; every figure is a mean over the same images, the best one bold."""
    rows = {
        (name, branch): [summary["metrics"][metric][branch] for metric in metrics]
        for name, summary in summaries.items()
        for branch in BRANCHES
    }
    labels = [f"{METRICS[m].label if m in METRICS else m} {'↓' if lower_better(m) else '↑'}" for m in metrics]
    lines = [f"| setting | branch | {' | '.join(labels)} |", f"|---|---|{'---:|' * len(metrics)}"]
    best = [
        _best(list(column), lower_better(metric))
        for metric, column in zip(metrics, zip(*rows.values(), strict=True), strict=True)
    ]
    for (name, branch), values in rows.items():
        cells = [_cell(value, value is not None and value == top) for value, top in zip(values, best, strict=True)]
        lines.append(f"| {name} | {branch} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _best(values: Sequence[float | None], lower: bool) -> float | None:
    known = [value for value in values if value is not None]
    return (min if lower else max)(known, default=None)


def _cell(value: float | None, best: bool) -> str:
    if value is None:
        return "-"
    return f"**{value:.3f}**" if best else f"{value:.3f}"
