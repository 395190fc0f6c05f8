import json
from dataclasses import replace

import pytest
import torch

from rapsr_core.recipe import EnhancedText, Recipe, RecipeError
from rapsr_core.speeds import FIRST_GUESS
from rapsr_core.sweep.axes import Axis, SweepError, parse_axis
from rapsr_core.sweep.definition import Sweep, cells, check, title
from rapsr_core.sweep.order import cost_ordered, estimate

PAIRS = Axis("enhanced.identifiers", (("[X]. ", "[V]. "), ("", "")))


def test_cells_are_all_combinations_and_change_nothing_else(recipe):
    sweep = Sweep(recipe, (parse_axis("guidance_scale", "1, 2"), PAIRS))
    found = cells(sweep)
    assert [cell.index for cell in found] == [0, 1, 2, 3]
    assert [sweep.position(cell) for cell in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    plain = EnhancedText(positive_identifier="", negative_identifier="")
    assert found[3].recipe == replace(recipe, guidance_scale=2.0, enhanced=plain)
    assert title(sweep, found[2]) == "Guidance scale 2, Identifiers [X]. / [V]."


def test_all_problems_are_told_at_once_with_axis_and_value(recipe):
    axes = (parse_axis("guidance_scale", "0.5, 2, 11"), parse_axis("colour_fix", "wavelet | magic"))
    with pytest.raises(SweepError) as error:
        Sweep(recipe, axes)
    assert error.value.problems == (
        "Guidance scale 0.5: guidance_scale is 0.5; it must be between 1.0 and 10.0",
        "Guidance scale 11: guidance_scale is 11.0; it must be between 1.0 and 10.0",
        "Colour fix magic: colour_fix is 'magic'; it must be one of none, wavelet, adain",
    )


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ((), "a sweep of 0 axes"),
        ([parse_axis(p, "1") for p in ("steps", "seed", "guidance_scale", "output_scale")], "a sweep of 4 axes; give 1 to 3"),
        (
            (PAIRS, Axis("enhanced.negative_identifier", ("[N]. ",))),
            "Identifiers and Negative identifier both set enhanced.negative_identifier",
        ),
        (
            (parse_axis("seed", "0:14:1"), parse_axis("steps", "1:8:1")),
            "15 x 8 = 120 cells; at most 100 are run: take fewer values",
        ),
    ],
)
def test_a_sweep_of_the_wrong_shape_is_refused(recipe, axes, said):
    with pytest.raises(SweepError, match=said):
        Sweep(recipe, tuple(axes))


def test_another_host_brings_its_defaults_and_what_is_swept_wins_over_them(recipe):
    sweep = Sweep(replace(recipe, steps=3), (Axis("host", ("embedded", "x4-upscaler")), parse_axis("guidance_scale", "2, 3")))
    found = [cell.recipe for cell in cells(sweep)]
    assert [(r.host, r.steps, r.guidance_scale) for r in found] == [
        ("embedded", 3, 2.0), ("embedded", 3, 3.0), ("x4-upscaler", 75, 2.0), ("x4-upscaler", 75, 3.0)
    ]  # fmt: skip
    assert {r.caption for r in found} == {recipe.caption} and [r.enhanced.refinement for r in found[1:3]] == ["embedded", "none"]


def test_what_a_host_does_not_take_is_told(recipe):
    guided = Sweep(recipe, (Axis("host", ("x4-upscaler",)), parse_axis("host_settings.noise_level", "20, 40")))
    assert [cell.recipe.host_settings["noise_level"] for cell in cells(guided)] == [20.0, 40.0]
    axes = (Axis("host", ("embedded", "swinir")), parse_axis("host_settings.noise_level", "20"))
    with pytest.raises(SweepError, match=r"^Host swinir: host is 'swinir'; it must be one of embedded, [^;]*$"):
        Sweep(recipe, axes)
    with pytest.raises(SweepError) as error:
        Sweep(recipe, (Axis("host", ("embedded", "x4-upscaler")), parse_axis("host_settings.noise_level", "20, 900")))
    first, second = error.value.problems
    assert first.startswith(
        "Host embedded, Noise level 20 and 1 more cells: host_settings.noise_level is no setting of host embedded"
    )
    assert second.startswith("Host x4-upscaler, Noise level 900: host_settings.noise_level is 900; it must be between")


