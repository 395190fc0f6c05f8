"""History of this browser: the last finished runs, in its localStorage alone. One gr.HTML component, as the viewer is.

Its value is the newest run, plain data; the script of history.js keeps the list. Its event `pick` carries the recipe of a pressed run.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from studio import html_files

THUMBNAIL_PX = 96


def component() -> gr.HTML:
    """The list, empty until the browser fills it."""
    return html_files.component(Path(__file__).parent, "history", "history")


def entry(run: str, picture: Path, recipe: Mapping[str, Any], title: str, scores: Mapping[str, str]) -> dict[str, Any]:
    """Value of the component: a finished run.

    Args:
        run: its id.
        picture: the enhanced result, of which a thumbnail of at most THUMBNAIL_PX a side is kept.
        recipe: plain JSON values.
        title: one line, such as host and settings.
        scores: label -> "baseline → enhanced".
    """
    return {"run": run, "title": title, "thumbnail": _thumbnail(picture), "recipe": dict(recipe), "scores": dict(scores)}


def _thumbnail(picture: Path) -> str:
    with Image.open(picture) as opened:
        small = opened.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
