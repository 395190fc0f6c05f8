"""The named API: `gradio_client` calls `/compare` with an image file and a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from rapsr_core.events import Finished
from rapsr_core.images import read
from rapsr_core.recipe import Recipe
from studio import actions, checks, score_table
from studio.live_run import LiveRun
from studio.runs import SLOT, RunFolder, Runs

DESCRIPTION = (
    "Restore one photograph twice from the same noise, without and with the RAP-SR refinement. "
    "`image`: a file. `recipe`: a JSON object; every field is optional, unknown fields are refused. "
    "Returns the baseline PNG, the enhanced PNG, and a JSON object with recipe, prompts (text, token ids, count), scores, seconds."
)


def build(runs: Runs) -> None:
    """Add the endpoint to the Blocks being built. Its components are not on the page."""

    def compare(image: str, recipe: dict[str, Any] | None = None) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
        yield from _compare(runs, image, recipe)

    def validate(image: str, recipe: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return checks.check_call(runs.comparer, image, recipe)

    inputs = [gr.File(label="image", visible=False), gr.JSON(value={}, label="recipe", visible=False)]
    outputs = [gr.File(label="baseline", visible=False), gr.File(label="enhanced", visible=False), gr.JSON(label="report", visible=False)]
    gr.Button(visible=False).click(
        compare, inputs, outputs, api_name="compare", api_description=DESCRIPTION, validator=validate,
        concurrency_id=SLOT, concurrency_limit=1,
    )  # fmt: skip


def _compare(runs: Runs, image: str, recipe: dict[str, Any] | None) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
    """Yields progress while it runs, so that a client that leaves frees the slot; the last item is the result."""
    asked = Recipe.from_json({} if recipe is None else recipe)
    live = LiveRun(RunFolder(image), asked)
    with closing(runs.events(read(image), asked, [*actions.LIVE, score_table.GRID])) as events:
        for event in events:
            live.take(event)
            if isinstance(event, Finished):
                paths = (str(live.downloads[branch]) for branch in ("baseline", "enhanced"))
                yield (*paths, event.to_json())
            else:
                yield None, None, {"progress": live.progress.message}
