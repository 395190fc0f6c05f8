"""What a running comparison tells its listener, in order. All frozen; images are (1, 3, H, W) float32 sRGB in [0, 1]."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

from rapsr_core.quality.scoring import Score
from rapsr_core.recipe import Recipe

Branch = Literal["baseline", "enhanced"]
Which = Literal["input", "baseline", "enhanced"]


@dataclass(frozen=True)
class Prepared:
    """First event. The recipe with every default filled in (caption, seed) and what each branch will encode."""

    recipe: Recipe
    prompts: dict[str, dict[str, Any]]
    # {"baseline": {"positive": {"text", "token_ids", "count", "limit", "truncated"}, "negative": {...}}, "enhanced": ...}
    estimated_seconds: float | None  # for the whole comparison, from speeds measured on this machine; None = not yet known


@dataclass(frozen=True)
class Scored:
    """Scores of one image. `input` is scored after bicubic x4; results at their output size."""

    which: Which
    scores: dict[str, Score]


@dataclass(frozen=True)
class Stage:
    """A step of a stage was finished. `preview` is a cheap look at the present estimate, or None."""

    stage: Literal["cleaner", "baseline", "enhanced"]
    step: int
    steps: int
    preview: Tensor | None
    seconds: float  # since the stage began
    seconds_left: float | None  # for the whole comparison


@dataclass(frozen=True)
class Image:
    """A branch is finished: its final image, after colour fix and output scaling."""

    which: Branch
    image: Tensor
    seconds: float  # the branch took when it was computed
    kept: bool = False  # from an earlier comparison: nothing it depends on has changed


@dataclass(frozen=True)
class Finished:
    """Last event: everything a report needs besides the images; JSON-serialisable through `to_json`."""

    recipe: Recipe
    prompts: dict[str, dict[str, Any]]
    scores: dict[str, dict[str, Score]]  # which -> metric -> score
    seconds: dict[str, float]  # of this comparison: caption, cleaner, baseline, enhanced, scores; 0 = not computed again

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "recipe": self.recipe.to_json(),
            "prompts": self.prompts,
            "scores": {which: {name: asdict(row) for name, row in rows.items()} for which, rows in self.scores.items()},
            "seconds": self.seconds,
        }


Event = Prepared | Scored | Stage | Image | Finished
