import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.evaluation.pairs import EvaluationError, find_pairs
from rapsr_core.evaluation.run import Settings, choose_metrics, digest, evaluate
from rapsr_core.images import read, resize, save_png
from rapsr_core.quality.scoring import score
from rapsr_core.recipe import Recipe
from rapsr_core.refinement import RefinementError

RECIPE = Recipe(cleaner="none", steps=1, caption="a photo of a cat", colour_fix="none")
FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


@pytest.fixture
def comparer(assets: Path) -> Comparer:
    return Comparer(assets, FLOAT32)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """lq/ with a.png and b.png of 32 x 24 px, and hq/ with their references."""
    lq, hq = tmp_path / "lq", tmp_path / "hq"
    for index, name in enumerate("ab"):
        generator = torch.Generator().manual_seed(index)
        big = resize(torch.rand(1, 3, 24, 32, generator=generator), (96, 128))
        for folder, image in ((hq, big), (lq, resize(big, (24, 32)))):
            folder.mkdir(exist_ok=True)
            save_png(image, folder / f"{name}.png")
    return lq, hq


def settings(recipe: Recipe = RECIPE, metrics: tuple[str, ...] = ("niqe", "grid"), **others) -> Settings:
    return Settings(recipe, metrics, **others)


def test_folder_with_references(folders, comparer, tmp_path):
    out, metrics = tmp_path / "out", choose_metrics(["niqe"], has_reference=True)
    rows = list(evaluate(find_pairs(*folders), settings(metrics=metrics), comparer, out))
    assert metrics == ("niqe", "psnr", "ssim", "lpips", "grid")
    assert [row.image for row in rows] == ["a", "b"]
    summary = json.loads((out / "summary.json").read_text())
    assert list(summary) == ["images", "metrics", "seconds"]
    assert summary["images"] == 2
    assert list(summary["metrics"]) == list(metrics)
    assert set(summary["seconds"]) == {"baseline", "enhanced"}
    assert summary["seconds"]["enhanced"] > 0
    expected = {"lower_better", "input", "baseline", "enhanced", "improved_share", "interval", "scored"}
    for name, values in summary["metrics"].items():
        assert set(values) == expected
        assert values["scored"] == 2, name
        assert 0 <= values["improved_share"] <= 1
        assert values["interval"][0] <= values["enhanced"] - values["baseline"] <= values["interval"][1]
    with (out / "scores.csv").open(newline="") as file:
        assert [row["image"] for row in csv.DictReader(file)] == ["a", "b"]


def test_scores_are_of_the_images_that_are_written(folders, comparer, tmp_path):
    lq, hq = folders
    rows = list(evaluate(find_pairs(lq, hq), settings(metrics=("psnr", "grid")), comparer, tmp_path / "out"))
    assert not torch.equal(read(tmp_path / "out/baseline/a.png"), read(tmp_path / "out/enhanced/a.png"))
    reference = read(hq / "a.png")
    images = {which: read(tmp_path / f"out/{which}/a.png") for which in ("baseline", "enhanced")}
    images["input"] = resize(read(lq / "a.png"), (96, 128))
    for which, image in images.items():
        assert image.shape == reference.shape
        assert rows[0].scores["psnr", which] == score(image, ["psnr"], reference)["psnr"].value
        assert rows[0].scores["grid", which] == pytest.approx(score(image, ["grid"])["grid"].value, rel=0.02)


def test_references_alone_are_degraded_by_preset_and_seed(folders, comparer, tmp_path):
    _, hq = folders
    run = {"metrics": ("psnr", "grid"), "preset": "seesr_mild"}
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        list(evaluate(find_pairs(None, hq), settings(seed=seed, **run), comparer, tmp_path / name))
    one, two, three = (read(tmp_path / f"{name}/lq/a.png") for name in ("one", "two", "three"))
    assert one.shape == (1, 3, 24, 32)
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    with pytest.raises(EvaluationError, match=r"degradation\.seed was 3, now 4"):
        list(evaluate(find_pairs(None, hq), settings(seed=4, **run), comparer, tmp_path / "one"))


def test_resumes_where_it_stopped(folders, comparer, tmp_path):
    lq, _ = folders
    out, pairs = tmp_path / "out", find_pairs(lq, None)
    run = evaluate(pairs, settings(), comparer, out)
    first = next(run)
    run.close()
    assert not (out / "summary.json").exists()
    (out / "baseline/a.png").unlink()
    rows = list(evaluate(pairs, settings(), comparer, out))
    assert [row.image for row in rows] == ["a", "b"]
    assert rows[0].scores == pytest.approx(first.scores, rel=1e-5)
    assert not (out / "baseline/a.png").exists(), "a finished image is not computed again"
    assert (out / "baseline/b.png").exists()
    assert len((out / "scores.csv").read_text().splitlines()) == 3
    whole = tmp_path / "whole"
    list(evaluate(pairs, settings(), comparer, whole))
    assert _without_seconds(out) == _without_seconds(whole)


