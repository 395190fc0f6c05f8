from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rapsr_core.images import resize
from rapsr_core.quality.scoring import Score
from rapsr_core.sweep.axes import Axis, SweepError, parse_axis
from rapsr_core.sweep.definition import Cell, Sweep
from rapsr_core.sweep.design import Rung, rungs, spread
from rapsr_core.sweep.objectives import Goal, Objective, default_goal, objective, pareto_front
from rapsr_core.sweep.run import CellEnded, Row
from rapsr_core.sweep.suggest import Budget, Suggestion, _warnings, suggest

PAIRS = Axis("enhanced.identifiers", (("[X]. ", "[V]. "), ("", "")))
STRENGTHS = parse_axis("enhanced.strength", "0:1.5:0.25")


@pytest.mark.parametrize("budget", [1, 2, 4, 5, 11, 12, 19, 20, 50, 200])
@pytest.mark.parametrize("grid", [1, 3, 40, 1000])
def test_the_budget_is_never_exceeded_and_fewer_candidates_have_more_seeds(budget, grid):
    plan = rungs(budget, grid)
    spent = sum(r.candidates * (r.seeds - had) for r, had in zip(plan, [0, *(r.seeds for r in plan)], strict=False))
    assert spent <= budget and plan[0].candidates <= grid
    assert all(b.candidates < a.candidates and b.seeds == 3 * a.seeds for a, b in pairwise(plan))
    larger = plan[0].candidates + 1
    if larger <= grid:  # as many as the budget lets
        counts = [larger // 3**k for k in range(len(plan))]
        assert sum(max(c, 1) * s for c, s in zip(counts, (1, 2, 6), strict=False)) > budget


def test_a_plan_by_hand():
    assert rungs(4, 99) == [Rung(4, 1)]
    assert rungs(12, 99) == [Rung(8, 1), Rung(2, 3)]
    assert rungs(30, 99) == [Rung(14, 1), Rung(4, 3), Rung(1, 9)]


@pytest.mark.parametrize(("shape", "count"), [((4, 5), 8), ((2, 7, 3), 21), ((6,), 3), ((50, 50), 25)])
def test_first_cells_differ_and_cover_every_axis_evenly(shape, count):
    found = spread(shape, count, 0)
    assert len(set(found)) == count == len(found)
    for k, size in enumerate(shape):
        counts = np.bincount([position[k] for position in found], minlength=size)
        assert len(counts) == size and counts.max() - counts.min() <= max(2, count / size)
    assert found == spread(shape, count, 0) != spread(shape, count, 1)


def test_a_count_that_reaches_the_grid_takes_all_of_it():
    assert sorted(spread((2, 3), 9, 0)) == [(i, j) for i in range(2) for j in range(3)]


def test_the_pareto_front_has_what_nothing_dominates():
    points = [(0.0, 3.0), (1.0, 1.0), (2.0, 2.0), (2.0, 2.0), (3.0, 0.0), (2.0, 1.0)]
    assert pareto_front(points) == [0, 2, 3, 4]
    cloud = [tuple(p) for p in np.random.default_rng(0).random((60, 2))]
    front = {cloud[i] for i in pareto_front(cloud)}
    for a in cloud:
        dominated = any(b[0] > a[0] and b[1] > a[1] for b in cloud)
        assert dominated != (a in front)


def row(seed=0, **figures):
    """A cell with figures of its enhanced image; `baseline_` ones of the other."""
    scores: dict = {"enhanced": {}, "baseline": {}}
    for name, value in figures.items():
        which = "baseline" if name.startswith("baseline_") else "enhanced"
        name = name.removeprefix("baseline_")
        scores[which][name] = Score(name, value, 0.0, None if value is not None else f"{name} is too small")
    return Row(Cell(seed, (), None), scores)  # type: ignore[arg-type]


def test_figures_are_normalised_by_their_documented_ranges_and_direction():
    """NIQE's range is 2 to 12, lower better; PSNR's 18 to 40, higher better."""
    assert objective("niqe").value(row(niqe=2.0)) == 1 and objective("niqe").value(row(niqe=12.0)) == 0
    assert objective("psnr").value(row(psnr=29.0)) == pytest.approx(0.5)
    assert objective("lr_psnr").value(row(lr_psnr=50.0)) == pytest.approx(1.2)  # not clipped
    goal = Goal((Objective("niqe", 12, 2, 3.0), Objective("brisque", 100, 0, 1.0)), (objective("psnr"),), 0.25)
    rows = [row(niqe=2.0, brisque=50.0, psnr=18.0), row(niqe=12.0, brisque=50.0, psnr=40.0)]
    fidelity, quality = goal.scores(rows)
    assert (fidelity, quality) == (pytest.approx(0.5), pytest.approx((3 * 0.5 + 0.5) / 4))
    assert goal.mix(fidelity, quality) == pytest.approx(0.25 * fidelity + 0.75 * quality)
    assert goal.scores([*rows, row(niqe=None, brisque=1.0, psnr=1.0)]) is None


def test_a_goal_names_what_it_cannot_be():
    assert [o.metric for o in default_goal(True).fidelity] == ["psnr", "lpips"]
    assert [o.metric for o in default_goal(False).fidelity] == ["lr_psnr"]
    assert default_goal(False).metrics == ("niqe", "brisque", "piqe", "grid")
    with pytest.raises(SweepError, match="musiq has no typical range"):
        objective("musiq")
    with pytest.raises(SweepError, match="PSNR-Y is a metric of fidelity"):
        default_goal(True, ["psnr"])
    with pytest.raises(SweepError, match="NIQE has weight 0"):
        objective("niqe", 0)
    with pytest.raises(SweepError, match="share of fidelity is 2"):
        default_goal(True, fidelity_share=2)
    for budget in ({}, {"comparisons": 1, "seconds": 1.0}, {"comparisons": 0}, {"seconds": -1.0}):
        with pytest.raises(SweepError, match="budget"):
            Budget(**budget)


def test_a_growing_grid_is_warned_of():
    assert _warnings([row(baseline_grid=1.0, grid=1.05), row(baseline_grid=1.2, grid=1.3)]) == ()
    (warning,) = _warnings([row(baseline_grid=1.0, grid=1.0), row(baseline_grid=1.0, grid=1.6)])
    assert "grows from 1.00 to 1.30" in warning
    assert "could not be measured" in _warnings([row(baseline_grid=None, grid=None)])[0]


@pytest.fixture(scope="module")
def goal():
    """Figures that a 64-px result has."""
    return Goal((objective("brisque"),), (objective("lr_psnr"),))


def test_a_search_keeps_what_it_tried_and_repeats_its_best_with_more_seeds(recipe, loaded, tiny, goal):
    space = Sweep(recipe, (PAIRS, STRENGTHS))
    events = list(suggest(loaded, tiny, space, goal, Budget(comparisons=5)))
    found = events[-1]
    assert isinstance(found, Suggestion) and not found.out_of_time
    ends = [event for event in events if isinstance(event, CellEnded)]
    assert found.comparisons == len(ends) == 5
    assert sorted(len(c.rows) for c in found.candidates) == [1, 1, 3]
    best = found.best
    assert best is not None and len(best.rows) == 3
    assert [r.cell.recipe.seed for r in best.rows] == [0, 1, 2]
    first = {c.cell.index: goal.mix(*goal.scores(c.rows[:1])) for c in found.candidates}
    assert best.cell.index == max(first, key=first.get)  # promoted by its first seed
    mixes = [c.mix for c in found.candidates]
    assert mixes == sorted(mixes, reverse=True)
    assert best.quality == pytest.approx(np.mean([(100 - r.value("enhanced", "brisque")) / 100 for r in best.rows]))
    points = [(c.fidelity, c.quality) for c in found.candidates]
    assert {(c.fidelity, c.quality) for c in found.front} == {points[i] for i in pareto_front(points)}


def test_with_a_ground_truth_fidelity_is_measured_against_it(recipe, loaded, tiny):
    goal = Goal((objective("brisque"),), default_goal(True).fidelity)
    *_, found = suggest(loaded, tiny, Sweep(recipe, (PAIRS,)), goal, Budget(comparisons=2), resize(tiny, (64, 64)))
    assert found.best.fidelity == pytest.approx(
        ((found.best.rows[0].value("enhanced", "psnr") - 18) / 22 + (0.8 - found.best.rows[0].value("enhanced", "lpips")) / 0.8)
        / 2
    )


def test_failed_candidates_are_kept_with_their_reason_and_never_win(recipe, loaded, tiny, goal):
    space = Sweep(recipe, (Axis("enhanced.refinement", ("nowhere", "embedded")),))
    *_, found = suggest(loaded, tiny, space, goal, Budget(comparisons=4))
    assert [c.cell.values[0] for c in found.candidates] == ["embedded", "nowhere"]
    assert found.best.cell.values == ("embedded",) and "nowhere" in found.candidates[1].error
    unmeasurable = replace(goal, quality=(objective("niqe"),))  # 64 px are too few for it
    *_, found = suggest(loaded, tiny, Sweep(recipe, (PAIRS,)), unmeasurable, Budget(comparisons=1))
    assert found.best is None and "NIQE needs at least 96 px" in found.candidates[0].error


def test_seconds_end_a_search_after_the_cell_under_way(recipe, comparer, tiny, goal):
    for kind in ("pass/embedded", "scores", "cleaner/none"):
        comparer.speeds.add(kind, 1e-6, 1.0)  # claims that thousands fit
    *_, found = suggest(comparer, tiny, Sweep(recipe, (PAIRS, STRENGTHS)), goal, Budget(seconds=0.01))
    assert found.out_of_time and found.comparisons == 1
    assert found.best is not None


def test_a_seed_axis_is_refused(recipe, loaded, tiny, goal):
    with pytest.raises(SweepError, match="Seed is an axis"):
        next(suggest(loaded, tiny, Sweep(recipe, (Axis("seed", (1, 2)),)), goal, Budget(comparisons=3)))
