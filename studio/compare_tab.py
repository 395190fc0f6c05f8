"""The Compare tab: layout. What a control is stands in forms.py, what an event starts in compare_events.py."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.quality.table import LIVE, METRICS
from studio import examples, forms, host_view, progress_view, viewer
from studio.compare_events import Handlers, Parts, wire
from studio.engine import Engine
from studio.examples import Example

GROUPS: tuple[tuple[forms.Group, str], ...] = (
    ("host", ""),
    ("caption", ""),
    ("enhanced", "Enhanced branch: identifiers, prompts, strength"),
    ("baseline", "Baseline branch: prompts"),
    ("sampling", "Sampling, cleaner and colour"),
    ("output", "Output size"),
)
"""Control groups in page order: name and heading; without a heading the group is always open."""
DOWNLOADS = {
    "baseline": "Baseline PNG",
    "enhanced": "Enhanced PNG",
    "sheet": "Side by side PNG",
    "page": "Comparison page",
    "recipe": "Recipe JSON",
}
SLOW = tuple(m.name for m in METRICS.values() if not m.live and not m.needs_reference)
FETCHED = ("musiq", "maniqa", "clipiqa", "topiq_nr")
"""Offered by name; pyiqa fetches their weights. Any other name that pyiqa knows can be typed in."""


def build(engine: Engine, shown: list[Example]) -> None:
    """Add the tab to the Blocks being built."""
    parts = _layout(shown)
    wire(parts, Handlers(parts, engine, shown))


def _layout(shown: list[Example]) -> Parts:
    with gr.Row(elem_id="compare"):
        with gr.Column(elem_id="input-pane"):
            source = _input_pane(shown)
        with gr.Column(elem_id="result-pane"):
            result = _result_pane()
        with gr.Column(elem_id="control-pane"):
            controls = _control_pane()
    return Parts(**source, **result, **controls)


def _input_pane(shown: list[Example]) -> dict[str, Any]:
    photo = photograph()
    with gr.Row(elem_id="run-buttons"):
        compare = gr.Button("Compare", variant="primary", size="lg", elem_id="run", scale=3)
        stop = gr.Button("Stop", variant="stop", size="lg", elem_id="stop", scale=1)
    return {
        "photo": photo,
        "compare": compare,
        "stop": stop,
        "status": gr.HTML(apply_default_css=False, elem_id="status"),
        "crop": gr.Button("Use a centre crop", visible=False, elem_id="crop"),
        "crop_px": gr.State(0),
        "picker": examples.component(shown),
    }


def _result_pane() -> dict[str, Any]:
    progress = gr.HTML(progress_view.READY, apply_default_css=False, elem_id="progress")
    pictures = viewer.component("viewer")
    with gr.Row(elem_id="downloads"):
        downloads = {
            name: gr.DownloadButton(label, size="sm", interactive=False, elem_id=f"download-{name}")
            for name, label in DOWNLOADS.items()
        }
    with gr.Row(elem_id="kept-row"):
        keep = gr.Button("Keep in the viewer", size="sm", interactive=False, elem_id="keep")
        forget = gr.Button("Forget what is kept", size="sm", visible=False, elem_id="forget")
    scores = gr.HTML(apply_default_css=False, elem_id="scores")
    return {
        "progress": progress,
        "viewer": pictures,
        "downloads": downloads,
        "scores": scores,
        "keep": keep,
        "forget": forget,
        "results": gr.State(()),
        "kept": gr.State(()),
    }


def _control_pane() -> dict[str, Any]:
    default = recipe_from_json({})
    values, controls = forms.values_of(default), {}
    for group, heading in GROUPS:
        with gr.Accordion(heading, open=False, elem_id=f"group-{group}") if heading else gr.Group():
            for control in forms.CONTROLS:
                if control.group == group:
                    controls[control.path] = forms.component(control, values[control.path], default.host)
                    if control.path == "seed":
                        random_seed = gr.Button("Random seed", size="sm", elem_id="random-seed")
            if group == "host":
                host_facts = gr.HTML(host_view.render(default.host), apply_default_css=False, elem_id="host-facts")
    with gr.Accordion("Scores", open=False, elem_id="group-scores"):
        slow, fetched = _metrics()
    reset = gr.Button("Reset to defaults", size="sm", elem_id="reset")
    gr.Markdown("### What each branch encodes", elem_id="encoded-heading")
    prompts = gr.HTML(apply_default_css=False, elem_id="prompts")
    return {
        "controls": controls,
        "host_facts": host_facts,
        "random_seed": random_seed,
        "slow": slow,
        "fetched": fetched,
        "reset": reset,
        "prompts": prompts,
    }


def photograph() -> gr.Image:
    """An upload that hands over the very file that was uploaded.

    `gr.Image` opens the file first, may re-encode it (16 bit, ICC, EXIF), and refuses a damaged one with an error that names
    a path of the server. `rapsr_core.images.read` does all of that better.
    """
    photo = gr.Image(
        label="Photograph", type="filepath", image_mode=None, sources=["upload", "clipboard"], height=230,
        buttons=[], elem_id="photo", alt_text="The photograph to compare",
    )  # fmt: skip
    photo.preprocess = lambda payload: payload and payload.path
    return photo


def _metrics() -> tuple[gr.CheckboxGroup, gr.Dropdown]:
    always = ", ".join(METRICS[name].label for name in LIVE)
    slow = gr.CheckboxGroup(
        [(METRICS[name].label, name) for name in SLOW],
        label="Slow metrics",
        info=f"{always} are always scored. These take some seconds more a picture.",
        elem_id="control-slow",
    )
    fetched = gr.Dropdown(
        list(FETCHED),
        value=[],
        multiselect=True,
        allow_custom_value=True,
        label="Other metrics of pyiqa",
        info="They need weights from the network: start the studio with HF_HUB_OFFLINE=0. One that cannot be loaded says so.",
        elem_id="control-fetched",
    )
    return slow, fetched
