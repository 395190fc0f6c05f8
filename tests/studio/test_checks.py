from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rapsr_core.comparison import Comparer
from rapsr_core.recipe import Recipe
from studio import call_checks, checks, forms
from studio.api_table import ENDPOINTS

DEFAULTS = forms.values_of(Recipe())


def verdicts(comparer: Comparer, image: Path | None, recipe: Any) -> list[tuple[bool, str]]:
    """Of the API's `compare`, on image and recipe."""
    found = call_checks.verdicts(comparer, ENDPOINTS[0], (image and str(image), recipe, [], None))
    return [(v["is_valid"], v["message"]) for v in found[:2]]


def test_good_input_passes(comparer: Comparer, photo: Path) -> None:
    assert checks.check_page(comparer, str(photo), DEFAULTS) == {}
    assert verdicts(comparer, photo, {}) == verdicts(comparer, photo, {"steps": 4}) == [(True, ""), (True, "")]


def _damaged(folder: Path, photo: Path) -> Path:
    path = folder / "damaged.png"
    path.write_bytes(photo.read_bytes()[:200])
    return path


def _text(folder: Path, photo: Path) -> Path:
    path = folder / "notes.png"
    path.write_text("not an image")
    return path


def _tiny(folder: Path, photo: Path) -> Path:
    path = folder / "tiny.png"
    Image.new("RGB", (1, 1)).save(path)
    return path


def _bomb(folder: Path, photo: Path) -> Path:
    path = folder / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    return path


def _large(folder: Path, photo: Path) -> Path:
    path = folder / "large.png"
    Image.new("L", (4000, 3000)).save(path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_damaged, "'damaged.png' is damaged or incomplete"),
        (_text, "'notes.png' is not an image"),
        (_tiny, "1 x 1 px; at least 16 px a side are needed"),
        (_bomb, "20000 x 20000"),
        (_large, "4000 x 3000 px"),
    ],
)
def test_bad_images_are_refused_with_one_sentence(
    comparer: Comparer, photo: Path, tmp_path: Path, make: Any, message: str
) -> None:
    comparer = Comparer(assets=comparer.assets)  # one that has measured no speed yet
    path = make(tmp_path, photo)
    found = checks.check_page(comparer, str(path), DEFAULTS)
    assert list(found) == ["photo"]
    assert message in found["photo"]
    (image_ok, said), (recipe_ok, _) = verdicts(comparer, path, {})
    assert (image_ok, recipe_ok) == (False, True)
    assert said == found["photo"]


def test_no_photograph(comparer: Comparer) -> None:
    assert checks.check_page(comparer, None, DEFAULTS) == {"photo": checks.NO_PHOTO}
    assert verdicts(comparer, None, {})[0] == (False, checks.NO_PHOTO)


@pytest.mark.parametrize(
    ("changed", "control", "message"),
    [
        ({"enhanced.strength": 2.0}, "enhanced.strength", "between 0.0 and 1.5"),
        ({"enhanced.positive": "x" * 10_000}, "enhanced.positive", "has 10000 characters"),
        ({"enhanced.positive_identifier": "x" * 10_000}, "enhanced.positive_identifier", "has 10000 characters"),
        ({"caption": "x" * 10_000}, "caption", "has 10000 characters"),
        ({"target_px.width": 50}, "target_px.width", "set both"),
        ({"target_px.width": 5000, "target_px.height": 5000}, "target_px.width", "at most 128 x 96"),
        ({"seed": None}, "seed", "seed is empty"),
        ({"seed": -1}, "seed", "seed is -1; it must be between 0 and 4294967295"),
        ({"tile_px": 5000}, "tile_px", "tile_px is 5000; it must be between 64 and 4096"),
    ],
)
def test_bad_settings_are_said_at_their_control(
    comparer: Comparer, photo: Path, changed: dict[str, Any], control: str, message: str
) -> None:
    found = checks.check_page(comparer, str(photo), {**DEFAULTS, **changed})
    assert list(found) == [control]
    assert message in found[control]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"stepz": 4}, "unknown recipe field 'stepz'"),
        ({"enhanced": {"strenght": 1}}, "unknown recipe field 'enhanced.strenght'"),
        ({"enhanced": {"strength": -0.1}}, "enhanced.strength is -0.1"),
        ({"host": "none such"}, "host is 'none such'"),
        ({"enhanced": {"refinement": "/etc"}}, "enhanced.refinement is '/etc'; with host embedded it must be one of embedded"),
        ([], "should be a valid dictionary"),
    ],
)
def test_bad_recipes_are_refused_by_the_api(comparer: Comparer, photo: Path, recipe: Any, message: str) -> None:
    (image_ok, _), (recipe_ok, said) = verdicts(comparer, photo, recipe)
    assert (image_ok, recipe_ok) == (True, False)
    assert message in said


def test_an_empty_prompt_is_fine(comparer: Comparer, photo: Path) -> None:
    empty = dict.fromkeys((path for path in DEFAULTS if path.startswith(("enhanced.p", "enhanced.n", "baseline."))), "")
    assert checks.check_page(comparer, str(photo), {**DEFAULTS, **empty}) == {}


def test_a_ground_truth_that_does_not_fit_is_refused_at_its_own_place(comparer: Comparer, photo: Path, tmp_path: Path) -> None:
    values = {**forms.values_of(Recipe(cleaner="none", steps=2)), "caption": "x"}
    for size, problem in (
        ((128, 96), None),
        ((64, 48), "64 x 48 px and the output 128 x 96 px"),
        ((256, 256), "256 x 256 px and the output"),
    ):
        Image.new("RGB", size, (9, 99, 199)).save(tmp_path / "truth.png")
        found = checks.check_page(comparer, str(photo), values, str(tmp_path / "truth.png"))
        assert set(found) == ({"truth"} if problem else set())
        assert problem is None or problem in found["truth"]
