import os
from pathlib import Path

import gradio as gr
import pytest
from gradio.utils import deep_hash
from PIL import Image
from votes_by_hand import contender, vote

from rapsr_core.comparison import Comparer
from rapsr_core.images import read, read_png_text
from rapsr_core.recipe import Recipe
from rapsr_core.votes import VoteError
from studio import actions, forms, vote_actions, vote_panel, vote_store, vote_view
from studio.vote_actions import Pool, Result
from studio.vote_store import VoteStore

QUICK = {**forms.values_of(Recipe(cleaner="none", steps=1)), "caption": "a bus", "caption.automatic": False}


@pytest.fixture
def store(tmp_path: Path) -> VoteStore:
    return VoteStore(tmp_path / "votes")


@pytest.fixture
def finished(comparer: Comparer, photo: Path) -> actions.Done:
    *_, last = actions.compare(comparer, str(photo), QUICK, [])
    assert last.finished is not None
    return last.finished


def result(host: str, refinement: str = "baseline", picture: str = "p") -> Result:
    return Result(picture, contender(host, refinement), Path(f"{host}-{refinement}.png"))


def test_a_finished_comparison_becomes_a_pair_of_its_two_results(finished: actions.Done) -> None:
    fresh = vote_actions.results_of(finished)
    pool = vote_actions.collected(Pool(), fresh)
    assert pool.pairs == (fresh,)
    assert [r.contender.refinement for r in fresh] == ["baseline", "embedded"]
    assert "photo" not in fresh[0].picture and fresh[0].picture.endswith("128x96")
    assert set(fresh[0].contender.scores) >= {"niqe", "piqe"}
    assert deep_hash(finished) == deep_hash(finished)  # as Gradio does with the State it is kept in


def test_pairs_differ_in_host_or_refinement_alone_and_show_one_photograph() -> None:
    pool = vote_actions.collected(Pool(), (result("a"), result("a", "r")))
    pool = vote_actions.collected(pool, (result("b"), result("b", "r")))
    named = {tuple(sorted((one.path.stem, two.path.stem))) for one, two in pool.pairs}
    assert named == {("a-baseline", "a-r"), ("b-baseline", "b-r"), ("a-baseline", "b-baseline"), ("a-r", "b-r")}
    other = vote_actions.collected(pool, (result("c", picture="q"), result("c", "r", picture="q")))
    assert len(other.pairs) == len(pool.pairs) + 1
    same = vote_actions.collected(Pool(), (result("a"), result("a")))
    assert same.pairs == ()


def test_nothing_that_is_sent_before_the_answer_tells_the_sides(finished: actions.Done) -> None:
    sides = set()
    for _ in range(40):
        pool, question, value = vote_actions.asked(vote_actions.collected(Pool(), vote_actions.results_of(finished)))
        assert pool.pairs == ()
        sides.add(question.ballot.left.refinement)
        sent = str(value)
        assert not any(word in sent for word in ("baseline", "enhanced", "embedded", "seed", "a bus", "rap-sr", "NIQE"))
        for image in value["images"]:
            path = Path(image["file"]["path"])
            assert read_png_text(path) == {}
            assert path.stem in (question.ballot.left_id, question.ballot.right_id)
    assert sides == {"baseline", "embedded"}
    by_side = {image["name"]: read(image["file"]["path"]) for image in value["images"]}
    paths = {r.contender.refinement: r.path for r in vote_actions.results_of(finished)}
    assert by_side["left"].equal(read(paths[question.ballot.left.refinement]))
    assert by_side["right"].equal(read(paths[question.ballot.right.refinement]))


def test_an_answer_is_written_and_only_then_told(store: VoteStore, finished: actions.Done) -> None:
    _, question, _ = vote_actions.asked(vote_actions.collected(Pool(), vote_actions.results_of(finished)))
    told = vote_actions.answered(store, question, "left", "someone")
    assert "left is better" in told and "Embedded upscaler" in told and "RAP-SR" in told and "NIQE" in told
    (written,) = store.votes()
    assert (written.ballot, written.answer, written.voter) == (question.ballot, "left", "someone")
    assert written.seconds >= 0 and written.time.endswith("+00:00")
    with pytest.raises(ValueError, match="must be one of left, right, tie, both bad"):
        vote_actions.answered(store, question, "neither", "someone")
    vote_actions.answered(store, question, "right", "someone")  # the sides are known by now
    assert [v.answer for v in store.votes()] == ["left"]


