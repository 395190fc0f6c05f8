import dataclasses

import pytest

from rapsr_core.hosts.registry import HOSTS
from rapsr_core.recipe import EnhancedText, Recipe
from rapsr_core.sweep.axes import AXES, Axis, SweepError, label_of, parse_axis


@pytest.mark.parametrize(
    ("path", "text", "values"),
    [
        ("guidance_scale", "1, 1.5, 2", (1.0, 1.5, 2.0)),
        ("guidance_scale", "1:3:0.5", (1.0, 1.5, 2.0, 2.5, 3.0)),
        ("enhanced.strength", "0:0.3:0.1", (0.0, 0.1, 0.2, 0.3)),  # 0.1 + 0.2 is 0.3 in decimals
        ("enhanced.strength", "1:0:-0.4, 1.5", (1.0, 0.6, 0.2, 1.5)),
        ("seed", "0:4:2\n7", (0, 2, 4, 7)),
        ("steps", "8,", (8,)),
        ("host", "embedded | seesr", ("embedded", "seesr")),
        ("caption", "a cat\n\na dog, sitting | ", ("a cat", "a dog, sitting", "")),
        ("enhanced.positive_identifier", "[X].|  [Y]. | ", ("[X]. ", "[Y]. ", "")),
        ("enhanced.identifiers", "[X]. / [V].\n[A]. / ", (("[X]. ", "[V]. "), ("[A]. ", ""))),
        ("baseline.prompts", "sharp 1/2 / blurred | / ", (("sharp 1/2", "blurred"), ("", ""))),
    ],
)
def test_a_text_of_values_is_read_by_the_kind_of_the_axis(path, text, values):
    axis = parse_axis(path, text)
    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("guidance_scale", "1, two", "Guidance scale: 'two' is neither a number nor a range"),
        ("guidance_scale", "1:2", "'1:2' is neither"),
        ("guidance_scale", "nan", "'nan' is neither"),
        ("guidance_scale", "1:2:-0.5", "never gets from 1 to 2"),
        ("guidance_scale", "1:2:0", "never gets from 1 to 2"),
        ("enhanced.strength", "0:1:0.00000001", "more than 1000 values"),
        ("steps", "8, 8.5", "Steps: 8.5 is not a whole number"),
        ("steps", " ", "Steps has no values"),
        ("seed", "1, 2, 1", "Seed has 1 twice"),
        ("enhanced.identifiers", "[X].", "'[X].' is no pair"),
        ("enhanced.prompts", "a / b / c", "is no pair"),
        ("beauty", "1", "no axis 'beauty'; there are host, "),
    ],
)
def test_what_cannot_be_read_is_named(path, text, said):
    with pytest.raises(SweepError) as error:
        parse_axis(path, text)
    assert said in str(error.value)


def test_every_axis_sets_fields_that_a_recipe_has():
    nested = {f"enhanced.{f.name}" for f in dataclasses.fields(EnhancedText)} | {"baseline.positive", "baseline.negative"}
    known = {f.name for f in dataclasses.fields(Recipe)} | nested
    settings = {f"host_settings.{setting.name}" for host in HOSTS.values() for setting in host.settings}
    assert settings and all(name in known | settings for row in AXES.values() for name in row.sets)
    assert settings <= AXES.keys()
    assert nested <= {name for row in AXES.values() for name in row.sets}


def test_labels_are_short_and_never_empty():
    values = Axis("enhanced.identifiers", (("[X]. ", "[V]. "),)).values
    assert [label_of(v) for v in (*values, 0.1 + 0.2, 8, "", "[X]. ")] == ["[X]. / [V].", "0.3", "8", "(empty)", "[X]."]
