"""The Compare tab: layout and wiring. What happens on an event is in actions.py, what a control is in forms.py."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rapsr_core.comparison import Comparer
from rapsr_core.quality.table import LIVE, METRICS
from rapsr_core.recipe import Recipe
from studio import actions, checks, examples, forms, viewer
from studio.api import SLOT
from studio.examples import Example

GROUPS: tuple[tuple[forms.Group, str], ...] = (
    ("caption", ""),
    ("enhanced", "Enhanced branch: identifiers, prompts, strength"),
    ("baseline", "Baseline branch: prompts"),
    ("sampling", "Sampling, cleaner and colour"),
    ("output", "Output size"),
)
"""Control groups in page order: name and heading; without a heading the group is always open."""
DOWNLOADS = {"baseline": "Baseline PNG", "enhanced": "Enhanced PNG", "recipe": "Recipe JSON"}
SLOW = tuple(m.name for m in METRICS.values() if not m.live and not m.needs_reference)
FETCHED = ("musiq", "maniqa", "clipiqa", "topiq_nr")
"""Offered by name; pyiqa fetches their weights. Any other name that pyiqa knows can be typed in."""


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    photo: gr.Image
    picker: gr.HTML
    compare: gr.Button
    stop: gr.Button
    status: gr.HTML
    crop: gr.Button
    crop_px: gr.State
    controls: Mapping[str, gr.components.Component]  # control path -> component
    random_seed: gr.Button
    reset: gr.Button
    slow: gr.CheckboxGroup
    fetched: gr.Dropdown
    prompts: gr.HTML
    progress: gr.HTML
    viewer: gr.HTML
    scores: gr.HTML
    downloads: Mapping[str, gr.DownloadButton]


def build(comparer: Comparer, shown: list[Example]) -> None:
    """Add the tab to the Blocks being built."""
    parts = _layout(shown)
    _wire_runs(parts, comparer, shown)
    _wire_controls(parts, comparer)


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
    progress = gr.HTML(actions.READY, apply_default_css=False, elem_id="progress")
    pictures = viewer.component("viewer")
    with gr.Row(elem_id="downloads"):
        downloads = {
            name: gr.DownloadButton(label, size="sm", interactive=False, elem_id=f"download-{name}")
            for name, label in DOWNLOADS.items()
        }
    scores = gr.HTML(apply_default_css=False, elem_id="scores")
    return {"progress": progress, "viewer": pictures, "downloads": downloads, "scores": scores}


def _control_pane() -> dict[str, Any]:
    values, controls = forms.values_of(Recipe()), {}
    for group, heading in GROUPS:
        with gr.Accordion(heading, open=False, elem_id=f"group-{group}") if heading else gr.Group():
            for control in forms.CONTROLS:
                if control.group == group:
                    controls[control.path] = forms.component(control, values[control.path])
                    if control.path == "seed":
                        random_seed = gr.Button("Random seed", size="sm", elem_id="random-seed")
    with gr.Accordion("Scores", open=False, elem_id="group-scores"):
        slow, fetched = _metrics()
    reset = gr.Button("Reset to defaults", size="sm", elem_id="reset")
    gr.Markdown("### What each branch encodes", elem_id="encoded-heading")
    prompts = gr.HTML(apply_default_css=False, elem_id="prompts")
    return {
        "controls": controls,
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


def updates(parts: Parts, shown: actions.Shown) -> dict[Any, Any]:
    """Gradio's updates for what changed."""
    values = {
        parts.status: shown.status,
        parts.progress: shown.progress,
        parts.viewer: shown.viewer,
        parts.scores: shown.scores,
        parts.prompts: shown.prompts,
        parts.controls["caption"]: shown.caption,
    }
    found: dict[Any, Any] = {component: value for component, value in values.items() if value is not None}
    if shown.crop_px is not None:
        label = f"Use a centre crop of at most {shown.crop_px} × {shown.crop_px} px"
        found[parts.crop] = gr.Button(label, visible=shown.crop_px > 0)
        found[parts.crop_px] = shown.crop_px
    if shown.downloads is not None:
        for name, button in parts.downloads.items():
            path = shown.downloads.get(name)
            found[button] = gr.DownloadButton(value=str(path) if path else None, interactive=path is not None)
    return found


