"""Refusals before the queue: is the photograph usable, does the recipe hold, would it finish in reasonable time."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rapsr_core.comparison import Comparer
from rapsr_core.doctor import missing
from rapsr_core.hosts.registry import host_info, recipe_from_json
from rapsr_core.images import ImageError, read
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.refinement.shelf import names_for
from studio import forms

NO_PHOTO = "There is no photograph yet: upload one or pick an example"


def check_page(comparer: Comparer, photo: str | None, values: dict[str, Any]) -> dict[str, str]:
    """Problems of the page's inputs: control path, or "photo", -> message. Empty when the comparison can start."""
    try:
        _check(comparer, photo, forms.recipe_of(values))
    except RecipeError as error:
        return {control_of(str(error)): str(error)}
    except ImageError as error:
        return {"photo": str(error)}
    return {}


def check_call(comparer: Comparer, image: str | None, recipe: Any) -> list[dict[str, Any]]:
    """Gradio's validation of an API call: one verdict for the image, one for the recipe."""
    try:
        _check(comparer, image, recipe_from_json({} if recipe is None else recipe))
    except RecipeError as error:
        return [gr.validate(True, ""), gr.validate(False, str(error))]
    except ImageError as error:
        return [gr.validate(False, str(error)), gr.validate(True, "")]
    return [gr.validate(True, ""), gr.validate(True, "")]


def control_of(message: str) -> str:
    """The control a RecipeError speaks of: its message begins with the field. Gradio's drop-down lists show no verdict, so theirs stands at
    the photograph."""
    named = [path for path in forms.BY_PATH if message.startswith(path)]
    path = max(named, key=len, default="target_px.width")
    return "photo" if forms.BY_PATH[path].kind == "list" else path


def _check(comparer: Comparer, photo: str | None, recipe: Recipe) -> None:
    row = host_info(recipe.host)
    if lacking := missing(row.name):
        raise RecipeError(f"host {row.name} cannot run here: {lacking}")
    known = names_for(row.prior)  # the core accepts any folder; a visitor must not choose folders of the server
    if recipe.enhanced.refinement not in known:
        raise RecipeError(
            f"enhanced.refinement is {recipe.enhanced.refinement!r}; with host {row.name} it must be one of {', '.join(known)}"
        )
    if photo is None:
        raise ImageError(NO_PHOTO)
    image = read(photo)
    comparer.check_size(image.shape[-2], image.shape[-1], recipe)
