import json

import numpy as np
import pytest

from rapsr_core.evaluation.summary import markdown, paired_interval, summarise
from rapsr_core.evaluation.table import Row


def row(name: str, **scores: tuple[float | None, ...]) -> Row:
    values = {(m, w): v for m, three in scores.items() for w, v in zip(("input", "baseline", "enhanced"), three, strict=True)}
    return Row(name, values, {"baseline": 2.0, "enhanced": 4.0})


ROWS = [
    row("a", niqe=(9.0, 6.0, 5.0), psnr=(20.0, 24.0, 23.0)),
    row("b", niqe=(8.0, 6.0, 7.0), psnr=(22.0, 25.0, 27.0)),
    row("c", niqe=(7.0, 4.0, 4.0), psnr=(21.0, 23.0, 23.5)),
    row("d", niqe=(7.0, 5.0, None), psnr=(21.0, 24.0, 24.5)),
]


def test_means_shares_and_direction():
    summary = summarise(ROWS, ["niqe", "psnr"])
    assert summary["images"] == 4
    assert summary["seconds"] == {"baseline": 2.0, "enhanced": 4.0}
    niqe, psnr = summary["metrics"]["niqe"], summary["metrics"]["psnr"]
    assert niqe["scored"] == 3
    assert (niqe["input"], niqe["baseline"], niqe["enhanced"]) == pytest.approx((8.0, 16 / 3, 16 / 3))
    assert niqe["lower_better"] is True
    assert niqe["improved_share"] == pytest.approx(1 / 3), "a tie is not an improvement"
    assert psnr["lower_better"] is False
    assert psnr["improved_share"] == pytest.approx(3 / 4)
    assert psnr["interval"][0] < 0.5 < psnr["interval"][1]
    assert json.loads(json.dumps(summary)) == summary


def test_a_metric_that_never_worked_is_null():
    summary = summarise([row("a", niqe=(None, None, None))], ["niqe"])
    niqe = summary["metrics"]["niqe"]
    assert niqe["scored"] == 0
    assert [niqe[k] for k in ("input", "baseline", "enhanced", "improved_share", "interval")] == [None] * 5
    assert "not computed" in markdown(summary)


def test_interval_agrees_with_the_normal_one():
    values = np.random.default_rng(5).normal(0.3, 1.0, 200)
    low, high = paired_interval(list(values))
    half = 1.96 * values.std() / np.sqrt(200)
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)
    assert paired_interval(list(values)) == [low, high]


def test_interval_of_equal_differences_and_of_one():
    assert paired_interval([0.5, 0.5, 0.5]) == [0.5, 0.5]
    assert paired_interval([0.5]) is None


def test_markdown_marks_the_better_branch():
    lines = markdown(summarise(ROWS, ["niqe", "psnr"])).splitlines()
    assert len(lines) == 4
    assert "**24.500**" in lines[3]
    assert "24.000 |" in lines[3]
    assert "+0.500 [" in lines[3]
    assert "75%" in lines[3]
    assert "**" not in lines[2], "equal means"
