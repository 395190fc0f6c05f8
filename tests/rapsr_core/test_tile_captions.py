"""Captions of tiles: each its own, or the image's for all."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rapsr_core import run
from rapsr_core.captions import caption
from rapsr_core.cleaners import clean
from rapsr_core.comparison import Comparer
from rapsr_core.device import Device
from rapsr_core.events import Image
from rapsr_core.images import read, resize
from rapsr_core.recipe import Recipe, RecipeError

RECIPE = Recipe(cleaner="none", steps=2, caption="a photo of a cat", colour_fix="none", tile_px=128, tile_captions="per tile")
FLOAT32 = Device(torch.device("cpu"), torch.float32, "test")


@pytest.fixture(scope="module")
def two_things() -> torch.Tensor:
    """(1, 3, 32, 48): two examples side by side."""
    folder = Path(__file__).parents[2] / "assets/examples"
    pictures = [read(path) for path in sorted(folder.glob("*.png"))[:2]]
    return torch.cat([resize(picture, (32, 24)) for picture in pictures], -1)


def test_each_tile_is_told_what_is_in_it(assets: Path, two_things: torch.Tensor) -> None:
    finished = Comparer(assets, FLOAT32).run(two_things, RECIPE, []).finished
    guide = clean(two_things, "none")
    windows = [tile.window_px for tile in finished.tiles]
    assert windows[0] == (0, 128, 0, 128) and max(right for *_, right in windows) == 192 and len(windows) > 1
    for tile in finished.tiles:
        top, bottom, left, right = tile.window_px
        assert tile.caption == caption(guide[..., top:bottom, left:right])
        assert tile.texts["baseline"]["positive"] == f"{tile.caption}, {RECIPE.baseline.positive}"
        assert tile.texts["enhanced"]["positive"] == f"[X]. {tile.caption}"
        assert tile.texts["enhanced"]["negative"].startswith("[V]. ")
    assert finished.to_json()["tiles"][0]["caption"] == finished.tiles[0].caption


def test_equal_captions_give_the_pixels_of_a_global_one(assets: Path, two_things: torch.Tensor, monkeypatch) -> None:
    """And another caption changes its own tile alone (in one step: later ones see what their neighbours have become)."""
    recipe = replace(RECIPE, steps=1, guidance_scale=1.0)
    plain = Comparer(assets, FLOAT32).run(two_things, replace(recipe, tile_captions="global"), [])
    assert plain.finished.tiles == ()
    monkeypatch.setattr(run, "caption_many", lambda images: [RECIPE.caption] * len(images))
    same = Comparer(assets, FLOAT32).run(two_things, recipe, [])
    assert len(same.finished.tiles) > 1
    assert torch.equal(same.baseline, plain.baseline) and torch.equal(same.enhanced, plain.enhanced)
    monkeypatch.setattr(run, "caption_many", lambda images: ["a red bus", *[RECIPE.caption] * (len(images) - 1)])
    other = Comparer(assets, FLOAT32).run(two_things, recipe, [])
    right = other.finished.tiles[0].window_px[3]
    assert not torch.equal(other.baseline[..., :64], plain.baseline[..., :64])
    assert torch.equal(other.baseline[..., right:], plain.baseline[..., right:])


def test_a_kept_baseline_brings_its_tiles_captions(assets: Path, two_things: torch.Tensor) -> None:
    comparer = Comparer(assets, FLOAT32)
    first = comparer.run(two_things, RECIPE, []).finished
    events = list(comparer.compare(two_things, replace(RECIPE, enhanced=replace(RECIPE.enhanced, strength=0.5)), []))
    assert [e.kept for e in events if isinstance(e, Image)] == [True, False]
    assert events[-1].tiles == first.tiles


def test_an_image_in_one_piece_reads_its_own_caption(assets: Path, two_things: torch.Tensor) -> None:
    one, other = (Comparer(assets, FLOAT32).run(two_things, replace(RECIPE, tile_px=512, tile_captions=how), []) for how in ("global", "per tile"))  # fmt: skip
    assert other.finished.tiles == ()
    assert torch.equal(one.enhanced, other.enhanced)


def test_another_way_to_caption_is_refused() -> None:
    with pytest.raises(RecipeError, match="tile_captions is 'each'; it must be one of global, per tile"):
        Recipe(tile_captions="each")
