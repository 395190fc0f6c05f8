"""Recipes from outside - a file, a link, the history - made safe for the page, and the link that carries one. Needs no torch."""

from __future__ import annotations

import base64
import binascii
import json
from html import escape
from typing import Any

from rapsr_core.hosts.registry import host_info, recipe_from_json
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.refinement.shelf import names_for

LINK_KEY = "recipe"
"""`#recipe=...` of the page's address. A fragment never reaches a server, so no log holds a prompt."""
LONGEST_LINK = 40_000


def restorable(values: Any) -> Recipe:
    """A recipe from parsed JSON that every control can show; what is left out has its host's defaults.

    Raises RecipeError: no object, an unknown field or host, a value out of range, a refinement that is not here.
    """
    if not isinstance(values, dict):
        raise RecipeError("the recipe is no JSON object; it must look like the Recipe JSON that the page offers")
    recipe = recipe_from_json(values)
    known = names_for(host_info(recipe.host).prior)
    if recipe.enhanced.refinement not in known:
        raise RecipeError(
            f"enhanced.refinement is {recipe.enhanced.refinement!r}, which is not here; with host {recipe.host} there are {', '.join(known)}"
        )
    return recipe


def pinned(recipe: Recipe) -> str:
    """A sentence about what a recipe fixes that a new page leaves to the machine, or ""."""
    return "" if recipe.tile_px is None else f" Tiles are {recipe.tile_px} px, as there; set them to 0 for automatic ones."


def fragment(recipe: Recipe) -> str:
    """`recipe=...`: what differs from its host's defaults, as JSON in URL-safe base64."""
    values, defaults = recipe.to_json(), recipe_from_json({"host": recipe.host}).to_json()
    text = json.dumps({"host": recipe.host} | _difference(values, defaults), ensure_ascii=False, separators=(",", ":"))
    return f"{LINK_KEY}=" + base64.urlsafe_b64encode(text.encode("utf-8")).decode("ascii").rstrip("=")


def of_fragment(text: str) -> Recipe | None:
    """The recipe of an address's fragment, with or without its `#`; None when it carries none. Raises RecipeError for a damaged one."""
    name, _, code = text.removeprefix("#").partition("=")
    if name != LINK_KEY:
        return None
    if len(code) > LONGEST_LINK:
        raise RecipeError(f"the recipe in this link has {len(code)} characters; at most {LONGEST_LINK} are read")
    try:
        values = json.loads(base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise RecipeError("the recipe in this link is damaged or cut off; copy the whole link again") from error
    return restorable(values)


def _difference(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            if inner := _difference(value, defaults[name]):
                found[name] = inner
        elif value != defaults.get(name):
            found[name] = value
    return found


def problem(message: str) -> str:
    """One sentence about what is wrong, as HTML for the status line."""
    return f'<span class="problem" role="alert">{escape(message)}</span>'
