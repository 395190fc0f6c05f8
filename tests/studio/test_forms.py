import dataclasses

import pytest

from rapsr_core.hosts.registry import HOSTS, recipe_from_json
from rapsr_core.recipe import BaselineText, EnhancedText, Recipe, RecipeError
from studio import forms

DEFAULT = recipe_from_json({})
OTHER_HOST = recipe_from_json({"host": "x4-upscaler", "caption": "", "host_settings": {"noise_level": 77}})
UNUSUAL = Recipe(
    cleaner="none",
    steps=23,
    guidance_scale=1.75,
    host_settings={"noise_scale": 0.4},
    seed=2**32 - 1,
    caption="a photo of a bus",
    tile_captions="per tile",
    colour_fix="adain",
    output_scale=2.5,
    target_px=(640, 480),
    tile_px=320,
    baseline=BaselineText("b+", "b-"),
    enhanced=EnhancedText("[A]. ", "[B]. ", "e+", "e-", "none", 0.35),
)


@pytest.mark.parametrize("recipe", [DEFAULT, OTHER_HOST, UNUSUAL, dataclasses.replace(UNUSUAL, caption="", target_px=None)])
def test_round_trip(recipe: Recipe) -> None:
    assert forms.recipe_of(forms.values_of(recipe)) == recipe


def test_every_recipe_field_has_a_control() -> None:
    on_page = {path for path in forms.BY_PATH if path not in ("caption.automatic", "target_px.width", "target_px.height")}
    fields = set(forms.recipe_fields())
    on_page -= {control.path for control in forms.HOST_SETTINGS}
    assert on_page | {"target_px", "host_settings"} == fields


def test_what_is_optional_is_left_out_at_zero_which_gradio_makes_of_none() -> None:
    values = forms.values_of(DEFAULT)
    optional = [control.path for control in forms.CONTROLS if control.kind == "optional integer"]
    assert optional == ["target_px.width", "target_px.height", "tile_px"]
    assert [values[path] for path in optional] == [0, 0, 0]
    assert forms.recipe_of(values) == forms.recipe_of({**values, **dict.fromkeys(optional)}) == DEFAULT


def test_unusual_recipe_differs_in_every_field_on_the_page() -> None:
    usual, unusual = forms.values_of(DEFAULT), forms.values_of(UNUSUAL)
    others = [control.path for control in forms.HOST_SETTINGS if not forms.belongs(control, "embedded")]
    assert [path for path in usual if usual[path] == unusual[path]] == ["host", *others]


def test_every_control_has_help_and_its_range_is_the_recipes() -> None:
    for control in forms.CONTROLS:
        assert control.info.strip() and control.label.strip()
        if control.kind in ("slider", "integer", "optional integer"):
            host = control.path.split(".")[1] if control in forms.HOST_SETTINGS else "embedded"
            values = forms.values_of(UNUSUAL) | {"host": host, "cleaner": "none"}
            for edge in (control.low, control.high):
                forms.recipe_of({**values, control.path: int(edge) if control.step == 1 else edge})
            with pytest.raises(RecipeError, match=control.path.split(".")[0]):
                forms.recipe_of({**values, control.path: int(control.high) + 1})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target_px.width": 300}, "the output width is set and the height is not"),
        ({"target_px.height": 300}, "the output height is set and the width is not"),
        ({"seed": None}, "seed is empty; enter a number between 0 and"),
        ({"enhanced.strength": 1.6}, r"enhanced.strength is 1.6; it must be between 0.0 and 1.5"),
        ({"caption": "x" * 10_000}, "caption has 10000 characters"),
        ({"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ({"tile_px": 32}, "tile_px is 32; it must be between 64 and 4096"),
    ],
)
def test_errors_name_the_control(changed: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        forms.recipe_of({**forms.values_of(DEFAULT), **changed})


def test_caption_box_is_exact_when_not_automatic() -> None:
    values = forms.values_of(DEFAULT)
    assert forms.recipe_of({**values, "caption": "  "}).caption is None
    assert forms.recipe_of({**values, "caption": "  ", "caption.automatic": False}).caption == "  "
    assert forms.recipe_of({**values, "caption": "a bus"}).caption == "a bus"


@pytest.mark.parametrize("host", list(HOSTS))
def test_choosing_a_host_brings_its_published_defaults_and_shows_its_own_settings_alone(host: str) -> None:
    changes = forms.of_host(host)
    values = forms.values_of(DEFAULT) | {path: given["value"] for path, given in changes.items()}
    assert forms.recipe_of({**values, "caption": "x"}) == recipe_from_json({"host": host, "caption": "x"})
    shown = [path for path, given in changes.items() if given.get("visible")]
    assert shown == [f"host_settings.{host}.{s.name}" for s in HOSTS[host].settings]
    assert changes["enhanced.refinement"]["value"] in [name for _, name in forms.refinements()]
    assert changes["cleaner"]["interactive"] == HOSTS[host].takes_guide
