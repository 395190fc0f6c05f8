"""The Compare tab: which event starts what. What then happens is in actions.py."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.recipe import RecipeError
from studio import forms, progress_view, sessions
from studio.api import SLOT
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK
from studio.examples import Example
from studio.restore_pane import RestoreParts
from studio.restoring import problem
from studio.running import Running
from studio.viewer import Picture

if TYPE_CHECKING:
    from studio.actions import Shown

MOST_KEPT = 8
"""Pictures kept beside a run; of more the oldest go."""
EXPORTED = ("sheet", "page")
"""Downloads that are made when a run has left the compute slot."""
STOPPING_S = 120.0
"""Longest wait for a run that was stopped: it ends after a network pass, or a tile of the cleaner."""


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    photo: gr.Image
    truth: gr.Image  # what input and results are held against, or nothing
    picker: gr.HTML
    compare: gr.Button
    stop: gr.Button
    status: gr.HTML
    crop: gr.Button
    crop_px: gr.State
    sent: gr.State  # path of a photograph that another tab opens here, set by an event that is queued
    controls: Mapping[str, gr.components.Component]  # control path -> component
    random_seed: gr.Button
    slow: gr.CheckboxGroup
    fetched: gr.Dropdown
    prompts: gr.HTML
    progress: gr.HTML
    viewer: gr.HTML
    scores: gr.HTML
    curve_metric: gr.Radio
    curve: gr.HTML
    keep: gr.Button
    forget: gr.Button
    results: gr.State  # pictures of the last run that finished
    kept: gr.State  # pictures that stay in the viewer
    downloads: Mapping[str, gr.DownloadButton]
    history: gr.HTML
    finished: gr.State  # actions.Done of the last run that finished
    export: gr.State  # results.Export of what is shown
    restore: RestoreParts  # what shows a whole recipe
    busy: tuple[Any, ...] = ()  # events that show something here later; whatever shows something else cancels them

    def texts(self) -> dict[str, gr.components.Component]:
        """The controls that decide what is encoded."""
        groups = ("host", "caption", "enhanced", "baseline")
        return {path: box for path, box in self.controls.items() if path.split(".")[0] in groups}


def updates(parts: Parts, shown: Shown) -> dict[Any, Any]:
    """Gradio's updates for what changed."""
    values = {
        parts.status: shown.status,
        parts.progress: shown.progress,
        parts.viewer: shown.viewer,
        parts.scores: shown.scores,
        parts.curve: shown.curve,
        parts.prompts: shown.prompts,
        parts.controls["caption"]: shown.caption,
        parts.history: shown.history,
    }
    found: dict[Any, Any] = {component: value for component, value in values.items() if value is not None}
    if shown.crop_px is not None:
        label = f"Use a centre crop of at most {shown.crop_px} × {shown.crop_px} px"
        found[parts.crop] = gr.Button(label, visible=shown.crop_px > 0)
        found[parts.crop_px] = shown.crop_px
    if shown.results is not None:
        found |= {parts.results: shown.results, parts.keep: gr.Button(interactive=bool(shown.results))}
    if shown.finished is not None:
        found[parts.finished] = shown.finished
    if shown.export is not None:
        found[parts.export] = shown.export
    return found | (downloads(parts, shown.downloads) if shown.downloads is not None else {})


def downloads(parts: Parts, files: Mapping[str, Path], names: Iterable[str] = ()) -> dict[Any, Any]:
    """The buttons `names`, or all, with their files; without one a button is off."""
    found = {parts.downloads[name]: files.get(name) for name in names or parts.downloads}
    return {b: gr.DownloadButton(value=str(path) if path else None, interactive=path is not None) for b, path in found.items()}


