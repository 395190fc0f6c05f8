"""The Degrade lab: layout. What a control is stands in degrade_forms.py, what an event starts in degrade_events.py."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rapsr_core.degradation.presets import PRESETS
from studio import compare_tab, degrade_forms, help_text, viewer
from studio.degrade_events import NO_PHOTO, Compare, Handlers, Parts, wire
from studio.engine import Engine

CROPS_PX = (256, 512, 768, 1024)
DOWNLOADS = {"lq": "Degraded PNG", "hq": "Ground truth PNG", "record": "Record JSON", "preset": "Preset YAML"}
HELP = (
    "Open a clean photograph; it is degraded by the second-order process of Real-ESRGAN, stage by stage. The sliders set what is drawn "
    "from, the seed what is drawn; what this seed did not draw, no slider changes. The same seed and preset give the same pixels, here and in `train.degrade`."
)

PHOTO_HELP = "Sharp, without noise and artefacts: what is in it already is not told from what is added."


def build(engine: Engine, compare: Compare) -> None:
    """Add the tab to the Blocks being built. `compare`: where a degraded picture is sent."""
    parts = _layout()
    wire(parts, Handlers(parts, engine, compare), compare)


def _layout() -> Parts:
    with gr.Row(elem_id="degrade", elem_classes="panes"):
        with gr.Column(elem_id="degrade-input-pane"):
            source = _input_pane()
        with gr.Column(elem_id="degrade-result-pane"):
            result = _result_pane()
        with gr.Column(elem_id="degrade-control-pane"):
            controls = _control_pane()
    return Parts(**source, **result, **controls)


def _input_pane() -> dict[str, Any]:
    gr.Markdown(HELP, elem_id="degrade-help")
    photo = compare_tab.photograph("Clean photograph", "degrade-photo", "The clean photograph to degrade", PHOTO_HELP)
    crop = gr.Radio(
        [(f"{px} px", px) for px in CROPS_PX], value=512, label="Use the centre, at most", elem_id="degrade-crop",
        info="Longest side of the part that is degraded. Smaller is quicker.",
    )  # fmt: skip
    preset = gr.Dropdown(
        list(PRESETS), value=degrade_forms.START, label="Start from preset", elem_id="degrade-preset",
        info="Sets every slider. The published settings of Real-ESRGAN, RAP-SR, SeeSR, StableSR, OSEDiff and DiffBIR, and plain bicubic.",
    )  # fmt: skip
    seed = gr.Number(
        0, label="Seed", precision=0, minimum=0, maximum=2**32 - 1, elem_id="degrade-seed", info="Another seed is another draw."
    )
    with gr.Row(elem_classes="tight"):
        random_seed = gr.Button("Random seed", size="sm", elem_id="degrade-random-seed")
        reset = gr.Button("Back to the preset", size="sm", elem_id="degrade-reset")
    send = gr.Button("Send to Compare", variant="primary", size="lg", interactive=False, elem_id="degrade-send")
    return {
        "photo": photo,
        "crop": crop,
        "preset": preset,
        "seed": seed,
        "random_seed": random_seed,
        "reset": reset,
        "send": send,
        "made": gr.State(None),
    }


def _result_pane() -> dict[str, Any]:
    status = gr.HTML(NO_PHOTO, apply_default_css=False, elem_id="degrade-status", elem_classes="status")
    pictures = viewer.component("degrade-viewer")
    with gr.Row(elem_classes="tight"):
        downloads = {
            name: gr.DownloadButton(label, size="sm", interactive=False, elem_id=f"degrade-download-{name}")
            for name, label in DOWNLOADS.items()
        }
    steps = gr.HTML(apply_default_css=False, elem_id="degrade-steps")
    with gr.Accordion("The record: every decision, as JSON", open=False, elem_id="degrade-record-group"):
        record = gr.JSON(label="Record", elem_id="degrade-record", open=True)
    return {"status": status, "viewer": pictures, "downloads": downloads, "steps": steps, "record": record}


def _control_pane() -> dict[str, Any]:
    values, found = degrade_forms.values_of(PRESETS[degrade_forms.START]), {}
    with gr.Accordion("Own preset: name, file", open=False, elem_id="degrade-group-own"):
        found["name"] = gr.Textbox(
            degrade_forms.NAME, label="Name", max_length=60, elem_id="degrade-name",
            info="Of the preset when its values are not those of one of the core; stands in the record and the file.",
        )  # fmt: skip
        found["upload"] = gr.UploadButton(
            "Open a preset file", size="sm", file_types=[".yaml", ".yml", ".json"], elem_id="degrade-upload"
        )
        help_text.beside("degrade-upload", "A file that Preset YAML gave, or one of `train.degrade`. It sets every slider.")
    knobs: dict[str, gr.components.Component] = {}
    for group, heading in degrade_forms.GROUPS:
        with gr.Accordion(heading, open=group == "start", elem_id="degrade-group-" + group.replace(".", "-")):
            for knob in degrade_forms.KNOBS:
                if knob.group == group:
                    knobs[knob.path] = degrade_forms.component(knob, values[knob.path])
            if group == "final":
                found["jpeg"] = gr.Radio(
                    [("libjpeg", "codec"), ("Official arithmetic", "torch")], value="codec", label="JPEG by", elem_id="degrade-jpeg",
                    info="The codec that cameras' files meet, or the arithmetic that the Real-ESRGAN family trains with.",
                )  # fmt: skip
                found["resize_back"] = gr.Checkbox(
                    False, label="Resize back", elem_id="degrade-resize-back",
                    info="Adds a last stage at the photograph's size, as RAP-SR's negative examples are made. Compare gets the picture before.",
                )  # fmt: skip
    return {"knobs": knobs, **found}
