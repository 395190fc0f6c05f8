"""One recipe run twice from the same noise, baseline and enhanced, with scores and timings."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rapsr_core import ASSETS
from rapsr_core.captions import caption
from rapsr_core.cleaners import SCALE, needed_bytes
from rapsr_core.device import Device, choose_device
from rapsr_core.events import Event, Finished, Image, Prepared, Retried, TileTexts
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import ImageError
from rapsr_core.kept import Baseline, KeptBaselines
from rapsr_core.memory import NotEnoughMemory, free_bytes, is_shortage, peak_memory
from rapsr_core.placement import Placement, choose_placement, codecs, place, weight_bytes
from rapsr_core.priors import Prior, load_prior
from rapsr_core.prompts import branch_prompts, explain
from rapsr_core.quality.scoring import Score
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import NONE, SHIPPED, Recipe, RecipeError
from rapsr_core.refinement import Refinement, load_refinement, no_refinement, plugged_in
from rapsr_core.refinement.shelf import on_shelf
from rapsr_core.run import Clock, Run, cleaner_tile_px, output_megapixels
from rapsr_core.sampling.contract import Host
from rapsr_core.sampling.tile_choice import TileChoice, choose_tile, halved
from rapsr_core.speeds import FIRST_GUESS, Speeds
from rapsr_core.weights import require

MIN_SIDE_PX = 16
MAX_SECONDS = 600.0
"""Longest comparison that is started; beyond it the message offers a crop or a smaller size."""
_PROBE_PX = 64
_KEPT = 2
"""Baselines that are remembered; each holds a few pictures at output size."""

_Outcome = tuple[Run, dict[str, dict[str, Score]], tuple[TileTexts, ...]]
"""The attempt that came through, its scores, and what its tiles were told."""


@dataclass(frozen=True)
class ComparisonResult:
    """A drained comparison: the two images and everything else."""

    baseline: Tensor
    enhanced: Tensor
    finished: Finished


@dataclass(frozen=True)
class _Placed:
    """A host where it runs; `rest` is called when a run ends."""

    host: Host
    placement: Placement
    rest: Callable[[], None]


class Comparer:
    """Loads what a recipe names when it is first needed, and runs comparisons one at a time (the model is shared)."""

    def __init__(self, assets: Path = ASSETS, device: Device | None = None) -> None:
        self.assets, self.device = assets, device or choose_device()
        self.speeds = Speeds()
        self._baselines = KeptBaselines(_KEPT)
        self._slot, self._loading = threading.Lock(), threading.Lock()
        self._priors: dict[str, Prior] = {}
        self._hosts: dict[str, _Placed] = {}
        self._refinements: dict[tuple[str, str], Refinement] = {}

    def check_size(self, height: int, width: int, recipe: Recipe) -> None:
        """Raises ImageError for an input (pixels) too small, or too large to finish in MAX_SECONDS; RecipeError for the recipe."""
        if min(height, width) < MIN_SIDE_PX:
            raise ImageError(f"the image is {width} x {height} px; at least {MIN_SIDE_PX} px a side are needed: use a larger one")
        host_info(recipe.host).check(recipe)
        megapixels = height * width * SCALE**2 / 1e6
        seconds = self.speeds.seconds(recipe, megapixels)
        if seconds is None and self.device.device.type == "cpu":  # of a GPU nothing is known before its first run
            seconds = FIRST_GUESS.seconds(recipe, megapixels)
        if seconds is not None and seconds > MAX_SECONDS:
            raise ImageError(
                f"{width} x {height} px would take about {seconds / 60:.0f} minutes here, over the limit of "
                f"{MAX_SECONDS / 60:.0f}; crop the image, reduce it, or take fewer steps"
            )
        self.final_size(height, width, recipe)

    @property
    def device_reason(self) -> str:
        """Where and in what arithmetic it computes, and why."""
        return self.device.reason

    def prompts(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        """What each branch will encode, with tokens; a caption not yet written counts as empty.

        The enhanced branch's identifiers have the token ids the refinement was trained with.
        """
        trained = {"enhanced": self._refinement(recipe).token_ids}
        texts = branch_prompts(recipe, recipe.caption or "", host_info(recipe.host).prompt)
        return explain(self._prior(recipe).tokenizer, texts, trained)

    def prepared(self, image: Tensor, recipe: Recipe) -> Prepared:
        """The recipe with its caption, what each branch will encode, and the time estimate. Cheap.

        Where there is no caption, the host's own tagger writes it if it has one, which loads the host.
        """
        if recipe.caption is None:
            recipe = replace(recipe, caption=self._own_caption(image, recipe))
        return Prepared(recipe, self.prompts(recipe), self.speeds.seconds(recipe, output_megapixels(image)))

    def _own_caption(self, image: Tensor, recipe: Recipe) -> str | None:
        match host_info(recipe.host).captions:
            case "host":
                return self._host(recipe).host.tags(image)
            case "studio":
                return caption(image)
        return ""

    def measure(self, recipe: Recipe) -> None:
        """Run a step or two of `recipe` on a 64-px picture, unless this machine's speed is known; takes seconds, and the slot."""
        if self.speeds.seconds(recipe, 1.0) is None:
            ramp = torch.linspace(0, 1, _PROBE_PX).expand(1, 3, _PROBE_PX, _PROBE_PX)
            steps = min(2, host_info(recipe.host).max_steps)
            self.run(ramp, replace(recipe, steps=steps, caption="", output_scale=4.0, target_px=None))

    def run(self, image: Tensor, recipe: Recipe, metrics: Sequence[str] = LIVE) -> ComparisonResult:
        """`compare`, drained."""
        images: dict[str, Tensor] = {}
        for event in self.compare(image, recipe, metrics):
            if isinstance(event, Image):
                images[event.which] = event.image
            elif isinstance(event, Finished):
                finished = event
        return ComparisonResult(images["baseline"], images["enhanced"], finished)

    def compare(self, image: Tensor, recipe: Recipe, metrics: Sequence[str] = LIVE) -> Generator[Event, None, None]:
        """Events of one comparison of (1, 3, H, W) sRGB in [0, 1], in the order of rapsr_core/events.py.

        Where only the enhanced part of the recipe differs from one of the last comparisons of the image, its baseline is shown again.
        Closing the iterator cancels at the next step, restores the prior's weights and frees the compute slot.
        Raises ImageError, RecipeError or RefinementError before the first event.
        """
        self.check_size(image.shape[-2], image.shape[-1], recipe)
        with self._slot:
            yield from self._timed(image, recipe, metrics)

    def _timed(self, image: Tensor, recipe: Recipe, metrics: Sequence[str]) -> Generator[Event, None, None]:
        clock = Clock()
        with closing(self._events(image, recipe, metrics, clock)) as events:
            for event in events:
                clock.stop()  # what the listener does with an event is not the method's time
                yield event
                clock.go_on()

    def _events(self, image: Tensor, recipe: Recipe, metrics: Sequence[str], clock: Clock) -> Generator[Event, None, None]:
        refinement, placed = self._refinement(recipe), self._host(recipe)
        clock.lap()  # loading is not part of a comparison
        prepared = self.prepared(image, host_info(recipe.host).completed(recipe))
        asked = prepared.recipe
        kept = self._baselines.get(image, asked, metrics)
        if kept is not None:
            left = self.speeds.seconds(recipe, output_megapixels(image), baseline=False)
            prepared = replace(prepared, estimated_seconds=left)
        tile = kept.tile if kept else self._tile(image, asked)
        notes = (self.device.reason, placed.placement.reason, tile.reason)
        prepared = replace(prepared, recipe=replace(asked, tile_px=tile.tile_px), notes=notes)
        size = self.final_size(image.shape[-2], image.shape[-1], recipe)
        run = Run(
            image, size, prepared, tile, tuple(metrics), placed.host, self.device, self.speeds, clock, self._encoder(asked)
        )  # fmt: skip
        run.seconds["caption"] = clock.lap()
        try:
            with peak_memory(self.device.device) as peak:
                yield prepared
                run, scores, tiles = yield from self._attempts(run, asked, refinement, kept)
                prepared = run.prepared
                yield Finished(prepared.recipe, prepared.prompts, scores, run.seconds, prepared.notes, tiles, peak())
        finally:
            placed.rest()

    def _attempts(
        self, run: Run, asked: Recipe, refinement: Refinement, kept: Baseline | None
    ) -> Generator[Event, None, _Outcome]:
        """Both branches; where memory runs out, both once more with half the tile."""
        try:
            return (yield from self._branches(run, asked, refinement, kept))
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
        # out of the handler, for the error holds what the attempt had made
        first, run = run, self._smaller(run)
        gc.collect()
        if self.device.device.type == "cuda":
            torch.cuda.empty_cache()
        yield Retried(run.recipe, run.prepared.notes[-1])
        try:
            return (yield from self._branches(run, asked, refinement, None))
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            raise NotEnoughMemory(
                f"memory ran out with tiles of {first.tile.tile_px} px and again with {run.tile.tile_px} px: set tile_px to less, "
                f"crop the image, or end other programs ({str(error).strip().splitlines()[-1] if str(error) else type(error).__name__})"
            ) from error

    def _branches(
        self, run: Run, asked: Recipe, refinement: Refinement, kept: Baseline | None
    ) -> Generator[Event, None, _Outcome]:
        for codec in codecs(run.host):
            codec.use_tiles(run.tile.tile_px)
        baseline = yield from run.kept(kept) if kept else run.baseline()
        self._baselines.keep(run.image, asked, run.metrics, baseline)
        with plugged_in(run.host.unet, refinement, asked.enhanced.strength):
            latent = yield from run.denoised("enhanced", baseline.condition, baseline.captions, refinement.learned)
        _, scores = yield from run.finished("enhanced", latent, baseline.condition)
        return run, {**baseline.scores, "enhanced": scores}, run.tile_texts(baseline.condition, baseline.captions)

    def _smaller(self, run: Run) -> Run:
        height, width = run.image.shape[-2:]
        side = halved(run.tile.tile_px, (height * SCALE, width * SCALE))
        note = f"memory ran out; started again with tiles of {side} px"
        prepared = replace(run.prepared, recipe=replace(run.recipe, tile_px=side), notes=(*run.prepared.notes, note))
        return replace(run, prepared=prepared, tile=TileChoice(side, note))

    def _tile(self, image: Tensor, recipe: Recipe) -> TileChoice:
        """As the recipe says, or from the memory that is free now that the host is loaded."""
        if recipe.tile_px is not None:
            return TileChoice(recipe.tile_px, f"tiles of {recipe.tile_px} px, as the recipe says")
        row, (height, width) = host_info(recipe.host), image.shape[-2:]
        free = free_bytes(self.device.device)
        return choose_tile(
            (height * SCALE, width * SCALE), row.memory, row.tile_px, free, row.tiling,
            lambda side: needed_bytes(recipe.cleaner, cleaner_tile_px(side)),
        )  # fmt: skip

    def _encoder(self, recipe: Recipe) -> Callable[[str], dict[str, dict[str, Any]]]:
        return lambda caption: self.prompts(replace(recipe, caption=caption))

    def final_size(self, height: int, width: int, recipe: Recipe) -> tuple[int, int]:
        """(height, width) of the result. Raises RecipeError when more than x4 is asked for."""
        if recipe.target_px is None:
            return round(height * recipe.output_scale), round(width * recipe.output_scale)
        target_width, target_height = recipe.target_px
        if target_width > width * SCALE or target_height > height * SCALE:
            raise RecipeError(
                f"target_px is {target_width} x {target_height}; at most {width * SCALE} x {height * SCALE} (x{SCALE}) can be made of "
                f"this {width} x {height} input"
            )
        return target_height, target_width

    def _prior(self, recipe: Recipe) -> Prior:
        name = host_info(recipe.host).prior
        with self._loading:
            if name not in self._priors:
                folder = self.assets / "prior" if name == "embedded" else name
                self._priors[name] = load_prior(folder)
            return self._priors[name]

    def _host(self, recipe: Recipe) -> _Placed:
        row = host_info(recipe.host)
        if row.name not in self._hosts:
            prior = self._prior(recipe)
            host = row.build(prior, require(row.weights), self.device)
            placement = choose_placement(weight_bytes(host, prior), free_bytes(self.device.device), self.device)
            self._hosts[row.name] = _Placed(host, placement, place(host, prior, self.device, placement))
        return self._hosts[row.name]

    def _refinement(self, recipe: Recipe) -> Refinement:
        name, prior = recipe.enhanced.refinement, self._prior(recipe)
        key = (prior.name, name)
        if key not in self._refinements:
            self._refinements[key] = no_refinement(prior) if name == NONE else load_refinement(self._place(name), prior)
        return self._refinements[key]

    def _place(self, refinement: str) -> str | Path:
        return self.assets / "refinement" if refinement == SHIPPED else on_shelf(refinement) or refinement