def test_cells_are_checked_against_the_picture(recipe, comparer, tiny):
    with pytest.raises(SweepError, match=r"^Seed 0 and 1 more cells: the image is 8 x 8 px; at least 16"):
        check(Sweep(recipe, (parse_axis("seed", "0, 1"),)), comparer, tiny[..., :8, :8])
    check(Sweep(recipe, (parse_axis("seed", "0, 1"),)), comparer, tiny)
    slow = Sweep(recipe, (parse_axis("steps", "1, 100"),))
    with pytest.raises(SweepError, match=r"^Steps 100: 1000 x 600 px would take about \d+ minutes here"):
        check(slow, comparer, torch.zeros(1, 3, 600, 1000))


def test_a_sweep_survives_json(recipe):
    axes = (PAIRS, parse_axis("guidance_scale", "1, 2"), parse_axis("steps", "1, 2"))
    sweep = Sweep(recipe, axes, limit=50)
    assert Sweep.from_json(json.loads(json.dumps(sweep.to_json()))) == sweep


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "is no sweep"),
        ({"recipe": {}, "axes": {}}, "a list"),
        ({"recipe": {}, "axes": [{"path": "steps"}]}, "is no axis"),
        ({"recipe": {}, "axes": [{"path": "steps", "values": [1.5]}]}, r"Steps has 1.5; it must be a whole number"),
        ({"recipe": {}, "axes": [{"path": "caption", "values": [1]}]}, r"Caption has 1; it must be text"),
        ({"recipe": {}, "axes": [{"path": "enhanced.prompts", "values": [["a"]]}]}, r"a list of two texts"),
        ({"recipe": {"steps": 0}, "axes": [{"path": "seed", "values": [1]}]}, "steps is 0"),
    ],
)
def test_bad_json_is_refused(values, said):
    with pytest.raises((SweepError, RecipeError), match=said):
        Sweep.from_json(values)


def test_cells_that_share_a_baseline_stand_together_and_hosts_change_least(recipe):
    axes = (PAIRS, Axis("seed", (0, 1)), Axis("host", ("embedded", "x4-upscaler")))
    ordered = cost_ordered(cells(Sweep(recipe, axes)))
    assert [(c.recipe.host, c.recipe.seed, c.values[0] == PAIRS.values[0]) for c in ordered] == [
        (host, seed, first) for host in ("embedded", "x4-upscaler") for seed in (0, 1) for first in (True, False)
    ]
    assert sorted(c.index for c in ordered) == list(range(8))


def test_the_estimate_counts_kept_baselines_once(recipe, comparer, tiny):
    strengths = cost_ordered(cells(Sweep(recipe, (parse_axis("enhanced.strength", "0, 0.5, 1"),))))
    guess = estimate(strengths, comparer, tiny)
    assert not guess.measured and guess.seconds > 0
    for kind, seconds in (("pass/embedded", 3.0), ("scores", 2.0), ("cleaner/none", 1.0)):
        comparer.speeds.add(kind, seconds, 1.0)
    whole, enhanced = (comparer.speeds.seconds(recipe, 64 * 64 / 1e6, baseline=b) for b in (True, False))
    known = estimate(strengths, comparer, tiny)
    assert known.measured and known.seconds == pytest.approx(whole + 2 * enhanced)
    seeds = cost_ordered(cells(Sweep(recipe, (parse_axis("seed", "0, 1, 2"),))))
    assert estimate(seeds, comparer, tiny).seconds == pytest.approx(3 * whole)
    assert guess.seconds == pytest.approx(
        sum(FIRST_GUESS.seconds(recipe, 64 * 64 / 1e6, baseline=b) for b in (True, False, False))
    )


def test_a_recipe_from_before_is_what_a_cell_opens(recipe):
    cell = cells(Sweep(recipe, (parse_axis("steps", "1, 2"),)))[1]
    assert Recipe.from_json(json.loads(json.dumps(cell.recipe.to_json()))) == replace(recipe, steps=2)
