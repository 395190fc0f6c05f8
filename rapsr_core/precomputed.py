"""Comparisons of the example photographs, made beforehand with the default recipe, so that one opens without computing.

Each says what it was made from - photograph, weights, recipe - and is shown only where all of that is still so. Of a photograph the centre is
taken, for the files are committed.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from rapsr_core.comparison import Comparer
from rapsr_core.events import Finished, TileTexts
from rapsr_core.hosts.registry import host_info, recipe_from_json
from rapsr_core.images import read, to_uint8
from rapsr_core.memory import PeakMemory
from rapsr_core.quality.scoring import Score
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe

FOLDER = "examples/precomputed"
"""Within the assets."""
SIDE_PX = 96
"""Longest side of the centre that is compared. Four examples of the shipped weights had 1.2 MB (PNG: 1.7 MB)."""
LIMIT_BYTES = 6_000_000
"""Of all of them."""
ASSETS_BYTES = 80_000_000
"""Of the whole assets folder, as tests/assets asks."""
METRICS = (*LIVE, "grid")
WEIGHTS = ("prior/**/*", "refinement/**/*", "cleaner/*")
_NOTES = (".md", ".jsonl")
"""Endings of what lies beside weights and changes no pixel."""


@dataclass(frozen=True)
class Precomputed:
    """One comparison. `window_px`: top, bottom, left, right of the photograph that was compared."""

    baseline: Path
    enhanced: Path
    window_px: tuple[int, int, int, int]
    finished: Finished


def default_recipe() -> Recipe:
    """What the page starts with; the caption is still to be written."""
    recipe = recipe_from_json({})
    return host_info(recipe.host).completed(recipe)


@functools.lru_cache(maxsize=4)
def fingerprint(assets: Path) -> str:
    """Of the weights a default comparison uses, and of the default recipe: SHA-256."""
    found = hashlib.sha256(json.dumps(default_recipe().to_json(), sort_keys=True).encode())
    for path in sorted({path for pattern in WEIGHTS for path in assets.glob(pattern)}):
        if path.is_file() and path.suffix not in _NOTES:
            found.update(str(path.relative_to(assets)).encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def make(comparer: Comparer, photo: Path, folder: Path, side_px: int = SIDE_PX) -> Path:
    """Compare the centre of a photograph and write baseline and enhanced as lossless WebP and the rest as JSON; returns the JSON."""
    image = read(photo)
    height, width = image.shape[-2:]
    window = _centre(height, width, side_px)
    top, bottom, left, right = window
    result = comparer.run(image[..., top:bottom, left:right], default_recipe(), METRICS)
    folder.mkdir(parents=True, exist_ok=True)
    for branch in ("baseline", "enhanced"):
        pixels = Pillow.fromarray(to_uint8(getattr(result, branch)))
        pixels.save(folder / f"{photo.stem}.{branch}.webp", lossless=True, quality=100, method=6)
    facts = {"photo": _digest(photo), "made_from": fingerprint(comparer.assets), "window_px": window}
    path = folder / f"{photo.stem}.json"
    path.write_text(json.dumps({**facts, "report": result.finished.to_json()}, indent=1) + "\n", encoding="utf-8")
    return path


def find(photo: Path, assets: Path) -> Precomputed | None:
    """The comparison of a photograph, known by its bytes, if weights and default recipe are those it was made from; or None."""
    digest = None
    for path, facts in _entries(assets):
        digest = digest or _digest(photo)
        if facts["photo"] == digest and facts["made_from"] == fingerprint(assets):
            baseline, enhanced = (path.with_name(f"{path.stem}.{branch}.webp") for branch in ("baseline", "enhanced"))
            top, bottom, left, right = facts["window_px"]
            return Precomputed(baseline, enhanced, (top, bottom, left, right), _finished(facts["report"]))
    return None


def stale(photos: list[Path], assets: Path) -> list[str]:
    """Names of the photographs that have a comparison which is not shown, because of other weights, another recipe or another photograph."""
    by_name = {photo.stem: photo for photo in photos}
    return [path.stem for path, _ in _entries(assets) if path.stem not in by_name or find(by_name[path.stem], assets) is None]


def too_large(assets: Path) -> str:
    """What is over its limit, as a sentence, or ""."""
    sizes = {path: path.stat().st_size for path in assets.rglob("*") if path.is_file()}
    own = sum(size for path, size in sizes.items() if path.is_relative_to(assets / FOLDER))
    for name, size, limit in (("they", own, LIMIT_BYTES), ("the assets", sum(sizes.values()), ASSETS_BYTES)):
        if size >= limit:
            return f"{name} have {size / 1e6:.2f} MB together, at most {limit / 1e6:.0f} are allowed"
    return ""


def _entries(assets: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((assets / FOLDER).glob("*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def _centre(height: int, width: int, side_px: int) -> tuple[int, int, int, int]:
    tall, wide = min(height, side_px), min(width, side_px)
    top, left = (height - tall) // 2, (width - wide) // 2
    return top, top + tall, left, left + wide


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _finished(report: dict[str, Any]) -> Finished:
    return Finished(
        recipe=Recipe.from_json(report["recipe"]),
        prompts=report["prompts"],
        scores={which: {name: Score(**row) for name, row in rows.items()} for which, rows in report["scores"].items()},
        seconds=report["seconds"],
        notes=tuple(report["notes"]),
        tiles=tuple(TileTexts(**tile) for tile in report["tiles"]),
        peak_memory=PeakMemory(**report["peak_memory"]),
    )
