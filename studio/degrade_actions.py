"""What happens in the Degrade lab: a photograph and a preset become stages, files and a record. Needs torch; no components."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core.degradation.pipeline import MIN_SIDE_PX, JpegName, draw, stages
from rapsr_core.degradation.preset_file import PresetError, preset_yaml, read_preset
from rapsr_core.degradation.presets import Preset
from rapsr_core.images import ImageError, read, save_png
from studio import degrade_forms, viewer
from studio.degrade_view import Step, label
from studio.results import RunFolder
from studio.viewer import Picture

RECORD_CHUNK = "rapsr-degradation"
"""Keyword of the PNG text chunk that carries the record as JSON."""
RESULT = "8 bits"
"""The stage that is the degraded picture, before it may be resized back."""
COMPARE_SCALE = 4
MAX_PRESET_BYTES = 65_536


class DegradeError(ValueError):
    """A wish that cannot be met; the message says why and what to do."""


KNOWN = (ImageError, PresetError, DegradeError)
"""Errors whose message is written for the user."""


@dataclass(frozen=True)
class Wish:
    """What is to be made of a photograph."""

    preset: Preset
    seed: int
    crop_px: int  # longest side of the centre that is used
    jpeg: JpegName
    resize_back: bool


@dataclass(frozen=True)
class Made:
    """One degradation with its files. `photo_px`: (height, width) of the photograph, of which the centre was used."""

    run: str  # changes with the photograph and the crop: the viewer keeps what was chosen by hand within one
    source: tuple[str, int]  # photograph, crop
    folder: Path
    before: Path | None  # folder of the degradation before, whose pictures a browser may still be reading
    pictures: tuple[Picture, ...]
    steps: tuple[Step, ...]
    record: dict[str, Any]
    files: Mapping[str, Path]  # "lq", "hq", "record", "preset"
    photo_px: tuple[int, int]

    def viewer_value(self) -> dict[str, Any]:
        """All stages, the photograph beside the last one."""
        return viewer.value(self.run, self.pictures, self.pictures[0].name, self.pictures[-1].name)


def degrade(photo: str, wish: Wish, last: Made | None) -> Made:
    """Every stage of one degradation as PNG files; of the degradations before, only the last one's files stay.

    Raises ImageError: the photograph cannot be read, or is too small. DegradeError: it is reduced to fewer px than a kernel needs.
    """
    image = read(photo)
    source = (photo, wish.crop_px)
    clean = centre(image, wish.crop_px, wish.preset.scale)
    record = draw(wish.preset, wish.seed, resize_back=wish.resize_back, jpeg=wish.jpeg)
    folder = RunFolder(photo)
    try:
        made = {name: stage.clamp(0, 1) for name, stage in stages(clean, record)}
    except ValueError as error:
        raise DegradeError(f"{error}; use more of the photograph, or reduce it less") from error
    made_files = _files(folder, clean, made[RESULT], record, wish)
    pictures = tuple(_picture(folder, i, name, stage) for i, (name, stage) in enumerate(made.items()))
    if last is not None and last.before is not None:
        shutil.rmtree(last.before, ignore_errors=True)
    return Made(
        run=last.run if last is not None and last.source == source else uuid.uuid4().hex,
        source=source,
        folder=folder.path,
        before=last.folder if last is not None else None,
        pictures=pictures,
        steps=tuple(Step(name, stage.shape[-1], stage.shape[-2]) for name, stage in made.items()),
        record=record,
        files=made_files,
        photo_px=(image.shape[-2], image.shape[-1]),
    )


def centre(image: Tensor, longest_px: int, scale: int) -> Tensor:
    """The centre of (1, 3, H, W), at most `longest_px` a side, sides whole multiples of the scale. Raises ImageError when too small."""
    height, width = (min(side, longest_px) // scale * scale for side in image.shape[-2:])
    if min(height, width) < MIN_SIDE_PX:
        size = f"{image.shape[-1]} x {image.shape[-2]} px"
        raise ImageError(f"the photograph is {size}; the degradation needs at least {MIN_SIDE_PX} px a side")
    top, left = (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2
    return image[..., top : top + height, left : left + width]


def restore(path: str) -> Preset:
    """Preset of an uploaded file. Raises PresetError."""
    file = Path(path)
    if file.stat().st_size > MAX_PRESET_BYTES:
        raise PresetError(f"{file.name} has {file.stat().st_size:,} bytes; a preset file has at most {MAX_PRESET_BYTES:,}")
    try:
        return read_preset(file.read_bytes(), file.stem, file.name)
    except ValueError as error:  # also of a base that does not exist
        raise PresetError(str(error)) from error


def wish_of(values: Mapping[str, Any], name: str, seed: Any, crop_px: int, jpeg: JpegName, resize_back: bool) -> Wish:
    """The controls' wish. Raises PresetError."""
    if seed is None:
        raise PresetError("the seed is empty; enter a whole number from 0")
    return Wish(degrade_forms.preset_of(values, name.strip()), int(seed), crop_px, jpeg, resize_back)


def for_compare(made: Made) -> dict[str, Path]:
    """Copies of the degraded picture ("lq") and its ground truth ("hq") that stay when other degradations are tried.

    Raises DegradeError: Compare enlarges by another factor.
    """
    if made.record["scale"] != COMPARE_SCALE:
        raise DegradeError(
            f"Compare enlarges {COMPARE_SCALE} times, and this picture was reduced {made.record['scale']} times: "
            f"set Scale, in Start, to 1/{COMPARE_SCALE}"
        )
    folder = RunFolder(made.files["lq"])
    return {name: Path(shutil.copy(made.files[name], folder.path)) for name in ("lq", "hq")}


def status(made: Made) -> str:
    """Sizes, in one line."""
    (height, width), first = made.photo_px, made.steps[0]
    result = next(step for step in made.steps if step.name == RESULT)
    used = "" if (first.width_px, first.height_px) == (width, height) else f", of which the central {_size(first)} are used"
    return f"{width} × {height} px{used} → {_size(result)} · preset {made.record['preset']}, seed {made.record['seed']}"


def _size(step: Step) -> str:
    return f"{step.width_px} × {step.height_px} px"


def _files(folder: RunFolder, clean: Tensor, result: Tensor, record: dict[str, Any], wish: Wish) -> dict[str, Path]:
    text = json.dumps(record, indent=2, ensure_ascii=False)
    paths = {
        "lq": folder.named(f"lq-seed{wish.seed}.png"),
        "hq": folder.named(f"hq-seed{wish.seed}.png"),
        "record": folder.named(f"record-seed{wish.seed}.json"),
        "preset": folder.path / f"{folder.safe(wish.preset.name, 'preset')}.yaml",
    }
    save_png(result, paths["lq"], {RECORD_CHUNK: json.dumps(record)})
    save_png(clean, paths["hq"])
    paths["record"].write_text(text + "\n", encoding="utf-8")
    paths["preset"].write_text(preset_yaml(wish.preset), encoding="utf-8")
    return paths


def _picture(folder: RunFolder, number: int, name: str, image: Tensor) -> Picture:
    path = folder.picture(image, f"{number:02d}-{name.lower().replace(' ', '-')}")
    alt = "The clean photograph" if number == 0 else f"The photograph after the stage {label(name)}"
    height, width = image.shape[-2:]
    return Picture(
        f"stage-{name.replace(' ', '-')}", f"{number}. {label(name)}", alt, path, width, height, f"{width} × {height} px"
    )
