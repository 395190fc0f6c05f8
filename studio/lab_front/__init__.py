"""The plot of fidelity against quality of a search: one gr.HTML component that draws an SVG. Its value is LabRun.front_value(); its event
`open` carries a setting's index. As in lab_grid, nothing of the value becomes markup."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def component(elem_id: str) -> gr.HTML:
    """The plot, hidden until it has a value."""
    return gr.HTML(
        value=None,
        html_template=_text("front.html"),
        css_template=_text("front.css"),
        js_on_load='"use strict";\n' + _text("front.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
