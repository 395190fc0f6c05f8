"""Comparisons to take away: a page that holds everything, and one picture with all of them side by side."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from PIL import Image, ImageDraw, ImageFont

from studio import viewer
from studio.viewer import Picture

_HERE = Path(__file__).parent

MARGIN_PX, GAP_PX, LINE_SPACING = 24, 16, 1.35
LABEL_SHARE, LABEL_PX, NARROWEST_PX = 1 / 32, (15, 44), 220
"""Height of the labels as a share of the widest picture, between two limits; a narrower picture stands in a column of NARROWEST_PX."""

FONTS = ("NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial.ttf")
"""The first that is installed."""

BACKGROUND, INK, SUBDUED = "#ffffff", "#18181b", "#52525b"
TONES = {"input": "#a1a1aa", "cleaner": "#6366f1", "baseline": "#d97706", "enhanced": "#0d9488"}
"""The same as in studio.css, so that a branch has one colour everywhere."""

BETTER = "#0f766e"


def comparison_page(pictures: Sequence[Picture], title: str, recipe_json: str) -> str:
    """An HTML page with the viewer, the pictures' very PNG files and the recipe in it; works offline and from `file://`.

    Args:
        pictures: at least one; the last two are shown first.
        title: plain text, as heading and window title.
        recipe_json: shown as text below the viewer.
    """
    left, right = pictures[max(0, len(pictures) - 2)], pictures[-1]
    value = {
        "run": "",
        "images": [viewer.image(p, {"url": _data_uri(p.path)}) for p in pictures],
        "left": left.name,
        "right": right.name,
    }
    return Template(_text("page.html")).substitute(
        title=escape(title),
        page_css=_text("page.css"),
        viewer_css=viewer.style(),
        markup=viewer.markup(),
        recipe=escape(recipe_json),
        value=json.dumps(value).replace("<", "\\u003c"),  # no "</script" inside the script element
        script=viewer.script(),
    )


def side_by_side(pictures: Sequence[Picture]) -> Image.Image:
    """The pictures in a row, RGB, pixel for pixel, each under its label, note and scores."""
    opened = [_opened(p.path) for p in pictures]
    widest = max(image.width for image in opened)
    size_px = round(min(LABEL_PX[1], max(LABEL_PX[0], widest * LABEL_SHARE)))
    columns = [max(image.width, NARROWEST_PX) for image in opened]
    blocks = [_lines(p, width, size_px) for p, width in zip(pictures, columns, strict=True)]
    line_px = round(size_px * LINE_SPACING)
    head_px = max(map(len, blocks)) * line_px + line_px // 2
    width = sum(columns) + GAP_PX * (len(opened) - 1) + 2 * MARGIN_PX
    sheet = Image.new("RGB", (width, head_px + max(image.height for image in opened) + 2 * MARGIN_PX), BACKGROUND)
    draw, left = ImageDraw.Draw(sheet), MARGIN_PX
    for picture, image, lines, column in zip(pictures, opened, blocks, columns, strict=True):
        for i, line in enumerate(lines):
            draw.text((left, MARGIN_PX + i * line_px), line.text, fill=line.colour, font=line.font)
        sheet.paste(image, (left, MARGIN_PX + head_px))
        bar = (left, MARGIN_PX + head_px - 6, left + image.width - 1, MARGIN_PX + head_px - 4)
        draw.rectangle(bar, fill=TONES.get(picture.name.rsplit("-")[-1], SUBDUED))
        left += column + GAP_PX
    return sheet


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class _Line:
    text: str
    colour: str
    font: Font


def _lines(picture: Picture, width_px: int, size_px: int) -> list[_Line]:
    """What stands above a picture, broken to its column."""
    large, small = _font(size_px), _font(round(size_px * 0.8))
    found = [_Line(text, INK, large) for text in _wrapped(picture.label, large, width_px)]
    found += [_Line(text, SUBDUED, small) for text in _wrapped(picture.note, small, width_px)]
    for row in picture.scores:
        better = " (better)" if row.better else ""
        colour = BETTER if row.better else SUBDUED
        found += [_Line(text, colour, small) for text in _wrapped(f"{row.label} {row.text}{better}", small, width_px)]
    return found


def _font(size_px: int) -> Font:
    """A font of the system, or Pillow's own, which has little beyond ASCII."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size_px)
        except OSError:
            continue
    return ImageFont.load_default(size_px)


def _wrapped(text: str, font: Font, width_px: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
