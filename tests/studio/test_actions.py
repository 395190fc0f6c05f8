import base64
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from rapsr_core.comparison import Comparer
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.images import read, read_png_text, to_uint8
from rapsr_core.recipe import Recipe
from studio import actions, forms
from studio.results import RECIPE_CHUNK

QUICK = {**forms.values_of(Recipe(cleaner="none", steps=2)), "caption": "a bus", "caption.automatic": False}


def test_look_shows_size_score_caption_and_prompts(comparer: Comparer, photo: Path) -> None:
    first, scored, last, timed = actions.look(comparer, str(photo), {**QUICK, "caption.automatic": True, "caption": ""})
    assert first.status == "32 × 24 px → 128 × 96 px"
    assert first.viewer is not None
    assert [image["name"] for image in first.viewer["images"]] == ["input"]
    assert scored.scores is not None and "NIQE" in scored.scores
    assert last.caption is not None and last.caption.startswith("a photo")
    assert last.prompts is not None and last.caption in last.prompts
    assert timed.status is not None and "on this machine" in timed.status  # before any comparison was asked for


def test_compare_follows_the_run_to_exact_files(comparer: Comparer, photo: Path) -> None:
    changes = list(actions.compare(comparer, str(photo), QUICK, []))
    noted = [image["note"] for change in changes if change.viewer for image in change.viewer["images"]]
    assert {"step 1 of 2", "step 2 of 2"} <= set(noted)
    viewers = [change.viewer for change in changes if change.viewer]
    assert [viewers[-1][side] for side in ("left", "right")] == ["baseline", "enhanced"]
    assert [change.caption for change in changes if change.caption] == []  # the user's own caption is left alone
    downloads = changes[-1].downloads
    assert downloads is not None
    expected = comparer.run(read(photo), forms.recipe_of(QUICK), [])
    for branch, image in (("baseline", expected.baseline), ("enhanced", expected.enhanced)):
        with Image.open(downloads[branch]) as opened:
            assert opened.tobytes() == to_uint8(image).tobytes()
        assert Recipe.from_json(json.loads(read_png_text(downloads[branch])[RECIPE_CHUNK])) == expected.finished.recipe
    assert Recipe.from_json(json.loads(downloads["recipe"].read_text())) == expected.finished.recipe
    assert downloads["baseline"].read_bytes() != downloads["enhanced"].read_bytes()
    assert set(downloads) == {"baseline", "enhanced", "recipe"}  # the rest is made when the slot is free
    assert changes[-1].export is not None
    exported = changes[-1].export.files()
    assert Recipe.from_json(json.loads(read_png_text(exported["sheet"])[RECIPE_CHUNK])) == expected.finished.recipe
    page = exported["page"].read_text(encoding="utf-8")
    for branch in ("baseline", "enhanced"):
        assert base64.b64encode(downloads[branch].read_bytes()).decode() in page
    scores = {image["name"]: [row["label"] for row in image["scores"]] for image in viewers[-1]["images"]}
    assert scores["baseline"] == scores["enhanced"] == ["NIQE", "BRISQUE", "PIQE"]


