import re
from pathlib import Path

import torch

from rapsr_core.comparison import Comparer
from rapsr_core.quality.scoring import Score, score
from rapsr_core.recipe import Recipe
from studio import actions, forms
from studio.curve import Curve

PREVIEW = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(3))


def test_a_line_holds_the_previews_scores_and_ends_at_the_final_one() -> None:
    curve = Curve("niqe", share=1e9)
    for step in (1, 2, 3):
        curve.take("baseline", step, 4, PREVIEW, 1.0)
    curve.finish("baseline", {"baseline": {"niqe": Score("niqe", 4.5, 0.0)}})
    expected = score(PREVIEW, ["niqe"])["niqe"].value
    assert curve.points == {"baseline": {1: expected, 2: expected, 3: expected, 4: 4.5}}
    svg = curve.render()
    (points,) = re.findall(r'points="([^"]*)"', svg)
    across = [float(pair.split(",")[0]) for pair in points.split()]
    assert across == sorted(across) and len(across) == 4
    assert "NIQE over the steps" in svg and "4.50 at step 4" in svg


def test_it_scores_nothing_more_than_its_share_allows() -> None:
    curve = Curve("niqe", share=0.0)
    for step in range(1, 5):
        curve.take("baseline", step, 4, PREVIEW, 10.0)
    assert list(curve.points["baseline"]) == [1]  # the first is not known to be dear


def test_without_a_metric_nothing_is_scored_or_drawn() -> None:
    curve = Curve("")
    curve.take("baseline", 1, 4, PREVIEW, 10.0)
    assert (curve.points, curve.spent_s, curve.render()) == ({}, 0.0, "")


def test_a_run_draws_both_branches_and_none_when_it_is_off(comparer: Comparer, photo: Path) -> None:
    quick = {**forms.values_of(Recipe(cleaner="none", steps=2, seed=5)), "caption": "a bus"}
    on = [change.curve for change in actions.compare(comparer, str(photo), quick, [], curve="piqe") if change.curve]
    assert 'data-branch="baseline"' in on[0] and "PIQE" in on[0]
    assert len(re.findall("<polyline", on[-1])) == 2
    assert not any(change.curve for change in actions.compare(comparer, str(photo), quick, []))
