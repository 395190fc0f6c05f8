"""What a running comparison tells its listener, in order. All frozen; images are (1, 3, H, W) float32 sRGB in [0, 1]."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

from rapsr_core.memory import PeakMemory
from rapsr_core.quality.scoring import Score
from rapsr_core.recipe import Recipe

Branch = Literal["baseline", "enhanced"]
Which = Literal["input", "baseline", "enhanced"]


@dataclass(frozen=True)
class Prepared:
    """First event. The recipe with every default filled in (caption, seed, tile) and what each branch will encode."""

    recipe: Recipe
    prompts: dict[str, dict[str, Any]]
    # {"baseline": {"positive": {"text", "token_ids", "count", "limit", "truncated"}, "negative": {...}}, "enhanced": ...}
    estimated_seconds: float | None  # for the whole comparison, from speeds measured on this machine; None = not yet known
    notes: tuple[str, ...] = ()  # sentences on where and how it is computed: device, placement, tiles


@dataclass(frozen=True)
class Retried:
    """Memory ran out: the comparison starts again, this once, by a recipe with half the tile. What was shown before is void."""

    recipe: Recipe
    note: str


@dataclass(frozen=True)
class Scored:
    """Scores of one image. `input` is scored after bicubic x4; results at their output size."""

    which: Which
    scores: dict[str, Score]


@dataclass(frozen=True)
class Stage:
    """A step of a stage was finished, or `share` of it. `preview` is a cheap look at the present estimate, or None."""

    stage: Literal["cleaner", "baseline", "enhanced"]
    step: int
    steps: int
    preview: Tensor | None
    seconds: float  # since the stage began
    seconds_left: float | None  # for the whole comparison
    share: float = 1.0  # of the step that is done


@dataclass(frozen=True)
class Image:
    """A branch is finished: its final image, after colour fix and output scaling."""

    which: Branch
    image: Tensor
    seconds: float  # the branch took when it was computed
    kept: bool = False  # from an earlier comparison: nothing it depends on has changed


@dataclass(frozen=True)
class TileTexts:
    """What one tile was told, where each has its own caption. `window_px`: top, bottom, left, right in the x4 image."""

    window_px: tuple[int, int, int, int]
    caption: str
    texts: dict[str, dict[str, str]]  # branch -> side -> text


@dataclass(frozen=True)
class Finished:
    """Last event: everything a report needs besides the images; JSON-serialisable through `to_json`."""

    recipe: Recipe
    prompts: dict[str, dict[str, Any]]
    scores: dict[str, dict[str, Score]]  # which -> metric -> score
    seconds: dict[str, float]  # of this comparison: caption, cleaner, baseline, enhanced, scores; 0 = not computed again
    notes: tuple[str, ...]  # of `Prepared`, and of `Retried`
    tiles: tuple[TileTexts, ...]  # empty where all read `prompts`
    peak_memory: PeakMemory  # over the loaded model

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "recipe": self.recipe.to_json(),
            "prompts": self.prompts,
            "scores": {which: {name: asdict(row) for name, row in rows.items()} for which, rows in self.scores.items()},
            "seconds": self.seconds,
            "notes": list(self.notes),
            "tiles": [asdict(tile) for tile in self.tiles],
            "peak_memory": asdict(self.peak_memory),
        }


Event = Prepared | Retried | Scored | Stage | Image | Finished
