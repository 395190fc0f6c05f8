"""The Prompt lab: which event starts what. What then happens is in lab_actions.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from rapsr_core.sweep.axes import AXES
from studio import compare_events, lab_view
from studio.api import SLOT
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK, REFUSABLE
from studio.restore_pane import RestoreHandlers

if TYPE_CHECKING:
    from studio.lab_actions import LabShown
    from studio.lab_checks import Asked
    from studio.lab_run import LabRun

NO_AXIS = ""


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    photo: gr.Image
    take: gr.Button
    axes: tuple[gr.Dropdown, ...]
    values: tuple[gr.Textbox, ...]
    plan: gr.HTML
    run: gr.Button
    stop: gr.Button
    budget: gr.Number
    quality: gr.CheckboxGroup
    share: gr.Slider
    suggest: gr.Button
    extra: gr.CheckboxGroup
    truth: gr.Image
    progress: gr.HTML
    grid: gr.HTML
    downloads: Mapping[str, gr.DownloadButton]
    front: gr.HTML
    state: gr.State  # LabRun, or None

    def own(self) -> dict[str, gr.components.Component]:
        """The controls of the tab by the name that problems give them."""
        axes = {f"axis{k}": box for k, box in enumerate(self.axes)} | {f"values{k}": box for k, box in enumerate(self.values)}
        rest = {"extra": self.extra, "quality": self.quality, "share": self.share, "budget": self.budget}
        return {"photo": self.photo, "truth": self.truth, **axes, **rest}

    def shown(self) -> list[gr.components.Component]:
        """What a sweep changes."""
        return [self.state, self.progress, self.grid, self.front, *self.downloads.values()]


@dataclass(frozen=True)
class Handlers:
    """Functions of the events. Values arrive as those of `parts.own()`, then those of Compare's controls."""

    parts: Parts
    engine: Engine
    tabs: gr.Tabs
    compare: compare_events.Parts

    def plan(self, *args: Any) -> str:
        """Something of the plan changed."""
        return str(self.engine.parts.lab_checks.plan(self.engine.parts.comparer, self._asked(args)))

    def validate_sweep(self, *args: Any) -> list[dict[str, Any]]:
        """Gradio's verdict on each input, before the queue."""
        return self._validate(args, searching=False)

    def validate_search(self, *args: Any) -> list[dict[str, Any]]:
        """As `validate_sweep`, of a search."""
        return self._validate(args, searching=True)

    def sweep(self, *args: Any) -> Iterator[dict[Any, Any]]:
        """Start was pressed; Gradio closes this generator on Stop."""
        yield from self._run(self.engine.parts.lab.sweep, args)

    def search(self, *args: Any) -> Iterator[dict[Any, Any]]:
        """Suggest was pressed."""
        yield from self._run(self.engine.parts.lab.search, args)

    def stopped(self, run: LabRun | None) -> dict[Any, Any]:
        """Stop was pressed: what is there stays."""
        return self._updates(self.engine.parts.lab.stopped(run))

    def axis(self, path: str, examples: Mapping[str, str]) -> Any:
        """Another axis was chosen: the values' help, and values to begin with."""
        if path == NO_AXIS:
            return gr.Textbox("", visible=False)
        return gr.Textbox(examples.get(path, ""), info=AXES[path].help, visible=True)

    def open(self, run: Any, event: gr.EventData) -> dict[Any, Any]:
        """A cell or a point of `run` (LabRun, which Gradio cannot resolve here) was pressed: photograph, settings and pictures in Compare."""
        work = self.engine.parts
        if run is None:
            raise gr.Error("This grid is not kept any more; start the sweep again")
        try:
            recipe, shown = work.lab.opened(run, event.index)
        except work.lab_checks.KNOWN as error:
            raise gr.Error(str(error)) from error
        compare = self.compare
        controls = RestoreHandlers(compare.restore, self.engine).show(recipe)
        forgotten = {compare.kept: (), compare.forget: gr.Button(visible=False)}
        sources = {compare.photo: run.photo, compare.truth: run.truth, self.tabs: gr.Tabs(selected="compare")}
        return {**controls, **forgotten, **sources, **compare_events.updates(compare, shown)}

    def opening(self) -> list[Any]:
        """Components that `open` may change."""
        c = self.compare
        result = [
            c.progress,
            c.viewer,
            c.scores,
            c.curve,
            c.prompts,
            c.crop,
            c.crop_px,
            c.results,
            c.keep,
            c.kept,
            c.forget,
            c.export,
        ]
        return [self.tabs, c.photo, c.truth, *c.restore.outputs(), *result, *c.downloads.values()]

    def _run(self, start: Callable[..., Iterator[LabShown]], args: tuple[Any, ...]) -> Iterator[dict[Any, Any]]:
        work = self.engine.parts
        try:
            for change in start(work.comparer, self._asked(args)):
                yield self._updates(change)
        except work.lab_checks.KNOWN as error:
            yield {self.parts.progress: lab_view.bar("Not finished", 0.0)}
            raise gr.Error(str(error)) from error

    def _validate(self, args: tuple[Any, ...], searching: bool) -> list[dict[str, Any]]:
        work = self.engine.parts
        problems = work.lab_checks.problems(work.comparer, self._asked(args), searching)
        names = (*self.parts.own(), *self.compare.controls)
        return [gr.validate(name not in problems, problems.get(name, "")) for name in names]

    def _asked(self, args: tuple[Any, ...]) -> Asked:
        own = dict(zip(self.parts.own(), args, strict=False))
        values = dict(zip(self.compare.controls, args[len(own) :], strict=True))
        axes = tuple((own[f"axis{k}"] or NO_AXIS, own[f"values{k}"] or "") for k in range(len(self.parts.axes)))
        asked: Asked = self.engine.parts.lab_checks.Asked(
            own["photo"], own["truth"], axes, tuple(own["extra"]), tuple(own["quality"]), own["share"], own["budget"], values
        )
        return asked

    def _updates(self, shown: LabShown) -> dict[Any, Any]:
        parts = self.parts
        values = {parts.state: shown.run, parts.progress: shown.progress, parts.grid: shown.grid, parts.front: shown.front}
        found: dict[Any, Any] = {component: value for component, value in values.items() if value is not None}
        if shown.run is not None:  # a new one: the last one's goes, a grid or plot that this one has not included
            found |= {parts.grid: shown.grid, parts.front: shown.front}
        if shown.files is not None:
            for name, button in parts.downloads.items():
                path = shown.files.get(name)
                found[button] = gr.DownloadButton(value=str(path) if path else None, interactive=path is not None)
        return found


