"""What is in a pool: a name and a place for each image, and its bytes when asked.

A pool is a folder, a list (text or parquet), webdataset `.tar` shards, or the URI of one of these. Pixels are not looked at here.
"""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from rapsr_core.curation.places import PoolError, base, files_under, is_folder, is_uri, join, members, opened, size_of, utf8

MAX_BYTES = 400_000_000
"""Largest file that is read: 64 megapixels (images.MAX_PIXELS) of uncompressed 16-bit RGB are 384 MB."""

LISTS = (".txt", ".lst", ".parquet")
PLACE_COLUMNS = ("source", "uri", "url", "path", "file")
MANIFEST = "manifest.tsv"
SAMPLE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".png",
    ".webp",
    ".avif",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".jp2",
    ".heic",
    ".heif",
)
"""Members of a webdataset shard that are images; the others (.json, .txt, .cls) belong to them."""


class ReadError(OSError):
    """An item's bytes cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One candidate. `source`: a path or a URI; `span`: (first byte, bytes) when the image is a part of that file (a tar's member)."""

    id: str
    source: str
    package: str | None = None
    licence: str | None = None
    span: tuple[int, int] | None = None


def find_items(pool: str | Path) -> list[Item]:
    """Every candidate of a pool, sorted by id; ids are unique.

    Args:
        pool: a folder (recursive; every file that is not hidden; `.tar` files are opened; a manifest.tsv in it or beside it, with a
            `file` column, gives package and licence), a `.txt`/`.lst` list of paths or URIs (one a line, relative to the list), a
            `.parquet` list (a column source, uri, url, path or file; optional id, package, licence), a `.tar`, or a URI of a
            folder or tar that pyarrow.fs (file, s3, gs, hdfs, ...) or fsspec can open.
    Raises:
        PoolError: nothing there, a list without a usable column, or two candidates with one id.
    """
    place = str(pool)
    if place.lower().endswith(LISTS):
        found = _from_list(place)
    elif place.lower().endswith(".tar"):
        found = _from_tar(place, base(place))
    elif is_folder(place):
        found = _from_folder(place)
    else:
        raise PoolError(f"no pool at {place!r}: give a folder, a list ({', '.join(LISTS)}), a .tar, or a URI of one")
    items = sorted(found, key=lambda item: item.id)
    if not items:
        raise PoolError(f"{place!r} has no files")
    for a, b in pairwise(items):
        if a.id == b.id:
            raise PoolError(f"two candidates have the id {a.id!r}: {a.source!r} and {b.source!r}; give ids of their own")
    return items


def read_item(item: Item, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of an item. Raises ReadError (missing, not a regular file, over `max_bytes`, cut short) or another OSError."""
    if not is_uri(item.source) and not stat.S_ISREG(os.stat(item.source).st_mode):
        raise ReadError(f"{base(item.source)!r} is not a regular file")
    size = item.span[1] if item.span else size_of(item.source)
    if size > max_bytes:
        raise ReadError(f"{size / 1e6:.0f} MB; at most {max_bytes / 1e6:.0f} MB are read: reduce the image first")
    with opened(item.source) as file:
        if item.span:
            file.seek(item.span[0])
        data = bytes(file.read(size))
    if len(data) < size:
        raise ReadError(f"{base(item.source)!r} ends {size - len(data)} bytes early")
    return data


def _from_folder(folder: str) -> Iterator[Item]:
    known = {} if is_uri(folder) else _manifest(Path(folder))
    for place, relative in files_under(folder):
        name = utf8(relative)
        if relative == MANIFEST:
            continue
        if name.lower().endswith(".tar"):
            yield from _from_tar(place, name)
        else:
            package, licence = known.get(relative, (None, None))
            yield Item(name, place, package, licence)


def _manifest(folder: Path) -> dict[str, tuple[str | None, str | None]]:
    """Path relative to `folder` -> package, licence, from the manifest.tsv in it or beside it."""
    found = {}
    for home, cut in ((folder.absolute().parent, f"{folder.absolute().name}/"), (folder, "")):
        if (home / MANIFEST).is_file():
            with (home / MANIFEST).open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                    name = row.get("file") or ""
                    if name.startswith(cut):
                        found[name.removeprefix(cut)] = (row.get("package") or None, row.get("licence") or None)
    return found


def _from_tar(place: str, name: str) -> Iterator[Item]:
    for member, first, count in members(place):
        if PurePosixPath(member).suffix.lower() in SAMPLE_SUFFIXES:
            yield Item(f"{name}/{utf8(member)}", place, span=(first, count))


def _from_list(place: str) -> Iterator[Item]:
    rows = _parquet_rows(place) if place.lower().endswith(".parquet") else _lines(place)
    for row in rows:
        source = row["source"]
        assert source is not None
        where = source if is_uri(source) or os.path.isabs(source) else join(place, source)
        yield Item(utf8(row.get("id") or source), where, row.get("package"), row.get("licence"))


def _lines(place: str) -> Iterator[Mapping[str, str | None]]:
    with opened(place) as file:
        for line in file.read().decode("utf-8", "surrogateescape").splitlines():
            if line.strip():
                yield {"source": line.strip()}


def _parquet_rows(place: str) -> Iterator[Mapping[str, str | None]]:
    import pyarrow.parquet as pq

    with opened(place) as file:
        parquet = pq.ParquetFile(file)
        names = parquet.schema_arrow.names
        source = next((name for name in PLACE_COLUMNS if name in names), None)
        if source is None:
            raise PoolError(f"{place!r} has the columns {', '.join(names)}; one of {', '.join(PLACE_COLUMNS)} is needed")
        wanted = [source, *(name for name in ("id", "package", "licence") if name in names)]
        for batch in parquet.iter_batches(columns=wanted):
            for row in batch.to_pylist():
                yield {"source": str(row[source])} | {k: None if row[k] is None else str(row[k]) for k in wanted[1:]}


def shards(items: Iterable[Item], images: int) -> list[tuple[Item, ...]]:
    """Items in runs of `images`, in their order."""
    rows = tuple(items)
    return [rows[i : i + images] for i in range(0, len(rows), images)]
