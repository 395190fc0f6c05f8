"""A ballot: two results of one picture, the sides drawn at random, under names that tell nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from rapsr_core.events import Finished

Answer = Literal["left", "right", "tie", "both bad"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
BASELINE = "baseline"
"""`Contender.refinement` of a baseline; that of an enhanced branch with nothing plugged in is "none" (recipe.NONE)."""


class VoteError(ValueError):
    """Votes that cannot be read or rated; the message names the file and the line, or the value."""


@dataclass(frozen=True)
class Contender:
    """What made one of the two results, and its scores by metric. `recipe`: as JSON, for whoever looks closer."""

    host: str
    refinement: str
    scores: Mapping[str, float]
    recipe: Mapping[str, Any]


@dataclass(frozen=True)
class Ballot:
    """One question. `picture`: which input. `left_id` and `right_id`: what the page calls the two images, never their files."""

    id: str
    picture: str
    left: Contender
    right: Contender
    left_id: str
    right_id: str

    def blind(self) -> dict[str, str]:
        """All that may leave the server before the answer."""
        return {"ballot": self.id, "left": self.left_id, "right": self.right_id}


def contenders(finished: Finished) -> tuple[Contender, Contender]:
    """Baseline and enhanced of a comparison; scores that could not be computed are left out."""
    recipe = finished.recipe.to_json()
    names = {"baseline": BASELINE, "enhanced": finished.recipe.enhanced.refinement}
    baseline, enhanced = (
        Contender(
            finished.recipe.host,
            refinement,
            {metric: score.value for metric, score in finished.scores[which].items() if score.value is not None},
            recipe,
        )
        for which, refinement in names.items()
    )
    return baseline, enhanced


def draw(picture: str, one: Contender, two: Contender, generator: np.random.Generator) -> Ballot:
    """A ballot of two results; sides and names come from `generator` and from nothing else.

    Whoever knows its seed can tell the sides: seed it only in tests, and take `np.random.default_rng()` for people.
    """
    left, right = (one, two) if generator.random() < 0.5 else (two, one)
    name, left_id, right_id = (generator.bytes(16).hex() for _ in range(3))
    return Ballot(name, picture, left, right, left_id, right_id)