def test_a_step_under_way_is_shown_with_its_share_and_is_no_point_of_the_curve(
    comparer: Comparer, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapsr_core.run.PREVIEW_S", 0.0)
    changes = list(actions.compare(comparer, str(photo), {**QUICK, "steps": 1}, [], curve="niqe"))
    shown = [image for change in changes if change.viewer for image in change.viewer["images"] if image["name"] == "enhanced"]
    assert [image["note"] for image in shown[:3]] == [f"step 1 of 1, {share} of it" for share in ("6%", "12%", "19%")]
    assert len({image["file"]["path"] for image in shown[:16]}) == 16  # a file each: the browser may still be reading one
    curves = [change.curve for change in changes if change.curve]
    assert curves and "NIQE over the steps" in curves[-1]
    under_way = [
        change for change in changes if change.viewer and any("of it" in image["note"] for image in change.viewer["images"])
    ]
    assert len(under_way) == 2 * 15 and all(change.curve is None for change in under_way)


@pytest.mark.parametrize("stop_after", ["Waiting", "Starting", "Baseline, step 1", "Enhanced, step 1", "Enhanced, step 2"])
def test_closing_at_any_moment_restores_the_weights_and_frees_the_slot(comparer: Comparer, photo: Path, stop_after: str) -> None:
    before = comparer.run(read(photo), forms.recipe_of(QUICK), [])
    run = actions.compare(comparer, str(photo), QUICK, [])
    for change in run:
        if change.progress and stop_after in change.progress:
            break
    else:
        pytest.fail(f"the run never said {stop_after!r}")
    run.close()  # type: ignore[attr-defined]
    after = comparer.run(read(photo), forms.recipe_of(QUICK), [])  # would wait for ever if the slot were still taken
    assert after.baseline.equal(before.baseline)
    assert after.enhanced.equal(before.enhanced)


def test_without_pyiqa_its_rows_say_so_and_the_run_finishes(
    comparer: Comparer, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapsr_core.quality import scoring

    scoring._pyiqa_metric.cache_clear()
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    *_, last = actions.compare(comparer, str(photo), QUICK, ["ilniqe", "musiq"])
    assert last.scores is not None and last.downloads is not None
    assert last.scores.count("pyiqa is missing: pip install pyiqa") == 1  # musiq; the others are ours
    assert "Grid energy" in last.scores


def test_a_problem_is_said_in_the_status_line(comparer: Comparer, tmp_path: Path) -> None:
    bad = tmp_path / "<b>bad&.png"
    bad.write_bytes(b"text")
    (shown,) = actions.look(comparer, str(bad), QUICK)
    assert shown.status is not None and 'role="alert"' in shown.status
    assert "<b>" not in shown.status and "&lt;b&gt;bad&amp;" in shown.status


def test_too_large_offers_a_centre_crop_that_fits(comparer: Comparer, tmp_path: Path) -> None:
    unmeasured = Comparer(assets=comparer.assets)
    large = tmp_path / "large.png"
    gradient = Image.linear_gradient("L").resize((3001, 2000))
    gradient.save(large)
    (shown,) = actions.look(unmeasured, str(large), QUICK)
    assert shown.status is not None and "3001 x 2000 px" in shown.status
    assert shown.crop_px
    path = actions.crop(str(large), shown.crop_px)
    side, top, left = shown.crop_px, (2000 - shown.crop_px) // 2, (3001 - shown.crop_px) // 2
    with Image.open(path) as opened:
        assert opened.size == (side, side)
        assert opened.convert("L").tobytes() == gradient.crop((left, top, left + side, top + side)).tobytes()
    unmeasured.check_size(side, side, forms.recipe_of(QUICK))


def test_prompt_cards_need_no_photograph(comparer: Comparer) -> None:
    html = actions.encoded(comparer, QUICK)
    assert "314 343 26262" in html and "314 341 26262" in html
    assert "4001 characters" in actions.encoded(comparer, {**QUICK, "baseline.positive": "x" * 4001})


def test_grid_energy_is_always_scored(comparer: Comparer, photo: Path) -> None:
    *_, last = actions.compare(comparer, str(photo), QUICK, [])
    assert last.scores is not None
    assert "<b>Grid energy</b> at 4 px: input" in last.scores


def test_a_ground_truth_brings_its_scores_and_stands_among_the_pictures(comparer: Comparer, photo: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.png"
    Image.effect_noise((256, 192), 60).convert("RGB").save(truth)
    *_, last = actions.compare(comparer, str(photo), QUICK, [], truth=str(truth))
    assert last.scores is not None and last.viewer is not None and last.history is not None
    assert all(label in last.scores for label in ("PSNR-Y", "SSIM-Y", "LPIPS"))
    shown = {image["name"]: image for image in last.viewer["images"]}
    assert list(shown) == ["truth", "input", "cleaner", "baseline", "enhanced"] or list(shown) == [
        "truth",
        "input",
        "baseline",
        "enhanced",
    ]
    assert (shown["truth"]["width_px"], shown["truth"]["height_px"]) == (128, 96)
    assert {"PSNR-Y", "SSIM-Y", "LPIPS"} <= {row["label"] for row in shown["enhanced"]["scores"]}
    assert shown["truth"]["scores"] == []
    assert (last.viewer["left"], last.viewer["right"]) == ("baseline", "enhanced")


def test_a_finished_run_is_handed_to_the_history_with_its_recipe(comparer: Comparer, photo: Path) -> None:
    *_, last = actions.compare(comparer, str(photo), QUICK, [])
    assert last.history is not None and last.downloads is not None
    assert Recipe.from_json(last.history["recipe"]) == Recipe.from_json(json.loads(last.downloads["recipe"].read_text()))
    assert list(last.history["scores"]) == ["NIQE", "BRISQUE", "PIQE"] and "2 steps" in last.history["title"]
    thumbnail = base64.b64decode(last.history["thumbnail"].removeprefix("data:image/jpeg;base64,"))
    assert max(Image.open(io.BytesIO(thumbnail)).size) == 96


def test_the_tiles_are_told_with_their_reason_and_so_is_a_retry(
    assets: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [c.status for c in actions.compare(Comparer(assets), str(photo), QUICK, []) if c.status]
    assert len(whole) == 1 and "the whole image at once: about" in whole[0]
    monkeypatch.setitem(HOSTS, "embedded", replace(HOSTS["embedded"], module="hungry_host"))
    changes = list(actions.compare(Comparer(assets), str(photo), QUICK, []))
    assert [c.status for c in changes if c.status][1:] == [
        "32 × 24 px → 128 × 96 px · memory ran out; started again with tiles of 64 px"
    ]
    assert any("started again with tiles of 64 px" in c.progress for c in changes if c.progress)
    assert json.loads(changes[-1].downloads["recipe"].read_text())["tile_px"] == 64