PRIVATE: dict[str, Any] = {"api_visibility": "private"}
QUICK: dict[str, Any] = {**PRIVATE, "queue": False, "show_progress": "hidden"}


def _wire_runs(parts: Parts, comparer: Comparer, shown: list[Example]) -> None:
    """Photograph, Compare, Stop.

    The browser runs the events of one trigger one after another, so what cancels must not stand behind something long: Compare
    first cancels the looks, and each look starts in a `then`. (`photo.change` would come twice for one change.)
    """
    paths, boxes = list(parts.controls), list(parts.controls.values())

    def validate(photo: str | None, slow: list[str], fetched: list[str], *args: Any) -> list[dict[str, Any]]:
        problems = checks.check_page(comparer, photo, dict(zip(paths, args, strict=True)))
        return [gr.validate(name not in problems, problems.get(name, "")) for name in ("photo", "slow", "fetched", *paths)]

    def run(photo: str, slow: list[str], fetched: list[str], *args: Any) -> Iterator[dict[Any, Any]]:
        try:
            for change in actions.compare(comparer, photo, dict(zip(paths, args, strict=True)), (*slow, *fetched)):
                yield updates(parts, change)
        except actions.KNOWN as error:
            yield {parts.progress: actions.FAILED}
            raise gr.Error(str(error)) from error

    def look(photo: str | None, *args: Any) -> Iterator[dict[Any, Any]]:
        if photo is None:
            yield {parts.status: "", parts.viewer: None, parts.scores: "", parts.crop: gr.Button(visible=False)}
            return
        for change in actions.look(comparer, photo, dict(zip(paths, args, strict=True))):
            yield updates(parts, change)

    def pick(event: gr.EventData) -> str:
        return str(shown[event.index].path)

    def centre(photo: str, side_px: int) -> str:
        return str(actions.crop(photo, side_px))

    outputs = [
        parts.status, parts.progress, parts.viewer, parts.scores, parts.prompts, parts.controls["caption"], parts.crop,
        parts.crop_px, *parts.downloads.values(),
    ]  # fmt: skip
    looks: dict[str, Any] = {
        "fn": look, "inputs": [parts.photo, *boxes], "outputs": outputs, "concurrency_id": "look",
        "concurrency_limit": 2, "show_progress": "hidden", **PRIVATE,
    }  # fmt: skip
    looking = [
        parts.photo.input(lambda: None, None, None, **QUICK).then(**looks),
        parts.picker.pick(pick, None, parts.photo, **QUICK).then(**looks),
        parts.crop.click(centre, [parts.photo, parts.crop_px], parts.photo, **QUICK).then(**looks),
    ]
    parts.compare.click(None, cancels=looking)
    running = parts.compare.click(
        run, [parts.photo, parts.slow, parts.fetched, *boxes], outputs, validator=validate, concurrency_id=SLOT,
        concurrency_limit=1, show_progress="minimal", show_progress_on=parts.progress, **PRIVATE,
    )  # fmt: skip
    for trigger in (parts.photo.input, parts.picker.pick, parts.crop.click):
        trigger(None, cancels=[running])
    parts.stop.click(None, cancels=[running, *looking])
    parts.stop.click(lambda: actions.STOPPED, None, parts.progress, **QUICK)


def _wire_controls(parts: Parts, comparer: Comparer) -> None:
    """Random seed, reset, and the prompt cards, which follow every change of a text."""
    defaults = forms.values_of(Recipe())
    texts = {path: box for path, box in parts.controls.items() if path.split(".")[0] in ("caption", "enhanced", "baseline")}

    def encode(*args: Any) -> str:
        return actions.encoded(comparer, {**defaults, **dict(zip(texts, args, strict=True))})

    parts.random_seed.click(lambda: random.randrange(2**32), None, parts.controls["seed"], **QUICK)
    parts.reset.click(lambda: list(defaults.values()), None, list(parts.controls.values()), **QUICK)
    gr.on(None, encode, list(texts.values()), parts.prompts, trigger_mode="always_last", **QUICK)  # on load as well
