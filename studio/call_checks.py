"""What the API refuses before the queue. A function here has the name of its endpoint and says parameter -> problem; types are api_table's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from pydantic import TypeAdapter, ValidationError

from rapsr_core.comparison import Comparer
from rapsr_core.degradation.presets import preset as degradation_preset
from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.images import ImageError, read
from rapsr_core.quality.table import METRICS
from rapsr_core.recipe import RecipeError
from rapsr_core.sweep.axes import SweepError
from studio import calls, checks, degrade_actions, lab_checks
from studio.api_table import FILE, REQUIRED, Endpoint, Parameter
from studio.short_calls import MOST_DEGRADED_PX

LONGEST_SCORING_S = 120.0
_COST_MEGAPIXELS = 512 * 512 / 1e6
"""What `Metric.cost_s` is of."""


def verdicts(comparer: Comparer, row: Endpoint, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Gradio's validation of a call: one verdict for each parameter."""
    given = dict(zip((parameter.name for parameter in row.takes), values, strict=True))
    found = {parameter.name: problem for parameter in row.takes if (problem := _of_type(parameter, given[parameter.name]))}
    if not found and row.name in CHECKS:
        found = CHECKS[row.name](comparer, **given)
    return [gr.validate(name not in found, found.get(name, "")) for name in given]


def compare(comparer: Comparer, image: str, recipe: dict[str, Any], metrics: list[str], truth: str | None) -> dict[str, str]:
    """Photograph, recipe, time, ground truth."""
    try:
        asked = recipe_from_json(recipe)
        checks.check_run(comparer, image, asked)
    except RecipeError as error:
        return {"recipe": str(error)}
    except ImageError as error:
        return {"image": str(error)}
    return checks.check_truth(comparer, image, truth, asked) if truth is not None else {}


def sweep(
    comparer: Comparer, image: str, axes: list[dict[str, Any]], recipe: dict[str, Any], metrics: list[str], truth: str | None
) -> dict[str, str]:
    """Every cell, and the time of all."""
    try:
        job = lab_checks.job_of(comparer, calls.sweep_of(axes, recipe), image, truth)
    except SweepError as error:
        return {"axes": str(error)}
    except RecipeError as error:
        return {"recipe": str(error)}
    except ImageError as error:
        return {"truth" if "ground truth" in str(error) else "image": str(error)}
    problem = lab_checks.too_long(lab_checks.sweep_seconds(comparer, job))
    return {"axes": problem} if problem else {}


def score(comparer: Comparer, image: str, metrics: list[str], truth: str | None) -> dict[str, str]:
    """Both images, their sizes, the time."""
    if not metrics:
        return {"metrics": f"metrics is empty; name at least one of {', '.join(METRICS)}"}
    try:
        size = read(image).shape
    except ImageError as error:
        return {"image": str(error)}
    seconds = size[-2] * size[-1] / 1e6 / _COST_MEGAPIXELS * sum(METRICS[name].cost_s for name in metrics)
    if seconds > LONGEST_SCORING_S:
        return {
            "image": f"{size[-1]} x {size[-2]} px would take about {seconds:.0f} s to score, over the limit of {LONGEST_SCORING_S:.0f}; reduce it"
        }
    return _truth_of(size, truth, [name for name in metrics if METRICS[name].needs_reference])


def degrade(comparer: Comparer, image: str, preset: str, seed: int, resize_back: bool) -> dict[str, str]:
    """The photograph's size."""
    try:
        pixels = read(image)
        if max(pixels.shape[-2:]) > MOST_DEGRADED_PX:
            width, height = pixels.shape[-1], pixels.shape[-2]
            raise ImageError(
                f"the photograph is {width} x {height} px; at most {MOST_DEGRADED_PX} a side are taken: crop or reduce it"
            )
        degrade_actions.centre(pixels, MOST_DEGRADED_PX, degradation_preset(preset).scale)
    except ImageError as error:
        return {"image": str(error)}
    return {}


def caption(comparer: Comparer, image: str) -> dict[str, str]:
    """The photograph."""
    try:
        read(image)
    except ImageError as error:
        return {"image": str(error)}
    return {}


def encode(comparer: Comparer, recipe: dict[str, Any]) -> dict[str, str]:
    """The recipe."""
    try:
        checks.check_recipe(recipe_from_json(recipe))
    except RecipeError as error:
        return {"recipe": str(error)}
    return {}


def _of_type(parameter: Parameter, value: Any) -> str:
    """What is wrong with a value's type or range, or ""."""
    if parameter.type == FILE:
        return checks.NO_PHOTO if value is None and parameter.default is REQUIRED else ""
    try:
        TypeAdapter(parameter.type).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part!r}]" for part in first["loc"])
        return f"{parameter.name}{place} is {first['input']!r}: {first['msg']}"
    return ""


def _truth_of(size: Sequence[int], truth: str | None, needing: Sequence[str]) -> dict[str, str]:
    """A ground truth must have the very size, and be there for metrics that need it."""
    if truth is None:
        return {"truth": f"{', '.join(needing)} compare with a ground truth; give one, or leave them out"} if needing else {}
    try:
        other = read(truth).shape
    except ImageError as error:
        return {"truth": str(error)}
    if tuple(other) != tuple(size):
        return {
            "truth": f"the ground truth is {other[-1]} x {other[-2]} px and the image {size[-1]} x {size[-2]} px; they must be equal"
        }
    return {}


CHECKS: dict[str, Callable[..., dict[str, str]]] = {
    check.__name__: check for check in (compare, sweep, score, degrade, caption, encode)
}
"""By endpoint; of the others the types are all there is to check."""
