"""The Curate tab: which event starts what. What then happens is in curate_actions.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.curate_review import Desks
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK, REFUSABLE
from studio.permission import jobs_allowed
from studio.restoring import problem

if TYPE_CHECKING:
    from studio.curate_actions import Selected

NONE_YET = "There is no scored pool yet. <code>python -m train.curate PHOTOS runs/NAME</code> makes one; then reload the page."


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    name: gr.Dropdown
    status: gr.HTML
    review: gr.Checkbox
    reviewed_only: gr.Checkbox
    reference: gr.Button
    made: gr.Button
    defaults: gr.Button
    upload: gr.UploadButton
    downloads: Mapping[str, gr.DownloadButton]
    reviewer: gr.Textbox
    desk: gr.Button
    link: gr.HTML
    summary: gr.HTML
    board: gr.HTML
    changes: gr.HTML
    funnel: gr.HTML
    changed: gr.State  # the rules as changes of the defaults
    before: gr.State  # ids that the reference kept
    opened: gr.State  # of the board's value

    def asked(self) -> list[gr.components.Component]:
        """What decides the selection."""
        return [self.name, self.changed, self.review, self.reviewed_only]

    def shown(self) -> list[gr.components.Component]:
        """What a selection changes at once."""
        return [self.status, self.summary, self.board, self.funnel, self.changed, self.opened]


@dataclass(frozen=True)
class Handlers:
    """Functions of the events. What is wrong stands in the status, and the page stays as it is."""

    parts: Parts
    engine: Engine
    desks: Desks

    def names(self) -> dict[Any, Any]:
        """The page was loaded: which curations there are."""
        names = self.engine.parts.curate.names()
        return {self.parts.name: gr.Dropdown(choices=names), self.parts.status: "" if names else NONE_YET}

    def open(self, name: str) -> dict[Any, Any]:
        """A curation was chosen: its last selection, which is the reference."""
        work = self.engine.parts.curate
        try:
            selected = work.select(name, work.Wish(work.changes_of(name)))
        except work.KNOWN as error:
            return self._problem(error)
        before = frozenset(selected.selection.kept)
        buttons = [self.parts.reference, self.parts.made, self.parts.defaults, self.parts.desk]
        found = self._shown(selected, work.changes_of(name), before, None, 0)
        return found | {button: gr.Button(interactive=True) for button in buttons} | {
            self.parts.before: before,
            self.parts.upload: gr.UploadButton(interactive=True),
            self.parts.review: gr.Checkbox(value=False, interactive=selected.curation.reviewed),
            self.parts.reviewed_only: gr.Checkbox(value=False, interactive=selected.curation.reviewed),
        }  # fmt: skip

    def rules(
        self, event: gr.EventData, name: str, review: bool, only: bool, before: frozenset[str], opened: str
    ) -> dict[Any, Any]:
        """A threshold moved."""
        work = self.engine.parts.curate
        try:
            changes = work.changes_from_board(name, event.rules)
            return self._shown(work.select(name, work.Wish(changes, review, only)), changes, before, opened, int(event.seq))
        except work.KNOWN as error:
            return self._problem(error)

    def again(
        self, name: str, changes: dict[str, Any], review: bool, only: bool, before: frozenset[str], opened: str
    ) -> dict[Any, Any]:
        """The same rules, with or without the reviewers."""
        work = self.engine.parts.curate
        try:
            return self._shown(work.select(name, work.Wish(changes, review, only)), changes, before, opened, 0)
        except work.KNOWN as error:
            return self._problem(error)

    def made(self, name: str, review: bool, only: bool, before: frozenset[str]) -> dict[Any, Any]:
        """The rules of the last selection."""
        return self._anew(name, None, review, only, before)

    def defaults(self, name: str, review: bool, only: bool, before: frozenset[str]) -> dict[Any, Any]:
        """The rules of the stages."""
        return self._anew(name, {}, review, only, before)

    def restore(self, path: str, name: str, review: bool, only: bool, before: frozenset[str]) -> dict[Any, Any]:
        """A rules file was opened."""
        work = self.engine.parts.curate
        try:
            changes = work.restore(name, path)
        except work.KNOWN as error:
            return self._problem(error)
        return self._anew(name, changes, review, only, before)

    def details(self, name: str, changes: dict[str, Any], review: bool, only: bool, before: frozenset[str]) -> dict[Any, Any]:
        """What takes longer: the pictures that changed sides, and the files."""
        if not name:
            return {}
        work = self.engine.parts.curate
        try:
            selected = work.select(name, work.Wish(changes, review, only))
        except work.KNOWN as error:
            return self._problem(error)
        files = work.files(selected)
        found = {button: gr.DownloadButton(value=str(files[n]), interactive=True) for n, button in self.parts.downloads.items()}
        return found | {self.parts.changes: self.engine.parts.curate_view.changes(*work.changed(selected, before))}

    def reference(self, name: str, changes: dict[str, Any], review: bool, only: bool, opened: str) -> dict[Any, Any]:
        """What is kept now becomes what changes are told against."""
        work = self.engine.parts.curate
        try:
            selected = work.select(name, work.Wish(changes, review, only))
        except work.KNOWN as error:
            return self._problem(error)
        before = frozenset(selected.selection.kept)
        return self._shown(selected, changes, before, opened, 0) | {self.parts.before: before}

    def desk(self, name: str, changes: dict[str, Any], reviewer: str) -> dict[Any, Any]:
        """A review desk over what the rules keep; its decisions can be applied from now on."""
        work = self.engine.parts.curate
        if not jobs_allowed():
            raise gr.Error("the desk is off on this Space; run the studio on your own machine")
        try:
            address = self.desks.open(work.select(name, work.Wish(changes)), reviewer.strip())
        except work.KNOWN as error:
            raise gr.Error(str(error)) from error
        link = f'<p>Ready: <a href="{address}" target="_blank" rel="noopener">{address}</a>. Decisions are saved as they are made.</p>'
        ticks = (self.parts.review, self.parts.reviewed_only)
        return {self.parts.link: link, **{tick: gr.Checkbox(interactive=True) for tick in ticks}}

    def _anew(
        self, name: str, changes: dict[str, Any] | None, review: bool, only: bool, before: frozenset[str]
    ) -> dict[Any, Any]:
        """Rules from elsewhere than the board; None = those of the last selection."""
        work = self.engine.parts.curate
        try:
            found = work.changes_of(name) if changes is None else changes
            return self._shown(work.select(name, work.Wish(found, review, only)), found, before, None, 0)
        except work.KNOWN as error:
            return self._problem(error)

    def _shown(
        self, selected: Selected, changes: dict[str, Any], before: frozenset[str], opened: str | None, seq: int
    ) -> dict[Any, Any]:
        view, board = self.engine.parts.curate_view, self.engine.parts.curate.board(selected, opened, seq)
        return {
            self.parts.status: "",
            self.parts.summary: view.summary(selected, len(before)),
            self.parts.board: board,
            self.parts.funnel: view.funnel(selected),
            self.parts.changed: changes,
            self.parts.opened: board["opened"],
        }

    def _problem(self, error: Exception) -> dict[Any, Any]:
        return {self.parts.status: problem(str(error))}


def wire(parts: Parts, do: Handlers, demo: gr.Blocks) -> None:
    """Connect everything. The slower part of an answer follows the quick one; of several waiting, the last one counts."""
    detail: dict[str, Any] = {
        "fn": do.details, "inputs": [*parts.asked(), parts.before], "outputs": [parts.changes, parts.status, *parts.downloads.values()],
        "concurrency_id": "curate", "concurrency_limit": 1, "show_progress": "hidden", "trigger_mode": "always_last", **PRIVATE,
    }  # fmt: skip
    ticks, shown = [parts.review, parts.reviewed_only], parts.shown()
    buttons = [parts.reference, parts.made, parts.defaults, parts.desk, parts.upload]
    demo.load(do.names, None, [parts.name, parts.status], **QUICK)
    parts.name.input(do.open, parts.name, [*shown, parts.before, *ticks, *buttons], **QUICK).then(**detail)
    free = QUICK | {"trigger_mode": "multiple"}
    parts.board.rules(do.rules, [parts.name, *ticks, parts.before, parts.opened], shown, **free).then(**detail)
    gr.on([t.input for t in ticks], do.again, [*parts.asked(), parts.before, parts.opened], shown, **QUICK).then(**detail)
    parts.made.click(do.made, [parts.name, *ticks, parts.before], shown, **QUICK).then(**detail)
    parts.defaults.click(do.defaults, [parts.name, *ticks, parts.before], shown, **QUICK).then(**detail)
    parts.upload.upload(do.restore, [parts.upload, parts.name, *ticks, parts.before], shown, **QUICK).then(**detail)
    parts.reference.click(do.reference, [*parts.asked(), parts.opened], [*shown, parts.before], **QUICK).then(**detail)
    parts.desk.click(do.desk, [parts.name, parts.changed, parts.reviewer], [parts.link, *ticks], **REFUSABLE)