def test_standing_has_ratings_by_host_and_refinement_and_the_agreement_of_metrics(store: VoteStore) -> None:
    one, two = contender("seesr", "baseline", niqe=4.0), contender("pasd", "baseline", niqe=6.0)
    plain, better = contender("seesr", "baseline", niqe=5.0), contender("seesr", "<b>mine</b>", niqe=4.5)
    assert "No vote compares them yet" in vote_actions.standing(store)
    number = 0
    for left, right, answer in (
        (one, two, "left"),
        (two, one, "right"),
        (one, two, "tie"),
        (plain, better, "right"),
        (one, two, "both bad"),
    ):
        store.add(vote(left, right, answer, number := number + 1))
    html = vote_actions.standing(store)
    assert "5 votes so far. They stay on this machine." in html
    assert "&lt;b&gt;mine&lt;/b&gt;" in html and "<b>mine" not in html
    hosts, refinements, systems, metrics = html.split("<h3>")[1:]
    assert hosts.startswith("Hosts") and hosts.index("SeeSR") < hosts.index("PASD")
    assert "Votes: 3; left out because they do not compare these alone: 1; both bad: 1." in hosts
    assert refinements.startswith("Refinements") and "Votes: 1;" in refinements
    assert "3 of 3" in metrics and "100 %" in metrics
    assert "<b>mine" not in systems


def test_both_bad_and_ties_alone_are_rated_without_intervals_where_there_are_none(store: VoteStore) -> None:
    store.add(vote(contender("a"), contender("b"), "both bad"))
    assert "<td>–</td>" in vote_actions.standing(store)


def test_votes_go_to_the_folder_of_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAPSR_VOTES", str(tmp_path / "here"))
    assert vote_store.folder() == tmp_path / "here"
    monkeypatch.delenv("RAPSR_VOTES")
    assert vote_store.folder() == Path.home() / ".cache/rapsr/votes"


@pytest.mark.parametrize(
    ("token", "dataset", "expected"),
    [("t", "me/votes", "me/votes"), (None, "me/votes", None), ("t", None, None), ("", "me/votes", None)],
)
def test_a_dataset_is_used_only_with_both_variables(
    monkeypatch: pytest.MonkeyPatch, token: str | None, dataset: str | None, expected: str | None
) -> None:
    for name, value in (("HF_TOKEN", token), ("RAPSR_VOTES_DATASET", dataset)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert vote_store.dataset() == expected


def test_a_copy_that_cannot_be_made_is_told_and_the_vote_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real CommitScheduler, without a hub."""
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    store = VoteStore(tmp_path, "me/votes")
    store.add(vote(contender("a"), contender("b"), "left"))
    store.add(vote(contender("a"), contender("b"), "left", 2))
    assert len(store.votes()) == 2
    assert store.file.name != "votes.jsonl" and store.file.name.startswith("votes-")
    assert "votes are not copied to me/votes" in vote_actions.standing(store)
    assert VoteStore(tmp_path, "me/votes").file != store.file
    assert len(VoteStore(tmp_path).votes()) == 2


def test_a_damaged_file_is_named(store: VoteStore) -> None:
    os.makedirs(store.folder)
    store.file.write_text('{"answer": "left"}\n')
    with pytest.raises(VoteError, match=r"votes\.jsonl, line 1"):
        store.votes()
    assert 'role="alert"' in vote_actions.standing(store) and "line 1" in vote_actions.standing(store)


def test_an_example_becomes_a_pair(comparer: Comparer, tmp_path: Path) -> None:
    path = tmp_path / "example.png"
    Image.effect_noise((130, 110), 60).convert("RGB").save(path)
    *progress, results = vote_actions.from_example(comparer, path, vote_actions.plain(forms.recipe_of(QUICK)))
    assert all("progressbar" in html for html in progress)
    assert len(vote_actions.collected(Pool(), results).pairs) == 1
    assert results[0].picture.endswith("384x384")


def test_the_panel_holds_nothing_that_gradio_would_evaluate() -> None:
    component: gr.HTML = vote_panel.component("v")
    for template in (component.html_template, component.css_template):
        assert "${" not in template and "{{" not in template and "`" not in template


def test_the_pool_says_how_many_wait() -> None:
    assert "No pair is waiting" in vote_view.pool(0)
    assert vote_view.pool(1) == "1 pair is waiting." and vote_view.pool(3) == "3 pairs are waiting."
    assert vote_view.pool(0, asked=True) == "Which one is better?" and vote_view.pool(1, asked=True).endswith(
        " 1 more pair waits."
    )
