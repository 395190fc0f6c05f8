"""The batch of the Compare tab: layout and events. What happens is in batch.py.

Each photograph goes through the queue by itself, so that other visitors' comparisons stand between two of a batch: the state `turn`
changes when one is finished and another is left, and its change starts that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from rapsr_core.quality.table import LIVE, METRICS
from rapsr_core.recipe import RecipeError
from studio import forms, help_text, progress_view
from studio.api import SLOT
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK

if TYPE_CHECKING:
    from studio.batch import Batch

HELP = (
    "Every photograph is compared with the settings of this page, one after another; each is captioned by itself while "
    "“Write the caption for me” is ticked. At most 50 files and 256 MB. You get a zip of both branches and a CSV of the scores."
)


@dataclass(frozen=True)
class BatchParts:
    """The batch's components, and the settings it reads."""

    controls: Mapping[str, gr.components.Component]
    slow: gr.CheckboxGroup
    fetched: gr.Dropdown
    files: gr.File
    run: gr.Button
    stop: gr.Button
    progress: gr.HTML
    listing: gr.HTML
    download: gr.DownloadButton
    batch: gr.State
    turn: gr.State  # changes when a photograph is to be compared

    def shown(self) -> list[Any]:
        return [self.batch, self.turn, self.progress, self.listing, self.download]


def pane() -> dict[str, Any]:
    """The components, in a group of their own."""
    with gr.Accordion("Batch: several files or a zip", open=False, elem_id="group-batch"):
        files = gr.File(label="Photographs, or a zip of them", file_count="multiple", height=120, elem_id="batch-files")
        help_text.beside("batch-files", HELP)
        with gr.Row(elem_id="batch-buttons"):
            run = gr.Button("Compare all", size="sm", elem_id="batch-run")
            stop = gr.Button("Stop", size="sm", variant="stop", elem_id="batch-stop")
        progress = gr.HTML(apply_default_css=False, elem_id="batch-progress")
        listing = gr.HTML(apply_default_css=False, elem_id="batch-list")
        download = gr.DownloadButton("Results and scores (zip)", size="sm", interactive=False, elem_id="batch-download")
    return {
        "files": files, "run": run, "stop": stop, "progress": progress, "listing": listing, "download": download,
        "batch": gr.State(None), "turn": gr.State(""),
    }  # fmt: skip


@dataclass(frozen=True)
class BatchHandlers:
    """Functions of the events."""

    parts: BatchParts
    engine: Engine

    def start(
        self, before: Batch | None, files: list[str] | None, slow: list[str], fetched: list[str], *args: Any
    ) -> dict[Any, Any]:
        """Check everything; the first photograph then starts by the change of `turn`. It ends the batch `before`."""
        work, values = self.engine.parts, dict(zip(self.parts.controls, args, strict=True))
        try:
            recipe = forms.recipe_of(values)
            work.checks.check_recipe(recipe)
            if values["caption.automatic"]:
                recipe = replace(recipe, caption=None)
            batch = work.batch.opened(work.comparer, files or [], recipe, (*slow, *fetched))
            if before is not None:
                before.stop.set()
        except (work.batch.BatchError, RecipeError) as error:
            raise gr.Error(str(error)) from error
        waiting = progress_view.render(progress_view.Progress(f"{len(batch.files)} files are waiting"))
        return self._shown(batch, waiting)

    def advance(self, batch: Batch) -> Iterator[dict[Any, Any]]:
        """The next photograph of the batch, which another visitor's comparison may have gone before."""
        if batch is None or batch.over:
            yield {self.parts.batch: gr.skip()}
            return
        work = self.engine.parts
        for done, progress in work.batch.advance(work.comparer, batch):
            yield {self.parts.progress: progress} if done is batch else self._shown(done, progress)

    def stop(self, batch: Batch | None) -> dict[Any, Any]:
        """Stop was pressed: what is finished can be had."""
        if batch is None or batch.over:
            return {self.parts.batch: gr.skip()}
        batch.stop.set()
        text = f"Stopped: {len(batch.rows)} of {len(batch.files)} files finished"
        return self._shown(batch, progress_view.render(progress_view.Progress(text, len(batch.rows) / len(batch.files))))

    def _shown(self, batch: Batch, progress: str) -> dict[Any, Any]:
        path = self.engine.parts.batch.packed(batch) if batch.over else None
        return {
            self.parts.batch: batch,
            self.parts.turn: gr.skip() if batch.over else f"{batch.folder.id} {len(batch.rows)}",
            self.parts.progress: progress,
            self.parts.listing: listing(batch),
            self.parts.download: gr.DownloadButton(value=str(path) if path else None, interactive=path is not None),
        }


def wire(parts: BatchParts, do: BatchHandlers) -> None:
    """Connect everything."""
    settings = [parts.batch, parts.files, parts.slow, parts.fetched, *parts.controls.values()]
    started = parts.run.click(do.start, settings, parts.shown(), show_progress="hidden", **PRIVATE)
    going = parts.turn.change(
        do.advance, parts.batch, parts.shown(), concurrency_id=SLOT, concurrency_limit=1, show_progress="hidden",
        trigger_mode="multiple",  # a turn that waited for one that is being cancelled would be forgotten with it
        **PRIVATE,
    )  # fmt: skip
    parts.stop.click(None, cancels=[started, going])
    parts.stop.click(do.stop, parts.batch, parts.shown(), **QUICK)


def listing(batch: Batch) -> str:
    """The files as an HTML table: state, live scores of both branches; then those refused, with the reason. All text escaped."""
    heads = "".join(f'<th scope="col">{METRICS[name].label}</th>' for name in LIVE)
    rows = [_finished(row.image, row.scores, row.notes) for row in batch.rows]
    state = "not done" if batch.stopped else "waiting"
    rows += [
        f'<tr><th scope="row">{escape(name)}</th><td colspan="{len(LIVE)}">{state}</td></tr>'
        for name, _ in batch.files[len(rows) :]
    ]
    rows += [
        f'<tr><th scope="row">{escape(name)}</th><td class="failed" colspan="{len(LIVE)}">refused: {escape(reason)}</td></tr>'
        for name, reason in batch.refused
    ]
    return (
        '<div class="scores batch" tabindex="0" role="region" aria-label="Files of the batch"><table><caption>Files of the batch: baseline → '
        f'enhanced</caption><thead><tr><th scope="col">File</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _finished(name: str, scores: Mapping[tuple[str, str], float | None], notes: str) -> str:
    cells = []
    for metric in LIVE:
        pair = [scores[metric, branch] for branch in ("baseline", "enhanced")]
        cells.append("–" if None in pair else " → ".join(f"{value:.2f}" for value in pair if value is not None))
    if set(cells) == {"–"}:
        return f'<tr><th scope="row">{escape(name)}</th><td class="failed" colspan="{len(LIVE)}">{escape(notes)}</td></tr>'
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
