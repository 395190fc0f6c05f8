"""A gr.HTML component made of real files: NAME.html, NAME.css and NAME.js of a folder, the script after dom.js.

The files are fixed. gr.HTML evaluates `${...}` and `{{...}}` in them, so nothing a user typed may ever get there: values are plain data, and
scripts draw every text as text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr


def component(folder: Path, name: str, elem_id: str, value: Any = None) -> gr.HTML:
    """The component, showing `value`."""
    markup, style, own = ((folder / f"{name}.{suffix}").read_text(encoding="utf-8") for suffix in ("html", "css", "js"))
    return gr.HTML(
        value=value, html_template=markup, css_template=style, js_on_load=script(own), apply_default_css=False, elem_id=elem_id
    )


def script(*parts: str) -> str:
    """Body of the function of `element`, `props`, `trigger` and `watch` that brings a component to life."""
    return "\n".join(['"use strict";', Path(__file__).with_name("dom.js").read_text(encoding="utf-8"), *parts])
