"""The Compare tab: layout. What a control is stands in forms.py, what an event starts in compare_events.py."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.quality.table import LIVE, METRICS
from studio import batch_pane, examples, forms, help_text, host_view, progress_view, restore_pane, viewer
from studio.compare_events import Handlers, Parts, wire
from studio.engine import Engine
from studio.examples import Example

GROUPS: tuple[tuple[forms.Group, str], ...] = (
    ("host", ""),
    ("caption", ""),
    ("enhanced", "Enhanced branch: identifiers, prompts, strength"),
    ("baseline", "Baseline branch: prompts"),
    ("sampling", "Sampling, cleaner and colour"),
    ("output", "Output size and tiles"),
)
"""Control groups in page order: name and heading; without a heading the group is always open."""
DOWNLOADS = {
    "baseline": "Baseline PNG",
    "enhanced": "Enhanced PNG",
    "sheet": "Side by side PNG",
    "page": "Comparison page",
    "recipe": "Recipe JSON",
}
PHOTO_HELP = "Any picture of at most 64 MB, from a file or the clipboard. How long it takes is said before it starts."
TRUTH_HELP = (
    "The undamaged original of the photograph, opened after it: the same proportions, at least the output size. With it PSNR-Y, SSIM-Y and "
    "LPIPS appear among the scores, and it joins the pictures of the viewer."
)
SLOW = tuple(m.name for m in METRICS.values() if not m.live and not m.needs_reference)
FETCHED = ("musiq", "maniqa", "clipiqa", "topiq_nr")
"""Offered by name; pyiqa fetches their weights. Any other name that pyiqa knows can be typed in."""


def build(engine: Engine, shown: list[Example]) -> Parts:
    """Add the tab to the Blocks being built."""
    parts, batch = _layout(shown)
    parts = wire(parts, Handlers(parts, engine, shown))
    page = gr.context.Context.root_block
    assert page is not None
    restore_pane.wire(parts.restore, restore_pane.RestoreHandlers(parts.restore, engine), page)
    batch_pane.wire(batch, batch_pane.BatchHandlers(batch, engine))
    return parts


def _layout(shown: list[Example]) -> tuple[Parts, batch_pane.BatchParts]:
    with gr.Row(elem_id="compare"):
        with gr.Column(elem_id="input-pane"):
            source = _input_pane(shown)
            batched = batch_pane.pane()
        with gr.Column(elem_id="result-pane"):
            result = _result_pane()
        with gr.Column(elem_id="control-pane"):
            controls, restored = _control_pane()
    restore = restore_pane.RestoreParts(controls=controls["controls"], status=source["status"], **restored)
    parts = Parts(**source, **result, **controls, history=restore.history, restore=restore)
    return parts, batch_pane.BatchParts(parts.controls, parts.slow, parts.fetched, **batched)


def _input_pane(shown: list[Example]) -> dict[str, Any]:
    photo = photograph("Photograph", "photo", "The photograph to compare", PHOTO_HELP)
    with gr.Row(elem_id="run-buttons"):
        compare = gr.Button("Compare", variant="primary", size="lg", elem_id="run", scale=3)
        stop = gr.Button("Stop", variant="stop", size="lg", elem_id="stop", scale=1)
    status = gr.HTML(apply_default_css=False, elem_id="status", elem_classes="status")
    crop = gr.Button("Use a centre crop", visible=False, elem_id="crop")
    picker = examples.component(shown)
    with gr.Accordion("Ground truth (optional)", open=False, elem_id="group-ground-truth"):
        truth = photograph("Ground truth", "ground-truth", "The ground truth that results are held against", TRUTH_HELP)
    return {
        "photo": photo,
        "truth": truth,
        "compare": compare,
        "stop": stop,
        "status": status,
        "crop": crop,
        "crop_px": gr.State(0),
        "picker": picker,
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
    curve = gr.HTML(apply_default_css=False, elem_id="curve")
    return {
        "progress": progress,
        "viewer": pictures,
        "downloads": downloads,
        "scores": scores,
        "curve": curve,
        "keep": keep,
        "forget": forget,
        "results": gr.State(()),
        "kept": gr.State(()),
        "sent": gr.State(None),
        "finished": gr.State(None),
        "export": gr.State(None),
    }


def _control_pane() -> tuple[dict[str, Any], dict[str, Any]]:
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
                preset = restore_pane.preset(default.host)
    with gr.Accordion("Scores", open=False, elem_id="group-scores"):
        slow, fetched = _metrics()
        curve_metric = gr.Radio(
            [("None", ""), *((METRICS[name].label, name) for name in LIVE)], value=LIVE[0], label="Curve over the steps",
            info="Scores the previews while they come, with at most 3 % of the run's time. None = no curve.", elem_id="curve-metric",
        )  # fmt: skip
    restore = restore_pane.pane()
    gr.Markdown("### What each branch encodes", elem_id="encoded-heading")
    prompts = gr.HTML(apply_default_css=False, elem_id="prompts")
    own = {
        "controls": controls,
        "random_seed": random_seed,
        "slow": slow,
        "fetched": fetched,
        "curve_metric": curve_metric,
        "prompts": prompts,
    }
    return own, {"host_facts": host_facts, "preset": preset, **restore}


def photograph(label: str, elem_id: str, alt: str, about: str) -> gr.Image:
    """An upload that hands over the very file that was uploaded, with its help under it.

    `gr.Image` opens the file first, may re-encode it (16 bit, ICC, EXIF), and refuses a damaged one with an error that names
    a path of the server. `rapsr_core.images.read` does all of that better.
    """
    photo = gr.Image(
        label=label, type="filepath", image_mode=None, sources=["upload", "clipboard"], height=230,
        buttons=[], elem_id=elem_id, alt_text=alt,
    )  # fmt: skip
    photo.preprocess = lambda payload: payload and payload.path
    help_text.beside(elem_id, about)
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