@dataclass(frozen=True)
class Handlers:
    """Functions of the events. The values of the controls arrive in the order of `parts.controls`."""

    parts: Parts
    engine: Engine
    shown: list[Example]
    running: Running = field(default_factory=Running)

    def validate(
        self,
        photo: str | None,
        truth: str | None,
        curve: str,
        slow: list[str],
        fetched: list[str],
        kept: tuple[Picture, ...],
        *args: Any,
    ) -> list[dict[str, Any]]:
        """Gradio's verdict on each input, before the queue."""
        problems = self.engine.parts.checks.check_page(self.engine.parts.comparer, photo, self._values(args), truth)
        names = ("photo", "truth", "curve", "slow", "fetched", "kept", *self.parts.controls)
        return [gr.validate(name not in problems, problems.get(name, "")) for name in names]

    def told(self, *args: Any) -> Any:
        """Compare was pressed: what is wrong with the settings stands under the button too, for their group may be closed."""
        try:
            self.engine.parts.checks.check_recipe(forms.recipe_of(self._values(args)))
        except RecipeError as error:
            return problem(str(error))
        return gr.skip()

    def compare(
        self,
        photo: str,
        truth: str | None,
        curve: str,
        slow: list[str],
        fetched: list[str],
        kept: tuple[Picture, ...],
        *args: Any,
    ) -> Iterator[dict[Any, Any]]:
        """The whole run; Gradio closes this generator on Stop."""
        work = self.engine.parts
        try:
            with self.running.of(sessions.current()):
                for change in work.actions.compare(
                    work.comparer, photo, self._values(args), (*slow, *fetched), kept, truth, curve
                ):
                    yield updates(self.parts, change)
        except work.actions.KNOWN as error:
            yield {self.parts.progress: progress_view.FAILED}
            raise gr.Error(str(error)) from error

    def stopped(self) -> str:
        """Stop was pressed: what is said once the run has ended, and Compare can be pressed again."""
        return progress_view.STOPPED if self.running.ended(sessions.current(), STOPPING_S) else progress_view.STOPPING

    def exported(self, export: Any) -> dict[Any, Any]:
        """A comparison is shown (results.Export, which Gradio cannot resolve here): what can be taken away of it besides its own files."""
        return downloads(self.parts, export.files(), EXPORTED)

    def look(self, photo: str | None, *args: Any) -> Iterator[dict[Any, Any]]:
        """A photograph was opened, or taken away."""
        if photo is None:
            nothing = self.engine.parts.actions.Shown(
                status="", progress=progress_view.READY, scores="", curve="", crop_px=0, downloads={}, results=()
            )
            yield updates(self.parts, nothing) | {self.parts.viewer: None}
            return
        work = self.engine.parts
        for change in work.actions.look(work.comparer, photo, self._values(args)):
            yield updates(self.parts, change)

    def pick(self, event: gr.EventData) -> str:
        """An example was pressed."""
        return str(self.shown[event.index].path)

    def keep(self, kept: tuple[Picture, ...], results: tuple[Picture, ...]) -> dict[Any, Any]:
        """The last run's pictures stay in the viewer while other settings are tried on the same photograph."""
        together = (*kept, *results)[-MOST_KEPT:]
        told = f"Kept: {len(together)} pictures stay in the viewer beside the next run of this photograph."
        return {
            self.parts.kept: together,
            self.parts.results: (),
            self.parts.keep: gr.Button(interactive=False),
            self.parts.forget: gr.Button(visible=True),
            self.parts.status: told,
        }

    def forget(self) -> dict[Any, Any]:
        """Nothing is kept any more: asked for, or another photograph was opened."""
        return {self.parts.kept: (), self.parts.forget: gr.Button(visible=False)}

    def crop(self, photo: str, side_px: int) -> str:
        """The offered centre crop was taken."""
        return str(self.engine.parts.actions.crop(photo, side_px))

    def encode(self, *args: Any) -> str:
        """A text was edited; the values are those of `parts.texts()`."""
        texts = dict(zip(self.parts.texts(), args, strict=True))
        work = self.engine.parts
        return str(work.actions.encoded(work.comparer, {**forms.values_of(recipe_from_json({"host": texts["host"]})), **texts}))

    def _values(self, args: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.parts.controls, args, strict=True))


def wire(parts: Parts, do: Handlers) -> Parts:
    """Connect everything; returns the parts with what is `busy`.

    The browser runs the events of one trigger one after another, so what cancels must not stand behind something long: Compare
    first cancels the looks, and each look starts in a `then`. (`photo.change` would come twice for one change.) A look is not among what its
    own trigger cancels: the next one waits for it, where without "always_last" the browser would leave it out.
    """
    boxes = list(parts.controls.values())
    outputs = [
        parts.status, parts.progress, parts.viewer, parts.scores, parts.prompts, parts.controls["caption"], parts.crop,
        parts.crop_px, parts.results, parts.keep, parts.history, parts.curve, parts.finished, parts.export, *parts.downloads.values(),
    ]  # fmt: skip
    look: dict[str, Any] = {
        "fn": do.look, "inputs": [parts.photo, *boxes], "outputs": outputs, "concurrency_id": "look",
        "concurrency_limit": 2, "show_progress": "hidden", "trigger_mode": "always_last", **PRIVATE,
    }  # fmt: skip
    looks = {
        parts.photo.input: parts.photo.input(lambda: None, None, None, **QUICK).then(**look),
        parts.picker.pick: parts.picker.pick(do.pick, None, parts.photo, **QUICK).then(**look),
        parts.crop.click: parts.crop.click(do.crop, [parts.photo, parts.crop_px], parts.photo, **QUICK).then(**look),
        parts.sent.change: parts.sent.change(lambda path: path, parts.sent, parts.photo, **QUICK).then(**look),
    }
    exporting = parts.export.change(
        do.exported, parts.export, [parts.downloads[name] for name in EXPORTED], concurrency_id="export", concurrency_limit=2,
        show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    parts.compare.click(None, cancels=[*looks.values(), exporting])
    parts.compare.click(do.told, boxes, parts.status, **QUICK)
    running = parts.compare.click(
        do.compare, [parts.photo, parts.truth, parts.curve_metric, parts.slow, parts.fetched, parts.kept, *boxes], outputs, validator=do.validate, concurrency_id=SLOT,
        concurrency_limit=1, show_progress="minimal", show_progress_on=parts.progress, api_name="page_compare", **PRIVATE,
    )  # fmt: skip
    for trigger, own in looks.items():
        trigger(None, cancels=[running, exporting, *(other for other in looks.values() if other is not own)])
        trigger(do.forget, None, [parts.kept, parts.forget], **QUICK)
        if trigger != parts.sent.change:  # what is sent from another tab brings its own ground truth
            trigger(lambda: None, None, parts.truth, **QUICK)
    keeping = [parts.kept, parts.results, parts.keep, parts.forget, parts.status]
    parts.keep.click(do.keep, [parts.kept, parts.results], keeping, **QUICK)
    parts.forget.click(do.forget, None, [parts.kept, parts.forget], **QUICK)
    parts.stop.click(None, cancels=[running, *looks.values()])
    parts.stop.click(lambda: progress_view.STOPPING, None, parts.progress, **QUICK).then(
        do.stopped, None, parts.progress, **QUICK
    )
    parts.random_seed.click(lambda: random.randrange(2**32), None, parts.controls["seed"], **QUICK)
    # Without a trigger: when the page is opened, and at every change of an input.
    gr.on(None, do.encode, list(parts.texts().values()), parts.prompts, trigger_mode="always_last", **QUICK)
    return replace(parts, busy=(running, exporting, *looks.values()))
