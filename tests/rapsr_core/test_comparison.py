import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rapsr_core import comparison
from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.events import Finished, Image, Prepared, Scored, Stage
from rapsr_core.images import ImageError
from rapsr_core.recipe import BaselineText, EnhancedText, Recipe, RecipeError
from rapsr_core.speeds import Speeds

RECIPE = Recipe(cleaner="none", steps=3, caption="a photo of a cat", colour_fix="none")
FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


def _kinds(events: list) -> list[type]:
    """Of what ends something: a stage under way may tell of itself as often as it likes."""
    return [type(event) for event in events if not isinstance(event, Stage) or event.share == 1]


@pytest.fixture
def comparer(assets: Path) -> Comparer:
    return Comparer(assets, FLOAT32)


def test_events_come_in_order(comparer: Comparer, photo: torch.Tensor) -> None:
    events = list(comparer.compare(photo, RECIPE, ["grid"]))
    assert _kinds(events) == [Prepared, Scored, Stage, *[Stage] * 3, Image, Scored, *[Stage] * 3, Image, Scored, Finished]
    assert events[0].prompts["enhanced"]["positive"]["token_ids"][1:4] == (314, 343, 26262)
    assert events[-1].scores.keys() == {"input", "baseline", "enhanced"}
    assert all(e.image.shape == (1, 3, 96, 128) for e in events if isinstance(e, Image))


def test_one_long_step_tells_how_far_it_is_and_shows_itself(
    comparer: Comparer, photo: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapsr_core.run.PREVIEW_S", 0.0)
    events = list(comparer.compare(photo, replace(RECIPE, steps=1), ["grid"]))
    for which in ("baseline", "enhanced"):
        stages = [event for event in events if isinstance(event, Stage) and event.stage == which]
        result = next(event.image for event in events if isinstance(event, Image) and event.which == which)
        assert [stage.share for stage in stages] == pytest.approx([(k + 1) / 16 for k in range(16)])
        distances = [(stage.preview - result).abs().mean().item() for stage in stages]
        assert distances[-1] < 1e-6 < distances[7] < distances[0]


def test_same_recipe_same_pixels_and_seed_matters(comparer: Comparer, photo: torch.Tensor) -> None:
    one, two = (Comparer(comparer.assets, FLOAT32).run(photo, RECIPE, []) for _ in range(2))
    assert torch.equal(one.baseline, two.baseline) and torch.equal(one.enhanced, two.enhanced)
    assert not torch.equal(one.enhanced, comparer.run(photo, replace(RECIPE, seed=1), []).enhanced)
    assert not torch.equal(one.enhanced, one.baseline)


def test_strength_0_with_equal_prompts_is_the_baseline(comparer: Comparer, photo: torch.Tensor) -> None:
    same = EnhancedText(positive_identifier="", negative_identifier="", positive="sharp", negative="bad", strength=0.0)
    result = comparer.run(photo, replace(RECIPE, baseline=BaselineText("sharp", "bad"), enhanced=same), [])
    assert torch.equal(result.baseline, result.enhanced)
    stronger = comparer.run(
        photo, replace(RECIPE, baseline=BaselineText("sharp", "bad"), enhanced=replace(same, strength=1.0)), []
    )
    assert not torch.equal(stronger.baseline, stronger.enhanced)


def test_a_baseline_is_not_computed_again_while_nothing_it_depends_on_changes(comparer: Comparer, photo: torch.Tensor) -> None:
    first = comparer.run(photo, RECIPE, ["grid"])
    other = replace(RECIPE, enhanced=replace(RECIPE.enhanced, strength=0.5))
    events = list(comparer.compare(photo, other, ["grid"]))
    assert _kinds(events) == [Prepared, Scored, Image, Scored, *[Stage] * 3, Image, Scored, Finished]
    shown, made = (e for e in events if isinstance(e, Image))
    assert (shown.kept, made.kept) == (True, False)
    assert shown.seconds == first.finished.seconds["baseline"] and events[-1].seconds["baseline"] == 0
    anew = Comparer(comparer.assets, FLOAT32).run(photo, other, ["grid"])
    assert torch.equal(shown.image, anew.baseline) and torch.equal(made.image, anew.enhanced)
    assert events[-1].scores["baseline"]["grid"].value == anew.finished.scores["baseline"]["grid"].value


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"steps": 2}, {"caption": "a dog"}, {"output_scale": 2.0}, {"baseline": BaselineText("soft")}, {"cleaner": "real-esrgan"}],
    ids=str,
)  # fmt: skip
def test_a_baseline_is_computed_again_when_something_it_depends_on_changes(comparer: Comparer, photo, change) -> None:
    comparer.run(photo, RECIPE, [])
    again = comparer.compare(photo, replace(RECIPE, **change), [])
    assert not any(e.kept for e in again if isinstance(e, Image))


