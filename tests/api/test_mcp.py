"""The endpoints as MCP tools, through the real MCP client over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from gradio_client import Client
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CallToolResult, ListToolsResult, Tool
from PIL import Image
from studio_process import Studio

from rapsr_core.images import read, to_uint8
from studio.api_table import ENDPOINTS, FILE, REQUIRED

UPLOAD_HINT = "use the upload_file_to_gradio tool"
"""Gradio's own sentence, added where a tool takes a file."""


def asked(url: str, call: Any) -> Any:
    """What `call(session)` gives in a session of its own."""

    async def run() -> Any:
        async with (
            streamablehttp_client(f"{url}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return await call(session)

    return asyncio.run(run())


def called(url: str, name: str, arguments: dict[str, Any]) -> CallToolResult:
    async def silent(progress: float, total: float | None, message: str | None) -> None:
        """A progress callback is there: without one Gradio 6.31 answers with the text of a tuple where a tool gives several results."""

    answer: CallToolResult = asked(url, lambda session: session.call_tool(name, arguments, progress_callback=silent))
    return answer


@pytest.fixture(scope="module")
def tools(tiny: Studio, client: Client) -> dict[str, Tool]:
    found: ListToolsResult = asked(tiny.url, lambda session: session.list_tools())
    return {tool.name: tool for tool in found.tools}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    Image.effect_noise((128, 96), 60).convert("RGB").save(path)
    return path


def as_data(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def test_the_tools_are_the_table_s(tools: dict[str, Tool]) -> None:
    assert list(tools) == [row.name for row in ENDPOINTS]
    for row in ENDPOINTS:
        tool = tools[row.name]
        assert tool.description is not None and tool.description.startswith(row.what)
        assert all(result.help in tool.description for result in row.gives)
        assert (UPLOAD_HINT in tool.description) == any(parameter.type == FILE for parameter in row.takes)
        jsonschema.Draft202012Validator.check_schema(tool.inputSchema)
        properties = tool.inputSchema["properties"]
        assert list(properties) == [parameter.name for parameter in row.takes]
        for parameter in row.takes:
            assert properties[parameter.name]["description"] == parameter.help
        required = [parameter.name for parameter in row.takes if parameter.default is REQUIRED]
        assert tool.inputSchema.get("required", []) == required


def test_schemas_say_types_ranges_and_choices(tools: dict[str, Tool]) -> None:
    properties = tools["degrade"].inputSchema["properties"]
    assert properties["image"]["type"] == "string" and "url" in properties["image"]["format"]
    assert {k: properties["seed"][k] for k in ("type", "minimum", "maximum")} == {
        "type": "integer",
        "minimum": 0,
        "maximum": 2**32 - 1,
    }
    assert "rapsr" in properties["preset"]["enum"] and properties["resize_back"]["type"] == "boolean"
    assert tools["compare"].inputSchema["properties"]["recipe"]["type"] == "object"
    assert "niqe" in tools["score"].inputSchema["properties"]["metrics"]["items"]["enum"]


def test_a_tool_takes_a_picture_as_data_and_answers(tiny: Studio, tools: dict[str, Tool], scene: Path) -> None:
    answer = called(tiny.url, "score", {"image": as_data(scene), "metrics": ["niqe"]})
    assert not answer.isError
    assert "'niqe'" in answer.content[0].text and "[128, 96]" in answer.content[0].text


def test_pictures_come_back_lossless(tiny: Studio, tools: dict[str, Tool], scene: Path) -> None:
    answer = called(tiny.url, "degrade", {"image": as_data(scene), "preset": "rapsr", "seed": 7})
    assert not answer.isError, answer.content
    pictures = [base64.b64decode(part.data) for part in answer.content if part.type == "image"]
    assert [read(data).shape[-2:] for data in pictures] == [(24, 32), (96, 128)]
    assert torch.equal(torch.from_numpy(to_uint8(read(pictures[1]))), torch.from_numpy(to_uint8(read(scene))))


def test_an_address_of_the_server_s_own_network_is_not_fetched(tiny: Studio, tools: dict[str, Tool]) -> None:
    answer = called(tiny.url, "caption", {"image": f"{tiny.url}/theme.css"})
    assert answer.isError and "Hostname 127.0.0.1 failed validation" in tiny.log.read_text()


def test_a_call_that_is_wrong_says_what(tiny: Studio, tools: dict[str, Tool], scene: Path) -> None:
    answer = called(tiny.url, "degrade", {"image": as_data(scene), "seed": -1})
    assert (answer.isError and "seed" in answer.content[0].text) or "-1" in answer.content[0].text
    answer = called(tiny.url, "encode", {"recipe": {"stepz": 1}})
    assert answer.isError and "unknown recipe field 'stepz'" in json.dumps([part.model_dump() for part in answer.content])
