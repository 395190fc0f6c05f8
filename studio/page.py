"""The page: header and tabs."""

from __future__ import annotations

from html import escape

import gradio as gr

from rapsr_core.comparison import Comparer
from studio import api, compare_tab
from studio.examples import Example

TITLE = "RAP-SR Studio"
SENTENCE = (
    "See, side by side and with scores, what restoration-prior enhancement does to a diffusion super-resolution method: "
    "the same noise and settings twice, without it and with it."
)
FILES_CHECKED_EVERY_S, FILES_KEPT_S = 3600, 24 * 3600


def build(comparer: Comparer, shown: list[Example]) -> gr.Blocks:
    """The whole studio over one comparer; `launch(**theme.launch_options(...))` opens it."""
    with gr.Blocks(title=TITLE, delete_cache=(FILES_CHECKED_EVERY_S, FILES_KEPT_S), analytics_enabled=False) as demo:
        gr.HTML(_header(comparer.device_reason), apply_default_css=False, elem_id="header")
        compare_tab.build(comparer, shown)
        api.build(comparer)
    return demo


def _header(device: str) -> str:
    return f'<header><h1>{TITLE}</h1><p>{SENTENCE}</p><p class="device" title="Where it computes">{escape(device)}</p></header>'
