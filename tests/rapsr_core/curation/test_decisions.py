import json
import subprocess
import sys

import pytest

from rapsr_core.curation.decisions import Decision, ReviewError, append, live, read, votes

WRITER = """
import sys
from pathlib import Path
from rapsr_core.curation.decisions import Decision, append
for i in range(150):
    append(Path(sys.argv[1]), [Decision(f"{i}-{j}.png", "accept", sys.argv[2], "t", 1, 1.0, "x" * 300) for j in range(3)])
"""


def line(name="a.png", verdict="accept", reviewer="ana", round=1, **more):
    return Decision(name, verdict, reviewer, "2026-01-01T00:00:00.000000+00:00", round, 1.5, **more)


def test_what_is_appended_is_read_back_in_order(tmp_path):
    lines = [line(), line("ü 😀.png", "reject", reason='out of "focus"\n'), line(verdict="undo")]
    append(tmp_path / "review.jsonl", lines[:1])
    append(tmp_path / "review.jsonl", lines[1:])
    log = read(tmp_path / "review.jsonl")
    assert list(log.decisions) == lines
    assert log.torn == ()
    assert len((tmp_path / "review.jsonl").read_text(encoding="utf-8").splitlines()) == 3


def test_a_review_without_a_file_is_empty(tmp_path):
    assert read(tmp_path / "none.jsonl").decisions == ()


@pytest.mark.parametrize("cut", [1, 20, -2])
def test_a_torn_last_line_is_left_out_and_said_and_the_next_line_is_not_glued_to_it(tmp_path, cut):
    path = tmp_path / "review.jsonl"
    append(path, [line("a.png")])
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:cut])
    assert read(path).torn == (2,)
    append(path, [line("b.png")])
    log = read(path)
    assert [d.id for d in log.decisions] == ["a.png", "b.png"]
    assert log.torn == (2,)


def test_a_line_cut_inside_a_character_is_torn_too(tmp_path):
    append(tmp_path / "r.jsonl", [line("ü.png")])
    data = (tmp_path / "r.jsonl").read_bytes()
    (tmp_path / "r.jsonl").write_bytes(data + data[: data.index("ü".encode()) + 1])
    assert read(tmp_path / "r.jsonl").torn == (2,)


def test_several_processes_that_write_at_once_lose_no_line(tmp_path):
    path = tmp_path / "review.jsonl"
    names = ("ana", "ben", "cem")
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in names]
    assert [process.wait() for process in running] == [0, 0, 0]
    log = read(path)
    assert log.torn == ()
    for name in names:
        expected = [f"{i}-{j}.png" for i in range(150) for j in range(3)]
        assert [d.id for d in log.decisions if d.reviewer == name] == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "maybe"}, "'maybe'"),
        ({"round": 3}, "round is 3"),
        ({"extra": 1}, "is no decision"),
        ({"id": None}, "id is None"),
    ],
)
def test_a_whole_line_that_is_no_decision_is_refused_with_its_number(tmp_path, change, said):
    path = tmp_path / "r.jsonl"
    append(path, [line()])
    path.write_text(path.read_text() + json.dumps(json.loads(path.read_text()) | change) + "\n")
    with pytest.raises(ReviewError, match=rf"line 2.*{said}"):
        read(path)


def test_an_undo_takes_back_the_last_verdict_of_that_picture_round_and_reviewer():
    first, changed, other, again = line(), line(verdict="reject"), line(reviewer="ben"), line(round=2)
    assert live([first, changed, other, again, line(verdict="undo")]) == [first, other, again]
    assert live([first, line(verdict="undo"), line(verdict="undo")]) == []


def test_votes_are_the_last_verdict_of_each_reviewer_in_a_round():
    lines = [line(), line(verdict="reject"), line(reviewer="ben"), line(round=2)]
    assert votes(lines) == {"ana": {"a.png": "reject"}, "ben": {"a.png": "accept"}}
    assert votes(lines, 2) == {"ana": {"a.png": "accept"}}
