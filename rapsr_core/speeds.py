"""How long a comparison takes on this machine: from what was measured, and before that from a first guess."""

from __future__ import annotations

from collections.abc import Mapping

from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.recipe import Recipe

SMALLEST_MEGAPIXELS = 256 * 256 / 1e6
"""Smaller results count as of this size: their time is mostly overhead. Else a thumbnail would teach a speed by which photographs are refused."""


def network_passes(recipe: Recipe) -> list[int]:
    """Network passes of each step of one branch: a step without guidance needs the positive prompt alone."""
    host = host_info(recipe.host)
    scale = host.schedule(recipe)
    return [n * (1 if scale(i, 0) is None else 2) for i, n in enumerate(host.passes(recipe.steps))]


class Speeds:
    """Seconds per megapixel of x4 output on this machine, by kind of work: an exponential mean of what was measured."""

    def __init__(self, known: dict[str, float] | None = None) -> None:
        self._known = dict(known or {})

    @property
    def known(self) -> dict[str, float]:
        """A copy of what was measured."""
        return dict(self._known)

    def learn(self, known: Mapping[str, float]) -> None:
        """Take what was measured in another process in place of this one's."""
        self._known |= known

    def add(self, kind: str, seconds: float, megapixels: float) -> None:
        new = seconds / max(megapixels, SMALLEST_MEGAPIXELS)
        self._known[kind] = new if kind not in self._known else 0.5 * self._known[kind] + 0.5 * new

    def seconds(self, recipe: Recipe, megapixels: float, baseline: bool = True) -> float | None:
        """For a whole comparison with the live metrics, or its enhanced branch alone; None until one has been measured."""
        passes, cleaner = f"pass/{recipe.host}", f"cleaner/{recipe.cleaner}"
        if not {passes, cleaner, "scores"} <= self._known.keys():
            return None
        branch = sum(network_passes(recipe)) * self._known[passes] + self._known["scores"] / 3
        first = branch + self._known["scores"] / 3 + self._known[cleaner]
        return (branch + (first if baseline else 0.0)) * max(megapixels, SMALLEST_MEGAPIXELS)


FIRST_GUESS = Speeds(
    {f"pass/{name}": row.pass_seconds for name, row in HOSTS.items()}
    | {"scores": 3.0, "cleaner/none": 0.1, "cleaner/real-esrgan": 3.5}
)
"""Rounded up from one run on two CPU cores (bicubic is assumed); refuses hopeless sizes until this machine has been measured."""


START_S = 10.0
"""Of a worker that has no host yet: a process, weights onto the GPU. Assumed, no GPU was at hand."""
GPU_GAIN = 10.0
"""A GPU takes at most this part of the time of two CPU cores. Assumed."""
MARGIN = 1.5
LONGEST_RESERVED_S = 120.0
"""A visitor of ZeroGPU without an account has two minutes a day."""


def reserved_seconds(speeds: Speeds, recipe: Recipe, megapixels: float, baseline: bool = True) -> float:
    """How long a GPU is asked for: as measured, or guessed, for both branches or the enhanced one alone, with a margin; not yet limited."""
    seconds = speeds.seconds(recipe, megapixels, baseline)
    if seconds is None:
        guess = FIRST_GUESS.seconds(recipe, megapixels, baseline)
        assert guess is not None
        seconds = guess / GPU_GAIN
    return START_S + MARGIN * seconds
