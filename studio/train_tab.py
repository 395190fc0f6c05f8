"""The Train tab: layout. What a setting is stands in train_settings.py, what an event starts in train_events.py."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio import compare_events, train_jobs, train_settings
from studio.engine import Engine
from studio.help_text import beside
from studio.permission import jobs_allowed
from studio.train_events import Handlers, Parts, wire

HELP = (
    "Refine a prior on photographs that were curated, and teach it the identifiers (RPR and ROPO). The run is a process of its own: it goes on when "
    "this page or the studio is closed, and every visitor sees the same runs. Only one trains at a time. When it has finished, Compare and the "
    "Prompt lab have its refinement."
)
OFF = (
    "**Training is off here.** It starts processes on the machine that runs the studio, so it is off on a public Space. Run the studio on your own "
    "machine (README), or set the variable `RAPSR_ALLOW_JOBS=1` in the settings of a Space of your own. On the command line it is "
    "`python -m train.refine --photos DATASET --shelve NAME`."
)
SHEETS = "Validation sheets appear here while a run goes on: the same samples each time, drawn with the averaged weights, which the refinement takes."
PRESETS = (("As the shipped refinement", "embedded"), ("As published", "paper"))


def build(engine: Engine, timer: gr.Timer, tabs: gr.Tabs, tab: gr.Tab, compare: compare_events.Parts, page: gr.Blocks) -> None:
    """Add the tab to the Blocks being built. Where jobs are not allowed it says so, and has no event at all.

    `timer` stands outside the tabs, for what is in a tab that is not open does not tick; `compare`: where refinements are opened.
    """
    if not jobs_allowed():
        gr.Markdown(OFF, elem_id="train-off")
        return
    with gr.Row(elem_id="train"):
        with gr.Column(elem_id="train-side-pane"):
            side = _side_pane()
        with gr.Column(elem_id="train-main-pane"):
            new, runs = _new_run(), _runs()
    parts = Parts(**side, **new, **runs, timer=timer, chosen_sheet=gr.State(""), seen=gr.State(None))
    wire(parts, Handlers(parts, engine, tabs, compare), tab, page)


def _side_pane() -> dict[str, Any]:
    gr.Markdown(HELP, elem_id="train-help")
    found: dict[str, Any] = {
        "name": gr.Textbox(
            label="Name", max_length=60, elem_id="train-name",
            info="Of the run and of its refinement. Letters, digits, dots, hyphens, underscores; no other run or refinement has it.",
        ),
        "dataset": gr.Dropdown(
            train_jobs.datasets(), value=None, label="Curated dataset", elem_id="train-dataset",
            info="Curations with a dataset, below the folder RAPSR_CURATIONS of the studio (runs/). "
            "`python -m train.curate POOL runs/NAME` writes one; reload the page then.",
        ),
        "prior": gr.Dropdown(
            train_jobs.priors(), value=train_settings.EMBEDDED, label="Prior", elem_id="train-prior",
            info="What is refined. Priors whose weights are on this machine; `python -m train.doctor` says how to get others.",
        ),
        "preset": gr.Radio(
            list(PRESETS), value="embedded", label="Preset", elem_id="train-preset",
            info="Sets everything below. The shipped one is what two CPU cores do in half an hour, the published one 4,000 steps of 40 on GPUs.",
        ),
    }  # fmt: skip
    return found | {"settings": _settings()}


def _settings() -> dict[str, gr.components.Component]:
    values, found = train_settings.defaults("embedded"), {}
    for group, heading in train_settings.GROUPS:
        place = f"train-group-{group}"
        with gr.Accordion(heading, open=False, elem_id=place) if heading else gr.Group(elem_id=place):
            for row in train_settings.SETTINGS:
                if row.group == group:
                    found[row.name] = train_settings.component(row, values[row.name], train_settings.EMBEDDED)
    return found


def _new_run() -> dict[str, Any]:
    found: dict[str, Any] = {"plan": gr.HTML(apply_default_css=False, elem_id="train-plan")}
    with gr.Row(elem_classes="tight"):
        found["start"] = gr.Button("Start", variant="primary", size="lg", elem_id="train-start", scale=2)
        found["check"] = gr.Button("Dry run", size="lg", elem_id="train-check", scale=1)
    found["busy"] = gr.HTML(apply_default_css=False, elem_id="train-busy")
    found["checked"] = gr.HTML(apply_default_css=False, elem_id="train-checked")
    found["command"] = gr.Textbox(
        label="The command that Start runs", lines=2, max_lines=20, interactive=False, buttons=["copy"], elem_id="train-command",
        info="The same in a shell, from the folder of the studio. What is not in it is as the preset says. A dry run says what it would do, "
        "in half a minute.",
    )  # fmt: skip
    return found


def _runs() -> dict[str, Any]:
    gr.Markdown("### Runs, of every visitor", elem_id="train-runs-heading")
    found: dict[str, Any] = {}
    found["runs"] = gr.Radio(
        [], label="Run", visible=False, elem_id="train-runs", info="The last one started first. What is below is of the chosen one."
    )  # fmt: skip
    with gr.Row(elem_classes="tight", elem_id="train-buttons"):
        found["stop"] = gr.Button("Stop", variant="stop", interactive=False, elem_id="train-stop")
        found["resume"] = gr.Button("Resume", interactive=False, elem_id="train-resume")
        found["open"] = gr.Button("Open in Compare", variant="primary", interactive=False, elem_id="train-open")
    found["progress"] = gr.HTML(apply_default_css=False, elem_id="train-progress")
    found["curve"] = gr.HTML(apply_default_css=False, elem_id="train-curve")
    found["sheet"] = gr.Image(
        label="Validation sheet", format="png", type="filepath", interactive=False, visible=False, buttons=["download", "fullscreen"],
        elem_id="train-sheet", alt_text="Validation sheet: pictures drawn without and with each identifier",
    )  # fmt: skip
    beside("train-sheet", SHEETS)
    with gr.Row(elem_classes="tight"):
        found["earlier"] = gr.Button("Earlier sheet", size="sm", visible=False, elem_id="train-earlier")
        found["later"] = gr.Button("Later sheet", size="sm", visible=False, elem_id="train-later")
    found["sheet_told"] = gr.HTML(apply_default_css=False, elem_id="train-sheet-told")
    found["log"] = gr.HTML(apply_default_css=False, elem_id="train-log")
    return found
