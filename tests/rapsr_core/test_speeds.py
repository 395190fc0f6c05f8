import pytest

from rapsr_core.recipe import Recipe
from rapsr_core.speeds import FIRST_GUESS, START_S, Speeds, network_passes, reserved_seconds

KINDS = ("pass/embedded", "cleaner/real-esrgan", "scores")


def test_a_thumbnail_teaches_no_speed_by_which_photographs_are_refused() -> None:
    """Measured: 16 px take as long as 64 px do, for both are overhead."""
    small, usual = Speeds(), Speeds()
    for kind in KINDS:
        small.add(kind, 1.0, (4 * 16) ** 2 / 1e6)
        usual.add(kind, 1.0, (4 * 64) ** 2 / 1e6)
    assert small.seconds(Recipe(), 1.0) == usual.seconds(Recipe(), 1.0)
    assert small.seconds(Recipe(), 0.001) == small.seconds(Recipe(), (4 * 64) ** 2 / 1e6)


def test_what_another_process_measured_is_taken() -> None:
    here, there = Speeds({"scores": 9.0}), Speeds()
    for kind in KINDS:
        there.add(kind, 2.0, 1.0)
    here.learn(there.known)
    assert here.seconds(Recipe(), 1.0) == there.seconds(Recipe(), 1.0)


def test_a_gpu_is_asked_for_by_passes_of_both_branches_size_and_what_was_measured() -> None:
    known = Speeds({"pass/embedded": 0.1, "cleaner/real-esrgan": 0.2, "scores": 0.3})
    passes = sum(network_passes(Recipe()))
    assert reserved_seconds(known, Recipe(), 2.0) == pytest.approx(START_S + 1.5 * 2 * (2 * passes * 0.1 + 0.2 + 0.3))
    assert reserved_seconds(known, Recipe(), 2.0, baseline=False) == pytest.approx(START_S + 1.5 * 2 * (passes * 0.1 + 0.1))
    guessed = FIRST_GUESS.seconds(Recipe(), 2.0)
    assert guessed is not None
    assert reserved_seconds(Speeds(), Recipe(), 2.0) == pytest.approx(START_S + 1.5 * guessed / 10)
