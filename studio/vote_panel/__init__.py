"""The four answers: one gr.HTML component with buttons and keys. Its value is {"ballot": id or None}; its event `vote` carries ballot and answer."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def component(elem_id: str) -> gr.HTML:
    """The panel, without a question."""
    return gr.HTML(
        value={"ballot": None},
        html_template=_text("panel.html"),
        css_template=_text("panel.css"),
        js_on_load='"use strict";\n' + _text("panel.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
