"""Patch cache: (target, cleaned guide, LQ) triples on disk, because cleaning is too slow to repeat for every sample.

Item i is a pure function of (seed, i, the list of photographs): the cache may be made by any number of processes, killed and
continued, or deleted and made again. Training then cuts smaller patches at any pixel offset, so the codec's grid never
coincides with the degradation's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rapsr_core.cleaners import SCALE, clean
from rapsr_core.degradation import degrade, preset
from rapsr_core.degradation.pipeline import MODES
from rapsr_core.images import read, resize, to_uint8
from rapsr_core.training.photos import Photo

ITEM_PX = 256
"""Pixels a side of a cached target. The LQ is a quarter of that."""
SHARD_ITEMS = 50
PRESETS = ("rapsr", "seesr_mild")
"""Degradations of the LQ, drawn evenly."""

MakeTarget = Callable[[Tensor, np.random.Generator], tuple[Tensor, str]]
"""(1, 3, H, W) crop of a photograph -> the target to learn and the name of what is wrong with it."""


def as_they_are(crop: Tensor, rng: np.random.Generator) -> tuple[Tensor, str]:
    """The `MakeTarget` of a curated pool: nothing is wrong with the target."""
    del rng
    return crop, "good"


@dataclass(frozen=True)
class Targets:
    """How targets are made of photographs. `reduced_share` of the photographs are first reduced by a factor drawn from
    `reduction`: structures become sharper and smaller."""

    name: str
    make: MakeTarget
    reduced_share: float
    reduction: tuple[float, float]


CRISP = Targets("crisp", as_they_are, reduced_share=1.0, reduction=(1.25, 2.0))
"""For curated pools: a photograph is rarely sharp to its last pixel, and reduced it is."""


@dataclass(frozen=True)
class Item:
    """One cached triple; images are uint8 (H, W, 3) sRGB. `quality` is what is wrong with the target ("good" = nothing)."""

    target: np.ndarray
    cleaned: np.ndarray
    lq: np.ndarray
    photo: str
    quality: str


_LQ_PX = ITEM_PX // SCALE
_BYTES = 3 * (2 * ITEM_PX**2 + _LQ_PX**2)


def make_item(index: int, photos: Sequence[Photo], seed: int, targets: Targets) -> Item:
    """Item `index`: a photograph, a crop (the better of two by gradient energy), maybe a worse target, its LQ, cleaned."""
    rng = np.random.default_rng([seed, index])
    photo = photos[int(rng.integers(len(photos)))]
    crop = _best_crop(_reduced(read(photo.path), targets, rng), rng)
    target, quality = targets.make(crop, rng)
    lq = degrade(target, preset(PRESETS[int(rng.integers(2))]), [int(rng.integers(2**31))]).image
    return Item(to_uint8(target), to_uint8(clean(lq, "real-esrgan")), to_uint8(lq), photo.name, quality)


def _reduced(image: Tensor, targets: Targets, rng: np.random.Generator) -> Tensor:
    """`targets.reduced_share` of the photographs reduced; never below 1.25 items a side."""
    short = min(image.shape[-2:])
    factor = rng.uniform(*targets.reduction) if rng.random() < targets.reduced_share else 1.0
    factor = min(factor, short / (1.25 * ITEM_PX))
    if factor <= 1:
        return image
    return resize(image, (round(image.shape[-2] / factor), round(image.shape[-1] / factor)))


def _best_crop(image: Tensor, rng: np.random.Generator) -> Tensor:
    height, width = image.shape[-2:]
    if min(height, width) < ITEM_PX:
        scale = ITEM_PX / min(height, width)
        image = resize(image, (max(ITEM_PX, round(height * scale)), max(ITEM_PX, round(width * scale))))
        height, width = image.shape[-2:]
    crops = []
    for _ in range(2):
        y, x = int(rng.integers(height - ITEM_PX + 1)), int(rng.integers(width - ITEM_PX + 1))
        crops.append(image[..., y : y + ITEM_PX, x : x + ITEM_PX])
    return max(crops, key=lambda c: float(c.diff(dim=-1).square().mean() + c.diff(dim=-2).square().mean()))


def build_cache(
    folder: Path,
    photos: Sequence[Photo],
    seed: int,
    items: int,
    targets: Targets,
    part: tuple[int, int] = (0, 1),
    report: Callable[[int], object] = lambda items: None,
) -> None:
    """Write the missing ones of the first `items` items into `folder`, in shards that appear whole or not at all.

    `part` = (k, n): only every n-th shard from the k-th on, so that n processes share the work. `report` gets the number of
    items each shard adds. Raises ValueError when `folder` was made from another seed, pool or kind of target.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = {"targets": targets.name, "reduced_share": targets.reduced_share, "reduction": list(targets.reduction)}
    kind = made | {"item_px": ITEM_PX, "shard_items": SHARD_ITEMS}
    _check_or_write(folder / "cache.json", {"seed": seed, "photos": [p.name for p in photos]} | kind)
    for shard in range(-(-items // SHARD_ITEMS))[part[0] :: part[1]]:
        path = folder / f"{shard:05d}.npy"
        first, last = shard * SHARD_ITEMS, min(items, (shard + 1) * SHARD_ITEMS)
        if path.is_file() and len(np.load(path, mmap_mode="r")) >= last - first:
            report(last - first)
            continue
        rows = [make_item(index, photos, seed, targets) for index in range(first, last)]
        pixels = np.stack([np.concatenate([i.target.ravel(), i.cleaned.ravel(), i.lq.ravel()]) for i in rows])
        path.with_suffix(".json").write_text(json.dumps([{"photo": i.photo, "quality": i.quality} for i in rows]))
        temporary = path.with_suffix(".tmp.npy")
        np.save(temporary, pixels)
        os.replace(temporary, path)
        report(last - first)


def _check_or_write(path: Path, facts: dict) -> None:
    if path.is_file():
        if json.loads(path.read_text()) != facts:
            raise ValueError(
                f"{path} belongs to another seed, pool or kind of target; choose another --cache folder or delete it"
            )
    else:
        path.write_text(json.dumps(facts))


class Cache:
    """Read access to the first `items` items of a cache folder (memory-mapped)."""

    def __init__(self, folder: Path, items: int | None = None) -> None:
        self.shards = sorted(p for p in folder.glob("[0-9]*.npy") if not p.name.endswith(".tmp.npy"))
        numbers = [int(p.stem) for p in self.shards]
        whole = next((n for n in range(len(numbers)) if numbers[n] != n), len(numbers))
        self._pixels = [np.load(p, mmap_mode="r") for p in self.shards[:whole]]
        full = next((n for n, shard in enumerate(self._pixels) if len(shard) < SHARD_ITEMS), whole)
        available = whole and full * SHARD_ITEMS + (len(self._pixels[full]) if full < whole else 0)
        self.items = available if items is None else items
        if not 0 < self.items <= available:
            raise ValueError(f"{folder} holds {available} items without a gap, {self.items} are asked for; build the cache first")
        self._facts = [json.loads(p.with_suffix(".json").read_text()) for p in self.shards[:whole]]

    def __getitem__(self, index: int) -> Item:
        row = self._pixels[index // SHARD_ITEMS][index % SHARD_ITEMS]
        assert row.shape == (_BYTES,)
        facts = self._facts[index // SHARD_ITEMS][index % SHARD_ITEMS]
        full, side = 3 * ITEM_PX**2, (ITEM_PX, ITEM_PX, 3)
        return Item(
            row[:full].reshape(side),
            row[full : 2 * full].reshape(side),
            row[2 * full :].reshape(_LQ_PX, _LQ_PX, 3),
            facts["photo"],
            facts["quality"],
        )


def as_tensor(image: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) -> float32 (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def resized_back(lq: Tensor, side_px: int, rng: np.random.Generator) -> Tensor:
    """LQ (1, 3, h, w) -> (1, 3, side, side) by area, bilinear or bicubic at random, as the official loader."""
    mode = MODES[int(rng.integers(3))]
    return F.interpolate(lq, size=(side_px, side_px), mode=mode).clamp(0, 1)