def test_baselines_belong_to_their_picture_and_metrics(comparer: Comparer, photo: torch.Tensor) -> None:
    comparer.run(photo, RECIPE, [])
    for image, metrics in ((photo.flip(-1), []), (photo, ["grid"])):
        assert not any(e.kept for e in comparer.compare(image, RECIPE, metrics) if isinstance(e, Image))
    assert any(e.kept for e in comparer.compare(photo.flip(-1), RECIPE, []) if isinstance(e, Image))
    assert not any(e.kept for e in comparer.compare(photo + 0.0, replace(RECIPE, seed=5), []) if isinstance(e, Image))  # a third
    assert not any(e.kept for e in comparer.compare(photo, RECIPE, ["grid"]) if isinstance(e, Image))  # the oldest is gone


@pytest.mark.parametrize("after", [1, 4, 7, 9])
def test_closing_restores_the_weights_and_frees_the_slot(comparer: Comparer, photo: torch.Tensor, after: int) -> None:
    list(comparer.compare(photo, replace(RECIPE, seed=1), []))
    unet = comparer._prior(RECIPE).unet
    before = {n: (p.data_ptr(), p.clone()) for n, p in unet.named_parameters()}
    events = comparer.compare(photo, RECIPE, [])
    for _ in range(after):
        next(events)
    events.close()
    assert all(p.data_ptr() == before[n][0] and torch.equal(p, before[n][1]) for n, p in unet.named_parameters())
    assert comparer._slot.acquire(blocking=False)
    comparer._slot.release()


def test_tiles_agree_with_the_whole(comparer: Comparer) -> None:
    wide = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    whole = comparer.run(wide, RECIPE, []).baseline
    tiled = comparer.run(wide, replace(RECIPE, tile_px=64), []).baseline
    assert not torch.equal(whole, tiled)
    assert (whole - tiled).abs().mean() < 0.02


def test_output_size(comparer: Comparer, photo: torch.Tensor) -> None:
    assert comparer.run(photo, replace(RECIPE, steps=1, output_scale=1.5), []).baseline.shape[-2:] == (36, 48)
    assert comparer.run(photo, replace(RECIPE, steps=1, target_px=(100, 50)), []).enhanced.shape[-2:] == (50, 100)
    with pytest.raises(RecipeError, match="target_px is 200 x 50"):
        comparer.check_size(24, 32, replace(RECIPE, target_px=(200, 50)))


def test_sizes_are_refused_with_the_remedy(comparer: Comparer) -> None:
    with pytest.raises(RecipeError, match="host is 'swinir'"):
        comparer.check_size(64, 64, replace(RECIPE, host="swinir"))
    with pytest.raises(ImageError, match="1 x 1 px; at least 16"):
        comparer.check_size(1, 1, RECIPE)
    with pytest.raises(ImageError, match="crop the image, reduce it"):
        comparer.check_size(3000, 3000, RECIPE)
    comparer.speeds.add("pass/embedded", 100.0, 1.0)
    comparer.speeds.add("scores", 1.0, 1.0)
    comparer.speeds.add("cleaner/none", 1.0, 1.0)
    with pytest.raises(ImageError, match=r"about \d+ minutes here"):
        comparer.check_size(300, 300, replace(RECIPE, steps=50))
    assert comparison.MAX_SECONDS == 600


