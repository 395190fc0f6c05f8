"""What every control and every event of the page owes a visitor: help beside it, and a way to stop what takes long."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.blocks import BlockFunction
from gradio.components import Component

from rapsr_core import ASSETS
from studio import examples, page
from studio.engine import Engine

INPUTS = (
    gr.Slider, gr.Textbox, gr.Dropdown, gr.Radio, gr.Checkbox, gr.CheckboxGroup, gr.Number, gr.Image, gr.File, gr.UploadButton,
)  # fmt: skip

SHORT = {
    "studio.restore_pane": "reads at most one PNG's text",
    "studio.lab_events open": "two PNGs of a cell, read and shown",
    "studio.degrade_events": "at most 1024 px a side; while a slider is dragged only the last change waits",
    "studio.curate_events": "a selection among measures that are in memory, eight thumbnails",
    "studio.curate_scoring": "starts, or ends, a process that is told of by itself",
    "studio.train_events": "starts, or ends, a process that is told of by itself; a dry run ends in half a minute",
    "studio.vote_events answer": "one line of a file",
    "studio.sessions close": "marks a folder; nobody waits for it",
    "studio.api": "a client's own call: closing it frees the slot",
}
"""Events of the queue that no button stops: module, or module and function, and why none is needed."""


@pytest.fixture(scope="module")
def demo() -> gr.Blocks:
    return page.build(Engine(ASSETS), examples.load(ASSETS / "examples"))


def on_the_page(demo: gr.Blocks) -> list[Component]:
    """Inputs, hidden ones that an event may show included; not those of the API, which belong to no tab."""
    return [block for block in demo.blocks.values() if isinstance(block, INPUTS) and inside_a_tab(block)]


def inside_a_tab(block: gr.blocks.Block) -> bool:
    return block is not None and (isinstance(block, gr.Tab) or inside_a_tab(block.parent))


def help_of(demo: gr.Blocks, control: Component) -> str:
    """Its `info`, or the line beside it whose id is the control's with "-help"."""
    beside = (block.value for block in demo.blocks.values() if block.elem_id == f"{control.elem_id}-help")
    return (getattr(control, "info", None) or next(beside, "")).strip()


def test_every_control_has_a_label_and_help_that_says_more_than_it(demo: gr.Blocks) -> None:
    controls = on_the_page(demo)
    assert len(controls) > 90
    named = {control.elem_id: (control.label, help_of(demo, control)) for control in controls}
    assert len(named) == len(controls)
    assert [name for name, (label, text) in named.items() if not label or len(text) < 15 or text == label] == []


def where(event: BlockFunction) -> str:
    function = getattr(event.fn, "__wrapped__", event.fn)
    return f"{function.__module__} {function.__name__}"


def test_what_takes_long_has_a_stop_and_the_rest_is_short(demo: gr.Blocks) -> None:
    events = demo.fns
    stops = {block._id for block in demo.blocks.values() if isinstance(block, gr.Button) and block.value == "Stop"}
    stopped = {
        number for event in events.values() if any(block in stops for block, _ in event.targets) for number in event.cancels
    }
    queued = {number: where(event) for number, event in events.items() if event.fn is not None and event.queue}
    assert {where(events[number]) for number in stopped} == {
        "studio.compare_events compare",
        "studio.compare_events look",
        "studio.batch_pane start",
        "studio.batch_pane advance",
        "studio.lab_events sweep",
        "studio.lab_events search",
        "studio.vote_events make",
    }
    left = {name for number, name in queued.items() if number not in stopped and not name.startswith(tuple(SHORT))}
    assert left == {"studio.compare_events exported"}  # some PNGs read and written; what is shown next ends it
    assert [reason for reason in SHORT if not any(name.startswith(reason) for name in queued.values())] == []


def test_what_may_refuse_goes_through_the_queue(demo: gr.Blocks) -> None:
    """The browser shows no gr.Error of an event past it."""
    quiet = [event.fn for event in demo.fns.values() if event.fn is not None and event.queue is False]
    assert len(quiet) > 20
    raising = [fn for fn in quiet if "Error" in getattr(getattr(fn, "__func__", fn), "__code__", None).co_names]
    assert raising == []
