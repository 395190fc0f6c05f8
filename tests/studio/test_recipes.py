"""A recipe goes out by file, link and history, and every control comes back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.images import ImageError, save_png
from rapsr_core.recipe import BaselineText, EnhancedText, Recipe, RecipeError
from studio import forms, restoring
from studio.recipe_files import read_recipe
from studio.results import RunFolder

DEFAULT = recipe_from_json({})
OTHER_HOST = recipe_from_json({"host": "x4-upscaler", "caption": "", "host_settings": {"noise_level": 77}})
UNUSUAL = Recipe(
    cleaner="none", steps=23, guidance_scale=1.75, seed=2**32 - 1, caption="a photo of a bus", colour_fix="adain", target_px=(640, 480), tile_px=320,
    host_settings={"noise_scale": 0.4}, baseline=BaselineText("b+", "b-"), enhanced=EnhancedText("[A]. ", "[B]. ", "e+", "e-", "none", 0.35),
)  # fmt: skip
RECIPES = [DEFAULT, OTHER_HOST, UNUSUAL, replace(UNUSUAL, caption="ein Käse 🧀 #&=+/", target_px=None, tile_px=None)]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_control_comes_back_from_png_json_and_link(recipe: Recipe, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a.png")
    pixels = torch.rand(1, 3, 8, 8)
    found = [
        read_recipe(folder.result(pixels, "enhanced", recipe)),
        read_recipe(folder.recipe(recipe)),
        restoring.of_fragment("#" + restoring.fragment(recipe)),
    ]
    for restored in found:
        changes = forms.of_recipe(restored)
        assert list(changes) == [control.path for control in forms.CONTROLS]
        assert forms.recipe_of({path: given["value"] for path, given in changes.items()}) == recipe
        shown = [path for path in changes if path.startswith("host_settings.") and changes[path]["visible"]]
        assert all(path.startswith(f"host_settings.{recipe.host}.") for path in shown) and shown


def test_a_link_of_the_defaults_is_short_and_safe_in_an_address() -> None:
    text = restoring.fragment(UNUSUAL)
    assert len(restoring.fragment(DEFAULT)) < 50
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


@pytest.mark.parametrize("text", ["", "#", "#other=1", "#compare"])
def test_an_address_without_a_recipe_changes_nothing(text: str) -> None:
    assert restoring.of_fragment(text) is None


@pytest.mark.parametrize("cut", [1, 2, 3, 10])
def test_a_link_that_was_cut_off_says_so(cut: int) -> None:
    with pytest.raises(RecipeError, match="damaged or cut off"):
        restoring.of_fragment(restoring.fragment(UNUSUAL)[:-cut])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither a PNG nor a recipe"),
        (b"\xff\xd8\xff\xe0 a JPEG", "neither a PNG nor a recipe"),
        (b"[1]", "no JSON object"),
        (b'{"host": "supir"}', "host is 'supir'; it must be one of embedded"),
        (b'{"speed": 1}', "unknown recipe field 'speed'"),
        (b'{"steps": "8"}', "steps is '8'; it must be a whole number"),
        (b'{"enhanced": {"refinement": "/etc"}}', "enhanced.refinement is '/etc', which is not here"),
        (b" " * 200_000, "too large"),
    ],
)
def test_a_file_without_a_usable_recipe_says_what_is_wrong(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a file.json"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_a_png_without_a_recipe_and_a_damaged_one_say_so(tmp_path: Path) -> None:
    plain = save_png(torch.rand(1, 3, 8, 8), tmp_path / "plain.png")
    with pytest.raises(RecipeError, match=r"'plain\.png' has no recipe in it; use a PNG downloaded from this studio"):
        read_recipe(plain)
    plain.write_bytes(plain.read_bytes()[:60])
    with pytest.raises(ImageError, match="damaged"):
        read_recipe(plain)


def test_tiles_that_a_recipe_fixes_are_told_of() -> None:
    assert restoring.pinned(DEFAULT) == ""
    assert "Tiles are 256 px" in restoring.pinned(restoring.restorable(json.loads('{"tile_px": 256}')))
