"""The Train tab: which event starts what. What then happens is in train_jobs.py and train_watch.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rapsr_core.doctor import missing
from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.jobs import JobError
from rapsr_core.refinement.facts import read_facts
from rapsr_core.refinement.shelf import on_shelf
from studio import compare_events, forms, train_jobs, train_settings, train_view, train_watch
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK, REFUSABLE
from studio.restore_pane import RestoreHandlers
from studio.train_settings import Preset
from studio.train_watch import Watched


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    name: gr.Textbox
    dataset: gr.Dropdown
    prior: gr.Dropdown
    preset: gr.Radio
    settings: Mapping[str, gr.components.Component]  # name of SETTINGS -> component
    plan: gr.HTML
    command: gr.Textbox
    start: gr.Button
    busy: gr.HTML
    check: gr.Button
    checked: gr.HTML
    runs: gr.Radio
    stop: gr.Button
    resume: gr.Button
    open: gr.Button
    progress: gr.HTML
    curve: gr.HTML
    sheet: gr.Image
    sheet_told: gr.HTML
    earlier: gr.Button
    later: gr.Button
    log: gr.HTML
    timer: gr.Timer  # always on: it stands outside the tabs, and other visitors start runs
    chosen_sheet: gr.State  # file name of an earlier sheet, "" = the newest
    seen: gr.State  # Watched as it is on the page, or None

    def wish(self) -> list[gr.components.Component]:
        """What decides a run."""
        return [self.name, self.dataset, self.prior, self.preset, *self.settings.values()]

    def watched(self) -> list[Any]:
        """What decides what is shown of the runs."""
        return [self.runs, self.chosen_sheet, self.seen]


@dataclass(frozen=True)
class Handlers:
    """Functions of the events. A wish arrives in the order of `parts.wish()`."""

    parts: Parts
    engine: Engine
    tabs: gr.Tabs
    compare: compare_events.Parts

    def opened(self, run: str | None, sheet: str) -> dict[Any, Any]:
        """The page or the tab was opened: the lists, and everything of the runs."""
        lists = {
            self.parts.dataset: gr.Dropdown(choices=list(train_jobs.datasets())),
            self.parts.prior: gr.Dropdown(choices=list(train_jobs.priors())),
        }
        return lists | self.watch(run, sheet, None)

    def watch(self, run: str | None, sheet: str, seen: Watched | None) -> dict[Any, Any]:
        """What changed since `seen`."""
        now = train_watch.look(run, sheet)
        found = self._changes(now, seen)
        if self.parts.runs in found and now.run == run:  # only the list is sent: another run may have been chosen meanwhile
            found[self.parts.runs] = gr.Radio(choices=list(now.runs))
        return found

    def choose(self, run: str | None, seen: Watched | None) -> dict[Any, Any]:
        """Another run was chosen: its newest sheet."""
        return self.watch(run, "", seen) | {self.parts.chosen_sheet: ""}

    def turn(self, by: int, run: str | None, sheet: str, seen: Watched | None) -> dict[Any, Any]:
        """An earlier or a later sheet was asked for."""
        turned = train_watch.turned(run, sheet, by)
        return self.watch(run, turned, seen) | {self.parts.chosen_sheet: turned}

    def plan(self, *args: Any) -> tuple[str, str]:
        """Something of the wish changed: what it would do, and the command."""
        wish = self._wish(args)
        found = train_jobs.problems(wish)
        told = train_view.problem(found, {name for name in ("name", "dataset") if not getattr(wish, name)})
        if found.keys() - {"name"}:
            return told, ""
        chosen = train_jobs.dataset(wish.dataset or "")
        plan = train_view.plan(chosen, wish.values, wish.prior, train_jobs.speed(wish), train_jobs.cached(wish))
        return plan + told, "" if found else train_jobs.command_line(wish)

    def prior(self, prior: str) -> dict[Any, Any]:
        """Another prior was chosen: its preset, and the settings that say something about it."""
        preset = train_settings.preset_for(prior)
        values = train_settings.defaults(preset)
        return {self.parts.preset: preset} | {
            self.parts.settings[row.name]: gr.update(value=values[row.name], visible=row.belongs(prior))
            for row in train_settings.SETTINGS
        }

    def preset(self, preset: Preset) -> list[Any]:
        """Every setting as the preset says."""
        return list(train_settings.defaults(preset).values())

    def validate(self, *args: Any) -> list[dict[str, Any]]:
        """Gradio's verdict on each input, before the queue. Lists and hidden settings show none, so theirs stands at the name."""
        found = train_jobs.problems(self._wish(args))
        shown = {name: message for name, message in found.items() if name not in ("dataset", "prior")}
        if not shown and found:
            shown = {"name": next(iter(found.values()))}
        names = ("name", "dataset", "prior", "preset", *self.parts.settings)
        return [gr.validate(name not in shown, shown.get(name, "")) for name in names]

    def start(self, *args: Any) -> dict[Any, Any]:
        """Start was pressed."""
        wish = self._wish(args)
        return self._after(lambda: train_jobs.start(wish), wish.name) | {self.parts.name: train_jobs.next_name(wish.name)}

    def dry_run(self, *args: Any) -> str:
        """What train.refine itself says of the wish."""
        try:
            return train_view.lines(train_jobs.dry_run(self._wish(args)), "What train.refine says it would do")
        except JobError as error:
            raise gr.Error(str(error)) from error

    def stop(self, run: str) -> dict[Any, Any]:
        """Stop was pressed."""
        return self._after(lambda: train_jobs.stop(run), run)

    def resume(self, run: str) -> dict[Any, Any]:
        """Resume was pressed."""
        return self._after(lambda: train_jobs.resume(run), run)

    def open(self, run: str, host: str) -> dict[Any, Any]:
        """The refinement of a run in Compare, with its identifiers; the host stays, when it is built on the same prior."""
        place = on_shelf(run)
        if place is None:
            raise gr.Error(f"There is no refinement named {run} on the shelf any more")
        facts, controls = read_facts(place), self.compare.controls
        changes: dict[Any, Any] = {}
        if host_info(host).prior != facts["prior"]:
            mine = [row.name for row in HOSTS.values() if row.prior == facts["prior"] and not missing(row.name)]
            if not mine:
                raise gr.Error(f"No host here is built on prior {facts['prior']}; python -m train.doctor says what they lack")
            changes = RestoreHandlers(self.compare.restore, self.engine).host(mine[0])
        return changes | {
            self.tabs: gr.Tabs(selected="compare"),
            controls["enhanced.refinement"]: gr.Dropdown(choices=list(forms.refinements()), value=run),
            controls["enhanced.positive_identifier"]: facts["identifiers"]["positive"],
            controls["enhanced.negative_identifier"]: facts["identifiers"]["negative"],
        }

    def _after(self, act: Callable[[], Any], run: str) -> dict[Any, Any]:
        try:
            act()
        except JobError as error:
            raise gr.Error(str(error)) from error
        now = train_watch.look(run)
        return self._changes(now, None) | {self.parts.chosen_sheet: ""}

    def _runs(self, now: Watched) -> Any:
        return gr.Radio(choices=list(now.runs), value=now.run, visible=bool(now.runs))

    def _changes(self, now: Watched, seen: Watched | None) -> dict[Any, Any]:
        parts = self.parts
        earlier, later = now.sheets
        groups: tuple[tuple[tuple[str, ...], Callable[[], dict[Any, Any]]], ...] = (
            (("runs", "run"), lambda: {parts.runs: self._runs(now)}),
            (
                ("refinements",),
                lambda: {self.compare.controls["enhanced.refinement"]: gr.Dropdown(choices=list(now.refinements))},
            ),
            (("every_s",), lambda: {parts.timer: gr.Timer(now.every_s)}),
            (("busy",), lambda: {parts.start: gr.Button(interactive=not now.busy), parts.busy: train_view.busy(now.busy)}),
            (("may_stop",), lambda: {parts.stop: gr.Button(interactive=now.may_stop)}),
            (("may_resume",), lambda: {parts.resume: gr.Button(interactive=now.may_resume)}),
            (("may_open",), lambda: {parts.open: gr.Button(interactive=now.may_open)}),
            (("progress",), lambda: {parts.progress: now.progress}),
            (("curve",), lambda: {parts.curve: now.curve}),
            (("log",), lambda: {parts.log: now.log}),
            (("sheet",), lambda: {parts.sheet: gr.Image(value=now.sheet, visible=now.sheet is not None)}),
            (
                ("sheet_told", "sheets"),
                lambda: {
                    parts.sheet_told: now.sheet_told,
                    parts.earlier: gr.Button(interactive=earlier > 0, visible=earlier + later > 0),
                    parts.later: gr.Button(interactive=later > 0, visible=earlier + later > 0),
                },
            ),
        )
        found: dict[Any, Any] = {parts.seen: now}
        for names, update in groups:
            if seen is None or any(getattr(now, name) != getattr(seen, name) for name in names):
                found |= update()
        return found

    def _wish(self, args: tuple[Any, ...]) -> train_jobs.Wish:
        name, dataset, prior, preset, *values = args
        return train_jobs.Wish(name.strip(), dataset, prior, preset, dict(zip(self.parts.settings, values, strict=True)))


