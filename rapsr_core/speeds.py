"""How long a comparison takes on this machine: from what was measured, and before that from a first guess."""

from __future__ import annotations

from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.recipe import Recipe


def network_passes(recipe: Recipe) -> list[int]:
    """Network passes of each step of one branch: a step without guidance needs the positive prompt alone."""
    host = host_info(recipe.host)
    scale = host.schedule(recipe)
    return [n * (1 if scale(i, 0) is None else 2) for i, n in enumerate(host.passes(recipe.steps))]


class Speeds:
    """Seconds per megapixel of x4 output on this machine, by kind of work: an exponential mean of what was measured."""

    def __init__(self, known: dict[str, float] | None = None) -> None:
        self._known = dict(known or {})

    def add(self, kind: str, seconds: float, megapixels: float) -> None:
        new = seconds / megapixels
        self._known[kind] = new if kind not in self._known else 0.5 * self._known[kind] + 0.5 * new

    def seconds(self, recipe: Recipe, megapixels: float, baseline: bool = True) -> float | None:
        """For a whole comparison with the live metrics, or its enhanced branch alone; None until one has been measured."""
        passes, cleaner = f"pass/{recipe.host}", f"cleaner/{recipe.cleaner}"
        if not {passes, cleaner, "scores"} <= self._known.keys():
            return None
        branch = sum(network_passes(recipe)) * self._known[passes] + self._known["scores"] / 3
        first = branch + self._known["scores"] / 3 + self._known[cleaner]
        return (branch + (first if baseline else 0.0)) * megapixels


FIRST_GUESS = Speeds(
    {f"pass/{name}": row.pass_seconds for name, row in HOSTS.items()}
    | {"scores": 3.0, "cleaner/none": 0.1, "cleaner/real-esrgan": 3.5}
)
"""Rounded up from one run on two CPU cores (bicubic is assumed); refuses hopeless sizes until this machine has been measured."""
