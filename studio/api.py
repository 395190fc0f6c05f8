"""The named API: `gradio_client` calls `/compare` with an image file and a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from studio.engine import Engine

SLOT = "compute"
"""Gradio's concurrency_id of everything that computes a comparison, page and API: one at a time."""
DESCRIPTION = (
    "Restore one photograph twice from the same noise, without and with the RAP-SR refinement. "
    "`image`: a file. `recipe`: a JSON object; every field is optional, unknown fields are refused. "
    "Returns the baseline PNG, the enhanced PNG, and a JSON object: recipe, prompts (text, token ids, count), scores, seconds."
)


def build(engine: Engine) -> None:
    """Add the endpoint to the Blocks being built. Its components are not on the page."""

    def compare(image: str, recipe: dict[str, Any] | None = None) -> Iterator[Any]:
        yield from engine.parts.calls.compare(engine.parts.comparer, image, recipe)

    def validate(image: str, recipe: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = engine.parts.checks.check_call(engine.parts.comparer, image, recipe)
        return found

    inputs = [gr.File(label="image", visible=False), gr.JSON(value={}, label="recipe", visible=False)]
    files = [gr.File(label=branch, visible=False) for branch in ("baseline", "enhanced")]
    gr.Button(visible=False).click(
        compare, inputs, [*files, gr.JSON(label="report", visible=False)], api_name="compare",
        api_description=DESCRIPTION, validator=validate, concurrency_id=SLOT, concurrency_limit=1,
    )  # fmt: skip
