"""--engine ray: shards on the actors of a Ray cluster (Ray Data). Needs requirements-ray.txt.

One row of the dataset is a shard: items, not pixels, travel through Ray, and an actor reads each image from its path or URI. `out` is a folder
that every node sees under the same path (NFS, EFS, FSx, ...), as Ray Train's storage_path; this package and the stages'
modules are installed on every node. An actor that dies is started again by Ray, and goes on in the shard's journal.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapsr_core.curation.columns import Stage
from rapsr_core.curation.local import EngineError
from rapsr_core.curation.progress import Tally
from rapsr_core.curation.scoring import build
from rapsr_core.curation.shard import ONE_THREAD, Count, Shard, one_thread, score_shard


@dataclass(frozen=True)
class Ray:
    """Actors: `min_actors` to `max_actors`, each with `cpus` and `gpus` (fractions allowed).

    `address`: of a running cluster; None = the one this process is connected to, else one on this machine.
    """

    min_actors: int = 1
    max_actors: int = 2
    cpus: float = 1.0
    gpus: float = 0.0
    address: str | None = None


class ShardScorer:
    """The actor: builds its stages once; called with a batch of one pickled Shard, returns what was scored of it."""

    def __init__(self, stages: tuple[Stage, ...], out: str, run: str) -> None:
        one_thread()
        self.measures, self.out, self.run = build(stages), Path(out).absolute(), run

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        shard: Shard = pickle.loads(batch["shard"][0])
        count = score_shard(shard, self.out, self.measures, self.run, lambda _: None)
        return {"number": [shard.number], "images": [count.images], "errors": [count.errors]}


def score_on_ray(shards: Sequence[Shard], stages: Sequence[Stage], out: Path, options: Ray, run: str, tally: Tally) -> None:
    """Score the shards whose parts are not there; progress is told after each shard. Any end leaves a state that the same call resumes.

    Raises EngineError when ray is not installed, and ray.exceptions.RayError when a stage cannot be built.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError("--engine ray needs Ray Data: pip install -r requirements-ray.txt") from error
    if not shards:
        return
    if not ray.is_initialized():
        ray.init(address=options.address)
    rows = [{"shard": pickle.dumps(shard)} for shard in shards]
    with _no_bars():
        scored = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            ShardScorer,
            fn_constructor_kwargs={"stages": tuple(stages), "out": str(out.absolute()), "run": run},
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(
                min_size=options.min_actors, max_size=options.max_actors, max_tasks_in_flight_per_actor=1
            ),
            num_cpus=options.cpus,
            num_gpus=options.gpus,
            runtime_env={"env_vars": ONE_THREAD},
        )
        for row in scored.iter_rows():
            tally.set(int(row["number"]), Count(int(row["images"]), int(row["errors"])))


@contextmanager
def _no_bars() -> Iterator[None]:
    """Without Ray Data's own progress bars, which would be drawn over the caller's."""
    from ray.data import DataContext

    context = DataContext.get_current()
    was, context.enable_progress_bars = context.enable_progress_bars, False
    try:
        yield
    finally:
        context.enable_progress_bars = was
