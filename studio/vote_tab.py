"""The Vote tab: layout. What an event starts stands in vote_events.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio import viewer, vote_panel
from studio.compare_events import Parts as Compare
from studio.engine import Engine
from studio.examples import Example
from studio.vote_events import Handlers, Parts, wire

HELP = (
    "Two results of one photograph, the sides drawn at random and without names. Say which one is better; then you see which is which. "
    "A vote is kept as a line of a file: the settings and prompts of both results, their scores, your answer and a random name of this "
    "visit. No photograph is kept with it."
)


def build(engine: Engine, tab: gr.Tab, compare: Compare, shown: list[Example]) -> None:
    """Add the tab to the Blocks being built. `compare`: whose finished runs become pairs, and whose settings an example is compared with."""
    parts = _layout()
    wire(parts, Handlers(parts, engine, compare, tuple(Path(example.path) for example in shown)), tab)


def _layout() -> Parts:
    with gr.Column(elem_id="vote"):
        gr.Markdown(HELP, elem_id="vote-help")
        record = gr.Checkbox(
            False, label="Record my comparisons as pairs", elem_id="vote-record",
            info="Each comparison that finishes in Compare from now on, until this page is closed, becomes pairs here. They are yours alone.",
        )  # fmt: skip
        with gr.Row(elem_classes="tight"):
            ask = gr.Button("Next pair", variant="primary", size="lg", interactive=False, elem_id="vote-next")
            make = gr.Button("Make a pair from an example", size="lg", elem_id="vote-make")
            stop = gr.Button("Stop", variant="stop", size="lg", elem_id="vote-stop")
        status = gr.HTML(apply_default_css=False, elem_id="vote-status", elem_classes="status")
        pictures = viewer.component("vote-viewer")
        panel = vote_panel.component("vote-panel")
        revealed = gr.HTML(apply_default_css=False, elem_id="vote-revealed")
        standing = gr.HTML(apply_default_css=False, elem_id="vote-standing")
    states: dict[str, Any] = {"pool": gr.State(None), "question": gr.State(None), "voter": gr.State("")}
    return Parts(record, ask, make, stop, status, pictures, panel, revealed, standing, **states)
