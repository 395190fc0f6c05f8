"""A page of crops at 1:1: rows are images, columns what each way of restoring made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from rapsr_core.evaluation.choosing import gradient_energy
from rapsr_core.images import read, to_uint8

GAP_PX, TITLE_PX = 4, 16


def busiest(image: Tensor, side_px: int, step_px: int = 16) -> tuple[int, int]:
    """(y, x) of the square of (1, 3, H, W) with the most gradient energy, on a grid of `step_px`."""
    height, width = image.shape[-2:]
    places = [
        (y, x) for y in range(0, max(height - side_px, 0) + 1, step_px) for x in range(0, max(width - side_px, 0) + 1, step_px)
    ]
    return max(places, key=lambda place: gradient_energy(_cut(image, place, side_px)))


def page(columns: Mapping[str, Path], names: Sequence[str], side_px: int, at: str, path: Path) -> None:
    """Write `path` (PNG). `columns`: title -> folder of PNG named as `names`; crops are taken where that of column `at` is busiest."""
    rows = []
    for name in names:
        images = [read(folder / f"{name}.png") for folder in columns.values()]
        place = busiest(images[list(columns).index(at)], side_px)
        rows.append(torch.cat([_framed(_cut(image, place, side_px)) for image in images], dim=-1))
    sheet = torch.cat(rows, dim=-2)
    picture = Image.new("RGB", (sheet.shape[-1], sheet.shape[-2] + TITLE_PX), "white")
    picture.paste(Image.fromarray(to_uint8(sheet)), (0, TITLE_PX))
    draw = ImageDraw.Draw(picture)
    for number, title in enumerate(columns):
        draw.text((number * (side_px + GAP_PX) + 2, 2), title, fill="black", font=ImageFont.load_default(11))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)


def _cut(image: Tensor, place: tuple[int, int], side_px: int) -> Tensor:
    y, x = place
    return image[..., y : y + side_px, x : x + side_px]


def _framed(crop: Tensor) -> Tensor:
    return F.pad(crop, (0, GAP_PX, 0, GAP_PX), value=1.0)
