import json

import pytest

from rapsr_core.recipe import EnhancedText, Recipe, RecipeError


def test_json_round_trip() -> None:
    recipe = Recipe(steps=12, target_px=(300, 200), enhanced=EnhancedText(strength=0.5))
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    assert Recipe.from_json({}) == Recipe()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 3}, "unknown recipe field 'step'"),
        ({"enhanced": {"power": 3}}, "'enhanced.power'"),
        ({"enhanced": {"strength": 1.6}}, "enhanced.strength is 1.6; it must be between 0.0 and 1.5"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ({"colour_fix": "magic"}, "none, wavelet, adain"),
        ({"caption": "x" * 10_000}, "caption has 10000 characters"),
        ({"target_px": [3]}, "target_px"),
        ([], "JSON object"),
    ],
)
def test_errors_name_field_and_value(values, message: str) -> None:
    with pytest.raises(RecipeError, match=message.replace("(", r"\(")):
        Recipe.from_json(values)
