"""One item -> one row: every stage in order on one picture. Whatever goes wrong with the item becomes its `error`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapsr_core.curation.columns import Column, Row, Stage, Value
from rapsr_core.curation.items import Item, read_item
from rapsr_core.curation.picture import Picture

Measures = Sequence[tuple[Stage, Callable[[Picture], Row]]]

READ = "read"
"""Name under which the seconds of reading the bytes are kept."""


@dataclass(frozen=True)
class Scored:
    """`row`: all columns of the manifest; `seconds`: stage (or READ) -> time it took; both JSON-serialisable."""

    row: Row
    seconds: dict[str, float]


def build(stages: Sequence[Stage]) -> Measures:
    """Each stage with its measuring function; may load models. Done once in each worker."""
    return [(stage, stage.build()) for stage in stages]


def read_and_score(item: Item, measures: Measures) -> Scored:
    """`score_item` on the item's own bytes; bytes that cannot be read are an `error` as well."""
    start = time.perf_counter()
    try:
        data = read_item(item)
    except (OSError, ValueError, MemoryError) as error:
        return Scored(failed_row(item, _reason(error), [stage for stage, _ in measures]), {READ: time.perf_counter() - start})
    took = time.perf_counter() - start
    scored = score_item(item, data, measures)
    return Scored(scored.row, {READ: took} | scored.seconds)


def score_item(item: Item, data: bytes, measures: Measures) -> Scored:
    """The row of an image given as the bytes of a file.

    The first exception of a stage (ImageError for data that is no usable image, anything else too) ends the row: `error` is its
    type and message, the columns of this stage and the later ones stay None. Without one, `error` is "". Numbers are float64; a
    number that is not finite is None (not measurable).
    """
    row = failed_row(item, "", [stage for stage, _ in measures]) | {"bytes": len(data)}
    picture, seconds = Picture(data, item.id.rsplit("/", 1)[-1]), {}
    for stage, measure in measures:
        start = time.perf_counter()
        try:
            found = measure(picture)
            row |= {column.name: _value(column, found[column.name]) for column in stage.columns}
        except Exception as error:
            row["error"] = _reason(error)
        seconds[stage.name] = time.perf_counter() - start
        if row["error"]:
            break
    return Scored(row, seconds)


def failed_row(item: Item, reason: str, stages: Sequence[Stage]) -> Row:
    """The row of an item of which nothing was measured."""
    known: Row = {"id": item.id, "source": item.source, "licence": item.licence, "package": item.package, "bytes": None}
    return known | {"error": reason} | {column.name: None for stage in stages for column in stage.columns}


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _value(column: Column, value: Value) -> Value:
    if value is None or column.kind == "text":
        return None if value is None else str(value)
    number = float(value)
    return number if math.isfinite(number) else None
