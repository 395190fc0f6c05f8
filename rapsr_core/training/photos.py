"""The pool of photographs as a list: files, and what is known of them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rapsr_core.holdout import is_held_out
from rapsr_core.images import ImageError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff"}


@dataclass(frozen=True)
class Photo:
    """`name` is the path below the pool's folder; package and licence come from a manifest, or are empty."""

    name: str
    path: Path
    package: str = ""
    licence: str = ""


def training_photos(folder: Path) -> list[Photo]:
    """Photographs below `folder`, sorted by name, without those held out for validation and test.

    With a `manifest.tsv` (columns file, package, licence) in `folder`, only its files below `pool/` are taken; otherwise every image
    file. Raises ImageError when nothing is found.
    """
    manifest = folder / "manifest.tsv"
    if manifest.is_file():
        with manifest.open(newline="") as file:
            rows = [r for r in csv.DictReader(file, delimiter="\t") if r["file"].startswith("pool/")]
        photos = [Photo(r["file"], folder / r["file"], r["package"], r["licence"]) for r in rows]
    else:
        files = [p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES]
        photos = [Photo(str(p.relative_to(folder)), p) for p in files]
    chosen = sorted((p for p in photos if not is_held_out(p.name, p.package)), key=lambda p: p.name)
    if not chosen:
        raise ImageError(f"no photographs for training in {folder}; give a folder of {', '.join(sorted(SUFFIXES))} files")
    return chosen


def data_fingerprint(photos: Sequence[Photo]) -> str:
    """First 16 hex digits of the SHA-256 over names and sizes in bytes of the files, in the order given."""
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(f"{photo.name}\0{photo.path.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]
