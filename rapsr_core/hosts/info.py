"""What the table of hosts says of each. Facts alone: torch is not imported for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rapsr_core.hosts.prompting import Prompt, plain
from rapsr_core.recipe import NONE, SHIPPED, BaselineText, CleanerName, ColourFix, Recipe, RecipeError
from rapsr_core.sampling.guidance import GuidanceSchedule
from rapsr_core.sampling.tile_choice import MemoryNeed
from rapsr_core.sampling.tiling import OURS, Tiling
from rapsr_core.weights import Weights

if TYPE_CHECKING:
    from rapsr_core.device import Device
    from rapsr_core.priors import Prior
    from rapsr_core.sampling.contract import Host


STABLE_DIFFUSION = MemoryNeed(image=200, denoise=1100, decode=4300)
"""The UNet of SD 1.5 with a ControlNet, and SD's codec, rounded up from `tests/bench/memory.py networks`."""


@dataclass(frozen=True)
class Setting:
    """A number that only this host has (`Recipe.host_settings`). `step`: of the page's slider."""

    name: str
    label: str
    default: float
    low: float
    high: float
    step: float
    help: str


@dataclass(frozen=True)
class HostInfo:
    """One row: facts that the page, the command lines and the documentation read. Defaults are the published ones."""

    name: str
    label: str
    prior: str  # a row of PRIORS
    steps: int
    guidance_scale: float
    positive: str  # the baseline's words, added to the caption
    negative: str
    scheduler: str
    start: str  # the first latent
    colour_fix: ColourFix
    takes_guide: bool  # a cleaner's output; otherwise the cleaner is not run
    pass_seconds: float  # one network pass over a megapixel of output, on two CPU cores
    passes: Callable[[int], list[int]]  # steps -> network passes of each under one text
    guidance: Callable[..., GuidanceSchedule]  # scale, steps
    code_licence: str  # of this implementation's source, and of the official one where that differs
    weights_licence: str
    refinement: str  # what a refinement can do in it
    module: str  # has build(prior, files of `weights` by name, device) -> Host
    parity: str  # what was compared with the official implementation, and what was not
    weights: tuple[Weights, ...] = ()
    settings: tuple[Setting, ...] = ()
    guidance_settings: tuple[str, ...] = ()  # which `guidance` takes besides, by name
    captions: Literal["studio", "host", "nobody"] = (
        "studio"  # who writes one where there is none: a captioner of the studio, the host's
    )
    # own tagger (`Host.tags`), or, as published, nobody
    prompt: Prompt = plain  # how it joins caption and words (prompting.py); an identifier leads the whole
    tiling: Tiling = OURS
    tile_px: int | None = None  # the published side of a tile; None = as memory allows
    memory: MemoryNeed = STABLE_DIFFUSION
    max_steps: int = 200
    negative_branch: bool = True  # without one there is no guidance

    @property
    def cleaner(self) -> CleanerName:
        """The cleaner by default."""
        return "real-esrgan" if self.takes_guide else "none"

    def build(self, prior: Prior, files: Mapping[str, Path], device: Device) -> Host:
        """The host on a prior, which is shared: what a host changes of it, it copies first. `files`: of `weights`, by name."""
        host: Host = import_module(self.module).build(prior, files, device)
        return host

    def completed(self, recipe: Recipe) -> Recipe:
        """`recipe` with a value for every setting of this host."""
        defaults = {setting.name: setting.default for setting in self.settings}
        return replace(recipe, host_settings={**defaults, **recipe.host_settings})

    def schedule(self, recipe: Recipe) -> GuidanceSchedule:
        """Guidance over the steps of a recipe."""
        settings = self.completed(recipe).host_settings
        return self.guidance(recipe.guidance_scale, recipe.steps, **{name: settings[name] for name in self.guidance_settings})

    def recipe(self, recipe: Recipe) -> Recipe:
        """`recipe` with this host, its defaults, and a refinement that fits its prior; what belongs to the picture, the enhanced branch's
        texts and the output stays."""
        return replace(
            recipe,
            host=self.name,
            steps=self.steps,
            guidance_scale=self.guidance_scale,
            cleaner=self.cleaner,
            colour_fix=self.colour_fix,
            host_settings={setting.name: setting.default for setting in self.settings},
            baseline=BaselineText(self.positive, self.negative),
            enhanced=replace(recipe.enhanced, refinement=SHIPPED if self.prior == "embedded" else NONE),
        )

    def check(self, recipe: Recipe) -> None:
        """Raises RecipeError for what the host cannot do: a setting it has not or out of range, a cleaner, guidance, so many steps."""
        if recipe.cleaner != "none" and not self.takes_guide:
            raise RecipeError(f"cleaner is {recipe.cleaner!r}, but host {self.name} takes no guide: set cleaner to 'none'")
        if recipe.steps > self.max_steps:
            raise RecipeError(f"steps is {recipe.steps}; host {self.name} takes at most {self.max_steps}")
        if recipe.guidance_scale != 1 and not self.negative_branch:
            raise RecipeError(
                f"guidance_scale is {recipe.guidance_scale:g}, but host {self.name} has no negative branch: set it to 1"
            )
        known = {setting.name: setting for setting in self.settings}
        for name, value in recipe.host_settings.items():
            if name not in known:
                there = f"it has {', '.join(known)}" if known else "it has none"
                raise RecipeError(f"host_settings.{name} is no setting of host {self.name}; {there}")
            low, high = known[name].low, known[name].high
            if not low <= value <= high:
                raise RecipeError(f"host_settings.{name} is {value:g}; it must be between {low:g} and {high:g}")


def same(count: int) -> Callable[[int], list[int]]:
    """`HostInfo.passes` of a host with the same number of passes at every step."""
    return lambda steps: [count] * steps
