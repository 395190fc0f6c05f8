"""An example whose comparison was made beforehand (rapsr_core/precomputed.py), as Compare shows it: nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core.cleaners import SCALE
from rapsr_core.events import Image
from rapsr_core.images import read, resize
from rapsr_core.precomputed import Precomputed, default_recipe, find
from rapsr_core.recipe import Recipe
from studio.live_run import LiveRun
from studio.progress_view import Progress, duration
from studio.results import RunFolder


def of(photo: str, recipe: Recipe, values: Mapping[str, Any], assets: Path) -> Precomputed | None:
    """The comparison of a photograph, where the page's controls still say the default recipe, caption to be written."""
    default = default_recipe()
    if not values["caption.automatic"] or replace(recipe, caption=default.caption) != default:
        return None
    return find(Path(photo), assets)


def opened(photo: str, image: Tensor, made: Precomputed) -> tuple[LiveRun, str]:
    """The finished run, and what was compared of (1, 3, H, W) in a sentence."""
    top, bottom, left, right = made.window_px
    part = image[..., top:bottom, left:right]
    live = LiveRun(RunFolder(photo), made.finished.recipe)
    live.prompts = made.finished.prompts
    live.show_input(resize(part, (part.shape[-2] * SCALE, part.shape[-1] * SCALE)))
    for branch, path in (("baseline", made.baseline), ("enhanced", made.enhanced)):
        live.take(Image(branch, read(path), made.finished.seconds[branch]))  # type: ignore[arg-type]
    live.take(made.finished)
    took = sum(made.finished.seconds.values())
    live.progress = Progress(f"Made beforehand, in {duration(took)}", 1.0, "", made.finished.seconds)
    return (
        live,
        f"the central {right - left} × {bottom - top} px with the default recipe, made beforehand; Compare takes the whole picture",
    )
