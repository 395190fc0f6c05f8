"""One recipe run twice from the same noise, baseline and enhanced, with scores and timings."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rapsr_core import ASSETS
from rapsr_core.captions import caption
from rapsr_core.cleaners import SCALE, clean_steps
from rapsr_core.colour import fix_colour
from rapsr_core.device import Device, choose_device
from rapsr_core.events import Branch, Event, Finished, Image, Prepared, Scored, Stage
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import ImageError, resize
from rapsr_core.kept import Baseline, KeptBaselines
from rapsr_core.priors import Prior, load_prior
from rapsr_core.prompts import branch_prompts, explain
from rapsr_core.quality.scoring import Score, score
from rapsr_core.quality.table import LIVE
from rapsr_core.recipe import NONE, SHIPPED, Recipe, RecipeError
from rapsr_core.refinement import Refinement, load_refinement, no_refinement, plugged_in
from rapsr_core.refinement.shelf import on_shelf
from rapsr_core.sampling.contract import Condition, Host
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import choose_tile_px
from rapsr_core.speeds import FIRST_GUESS, Speeds, network_passes
from rapsr_core.weights import require

MIN_SIDE_PX = 16
MAX_SECONDS = 600.0
"""Longest comparison that is started; beyond it the message offers a crop or a smaller size."""
_PROBE_PX = 64
_KEPT = 2
"""Baselines that are remembered; each holds a few pictures at output size."""


@dataclass(frozen=True)
class ComparisonResult:
    """A drained comparison: the two images and everything else."""

    baseline: Tensor
    enhanced: Tensor
    finished: Finished


class Comparer:
    """Loads what a recipe names when it is first needed, and runs comparisons one at a time (the model is shared)."""

    def __init__(self, assets: Path = ASSETS, device: Device | None = None) -> None:
        self.assets, self.device = assets, device or choose_device()
        self.speeds = Speeds()
        self._baselines = KeptBaselines(_KEPT)
        self._slot, self._loading = threading.Lock(), threading.Lock()
        self._priors: dict[str, Prior] = {}
        self._hosts: dict[str, Host] = {}
        self._refinements: dict[tuple[str, str], Refinement] = {}

    def check_size(self, height: int, width: int, recipe: Recipe) -> None:
        """Raises ImageError for an input (pixels) too small, or too large to finish in MAX_SECONDS; RecipeError for the recipe."""
        if min(height, width) < MIN_SIDE_PX:
            raise ImageError(f"the image is {width} x {height} px; at least {MIN_SIDE_PX} px a side are needed: use a larger one")
        host_info(recipe.host).check(recipe)
        megapixels = height * width * SCALE**2 / 1e6
        seconds = self.speeds.seconds(recipe, megapixels) or FIRST_GUESS.seconds(recipe, megapixels)
        assert seconds is not None
        if seconds > MAX_SECONDS:
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
        return Prepared(recipe, self.prompts(recipe), self.speeds.seconds(recipe, _output_megapixels(image)))

    def _own_caption(self, image: Tensor, recipe: Recipe) -> str:
        match host_info(recipe.host).captions:
            case "host":
                return self._host(recipe).tags(image)
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
        clock = _Clock()
        with self._slot, closing(self._events(image, recipe, metrics, clock)) as events:
            for event in events:
                clock.stop()  # what the listener does with an event is not the method's time
                yield event
                clock.go_on()

    def _events(self, image: Tensor, recipe: Recipe, metrics: Sequence[str], clock: _Clock) -> Generator[Event, None, None]:
        refinement = self._refinement(recipe)
        clock.lap()  # loading is not part of a comparison
        prepared = self.prepared(image, host_info(recipe.host).completed(recipe))
        kept = self._baselines.get(image, prepared.recipe, metrics)
        if kept is not None:
            left = self.speeds.seconds(recipe, _output_megapixels(image), baseline=False)
            prepared = replace(prepared, estimated_seconds=left)
        host = self._host(recipe)
        size = self.final_size(image.shape[-2], image.shape[-1], recipe)
        run = _Run(image, size, prepared, tuple(metrics), host, self.device, self.speeds, clock)
        run.seconds["caption"] = clock.lap()
        yield prepared
        baseline = yield from run.kept(kept) if kept else run.baseline()
        self._baselines.keep(image, prepared.recipe, metrics, baseline)
        with plugged_in(host.unet, refinement, recipe.enhanced.strength):
            latent = yield from run.denoised("enhanced", baseline.condition, refinement.learned)
        _, scores = yield from run.finished("enhanced", latent, baseline.condition)
        yield Finished(prepared.recipe, prepared.prompts, {**baseline.scores, "enhanced": scores}, run.seconds)

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
                self._priors[name] = load_prior(folder, device=self.device.device)
            return self._priors[name]

    def _host(self, recipe: Recipe) -> Host:
        row = host_info(recipe.host)
        if row.name not in self._hosts:
            self._hosts[row.name] = row.build(self._prior(recipe), require(row.weights), self.device)
        return self._hosts[row.name]

    def _refinement(self, recipe: Recipe) -> Refinement:
        name, prior = recipe.enhanced.refinement, self._prior(recipe)
        key = (prior.name, name)
        if key not in self._refinements:
            self._refinements[key] = no_refinement(prior) if name == NONE else load_refinement(self._place(name), prior)
        return self._refinements[key]

    def _place(self, refinement: str) -> str | Path:
        return self.assets / "refinement" if refinement == SHIPPED else on_shelf(refinement) or refinement


class _Run:
    """One comparison under way; each method is a part of it and yields that part's events."""

    def __init__(
        self,
        image: Tensor,
        size: tuple[int, int],
        prepared: Prepared,
        metrics: tuple[str, ...],
        host: Host,
        device: Device,
        speeds: Speeds,
        clock: _Clock,
    ) -> None:
        self.image, self.size, self.prepared, self.recipe, self.metrics = image, size, prepared, prepared.recipe, metrics
        self.host, self.device, self.speeds, self.clock = host, device, speeds, clock
        self.megapixels = _output_megapixels(image)
        self.seconds = {"caption": 0.0, "scores": 0.0, "cleaner": 0.0, "baseline": 0.0, "enhanced": 0.0}

    def baseline(self) -> Generator[Event, None, Baseline]:
        """The input's scores, the cleaner, and the host without the refinement."""
        scores = {"input": self._scored(resize(_enlarged(self.image), self.size))}
        yield Scored("input", scores["input"])
        guide = yield from self._cleaned()
        condition = self.host.prepare(self.image, guide, self.recipe, ImageNoise(self.recipe.seed))
        latent = yield from self.denoised("baseline", condition)
        result, scores["baseline"] = yield from self.finished("baseline", latent, condition)
        return Baseline(condition, result, scores, self.seconds["baseline"])

    def kept(self, baseline: Baseline) -> Generator[Event, None, Baseline]:
        """A baseline of before, shown again."""
        yield Scored("input", baseline.scores["input"])
        yield Image("baseline", baseline.image, baseline.seconds, kept=True)
        yield Scored("baseline", baseline.scores["baseline"])
        return baseline

    def denoised(self, branch: Branch, condition: Condition, learned: Sequence[Tensor] = ()) -> Generator[Event, None, Tensor]:
        """The denoising loop of a branch; returns the last latent."""
        recipe, texts = self.recipe, self.prepared.prompts[branch]
        positive, negative = (self.host.encode_text([texts[side]["token_ids"]], learned) for side in ("positive", "negative"))
        row = host_info(recipe.host)
        tile_px = choose_tile_px(condition.output_size, recipe.tile_px, row.tile_px, row.tiling.whole_up_to_px)
        windows = row.tiling.windows(condition.latent_size, tile_px and tile_px // condition.site_px, self.host.multiple)
        plan, work = Plan(recipe.steps, row.schedule(recipe), windows, weights=row.tiling.weights), network_passes(recipe)
        other = sum(work) if branch == "baseline" else 0
        for step in denoise(self.host, condition, positive, negative, plan, ImageNoise(recipe.seed)):
            spent = self.clock.peek()
            left = spent / sum(work[: step.i]) * (sum(work[step.i :]) + other)
            yield Stage(branch, step.i, step.n, self.host.preview(step.z0, condition).cpu(), spent, left)
        self.speeds.add(f"pass/{recipe.host}", spent / sum(work), condition.output_size[0] * condition.output_size[1] / 1e6)
        return step.z0

    def finished(
        self, branch: Branch, latent: Tensor, condition: Condition
    ) -> Generator[Event, None, tuple[Tensor, dict[str, Score]]]:
        """The image of a branch and its scores."""
        result = fix_colour(self.host.decode(latent, condition), condition.colour_reference, self.recipe.colour_fix)
        result = resize(result.clamp(0, 1), self.size).cpu()
        self.seconds[branch] = self.clock.lap()
        yield Image(branch, result, self.seconds[branch])
        scores = self._scored(result)
        yield Scored(branch, scores)
        return result, scores

    def _cleaned(self) -> Generator[Event, None, Tensor]:
        guide = None
        for done, total, guide in clean_steps(self.image.to(self.device.device), self.recipe.cleaner):
            spent, whole = self.clock.peek(), self.prepared.estimated_seconds
            yield Stage("cleaner", done, total, guide, spent, whole and max(whole - spent, 0.0))
        assert guide is not None
        self.seconds["cleaner"] = self.clock.lap()
        self.speeds.add(f"cleaner/{self.recipe.cleaner}", self.seconds["cleaner"], self.megapixels)
        return guide

    def _scored(self, image: Tensor) -> dict[str, Score]:
        scores = score(image, self.metrics)
        if set(LIVE) <= scores.keys():
            self.speeds.add("scores", 3 * sum(scores[name].seconds for name in LIVE), self.megapixels)
        self.seconds["scores"] += self.clock.lap()
        return scores


class _Clock:
    """Seconds since the last lap, without those between `stop` and `go_on`."""

    def __init__(self) -> None:
        self._began = self._stopped = time.perf_counter()

    def stop(self) -> None:
        self._stopped = time.perf_counter()

    def go_on(self) -> None:
        self._began += time.perf_counter() - self._stopped

    def peek(self) -> float:
        return time.perf_counter() - self._began

    def lap(self) -> float:
        spent, self._began = self.peek(), time.perf_counter()
        return spent


def _enlarged(image: Tensor) -> Tensor:
    return resize(image, (image.shape[-2] * SCALE, image.shape[-1] * SCALE))


def _output_megapixels(image: Tensor) -> float:
    return image.shape[-2] * image.shape[-1] * SCALE**2 / 1e6
