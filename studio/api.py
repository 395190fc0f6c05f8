"""The named API, and with `GRADIO_MCP_SERVER=True` the MCP tools: each row of api_table.py becomes an endpoint with hidden components.

All other events of the page are private.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from studio.api_table import ENDPOINTS, FILE, REQUIRED, Endpoint, Parameter, Result
from studio.engine import Engine, Parts

SLOT = "compute"
"""Gradio's concurrency_id of everything that computes a comparison, page and API: one at a time."""
SHORT, SHORT_LIMIT = "short calls", 2
SCHEMAS: dict[str, dict[str, Any]] = {
    "JSON": {"type": "object", "additionalProperties": True},
    "JSON list": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    "text": {"type": "string"},
}


def build(engine: Engine) -> None:
    """Add the endpoints to the Blocks being built."""
    for row in ENDPOINTS:
        slot = (
            {"concurrency_id": SLOT, "concurrency_limit": 1}
            if row.computes
            else {"concurrency_id": SHORT, "concurrency_limit": SHORT_LIMIT}
        )
        gr.Button(visible=False).click(
            _function(engine, row), [_input(parameter) for parameter in row.takes], [_output(result) for result in row.gives],
            api_name=row.name, validator=_validator(engine, row) if row.takes else None, **slot,
        )  # fmt: skip


def _function(engine: Engine, row: Endpoint) -> Callable[..., Any]:
    """What Gradio calls; name, signature and docstring are the row's, for Gradio reads them."""

    def answer(*values: Any) -> Any:
        work = _checked(engine, row, values)
        try:
            return getattr(work.short_calls, row.name)(work.comparer, *values)
        except work.calls.KNOWN as error:
            raise gr.Error(str(error)) from error

    def run(*values: Any) -> Iterator[Any]:
        work = _checked(engine, row, values)
        try:
            yield from getattr(work.calls, row.name)(work.comparer, *values)
        except work.calls.KNOWN as error:
            raise gr.Error(str(error)) from error

    function: Any = run if row.computes else answer
    function.__name__, function.__doc__, function.__signature__ = row.name, row.docstring, _signature(row)
    called: Callable[..., Any] = function
    return called


def _validator(engine: Engine, row: Endpoint) -> Callable[..., Any]:
    """Before the queue. While the engine loads all passes, for clients wait five seconds for this answer; `_checked` comes after the queue."""

    def validate(*values: Any) -> Any:
        if not engine.ready:
            found = [gr.validate(True, "") for _ in values]
        else:
            found = engine.parts.call_checks.verdicts(engine.parts.comparer, row, values)
        return found if len(found) > 1 else found[0]  # Gradio unpacks no list for one input

    return validate


def _checked(engine: Engine, row: Endpoint, values: tuple[Any, ...]) -> Parts:
    """The engine's parts. Raises gr.Error for what the validator refuses, or would have refused."""
    work = engine.parts
    for verdict in work.call_checks.verdicts(work.comparer, row, values):
        if not verdict["is_valid"]:
            raise gr.Error(verdict["message"])
    return work


def _signature(row: Endpoint) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    without = inspect.Parameter.empty
    return inspect.Signature(
        [inspect.Parameter(p.name, kind, default=without if p.default is REQUIRED else p.default) for p in row.takes]
    )


def _input(parameter: Parameter) -> gr.components.Component:
    default = None if parameter.default is REQUIRED else parameter.default
    if parameter.type != FILE:
        return Api(default, _described(parameter.schema, parameter.help), parameter.name)
    component = gr.File(label=parameter.name, visible=False)
    schema = _described(component.api_info(), parameter.help)
    component.api_info_as_input = lambda: schema
    return component


def _output(result: Result) -> gr.components.Component:
    if result.kind in SCHEMAS:
        return Api(None, _described(SCHEMAS[result.kind], result.help), result.name)
    component = gr.File(label=result.name, visible=False)
    schema = _described(component.api_info(), f"{result.kind}. {result.help}")
    component.api_info_as_output = lambda: schema
    return component


def _described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    """A JSON schema with a description where JSON schema, and where Gradio's client, look for it."""
    return {**schema, "description": text, "additional_description": text}