def wire(parts: Parts, do: Handlers, tab: gr.Tab, examples: Mapping[str, str]) -> None:
    """Connect everything. `tab`: the plan is made again when it is opened, since Compare's settings are part of it."""
    inputs = [*parts.own().values(), *do.compare.controls.values()]
    for axis, values in zip(parts.axes, parts.values, strict=True):
        axis.input(lambda path: do.axis(path, examples), axis, values, **QUICK)
    triggers = [
        tab.select,
        parts.photo.change,
        parts.truth.change,
        *(box.change for box in (*parts.axes, *parts.values, parts.budget)),
    ]
    gr.on(triggers, do.plan, inputs, parts.plan, trigger_mode="always_last", **QUICK)
    parts.take.click(
        lambda photo, truth: (photo, truth), [do.compare.photo, do.compare.truth], [parts.photo, parts.truth], **QUICK
    )
    running: dict[str, Any] = {
        "inputs": inputs, "outputs": parts.shown(), "concurrency_id": SLOT, "concurrency_limit": 1, "show_progress": "hidden", **PRIVATE,
    }  # fmt: skip
    runs = [
        parts.run.click(do.sweep, validator=do.validate_sweep, api_name="page_sweep", **running),
        parts.suggest.click(do.search, validator=do.validate_search, api_name="page_search", **running),
    ]
    parts.stop.click(None, cancels=runs)
    parts.stop.click(do.stopped, parts.state, parts.shown(), **QUICK)
    for component in (parts.grid, parts.front):
        component.open(None, cancels=[*do.compare.busy])
        component.open(do.open, parts.state, do.opening(), **REFUSABLE)
