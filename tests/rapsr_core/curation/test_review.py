import numpy as np
import pytest

from rapsr_core.curation.decisions import Decision, ReviewError, append, read
from rapsr_core.curation.review import GAP, Look, Session, agreement, sequence, verdicts

IDS = [f"{i:03}.png" for i in range(100)]


def first_looks(session):
    return [look.id for look in session.sequence if look.round == 1]


def decide_all(session, judge):
    while looks := session.pending(1):
        session.decide(looks, judge(looks[0]), seconds=1)


def vote(reviewer, name, verdict, round=1):
    return Decision(name, verdict, reviewer, "t", round, 1.0)


def test_every_picture_comes_once_and_a_tenth_a_second_time_much_later(tmp_path):
    session = Session(tmp_path / "r.jsonl", IDS, "ana")
    assert sorted(first_looks(session)) == IDS
    again = [look for look in session.sequence if look.round == 2]
    assert len(again) == 10
    for look in again:
        between = session.sequence.index(look) - session.sequence.index(Look(look.id, 1))
        assert between > GAP


def test_the_order_is_the_reviewers_own_and_the_seeds_and_stays_when_ids_are_added():
    ana, ben = (sequence(IDS, name, 0, 0, GAP) for name in ("ana", "ben"))
    assert ana == sequence(IDS[::-1], "ana", 0, 0, GAP)
    assert ana != ben
    assert ana != sequence(IDS, "ana", 1, 0, GAP)
    more = sequence([*IDS, "new.png"], "ana", 0, 0, GAP)
    assert tuple(look for look in more if look.id != "new.png") == ana


def test_the_order_has_no_trend():
    places = [[look.id for look in sequence(IDS, "ana", seed, 0, GAP)].index(IDS[0]) for seed in range(300)]
    assert np.mean(places) == pytest.approx(49.5, abs=6)  # standard error 1.7


def test_few_pictures_have_no_second_looks():
    assert {look.round for look in sequence(IDS[:GAP], "ana", 0, 1.0, GAP)} == {1}


def test_a_session_is_resumed_where_it_was_left(tmp_path):
    session = Session(tmp_path / "r.jsonl", IDS, "ana")
    for _ in range(7):
        session.decide(session.pending(1), "accept", 2.5)
    session.decide(session.pending(3), "reject", 3.0, "noise")
    resumed = Session(tmp_path / "r.jsonl", IDS, "ana")
    assert resumed.pending(5) == session.pending(5) == list(session.sequence[10:15])
    assert resumed.progress == session.progress
    assert (resumed.progress.done, resumed.progress.accepted, resumed.progress.rejected) == (10, 7, 3)
    written = read(tmp_path / "r.jsonl").decisions
    assert [(d.seconds, d.reason) for d in written[-3:]] == [(1.0, "noise")] * 3


def test_undo_takes_back_a_whole_action_and_shows_it_again_even_after_resuming(tmp_path):
    session = Session(tmp_path / "r.jsonl", IDS, "ana")
    session.decide(session.pending(1), "accept", 1)
    several = session.pending(4)
    session.decide(several, "reject", 1)
    resumed = Session(tmp_path / "r.jsonl", IDS, "ana")
    assert resumed.undo() == several
    assert resumed.pending(4) == several
    assert resumed.progress.done == 1
    assert len(resumed.undo()) == 1
    assert resumed.undo() == []
    kinds = [d.verdict for d in read(tmp_path / "r.jsonl").decisions]
    assert kinds == ["accept"] + ["reject"] * 4 + ["undo"] * 5


def test_a_changed_verdict_counts_once_and_undo_returns_to_the_one_before(tmp_path):
    session = Session(tmp_path / "r.jsonl", IDS, "ana")
    look = session.pending(1)
    session.decide(look, "accept", 1)
    session.decide(look, "reject", 1)
    assert (session.progress.done, session.progress.rejected) == (1, 1)
    session.undo()
    assert (session.progress.done, session.progress.accepted) == (1, 1)


def test_a_second_look_waits_for_the_first(tmp_path):
    session = Session(tmp_path / "r.jsonl", IDS, "ana")
    again = next(look for look in session.sequence if look.round == 2)
    for look in [look for look in session.sequence if look.round == 1 and look.id != again.id]:
        session.decide([look], "accept", 1)
    assert again not in session.pending(200)
    session.decide([Look(again.id, 1)], "accept", 1)
    assert again in session.pending(200)


