"""Judges by id, as rows and as stages."""

import pickle

import pytest
import torch

from rapsr_core.curation.judgement import build_for, refusals
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.judges.table import JUDGES
from rapsr_core.curation.picture import Picture
from rapsr_core.images import png_bytes

IDS = {"embedded": "embedded", "q-align": "q-align", "vlm": "vlm:some/model", "clip-aesthetic": "clip-aesthetic:head.pth"}


@pytest.mark.parametrize("name", JUDGES)
def test_a_stage_is_made_of_every_judge_without_loading_it_and_can_be_sent_to_a_process(name):
    stage = build_for(IDS[name])
    assert stage.name == "judgement"
    assert {rule.column for rule in stage.rules} < {column.name for column in stage.columns}
    assert all(rule.best is not None for rule in stage.rules)
    assert "judge" in {column.name for column in stage.columns}
    sent = pickle.loads(pickle.dumps(stage))
    assert sent.columns == stage.columns and sent.build.args == stage.build.args


def test_the_embedded_stage_measures_and_claims_no_model():
    stage = build_for("embedded")
    row = stage.build()(Picture(png_bytes(torch.rand(1, 3, 64, 64))))
    assert set(row) == {column.name for column in stage.columns}
    assert not {"quality", "aesthetics"} & set(row)
    assert "not a learned aesthetic model" in stage.columns[0].help


@pytest.mark.parametrize(
    ("judge_id", "message"),
    [
        ("musiq", "unknown judge 'musiq'; known: embedded, q-align, vlm, clip-aesthetic"),
        ("vlm", r"judge 'vlm' should read vlm:MODEL"),
        ("vlm:", r"judge 'vlm:' should read vlm:MODEL"),
        ("embedded:x", "judge 'embedded:x' should read embedded$"),
    ],
)
def test_an_id_that_names_no_judge_is_an_error_that_says_how_it_should_read(judge_id, message):
    with pytest.raises(JudgeError, match=message):
        build_for(judge_id)


def test_refusals_count_the_rows_without_a_score():
    rows = [{"judge_refusal": None}, {"judge_refusal": ""}, {"judge_refusal": "no JSON"}, {"judge_refusal": "other"}, {}]
    assert refusals(rows) == "the judge gave no score to 2 images; the first: no JSON"
    assert refusals(rows[:2]) == ""
