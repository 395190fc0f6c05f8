"""The manifest: one parquet row for each image, written in parts, merged by one writer.

out/parts/part-000012.parquet (a shard, atomically) -> out/scores.parquet (sorted by id, the same bytes whoever scored it).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rapsr_core.curation.columns import Row, Stage
from rapsr_core.curation.places import utf8

FIXED = (
    ("id", pa.string()),
    ("source", pa.string()),
    ("licence", pa.string()),
    ("package", pa.string()),
    ("bytes", pa.int64()),
    ("error", pa.string()),
)
"""Columns of every manifest, before those of the stages. `error` is "" for an image that was measured in full."""

ROW_GROUP = 8192
WRITER = {"compression": "zstd", "compression_level": 3, "version": "2.6", "write_statistics": True, "store_schema": True}
"""Fixed, so that equal rows are equal bytes (for one version of pyarrow)."""

SCORES = "scores.parquet"


class ManifestError(ValueError):
    """A manifest that cannot be made or read; the message says what does not fit."""


@dataclass(frozen=True)
class PartFacts:
    """Of one part: rows, rows with an error, and seconds by stage, summed."""

    images: int
    errors: int
    seconds: dict[str, float]


def schema(stages: Sequence[Stage]) -> pa.Schema:
    """FIXED and the stages' columns: float64 for numbers, string for texts. Raises ManifestError when a name comes twice."""
    columns = [column for stage in stages for column in stage.columns]
    names = [name for name, _ in FIXED] + [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise ManifestError(f"two columns are named {name!r}; rename the stage's")
    return pa.schema([*FIXED, *((c.name, pa.float64() if c.kind == "number" else pa.string()) for c in columns)])


def part_path(out: Path, number: int) -> Path:
    """Where the rows of shard `number` are, once all are there."""
    return out / "parts" / f"part-{number:06d}.parquet"


def write_part(path: Path, rows: Sequence[Row], stages: Sequence[Stage], seconds: dict[str, float]) -> None:
    """Write a shard's rows at once: a temporary file beside it, then renamed."""
    facts = {"errors": sum(bool(row["error"]) for row in rows), "seconds": seconds}
    table = pa.Table.from_pylist([_encodable(row) for row in rows], schema(stages))
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, lambda new: pq.write_table(table.replace_schema_metadata({"facts": json.dumps(facts)}), new, **WRITER))


def part_facts(path: Path) -> PartFacts:
    """What `write_part` noted, without reading the rows."""
    metadata = pq.read_metadata(path)
    facts = json.loads(pq.read_schema(path).metadata[b"facts"])
    return PartFacts(metadata.num_rows, facts["errors"], facts["seconds"])


def merge(out: Path, parts: int, stages: Sequence[Stage]) -> Path:
    """`parts` files -> out/scores.parquet, sorted by id; one row group is in memory at a time.

    Shards are runs of the items sorted by id, so the parts in their order are sorted. Raises ManifestError for a missing part or one
    out of order.
    """
    missing = [number for number in range(parts) if not part_path(out, number).is_file()]
    if missing:
        raise ManifestError(f"{len(missing)} of {parts} parts are missing, the first is {missing[0]}; score again to resume")
    wanted = schema(stages)

    def write(new: Path) -> None:
        last = ""
        with pq.ParquetWriter(new, wanted, **WRITER) as writer:
            for table in _groups(out, parts, wanted):
                ids = [last, *table["id"].to_pylist()]
                if ids != sorted(ids):
                    raise ManifestError(f"the parts of {out} are not in the order of their ids; score into a new folder")
                last = ids[-1]
                writer.write_table(table, row_group_size=ROW_GROUP)

    return _replace(out / SCORES, write)


def read_manifest(path: Path) -> dict[str, NDArray[np.generic]]:
    """A manifest as `selecting` takes it: column -> (N,); numbers float64, NaN for missing; texts objects, "" for missing."""
    table = pq.read_table(path)
    found: dict[str, NDArray[np.generic]] = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type):
            found[name] = pc.fill_null(column, "").to_numpy(zero_copy_only=False).astype(object)
        else:
            found[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return found


def seconds_per_image(out: Path, parts: int) -> dict[str, float]:
    """Mean seconds an image took in each stage, and to read, over all images of the run, those with an error included."""
    facts = [part_facts(part_path(out, number)) for number in range(parts)]
    images, names = sum(part.images for part in facts), dict.fromkeys(name for part in facts for name in part.seconds)
    return {name: sum(part.seconds.get(name, 0.0) for part in facts) / images for name in names}


def _groups(out: Path, parts: int, wanted: pa.Schema) -> Iterator[pa.Table]:
    """All rows in tables of ROW_GROUP, so that the size of a shard leaves no trace."""
    held = wanted.empty_table()
    for number in range(parts):
        part = pq.read_table(part_path(out, number)).replace_schema_metadata(None)
        held = pa.concat_tables([held, part.select(wanted.names)])
        while len(held) >= ROW_GROUP:
            yield held.slice(0, ROW_GROUP).combine_chunks()
            held = held.slice(ROW_GROUP)
    if len(held):
        yield held.combine_chunks()


def _encodable(row: Row) -> Row:
    """Texts as UTF-8 can hold them: what it cannot (bytes of a file name, lone surrogates) becomes \\uNNNN."""
    return {name: utf8(value) if isinstance(value, str) else value for name, value in row.items()}


def _replace(path: Path, write: Callable[[Path], None]) -> Path:
    """`write(temporary)`, to disk, renamed to `path`."""
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write(new)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)
    return path
