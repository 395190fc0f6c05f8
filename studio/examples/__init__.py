"""The bundled example photographs: a table read from assets/examples/examples.json, and the strip that offers them with
their sources and licences."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import gradio as gr

from studio import html_files
from studio.viewer import file_data


@dataclass(frozen=True)
class Example:
    """One bundled photograph, with what its licence asks to be said."""

    path: Path
    title: str
    author: str
    licence: str
    licence_url: str
    source: str
    made: str  # how the file was made from the source


def load(folder: Path) -> list[Example]:
    """Rows of `folder`/examples.json, in its order."""
    rows = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    return [Example(folder / row.pop("file"), **row) for row in rows]


def component(examples: list[Example]) -> gr.HTML:
    """The strip of thumbnails. Its event `pick` carries the index of the pressed one."""
    rows = [
        {**{name: value for name, value in asdict(example).items() if name != "path"}, "file": file_data(example.path)}
        for example in examples
    ]
    return html_files.component(Path(__file__).parent, "examples", "examples", rows)
