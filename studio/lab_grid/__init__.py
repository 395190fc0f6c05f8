"""The grid of a sweep: one gr.HTML component of grid.html, grid.css and grid.js. Its value is LabRun.grid_value(); its event `open` carries a
cell's index. Values and errors reach the page as text; the template files are fixed (see studio/viewer/__init__.py)."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio import html_files


def component(elem_id: str) -> gr.HTML:
    """The grid, empty."""
    return html_files.component(Path(__file__).parent, "grid", elem_id)
