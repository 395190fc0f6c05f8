"""Suggest: the best settings of a grid too large to run, under a budget, and the front of fidelity against quality.

A few cells, spread over the grid, are tried with one seed; the best third goes on with more seeds, twice over where the budget lets.
Seeds are the resource because a diffusion result depends on its noise: a candidate that was lucky once must repeat it. Nothing is
modelled and nothing outside the grid is tried; what was not evaluated is not claimed.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from torch import Tensor

from rapsr_core.comparison import Comparer
from rapsr_core.sweep import figures
from rapsr_core.sweep.axes import SweepError
from rapsr_core.sweep.definition import Cell, Sweep, cells
from rapsr_core.sweep.design import rungs, spread
from rapsr_core.sweep.objectives import Goal, pareto_front
from rapsr_core.sweep.order import estimate
from rapsr_core.sweep.run import CellEnded, Row, SweepEvent, run

GRID_GROWTH = 1.1
"""Enhanced over baseline grid energy above which a candidate gets a warning. The shipped refinement on five 48-px crops: 0.99 to 1.03."""
LAST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Budget:
    """Give one: comparisons (a baseline that is kept makes one cheaper, not fewer), or seconds. Raises SweepError."""

    comparisons: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.comparisons is None) == (self.seconds is None):
            raise SweepError("give a budget of comparisons or one of seconds, not both and not neither")
        if (self.comparisons or self.seconds or 0) <= 0:
            raise SweepError(f"the budget is {self.comparisons if self.seconds is None else self.seconds}; it must be above 0")


@dataclass(frozen=True)
class Candidate:
    """A setting that was tried. `rows`: one for each seed; the numbers are means over them, None with an `error`.

    The index of `cell` is that of the grid; its recipe has the first seed.
    """

    cell: Cell
    rows: tuple[Row, ...]
    fidelity: float | None
    quality: float | None
    mix: float | None
    warnings: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True)
class Suggestion:
    """Last event. `candidates`: all that were tried, the best mix first, failed ones last; `front`: those of the Pareto front, by fidelity.

    `best`: the largest mix among the candidates that had every seed of the last rung that was finished, so that none wins by one lucky
    seed; None when all failed. `out_of_time`: the seconds ended the search.
    """

    candidates: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    best: Candidate | None
    comparisons: int
    out_of_time: bool


def suggest(
    comparer: Comparer,
    image: Tensor,
    space: Sweep,
    goal: Goal,
    budget: Budget,
    reference: Tensor | None = None,
    seed: int = 0,
) -> Generator[SweepEvent | Suggestion, None, None]:
    """Search the cells of `space` on (1, 3, H, W) sRGB in [0, 1]; `seed` chooses the first ones. `Suggestion` comes last.

    The noise of the comparisons has the recipe's seed and those after it, so `space` has no seed axis. `space.limit` bounds the grid
    to choose from, and may be large. A budget of seconds ends the search at the first comparison that ends after it.
    Closing the iterator cancels. Raises SweepError before the first event.
    """
    if any(axis.path == "seed" for axis in space.axes):
        raise SweepError("Seed is an axis; a search draws its own seeds, from the recipe's on: leave it out")
    grid = cells(space)
    plan = rungs(_comparisons(budget, comparer, image, grid), len(grid))
    numbers = {space.position(cell): cell for cell in grid}
    tried: dict[int, list[Row]] = {numbers[p].index: [] for p in spread(space.shape, plan[0].candidates, seed)}
    until = None if budget.seconds is None else time.monotonic() + budget.seconds
    alive, seeds, out_of_time = list(tried), 1, False
    for rung in plan:
        alive = _best(tried, alive, goal)[: rung.candidates]
        fresh = [
            _with_seed(grid[index], number)
            for index in alive
            for number in range(len(tried[index]), rung.seeds)
            if not any(row.error for row in tried[index])
        ]
        with closing(run(comparer, image, fresh, goal.metrics, reference)) as events:
            for event in _until(events, until):
                if isinstance(event, CellEnded):
                    tried[event.row.cell.index].append(event.row)
                yield event
        if out_of_time := until is not None and time.monotonic() >= until:
            break
        seeds = rung.seeds
    yield _suggestion(grid, tried, goal, seeds, out_of_time)


def _comparisons(budget: Budget, comparer: Comparer, image: Tensor, grid: Sequence[Cell]) -> int:
    """The budget as a number of comparisons; of seconds, as many whole ones as the mean over the grid says, and at least one."""
    if budget.comparisons is not None:
        return budget.comparisons
    assert budget.seconds is not None
    each = sum(estimate([cell], comparer, image).seconds for cell in grid) / len(grid)
    return max(int(budget.seconds / each), 1)


def _until(events: Iterator[SweepEvent], until: float | None) -> Iterator[SweepEvent]:
    """Events up to the first cell that ends after `until`."""
    for event in events:
        yield event
        if isinstance(event, CellEnded) and until is not None and time.monotonic() >= until:
            return


def _with_seed(cell: Cell, number: int) -> Cell:
    return replace(cell, recipe=replace(cell.recipe, seed=(cell.recipe.seed + number) % (LAST_SEED + 1)))


def _best(tried: dict[int, list[Row]], alive: Sequence[int], goal: Goal) -> list[int]:
    """`alive` by mix, those without one last; in the order given while nothing was tried."""

    def rank(index: int) -> float:
        scores = goal.scores(tried[index])
        return float("inf") if scores is None else -goal.mix(*scores)

    return sorted(alive, key=rank)


def _suggestion(grid: Sequence[Cell], tried: dict[int, list[Row]], goal: Goal, seeds: int, out_of_time: bool) -> Suggestion:
    found = [_candidate(grid[index], rows, goal) for index, rows in tried.items() if rows]
    scored = [c for c in found if c.mix is not None]
    points = [(c.fidelity, c.quality) for c in scored if c.fidelity is not None and c.quality is not None]
    front = sorted((scored[i] for i in pareto_front(points)), key=lambda c: c.fidelity or 0.0)
    ordered = sorted(found, key=lambda c: float("inf") if c.mix is None else -c.mix)
    best = next((c for c in ordered if c.mix is not None and len(c.rows) >= seeds), None)
    return Suggestion(tuple(ordered), tuple(front), best, sum(map(len, tried.values())), out_of_time)


def _candidate(cell: Cell, rows: Sequence[Row], goal: Goal) -> Candidate:
    scores = goal.scores(rows)
    if scores is None:
        return Candidate(cell, tuple(rows), None, None, None, (), _why(rows, goal))
    return Candidate(cell, tuple(rows), *scores, goal.mix(*scores), _warnings(rows))


def _why(rows: Sequence[Row], goal: Goal) -> str:
    """The first reason why a figure is missing."""
    for row in rows:
        if row.error:
            return row.error
    wanted = [objective.metric for objective in (*goal.fidelity, *goal.quality)]
    scores = [row.scores["enhanced"][metric] for row in rows for metric in wanted]
    return next(score.error for score in scores if score.error)


def _warnings(rows: Sequence[Row]) -> tuple[str, ...]:
    """Said where the grid grows: BRISQUE and PIQE can reward one."""
    pairs = [(row.value("baseline", figures.GRID), row.value("enhanced", figures.GRID)) for row in rows]
    known = [(baseline, enhanced) for baseline, enhanced in pairs if baseline is not None and enhanced is not None]
    if not known:
        return ("grid energy could not be measured; look for a grid at 1:1",)
    baseline, enhanced = (sum(values) / len(known) for values in zip(*known, strict=True))
    if enhanced <= GRID_GROWTH * baseline:
        return ()
    return (f"grid energy grows from {baseline:.2f} to {enhanced:.2f}; BRISQUE and PIQE can reward a grid: look at 1:1",)
