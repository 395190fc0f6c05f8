import time
from dataclasses import replace

import numpy as np
import pytest

from rapsr_core.curation.columns import Column, Rule, Stage
from rapsr_core.curation.selecting import Duplicates, SelectionError, changed, select

SHARP = Column("sharpness", "sharpness", "number", "high", "", "", "")
NOISE = Column("noise", "noise", "number", "low", "grey levels", "", "")
WIDTH = Column("width", "width", "number", "neither", "px", "", "")
FORMAT = Column("format", "format", "text", "neither", "", "", "")
STAGES = (
    Stage("admission", "Admission", "", 0.1, (WIDTH, FORMAT), (Rule("width", low=100),), lambda: lambda picture: {}),
    Stage("fidelity", "Fidelity", "", 0.1, (SHARP, NOISE), (), lambda: lambda picture: {}),
)
ALL = (SHARP, NOISE, WIDTH, FORMAT)
RULES = (Rule("width", low=100), Rule("sharpness", low=2), Rule("noise", high=9))


def table(**columns):
    n = len(next(iter(columns.values())))
    texts = {"id": [f"{i}.png" for i in range(n)], "error": [""] * n, "digest": [str(i) for i in range(n)], "phash": ["0"] * n}
    numbers = {"width": [200.0] * n, "sharpness": [5.0] * n, "noise": [1.0] * n}
    found = {k: np.array(v, dtype=object) for k, v in (texts | columns).items() if k in texts}
    return found | {k: np.array(v, dtype=float) for k, v in (numbers | columns).items() if k not in texts}


def test_an_image_is_left_out_by_the_first_rule_it_does_not_meet_with_the_value():
    columns = table(width=[50, 200, 200, 200], sharpness=[1, 1, 5, 5], noise=[20, 20, 20, 1])
    found = select(columns, STAGES, RULES)
    assert [(v.kept, v.stage, v.column) for v in found.verdicts] == [
        (False, "admission", "width"),
        (False, "fidelity", "sharpness"),
        (False, "fidelity", "noise"),
        (True, "", ""),
    ]
    assert found.verdicts[0].reason == "width 50 px is below 100"
    assert found.verdicts[2].reason == "noise 20 grey levels is above 9"
    assert found.kept == ["3.png"]
    assert [(s.stage, s.entered, s.left) for s in found.funnel] == [("admission", 4, 3), ("fidelity", 3, 1)]
    assert found.funnel[1].reasons == {"sharpness": 1, "noise": 1}


def test_bounds_themselves_are_met():
    assert select(table(width=[100, 99], noise=[9, 9]), STAGES, RULES).kept == ["0.png"]


def test_an_error_comes_before_every_rule():
    found = select(table(width=[50, 200], error=["'a' is empty (0 bytes)", ""]), STAGES, RULES)
    assert found.verdicts[0].reason == "'a' is empty (0 bytes)"
    assert found.funnel[0].reasons == {"error": 1}


@pytest.mark.parametrize(("missing", "kept"), [("fail", ["1.png"]), ("pass", ["0.png", "1.png"])])
def test_a_missing_value_fails_unless_the_rule_says_otherwise(missing, kept):
    columns = table(noise=[np.nan, 1])
    assert select(columns, STAGES, [Rule("noise", high=9, missing=missing)]).kept == kept


@pytest.mark.parametrize(("column", "kept"), [("sharpness", [6, 7, 8, 9]), ("noise", [0, 1, 2, 3])])
def test_the_best_share_is_of_those_that_came_so_far(column, kept):
    columns = table(width=[200] * 10 + [50] * 10, **{column: [*range(10), *range(10)]})
    found = select(columns, STAGES, [Rule("width", low=100), Rule(column, best=0.4)])
    assert found.kept == [f"{i}.png" for i in kept]
    resolved = found.thresholds[1]
    assert (resolved.low, resolved.high) == ((6, None) if column == "sharpness" else (None, 3))
    assert "the worst of the best 40%" in next(v.reason for v in found.verdicts if v.column == column)


def test_a_best_share_keeps_at_least_that_share_of_equal_values():
    assert len(select(table(sharpness=[1, 1, 1, 1, 0]), STAGES, [Rule("sharpness", best=0.2)]).kept) == 4


def find(hashes, max_distance):
    return [int(h) for h in hashes]


def test_of_duplicates_the_one_that_meets_later_rules_and_then_the_best_is_kept():
    columns = table(phash=["1", "1", "1", "2"], sharpness=[9, 5, 6, 5], noise=[20, 1, 1, 1])
    how = Duplicates(find, 4, ("sharpness",))
    found = select(columns, STAGES, RULES, how)
    assert found.kept == ["2.png", "3.png"]  # the sharpest of the three is too noisy
    assert found.verdicts[0].reason == "duplicate of 2.png"
    assert found.funnel[0].reasons == {"duplicate": 2}
    equal = select(table(phash=["1", "1"]), STAGES, RULES, replace(how, order=("noise", "sharpness")))
    assert equal.kept == ["0.png"]


def test_an_image_left_out_before_does_not_take_its_duplicates_along():
    columns = table(phash=["1", "1"], width=[50, 200], sharpness=[9, 5])
    assert select(columns, STAGES, RULES, Duplicates(find, 4, ("sharpness",))).kept == ["1.png"]


def test_reviewers_have_the_last_word():
    columns, review = table(width=[200, 200, 200, 50]), {"0.png": "accepted", "1.png": "rejected", "3.png": "accepted"}
    assert select(columns, STAGES, RULES, review=review).kept == ["0.png", "2.png"]
    found = select(columns, STAGES, RULES, review=review, reviewed_only=True)
    assert found.kept == ["0.png"]
    assert found.funnel[-1].stage == "review" and found.funnel[-1].reasons == {"review": 1, "open": 1}


def test_changes_replace_add_and_take_away_rules():
    rules = changed(RULES, {"noise": None, "sharpness": {"low": 3, "best": 0.5}, "width": {"high": 900}}, ALL)
    assert rules == (Rule("width", low=100, high=900), Rule("sharpness", low=3, best=0.5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sharp": {"low": 1}}, "no column 'sharp'.*sharpness, noise"),
        ({"noise": {"lowest": 1}}, "'lowest'; it may have low, high, best"),
        ({"noise": {"best": 0}}, "noise.best is 0"),
        ({"noise": {"low": 2, "high": 1}}, "low 2 is above high 1"),
        ({"noise": {"low": "2"}}, "noise.low is '2'"),
        ({"width": {"best": 0.5}}, "width has no better end"),
        ({"format": {"low": 1}}, "'format' is text"),
    ],
)
def test_rules_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(SelectionError, match=message):
        changed(RULES, changes, ALL)


def test_a_manifest_without_a_rules_column_is_refused():
    columns = table(width=[200])
    del columns["noise"]
    with pytest.raises(SelectionError, match="no column 'noise'"):
        select(columns, STAGES, RULES)


def test_a_million_rows_take_seconds():
    n, rng = 1_000_000, np.random.default_rng(0)
    columns = table(width=rng.uniform(0, 300, n), sharpness=rng.uniform(0, 9, n), noise=rng.uniform(0, 12, n))
    began = time.perf_counter()
    found = select(columns, STAGES, [*RULES, Rule("noise", best=0.5)])
    assert time.perf_counter() - began < 60
    assert found.funnel[-1].left == len(found.kept) > 0
