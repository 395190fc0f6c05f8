import json
import time
from pathlib import Path

import pytest
from tiny_scored import LENIENT, scored

from rapsr_core.curation.decisions import ReviewError
from rapsr_core.curation.manifest import ManifestError
from rapsr_core.curation.selecting import SelectionError
from rapsr_core.jobs import JobError
from studio import curate_actions, curate_board, curate_jobs, curate_view
from studio.curate_actions import Wish
from studio.curate_review import Desks
from studio.permission import jobs_allowed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curations")
    return scored(folder / "pool", folder / "runs" / "tiny")


@pytest.fixture(autouse=True)
def root(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(curate_jobs.ROOT_VARIABLE, str(made.parent))
    return made.parent


def measures(selected: curate_actions.Selected) -> dict[str, dict]:
    return {m["column"]: m for m in curate_actions.board(selected, None, 0)["measures"]}


def test_a_curation_opens_as_it_was_made(made: Path) -> None:
    assert curate_actions.names() == ["tiny"]
    assert curate_actions.changes_of("tiny") == LENIENT
    selected = curate_actions.select("tiny", Wish(LENIENT))
    assert selected.selection.kept == (made / "kept.txt").read_text().split()


def test_bars_count_every_picture_and_a_share_of_the_best_shows_its_bound() -> None:
    found = measures(curate_actions.select("tiny", Wish(LENIENT)))
    kept = sum(found["appeal"]["kept"])
    assert all(sum(m["pool"]) + m["missing"] == 7 for m in found.values())
    assert all(len(m["edges"]) == len(m["pool"]) + 1 == len(m["kept"]) + 1 for m in found.values())
    assert found["appeal"]["best"] == 0.5 and found["appeal"]["low"] is None and 0 < found["appeal"]["bound"] < 1
    assert 0 < kept < 7
    assert found["height"]["whole"] and not found["niqe"]["whole"]
    assert "judge" not in found and "phash" not in found


def test_what_the_board_sends_is_the_rules_there_are() -> None:
    rules = {"short_side": {"low": 64, "high": None, "best": None}, "niqe": {"low": None, "high": 9.5, "best": None}}
    changes = curate_actions.changes_from_board("tiny", rules)
    selected = curate_actions.select("tiny", Wish(changes))
    assert {rule.column for rule in selected.rules} == {"short_side", "niqe"}
    again = measures(selected)
    assert (again["niqe"]["high"], again["appeal"]["best"]) == (9.5, None)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "must be a table of measures"),
        ({"niqe": 3}, "each rule must be a table"),
        ({"niqe": {"low": "x"}}, "niqe.low is 'x'; it must be a number"),
        ({"niqe": {"low": 3, "high": 2}}, "low 3 is above high 2"),
        ({"nothing": {"low": 3}}, "there is no column 'nothing'"),
    ],
)
def test_rules_of_a_visitor_are_checked(rules, message) -> None:
    with pytest.raises(SelectionError, match=message):
        curate_actions.select("tiny", Wish(curate_actions.changes_from_board("tiny", rules)))
    with pytest.raises(ManifestError, match="there is no curation"):
        curate_actions.select("../../etc", Wish({}))


def test_pictures_that_changed_sides_are_shown_with_the_reason() -> None:
    lenient = curate_actions.select("tiny", Wish(LENIENT | {"appeal": None}))
    strict = curate_actions.select("tiny", Wish(LENIENT))
    before = frozenset(lenient.selection.kept)
    gained, lost = curate_actions.changed(strict, before)
    assert gained.count == 0 and lost.count == len(before) - len(strict.selection.kept) > 0
    assert all(data and data[:2] == b"\xff\xd8" and "Appeal" in why for _, why, data in lost.shown)
    html = curate_view.changes(gained, lost)
    assert f"Went out: {lost.count}" in html and "Came in" not in html
    assert "fewer than in the reference" in curate_view.summary(strict, len(before))
    assert "Nothing changed" in curate_view.changes(*curate_actions.changed(lenient, before))
    assert "short side" in curate_view.funnel(curate_actions.select("tiny", Wish({}))).lower()


def test_an_id_is_no_markup() -> None:
    html = curate_view.changes(curate_view.Changed(1, (("<b>", "<i>", None),)), curate_view.Changed(0, ()))
    assert "<b>" not in html and "<i>" not in html


def test_the_files_make_the_same_selection(made: Path) -> None:
    selected = curate_actions.select("tiny", Wish(LENIENT))
    files = curate_actions.files(selected)
    assert files["kept"].read_bytes() == (made / "kept.txt").read_bytes()
    assert curate_actions.restore("tiny", str(files["rules"])) == json.loads(files["rules"].read_text()) == LENIENT


@pytest.mark.parametrize(
    ("text", "message"), [("[", "is no JSON"), ("[1]", "no table"), ('{"a": {}}', "no column 'a'"), ("1" * 70_000, "at most")]
)
def test_a_bad_rules_file_is_told_without_its_folder(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(SelectionError, match=message) as told:
        curate_actions.restore("tiny", str(tmp_path / "mine.json"))
    assert str(tmp_path) not in str(told.value)


def test_a_desk_opens_once_for_a_reviewer_and_needs_a_name() -> None:
    from urllib.error import URLError
    from urllib.request import urlopen

    desks, selected = Desks(), curate_actions.select("tiny", Wish(LENIENT | {"appeal": None}))
    first = desks.open(selected, "ana")
    assert json.load(urlopen(f"{first}/state", timeout=10))["total"] >= len(selected.selection.kept)
    second = desks.open(selected, "ana")
    assert json.load(urlopen(f"{second}/state", timeout=10))["reviewer"] == "ana"
    with pytest.raises((URLError, OSError)):
        urlopen(f"{first}/state", timeout=5)
    with pytest.raises(ReviewError):
        desks.open(selected, "")


def test_a_new_pool_is_scored_by_a_job_and_found(made: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(curate_jobs.POOLS_VARIABLE, str(made.parents[1]))
    monkeypatch.setenv(curate_jobs.ROOT_VARIABLE, str(tmp_path))
    assert curate_jobs.pools() == ["pool", "runs"]
    for pool in ("..", "/etc", "nothing", None):
        with pytest.raises(JobError, match="choose a pool"):
            curate_jobs.start("new", pool)
    with pytest.raises(JobError, match="is no job's name"):
        curate_jobs.start("a/b", "pool")
    (tmp_path / "taken").mkdir()
    with pytest.raises(JobError, match="something named taken already"):
        curate_jobs.start("taken", "pool")
    assert curate_jobs.start("new", "pool").state == "running"
    until = time.monotonic() + 120
    while curate_jobs.told("new")[1] and time.monotonic() < until:
        time.sleep(0.5)
    html, running = curate_jobs.told("new")
    assert not running and "finished" in html and "wrote new/report.html" in html and str(tmp_path) not in html
    assert curate_actions.names() == ["new"]
    assert curate_actions.select("new", Wish({})).selection.kept == []


def test_jobs_are_off_on_a_space_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert jobs_allowed()
    monkeypatch.setenv("SPACE_ID", "me/space")
    assert not jobs_allowed()
    monkeypatch.setenv("RAPSR_ALLOW_JOBS", "1")
    assert jobs_allowed()


def test_the_board_holds_nothing_that_gradio_would_evaluate() -> None:
    board = curate_board.component("board")
    for template in (board.html_template, board.css_template):
        assert "${" not in template and "{{" not in template and "`" not in template and "\\" not in template
