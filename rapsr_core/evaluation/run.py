"""An evaluation: every pair compared once, written to a folder, resumable.

The folder: run.json (what was asked), baseline/ and enhanced/ (results), lq/ (inputs that were made here),
scores.csv, summary.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core.comparison import Comparer
from rapsr_core.evaluation import table
from rapsr_core.evaluation.pairs import SCALE, EvaluationError, Pair, load
from rapsr_core.evaluation.summary import summarise
from rapsr_core.events import Finished, Image
from rapsr_core.images import ImageError, read, resize, save_png
from rapsr_core.quality.scoring import Score, score
from rapsr_core.quality.table import METRICS
from rapsr_core.recipe import Recipe, RecipeError

DEFAULT_METRICS = ("niqe", "brisque", "piqe", "ilniqe")
REFERENCE_METRICS = ("psnr", "ssim", "lpips")
GRID = "grid"
"""Always reported: no-reference metrics reward a visible grid."""


@dataclass(frozen=True)
class Settings:
    """What is evaluated. `preset` and `seed` degrade references where there is no LQ folder."""

    recipe: Recipe
    metrics: tuple[str, ...] = DEFAULT_METRICS
    preset: str = "rapsr"
    seed: int = 0

    def to_json(self, pairs: Sequence[Pair], assets: Path) -> dict[str, Any]:
        """Everything that a finished row depends on; `assets` holds the embedded weights."""
        degraded = any(pair.lq is None for pair in pairs)
        degradation = {"preset": self.preset, "seed": self.seed} if degraded else None
        refinement = self.recipe.enhanced.refinement
        folders = {
            "prior": assets / "prior",
            "refinement": assets / "refinement" if refinement == "embedded" else Path(refinement),
        }
        return {
            "recipe": self.recipe.to_json(),
            "metrics": list(self.metrics),
            "degradation": degradation,
            "weights": {name: digest(folder) for name, folder in folders.items()},
        }


def digest(folder: Path) -> str:
    """SHA-256 (first 16 hexadecimal digits) of the weights below a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def choose_metrics(asked: Sequence[str], has_reference: bool) -> tuple[str, ...]:
    """`asked`, then the reference metrics where there are references, then grid energy; each once.

    Raises EvaluationError for a metric that does not exist, or needs a reference that is not there.
    """
    for name in asked:
        if name not in METRICS and name not in _further_metrics():
            known = ", ".join(METRICS)
            raise EvaluationError(f"no metric named {name!r}; there are {known}, and the no-reference metrics of pyiqa")
        if needs_reference(name) and not has_reference:
            raise EvaluationError(f"{name} compares with a reference; give --hq, or leave it out of --metrics")
    return tuple(dict.fromkeys((*asked, *(REFERENCE_METRICS if has_reference else ()), GRID)))


def needs_reference(metric: str) -> bool:
    """True for metrics that compare with a ground truth; names outside METRICS are no-reference metrics of pyiqa."""
    return metric in METRICS and METRICS[metric].needs_reference


def _further_metrics() -> list[str]:
    try:
        import pyiqa
    except ModuleNotFoundError:
        return []
    return pyiqa.list_models(metric_mode="NR")


def evaluate(pairs: Sequence[Pair], settings: Settings, comparer: Comparer, out: Path) -> Iterator[table.Row]:
    """Compare every pair that `out` does not have yet; yields the row of each. At the end writes summary.json.

    Raises EvaluationError before the first comparison: an input of the wrong size or unreadable, or `out` holds
    another evaluation.
    """
    check_pairs(pairs, settings, comparer)
    _claim(out, settings.to_json(pairs, comparer.assets))
    scores = out / "scores.csv"
    done = {row.image: row for row in table.load(scores, settings.metrics)}
    for pair in pairs:
        if pair.name not in done:
            done[pair.name] = _compare(pair, settings, comparer, out)
            table.append(scores, done[pair.name], settings.metrics)
        yield done[pair.name]
    summary = summarise([done[pair.name] for pair in pairs], settings.metrics)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def check_pairs(pairs: Sequence[Pair], settings: Settings, comparer: Comparer) -> None:
    """Read every image and check sizes, so that the last image cannot end a run of hours."""
    recipe = settings.recipe
    if any(pair.hq for pair in pairs) and (recipe.output_scale != SCALE or recipe.target_px):
        raise EvaluationError(f"references are compared at x{SCALE}; leave output_scale and target_px out of the recipe")
    for pair in pairs:
        try:
            image, _ = load(pair, settings.preset, settings.seed)
            comparer.check_size(image.shape[-2], image.shape[-1], recipe)
        except (ImageError, RecipeError) as error:
            raise EvaluationError(f"{pair.name}: {error}") from error


def _claim(out: Path, asked: dict[str, Any]) -> None:
    """Write run.json, or hold what is asked against the one that is there; it does not count before the first row."""
    path = out / "run.json"
    if not path.is_file() or not (out / "scores.csv").is_file():
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asked, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    before, now = _flat(json.loads(path.read_text(encoding="utf-8"))), _flat(json.loads(json.dumps(asked)))
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if changed:
        listed = "; ".join(f"{key} was {before.get(key)!r}, now {now.get(key)!r}" for key in changed)
        raise EvaluationError(f"{out} holds an evaluation with other settings: {listed}. Give another --out")


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _compare(pair: Pair, settings: Settings, comparer: Comparer, out: Path) -> table.Row:
    image, reference = load(pair, settings.preset, settings.seed)
    if pair.lq is None:
        _save(image, out / "lq", pair.name)
    results: dict[str, Tensor] = {}
    seconds: dict[str, float] = {}
    free = [name for name in settings.metrics if not needs_reference(name)]
    for event in comparer.compare(image, settings.recipe, free):
        if isinstance(event, Image):
            results[event.which] = read(_save(event.image, out / event.which, pair.name))
            seconds[event.which] = event.seconds
        elif isinstance(event, Finished):
            finished = event
    scores = {which: dict(finished.scores[which]) for which in table.WHICH}
    if reference is not None:
        results["input"] = resize(image, (reference.shape[-2], reference.shape[-1]))
        for which in table.WHICH:
            scores[which] |= score(results[which], _referenced(settings.metrics), reference)
    return _row(pair.name, scores, seconds, settings.metrics)


def _referenced(metrics: Sequence[str]) -> list[str]:
    return [name for name in metrics if needs_reference(name)]


def _row(name: str, scores: dict[str, dict[str, Score]], seconds: dict[str, float], metrics: Sequence[str]) -> table.Row:
    values = {(metric, which): scores[which][metric].value for metric in metrics for which in table.WHICH}
    errors = {f"{metric}: {scores[which][metric].error}": None for metric, which in values if scores[which][metric].error}
    return table.Row(name, values, {branch: seconds[branch] for branch in table.BRANCHES}, "; ".join(errors))


def _save(image: Tensor, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return save_png(image, folder / f"{name}.png")
