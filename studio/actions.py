"""What happens when a photograph is opened, a prompt edited or Compare pressed. Values in, `Shown` out; no components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from rapsr_core.captions import CaptionError
from rapsr_core.cleaners import SCALE
from rapsr_core.comparison import Comparer
from rapsr_core.events import Event, Finished, Image, Prepared, Retried, Scored, Stage
from rapsr_core.ground_truth import METRICS_OF_REFERENCE, fitted, referenced
from rapsr_core.images import ImageError, read, resize
from rapsr_core.precomputed import Precomputed
from rapsr_core.quality.scoring import score
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.refinement import RefinementError
from rapsr_core.weights import WeightsError
from studio import forms, opening, progress_view, prompt_view, score_table
from studio.curve import Curve
from studio.live_run import LiveRun
from studio.restoring import problem
from studio.results import Export, RunFolder
from studio.viewer import Picture

KNOWN = (ImageError, RecipeError, RefinementError, CaptionError, WeightsError)
"""Errors whose message is written for the user."""
CROPS_PX = (512, 256, 128)


@dataclass(frozen=True, eq=False)
class Done:
    """A comparison that finished, for votes. Compared by identity: Gradio hashes a State whose change is listened to."""

    photo: str
    report: Finished
    pictures: tuple[Picture, ...]  # baseline, enhanced


@dataclass(frozen=True)
class Shown:
    """What changes on the page; None = stays as it is."""

    status: str | None = None
    progress: str | None = None
    viewer: dict[str, Any] | None = None
    scores: str | None = None
    curve: str | None = None
    prompts: str | None = None
    caption: str | None = None
    crop_px: int | None = None  # offer a centre crop of this size; 0 = no offer
    downloads: Mapping[str, Path] | None = None
    results: tuple[Picture, ...] | None = None  # what could be kept beside the next run's
    finished: Done | None = None
    export: Export | None = None
    history: dict[str, Any] | None = None  # the finished run, for the browser's own list


def look(comparer: Comparer, photo: str, values: Mapping[str, Any]) -> Iterator[Shown]:
    """A photograph was opened: its size, its score after bicubic x4, then its caption and the time estimate."""
    side = 0
    try:
        recipe = forms.recipe_of(values)
        image = read(photo)
        side = _crop_that_fits(comparer, image, recipe)
        comparer.check_size(image.shape[-2], image.shape[-1], recipe)
        if (made := opening.of(photo, recipe, values, comparer.assets)) is not None:
            yield _opened(photo, image, made)
            return
        live = LiveRun(RunFolder(photo), recipe)
        live.show_input(_enlarged(image))
        yield Shown(
            status=_size(image),
            viewer=live.viewer_value(),
            crop_px=0,
            downloads={},
            results=(),
            curve="",
            progress=progress_view.READY,
        )
        live.scores["input"] = score(_enlarged(image), (*LIVE, score_table.GRID))
        yield Shown(scores=score_table.render(live.scores, LIVE), viewer=live.viewer_value())
        if values["caption.automatic"]:
            recipe = replace(recipe, caption=None)
        prepared = comparer.prepared(image, recipe)
        prompts = prompt_view.render(prepared.prompts, prompt_view.identifiers(recipe))
        yield Shown(caption=prepared.recipe.caption, prompts=prompts)
        comparer.measure(prepared.recipe)
        yield Shown(status=_status(image, comparer.prepared(image, prepared.recipe).estimated_seconds))
    except KNOWN as error:
        yield Shown(status=problem(str(error)), crop_px=side)


def compare(
    comparer: Comparer,
    photo: str,
    values: Mapping[str, Any],
    extra: Sequence[str],
    kept: tuple[Picture, ...] = (),
    truth: str | None = None,
    curve: str = "",
) -> Iterator[Shown]:
    """Compare was pressed: the page follows the events of the run, `kept` pictures of earlier ones beside it. Closing the iterator cancels the run.

    `truth`: a picture of the same scene, at least of the output's size, that input and results are held against. `curve`: the live metric that is
    drawn over the steps, "" = none.
    """
    recipe, image = forms.recipe_of(values), read(photo)
    metrics = (*LIVE, *extra, *(METRICS_OF_REFERENCE if truth else ()))
    live = LiveRun(RunFolder(photo), recipe, Curve(curve), kept)
    live.show_input(_enlarged(image))
    run = comparer.compare(image, recipe, (*LIVE, *extra, score_table.GRID))
    if truth:
        size = comparer.final_size(image.shape[-2], image.shape[-1], recipe)
        reference = fitted(read(truth), size)
        live.show_truth(reference)
        run = referenced(run, resize(_enlarged(image), size), reference)
    yield Shown(viewer=live.viewer_value(), progress=progress_view.render(live.progress), curve="", downloads={}, results=())
    with closing(run) as events:
        for event in events:
            live.take(event)
            change = _change(live, event, image, recipe, metrics)
            yield replace(change, finished=Done(photo, event, live.results())) if isinstance(event, Finished) else change


def _opened(photo: str, image: Tensor, made: Precomputed) -> Shown:
    live, told = opening.opened(photo, image, made)
    return Shown(
        status=f"{_size(image)} · {told}",
        progress=progress_view.render(live.progress),
        viewer=live.viewer_value(),
        scores=score_table.render(live.scores, LIVE),
        curve="",
        prompts=live.prompts_html(),
        caption=live.recipe.caption,
        crop_px=0,
        downloads=live.downloads,
        results=live.results(),
        export=live.export(),
    )


def _change(live: LiveRun, event: Event, image: Tensor, asked: Recipe, metrics: Sequence[str]) -> Shown:
    """What an event changes, and nothing else: the user may be editing meanwhile."""
    prepared = isinstance(event, Prepared)
    return Shown(
        progress=progress_view.render(live.progress),
        status=_told(image, event),
        prompts=live.prompts_html() if prepared else None,
        caption=live.recipe.caption if prepared and asked.caption is None else None,
        viewer=live.viewer_value() if _shows(event) else None,
        scores=score_table.render(live.scores, metrics) if isinstance(event, (Scored, Finished)) else None,
        curve=live.curve.render() if isinstance(event, Scored) or (isinstance(event, Stage) and event.share == 1) else None,
        downloads=live.downloads if isinstance(event, Finished) else None,
        results=live.results() if isinstance(event, Finished) else None,
        export=live.export() if isinstance(event, Finished) else None,
        history=live.history() if isinstance(event, Finished) else None,
    )


def _shows(event: Event) -> bool:
    """Whether an event changes the viewer."""
    return event.preview is not None if isinstance(event, Stage) else isinstance(event, (Image, Scored, Finished))


def encoded(comparer: Comparer, values: Mapping[str, Any]) -> str:
    """What each branch would encode, as HTML; needs no photograph. A caption still to be written counts as empty."""
    try:
        recipe = forms.recipe_of(values)
        return prompt_view.render(comparer.prompts(recipe), prompt_view.identifiers(recipe))
    except KNOWN as error:
        return problem(str(error))


def crop(photo: str, side_px: int) -> Path:
    """The centre of a photograph, at most side_px a side, as a new PNG file."""
    image = read(photo)
    height, width = (min(side_px, side) for side in image.shape[-2:])
    top, left = (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2
    return RunFolder(photo).crop(image[..., top : top + height, left : left + width])


def _crop_that_fits(comparer: Comparer, image: Tensor, recipe: Recipe) -> int:
    """Largest side of CROPS_PX, smaller than the image, that would be accepted; 0 = none."""
    for side in CROPS_PX:
        if side < max(image.shape[-2:]):
            try:
                comparer.check_size(min(side, image.shape[-2]), min(side, image.shape[-1]), recipe)
            except (ImageError, RecipeError):
                continue
            return side
    return 0


def _enlarged(image: Tensor) -> Tensor:
    return resize(image, (image.shape[-2] * SCALE, image.shape[-1] * SCALE))


def _size(image: Tensor) -> str:
    height, width = image.shape[-2:]
    return f"{width} × {height} px → {width * SCALE} × {height * SCALE} px"


def _told(image: Tensor, event: Event) -> str | None:
    """The status line where an event changes it: the tiles belong there, and why they are what they are."""
    match event:
        case Prepared():
            return " · ".join([_status(image, event.estimated_seconds), *event.notes[-1:]])
        case Retried():
            return f"{_size(image)} · {event.note}"
    return None


def _status(image: Tensor, estimated_s: float | None) -> str:
    if estimated_s is None:
        return f"{_size(image)} · the speed of this machine is being measured"
    return f"{_size(image)} · about {progress_view.duration(estimated_s)} on this machine"