def wire(parts: Parts, do: Handlers, tab: gr.Tab, page: gr.Blocks) -> None:
    """Connect everything. `tab`: what changed while it was closed is shown when it is opened."""
    wish, watched = parts.wish(), parts.watched()
    mine = [
        parts.runs, do.compare.controls["enhanced.refinement"], parts.timer, parts.start, parts.busy, parts.stop, parts.resume, parts.open, parts.progress,
        parts.curve, parts.log, parts.sheet, parts.sheet_told, parts.earlier, parts.later, parts.chosen_sheet, parts.seen,
    ]  # fmt: skip
    for opening in (page.load, tab.select):
        opening(do.opened, watched[:2], [parts.dataset, parts.prior, *mine], **QUICK)
    parts.timer.tick(do.watch, watched, mine, **QUICK)
    parts.runs.input(do.choose, [parts.runs, parts.seen], mine, **QUICK)
    parts.earlier.click(lambda *args: do.turn(-1, *args), watched, mine, **QUICK)
    parts.later.click(lambda *args: do.turn(1, *args), watched, mine, **QUICK)
    parts.prior.input(do.prior, parts.prior, [parts.preset, *parts.settings.values()], **QUICK)
    parts.preset.input(do.preset, parts.preset, list(parts.settings.values()), **QUICK)
    gr.on(
        [tab.select, *(box.change for box in wish)],
        do.plan, wish, [parts.plan, parts.command], trigger_mode="always_last", **QUICK,
    )  # fmt: skip
    parts.start.click(do.start, wish, [*mine, parts.name], validator=do.validate, **REFUSABLE)
    checking = {"concurrency_id": "train-check", "concurrency_limit": 1, "show_progress": "minimal"}
    parts.check.click(
        do.dry_run, wish, parts.checked, validator=do.validate, show_progress_on=parts.checked, **checking, **PRIVATE
    )
    parts.stop.click(do.stop, parts.runs, mine, **REFUSABLE)
    parts.resume.click(do.resume, parts.runs, mine, **REFUSABLE)
    compare = do.compare
    parts.open.click(do.open, [parts.runs, compare.controls["host"]], [do.tabs, *compare.restore.outputs()], **REFUSABLE)
