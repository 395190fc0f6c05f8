import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from rapsr_core import ASSETS
from rapsr_core.comparison import Comparer
from rapsr_core.images import read, to_uint8
from rapsr_core.recipe import Recipe
from rapsr_core.sweep.axes import AXES, SweepError
from rapsr_core.sweep.definition import Sweep
from studio import examples, forms, lab_actions, lab_checks, lab_front, lab_grid, lab_tab, page
from studio.engine import Engine
from studio.lab_checks import Asked

QUICK = {**forms.values_of(Recipe(cleaner="none", steps=1)), "caption": "a bus", "caption.automatic": False}
AXES_2X2 = (("guidance_scale", "1, 1.5"), ("enhanced.strength", "0, 1"), ("", ""))


def asked(photo: Path | None, **changed: Any) -> Asked:
    given = Asked(str(photo) if photo else None, None, AXES_2X2, (), ("niqe", "piqe"), 0.5, 5, QUICK)
    return dataclasses.replace(given, **changed)


def states(value: dict[str, Any]) -> list[str]:
    return [cell["state"] for cell in value["cells"]]


def test_the_plan_counts_cells_and_tells_the_time_before_anything_runs(comparer: Comparer, photo: Path) -> None:
    assert "2 × 2 = 4 cells. Open a photograph for the time." in lab_checks.plan(comparer, asked(None))
    told = lab_checks.plan(comparer, asked(photo))
    assert "2 × 2 = 4 cells, about" in told and "Suggest: at most 5 comparisons" in told
    many = lab_checks.plan(comparer, asked(photo, axes=(("seed", "0:199:1"), ("", ""), ("", ""))))
    assert "200 cells: more than the 100 that a sweep runs" in many


@pytest.mark.parametrize(
    ("changed", "control", "message"),
    [
        ({"axes": (("guidance_scale", "1, x"), ("enhanced.strength", "0"), ("", ""))}, "values0", "'x' is neither a number"),
        ({"axes": (("guidance_scale", "1"), ("enhanced.strength", "2"), ("", ""))}, "values1", "between 0.0 and 1.5"),
        ({"axes": (("steps", "2"), ("seed", "1"), ("cleaner", "none | soap"))}, "values2", "soap"),
        ({"axes": (("steps", "2"), ("steps", "3"), ("", ""))}, "values0", "Steps"),
        ({"axes": (("", ""), ("", ""), ("", ""))}, "values0", "no axis is chosen"),
        ({"axes": (("seed", "0:199:1"), ("", ""), ("", ""))}, "values0", "200 cells; at most 100"),
        ({"axes": (("host", "osediff"), ("", ""), ("", ""))}, "values0", "cannot run here"),
        ({"axes": (("enhanced.refinement", "/etc"), ("", ""), ("", ""))}, "values0", "must be one of"),
        ({"photo": None}, "photo", "no photograph yet"),
        ({"values": QUICK | {"seed": None}}, "photo", "Among the settings of Compare: seed is empty"),
    ],
)
def test_what_is_wrong_is_said_at_its_control(
    comparer: Comparer, photo: Path, changed: dict[str, Any], control: str, message: str
) -> None:
    found = lab_checks.problems(comparer, dataclasses.replace(asked(photo), **changed), searching=False)
    assert list(found) == [control]
    assert message in found[control]


def test_a_search_has_no_seed_axis_a_budget_and_a_goal(comparer: Comparer, photo: Path) -> None:
    assert lab_checks.problems(comparer, asked(photo), searching=True) == {}
    seeds = asked(photo, axes=(("steps", "1"), ("seed", "0, 1"), ("", "")))
    assert "Seed cannot be searched" in lab_checks.problems(comparer, seeds, searching=True)["values1"]
    assert "budget is empty" in lab_checks.problems(comparer, asked(photo, budget=None), searching=True)["budget"]
    assert "a goal needs" in lab_checks.problems(comparer, asked(photo, quality=()), searching=True)["quality"]
    assert "over the limit of" in lab_checks.problems(comparer, asked(photo, budget=10**6), searching=True)["budget"]


def test_a_sweep_fills_the_grid_cell_by_cell_and_leaves_its_files(comparer: Comparer, photo: Path) -> None:
    shown = list(lab_actions.sweep(comparer, asked(photo)))
    grids = [change.grid for change in shown if change.grid]
    assert states(grids[0]) == ["waiting"] * 4
    done = [states(value).count("done") for value in grids]
    assert done == sorted(done) and set(done) == {0, 1, 2, 3, 4}
    assert any("running" in states(value) for value in grids)
    assert [axis["values"] for axis in grids[-1]["axes"]] == [["1", "1.5"], ["0", "1"]]
    assert {tuple(cell["place"]) for cell in grids[-1]["cells"]} == {(x, y, 0) for x in (0, 1) for y in (0, 1)}
    assert {"niqe", "brisque", "piqe", "grid", "lr_psnr"} == {row["name"] for row in grids[-1]["metrics"]}
    (cell, *_) = grids[-1]["cells"]
    assert cell["figures"]["change"]["piqe"] == pytest.approx(
        cell["figures"]["enhanced"]["piqe"] - cell["figures"]["baseline"]["piqe"]
    )
    files = shown[-1].files
    assert files is not None
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert [row["guidance_scale"] for row in rows] == ["1.0", "1.0", "1.5", "1.5"]
    with Image.open(files["enhanced"]) as opened:
        swept = Sweep.from_json(json.loads(opened.text[lab_actions.SWEEP_KEY]))
        assert opened.width > 2 * 128 and opened.height > 2 * 96
    assert swept.shape == (2, 2)
    assert "Finished: 4 cells" in (shown[-1].progress or "")


