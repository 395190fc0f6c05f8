"""How the crops of the lists were chosen: by gradient energy, with a seed, without looking at any result.

    write_lists(Path("photos"), Path("rapsr_core/evaluation/lists"))

writes the three committed lists again from the photographs and their manifest.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from rapsr_core.evaluation.lists import COLUMNS, Entry
from rapsr_core.holdout import TEST_PACKAGES, VALIDATION_PACKAGES
from rapsr_core.images import read

SEED = 2412
POSITIONS = 24
"""Crop positions drawn per photograph."""

MIN_ENERGY = 3.0
"""Crops below are out of focus, or sky. Unit: `gradient_energy`."""

MAX_OVERLAP = 0.25
"""Largest common share of two crops of one photograph."""

PRESETS = ("rapsr", "seesr_mild")


def gradient_energy(image: Tensor) -> float:
    """Mean length of the gradient of the channel mean, by forward differences; (1, 3, H, W) in [0, 1], result in
    1/255.
    """
    grey = image[0].mean(0).double().numpy() * 255
    return float(np.hypot(np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]).mean())


def choose_crops(photos: Path, files: Sequence[str], size_px: int, count: int) -> list[Entry]:
    """`count` square crops of `size_px`: the best of each photograph first, then second ones, both by gradient energy.

    Of POSITIONS random positions per photograph (seeded by SEED and the photograph's index) the one with the largest
    energy is its first crop; its second is the largest that overlaps the first by at most MAX_OVERLAP. Crops under
    MIN_ENERGY are left out. Sorted by file and position.
    """
    firsts: list[tuple[float, Entry]] = []
    seconds: list[tuple[float, Entry]] = []
    for index, file in enumerate(files):
        ranked = _ranked(read(photos / file), file, size_px, np.random.default_rng((SEED, index)))
        firsts.append(ranked[0])
        seconds += [item for item in ranked if _overlap(item[1], ranked[0][1]) <= MAX_OVERLAP][:1]
    found = [entry for tier in (firsts, seconds) for energy, entry in sorted(tier, key=_energy) if energy >= MIN_ENERGY]
    return sorted(found[:count], key=lambda entry: (entry.file, entry.x, entry.y))


def alternate(entries: Sequence[Entry], first_seed: int) -> list[Entry]:
    """Give the entries the PRESETS in turn, and seeds counting up from `first_seed`."""
    return [replace(entry, preset=PRESETS[index % len(PRESETS)], seed=first_seed + index) for index, entry in enumerate(entries)]


def centre_crop(file: str, width: int, height: int, size_px: int) -> Entry:
    """The middle of an image, at most `size_px` a side, as a real low-quality input."""
    across, down = min(width, size_px), min(height, size_px)
    return Entry(file, (width - across) // 2, (height - down) // 2, across, down)


def write_lists(photos: Path, folder: Path) -> None:
    """Write real_lq.txt, heldout.txt and validation.txt; `photos` holds manifest.tsv, pool/ and real_lq/."""
    with (photos / "manifest.tsv").open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file, delimiter="\t"), key=lambda row: row["file"])
    real = [centre_crop(r["file"], int(r["width"]), int(r["height"]), 160) for r in rows if r["file"].startswith("real_lq/")]
    pool = [row for row in rows if row["file"].startswith("pool/")]
    test = [row["file"] for row in pool if row["package"] in TEST_PACKAGES]
    tuning = [row["file"] for row in pool if row["package"] in VALIDATION_PACKAGES]
    _write(folder / "real_lq.txt", real, REAL_METHOD)
    _write(folder / "heldout.txt", alternate(choose_crops(photos, test, 512, 48), 1000), HELDOUT_METHOD)
    _write(folder / "validation.txt", alternate(choose_crops(photos, tuning, 384, 12), 5000), VALIDATION_METHOD)


REAL_METHOD = """\
Real low-quality photographs (scans, early cameras, strong compression): centre crop of at most 160 px a side of each.
"""
HELDOUT_METHOD = f"""\
Test crops of photographs from the packages {", ".join(sorted(TEST_PACKAGES))},
which no training run sees (rapsr_core/holdout.py).
"""
VALIDATION_METHOD = f"""\
Crops to tune settings on, of photographs from the packages {", ".join(sorted(VALIDATION_PACKAGES))},
which no training run sees either (rapsr_core/holdout.py). The README's table is never made from these.
"""
CHOICE = f"""\
Crops chosen by rapsr_core/evaluation/choosing.py, without looking at any result: of {POSITIONS} seeded random
positions per photograph the one with the largest gradient energy, then second crops (overlap at most
{MAX_OVERLAP:.0%}) until the list is full; crops under {MIN_ENERGY}/255 mean gradient are left out. Presets alternate.
"""


def _write(path: Path, entries: Sequence[Entry], method: str) -> None:
    text = method + (CHOICE if entries[0].preset else "") + "\t".join(COLUMNS)
    comment = "\n".join(f"# {line}" for line in text.splitlines())
    path.write_text("\n".join([comment, *(entry.line() for entry in entries)]) + "\n", encoding="utf-8")


def _ranked(photo: Tensor, file: str, size_px: int, rng: np.random.Generator) -> list[tuple[float, Entry]]:
    height, width = photo.shape[-2:]
    places = [(int(rng.integers(width - size_px + 1)), int(rng.integers(height - size_px + 1))) for _ in range(POSITIONS)]
    crops = [
        (gradient_energy(photo[..., y : y + size_px, x : x + size_px]), Entry(file, x, y, size_px, size_px)) for x, y in places
    ]
    return sorted(crops, key=_energy)


def _energy(item: tuple[float, Entry]) -> float:
    return -item[0]


def _overlap(a: Entry, b: Entry) -> float:
    across = max(0, a.width - abs(a.x - b.x))
    down = max(0, a.height - abs(a.y - b.y))
    return across * down / (a.width * a.height)
