"""Scoring a new pool from the Curate tab: layout and events of that part. What runs is in curate_jobs.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from rapsr_core.jobs import JobError
from studio import curate_jobs
from studio.engine import Engine
from studio.event_options import QUICK, REFUSABLE
from studio.permission import jobs_allowed
from studio.restoring import problem

EVERY_S = 2
"""Between two looks at a job that runs."""


@dataclass(frozen=True)
class ScoringParts:
    """The components of this part, and `curations`, the list that a finished job joins."""

    curations: gr.Dropdown
    pool: gr.Dropdown
    name: gr.Textbox
    start: gr.Button
    stop: gr.Button
    told: gr.HTML
    timer: gr.Timer  # runs while the job does
    watched: gr.State  # name of the job that is told of, "" = none

    def shown(self) -> list[gr.components.Component]:
        """What a job changes."""
        return [self.told, self.timer, self.watched, self.curations]


def pane() -> dict[str, Any]:
    """The components, in a group of their own; away where jobs are not allowed."""
    with gr.Accordion("Score a new pool", open=False, elem_id="curate-group-score", visible=jobs_allowed()):
        pool = gr.Dropdown(
            [], label="Pool", elem_id="curate-pool",
            info="Folders of photographs in the folder RAPSR_POOLS of the studio (pools/).",
        )  # fmt: skip
        name = gr.Textbox(
            label="Name", max_length=60, elem_id="curate-new",
            info="Of the new curation. Letters, digits, dots, hyphens. The name of one that was stopped goes on with it.",
        )  # fmt: skip
        with gr.Row(elem_classes="tight"):
            start = gr.Button("Score it", size="sm", variant="primary", elem_id="curate-start")
            stop = gr.Button("Stop", size="sm", variant="stop", elem_id="curate-stop")
        told = gr.HTML(apply_default_css=False, elem_id="curate-job", elem_classes="status")
    timer, watched = gr.Timer(EVERY_S, active=False), gr.State("")
    return {"pool": pool, "name": name, "start": start, "stop": stop, "told": told, "timer": timer, "watched": watched}


@dataclass(frozen=True)
class ScoringHandlers:
    """Functions of the events. A job outlives the page; the page that is opened next tells of the one that runs."""

    parts: ScoringParts
    engine: Engine

    def start(self, name: str, pool: str | None) -> dict[Any, Any]:
        """A pool is scored, or one that was stopped goes on."""
        _check_allowed()
        try:
            return self.watch(curate_jobs.start(name.strip(), pool).name)
        except JobError as error:
            raise gr.Error(str(error)) from error

    def stop(self, watched: str) -> dict[Any, Any]:
        """What is scored stays; the same name goes on with it."""
        _check_allowed()
        if not watched:
            raise gr.Error("there is no job to stop; “Score it” starts one")
        curate_jobs.stop(watched)
        return self.watch(watched)

    def watch(self, name: str) -> dict[Any, Any]:
        """How far a job is; when it has ended, its curation can be chosen."""
        try:
            told, running = curate_jobs.told(name)
        except JobError as error:  # its folder is gone
            told, running = problem(str(error)), False
        found: dict[Any, Any] = {self.parts.told: told, self.parts.timer: gr.Timer(active=running), self.parts.watched: name}
        return found if running else found | {self.parts.curations: gr.Dropdown(choices=self.engine.parts.curate.names())}

    def opened(self) -> dict[Any, Any]:
        """The page was opened: which pools there are now, and the job that runs."""
        if not jobs_allowed():
            return {self.parts.told: gr.skip()}
        name, found = curate_jobs.running(), {self.parts.pool: gr.Dropdown(choices=curate_jobs.pools())}
        return found if name is None else found | self.watch(name)


def wire(parts: ScoringParts, do: ScoringHandlers, demo: gr.Blocks) -> None:
    """Connect everything."""
    parts.start.click(do.start, [parts.name, parts.pool], parts.shown(), **REFUSABLE)
    parts.stop.click(do.stop, parts.watched, parts.shown(), **REFUSABLE)
    parts.timer.tick(do.watch, parts.watched, parts.shown(), **QUICK)
    demo.load(do.opened, None, [*parts.shown(), parts.pool], **QUICK)


def _check_allowed() -> None:
    if not jobs_allowed():
        raise gr.Error("jobs are off on this Space; run the studio on your own machine")
