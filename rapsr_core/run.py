"""One attempt at a comparison: its parts, each of which yields that part's events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rapsr_core.captions import caption_many
from rapsr_core.cleaners import SCALE, clean_steps
from rapsr_core.colour import fix_colour
from rapsr_core.device import Device
from rapsr_core.events import Branch, Event, Image, Prepared, Scored, Stage, TileTexts
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import resize
from rapsr_core.kept import Baseline
from rapsr_core.priors.text import Text
from rapsr_core.quality.scoring import Score, score
from rapsr_core.quality.table import LIVE
from rapsr_core.sampling.contract import Condition, Host
from rapsr_core.sampling.denoise import Plan, Step, Underway, walk
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tile_choice import TileChoice
from rapsr_core.sampling.tiling import Tile, sites_a_side
from rapsr_core.speeds import Speeds, network_passes

PREVIEW_S = 1.0
"""Seconds between the previews of a step under way, at least; a step's end always has one."""
Prompts = dict[str, dict[str, Any]]
"""As `Prepared.prompts`."""


class Clock:
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


@dataclass
class Run:
    """`image` (1, 3, H, W) sRGB in [0, 1]; `size` (height, width) of the results; `encode`: a caption -> the branches' prompts with it."""

    image: Tensor
    size: tuple[int, int]
    prepared: Prepared
    tile: TileChoice
    metrics: tuple[str, ...]
    host: Host
    device: Device
    speeds: Speeds
    clock: Clock
    encode: Callable[[str], Prompts]
    seconds: dict[str, float] = field(
        default_factory=lambda: {"caption": 0.0, "scores": 0.0, "cleaner": 0.0, "baseline": 0.0, "enhanced": 0.0}
    )

    def __post_init__(self) -> None:
        self.recipe, self.row = self.prepared.recipe, host_info(self.prepared.recipe.host)
        self.megapixels = output_megapixels(self.image)

    def baseline(self) -> Generator[Event, None, Baseline]:
        """The input's scores, the cleaner, the tiles' captions, and the host without the refinement."""
        scores = {"input": self._scored(resize(_enlarged(self.image), self.size))}
        yield Scored("input", scores["input"])
        guide = yield from self._cleaned()
        condition = self.host.prepare(self.image, guide, self.recipe, ImageNoise(self.recipe.seed))
        captions = self._captions(guide, condition)
        latent = yield from self.denoised("baseline", condition, captions)
        result, scores["baseline"] = yield from self.finished("baseline", latent, condition)
        return Baseline(condition, self.tile, captions, result, scores, self.seconds["baseline"])

    def kept(self, baseline: Baseline) -> Generator[Event, None, Baseline]:
        """A baseline of before, shown again."""
        yield Scored("input", baseline.scores["input"])
        yield Image("baseline", baseline.image, baseline.seconds, kept=True)
        yield Scored("baseline", baseline.scores["baseline"])
        return baseline

    def denoised(
        self, branch: Branch, condition: Condition, captions: Sequence[str], learned: Sequence[Tensor] = ()
    ) -> Generator[Event, None, Tensor]:
        """The denoising loop of a branch; returns the last latent. `captions`: of the tiles, or none where all read the image's."""
        recipe = self.recipe
        texts = self._encoded(self.prepared.prompts, branch, learned)
        tile_texts = [self._encoded(self.encode(caption), branch, learned) for caption in captions]
        schedule, windows = self.row.schedule(recipe), self._windows(condition)
        plan = Plan(recipe.steps, schedule, windows, weights=self.row.tiling.weights, tile_texts=tile_texts or None)
        work = network_passes(recipe)
        other = sum(work) if branch == "baseline" else 0
        shown = 0.0
        for step in walk(self.host, condition, *texts, plan, ImageNoise(recipe.seed)):
            share = step.share if isinstance(step, Underway) else 1.0
            spent, done = self.clock.peek(), sum(work[: step.i - 1]) + share * work[step.i - 1]
            left = spent / done * (sum(work) - done + other)
            preview = None
            if step.z0 is not None and (share == 1 or spent - shown >= PREVIEW_S):
                preview, shown = self.host.preview(step.z0, condition).cpu(), spent
            yield Stage(branch, step.i, step.n, preview, spent, left, share)
        assert isinstance(step, Step)
        self.speeds.add(f"pass/{recipe.host}", spent / sum(work), condition.output_size[0] * condition.output_size[1] / 1e6)
        return step.z0

    def finished(
        self, branch: Branch, latent: Tensor, condition: Condition
    ) -> Generator[Event, None, tuple[Tensor, dict[str, Score]]]:
        """The image of a branch and its scores."""
        result = fix_colour(self.host.decode(latent, condition), condition.colour_reference, self.recipe.colour_fix)
        result = resize(result.clamp(0, 1), self.size).cpu().contiguous()
        self.seconds[branch] = self.clock.lap()
        yield Image(branch, result, self.seconds[branch])
        scores = self._scored(result)
        yield Scored(branch, scores)
        return result, scores

    def tile_texts(self, condition: Condition, captions: Sequence[str]) -> tuple[TileTexts, ...]:
        """For the report: what each tile was told."""
        return tuple(
            TileTexts(_pixels(tile, condition), caption, _plain(self.encode(caption)))
            for tile, caption in zip(self._windows(condition), captions, strict=bool(captions))
        )

    def _windows(self, condition: Condition) -> list[Tile]:
        """Where the x4 result is one tile, so is what a host makes of it: some work on small pictures at a larger size."""
        height, width = self.image.shape[-2:]
        side = sites_a_side((height * SCALE, width * SCALE), self.tile.tile_px, condition.site_px)
        return self.row.tiling.windows(condition.latent_size, side, self.host.multiple)

    def _captions(self, guide: Tensor, condition: Condition) -> tuple[str, ...]:
        """Each tile's own, of what the guide shows there, where the recipe wants it and there are several."""
        windows = self._windows(condition)
        if self.recipe.tile_captions == "global" or len(windows) == 1:
            return ()
        boxes, guide = [_pixels(tile, condition) for tile in windows], resize(guide, condition.output_size)
        crops = [guide[..., top:bottom, left:right].cpu() for top, bottom, left, right in boxes]
        captions = [self.host.tags(_reduced(crop)) for crop in crops] if self.row.captions == "host" else caption_many(crops)
        self.seconds["caption"] += self.clock.lap()
        return tuple(captions)

    def _encoded(self, prompts: Prompts, branch: Branch, learned: Sequence[Tensor]) -> tuple[Text, Text]:
        positive, negative = (prompts[branch][side]["token_ids"] for side in ("positive", "negative"))
        return self.host.encode_text([positive], learned), self.host.encode_text([negative], learned)

    def _cleaned(self) -> Generator[Event, None, Tensor]:
        guide, side = None, cleaner_tile_px(self.tile.tile_px)
        for done, total, guide in clean_steps(self.image.to(self.device.device), self.recipe.cleaner, tile_px=side):
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


def _pixels(tile: Tile, condition: Condition) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a tile in the output, which has no padding."""
    (height, width), site = condition.output_size, condition.site_px
    return tile.top * site, min(tile.bottom * site, height), tile.left * site, min(tile.right * site, width)


def _plain(prompts: Prompts) -> dict[str, dict[str, str]]:
    return {branch: {side: encoded["text"] for side, encoded in sides.items()} for branch, sides in prompts.items()}


def _reduced(image: Tensor) -> Tensor:
    return resize(image, (image.shape[-2] // SCALE, image.shape[-1] // SCALE))


def _enlarged(image: Tensor) -> Tensor:
    return resize(image, (image.shape[-2] * SCALE, image.shape[-1] * SCALE))


def cleaner_tile_px(tile_px: int) -> int:
    """Input pixels a side of a cleaner's tile beside a host's of `tile_px` output pixels: twice as large, for its need is smaller."""
    return tile_px // 2


def output_megapixels(image: Tensor) -> float:
    """Of the x4 result."""
    return image.shape[-2] * image.shape[-1] * SCALE**2 / 1e6
