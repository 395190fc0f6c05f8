"""Refinement runs started from the page: `train.refine` as jobs that outlive the studio (rapsr_core/jobs). Needs no torch.

Datasets are what train.curate wrote below RAPSR_CURATIONS; a run writes into a folder of its own in RAPSR_TRAININGS, and its refinement goes
to the shelf (RAPSR_REFINEMENTS), where Compare finds it. Visitors choose names, never places.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from rapsr_core import weights
from rapsr_core.holdout import is_held_out
from rapsr_core.jobs import Command, Job, JobError, Runs, progress_of
from rapsr_core.priors.catalog import PRIORS, find_prior
from rapsr_core.refinement import shelf
from rapsr_core.refinement.facts import RefinementError
from studio import curate_jobs, train_settings
from studio.train_settings import Preset

ROOT_VARIABLE, ROOT = "RAPSR_TRAININGS", "runs/train"
DEPTH = 3
"""How many folders deep curations are looked for."""
CACHES = ".cache"
"""Folder of patches and captions in RAPSR_TRAININGS; no run's name begins with a dot."""
NO_DATASET = "There is no curated dataset yet: python -m train.curate POOL runs/NAME writes one, also of a curation NAME that was scored in the Curate tab"
DRY_RUN_S = 600
DECIDE_SPEED = (
    "--preset", "--prior", "--method", "--rank", "--resolution", "--objective", "--lpips-weight", "--batch-size", "--threads",
    "--mixed-precision", "--gradient-accumulation-steps", "--gradient-checkpointing", "--no-gradient-checkpointing", "--learn-identifiers",
)  # fmt: skip
"""Runs that agree in these learn as many samples a second."""


@dataclass(frozen=True)
class Wish:
    """What the page asks for; `values` by name of SETTINGS."""

    name: str
    dataset: str | None
    prior: str
    preset: Preset
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """A curated dataset: photographs that may be trained on (none that is held out), and what tells it from another selection."""

    name: str
    photographs: int
    digest: str


@dataclass(frozen=True)
class Places:
    """Folders as a command line has them."""

    curations: str
    trainings: str


def root() -> Path:
    """The folder of the runs: RAPSR_TRAININGS, or runs/train. No visitor chooses it."""
    return Path(os.environ.get(ROOT_VARIABLE, ROOT))


def runs() -> Runs:
    """The runs there are."""
    return Runs(root())


def datasets() -> list[str]:
    """Names of the curations that have a dataset, relative to RAPSR_CURATIONS, sorted."""
    base = curate_jobs.root()
    found = [path for depth in range(1, DEPTH + 1) for path in base.glob("*/" * depth + "dataset/metadata.jsonl")]
    return sorted(path.parents[1].relative_to(base).as_posix() for path in found)


def dataset(name: str) -> Dataset:
    """One that `datasets` lists. Raises JobError for any other name."""
    if name not in datasets():
        raise JobError(f"there is no dataset of a curation named {name}; choose one of the list")
    path = curate_jobs.root() / name / "dataset/metadata.jsonl"
    return Dataset(name, *_read(path.resolve(), path.stat().st_mtime_ns))


def priors() -> list[tuple[str, str]]:
    """(label, name) of the priors that are on this machine."""
    return [(row.label, row.name) for row in PRIORS.values() if find_prior(row)]


def real() -> Places:
    """The folders as they are."""
    return Places(str(curate_jobs.root().resolve()), str(root().resolve()))


def told() -> Places:
    """The folders as a visitor reads them, and as a shell on this machine does: by their variable, or as they are called without it."""
    pairs = ((curate_jobs.ROOT_VARIABLE, curate_jobs.ROOT), (ROOT_VARIABLE, ROOT))
    return Places(*(f"${name}" if name in os.environ else otherwise for name, otherwise in pairs))


def arguments(wish: Wish, places: Places) -> list[str]:
    """Arguments of train.refine. Raises JobError for a dataset that is not there."""
    preset = [] if wish.preset == "embedded" else ["--preset", wish.preset]
    prior = [] if wish.prior == train_settings.EMBEDDED else ["--prior", wish.prior]
    where = ["--out", f"{places.trainings}/{wish.name}", "--cache", f"{places.trainings}/{CACHES}/{_cache(wish)}"]
    return [
        *("--photos", f"{places.curations}/{wish.dataset}/dataset"),
        *preset, *prior, *train_settings.tokens(wish.preset, wish.prior, wish.values), *where, "--shelve", wish.name, "--resume",
    ]  # fmt: skip


def command_line(wish: Wish) -> str:
    """What Start runs, for a shell, one option a line."""
    words = ["python -m train.refine"]
    for word in arguments(wish, told()):
        words.append(f"\\\n  {word}" if word.startswith("--") else _quoted(word))
    return " ".join(words)


