"""The pool of photographs as a list: files, and what is known of them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rapsr_core.holdout import is_held_out
from rapsr_core.images import ImageError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff"}

HFAID_CAPTIONER = "microsoft-Florence-2-large-ft"


@dataclass(frozen=True)
class Photo:
    """`name` is the path below the pool's folder; package and licence come from a manifest, the caption from a dataset, or are empty."""

    name: str
    path: Path
    package: str = ""
    licence: str = ""
    caption: str = ""


def training_photos(folder: Path) -> list[Photo]:
    """Photographs below `folder`, sorted by name, without those held out for validation and test.

    With a `manifest.tsv` (columns file, package, licence) in `folder`, only its files below `pool/` are taken. A folder with `image/` and
    `caption/` is a dataset in HFAID's layout, as the curation writes it and as RAP-SR's was released: its captions come with the photographs,
    and what is held out is seen from the ids of its `metadata.jsonl`. Of any other folder every image file is taken. Raises ImageError when
    nothing is found.
    """
    manifest = folder / "manifest.tsv"
    if not manifest.is_file() and (folder / "image").is_dir() and (folder / "caption").is_dir():
        return _chosen(_dataset(folder), folder)
    if manifest.is_file():
        with manifest.open(newline="") as file:
            rows = [r for r in csv.DictReader(file, delimiter="\t") if r["file"].startswith("pool/")]
        photos = [Photo(r["file"], folder / r["file"], r["package"], r["licence"]) for r in rows]
    else:
        files = [p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES]
        photos = [Photo(str(p.relative_to(folder)), p) for p in files]
    return _chosen(photos, folder)


def _chosen(photos: Sequence[Photo], folder: Path) -> list[Photo]:
    chosen = sorted((p for p in photos if not is_held_out(p.name, p.package)), key=lambda p: p.name)
    if not chosen:
        raise ImageError(f"no photographs for training in {folder}; give a folder of {', '.join(sorted(SUFFIXES))} files")
    return chosen


def _dataset(folder: Path) -> list[Photo]:
    """Photographs of an HFAID folder; those held out by their id in the pool are left out here, since their names may have changed."""
    metadata = folder / "metadata.jsonl"
    lines = metadata.read_text(encoding="utf-8").splitlines() if metadata.is_file() else []
    rows = {row["file_name"]: row for row in map(json.loads, lines)}
    files = sorted(p for p in (folder / "image").iterdir() if p.suffix.lower() in SUFFIXES)
    told = [(p, rows.get(f"image/{p.name}", {})) for p in files]
    return [
        Photo(f"image/{p.name}", p, licence=row.get("licence", ""), caption=_caption(folder / "caption" / f"{p.stem}.json"))
        for p, row in told
        if not is_held_out(row.get("id", p.name))
    ]


def _caption(path: Path) -> str:
    """The text in {captioner: {task: text}} (RAP-SR, RPEF/dataloaders/dataset.py); its captioner's before any other; empty without a file."""
    captioners: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    texts = captioners.get(HFAID_CAPTIONER) or next(iter(captioners.values()), {})
    return next(iter(texts.values()), "")


def data_fingerprint(photos: Sequence[Photo]) -> str:
    """First 16 hex digits of the SHA-256 over names and sizes in bytes of the files, in the order given."""
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(f"{photo.name}\0{photo.path.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]
