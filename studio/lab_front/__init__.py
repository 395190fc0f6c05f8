"""The plot of fidelity against quality of a search: one gr.HTML component that draws an SVG. Its value is LabRun.front_value(); its event
`open` carries a setting's index. As in lab_grid, nothing of the value becomes markup."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio import html_files


def component(elem_id: str) -> gr.HTML:
    """The plot, hidden until it has a value."""
    return html_files.component(Path(__file__).parent, "front", elem_id)