def test_more_images_may_be_added_later(folders, comparer, tmp_path):
    lq, _ = folders
    pairs = find_pairs(lq, None)
    list(evaluate(pairs[:1], settings(), comparer, tmp_path / "out"))
    assert json.loads((tmp_path / "out/summary.json").read_text())["images"] == 1
    list(evaluate(pairs, settings(), comparer, tmp_path / "out"))
    assert json.loads((tmp_path / "out/summary.json").read_text())["images"] == 2


def test_another_recipe_or_metric_is_refused_by_name(folders, comparer, tmp_path):
    lq, _ = folders
    pairs, out = find_pairs(lq, None), tmp_path / "out"
    list(evaluate(pairs[:1], settings(), comparer, out))
    before = (out / "scores.csv").read_bytes()
    for changed, message in (
        (settings(replace(RECIPE, steps=2)), r"recipe\.steps was 1, now 2"),
        (settings(replace(RECIPE, enhanced=replace(RECIPE.enhanced, strength=0.5))), r"enhanced\.strength was 1.0, now 0.5"),
        (settings(metrics=("brisque", "grid")), r"metrics was \['niqe', 'grid'\], now \['brisque', 'grid'\]"),
    ):
        with pytest.raises(EvaluationError, match=message):
            list(evaluate(pairs, changed, comparer, out))
    assert (out / "scores.csv").read_bytes() == before


def test_other_weights_are_refused(folders, assets, tmp_path):
    pairs, out, other = find_pairs(folders[0], None), tmp_path / "out", tmp_path / "assets"
    list(evaluate(pairs[:1], settings(), Comparer(assets, FLOAT32), out))
    other.mkdir()
    (other / "prior").symlink_to(assets / "prior")
    (other / "refinement").mkdir()
    (other / "refinement/pytorch_lora_weights.safetensors").write_bytes(b"other weights")
    with pytest.raises(EvaluationError, match=rf"weights\.refinement was '{digest(assets / 'refinement')}', now"):
        list(evaluate(pairs, settings(), Comparer(other, FLOAT32), out))


def test_a_run_that_never_scored_an_image_does_not_block(folders, comparer, tmp_path):
    pairs, out = find_pairs(folders[0], None), tmp_path / "out"
    missing = replace(RECIPE, enhanced=replace(RECIPE.enhanced, refinement=str(tmp_path / "nowhere")))
    with pytest.raises(RefinementError, match="nowhere"):
        list(evaluate(pairs, settings(missing), comparer, out))
    assert len(list(evaluate(pairs[:1], settings(), comparer, out))) == 1


def test_every_image_is_checked_before_the_first_is_computed(folders, comparer, tmp_path):
    lq, hq = folders
    (lq / "c.png").write_bytes((lq / "a.png").read_bytes()[:200])
    with pytest.raises(EvaluationError, match=r"c: 'c\.png' is damaged"):
        list(evaluate(find_pairs(lq, None), settings(), comparer, tmp_path / "out"))
    save_png(torch.zeros(1, 3, 8, 40), lq / "c.png")
    with pytest.raises(EvaluationError, match="c: the image is 40 x 8 px"):
        list(evaluate(find_pairs(lq, None), settings(), comparer, tmp_path / "out"))
    with pytest.raises(EvaluationError, match="leave output_scale and target_px out"):
        list(evaluate(find_pairs(None, hq), settings(replace(RECIPE, output_scale=2.0)), comparer, tmp_path / "out"))
    too_wide = settings(replace(RECIPE, target_px=(9999, 10)))
    with pytest.raises(EvaluationError, match="a: target_px is 9999 x 10"):
        list(evaluate(find_pairs(lq, None), too_wide, comparer, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_metric_that_fails_is_noted_and_stops_nothing(folders, comparer, tmp_path):
    half = settings(replace(RECIPE, output_scale=2.0))
    row = next(iter(evaluate(find_pairs(folders[0], None), half, comparer, tmp_path / "out")))
    assert row.scores["niqe", "baseline"] is None
    assert row.notes.count("NIQE needs at least 96 px") == 1
    assert "48" in row.notes


def test_metrics():
    assert choose_metrics(["niqe", "grid"], has_reference=False) == ("niqe", "grid")
    assert choose_metrics(["lpips", "niqe"], has_reference=True) == ("lpips", "niqe", "psnr", "ssim", "grid")
    assert choose_metrics(["musiq"], has_reference=False) == ("musiq", "grid")
    for name, message in (("nique", "no metric named 'nique'; there are niqe"), ("psnr", "psnr compares with a reference")):
        with pytest.raises(EvaluationError, match=message):
            choose_metrics([name], has_reference=False)


def _without_seconds(out: Path) -> list[dict[str, str]]:
    with (out / "scores.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in csv.DictReader(file)]
