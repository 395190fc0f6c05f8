"""Comparisons in a process forked by the real package of ZeroGPU, on the processor: what crosses, what is kept, Stop, errors."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from zero_gpu_worker import granted

from rapsr_core.away import Away
from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.errand import Raised, packed, unpacked
from rapsr_core.events import Finished, Image, Prepared, Scored, Stage
from rapsr_core.images import ImageError
from rapsr_core.recipe import Recipe
from rapsr_core.run import Run
from rapsr_core.speeds import LONGEST_RESERVED_S, START_S, Speeds, reserved_seconds

RECIPE = Recipe(cleaner="none", steps=3, caption="a photo of a cat", colour_fix="none")
FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")
METRICS = ("niqe", "brisque", "piqe")


@pytest.fixture
def asked() -> list[float]:
    return []


@pytest.fixture
def away(assets: Path, asked: list[float]) -> Iterator[Away]:
    with granted(asked) as worker:
        yield Away(worker, assets, FLOAT32)


def test_a_comparison_in_a_forked_process_gives_the_same_events_and_pixels(
    away: Away, assets: Path, photo: torch.Tensor, asked: list[float]
) -> None:
    here, there = (list(comparer.compare(photo, RECIPE, METRICS)) for comparer in (Comparer(assets, FLOAT32), away))
    assert [type(event) for event in there] == [type(event) for event in here]
    for one, two in zip(here, there, strict=True):
        match one, two:
            case (Image(), Image()):
                assert torch.equal(one.image, two.image) and two.image.device.type == "cpu"
            case (Stage(), Stage()):
                assert (one.step, one.share) == (two.step, two.share)
                if one.share == 1:
                    assert one.preview is not None and torch.equal(one.preview, two.preview)
            case (Scored(), Scored()):
                assert {k: v.value for k, v in one.scores.items()} == {k: v.value for k, v in two.scores.items()}
    assert there[-1].recipe == here[-1].recipe and there[-1].to_json()["prompts"] == here[-1].to_json()["prompts"]
    assert len(asked) == 1 and START_S <= asked[0] <= LONGEST_RESERVED_S


def test_it_ran_in_another_process_and_this_one_built_no_host(away: Away, photo: torch.Tensor) -> None:
    pids = []
    task = away._errand

    def told(errand, seconds):
        yield str(os.getpid()).encode()
        yield from task(errand, seconds)

    with granted([]) as worker:
        for item in worker(told)(_errand(photo), 10.0):
            pids.append(item) if not pids else unpacked(item)
    assert int(pids[0]) != os.getpid()
    assert away._hosts == {} and not away._arrived


def test_what_the_worker_learns_comes_back(away: Away, photo: torch.Tensor, asked: list[float]) -> None:
    """Speeds, and the baseline: the next comparison takes it along, though it may meet another worker."""
    assert away.speeds.seconds(RECIPE, 1.0) is None
    first = away.run(photo, RECIPE, METRICS)
    known = Speeds(away.speeds.known)
    assert known.seconds(RECIPE, 1.0) is not None
    other = replace(RECIPE, enhanced=replace(RECIPE.enhanced, strength=0.5))
    events = list(away.compare(photo, other, METRICS))
    shown, made = (event for event in events if isinstance(event, Image))
    assert (shown.kept, made.kept) == (True, False) and torch.equal(shown.image, first.baseline)
    assert not torch.equal(made.image, first.enhanced)
    fresh = Comparer(away.assets, FLOAT32).run(photo, other, METRICS)
    assert torch.equal(made.image, fresh.enhanced)
    megapixels = photo.shape[-2] * photo.shape[-1] * 16 / 1e6
    assert asked[1] == round(reserved_seconds(known, other, megapixels, baseline=False)), "for the enhanced branch, as measured"


def test_stop_ends_the_work_there_and_the_next_comparison_is_right(away: Away, assets: Path, photo: torch.Tensor) -> None:
    """Closed in the enhanced branch, with the refinement plugged in over there."""
    events = away.compare(photo, replace(RECIPE, steps=60), METRICS)
    for event in events:
        if isinstance(event, Stage) and event.stage == "enhanced":
            break
    events.close()
    assert away._slot.acquire(blocking=False)
    away._slot.release()
    found, right = away.run(photo, RECIPE, METRICS), Comparer(assets, FLOAT32).run(photo, RECIPE, METRICS)
    assert torch.equal(found.baseline, right.baseline) and torch.equal(found.enhanced, right.enhanced)
    kept = list(away.compare(photo, replace(RECIPE, steps=60), METRICS))
    assert next(event for event in kept if isinstance(event, Image)).kept, "the baseline that had been finished before Stop"


def test_no_worker_outlives_the_test() -> None:
    """A fork that stays holds the pipe of the browser's driver, which then waits for ever at the end of the run."""
    with granted([]) as worker:
        assert list(worker(lambda errand, seconds: iter([b"done"]))(b"", 1.0)) == [b"done"]
        forks = set(multiprocessing.active_children())
        assert forks
    assert not forks & set(multiprocessing.active_children())


def test_locks_that_are_held_at_the_fork_hold_nobody_up(away: Away, photo: torch.Tensor) -> None:
    away.prompts(RECIPE)
    events = away.compare(photo, RECIPE, METRICS)
    away._refinement(RECIPE)
    original = away._run_away

    def held(errand, seconds):
        with away._loading:  # as if another visitor's prior were being loaded when the process is forked
            iterator = original(errand, seconds)
            yield next(iterator)
        yield from iterator

    away._run_away = held
    assert isinstance(list(events)[-1], Finished)


def test_an_error_over_there_is_raised_here_with_its_message(away: Away, photo: torch.Tensor, monkeypatch) -> None:
    """And the worker goes on: it stays what it was forked from, hence one method for both."""
    whole = Run.baseline

    def unlucky(self):
        if self.recipe.seed == 13:
            raise ImageError("memory ran out over there")
        return (yield from whole(self))

    monkeypatch.setattr(Run, "baseline", unlucky)
    with pytest.raises(ImageError, match="memory ran out over there"):
        away.run(photo, replace(RECIPE, seed=13), METRICS)
    assert away.run(photo, RECIPE, METRICS).finished.recipe.steps == 3


def test_an_error_that_cannot_cross_says_the_same() -> None:
    class Local(Exception):
        pass

    error = unpacked(packed(Raised(Local("too local")))).error
    assert isinstance(error, RuntimeError) and str(error) == "Local: too local"


def test_what_would_need_the_gpu_too_long_is_refused_before(away: Away) -> None:
    away.speeds = Speeds({"pass/embedded": 10.0, "cleaner/none": 0.1, "scores": 0.1})  # within the ten minutes of any machine
    with pytest.raises(ImageError, match=r"200 x 200 px would need the GPU for about \d+ s, over the limit of 120"):
        away.check_size(200, 200, RECIPE)
    assert "at most 120 s a comparison" in away.device_reason


def test_opening_a_photograph_spends_nothing(away: Away, photo: torch.Tensor, asked: list[float]) -> None:
    away.measure(RECIPE)
    assert isinstance(away.prepared(photo, replace(RECIPE, caption=None)), Prepared)
    assert asked == []


def _errand(photo: torch.Tensor) -> bytes:
    from rapsr_core.errand import Errand
    from rapsr_core.hosts.registry import host_info

    return packed(Errand(photo, host_info("embedded").completed(RECIPE), METRICS, {}, None))
