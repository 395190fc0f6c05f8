"""The named API: `gradio_client` calls `/compare` with an image file and a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import gradio as gr

from rapsr_core.comparison import Comparer
from rapsr_core.events import Finished
from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.images import read
from rapsr_core.quality.table import LIVE
from studio import actions, checks
from studio.live_run import LiveRun
from studio.results import RunFolder
from studio.score_table import GRID

SLOT = "compute"
"""Gradio's concurrency_id of everything that computes a comparison, page and API: one at a time."""
DESCRIPTION = (
    "Restore one photograph twice from the same noise, without and with the RAP-SR refinement. "
    "`image`: a file. `recipe`: a JSON object; every field is optional, unknown fields are refused. "
    "Returns the baseline PNG, the enhanced PNG, and a JSON object: recipe, prompts (text, token ids, count), scores, seconds."
)
Answer = tuple[str | None, str | None, dict[str, Any]]
"""Baseline PNG, enhanced PNG, report; while it runs (None, None, {"progress": sentence})."""


def build(comparer: Comparer) -> None:
    """Add the endpoint to the Blocks being built. Its components are not on the page."""

    def compare(image: str, recipe: dict[str, Any] | None = None) -> Iterator[Answer]:
        yield from _compare(comparer, image, recipe)

    def validate(image: str, recipe: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return checks.check_call(comparer, image, recipe)

    inputs = [gr.File(label="image", visible=False), gr.JSON(value={}, label="recipe", visible=False)]
    files = [gr.File(label=branch, visible=False) for branch in ("baseline", "enhanced")]
    gr.Button(visible=False).click(
        compare, inputs, [*files, gr.JSON(label="report", visible=False)], api_name="compare",
        api_description=DESCRIPTION, validator=validate, concurrency_id=SLOT, concurrency_limit=1,
    )  # fmt: skip


def _compare(comparer: Comparer, image: str, recipe: dict[str, Any] | None) -> Iterator[Answer]:
    """Yields while it runs, so that a client that leaves frees the slot; a client that waits gets the last item."""
    live = LiveRun(RunFolder(image), recipe_from_json(recipe or {}))
    try:
        with closing(comparer.compare(read(image), live.recipe, (*LIVE, GRID))) as events:
            for event in events:
                live.take(event)
                if isinstance(event, Finished):
                    yield str(live.downloads["baseline"]), str(live.downloads["enhanced"]), event.to_json()
                else:
                    yield None, None, {"progress": live.progress.message}
    except actions.KNOWN as error:
        raise gr.Error(str(error)) from error
