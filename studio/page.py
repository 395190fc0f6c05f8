"""The page: header and tabs."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio import api, compare_tab, curate_tab, degrade_tab, lab_tab, sessions, train_tab, vote_tab
from studio.degrade_events import Compare
from studio.engine import Engine
from studio.event_options import QUICK
from studio.examples import Example
from studio.permission import jobs_allowed
from studio.train_watch import IDLE_S

TITLE = "RAP-SR Studio"
SENTENCE = (
    "See, side by side and with scores, what restoration-prior enhancement does to a diffusion super-resolution method: "
    "the same noise and settings twice, without it and with it."
)
LOADING = "Loading torch and the method; photographs and settings can be chosen meanwhile"
FILES_CHECKED_EVERY_S, FILES_KEPT_S = 3600, 24 * 3600
MOST_WAITING = 64
"""Events that wait in all queues together; whoever comes then is told that the queue is full."""


def build(engine: Engine, shown: list[Example]) -> gr.Blocks:
    """The whole studio over one engine; `launch(**theme.launch_options(...))` opens it."""
    with gr.Blocks(title=TITLE, delete_cache=(FILES_CHECKED_EVERY_S, FILES_KEPT_S), analytics_enabled=False) as demo:
        api.build(engine)  # first: of equal names the later ones are changed
        header = gr.HTML(_header(LOADING), apply_default_css=False, elem_id="header")
        ticks = gr.Timer(IDLE_S, active=jobs_allowed())
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Compare", id="compare"):
                compared = compare_tab.build(engine, shown)
            with gr.Tab("Prompt lab", id="lab") as lab:
                lab_tab.build(engine, tabs, lab, compared)
            with gr.Tab("Degrade lab", id="degrade"):
                degrade_tab.build(engine, Compare(tabs, "compare", compared.sent, compared.truth))
            with gr.Tab("Curate", id="curate"):
                curate_tab.build(engine, demo)
            with gr.Tab("Train", id="train") as train:
                train_tab.build(engine, ticks, tabs, train, compared, demo)
            with gr.Tab("Vote", id="vote") as vote:
                vote_tab.build(engine, vote, compared, shown)
        demo.load(lambda: _header(engine.parts.comparer.device_reason), None, header, **QUICK)
        demo.unload(sessions.close)
    demo.queue(max_size=MOST_WAITING)
    return demo


def _header(device: str) -> str:
    return f'<header><h1>{TITLE}</h1><p>{SENTENCE}</p><p class="device" title="Where it computes">{escape(device)}</p></header>'
