"""Help of components that take no `info`, as gr.Image and gr.File do not."""

from __future__ import annotations

import gradio as gr


def beside(elem_id: str, text: str) -> gr.Markdown:
    """A line under the component `elem_id`, whose id is that with "-help" after it."""
    return gr.Markdown(text, elem_id=f"{elem_id}-help", elem_classes="control-help")
