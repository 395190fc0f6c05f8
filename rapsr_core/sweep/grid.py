"""The pictures of a sweep as a grid with the axes' values beside them: one sheet for each value of a third axis."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from rapsr_core.sweep.axes import label_of
from rapsr_core.sweep.definition import Sweep, cells
from rapsr_core.sweep.run import Row

PAPER, INK, MISSING = (255, 255, 255), (20, 20, 20), (225, 225, 225)
GAP_PX, FONT_PX, LINE_PX = 4, 14, 18
MAX_LINES = 3
"""Of a label; longer ones end in an ellipsis."""


@dataclass(frozen=True)
class Sheet:
    """One grid. `title`: value of the third axis, "" without one; `boxes`: cell index -> (left, top, right, bottom) in pixels."""

    title: str
    image: Image.Image
    boxes: Mapping[int, tuple[int, int, int, int]]


def sheets(sweep: Sweep, pictures: Mapping[int, Image.Image], rows: Sequence[Row] = (), cell_px: int = 256) -> list[Sheet]:
    """Grids of the first axis across and the second down; `pictures` by cell index, of any mode, shrunk to at most `cell_px` a side.

    A cell without a picture is grey; where `rows` has its error, that is written on it. Nothing is enlarged. All cells have one size.
    """
    shape = (*sweep.shape, 1, 1)[:3]
    small = {index: _shrunk(picture, cell_px) for index, picture in pictures.items()}
    cell = (
        max((picture.width for picture in small.values()), default=cell_px),
        max((picture.height for picture in small.values()), default=cell_px),
    )
    errors = {row.cell.index: row.error for row in rows if row.error}
    placed = {tuple((*sweep.position(c), 0, 0)[:3]): c.index for c in cells(sweep)}
    return [
        _sheet(sweep, {(x, y): placed[x, y, z] for x in range(shape[0]) for y in range(shape[1])}, z, small, errors, cell)
        for z in range(shape[2])
    ]


def _sheet(
    sweep: Sweep,
    placed: Mapping[tuple[int, int], int],
    number: int,
    pictures: Mapping[int, Image.Image],
    errors: Mapping[int, str],
    cell: tuple[int, int],
) -> Sheet:
    across, down, third = (sweep.axes[k] if k < len(sweep.axes) else None for k in range(3))
    assert across is not None
    font = ImageFont.load_default(FONT_PX)
    heads = [_wrapped(label_of(value), font, cell[0]) for value in across.values]
    sides = [_wrapped(label_of(value), font, cell[0] // 2) for value in down.values] if down else [[""]]
    names = across.info.label + (f" across, {down.info.label} down" if down else "")
    title = f"{third.info.label} {label_of(third.values[number])}" if third else ""
    top = _wrapped(f"{title}: {names}" if title else names, font, len(heads) * (cell[0] + GAP_PX))
    left_px = max(int(font.getlength(line)) for lines in sides for line in lines) + 2 * GAP_PX if down else GAP_PX
    head_px = len(top) * LINE_PX + GAP_PX
    tallest = max(map(len, heads))
    top_px = head_px + tallest * LINE_PX + GAP_PX
    step = (cell[0] + GAP_PX, cell[1] + GAP_PX)
    image = Image.new("RGB", (left_px + len(heads) * step[0], top_px + len(sides) * step[1]), PAPER)
    draw = ImageDraw.Draw(image)
    _write(draw, font, (left_px, GAP_PX), top)
    for x, lines in enumerate(heads):
        _write(draw, font, (left_px + x * step[0], head_px + (tallest - len(lines)) * LINE_PX), lines)
    for y, lines in enumerate(sides):
        _write(draw, font, (GAP_PX, top_px + y * step[1]), lines)
    boxes = {}
    for (x, y), index in placed.items():
        corner = (left_px + x * step[0], top_px + y * step[1])
        boxes[index] = (*corner, corner[0] + cell[0], corner[1] + cell[1])
        if index in pictures:
            image.paste(pictures[index], corner)
        else:
            draw.rectangle((*corner, corner[0] + cell[0] - 1, corner[1] + cell[1] - 1), MISSING)
            said = _wrapped(errors.get(index, ""), font, cell[0] - 2 * GAP_PX, cell[1] // LINE_PX)
            _write(draw, font, (corner[0] + GAP_PX, corner[1] + GAP_PX), said)
    return Sheet(title, image, boxes)


def _shrunk(picture: Image.Image, side_px: int) -> Image.Image:
    picture = picture.convert("RGB")
    picture.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return picture


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int, most: int = MAX_LINES) -> list[str]:
    """Lines of about `width_px`, at most `most` of them; the last ends in an ellipsis when some is left out."""
    columns = max(int(width_px / font.getlength("n")), 4)
    return textwrap.wrap(text, columns, max_lines=max(most, 1), placeholder=" …") or [""]


def _write(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    corner: tuple[int, int],
    lines: Sequence[str],
) -> None:
    for k, line in enumerate(lines):
        draw.text((corner[0], corner[1] + k * LINE_PX), line, INK, font)
