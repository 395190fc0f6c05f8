"""Score a pool: items -> out/scores.parquet, on either engine, resumed when begun before."""

from __future__ import annotations

import fcntl
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rapsr_core.curation import manifest
from rapsr_core.curation.columns import Stage
from rapsr_core.curation.items import Item, shards
from rapsr_core.curation.local import EngineError, Local, score_locally
from rapsr_core.curation.progress import Report, Tally
from rapsr_core.curation.ray_engine import Ray, score_on_ray
from rapsr_core.curation.settings import begin, settings
from rapsr_core.curation.shard import Shard, count

SHARD_IMAGES = 64


def score_pool(
    items: Sequence[Item],
    stages: Sequence[Stage],
    out: Path,
    engine: Local | Ray,
    report: Report,
    shard_images: int = SHARD_IMAGES,
) -> Path:
    """Measure every item with every stage; returns out/scores.parquet. The same call again resumes, or has nothing to do.

    Args:
        items: sorted by id, ids unique (`items.find_items`).
        stages: they go to other processes by pickle, so `Stage.build` must be a function of an importable module, or a
            functools.partial of one with picklable arguments; no lambda, no function of a script's __main__.
        out: the run's folder: run.json, parts/, journal/ (shards under way), scores.parquet.
        engine: `local.Local` or `ray_engine.Ray`; both give the same bytes, and each resumes what the other began.
        report: called with `Progress` after each image (local) or shard (Ray).
        shard_images: images in a part.
    Raises:
        SettingsError: `out` was begun with another pool, other stages, or other versions of what measures.
        EngineError: another run is writing to `out`, or the engine cannot work; what was scored is kept.
    """
    manifest.schema(stages)
    begin(out, settings(items, stages, shard_images))
    runs = [Shard(number, run) for number, run in enumerate(shards(items, shard_images))]
    with _alone(out):
        there = {shard.number: count(out, shard.number) for shard in runs}
        tally = Tally(len(items), there, report)
        tally.tell()
        left = [shard for shard in runs if not manifest.part_path(out, shard.number).is_file()]
        name = uuid.uuid4().hex
        if isinstance(engine, Local):
            score_locally(left, stages, out, engine, name, tally)
        else:
            score_on_ray(left, stages, out, engine, name, tally)
        shutil.rmtree(out / "journal", ignore_errors=True)
        return manifest.merge(out, len(runs), stages)


def seconds_per_image(out: Path) -> dict[str, float]:
    """Of a finished run: mean seconds an image took to read and in each stage, one core, images with an error included."""
    return manifest.seconds_per_image(out, len(list((out / "parts").glob("part-*.parquet"))))


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One run at a time in a folder; the lock goes with the process that has it."""
    with (out / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineError(f"another run is writing to {out}: wait for it, or stop it") from error
        yield
