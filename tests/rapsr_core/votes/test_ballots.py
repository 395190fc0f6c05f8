import json
from dataclasses import replace

import numpy as np
import pytest

from rapsr_core.events import Finished
from rapsr_core.memory import PeakMemory
from rapsr_core.quality.scoring import Score
from rapsr_core.recipe import Recipe
from rapsr_core.votes import Vote, VoteError, append, contenders, counted, draw, read

TIME = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def pair():
    scores = {
        w: {"niqe": Score("niqe", v, 0.1), "ilniqe": Score("ilniqe", None, 0.1, "too small")}
        for w, v in (("baseline", 5.0), ("enhanced", 4.0))
    }
    return contenders(Finished(Recipe(), {}, scores, {}, (), (), PeakMemory(0, "not measured")))


def test_the_contenders_of_a_comparison_are_its_branches(pair):
    baseline, enhanced = pair
    assert (baseline.host, baseline.refinement, baseline.scores) == ("embedded", "baseline", {"niqe": 5.0})
    assert (enhanced.host, enhanced.refinement, enhanced.scores) == ("embedded", "embedded", {"niqe": 4.0})
    assert Recipe.from_json(json.loads(json.dumps(enhanced.recipe))) == Recipe()


def test_sides_are_even_and_do_not_follow_from_the_order_given(pair):
    generator = np.random.default_rng(0)
    ballots = [draw("photo", *pair, generator) for _ in range(2000)]
    share = sum(b.left is pair[0] for b in ballots) / 2000
    assert abs(share - 0.5) < 4 * 0.5 / 2000**0.5
    turned = [draw("photo", *pair[::-1], np.random.default_rng(s)) for s in range(50)]
    straight = [draw("photo", *pair, np.random.default_rng(s)) for s in range(50)]
    assert all(a.left == b.right and a.id == b.id for a, b in zip(turned, straight, strict=True))


def test_a_seeded_generator_draws_the_same_ballots(pair):
    assert draw("p", *pair, np.random.default_rng(7)) == draw("p", *pair, np.random.default_rng(7))


def test_what_the_page_gets_tells_nothing_of_the_sides(pair):
    """No word of either contender, and no digit of a name that leans with the side."""
    generator = np.random.default_rng(1)
    ballots = [draw("photo", *pair, generator) for _ in range(3000)]
    assert ballots[0].blind().keys() == {"ballot", "left", "right"}
    names = [name for ballot in ballots for name in ballot.blind().values()]
    assert len(set(names)) == 9000 and all(len(name) == 32 for name in names)
    for key in ("ballot", "left", "right"):
        bits = np.array([np.unpackbits(np.frombuffer(bytes.fromhex(b.blind()[key]), np.uint8)) for b in ballots]) - 0.5
        side = np.array([b.left is pair[0] for b in ballots]) - 0.5
        correlation = (bits * side[:, None]).mean(0) * 4
        assert np.abs(correlation).max() < 5 / 3000**0.5  # 128 bits; five standard errors


def test_votes_are_kept_in_a_file_that_grows(pair, tmp_path):
    path = tmp_path / "votes.jsonl"
    generator = np.random.default_rng(0)
    votes = [Vote(draw("ü.png", *pair, generator), answer, "v1", TIME, 2.5) for answer in ("left", "right", "tie", "both bad")]
    for vote in votes:
        append(path, vote)
    assert list(read(path).votes) == votes
    path.write_bytes(path.read_bytes() + b'{"ballot": {"id"')
    log = read(path)
    assert list(log.votes) == votes and log.torn == (5,)
    append(path, votes[0])
    assert len(read(path).votes) == 5 and read(path).torn == (5,)
    assert read(tmp_path / "none").votes == ()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("answer",), "maybe", "answer is 'maybe'; it must be one of left, right, tie, both bad"),
        (("ballot",), 1, "has no ballot; it must have id, picture"),
        (("ballot", "left"), {"host": "a"}, "has no contender; it must have host, refinement"),
        (("extra",), 1, "has no vote; it must have ballot, answer"),
    ],
)
def test_a_whole_line_that_is_no_vote_is_refused_with_its_number(pair, tmp_path, path, value, said):
    file = tmp_path / "votes.jsonl"
    append(file, Vote(draw("p", *pair, np.random.default_rng(0)), "tie", "v", TIME, 1.0))
    line = json.loads(file.read_text())
    place = line
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    file.write_text(file.read_text() + json.dumps(line) + "\n")
    with pytest.raises(VoteError, match=f"line 2.*{said}"):
        read(file)


def test_the_first_answer_of_a_ballot_counts(pair):
    ballots = [draw("p", *pair, np.random.default_rng(s)) for s in (0, 1)]
    votes = [Vote(b, a, "v", TIME, 1.0) for b, a in zip([*ballots, ballots[0]], ("left", "tie", "right"), strict=True)]
    assert counted(votes) == votes[:2]
    assert counted([votes[2], *votes]) == [votes[2], votes[1]]
    assert counted([replace(votes[0], voter="other")]) == [replace(votes[0], voter="other")]
