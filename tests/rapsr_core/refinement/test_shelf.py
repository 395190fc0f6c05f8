import json
from pathlib import Path

import pytest

from rapsr_core.refinement.facts import RefinementError
from rapsr_core.refinement.shelf import names_for, on_shelf, place_for, shelved, shelving


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAPSR_REFINEMENTS", str(tmp_path))
    return tmp_path


def put(folder: Path, name: str, prior: str, **others: object) -> None:
    facts = {"identifiers": {}, "token_ids": {}, "prior": prior, "prior_fingerprint": "0123"} | others
    (folder / name).mkdir()
    (folder / name / "refinement.json").write_text(json.dumps(facts))
    (folder / name / "pytorch_lora_weights.safetensors").touch()


def test_a_prior_is_offered_the_refinements_trained_on_it(folder):
    put(folder, "mine", "sd21-base")
    put(folder, "small", "embedded")
    assert names_for("sd21-base") == ("mine", "none")
    assert names_for("embedded") == ("embedded", "small", "none")
    assert [(entry.name, entry.prior, entry.fingerprint) for entry in shelved()] == [
        ("mine", "sd21-base", "0123"),
        ("small", "embedded", "0123"),
    ]


def test_what_is_no_refinement_is_not_offered(folder):
    put(folder, "odd", "sd21-base", format="unheard of")
    (folder / "empty").mkdir()
    assert shelved() == [] and names_for("sd21-base") == ("none",)


def test_a_name_is_a_folder_of_the_shelf_and_a_path_never_is(folder):
    put(folder, "mine", "sd21-base")
    assert on_shelf("mine") == folder / "mine"
    assert on_shelf("../" + folder.name + "/mine") is None and on_shelf("other") is None


def test_a_refinement_is_on_the_shelf_when_it_is_whole(folder):
    with shelving("mine") as made:
        put(made.parent, "mine", "embedded")
        assert shelved() == []
    assert names_for("embedded") == ("embedded", "mine", "none")
    with pytest.raises(RuntimeError):
        half_written()
    assert [path.name for path in folder.iterdir()] == ["mine"]


def half_written() -> None:
    with shelving("half") as made:
        put(made.parent, "half", "embedded")
        raise RuntimeError


@pytest.mark.parametrize("name", ["", "a b", "../a", "a/b", ".a", "a" * 61, "none", "embedded", "taken"])
def test_a_name_that_cannot_be_a_new_one_is_refused(folder, name):
    (folder / "taken").mkdir()
    with pytest.raises(RefinementError, match="take"):
        place_for(name)
    assert place_for("a.new-one_2") == folder / "a.new-one_2"
