"""The Curate tab: layout. What an event starts stands in curate_events.py."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio import curate_board, curate_scoring, help_text
from studio.curate_events import Handlers, Parts, wire
from studio.curate_review import Desks
from studio.engine import Engine
from studio.permission import jobs_allowed

HELP = (
    "Score once, select many: open a pool that `train.curate` has scored, and move the thresholds. No pixel is read again. "
    "With `rules.json` the command (`--rules`) selects the same."
)
DOWNLOADS = {"rules": "rules.json", "kept": "kept.txt", "left_out": "left_out.tsv"}


def build(engine: Engine, demo: gr.Blocks) -> None:
    """Add the tab to `demo`, the Blocks being built."""
    parts, scoring = _layout()
    wire(parts, Handlers(parts, engine, Desks()), demo)
    curate_scoring.wire(scoring, curate_scoring.ScoringHandlers(scoring, engine), demo)


def _layout() -> tuple[Parts, curate_scoring.ScoringParts]:
    with gr.Row(elem_id="curate"):
        with gr.Column(elem_id="curate-side-pane"):
            side = _side_pane()
            scoring = curate_scoring.pane()
        with gr.Column(elem_id="curate-main-pane"):
            summary = gr.HTML(apply_default_css=False, elem_id="curate-summary")
            board = curate_board.component("curate-board")
            changes = gr.HTML(apply_default_css=False, elem_id="curate-changes")
            funnel = gr.HTML(apply_default_css=False, elem_id="curate-funnel")
    parts = Parts(**side, summary=summary, board=board, changes=changes, funnel=funnel)
    return parts, curate_scoring.ScoringParts(parts.name, **scoring)


def _side_pane() -> dict[str, Any]:
    gr.Markdown(HELP, elem_id="curate-help")
    found: dict[str, Any] = {
        "name": gr.Dropdown(
            [], label="Curation", elem_id="curate-name",
            info="Scored pools below the folder RAPSR_CURATIONS of the studio (runs/).",
        ),
        "status": gr.HTML(apply_default_css=False, elem_id="curate-status", elem_classes="status"),
        "review": gr.Checkbox(
            False, label="Apply the reviewers' decisions", elem_id="curate-review", interactive=False,
            info="Stage 4: what people accepted and rejected, on top of the rules.",
        ),
        "reviewed_only": gr.Checkbox(
            False, label="Only what was reviewed", elem_id="curate-reviewed-only", interactive=False,
            info="Leaves out what no reviewer has decided. Needs the decisions above.",
        ),
    }  # fmt: skip
    with gr.Row(elem_classes="tight"):
        found["reference"] = gr.Button("Take as reference", size="sm", interactive=False, elem_id="curate-reference")
        found["made"] = gr.Button("As it was made", size="sm", interactive=False, elem_id="curate-made")
        found["defaults"] = gr.Button("Default rules", size="sm", interactive=False, elem_id="curate-defaults")
    found["upload"] = gr.UploadButton(
        "Open a rules.json", size="sm", file_types=[".json"], interactive=False, elem_id="curate-upload"
    )
    help_text.beside("curate-upload", "Rules taken away before, here or from `train.curate`. They set every threshold.")
    with gr.Row(elem_classes="tight"):
        found["downloads"] = {
            name: gr.DownloadButton(label, size="sm", interactive=False, elem_id=f"curate-download-{name.replace('_', '-')}")
            for name, label in DOWNLOADS.items()
        }
    with gr.Accordion("Human review, with the keyboard", open=False, elem_id="curate-group-review", visible=jobs_allowed()):
        found["reviewer"] = gr.Textbox(
            label="Reviewer", max_length=40, elem_id="curate-reviewer",
            info="Whose decisions these are. The desk shows what is kept now, on the computer where the studio runs.",
        )  # fmt: skip
        found["desk"] = gr.Button("Open the review desk", size="sm", interactive=False, elem_id="curate-desk")
        found["link"] = gr.HTML(apply_default_css=False, elem_id="curate-link")
    return {**found, "changed": gr.State({}), "before": gr.State(frozenset()), "opened": gr.State("")}
