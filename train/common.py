"""What the training commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rapsr_core.captions import caption
from rapsr_core.images import read
from rapsr_core.training.photos import Photo


def caption_all(photos: Sequence[Photo], path: Path) -> dict[str, str]:
    """Captions by photo name, made once and kept in a JSON file."""
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    missing = [p for p in photos if p.name not in known]
    for photo in tqdm(missing, desc="captions", disable=not missing):
        known[photo.name] = caption(read(photo.path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=0, ensure_ascii=False))
    return known


@contextmanager
def progress(steps: int, start: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar fed with the rows of `progress.jsonl`."""
    with tqdm(total=steps, initial=start) as bar:

        def show(row: dict[str, Any]) -> None:
            bar.update(row["step"] - bar.n)
            bar.set_postfix(loss=f"{row['loss']:.4f}", patches_s=row["samples_per_s"])

        yield show
