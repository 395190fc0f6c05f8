"""Which cells of a grid too large to run are tried, and how a budget of comparisons is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

ETA = 3
"""One in ETA candidates goes on, with ETA times as many seeds."""


@dataclass(frozen=True)
class Rung:
    """`candidates` of the search have `seeds` seeds each when the rung ends, those of earlier rungs counted."""

    candidates: int
    seeds: int


def rungs(budget: int, grid: int) -> list[Rung]:
    """Successive halving (Jamieson & Talwalkar, AISTATS 2016, figure 1) with seeds as the resource: at most `budget` comparisons.

    One rung under 5 comparisons, two under 20, else three; 1, 3 and 9 seeds. As many first candidates as the budget lets, at most
    `grid`; what is left of it then is not spent.
    """
    count = 1 if budget < 5 else 2 if budget < 20 else 3
    first = max(n for n in range(1, min(budget, grid) + 1) if _cost(_halved(n, count)) <= budget)
    return _halved(first, count)


def spread(shape: Sequence[int], count: int, seed: int) -> list[tuple[int, ...]]:
    """`count` different positions of a grid, spread so that every value of every axis comes about equally often.

    A Latin hypercube (McKay, Beckman & Conover, Technometrics 21, 1979; centred discrepancy lowered by random exchanges, scipy),
    cut into the grid's values; positions met twice are replaced by unused ones, at random. All positions where `count` reaches them.
    """
    everything = list(np.ndindex(*shape))
    if count >= len(everything):
        return everything
    generator = np.random.default_rng(seed)
    sampler = qmc.LatinHypercube(len(shape), optimization="random-cd", rng=generator)
    drawn = np.floor(sampler.random(count) * np.asarray(shape)).astype(int)
    chosen = dict.fromkeys(tuple(int(k) for k in row) for row in drawn)
    unused = [position for position in everything if position not in chosen]
    more = generator.permutation(len(unused))[: count - len(chosen)]
    return [*chosen, *(unused[k] for k in more)]


def _halved(first: int, count: int) -> list[Rung]:
    found = [Rung(first, 1)]
    while len(found) < count and found[-1].candidates > 1:
        found.append(Rung(max(found[-1].candidates // ETA, 1), found[-1].seeds * ETA))
    return found


def _cost(plan: Sequence[Rung]) -> int:
    before = [0, *(rung.seeds for rung in plan[:-1])]
    return sum(rung.candidates * (rung.seeds - had) for rung, had in zip(plan, before, strict=True))
