"""What happens when a photograph is opened or Compare is pressed. No Gradio here: values in, `Shown` out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core.comparison import Comparer
from rapsr_core.images import ImageError, read, resize, save_png
from rapsr_core.quality.scoring import score
from rapsr_core.quality.table import METRICS
from rapsr_core.recipe import Recipe, RecipeError
from studio import forms, progress_view, prompt_view, score_table
from studio.live_run import LiveRun
from studio.runs import RunFolder, Runs

KNOWN = (ImageError, RecipeError)
"""Errors whose message is written for the user."""
LIVE = tuple(name for name, metric in METRICS.items() if metric.live and not metric.needs_reference)
ON_REQUEST = tuple(name for name, metric in METRICS.items() if not metric.live and not metric.needs_reference)
READY, STOPPED = (progress_view.render(progress_view.Progress(word)) for word in ("Ready", "Stopped"))
CROPS_PX = (1024, 768, 512, 384, 256, 192, 128, 96)


@dataclass(frozen=True)
class Shown:
    """What changes on the page; None = stays as it is."""

    status: str | None = None
    progress: str | None = None
    viewer: dict[str, Any] | None = None
    scores: str | None = None
    prompts: str | None = None
    caption: str | None = None
    crop_px: int | None = None  # offer a centre crop of this size; 0 = no offer
    downloads: Mapping[str, Path] | None = None


def look(runs: Runs, photo: str, values: Mapping[str, Any]) -> Iterator[Shown]:
    """A photograph was opened: show it and its size, then its score after bicubic x4, then its caption and the time estimate."""
    try:
        recipe = forms.recipe_of(values)
        image = read(photo)
    except KNOWN as error:
        yield Shown(status=_problem(str(error)), crop_px=0)
        return
    try:
        runs.comparer.check_size(*image.shape[-2:], recipe)
    except ImageError as error:
        side = _crop_that_fits(runs.comparer, image, recipe)
        yield Shown(status=_problem(str(error)), crop_px=side)
        return
    live = LiveRun(RunFolder(photo), recipe)
    enlarged = resize(image, (image.shape[-2] * 4, image.shape[-1] * 4))
    live.show_input(enlarged)
    yield Shown(status=_size(image), viewer=live.viewer_value(), crop_px=0, downloads={}, progress=READY)
    live.scores["input"] = score(enlarged, LIVE)
    yield Shown(scores=score_table.render(live.scores, LIVE))
    if values["caption.automatic"]:
        recipe = forms.recipe_of({**values, "caption": ""})
    prepared = runs.comparer.prepared(image, recipe)
    live.take(prepared)
    estimate = prepared.estimated_seconds
    time = f"about {progress_view.duration(estimate)} on this machine" if estimate else "time not measured yet"
    yield Shown(status=f"{_size(image)} · {time}", caption=prepared.recipe.caption, prompts=live.prompts_html())


def compare(runs: Runs, photo: str, values: Mapping[str, Any], extra: Sequence[str]) -> Iterator[Shown]:
    """Compare was pressed: the page follows the events of the run. Closing the iterator cancels the run."""
    recipe, image = forms.recipe_of(values), read(photo)
    metrics = [*LIVE, *extra]
    live = LiveRun(RunFolder(photo), recipe)
    live.show_input(resize(image, (image.shape[-2] * 4, image.shape[-1] * 4)))
    yield Shown(viewer=live.viewer_value(), progress=progress_view.render(live.progress), downloads={})
    with closing(runs.events(image, recipe, [*metrics, score_table.GRID])) as events:
        for event in events:
            live.take(event)
            yield Shown(
                progress=progress_view.render(live.progress),
                viewer=live.viewer_value(),
                scores=score_table.render(live.scores, metrics),
                prompts=live.prompts_html(),
                caption=live.recipe.caption,
                downloads=live.downloads if live.finished else None,
            )


def crop(photo: str, side_px: int) -> Path:
    """The centre of a photograph, side_px square at most, as a new PNG file."""
    image = read(photo)
    height, width = image.shape[-2:]
    side_y, side_x = min(side_px, height), min(side_px, width)
    top, left = (height - side_y) // 2, (width - side_x) // 2
    return save_png(image[..., top : top + side_y, left : left + side_x], RunFolder(photo).path / f"{Path(photo).stem}-crop.png")


def _crop_that_fits(comparer: Comparer, image: Tensor, recipe: Recipe) -> int:
    for side in CROPS_PX:
        if side >= min(image.shape[-2:]):
            continue
        try:
            comparer.check_size(side, side, recipe)
        except ImageError:
            continue
        return side
    return 0


def _size(image: Tensor) -> str:
    height, width = image.shape[-2:]
    return f"{width} × {height} px → {width * 4} × {height * 4} px"


def _problem(message: str) -> str:
    return f'<span class="problem" role="alert">{escape(message)}</span>'
