"""The Degrade lab: which event starts what. What then happens is in degrade_actions.py."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from rapsr_core.degradation.presets import PRESETS
from studio import degrade_forms, degrade_view
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK, REFUSABLE
from studio.restoring import problem

if TYPE_CHECKING:
    from rapsr_core.degradation.presets import Preset
    from studio.degrade_actions import Made

NO_PHOTO = "Open a photograph. Its stages appear here."


@dataclass(frozen=True)
class Compare:
    """Where a degraded picture is sent, with its ground truth."""

    tabs: gr.Tabs
    tab: str  # id of the tab
    sent: gr.State
    truth: gr.Image


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    photo: gr.Image
    crop: gr.Radio
    preset: gr.Dropdown
    seed: gr.Number
    random_seed: gr.Button
    reset: gr.Button
    send: gr.Button
    made: gr.State  # the last degradation, or None
    status: gr.HTML
    viewer: gr.HTML
    downloads: Mapping[str, gr.DownloadButton]
    steps: gr.HTML
    record: gr.JSON
    name: gr.Textbox
    upload: gr.UploadButton
    knobs: Mapping[str, gr.components.Component]  # control path -> component
    jpeg: gr.Radio
    resize_back: gr.Checkbox

    def wish(self) -> list[gr.components.Component]:
        """What decides the pixels, besides the photograph."""
        return [self.name, self.seed, self.crop, self.jpeg, self.resize_back, *self.knobs.values()]

    def shown(self) -> list[gr.components.Component]:
        """What a degradation changes."""
        return [self.status, self.viewer, self.steps, self.record, self.made, self.send, *self.downloads.values()]


@dataclass(frozen=True)
class Handlers:
    """Functions of the events. The values of the sliders arrive in the order of `parts.knobs`."""

    parts: Parts
    engine: Engine
    compare: Compare

    def degrade(
        self, photo: str | None, last: Made | None, name: str, seed: float | None, crop_px: int, jpeg: Any, back: bool, *args: Any
    ) -> dict[Any, Any]:
        """The photograph or a control changed: everything that is shown of the degradation. What is wrong stands in the status."""
        if photo is None:
            return self._nothing()
        work = self.engine.parts.degrade
        try:
            wish = work.wish_of(dict(zip(self.parts.knobs, args, strict=True)), name, seed, crop_px, jpeg, back)
            made = work.degrade(photo, wish, last)
        except work.KNOWN as error:
            return {self.parts.status: problem(str(error))}
        files = {
            button: gr.DownloadButton(value=str(made.files[n]), interactive=True) for n, button in self.parts.downloads.items()
        }
        return files | {
            self.parts.status: escape(work.status(made)),
            self.parts.viewer: made.viewer_value(),
            self.parts.steps: degrade_view.render(made.steps, made.record),
            self.parts.record: made.record,
            self.parts.made: made,
            self.parts.send: gr.Button(interactive=True),
        }

    def start(self, name: str) -> dict[Any, Any]:
        """A preset of the core was chosen: every slider as it says."""
        return self._set(PRESETS[name])

    def restore(self, path: str) -> dict[Any, Any]:
        """A preset file was opened."""
        work = self.engine.parts.degrade
        try:
            preset = work.restore(path)
        except work.KNOWN as error:
            raise gr.Error(str(error)) from error
        return self._set(preset) | {self.parts.name: preset.name}

    def send(self, made: Made) -> dict[Any, Any]:
        """The degraded picture is opened in Compare, with its ground truth."""
        work = self.engine.parts.degrade
        try:
            files = work.for_compare(made)
        except work.DegradeError as error:
            raise gr.Error(str(error)) from error
        pictures = {self.compare.sent: str(files["lq"]), self.compare.truth: str(files["hq"])}
        return pictures | {self.compare.tabs: gr.Tabs(selected=self.compare.tab)}

    def _set(self, preset: Preset) -> dict[Any, Any]:
        changes = zip(self.parts.knobs.values(), degrade_forms.updates(preset), strict=True)
        return {knob: gr.update(**given) for knob, given in changes}

    def _nothing(self) -> dict[Any, Any]:
        buttons = {button: gr.DownloadButton(value=None, interactive=False) for button in self.parts.downloads.values()}
        empty = {self.parts.viewer: None, self.parts.steps: "", self.parts.record: None, self.parts.made: None}
        return buttons | empty | {self.parts.status: NO_PHOTO, self.parts.send: gr.Button(interactive=False)}


def wire(parts: Parts, do: Handlers, compare: Compare) -> None:
    """Connect everything. While a slider is dragged, one degradation runs and only the last one waits."""
    work: dict[str, Any] = {
        "fn": do.degrade, "inputs": [parts.photo, parts.made, *parts.wish()], "outputs": parts.shown(), "concurrency_id": "degrade",
        "concurrency_limit": 1, "show_progress": "hidden", "trigger_mode": "always_last", **PRIVATE,
    }  # fmt: skip
    knobs = list(parts.knobs.values())
    gr.on([parts.photo.input, *(box.input for box in parts.wish())], **work)
    parts.preset.input(do.start, parts.preset, knobs, **QUICK).then(**work)
    parts.reset.click(do.start, parts.preset, knobs, **QUICK).then(**work)
    parts.upload.upload(do.restore, parts.upload, [parts.name, *knobs], **REFUSABLE).success(**work)
    parts.random_seed.click(lambda: random.randrange(2**32), None, parts.seed, **QUICK).then(**work)
    # Through the queue: Gradio tells no change of a State of events that pass it by.
    parts.send.click(do.send, parts.made, [compare.tabs, compare.sent, compare.truth], show_progress="hidden", **PRIVATE)
