"""The Prompt lab: layout. The axes are those of rapsr_core/sweep/axes.py; what an event starts stands in lab_events.py."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rapsr_core.quality.table import LIVE, METRICS
from rapsr_core.sweep.axes import AXES
from studio import compare_tab, lab_front, lab_grid, lab_view
from studio.compare_events import Parts as Compare
from studio.engine import Engine
from studio.lab_events import NO_AXIS, Handlers, Parts, wire

HELP = (
    "One photograph under many settings, as a grid: choose what changes along the columns, the rows and from sheet to sheet. Everything "
    "else is as in the **Compare** tab. All cells are checked before the first one runs, and those that share a baseline run together."
)
PHOTO_HELP = "What every cell restores. A small one, or a crop, makes many cells affordable."
TRUTH_HELP = (
    "Optional: the undamaged original, with the same proportions and at least the output size. It adds PSNR-Y, SSIM-Y and LPIPS."
)
PLACES = ("Columns", "Rows", "Sheets")
START = ("guidance_scale", "enhanced.strength", NO_AXIS)
EXAMPLES = {
    "guidance_scale": "1, 1.25, 1.5",
    "enhanced.strength": "0, 0.5, 1",
    "steps": "4, 8",
    "seed": "0:3:1",
    "output_scale": "2, 4",
    "cleaner": "none | real-esrgan",
    "colour_fix": "none | wavelet | adain",
    "enhanced.identifiers": "[X]. / [V]. | /",
    "enhanced.refinement": "embedded | none",
    "baseline.prompts": "clean, sharp, high quality / blurry, noisy | /",
}
"""Values put in when an axis is chosen, to be edited; others start empty."""
DOWNLOADS = {"enhanced": "Grid PNG, enhanced", "baseline": "Grid PNG, baseline", "csv": "CSV of all scores"}
BUDGET = 12


def build(engine: Engine, tabs: gr.Tabs, tab: gr.Tab, compare: Compare) -> None:
    """Add the tab to the Blocks being built. `compare`: where settings come from and cells are opened."""
    parts = _layout()
    wire(parts, Handlers(parts, engine, tabs, compare), tab, EXAMPLES)


def _layout() -> Parts:
    with gr.Row(elem_id="lab", elem_classes="panes"):
        with gr.Column(elem_id="lab-input-pane"):
            source = _input_pane()
        with gr.Column(elem_id="lab-result-pane"):
            result = _result_pane()
        with gr.Column(elem_id="lab-control-pane"):
            controls = _control_pane()
    return Parts(**source, **result, **controls, state=gr.State(None))


def _input_pane() -> dict[str, Any]:
    gr.Markdown(HELP, elem_id="lab-help")
    photo = compare_tab.photograph("Photograph", "lab-photo", "The photograph of the sweep", PHOTO_HELP)
    take = gr.Button("Take the photograph of Compare", size="sm", elem_id="lab-take")
    axes, values = zip(*(_axis(number) for number in range(len(PLACES))), strict=True)
    plan = gr.HTML(apply_default_css=False, elem_id="lab-plan", elem_classes="status")
    with gr.Row(elem_classes="tight"):
        run = gr.Button("Start the sweep", variant="primary", size="lg", elem_id="lab-run", scale=3)
        stop = gr.Button("Stop", variant="stop", size="lg", elem_id="lab-stop", scale=1)
    return {"photo": photo, "take": take, "axes": axes, "values": values, "plan": plan, "run": run, "stop": stop}


def _axis(number: int) -> tuple[gr.Dropdown, gr.Textbox]:
    path = START[number]
    choices = [(row.label, row.path) for row in AXES.values()]
    axis = gr.Dropdown(
        choices if number == 0 else [("Nothing", NO_AXIS), *choices], value=path, label=PLACES[number], elem_id=f"lab-axis{number}",
        info="What changes along the columns." if number == 0 else f"What changes along the {PLACES[number].lower()}, if anything does.",
    )  # fmt: skip
    values = gr.Textbox(
        EXAMPLES.get(path, ""), label=f"Values of the {PLACES[number].lower()}", lines=1, max_lines=8, elem_id=f"lab-values{number}",
        info=AXES[path].help if path in AXES else "Choose what changes first.", visible=path in AXES,
    )  # fmt: skip
    return axis, values


def _control_pane() -> dict[str, Any]:
    always = ", ".join(METRICS[name].label for name in LIVE)
    with gr.Accordion("Suggest: search under a budget", open=False, elem_id="lab-group-suggest"):
        gr.Markdown(
            "Tries settings spread over the grid above, gives the better third more seeds, and shows which are best in fidelity and in "
            "quality. Nothing is claimed of what was not tried.", elem_id="lab-suggest-help",
        )  # fmt: skip
        budget = gr.Number(
            BUDGET, label="Budget in comparisons", precision=0, minimum=1, maximum=500, elem_id="lab-budget",
            info="From 5 on the better third is repeated with more seeds, from 20 on twice.",
        )  # fmt: skip
        quality = gr.CheckboxGroup(
            [(row.label, row.name) for row in METRICS.values() if not row.needs_reference], value=list(LIVE), label="Quality",
            elem_id="lab-quality",
            info="Their mean, each by its typical range. Fidelity is LR-PSNR (area), or PSNR-Y and LPIPS where there is a ground truth.",
        )  # fmt: skip
        share = gr.Slider(
            0, 1, 0.5, step=0.05, label="Share of fidelity", elem_id="lab-share",
            info="In the one number by which settings are promoted: 0 = quality alone, 1 = fidelity alone.",
        )  # fmt: skip
        suggest = gr.Button("Suggest", variant="primary", elem_id="lab-suggest")
    with gr.Accordion("Scores and ground truth", open=False, elem_id="lab-group-scores"):
        extra = gr.CheckboxGroup(
            [(METRICS[name].label, name) for name in compare_tab.SLOW if name != "grid"], label="Slow metrics", elem_id="lab-extra",
            info=f"{always}, grid energy and LR-PSNR (area) are always scored. These take some seconds more a picture.",
        )  # fmt: skip
        truth = compare_tab.photograph("Ground truth", "lab-truth", "The ground truth that cells are held against", TRUTH_HELP)
    return {"budget": budget, "quality": quality, "share": share, "suggest": suggest, "extra": extra, "truth": truth}


def _result_pane() -> dict[str, Any]:
    progress = gr.HTML(lab_view.READY, apply_default_css=False, elem_id="lab-progress")
    grid = lab_grid.component("lab-grid")
    with gr.Row(elem_classes="tight"):
        downloads = {
            name: gr.DownloadButton(label, size="sm", interactive=False, elem_id=f"lab-download-{name}")
            for name, label in DOWNLOADS.items()
        }
    front = lab_front.component("lab-front")
    return {"progress": progress, "grid": grid, "downloads": downloads, "front": front}
