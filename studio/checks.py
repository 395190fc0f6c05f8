"""Refusals before the queue: is the photograph usable, does the recipe hold, would it finish in reasonable time."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rapsr_core.comparison import Comparer
from rapsr_core.images import ImageError, read
from rapsr_core.recipe import Recipe, RecipeError
from studio import forms

NO_PHOTO = "There is no photograph yet: upload one or pick an example"


def photo_problem(comparer: Comparer, photo: str | None, recipe: Recipe) -> str | None:
    """Why this photograph cannot be compared with this recipe, in one sentence; None when it can."""
    if photo is None:
        return NO_PHOTO
    try:
        image = read(photo)
        comparer.check_size(image.shape[-2], image.shape[-1], recipe)
    except ImageError as error:
        return str(error)
    return None


def check_page(comparer: Comparer, photo: str | None, values: dict[str, Any]) -> dict[str, str]:
    """Problems of the page's inputs: control path, or "photo", -> message. Empty when the comparison can start."""
    try:
        recipe = forms.recipe_of(values)
    except RecipeError as error:
        return {_control_of(str(error)): str(error)}
    problem = photo_problem(comparer, photo, recipe)
    return {"photo": problem} if problem else {}


def check_call(comparer: Comparer, image: str | None, recipe: Any) -> list[dict[str, Any]]:
    """Gradio's validation of an API call: one verdict for the image, one for the recipe."""
    try:
        parsed = Recipe.from_json({} if recipe is None else recipe)
    except RecipeError as error:
        return [gr.validate(True, ""), gr.validate(False, str(error))]
    problem = photo_problem(comparer, image, parsed)
    return [gr.validate(problem is None, problem or ""), gr.validate(True, "")]


def _control_of(message: str) -> str:
    """The control a recipe's error speaks of: the longest path that the message names."""
    named = [path for path in forms.BY_PATH if message.startswith(path)]
    return max(named, key=len, default="target_px.width" if "output" in message else "photo")
