"""Where weights that do not come with the studio are found, and what to do when one is not there.

A weight is looked for in three places, in this order: the weights folder (RAPSR_WEIGHTS, or ~/.cache/rapsr/weights), the Hugging Face cache,
and, when the caller says so, the hub itself: the first of its repositories that has it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

VARIABLE = "RAPSR_WEIGHTS"


class WeightsError(FileNotFoundError):
    """Weights are not on this machine; the message says which, where they were looked for, and the command that gets them."""


@dataclass(frozen=True)
class Weights:
    """One file of official weights.

    `path`: below the weights folder. `hub`: places on the Hugging Face hub as (repository, file), the first that answers is taken. `url`:
    the file's own address, and `page`: where to fetch it by hand, when it is on no hub.
    """

    name: str
    path: str
    size_gb: float
    licence: str
    hub: tuple[tuple[str, str], ...] = ()
    page: str = ""
    url: str = ""


def weights_folder() -> Path:
    """RAPSR_WEIGHTS, or ~/.cache/rapsr/weights."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".cache/rapsr/weights")


def told(path: str) -> str:
    """A path below the weights folder as messages write it: visitors of a public page read them, so it names no folder of the machine."""
    return f"${VARIABLE}/{path}" if os.environ.get(VARIABLE) else f"~/.cache/rapsr/weights/{path}"


def shown(path: Path) -> str:
    """A file or folder that is there, in the same way: below the weights folder, in the hub's cache, or elsewhere as it was given."""
    if path.is_relative_to(weights_folder()):
        return told(path.relative_to(weights_folder()).as_posix())
    return f"{path.name} in the hub's cache" if path.is_relative_to(constants.HF_HUB_CACHE) else str(path)


def find(weights: Weights) -> Path | None:
    """The file, when it is on this machine: in the weights folder or in the hub's cache."""
    path = weights_folder() / weights.path
    if path.is_file():
        return path
    cached = (try_to_load_from_cache(repository, file) for repository, file in weights.hub)
    return next((Path(found) for found in cached if isinstance(found, str)), None)


def fetch(weights: Weights) -> Path:
    """The file, downloaded when it is not here. Raises WeightsError when no repository has it, with what each answered."""
    if (path := find(weights)) is not None:
        return path
    answers = []
    for repository, file in weights.hub:
        try:
            return Path(hf_hub_download(repository, file))
        except (HfHubHTTPError, EntryNotFoundError, OSError) as error:
            answers.append(f"{repository}: {type(error).__name__}")
    raise WeightsError(f"{missing([weights])} Asked: {'; '.join(answers) or 'nobody, it is on no hub'}.")


def require(needed: Sequence[Weights]) -> dict[str, Path]:
    """Files by the weights' names. Raises WeightsError that lists every missing one; nothing is downloaded."""
    found = {weights.name: find(weights) for weights in needed}
    if absent := [weights for weights in needed if found[weights.name] is None]:
        raise WeightsError(missing(absent))
    return {name: path for name, path in found.items() if path is not None}


def missing(absent: Sequence[Weights]) -> str:
    """What is missing and how to get it, one sentence each."""
    return " ".join(_how_to_get(weights) for weights in absent)


def _how_to_get(weights: Weights) -> str:
    said = f"{weights.name} ({weights.size_gb:g} GB, {weights.licence}) is not at {told(weights.path)}"
    if weights.hub:
        others = [other for other, _ in weights.hub[1:]]
        mirrors = f" (mirrors: {', '.join(others)})" if others else ""
        return f"{said}, nor in the hub's cache: {command(weights)}{mirrors}."
    return f"{said}: {command(weights)}." if weights.url else f"{said}: {command(weights)} and put it there."


def command(weights: Weights) -> str:
    """The shell command that gets the file; where there is none, what to do by hand."""
    if weights.hub:
        repository, file = weights.hub[0]
        return f"hf download {repository} {file}"
    if weights.url:
        return f"curl -fL --create-dirs -o {told(weights.path)} {weights.url}"
    return f"fetch it from {weights.page}"
