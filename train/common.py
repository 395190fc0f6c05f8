"""What the training commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from tqdm import tqdm

from rapsr_core.captions import caption
from rapsr_core.images import read
from rapsr_core.training.cache import ITEM_PX
from rapsr_core.training.photos import Photo

LPIPS_MIN_PX = 48
"""AlexNet's strides leave nothing of less, once up to 3 px are cut off (`Batch.shift`)."""


def caption_all(photos: Sequence[Photo], path: Path) -> dict[str, str]:
    """Captions by photo name: the photograph's own where it has one, else the embedded tagger's, made once. All are kept in a JSON file."""
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    known |= {p.name: p.caption for p in photos if p.caption}
    missing = [p for p in photos if p.name not in known]
    for photo in tqdm(missing, desc="captions", disable=not missing):
        known[photo.name] = caption(read(photo.path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=0, ensure_ascii=False))
    return known


def check_patch_px(patch_px: int, lpips_weight: float) -> None:
    """Raises ValueError for a patch the networks cannot take: a multiple of 16 px, and at least 48 for LPIPS."""
    if patch_px % 16 or not 16 <= patch_px <= ITEM_PX:
        raise ValueError(f"--patch-px is {patch_px}; it must be a multiple of 16 from 16 to {ITEM_PX}")
    if lpips_weight and patch_px < LPIPS_MIN_PX:
        raise ValueError(f"--patch-px is {patch_px}; LPIPS needs {LPIPS_MIN_PX}: take larger patches, or --lpips-weight 0")


def training_device() -> torch.device:
    """This process's GPU, or the CPU. Joins the other processes of a launch."""
    return PartialState(cpu=not torch.cuda.is_available()).device


@contextmanager
def progress(steps: int, start: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar fed with the rows of `progress.jsonl`."""
    with tqdm(total=steps, initial=start) as bar:

        def show(row: dict[str, Any]) -> None:
            bar.update(row["step"] - bar.n)
            bar.set_postfix(loss=f"{row['loss']:.4f}", patches_s=row["samples_per_s"])

        yield show
