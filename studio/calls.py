"""What a call of the API does."""

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
from studio.actions import KNOWN
from studio.live_run import LiveRun
from studio.results import RunFolder
from studio.score_table import GRID

Answer = tuple[str | None, str | None, dict[str, Any]]
"""Baseline PNG, enhanced PNG, report; while it runs (None, None, {"progress": sentence})."""


def compare(comparer: Comparer, image: str, recipe: dict[str, Any] | None) -> Iterator[Answer]:
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
    except KNOWN as error:
        raise gr.Error(str(error)) from error
