"""Scoring one shard, the same in every engine: a run of images, a journal while it lasts, a part when it is done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rapsr_core.curation.items import Item
from rapsr_core.curation.journal import Journal, whole_lines
from rapsr_core.curation.manifest import part_facts, part_path, write_part
from rapsr_core.curation.scoring import Measures, Scored, failed_row, read_and_score

ATTEMPTS = 2
"""How often one image may take a worker with it. Each worker measures one image at a time, so that the guilty one is known."""

DIED = "the worker died while measuring it"

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
"""Environment of a worker, set before it imports numpy and torch: sums in one order whatever the machine, and no crowding."""


@dataclass(frozen=True)
class Shard:
    """Items `number * N` to `(number + 1) * N` of the pool, sorted by id."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Count:
    """Rows of a shard so far, and how many of them have an error."""

    images: int
    errors: int


def score_shard(shard: Shard, out: Path, measures: Measures, run: str, tell: Callable[[Count], None]) -> Count:
    """Measure what the shard's journal does not have yet, and write its part; a part that is there is left as it is.

    Args:
        run: name of this run of the engine; an image that killed ATTEMPTS workers in it gets a row that says so.
        tell: called after each image.
    """
    path = journal_path(out, shard.number)
    with Journal(path, run) as journal:
        if not part_path(out, shard.number).is_file():
            errors = sum(bool(scored.row["error"]) for scored in journal.scored.values())
            for item in shard.items:
                if item.id not in journal.scored:
                    scored = _measured(item, journal, measures)
                    errors += bool(scored.row["error"])
                    tell(Count(len(journal.scored), errors))
            _write(shard, out, measures, journal)
        path.unlink(missing_ok=True)
    return count(out, shard.number)


def count(out: Path, number: int) -> Count:
    """What is there of a shard, in its part or in its journal."""
    if part_path(out, number).is_file():
        facts = part_facts(part_path(out, number))
        return Count(facts.images, facts.errors)
    if not journal_path(out, number).is_file():
        return Count(0, 0)
    rows = [line["row"] for line in whole_lines(journal_path(out, number))[0] if "row" in line]
    return Count(len(rows), sum(bool(row["error"]) for row in rows))


def journal_path(out: Path, number: int) -> Path:
    """The journal of a shard under way."""
    return out / "journal" / f"part-{number:06d}.jsonl"


def one_thread() -> None:
    """torch of this process on one thread; a worker's environment is ONE_THREAD."""
    import torch

    os.environ.update(ONE_THREAD)
    torch.set_num_threads(1)


def _measured(item: Item, journal: Journal, measures: Measures) -> Scored:
    if journal.deaths(item.id) >= ATTEMPTS:
        scored = Scored(failed_row(item, DIED, [stage for stage, _ in measures]), {})
    else:
        journal.start(item.id)
        scored = read_and_score(item, measures)
    journal.add(scored)
    return scored


def _write(shard: Shard, out: Path, measures: Measures, journal: Journal) -> None:
    done = [journal.scored[item.id] for item in shard.items]
    seconds: Counter[str] = Counter()
    for scored in done:
        seconds.update(scored.seconds)  # adds
    write_part(part_path(out, shard.number), [s.row for s in done], [stage for stage, _ in measures], dict(seconds))
