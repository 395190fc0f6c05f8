"""A first stand-in for QDAISP: the cleanest photographs by the ranks of three no-reference metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rapsr_core.images import read
from rapsr_core.quality import score
from rapsr_core.training.photos import Photo

METRICS = ("niqe", "brisque", "piqe")
CROP_PX = 512


def best_photos(photos: Sequence[Photo], count: int, scores_file: Path) -> list[Photo]:
    """The `count` photographs of the lowest mean rank in NIQE, BRISQUE and PIQE, in name order.

    Scores are taken on the central 512 px (the paper crops to 512) and kept in `scores_file`, so a repeat costs nothing. A
    photograph smaller than that, or one a metric cannot judge, is left out.
    """
    known: dict[str, list[float] | None] = json.loads(scores_file.read_text()) if scores_file.is_file() else {}
    for photo in photos:
        if photo.name not in known:
            known[photo.name] = _scores(photo)
    scores_file.parent.mkdir(parents=True, exist_ok=True)
    scores_file.write_text(json.dumps(known, indent=0))
    judged = {p.name: v for p in photos if (v := known[p.name]) is not None}
    ranks = dict.fromkeys(judged, 0)
    for column in range(len(METRICS)):
        for rank, name in enumerate(sorted(judged, key=lambda n: judged[n][column])):
            ranks[name] += rank
    chosen = set(sorted(ranks, key=lambda n: (ranks[n], n))[:count])
    return [p for p in photos if p.name in chosen]


def _scores(photo: Photo) -> list[float] | None:
    image = read(photo.path)
    height, width = image.shape[-2:]
    if min(height, width) < CROP_PX:
        return None
    y, x = (height - CROP_PX) // 2, (width - CROP_PX) // 2
    rows = score(image[..., y : y + CROP_PX, x : x + CROP_PX], METRICS)
    values = [rows[name].value for name in METRICS]
    return [float(v) for v in values if v is not None] if None not in values else None
