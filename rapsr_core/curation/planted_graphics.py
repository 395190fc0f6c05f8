"""Screenshots, charts and documents, drawn with Pillow: what no photograph collection wants. For planted failures alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Rng = np.random.Generator
Colour = tuple[int, int, int]

WORDS = ("archive", "border", "cancel", "chart", "column", "copy", "data", "export", "filter", "folder", "image", "layer", "list",
         "measure", "network", "page", "pixel", "project", "quality", "record", "report", "result", "rule", "save", "share", "table")  # fmt: skip
THEMES: tuple[tuple[Colour, Colour, Colour, Colour], ...] = (  # page, panel, text, accent
    ((255, 255, 255), (240, 242, 245), (33, 37, 41), (13, 110, 253)),
    ((30, 30, 30), (45, 45, 48), (212, 212, 212), (86, 156, 214)),
    ((250, 248, 240), (238, 232, 213), (88, 110, 117), (203, 75, 22)),
    ((18, 32, 47), (27, 48, 71), (226, 232, 240), (56, 189, 148)),
)
SIZES = ((1280, 720), (1024, 768), (1366, 768), (750, 1334), (1000, 1294))


def draw_graphic(photo: Image.Image, rng: Rng) -> tuple[Image.Image, dict[str, Any]]:
    """An RGB picture of one of LAYOUTS, in one of SIZES, and what was drawn. A third are reduced by a filter, as web pages do."""
    name = str(rng.choice(list(LAYOUTS)))
    size, theme = SIZES[rng.integers(len(SIZES))], THEMES[rng.integers(len(THEMES))]
    image = Image.new("RGB", size, theme[0])
    pen = _Pen(image, ImageDraw.Draw(image), theme, rng, photo)
    LAYOUTS[name](pen)
    scale = float(rng.uniform(0.75, 0.95)) if rng.random() < 0.33 else 1.0
    if scale < 1:
        image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.LANCZOS)
    return image, {"layout": name, "scale": round(scale, 2)}


class _Pen:
    """A picture being drawn, with its colours, its dice and the photograph that may be pasted."""

    def __init__(
        self, image: Image.Image, draw: ImageDraw.ImageDraw, theme: tuple[Colour, ...], rng: Rng, photo: Image.Image
    ) -> None:
        self.image, self.draw, self.rng, self.photo = image, draw, rng, photo
        self.page, self.panel, self.ink, self.accent = theme
        self.width, self.height = image.size

    def text(self, x: int, y: int, words: int, size: int = 15, colour: Colour | None = None) -> None:
        said = " ".join(self.rng.choice(WORDS, words)).capitalize()
        self.draw.text((x, y), said, colour or self.ink, ImageFont.load_default(size))

    def box(self, x: int, y: int, w: int, h: int, colour: Colour, radius: int = 6) -> None:
        self.draw.rounded_rectangle((x, y, x + w, y + h), radius, fill=colour)

    def paste(self, x: int, y: int, w: int, h: int) -> None:
        self.image.paste(self.photo.resize((w, h), Image.Resampling.LANCZOS), (x, y))


def _window(pen: _Pen) -> None:
    """An application: title bar, side bar, rows of a list, perhaps the photograph in a panel."""
    pen.box(0, 0, pen.width, 44, pen.accent, 0)
    pen.text(16, 12, 3, 18, pen.page)
    side = pen.width // 5
    pen.box(0, 44, side, pen.height, pen.panel, 0)
    for y in range(60, pen.height - 30, 34):
        pen.text(14, y, 2)
    with_photo = pen.rng.random() < 0.5
    for n, y in enumerate(range(60, pen.height - 40, 42)):
        pen.box(side + 16, y, pen.width - side - 32, 34, pen.panel if n % 2 else pen.page)
        pen.text(side + 28, y + 8, 5)
    if with_photo:
        pen.paste(side + 40, 110, (pen.width - side) // 2, pen.height // 3)


def _gallery(pen: _Pen) -> None:
    """A web page of cards, a thumbnail of the photograph in each."""
    pen.box(0, 0, pen.width, 60, pen.panel, 0)
    pen.text(24, 18, 4, 22)
    w, h = (pen.width - 80) // 3, (pen.height - 120) // 2
    for row in range(2):
        for column in range(3):
            x, y = 20 + column * (w + 20), 80 + row * (h + 20)
            pen.box(x, y, w, h, pen.panel)
            pen.paste(x + 8, y + 8, w - 16, h // 2)
            for line in range((h // 2 - 20) // 24):
                pen.text(x + 12, y + h // 2 + 18 + 24 * line, max(1, w // 95), 14)


def _chart(pen: _Pen) -> None:
    """Bars or a line in a frame with a grid, and a legend."""
    pen.text(40, 20, 4, 26)
    left, top, right, bottom = 90, 80, pen.width - 60, pen.height - 90
    for n in range(6):
        y = top + (bottom - top) * n // 5
        pen.draw.line((left, y, right, y), pen.panel, 2)
        pen.draw.text((40, y - 8), f"{(5 - n) * 20}", pen.ink, ImageFont.load_default(14))
    count = int(pen.rng.integers(6, 14))
    heights, step = pen.rng.uniform(0.1, 0.95, count), (right - left) // count
    if pen.rng.random() < 0.5:
        for n, value in enumerate(heights):
            x = left + n * step
            pen.draw.rectangle((x + 8, bottom - int(value * (bottom - top)), x + step - 8, bottom), pen.accent)
    else:
        points = [(left + n * step + step // 2, bottom - int(v * (bottom - top))) for n, v in enumerate(heights)]
        pen.draw.line(points, pen.accent, 4)
        for x, y in points:
            pen.draw.ellipse((x - 6, y - 6, x + 6, y + 6), pen.ink)
    for n in range(count):
        pen.text(left + n * step + 4, bottom + 14, 1, 13)


def _document(pen: _Pen) -> None:
    """A page of text under headings, perhaps with the photograph as a figure."""
    pen.text(60, 40, 4, 30)
    per_line = (pen.width - 120) // 62
    figure = pen.height // 2 if pen.rng.random() < 0.5 else pen.height
    for y in range(100, pen.height - 40, 22):
        if figure <= y < figure + 240:
            continue
        pen.text(60, y, per_line, 15)
    if figure < pen.height:
        pen.paste(60, figure + 8, 300, 210)


def _code(pen: _Pen) -> None:
    """An editor: numbered lines in several colours."""
    pen.box(0, 0, 56, pen.height, pen.panel, 0)
    for n, y in enumerate(range(10, pen.height - 20, 21)):
        pen.draw.text((14, y), f"{n + 1}", pen.ink, ImageFont.load_default(14))
        x = 70 + 28 * int(pen.rng.integers(0, 4))
        for colour in (pen.accent, pen.ink, pen.accent)[: int(pen.rng.integers(0, 4))]:
            pen.text(x, y, 2, 14, colour)
            x += 150


LAYOUTS: dict[str, Callable[[_Pen], None]] = {
    "window": _window,
    "gallery": _gallery,
    "chart": _chart,
    "document": _document,
    "code": _code,
}
