"""The four answers: one gr.HTML component with buttons and keys. Its value is {"ballot": id or None}; its event `vote` carries ballot and answer."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio import html_files


def component(elem_id: str) -> gr.HTML:
    """The panel, without a question."""
    return html_files.component(Path(__file__).parent, "panel", elem_id, {"ballot": None})