def test_a_cell_opens_in_compare_with_its_recipe_and_exact_pictures(comparer: Comparer, photo: Path) -> None:
    shown = list(lab_actions.sweep(comparer, asked(photo)))
    run = shown[0].run
    assert run is not None
    recipe, change = lab_actions.opened(run, 2)
    assert (recipe.guidance_scale, recipe.enhanced.strength, recipe.caption) == (1.5, 0.0, "a bus")
    assert forms.recipe_of({path: given["value"] for path, given in forms.of_recipe(recipe).items()}) == recipe
    expected = comparer.run(read(photo), recipe, [])
    assert change.downloads is not None and change.viewer is not None
    with Image.open(change.downloads["enhanced"]) as opened:
        assert opened.tobytes() == to_uint8(expected.enhanced).tobytes()
    assert [image["name"] for image in change.viewer["images"]] == ["input", "baseline", "enhanced"]
    assert "NIQE" in (change.scores or "") and "Guidance scale 1.5" in (change.status or "")
    assert lab_actions.opened(run, 2)[0] == recipe  # twice is no harm


def test_stop_keeps_what_is_there(comparer: Comparer, photo: Path) -> None:
    sweep = lab_actions.sweep(comparer, asked(photo))
    run = next(sweep).run
    assert run is not None
    for _ in sweep:
        if run.done == 2:
            break
    sweep.close()  # type: ignore[attr-defined]
    shown = lab_actions.stopped(run)
    assert shown.grid is not None and shown.files is not None
    assert sorted(states(shown.grid)) == ["done", "done", "left", "left"]
    assert "Stopped: 2 of 4" in (shown.progress or "")
    assert len(shown.files["csv"].read_text().splitlines()) == 3
    with pytest.raises(SweepError, match="no pictures yet"):
        lab_actions.opened(run, next(cell["index"] for cell in shown.grid["cells"] if cell["state"] == "left"))


def test_a_ground_truth_adds_its_scores_and_must_fit_every_cell(comparer: Comparer, photo: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.png"
    Image.effect_noise((128, 96), 60).convert("RGB").save(truth)
    one = asked(photo, truth=str(truth), axes=(("steps", "1"), ("", ""), ("", "")))
    shown = list(lab_actions.sweep(comparer, one))
    assert shown[0].run is not None
    assert {"psnr", "ssim", "lpips"} <= {row["name"] for row in shown[-1].grid["metrics"]}  # type: ignore[index]
    _, change = lab_actions.opened(shown[0].run, 0)
    assert "PSNR-Y" in (change.scores or "")
    assert "truth" in [image["name"] for image in change.viewer["images"]]  # type: ignore[index]
    sizes = dataclasses.replace(one, axes=(("output_scale", "2, 4"), ("", ""), ("", "")))
    assert "results of one size" in lab_checks.problems(comparer, sizes, searching=False)["truth"]


def test_a_search_ends_with_a_front_whose_points_open(comparer: Comparer, photo: Path) -> None:
    shown = list(lab_actions.search(comparer, asked(photo, budget=6)))
    fronts = [change.front for change in shown if change.front]
    assert len(fronts[0]["points"]) == 0
    final = fronts[-1]
    assert final["finished"] and sum(point["seeds"] for point in final["points"]) <= 6
    assert sum(point["best"] for point in final["points"]) == 1
    on_front = [point for point in final["points"] if point["front"]]
    for point in final["points"]:
        dominated = any(p["x"] >= point["x"] and p["y"] >= point["y"] and p is not point for p in on_front)
        assert point["front"] != dominated
    assert shown[0].run is not None
    recipe, _ = lab_actions.opened(shown[0].run, final["points"][0]["index"])
    assert recipe.seed == QUICK["seed"]


def test_markup_in_values_stays_text(comparer: Comparer, photo: Path) -> None:
    hostile = (("caption", "<b>x</b>"), ("", ""), ("", ""))
    shown = list(lab_actions.sweep(comparer, asked(photo, axes=hostile)))
    assert all("<b>" not in (change.progress or "") for change in shown)
    assert shown[0].run is not None
    assert "<b>" not in (lab_actions.opened(shown[0].run, 0)[1].status or "")
    assert "<b>" not in lab_checks.plan(comparer, asked(photo, axes=(("steps", "<b>"), ("", ""), ("", ""))))


@pytest.mark.parametrize("component", [lab_grid.component("g"), lab_front.component("f")])
def test_templates_hold_nothing_that_gradio_would_evaluate(component: gr.HTML) -> None:
    for template in (component.html_template, component.css_template):
        assert "${" not in template and "{{" not in template and "`" not in template and "\\" not in template


def test_values_put_in_for_an_axis_are_its_own(comparer: Comparer, photo: Path) -> None:
    assert set(lab_tab.EXAMPLES) <= set(AXES)
    for path, text in lab_tab.EXAMPLES.items():
        one = asked(photo, axes=((path, text), ("", ""), ("", "")))
        assert lab_checks.problems(comparer, one, searching=False) == {}, path


def test_the_page_has_the_tab_and_its_events_share_the_slot(comparer: Comparer) -> None:
    demo = page.build(Engine.of(comparer), examples.load(ASSETS / "examples"))
    named = {fn.api_name: fn for fn in demo.fns.values() if fn.api_name in ("page_sweep", "page_search")}
    assert len(named) == 2
    assert all(fn.concurrency_id == "compute" and fn.validator is not None for fn in named.values())
