import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from rapsr_core.comparison import Comparer
from rapsr_core.images import read_png_text
from rapsr_core.recipe import Recipe
from studio import batch, batch_pane
from studio.batch import BatchError, advance, opened, packed
from studio.results import RECIPE_CHUNK

RECIPE = Recipe(cleaner="none", steps=1, caption="a bus", colour_fix="none")


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((24 + seed, 24), 60).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def uploads(tmp_path: Path) -> list[str]:
    """A photograph, one that is none, and a zip of three with two equal names."""
    (tmp_path / "one.png").write_bytes(picture(0))
    (tmp_path / "<b>bad.png").write_bytes(b"text")
    with zipfile.ZipFile(tmp_path / "more.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (
            ("../../one.png", picture(1)),
            ("a/=two().png", picture(2)),
            ("tiny.png", b""),
            ("__MACOSX/x.png", b"x"),
            ("a/.DS", b""),
        ):
            archive.writestr(name, data)
    return [str(tmp_path / name) for name in ("one.png", "<b>bad.png", "more.zip")]


def test_all_files_are_checked_first_and_what_is_refused_says_why(comparer: Comparer, uploads: list[str]) -> None:
    found = opened(comparer, uploads, RECIPE, [])
    assert [name for name, _ in found.files] == ["one", "one-2", "two"]
    reasons = dict(found.refused)
    assert set(reasons) == {"<b>bad.png", "tiny.png"} and "empty" in reasons["tiny.png"]
    assert all(found.folder.path in path.parents for name, path in found.files[1:])
    html = batch_pane.listing(found)
    assert "<b>" not in html and "&lt;b&gt;bad.png" in html and html.count("waiting") == 3


def test_a_batch_ends_in_a_zip_of_results_scores_and_recipe(comparer: Comparer, uploads: list[str]) -> None:
    going = opened(comparer, uploads, RECIPE, [])
    while not going.over:
        *_, (going, progress) = advance(comparer, going)
    assert "3 of 3 files finished" in progress
    path = packed(going)
    assert path is not None
    with zipfile.ZipFile(path) as archive:
        names = [f"{branch}/{name}.png" for branch in ("baseline", "enhanced") for name in ("one", "one-2", "two")]
        assert archive.namelist() == [*names, "scores.csv", "recipe.json", "refused.txt"]
        rows = list(csv.DictReader(io.StringIO(archive.read("scores.csv").decode())))
        archive.extract("enhanced/two.png", path.parent / "out")
        assert Recipe.from_json(json.loads(archive.read("recipe.json"))) == RECIPE
    assert [row["image"] for row in rows] == ["one", "one-2", "two"]
    assert all(float(row["niqe_enhanced"]) > 0 for row in rows)
    out = path.parent / "out" / "enhanced" / "two.png"
    assert Image.open(out).size == (26 * 4, 96)
    assert json.loads(read_png_text(out)[RECIPE_CHUNK])["caption"] == "a bus"


def test_stop_keeps_what_is_finished_and_frees_the_slot(comparer: Comparer, uploads: list[str]) -> None:
    *_, (going, _) = advance(comparer, opened(comparer, uploads, RECIPE, []))
    second = advance(comparer, going)
    next(second), next(second)
    second.close()  # type: ignore[attr-defined]
    *_, (after, _) = advance(comparer, going)  # would wait for ever if the slot were still taken
    assert len(after.rows) == 2
    third = advance(comparer, after)
    next(third)
    going.stop.set()  # of any of its stands
    assert list(third) == [] and after.over
    path = packed(going)
    assert path is not None and zipfile.ZipFile(path).namelist()[:2] == ["baseline/one.png", "enhanced/one.png"]
    assert batch_pane.listing(going).count("not done") == 2


def test_each_file_gets_its_own_caption_in_its_png(comparer: Comparer, uploads: list[str]) -> None:
    *_, (going, _) = advance(comparer, opened(comparer, uploads[:1], replace(RECIPE, caption=None), []))
    written = json.loads(read_png_text(going.folder.path / "enhanced" / "one.png")[RECIPE_CHUNK])["caption"]
    assert written is not None and written.startswith("a photo")


def test_limits_are_checked_before_anything_is_unpacked(
    comparer: Comparer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for i in range(51):
            archive.writestr(f"{i}.png", b"x")
    with pytest.raises(BatchError, match="there are 51 files; a batch has at most 50"):
        opened(comparer, [str(tmp_path / "many.zip")], RECIPE, [])
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", b"0" * 2_000_000)
    monkeypatch.setattr(batch, "MOST_BYTES", 2**20)
    with pytest.raises(BatchError, match="2 MB together; a batch has at most 1 MB"):
        opened(comparer, [str(tmp_path / "bomb.zip")], RECIPE, [])
    with pytest.raises(BatchError, match="no file yet"):
        opened(comparer, [], RECIPE, [])
