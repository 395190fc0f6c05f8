"""The comparison viewer: one gr.HTML component made of viewer.html, viewer.css and the files of js/.

Its value is plain data, so the browser receives the very PNG files on the server and draws every text as text. The template
files are fixed: gr.HTML evaluates `${...}` and `{{...}}` in them, so nothing a user typed may ever get there. `export.py` puts
the same files into a page of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from studio import html_files

_HERE = Path(__file__).parent
SCRIPTS = (
    "state", "pictures", "view", "modes", "divider", "lens", "heatmap", "readout", "gestures", "keyboard", "controls", "main",
)  # fmt: skip
"""Files of js/, joined in this order into the body of one function of `element`, `props` and `watch`."""


class ScoreRow(NamedTuple):
    """One score of a picture, shown beside its label."""

    label: str  # "NIQE"
    text: str  # "4.12"
    better: bool  # than that of the pictures it is compared with


@dataclass(frozen=True)
class Picture:
    """One picture of the viewer. Pictures of different sizes are drawn over each other, each over the whole frame."""

    name: str  # unique; those that end in "input", "cleaner", "baseline" or "enhanced" have its colour
    label: str
    alt: str
    path: Path  # a PNG file of sRGB pixels without a colour profile, sent as it is
    width_px: int
    height_px: int
    note: str = ""  # beside the label: "step 3 of 8"
    scores: tuple[ScoreRow, ...] = ()


def component(elem_id: str) -> gr.HTML:
    """The viewer, empty."""
    return gr.HTML(
        value=None,
        html_template=markup(),
        css_template=style(),
        js_on_load=script(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def value(run: str, pictures: Sequence[Picture], left: str, right: str) -> dict[str, Any]:
    """Value of the component: the pictures to choose from and which of them are shown.

    Args:
        run: changes with every new comparison; a choice made by hand is kept within one.
        left, right: names of the pictures shown unless the user chose others.
    """
    return {"run": run, "images": [image(p, file_data(p.path)) for p in pictures], "left": left, "right": right}


def image(picture: Picture, file: dict[str, Any]) -> dict[str, Any]:
    """One entry of the value's `images`. `file`: where the browser finds it, as `{"url": ...}` or as Gradio's file data."""
    return {
        "name": picture.name,
        "label": picture.label,
        "alt": picture.alt,
        "note": picture.note,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "scores": [row._asdict() for row in picture.scores],
        "file": file,
    }


def file_data(path: Path) -> dict[str, Any]:
    """A file as Gradio hands it to the browser; Gradio adds the URL when the value is sent."""
    return gr.FileData(path=str(path)).model_dump()


def markup() -> str:
    """The fixed HTML."""
    return _text("viewer.html")


def style() -> str:
    """The CSS, whose rules are to be nested in one of the element that holds the markup."""
    return _text("viewer.css")


def script() -> str:
    """Body of the function of `element`, `props` and `watch` that brings the markup to life."""
    return html_files.script(*(_text(f"js/{name}.js") for name in SCRIPTS))


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
