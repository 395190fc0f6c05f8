"""The Compare tab: layout and wiring. What happens on an event is in actions.py, what a control is in forms.py."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rapsr_core.quality.table import METRICS
from rapsr_core.recipe import Recipe
from studio import actions, checks, examples, forms, prompt_view, progress_view, viewer
from studio.examples import Example
from studio.runs import SLOT, Runs

GROUPS: tuple[tuple[forms.Group, str], ...] = (
    ("caption", ""),
    ("enhanced", "Enhanced branch: identifiers, prompts, strength"),
    ("baseline", "Baseline branch: prompts"),
    ("sampling", "Sampling, cleaner and colour"),
    ("output", "Output size"),
)
"""Control groups in page order: name and heading; without a heading the group is always open."""
DOWNLOADS = {"baseline": "Baseline PNG", "enhanced": "Enhanced PNG", "recipe": "Recipe JSON"}


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
    controls: dict[str, gr.components.Component]  # control path -> component
    random_seed: gr.Button
    reset: gr.Button
    metrics: gr.CheckboxGroup
    prompts: gr.HTML
    progress: gr.HTML
    viewer: gr.HTML
    scores: gr.HTML
    downloads: dict[str, gr.DownloadButton]


def build(runs: Runs, shown: list[Example]) -> None:
    """Add the tab to the Blocks being built."""
    parts = _layout(runs, shown)
    _wire(parts, runs, shown)


def _layout(runs: Runs, shown: list[Example]) -> Parts:
    values = forms.values_of(Recipe())
    with gr.Row(elem_id="compare"):
        with gr.Column(elem_id="input-pane"):
            photo = _photo()
            with gr.Row(elem_id="run-buttons"):
                compare = gr.Button("Compare", variant="primary", size="lg", elem_id="run", scale=3)
                stop = gr.Button("Stop", variant="stop", size="lg", elem_id="stop", scale=1)
            status = gr.HTML(apply_default_css=False, elem_id="status")
            crop = gr.Button("Use a centre crop", visible=False, elem_id="crop")
            crop_px = gr.State(0)
            picker = examples.component(shown)
        with gr.Column(elem_id="result-pane"):
            progress = gr.HTML(actions.READY, apply_default_css=False, elem_id="progress")
            picture = viewer.component("viewer")
            with gr.Row(elem_id="downloads"):
                downloads = {
                    name: gr.DownloadButton(label, size="sm", interactive=False, elem_id=f"download-{name}")
                    for name, label in DOWNLOADS.items()
                }
            scores = gr.HTML(apply_default_css=False, elem_id="scores")
        with gr.Column(elem_id="control-pane"):
            controls, random_seed = _controls(values)
            metrics = _metrics()
            reset = gr.Button("Reset to defaults", size="sm", elem_id="reset")
            gr.Markdown("### What each branch encodes", elem_id="encoded-heading")
            prompts = gr.HTML(_encoded(runs, values), apply_default_css=False, elem_id="prompts")
    return Parts(
        photo, picker, compare, stop, status, crop, crop_px, controls, random_seed, reset, metrics, prompts,
        progress, picture, scores, downloads,
    )  # fmt: skip


def _photo() -> gr.Image:
    """An upload that hands over the very file: `gr.Image` opens and may re-encode it (16 bit, ICC, EXIF), and refuses a damaged
    one with an error that names a server path. `rapsr_core.images.read` does both better."""
    photo = gr.Image(
        label="Photograph", type="filepath", image_mode=None, sources=["upload", "clipboard"], height=230,
        buttons=[], elem_id="photo", alt_text="The photograph to compare",
    )  # fmt: skip
    photo.preprocess = lambda payload: payload and payload.path
    return photo


def _controls(values: dict[str, Any]) -> tuple[dict[str, gr.components.Component], gr.Button]:
    controls = {}
    for group, heading in GROUPS:
        with gr.Accordion(heading, open=False, elem_id=f"group-{group}") if heading else gr.Group():
            for control in forms.CONTROLS:
                if control.group == group:
                    controls[control.path] = forms.component(control, values[control.path])
                if group == control.group and control.path == "seed":
                    random_seed = gr.Button("Random seed", size="sm", elem_id="random-seed")
    return controls, random_seed


def _metrics() -> gr.CheckboxGroup:
    live = ", ".join(METRICS[name].label for name in actions.LIVE)
    with gr.Accordion("Scores", open=False, elem_id="group-scores"):
        return gr.CheckboxGroup(
            [(METRICS[name].label, name) for name in actions.ON_REQUEST if name != "grid"],
            label="Also score",
            info=f"{live} are always scored. These take longer; some need weights that are fetched from the network.",
            elem_id="control-metrics",
        )


def _encoded(runs: Runs, values: dict[str, Any]) -> str:
    recipe = forms.recipe_of(values)
    enhanced = recipe.enhanced
    marks = {"positive": enhanced.positive_identifier, "negative": enhanced.negative_identifier}
    return prompt_view.render(runs.comparer.prompts(recipe), marks)


def _updates(parts: Parts, shown: actions.Shown) -> dict[Any, Any]:
    """Gradio's updates for what changed."""
    found: dict[Any, Any] = {}
    for component, value in (
        (parts.status, shown.status),
        (parts.progress, shown.progress),
        (parts.viewer, shown.viewer),
        (parts.scores, shown.scores),
        (parts.prompts, shown.prompts),
        (parts.controls["caption"], shown.caption),
    ):
        if value is not None:
            found[component] = value
    if shown.crop_px is not None:
        found[parts.crop] = gr.Button(f"Use a centre crop of {shown.crop_px} × {shown.crop_px} px", visible=shown.crop_px > 0)
        found[parts.crop_px] = shown.crop_px
    if shown.downloads is not None:
        for name, button in parts.downloads.items():
            path = shown.downloads.get(name)
            found[button] = gr.DownloadButton(value=str(path) if path else None, interactive=path is not None)
    return found


