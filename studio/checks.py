"""Refusals before the queue: is the photograph usable, does the recipe hold, would it finish in reasonable time."""

from __future__ import annotations

from typing import Any

from rapsr_core.comparison import Comparer
from rapsr_core.doctor import missing
from rapsr_core.ground_truth import fitted
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import ImageError, read
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.refinement.shelf import names_for
from studio import forms

NO_PHOTO = "There is no photograph yet: upload one or pick an example"


def check_page(comparer: Comparer, photo: str | None, values: dict[str, Any], truth: str | None = None) -> dict[str, str]:
    """Problems of the page's inputs: control path, "photo" or "truth" -> message. Empty when the comparison can start."""
    try:
        recipe = forms.recipe_of(values)
        check_run(comparer, photo, recipe)
    except RecipeError as error:
        return {control_of(str(error)): str(error)}
    except ImageError as error:
        return {"photo": str(error)}
    return check_truth(comparer, photo, truth, recipe) if photo and truth else {}


def check_truth(comparer: Comparer, photo: str, truth: str, recipe: Recipe) -> dict[str, str]:
    """The problem of a ground truth, as `check_page` says it."""
    try:
        height, width = read(photo).shape[-2:]
        fitted(read(truth), comparer.final_size(height, width, recipe))
    except ImageError as error:
        return {"truth": str(error)}
    return {}


def control_of(message: str) -> str:
    """The control a RecipeError speaks of: its message begins with the field. Gradio's drop-down lists show no verdict, so theirs stands at
    the photograph."""
    named = [path for path in forms.BY_PATH if message.startswith(path)]
    path = max(named, key=len, default="target_px.width")
    return "photo" if forms.BY_PATH[path].kind == "list" else path


def check_recipe(recipe: Recipe) -> None:
    """Raises RecipeError for a recipe that cannot run here: weights are missing, or a refinement that a visitor may not choose."""
    row = host_info(recipe.host)
    if lacking := missing(row.name):
        raise RecipeError(f"host {row.name} cannot run here: {lacking}")
    known = names_for(row.prior)  # the core accepts any folder; a visitor must not choose folders of the server
    if recipe.enhanced.refinement not in known:
        raise RecipeError(
            f"enhanced.refinement is {recipe.enhanced.refinement!r}; with host {row.name} it must be one of {', '.join(known)}"
        )


def check_run(comparer: Comparer, photo: str | None, recipe: Recipe) -> None:
    """Raises RecipeError or ImageError for a comparison that cannot start."""
    check_recipe(recipe)
    if photo is None:
        raise ImageError(NO_PHOTO)
    image = read(photo)
    comparer.check_size(image.shape[-2], image.shape[-1], recipe)
