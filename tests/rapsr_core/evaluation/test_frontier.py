import pytest

from rapsr_core.evaluation.frontier import Point, figure, front, plot
from rapsr_core.evaluation.pairs import EvaluationError
from rapsr_core.evaluation.table import Row
from rapsr_core.evaluation.tuning import grouped, points_of, tuning_table

METRICS = ("psnr", "lpips")


def point(name, psnr, lpips, series="enhanced"):
    return Point(name, series, {"psnr": psnr, "lpips": lpips})


def test_front_is_what_nothing_beats_on_both():
    a, b, c, d = point("a", 25, 0.4), point("b", 24, 0.3), point("c", 24, 0.5), point("d", 23, 0.3)
    assert [p.name for p in front([c, b, a, d], *METRICS)] == ["a", "b"]
    assert {p.name for p in front([a, point("twin", 25, 0.4)], *METRICS)} == {"a", "twin"}


def test_better_is_up_and_right():
    axes = figure([point("a", 25, 0.4), point("b", 24, 0.3), point("bicubic", 24.5, 0.7, "bicubic")], *METRICS, "set").axes[0]
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left < right and low > high  # PSNR grows to the right, LPIPS falls upwards
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["enhanced", "bicubic"]
    assert [text.get_text() for text in axes.texts] == ["a", "b"]


def test_the_same_points_give_the_same_file(tmp_path):
    for name in ("x", "y"):
        plot([point("a", 25, 0.4), point("b", 24, 0.3)], *METRICS, "set", tmp_path / f"{name}.svg")
    assert (tmp_path / "x.svg").read_bytes() == (tmp_path / "y.svg").read_bytes()


def test_a_score_that_is_missing_is_named(tmp_path):
    with pytest.raises(EvaluationError, match="lpips of a was not computed"):
        plot([Point("a", "enhanced", {"psnr": 20.0})], *METRICS, "set", tmp_path / "x.svg")


def row(image, baseline, enhanced):
    scores = {("psnr", which): v for which, v in (("input", 1.0), ("baseline", baseline), ("enhanced", enhanced))}
    return Row(image, scores, {"baseline": 1.0, "enhanced": 1.0})


def test_means_are_over_a_group_of_images_and_a_failed_score_has_no_mean():
    rows = {"s": [row("a", 20.0, 22.0), row("b", 30.0, None)]}
    alone = {"bicubic": {"a": {"psnr": 18.0}, "b": {"psnr": 28.0}}}
    images = grouped(["a", "b"], {"a": "rapsr", "b": "seesr_mild"})
    assert images == {"all": ["a", "b"], "rapsr": ["a"], "seesr_mild": ["b"]}
    assert [dict(p.scores) for p in points_of(rows, alone, images["all"], ("psnr",))] == [{"psnr": 23.0}, {"psnr": 25.0}, {}]
    table = tuning_table(points_of(rows, alone, images["rapsr"], ("psnr",)), ("psnr",)).splitlines()
    assert table[2:] == ["| bicubic | - | 18.000 |", "| s | baseline | 20.000 |", "| s | enhanced | **22.000** |"]
