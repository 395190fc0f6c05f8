import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_scored import LENIENT, scored

from rapsr_core.curation.columns import Rule
from rapsr_core.curation.decisions import Decision, append
from rapsr_core.curation.manifest import ManifestError
from rapsr_core.curation.opening import curations, open_curation, rules_file, write_selection
from rapsr_core.curation.selecting import SelectionError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curations")
    scored(folder / "pool", folder / "runs" / "tiny")
    return folder / "runs"


def test_a_curation_opens_with_the_rules_it_was_made_with(root: Path) -> None:
    assert curations(root) == ["tiny"]
    assert curations(root.parent) == ["runs/tiny"]
    found = open_curation(root, "tiny")
    assert rules_file(found.rules, found.defaults) == LENIENT
    assert found.select(found.rules).kept == (root / "tiny" / "kept.txt").read_text().split()
    assert found.pool == root.parent / "pool"


@pytest.mark.parametrize("name", ["../runs/tiny", "/etc", "", None, "tiny/"])
def test_only_what_is_listed_opens(root: Path, name) -> None:
    with pytest.raises(ManifestError, match="there is no curation"):
        open_curation(root, name)


def test_a_rules_file_gives_the_rules_back(root: Path) -> None:
    found = open_curation(root, "tiny")
    rules = found.with_changes(
        {"sharpness": {"low": -9}, "noise": None, "niqe": {"best": 0.5}, "short_side": {"low": None, "high": 9}}
    )
    changes = json.loads(json.dumps(rules_file(rules, found.defaults)))
    assert found.with_changes(changes) == rules
    assert rules_file(found.defaults, found.defaults) == {}
    assert rules_file((*found.defaults, Rule("niqe", high=5)), found.defaults) == {"niqe": {"high": 5}}
    with pytest.raises(SelectionError, match="there is no column 'nothing'"):
        found.with_changes({"nothing": {"low": 1}})


def test_the_reviewers_decisions_count_when_asked_for(root: Path) -> None:
    found = open_curation(root, "tiny")
    rules = found.with_changes(LENIENT | {"appeal": None})
    kept = found.select(rules).kept
    assert not found.reviewed and found.select(rules, review=True, reviewed_only=True).kept == kept
    append(root / "tiny" / "review.jsonl", [Decision(kept[0], "reject", "me", "2026-01-01T00:00:00+00:00", 1, 1.0)])
    assert found.select(rules).kept == kept
    assert found.select(rules, review=True).kept == kept[1:]
    assert found.select(rules, review=True, reviewed_only=True).kept == []


def test_thumbnails_are_small_and_absent_when_the_picture_is(root: Path) -> None:
    found = open_curation(root, "tiny")
    assert (found.thumbnail("boats.png", 40) or b"")[:2] == b"\xff\xd8"
    moved = replace(found, columns=found.columns | {"source": found.columns["source"] + ".gone"})
    assert moved.thumbnail("boats.png", 40) is None
    assert moved.pool is None


def test_what_is_written_is_what_was_selected(root: Path, tmp_path: Path) -> None:
    found = open_curation(root, "tiny")
    write_selection(tmp_path, found.select(found.rules))
    for name in ("kept.txt", "left_out.tsv", "selection.json"):
        assert (tmp_path / name).read_bytes() == (root / "tiny" / name).read_bytes()
