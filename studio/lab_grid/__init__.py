"""The grid of a sweep: one gr.HTML component of grid.html, grid.css and grid.js. Its value is LabRun.grid_value(); its event `open` carries a
cell's index. Values and errors reach the page as text; the template files are fixed (see studio/viewer/__init__.py)."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def component(elem_id: str) -> gr.HTML:
    """The grid, empty."""
    return gr.HTML(
        value=None,
        html_template=_text("grid.html"),
        css_template=_text("grid.css"),
        js_on_load='"use strict";\n' + _text("grid.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