def problems(wish: Wish) -> dict[str, str]:
    """Why it cannot start, whatever else runs: name of a control -> sentence. Empty when it can."""
    found = {}
    if wish.dataset not in (known := datasets()):
        found["dataset"] = "Choose a curated dataset" if known else NO_DATASET
    if wish.prior not in {name for _, name in priors()}:
        found["prior"] = f"Prior {wish.prior} is not on this machine; python -m train.doctor says how to get it"
    try:
        shelf.place_for(wish.name)
        if (root() / wish.name).exists():
            found["name"] = f"There is a run named {wish.name} already; resume it, or take another name"
    except RefinementError as error:
        found["name"] = str(error) if wish.name else "Give the refinement a name"
    return found | train_settings.problems(wish.prior, wish.values)


def next_name(name: str) -> str:
    """The next free name after one: mine, mine-2, mine-3."""
    stem, _, number = name.rpartition("-")
    stem, count = (stem, int(number)) if stem and number.isdecimal() else (name, 1)
    while (root() / f"{stem}-{count}").exists() or (shelf.shelf() / f"{stem}-{count}").exists() or count == 1:
        count += 1
    return f"{stem}-{count}"


def start(wish: Wish) -> Job:
    """Begin a run. Raises JobError: something is wrong with the wish, or another run has not ended."""
    if found := problems(wish):
        raise JobError(next(iter(found.values())))
    out = root().resolve() / wish.name
    return runs().start(wish.name, Command(tuple(_argv(wish)), curate_jobs.REPOSITORY, _environment(), progress=out))


def resume(name: str) -> Job:
    """Go on from the checkpoint of a run that was stopped or failed. Raises JobError."""
    return runs().resume(name)


def stop(name: str) -> None:
    """Ask a run to end after its present step, with a checkpoint; does not wait for it. Raises JobError when there is none."""
    runs().job(name)
    Thread(target=runs().stop, args=(name,), daemon=True).start()


def dry_run(wish: Wish) -> str:
    """What train.refine says it would do, in half a minute. Raises JobError with what it refuses."""
    if found := problems(wish):
        raise JobError(next(iter(found.values())))
    done = subprocess.run(
        [*_argv(wish), "--dry-run"], cwd=curate_jobs.REPOSITORY, env={**os.environ, **_environment()}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=DRY_RUN_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise JobError(without_folders((done.stderr.strip().splitlines() or ["it ended without a word"])[-1]))
    return without_folders(done.stdout.strip())


def speed(wish: Wish) -> tuple[float, str] | None:
    """Samples a second of the last run that was as dear as this one, and its name; None when there was none."""
    wanted = _decide_speed(arguments(wish, told()))
    for job in runs().jobs():
        if _decide_speed(job.command.argv) == wanted and job.command.progress:
            found = progress_of(job.command.progress).samples_per_s
            if found:
                return found, job.name
    return None


def cached(wish: Wish) -> int:
    """How many patches earlier runs have made for this one. Raises JobError for a dataset that is not there."""
    shards = (root() / CACHES / _cache(wish)).glob("[0-9]*[0-9].npy")
    return sum(len(np.load(path, mmap_mode="r")) for path in shards)


def given(job: Job, option: str, otherwise: str) -> str:
    """The value of an option of a run's command."""
    argv = job.command.argv
    return argv[argv.index(option) + 1] if option in argv else otherwise


def without_folders(text: str) -> str:
    """A text that visitors read, with the names of the machine's folders in place of the folders."""
    pairs = {
        real().trainings: told().trainings,
        real().curations: told().curations,
        str(shelf.shelf().resolve()): f"${shelf.VARIABLE}",
        str(weights.weights_folder().resolve()): f"${weights.VARIABLE}",
        sys.prefix: "PYTHON",
        str(curate_jobs.REPOSITORY): ".",
        str(Path.home()): "~",
    }
    for folder in sorted(pairs, key=len, reverse=True):
        text = text.replace(folder, pairs[folder])
    return text


def _cache(wish: Wish) -> str:
    """Name of the folder that runs on the same photographs with the same seed share."""
    chosen = dataset(wish.dataset or "")
    return f"{chosen.name.replace('/', '-')}-{chosen.digest}-{wish.values['seed']}"


def _argv(wish: Wish) -> list[str]:
    return [sys.executable, "-m", "train.refine", *arguments(wish, real())]


def _environment() -> dict[str, str]:
    """Folders that a variable may have named from where the studio was started."""
    return {shelf.VARIABLE: str(shelf.shelf().resolve()), weights.VARIABLE: str(weights.weights_folder().resolve())}


def _decide_speed(argv: tuple[str, ...] | list[str]) -> list[tuple[str, str]]:
    pairs = zip(argv, [*argv[1:], ""], strict=True)
    return sorted((option, "" if value.startswith("--") else value) for option, value in pairs if option in DECIDE_SPEED)


def _quoted(word: str) -> str:
    variable, slash, rest = word.partition("/")
    return f'"{variable}"{slash}{shlex.quote(rest)}' if word.startswith("$") else shlex.quote(word)


@lru_cache(maxsize=64)
def _read(metadata: Path, changed_ns: int) -> tuple[int, str]:
    """Photographs that may be trained on, and a digest; `changed_ns` makes a dataset that was written anew another key."""
    data = metadata.read_bytes()
    ids = [json.loads(line).get("id", "") for line in data.splitlines()]
    return sum(not is_held_out(name) for name in ids), hashlib.sha256(data).hexdigest()[:12]
