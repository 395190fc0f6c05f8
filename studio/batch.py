"""Several photographs with one recipe: all checked before the first starts, compared one after another, handed over as a zip with a CSV."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from rapsr_core.comparison import Comparer
from rapsr_core.evaluation import table
from rapsr_core.events import Finished, Image, Prepared, Stage
from rapsr_core.images import ImageError, read
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe
from studio import progress_view
from studio.actions import KNOWN
from studio.progress_view import Progress
from studio.results import RunFolder
from studio.score_table import GRID

MOST_FILES = 50
MOST_BYTES = 256 * 2**20
"""Of all photographs together, unpacked."""


class BatchError(ValueError):
    """The batch as a whole cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Batch:
    """Where a batch stands. `files`: (name, path) of what was accepted; `rows`: of the first of them, compared. `stop`: shared by all its stands,
    for the browser may forget what it has asked for and then cancels nothing."""

    folder: RunFolder
    recipe: Recipe
    metrics: tuple[str, ...]
    files: tuple[tuple[str, Path], ...]
    refused: tuple[tuple[str, str], ...]  # file name, reason
    rows: tuple[table.Row, ...] = ()
    stop: Event = field(default_factory=Event, compare=False, repr=False)

    @property
    def stopped(self) -> bool:
        return self.stop.is_set()

    @property
    def over(self) -> bool:
        return self.stopped or len(self.rows) == len(self.files)


def opened(comparer: Comparer, uploads: Sequence[str], recipe: Recipe, extra: Sequence[str]) -> Batch:
    """The batch of uploaded photographs and zips. Every file is read and checked; those that cannot be compared are refused, each with its reason.

    Raises BatchError: nothing uploaded, nothing usable, too many files or too large. RecipeError: the recipe itself.
    """
    if not uploads:
        raise BatchError("there is no file yet: drop several photographs, or a zip of them")
    folder = RunFolder("batch")
    refused: list[tuple[str, str]] = []
    found = [pair for upload in uploads for pair in _unpacked(Path(upload), folder.path / "inputs", refused)]
    total = sum(path.stat().st_size for _, path in found)
    _check_limits(len(found), total)
    files: list[tuple[str, Path]] = []
    for name, path in found:
        try:
            image = read(path, repr(name))
            comparer.check_size(image.shape[-2], image.shape[-1], recipe)
            files.append((_unique(Path(name).stem, [taken for taken, _ in files]), path))
        except ImageError as error:
            refused.append((name, str(error)))
    if not files:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused[:3])
        raise BatchError(f"none of the {len(refused)} files can be compared. {reasons}")
    return Batch(folder, recipe, (*LIVE, *extra, GRID), tuple(files), tuple(refused))


def advance(comparer: Comparer, batch: Batch) -> Iterator[tuple[Batch, str]]:
    """Compare the next photograph: (batch, progress as HTML) at every step, last with its row; nothing more once it is stopped. Closing the
    iterator cancels it too."""
    index, (name, path) = len(batch.rows), batch.files[len(batch.rows)]
    heading = f"File {index + 1} of {len(batch.files)}, {name}"
    seconds: dict[str, float] = {}
    yield batch, progress_view.render(Progress(heading, index / len(batch.files)))
    try:
        with closing(comparer.compare(read(path), batch.recipe, batch.metrics)) as events:
            for event in events:
                if batch.stopped:
                    return
                match event:
                    case Prepared():
                        recipe = event.recipe
                    case Stage():
                        text = progress_view.message(event.stage, event.step, event.steps, event.seconds_left)
                        yield batch, progress_view.render(Progress(f"{heading}: {text}", index / len(batch.files), event.stage))
                    case Image():
                        seconds[event.which] = event.seconds
                        place = batch.folder.path / event.which
                        place.mkdir(exist_ok=True)
                        batch.folder.result(event.image, event.which, recipe).replace(place / f"{name}.png")
                    case Finished():
                        row = _row(name, event, seconds, batch.metrics)
    except KNOWN as error:  # one photograph that fails does not end the batch
        nothing: dict[tuple[str, str], float | None] = {
            (metric, which): None for metric in batch.metrics for which in table.WHICH
        }
        row = table.Row(name, nothing, dict.fromkeys(table.BRANCHES, 0.0), str(error))
    table.append(batch.folder.path / "scores.csv", row, batch.metrics)
    done = replace(batch, rows=(*batch.rows, row))
    yield (
        done,
        progress_view.render(Progress(f"{len(done.rows)} of {len(done.files)} files finished", len(done.rows) / len(done.files))),
    )


def packed(batch: Batch) -> Path | None:
    """The zip of what is finished: baseline/ and enhanced/ PNGs, scores.csv, recipe.json, refused.txt. None before the first."""
    if not batch.rows:
        return None
    path = batch.folder.path / "rap-sr-batch.zip"
    with zipfile.ZipFile(path, "w") as archive:  # PNGs do not get smaller
        for branch in table.BRANCHES:
            for row in batch.rows:
                if (picture := batch.folder.path / branch / f"{row.image}.png").is_file():
                    archive.write(picture, f"{branch}/{picture.name}")
        archive.write(batch.folder.path / "scores.csv", "scores.csv")
        archive.writestr("recipe.json", json.dumps(batch.recipe.to_json(), indent=2, ensure_ascii=False) + "\n")
        if batch.refused:
            archive.writestr("refused.txt", "".join(f"{name}\t{reason}\n" for name, reason in batch.refused))
    return path


def _unpacked(upload: Path, folder: Path, refused: list[tuple[str, str]]) -> list[tuple[str, Path]]:
    """(name, path) of an upload, or of each file in it when it is a zip. Sizes are checked before anything is unpacked."""
    if not zipfile.is_zipfile(upload):
        return [(upload.name, upload)]
    found = []
    with zipfile.ZipFile(upload) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not _hidden(m.filename)]
        _check_limits(len(members), sum(m.file_size for m in members))
        folder.mkdir(parents=True, exist_ok=True)
        for member in members:
            name = Path(member.filename).name
            path = folder / f"{len(list(folder.iterdir())):04d}{Path(name).suffix[:8]}"
            try:
                path.write_bytes(archive.read(member))
                found.append((name, path))
            except (
                RuntimeError,
                NotImplementedError,
                zipfile.BadZipFile,
                EOFError,
                OSError,
            ) as error:  # a password, a method, damage
                refused.append((name, f"cannot be unpacked from {upload.name!r}: {error}"))
    return found


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".")


def _check_limits(files: int, size: int) -> None:
    if files > MOST_FILES:
        raise BatchError(f"there are {files} files; a batch has at most {MOST_FILES}: split it")
    if size > MOST_BYTES:
        raise BatchError(f"the files have {size / 2**20:.0f} MB together; a batch has at most {MOST_BYTES // 2**20} MB: split it")


def _unique(stem: str, taken: Sequence[str]) -> str:
    """A name safe in a zip and a CSV, not yet taken."""
    base = re.sub(r"[^\w-]+", "-", stem)[:48].strip("-") or "photo"
    names = (base if i == 1 else f"{base}-{i}" for i in range(1, MOST_FILES + 1))
    return next(name for name in names if name.lower() not in (t.lower() for t in taken))


def _row(name: str, finished: Finished, seconds: dict[str, float], metrics: Sequence[str]) -> table.Row:
    rows = {(metric, which): finished.scores[which][metric] for metric in metrics for which in table.WHICH}
    notes = dict.fromkeys(f"{metric}: {row.error}" for (metric, _), row in rows.items() if row.error)
    return table.Row(name, {key: row.value for key, row in rows.items()}, seconds, "; ".join(notes))
