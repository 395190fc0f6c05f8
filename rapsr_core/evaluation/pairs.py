"""Which images an evaluation takes: low-quality inputs, references, or both under the same file stem."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rapsr_core.degradation import degrade, preset
from rapsr_core.degradation.pipeline import MIN_SIDE_PX
from rapsr_core.images import read

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".heic")
SCALE = 4
"""Hosts enlarge by 4; a reference has 4 times the size of its input."""


class EvaluationError(ValueError):
    """An evaluation cannot start; the message names the folder, file or setting and what to do."""


@dataclass(frozen=True)
class Pair:
    """`name` is the common file stem. Without `lq` the input is made from `hq`; without `hq` there is no reference."""

    name: str
    lq: Path | None
    hq: Path | None


def find_pairs(lq: Path | None, hq: Path | None, names: Sequence[str] | None = None) -> list[Pair]:
    """Pairs sorted by name, or those of `names` in that order.

    With both folders every LQ image needs an HQ image of its stem; further HQ images are left alone.
    Raises EvaluationError: no folder, a missing or empty one, one stem twice, stems without partner, unknown names.
    """
    if lq is None and hq is None:
        raise EvaluationError("nothing to evaluate: give --lq, a folder of low-quality images, or --hq, one of references")
    inputs, references = _by_stem(lq), _by_stem(hq)
    found = {stem: Pair(stem, inputs.get(stem), references.get(stem)) for stem in inputs or references}
    chosen = list(found) if names is None else list(names)
    if unknown := [name for name in chosen if name not in found]:
        raise EvaluationError(f"not in {lq or hq}: {_some(unknown)}; the list names files, with or without suffix")
    alone = [name for name in chosen if hq is not None and found[name].hq is None]
    if alone:
        raise EvaluationError(
            f"{len(alone)} of {len(chosen)} images in {lq} have no reference of the same stem in {hq}: {_some(alone)}"
        )
    return [found[name] for name in chosen]


def read_names(path: Path) -> list[str]:
    """File stems from a text file: one file name or path a line (further tab-separated columns are ignored), #
    comments.
    """
    if not path.is_file():
        raise EvaluationError(f"no list at {path}")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    names = [_stem(Path(line.split("\t")[0].strip()).name) for line in lines]
    if not names:
        raise EvaluationError(f"{path} names no image; write one file name a line")
    return list(dict.fromkeys(names))


def load(pair: Pair, preset_name: str, seed: int) -> tuple[Tensor, Tensor | None]:
    """Input (1, 3, h, w) and reference (1, 3, 4h, 4w) or None, sRGB in [0, 1].

    Without an LQ file the reference, cut at right and bottom to a multiple of 4, is degraded by the preset with a
    seed made from `seed` and the name, so that an image's input does not depend on which others are evaluated.
    Raises EvaluationError when the sizes do not match, or a reference is too small to be degraded.
    """
    reference = None if pair.hq is None else read(pair.hq)
    if pair.lq is None:
        assert reference is not None
        height, width = (side // SCALE * SCALE for side in reference.shape[-2:])
        if min(height, width) < MIN_SIDE_PX:
            raise EvaluationError(f"{pair.name} is {width} x {height} px; to be degraded it needs {MIN_SIDE_PX} px a side")
        reference = reference[..., :height, :width]
        return degrade(reference, preset(preset_name), [degradation_seed(pair.name, seed)]).image, reference
    image = read(pair.lq)
    if reference is not None:
        (height, width), (full_height, full_width) = image.shape[-2:], reference.shape[-2:]
        if (full_height, full_width) != (height * SCALE, width * SCALE):
            raise EvaluationError(
                f"{pair.name}: the input is {width} x {height} and its reference {full_width} x {full_height}; "
                f"the reference must be {width * SCALE} x {height * SCALE}"
            )
    return image, reference


def degradation_seed(name: str, seed: int) -> int:
    """CRC-32 of "<seed>:<name>", in [0, 2^32)."""
    return zlib.crc32(f"{seed}:{name}".encode())


def _by_stem(folder: Path | None) -> dict[str, Path]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise EvaluationError(f"no folder at {folder}")
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES):
        if path.stem in found:
            raise EvaluationError(f"{folder} holds {found[path.stem].name} and {path.name}; one image per stem")
        found[path.stem] = path
    if not found:
        raise EvaluationError(f"no images in {folder}; it needs {', '.join(SUFFIXES)} files")
    return found


def _stem(file_name: str) -> str:
    path = Path(file_name)
    return path.stem if path.suffix.lower() in SUFFIXES else file_name


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