def _wire(parts: Parts, runs: Runs, shown: list[Example]) -> None:
    paths, boxes = list(parts.controls), list(parts.controls.values())
    private: dict[str, Any] = {"api_visibility": "private"}
    quick: dict[str, Any] = {**private, "queue": False, "show_progress": "hidden"}

    def values(args: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(paths, args, strict=True))

    def validate(photo: str | None, metrics: list[str], *args: Any) -> list[dict[str, Any]]:
        problems = checks.check_page(runs.comparer, photo, values(args))
        return [gr.validate(name not in problems, problems.get(name, "")) for name in ("photo", "metrics", *paths)]

    def run(photo: str, metrics: list[str], *args: Any) -> Iterator[dict[Any, Any]]:
        try:
            for change in actions.compare(runs, photo, values(args), metrics):
                yield _updates(parts, change)
        except actions.KNOWN as error:
            yield {parts.progress: progress_view.render(progress_view.Progress("Not finished"))}
            raise gr.Error(str(error)) from error

    def look(photo: str | None, *args: Any) -> Iterator[dict[Any, Any]]:
        if photo is None:
            yield {parts.status: "", parts.viewer: None, parts.scores: ""}
            return
        for change in actions.look(runs, photo, values(args)):
            yield _updates(parts, change)

    def pick(event: gr.EventData) -> str:
        return str(shown[event.index].path)

    def centre(photo: str, side_px: int) -> str:
        return str(actions.crop(photo, side_px))

    def encode(*args: Any) -> str:
        return _encoded(runs, values(args))

    outputs = [
        parts.status, parts.progress, parts.viewer, parts.scores, parts.prompts, parts.controls["caption"], parts.crop,
        parts.crop_px, *parts.downloads.values(),
    ]  # fmt: skip
    looks: dict[str, Any] = {
        "fn": look, "inputs": [parts.photo, *boxes], "outputs": outputs, "concurrency_id": "look", "concurrency_limit": 2,
        "show_progress": "hidden", **private,
    }  # fmt: skip
    # The browser runs the events of one trigger one after another, so what cancels must not stand behind something long:
    # Compare first cancels the looks, and each look starts in a `then`. (`photo.change` comes twice for one change.)
    looking = [
        parts.photo.input(lambda: None, None, None, **quick).then(**looks),
        parts.picker.pick(pick, None, parts.photo, **quick).then(**looks),
        parts.crop.click(centre, [parts.photo, parts.crop_px], parts.photo, **quick).then(**looks),
    ]
    parts.compare.click(None, cancels=looking)
    running = parts.compare.click(
        run, [parts.photo, parts.metrics, *boxes], outputs, validator=validate, concurrency_id=SLOT,
        concurrency_limit=1, show_progress="minimal", show_progress_on=parts.progress, **private,
    )  # fmt: skip
    for trigger in (parts.photo.input, parts.picker.pick, parts.crop.click):
        trigger(None, cancels=[running])
    parts.stop.click(None, cancels=[running, *looking])
    parts.stop.click(lambda: actions.STOPPED, None, parts.progress, **quick)
    parts.random_seed.click(lambda: random.randrange(2**32), None, parts.controls["seed"], **quick)
    parts.reset.click(lambda: list(forms.values_of(Recipe()).values()), None, boxes, **quick)
    texts = [box for path, box in parts.controls.items() if path.startswith(("caption", "enhanced.", "baseline."))]
    gr.on([box.change for box in texts], encode, boxes, parts.prompts, trigger_mode="always_last", **quick)
