"""Comparisons made beforehand: made, found by the photograph's bytes, and not shown once anything they were made from has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from tiny_examples import with_examples

from rapsr_core import ASSETS, precomputed
from rapsr_core.comparison import Comparer
from rapsr_core.images import read, to_uint8
from train import precompute


@pytest.fixture(scope="module")
def studio_assets(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_examples(assets, tmp_path_factory.mktemp("precomputed") / "assets")


@pytest.fixture
def changed(studio_assets: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(studio_assets, tmp_path / "assets"))


def test_what_is_found_is_what_a_comparison_of_the_centre_gives(studio_assets: Path) -> None:
    photo = studio_assets / "examples/one.png"
    found = precomputed.find(photo, studio_assets)
    assert found is not None and found.window_px == (1, 29, 5, 33)
    same = Comparer(studio_assets).run(read(photo)[..., 1:29, 5:33], precomputed.default_recipe(), precomputed.METRICS)
    for path, image in ((found.baseline, same.baseline), (found.enhanced, same.enhanced)):
        assert torch.equal(torch.from_numpy(to_uint8(read(path))), torch.from_numpy(to_uint8(image)))
    assert found.finished.recipe == same.finished.recipe
    assert {k: v.value for k, v in found.finished.scores["enhanced"].items()} == {
        k: v.value for k, v in same.finished.scores["enhanced"].items()
    }


def test_a_copy_of_the_photograph_is_known_and_another_photograph_is_not(studio_assets: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(studio_assets / "examples/two.png", tmp_path / "uploaded.png"))
    assert precomputed.find(copy, studio_assets) is not None
    Image.effect_noise((34, 26), 60).convert("RGB").save(copy)
    assert precomputed.find(copy, studio_assets) is None


def test_other_weights_make_it_stale(changed: Path) -> None:
    weights = next(changed.glob("refinement/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    photos = precompute.examples(changed)
    assert precomputed.find(photos[0], changed) is None
    assert precomputed.stale(photos, changed) == ["one", "two"]


def test_another_default_recipe_makes_it_stale(changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = precomputed.recipe_from_json({"guidance_scale": 2.0})
    monkeypatch.setattr(precomputed, "default_recipe", lambda: other)
    precomputed.fingerprint.cache_clear()
    assert precomputed.stale(precompute.examples(changed), changed) == ["one", "two"]
    precomputed.fingerprint.cache_clear()


def test_notes_beside_the_weights_change_nothing(changed: Path) -> None:
    (changed / "refinement/README.md").write_text("Other words.")
    assert precomputed.stale(precompute.examples(changed), changed) == []


def test_the_check_says_what_is_stale(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    precompute.main(["--assets", str(changed), "--check"])
    assert capsys.readouterr().out == "2 of 2 examples open at once\n"
    Image.effect_noise((38, 30), 61).convert("RGB").save(changed / "examples/one.png")
    with pytest.raises(SystemExit) as ended:
        precompute.main(["--assets", str(changed), "--check"])
    assert ended.value.code == 1 and "stale, so not shown: one;" in capsys.readouterr().err


def test_without_any_nothing_is_found_or_stale(assets: Path, tmp_path: Path) -> None:
    Image.effect_noise((32, 32), 60).convert("RGB").save(tmp_path / "photo.png")
    assert precomputed.find(tmp_path / "photo.png", assets) is None
    assert precomputed.stale([], assets) == []


def test_what_is_committed_is_small_and_made_from_the_shipped_weights() -> None:
    """Fails when weights or the default recipe were changed and `python -m train.precompute` was not run again."""
    assert precomputed.stale(precompute.examples(ASSETS), ASSETS) == []
    assert precomputed.too_large(ASSETS) == ""


def test_what_is_too_large_is_said_with_the_remedy(
    changed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(precomputed, "ASSETS_BYTES", 1000)
    with pytest.raises(SystemExit):
        precompute.main(["--assets", str(changed), "--side", "24", "--first", "1"])
    told = capsys.readouterr()
    assert told.out.startswith("1 examples, ") and "give a smaller --side, or --first" in told.err
    assert precomputed.find(changed / "examples/two.png", changed) is None