def test_decisions_about_pictures_that_are_no_longer_asked_are_left_alone(tmp_path):
    everything = Session(tmp_path / "r.jsonl", IDS, "ana")
    decide_all(everything, lambda look: "accept")
    fewer = Session(tmp_path / "r.jsonl", IDS[:5], "ana")
    assert (fewer.progress.done, fewer.progress.total) == (5, 5)
    for _ in range(5):
        assert fewer.undo()[0].id in IDS[:5]


def test_another_reviewer_starts_anew_in_the_same_file(tmp_path):
    decide_all(Session(tmp_path / "r.jsonl", IDS, "ana"), lambda look: "accept")
    assert Session(tmp_path / "r.jsonl", IDS, "ben").progress.done == 0


def test_a_torn_line_is_said(tmp_path):
    session = Session(tmp_path / "r.jsonl", IDS, "ana")
    session.decide(session.pending(1), "accept", 1)
    (tmp_path / "r.jsonl").write_bytes((tmp_path / "r.jsonl").read_bytes()[:-9])
    resumed = Session(tmp_path / "r.jsonl", IDS, "ana")
    assert resumed.torn == (1,)
    assert resumed.progress.done == 0


@pytest.mark.parametrize(
    ("ids", "name", "share", "said"),
    [
        ([], "ana", 0, "no pictures"),
        (["a", "a"], "ana", 0, "1 ids are given twice"),
        (["a"], " ", 0, "' '"),
        (["a"], "a\nb", 0, "one line"),
        (["a"], "ana", 1.5, "1.5"),
    ],
)
def test_a_session_that_cannot_be_is_refused(tmp_path, ids, name, share, said):
    with pytest.raises(ReviewError, match=said):
        Session(tmp_path / "r.jsonl", ids, name, second_look_share=share)


def test_the_majority_decides_ties_and_too_few_votes_stay_open():
    lines = [vote(r, "two-of-three", v) for r, v in (("ana", "accept"), ("ben", "accept"), ("cem", "reject"))]
    lines += [vote(r, "tie", v) for r, v in (("ana", "accept"), ("ben", "reject"))]
    lines += [vote("ana", "one", "reject")]
    ids = ["two-of-three", "tie", "one", "none"]
    assert verdicts(lines, ids) == {"two-of-three": "accepted", "tie": "open", "one": "rejected", "none": "open"}
    assert verdicts(lines, ids, minimum_votes=2)["one"] == "open"


def test_a_second_look_does_not_vote():
    lines = [vote("ana", "a", "accept"), vote("ben", "a", "reject"), vote("ben", "a", "accept", 2)]
    assert verdicts(lines, ["a"]) == {"a": "open"}


def test_agreement_between_two_reviewers_and_of_one_with_themselves(tmp_path):
    path = tmp_path / "r.jsonl"
    decide_all(Session(path, IDS, "ana"), lambda look: "accept" if look.id < "060" else "reject")
    decide_all(Session(path, IDS, "ben"), lambda look: "accept" if (look.id < "050") == (look.round == 1) else "reject")
    found = agreement(read(path))
    assert found.reviewers == ("ana", "ben")
    assert found.percent.value == pytest.approx(0.9)
    assert found.cohen.value == pytest.approx((0.9 - 0.5) / 0.5)
    assert found.percent.low < 0.9 < found.percent.high
    assert (found.second_looks["ana"].percent.value, found.second_looks["ana"].percent.units) == (1, 10)
    assert found.second_looks["ben"].percent.value == 0


def test_three_reviewers_have_no_cohen_kappa_and_fleiss_counts_what_all_decided(tmp_path):
    path = tmp_path / "r.jsonl"
    append(path, [vote(r, str(i), "accept" if i % 2 else "reject") for r in ("ana", "ben") for i in range(9)])
    append(path, [vote("cem", str(i), "accept") for i in range(4)])
    found = agreement(read(path))
    assert found.cohen is None
    assert (found.fleiss.units, found.alpha.units) == (4, 9)


def test_one_reviewer_alone_has_no_agreement(tmp_path):
    append(tmp_path / "r.jsonl", [vote("ana", "a", "accept")])
    found = agreement(read(tmp_path / "r.jsonl"))
    assert (found.percent.value, found.alpha.value, found.percent.units) == (None, None, 0)