def test_of_a_gpu_nothing_is_refused_before_its_speed_is_known(assets: Path) -> None:
    """200 steps are refused on a processor; no network is touched here, so the card need not be there."""
    gpu = Comparer(assets, Device(torch.device("cuda"), torch.float16, "test"))
    recipe = replace(RECIPE, steps=200)
    gpu.check_size(512, 512, recipe)
    kinds = (f"pass/{recipe.host}", f"cleaner/{recipe.cleaner}", "scores")
    gpu.speeds = Speeds(dict.fromkeys(kinds, 1.0))
    with pytest.raises(ImageError, match="would take about"):
        gpu.check_size(512, 512, recipe)


def test_guidance_1_ignores_the_negative_prompts(comparer: Comparer, photo: torch.Tensor) -> None:
    plain = replace(RECIPE, guidance_scale=1.0)
    other = replace(plain, baseline=BaselineText(negative="blurry"), enhanced=EnhancedText(negative="blurry"))
    one, two = comparer.run(photo, plain, []), comparer.run(photo, other, [])
    assert torch.equal(one.baseline, two.baseline) and torch.equal(one.enhanced, two.enhanced)
    guided = comparer.run(photo, replace(other, guidance_scale=2.0), [])
    assert not torch.equal(guided.baseline, comparer.run(photo, replace(plain, guidance_scale=2.0), []).baseline)


def test_the_listeners_time_is_not_the_methods(comparer: Comparer, photo: torch.Tensor) -> None:
    comparer.run(photo, replace(RECIPE, seed=1), [])  # loads
    began, listened = time.perf_counter(), 0.0
    for event in comparer.compare(photo, RECIPE, []):
        before = time.perf_counter()
        if isinstance(event, Finished):
            measured, whole = sum(event.seconds.values()), before - began
        else:
            time.sleep(0.1)
            listened += time.perf_counter() - before
    assert listened > 1.0
    assert measured < whole - listened + 0.05


def test_an_estimate_comes_from_measured_speeds(comparer: Comparer, photo: torch.Tensor) -> None:
    assert comparer.prepared(photo, RECIPE).estimated_seconds is None
    comparer.measure(RECIPE)
    estimate = comparer.prepared(photo, RECIPE).estimated_seconds
    assert estimate is not None
    assert comparer.prepared(photo, replace(RECIPE, steps=30)).estimated_seconds > estimate
    prepared, *rest = comparer.compare(photo, RECIPE, [])
    assert prepared.estimated_seconds == estimate
    assert 0 <= rest[1].seconds_left <= estimate  # the cleaner's


def test_identifiers_are_encoded_as_they_were_trained(assets: Path, tmp_path: Path, photo: torch.Tensor) -> None:
    """A refinement trained on the four-token form is shown and run with those tokens; the baseline knows nothing of it."""
    folder = shutil.copytree(assets, tmp_path / "assets")
    facts = json.loads((folder / "refinement/refinement.json").read_text())
    facts["token_ids"] = {"[X]. ": [314, 343, 316, 269], "[V]. ": [314, 341, 316, 269]}
    (folder / "refinement/refinement.json").write_text(json.dumps(facts))
    merged, split = (Comparer(where, FLOAT32).run(photo, RECIPE, []) for where in (assets, folder))
    assert merged.finished.prompts["enhanced"]["positive"]["token_ids"][1:4] == (314, 343, 26262)
    assert split.finished.prompts["enhanced"]["positive"]["token_ids"][1:5] == (314, 343, 316, 269)
    assert split.finished.prompts["baseline"] == merged.finished.prompts["baseline"]
    assert torch.equal(split.baseline, merged.baseline)
    assert not torch.equal(split.enhanced, merged.enhanced)
