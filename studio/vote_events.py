"""The Vote tab: which event starts what. What then happens is in vote_actions.py."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio import compare_events, forms, lab_view
from studio.api import SLOT
from studio.engine import Engine
from studio.event_options import PRIVATE, QUICK, REFUSABLE


@dataclass(frozen=True)
class Parts:
    """The components that events read and write."""

    record: gr.Checkbox
    ask: gr.Button
    make: gr.Button
    stop: gr.Button
    status: gr.HTML
    viewer: gr.HTML
    panel: gr.HTML
    revealed: gr.HTML
    standing: gr.HTML
    pool: gr.State  # Pool, or None before the first pair
    question: gr.State  # Question that is shown and not answered, or None
    voter: gr.State  # random name of this visit

    def asking(self) -> list[gr.components.Component]:
        """What a new question changes."""
        return [self.pool, self.question, self.viewer, self.panel, self.revealed, self.status, self.ask]


@dataclass(frozen=True)
class Handlers:
    """Functions of the events."""

    parts: Parts
    engine: Engine
    compare: compare_events.Parts
    examples: tuple[Path, ...]

    def collect(self, record: bool, pool: Any, finished: Any) -> dict[Any, Any]:
        """A comparison finished: with the visitor's consent its results become pairs."""
        if not record or finished is None:
            return {self.parts.status: gr.skip()}
        work = self.engine.parts.vote
        return self._pooled(work.collected(pool or work.Pool(), work.results_of(finished)))

    def make(self, pool: Any, *args: Any) -> Iterator[dict[Any, Any]]:
        """A pair from an example, compared with Compare's settings, and asked at once. Gradio closes this generator on Stop."""
        work = self.engine.parts
        yield {self.parts.status: lab_view.bar("Waiting for the model", 0.0)}
        try:
            recipe = work.vote.plain(forms.recipe_of(dict(zip(self.compare.controls, args, strict=True))))
            work.checks.check_recipe(recipe)
            for change in work.vote.from_example(work.comparer, random.choice(self.examples), recipe):
                if isinstance(change, str):
                    yield {self.parts.status: change}
                else:
                    yield self.ask(work.vote.collected(pool or work.vote.Pool(), change))
        except work.vote.KNOWN as error:
            yield {self.parts.status: ""}
            raise gr.Error(str(error)) from error

    def ask(self, pool: Any) -> dict[Any, Any]:
        """The next pair."""
        if pool is None or not pool.pairs:
            return {self.parts.status: self.engine.parts.vote.vote_view.pool(0)}
        left, question, value = self.engine.parts.vote.asked(pool)
        return self._pooled(left) | {
            self.parts.status: self.engine.parts.vote.vote_view.pool(len(left.pairs), asked=True),
            self.parts.question: question,
            self.parts.viewer: value,
            self.parts.panel: {"ballot": question.ballot.id},
            self.parts.revealed: "",
        }

    def answer(self, question: Any, voter: str, pool: Any, event: gr.EventData) -> dict[Any, Any]:
        """An answer was given: written, then who was who. One of an earlier question counts for nothing."""
        if question is None or event.ballot != question.ballot.id:
            return {self.parts.question: question}
        work, voter = self.engine.parts, voter or uuid.uuid4().hex
        try:
            told = work.vote.answered(work.votes, question, event.answer, voter)
        except (OSError, ValueError) as error:
            raise gr.Error(f"The vote could not be written: {error}") from error
        waiting = work.vote.vote_view.pool(len(pool.pairs))
        closed = {
            self.parts.question: None,
            self.parts.panel: {"ballot": None},
            self.parts.voter: voter,
            self.parts.status: waiting,
        }
        return closed | {self.parts.revealed: told, self.parts.standing: work.vote.standing(work.votes)}

    def opened(self, pool: Any, question: Any) -> dict[Any, Any]:
        """The tab was opened."""
        work = self.engine.parts
        told = work.vote.vote_view.pool(len(pool.pairs) if pool else 0, asked=question is not None)
        return {self.parts.standing: work.vote.standing(work.votes), self.parts.status: told}

    def _pooled(self, pool: Any) -> dict[Any, Any]:
        count = len(pool.pairs)
        told = self.engine.parts.vote.vote_view.pool(count)
        return {self.parts.pool: pool, self.parts.status: told, self.parts.ask: gr.Button(interactive=count > 0)}


def wire(parts: Parts, do: Handlers, tab: gr.Tab) -> None:
    """Connect everything."""
    tab.select(do.opened, [parts.pool, parts.question], [parts.standing, parts.status], **QUICK)
    pooled = [parts.pool, parts.status, parts.ask]
    do.compare.finished.change(do.collect, [parts.record, parts.pool, do.compare.finished], pooled, **QUICK)
    making = parts.make.click(
        do.make, [parts.pool, *do.compare.controls.values()], parts.asking(), concurrency_id=SLOT, concurrency_limit=1, show_progress="hidden",
        api_name="page_make_pair", **PRIVATE,
    )  # fmt: skip
    parts.ask.click(do.ask, parts.pool, parts.asking(), **QUICK)
    parts.panel.vote(
        do.answer,
        [parts.question, parts.voter, parts.pool],
        [parts.question, parts.panel, parts.voter, parts.revealed, parts.standing, parts.status],
        **REFUSABLE,
    )
    parts.stop.click(None, cancels=[making])
    parts.stop.click(lambda: lab_view.bar("Stopped", 0.0), None, parts.status, **QUICK)
