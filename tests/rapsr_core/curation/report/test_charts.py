import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rapsr_core.curation.columns import Column, Rule
from rapsr_core.curation.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, bin_edges, gains, histogram, ticks
from rapsr_core.curation.report.statistics import compare

COLUMN = Column("noise", "noise <σ>", "number", "low", "", "", "")
POOL = np.random.default_rng(0).normal(50, 10, 2000)


def parts(svg, tag, name):
    return [e for e in ElementTree.fromstring(svg).iter(tag) if e.get("class") == name]


def test_bars_are_the_shares_of_the_pool_and_the_outline_those_of_the_kept():
    kept = POOL[POOL < 40]
    svg = histogram(COLUMN, POOL, kept, None)
    heights = [float(bar.get("height")) for bar in parts(svg, "rect", "pool")]
    edges = bin_edges(POOL, None)
    of_kept = np.histogram(np.clip(kept, edges[0], edges[-1]), edges)[0] / len(kept)
    full = (HEIGHT - BOTTOM - TOP) / of_kept.max()  # pixels of a share of 1
    assert sum(heights) / full == pytest.approx(1, abs=0.01)
    levels = [float(v) for v in re.findall(r"V([\d.]+)H", parts(svg, "path", "kept")[0].get("d"))]
    assert (HEIGHT - BOTTOM - np.array(levels)) / full == pytest.approx(of_kept, abs=2e-3)


def test_a_threshold_stands_at_its_value_and_what_it_leaves_out_is_shaded():
    svg = histogram(COLUMN, POOL, POOL, Rule("noise", low=40, high=60))
    edges = bin_edges(POOL, Rule("noise", low=40, high=60))
    xs = [LEFT + (v - edges[0]) / (edges[-1] - edges[0]) * (WIDTH - LEFT - RIGHT) for v in (40, 60)]
    assert [float(line.get("x1")) for line in parts(svg, "line", "bound")] == pytest.approx(xs, abs=0.06)
    left, right = parts(svg, "rect", "out")
    assert float(left.get("x")) + float(left.get("width")) == pytest.approx(xs[0], abs=0.11)
    assert float(right.get("x")) == pytest.approx(xs[1], abs=0.06)
    assert [text.text for text in parts(svg, "text", "bound")] == ["≥ 40", "≤ 60"]


def test_a_near_threshold_stretches_the_axis_and_a_far_one_is_named():
    assert bin_edges(POOL, Rule("noise", low=5))[0] == 5
    far = Rule("noise", high=10_000)
    assert bin_edges(POOL, far)[-1] < 100
    svg = histogram(COLUMN, POOL, POOL, far)
    assert parts(svg, "line", "bound") == []
    assert "beyond this axis" in parts(svg, "text", "bound")[0].text


def test_an_outlier_does_not_flatten_the_histogram():
    assert bin_edges(np.append(POOL, 1e9), None)[-1] < 100


def test_few_whole_numbers_have_a_bar_each_and_equal_values_one():
    assert bin_edges(np.array([0.0, 1, 1, 3]), None).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]
    assert bin_edges(np.full(5, 0.25), None).tolist() == [-0.25, 0.75]


def test_the_chart_says_what_it_shows_and_escapes_it():
    svg = histogram(COLUMN, POOL, POOL[:0], Rule("noise", high=60))
    assert ElementTree.fromstring(svg).get("aria-label") == (
        f"Histogram of noise <σ>: median of the pool {np.median(POOL):.4g}, nothing kept; threshold ≤ 60"
    )


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (1e-7, 2e-7), (0, 123456), (9.99, 10.01)])
def test_ticks_are_few_round_and_inside(low, high):
    found = ticks(low, high, 6)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-9 <= t <= high + 1e-9 for t in found)
    step = (found[1] - found[0]) / 10.0 ** np.floor(np.log10((found[1] - found[0]) * 1.000001))
    assert round(step, 6) in (1, 2, 5)


def test_labels_of_large_values_are_short_and_have_a_true_minus():
    labels = [t.text for t in parts(histogram(COLUMN, POOL * 20_000 - 1_000_000, POOL[:0], None), "text", "tick")]
    assert labels == ["−400k", "−200k", "0", "200k", "400k"]


def test_labels_of_two_near_thresholds_point_away_from_each_other():
    svg = histogram(COLUMN, POOL, POOL, Rule("noise", low=49, high=51))
    assert [text.get("text-anchor") for text in parts(svg, "text", "bound")] == ["end", "start"]


def test_gains_are_right_of_zero_when_better_and_marked_when_used_to_select(report):
    judged = [c for c in compare(report) if c.gain is not None]
    svg = gains(judged)
    zero = float(parts(svg, "line", "zero")[0].get("x1"))
    for c, group in zip(judged, ElementTree.fromstring(svg).iter("g"), strict=True):
        assert group.get("class") == ("selects" if c.selects else "unused")
        assert (float(group.find("circle").get("cx")) > zero) == (c.gain > 0)
        low, high = float(group.find("line").get("x1")), float(group.find("line").get("x2"))
        assert low < float(group.find("circle").get("cx")) < high
