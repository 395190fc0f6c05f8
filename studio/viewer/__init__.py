"""The comparison viewer: one gr.HTML component made of viewer.html, viewer.css and viewer.js.

Its value is plain data, so the browser receives the very PNG files on the server and draws every text as text. The template
files are fixed: gr.HTML evaluates `${...}` and `{{...}}` in them, so nothing a user typed may ever get there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """One picture of the viewer."""

    name: str  # "input", "baseline", "enhanced"; chooses its colour
    label: str
    alt: str
    path: Path  # a PNG file, sent as it is
    width_px: int
    height_px: int
    note: str = ""  # beside the label: "step 3 of 8"


def component(elem_id: str) -> gr.HTML:
    """The viewer, empty."""
    return gr.HTML(
        value=None,
        html_template=_text("viewer.html"),
        css_template=_text("viewer.css"),
        js_on_load=_text("viewer.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def value(run: str, pictures: Sequence[Picture], left: str, right: str) -> dict[str, Any]:
    """Value of the component: the pictures to choose from and which of them are shown.

    Args:
        run: changes with every new comparison; a choice made by hand is kept within one.
        left, right: names of the pictures shown unless the user chose others.
    """
    images = [
        {
            "name": p.name,
            "label": p.label,
            "alt": p.alt,
            "note": p.note,
            "width_px": p.width_px,
            "height_px": p.height_px,
            "file": file_data(p.path),
        }
        for p in pictures
    ]
    return {"run": run, "images": images, "left": left, "right": right}


def file_data(path: Path) -> dict[str, Any]:
    """A file as Gradio hands it to the browser; Gradio adds the URL when the value is sent."""
    return gr.FileData(path=str(path)).model_dump()


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
