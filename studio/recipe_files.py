"""Recipes of files that were dropped onto the page: a PNG that the studio wrote, or the recipe's own JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rapsr_core.images import ImageError, read_png_text
from rapsr_core.recipe import Recipe, RecipeError
from studio.restoring import restorable
from studio.results import RECIPE_CHUNK

LARGEST_JSON_BYTES = 100_000
PNG_SIGNATURE = b"\x89PNG"


def read_recipe(path: str | Path) -> Recipe:
    """The recipe of a PNG (text chunk RECIPE_CHUNK) or of a JSON file; what it leaves out has its host's defaults.

    Raises:
        ImageError: the PNG is damaged.
        RecipeError: there is no recipe in the file, or one with an unknown host, field or refinement.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(len(PNG_SIGNATURE))
    if head == PNG_SIGNATURE:
        text = read_png_text(path).get(RECIPE_CHUNK)
        if text is None:
            raise RecipeError(
                f"{path.name!r} has no recipe in it; use a PNG downloaded from this studio, or a recipe's JSON file"
            )
    elif path.stat().st_size > LARGEST_JSON_BYTES:
        raise RecipeError(f"{path.name!r} is no PNG, and too large for a recipe's JSON file")
    else:
        text = path.read_bytes().decode("utf-8", "replace")
    return restorable(_parsed(text, path.name))


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RecipeError(f"{name!r} is neither a PNG nor a recipe's JSON file ({error})") from error


KNOWN = (ImageError, RecipeError)
