import csv
import io
import math
from dataclasses import replace

import pytest
import torch
from PIL import Image

from rapsr_core.events import Finished, Prepared
from rapsr_core.events import Image as Made
from rapsr_core.images import resize, to_uint8
from rapsr_core.quality.consistency import lr_psnr
from rapsr_core.quality.fidelity import psnr_y
from rapsr_core.sweep.axes import Axis, SweepError, parse_axis
from rapsr_core.sweep.definition import Sweep, cells
from rapsr_core.sweep.grid import sheets
from rapsr_core.sweep.run import CellEnded, SweepCell, run
from rapsr_core.sweep.table import csv_text, matrix

METRICS = ("grid", "psnr")


@pytest.fixture(scope="module")
def sweep(recipe):
    """Seeds down a list of refinements one of which does not exist."""
    return Sweep(recipe, (Axis("enhanced.refinement", ("embedded", "nowhere")), Axis("seed", (0, 1))))


@pytest.fixture(scope="module")
def ended(sweep, loaded, tiny):
    """Events of the sweep, with a ground truth."""
    return list(run(loaded, tiny, cells(sweep), METRICS, reference=resize(tiny, (64, 64))))


@pytest.fixture(scope="module")
def rows(ended):
    return [event.row for event in ended if isinstance(event, CellEnded)]


def test_cells_come_in_cost_order_each_with_its_events_and_then_its_end(sweep, ended):
    last = [event for event in ended if isinstance(event, CellEnded)]
    assert [e.row.cell.values for e in last] == [("embedded", 0), ("nowhere", 0), ("embedded", 1), ("nowhere", 1)]
    assert [(e.done, e.total) for e in last] == [(k, 4) for k in (1, 2, 3, 4)]
    assert last[-1].left.seconds == 0 < last[0].left.seconds
    told = [event for event in ended if isinstance(event, SweepCell)]
    assert {event.index for event in told} == {0, 1}
    first = [event.event for event in told if event.index == 0]
    assert isinstance(first[0], Prepared) and isinstance(first[-1], Finished)
    assert last[0].images.keys() == {"baseline", "enhanced"} and last[0].images["enhanced"].shape == (1, 3, 64, 64)


def test_a_cell_that_fails_has_its_reason_and_the_rest_goes_on(rows):
    assert [bool(row.error) for row in rows] == [False, True, False, True]
    assert "nowhere" in rows[1].error and rows[1].scores == {}


def test_baselines_are_shared_along_an_axis_of_the_enhanced_branch(recipe, loaded, tiny):
    sweep = Sweep(recipe, (parse_axis("seed", "3, 4"), parse_axis("enhanced.strength", "0, 1")))
    events = [e.event for e in run(loaded, tiny, cells(sweep), ()) if isinstance(e, SweepCell)]
    assert [e.kept for e in events if isinstance(e, Made) and e.which == "baseline"] == [False, True, False, True]


def test_a_cell_is_the_comparison_of_its_recipe(sweep, rows, ended, comparer, tiny):
    cell = cells(sweep)[1]
    alone = comparer.run(tiny, cell.recipe, ["grid"])
    (end,) = (e for e in ended if isinstance(e, CellEnded) and e.row.cell.index == 1)
    assert torch.equal(end.images["enhanced"], alone.enhanced)
    assert end.row.value("enhanced", "grid") == alone.finished.scores["enhanced"]["grid"].value
    assert end.row.value("enhanced", "psnr") == psnr_y(alone.enhanced, resize(tiny, (64, 64)))
    assert end.row.value("enhanced", "lr_psnr") == lr_psnr(alone.enhanced, tiny)
    assert end.row.value("change", "grid") == pytest.approx(end.row.value("enhanced", "grid") - end.row.value("baseline", "grid"))


def test_closing_frees_the_slot_and_runs_no_further_cell(recipe, loaded, tiny):
    events = run(loaded, tiny, cells(Sweep(recipe, (parse_axis("seed", "0:9:1"),))), ())
    next(events)
    next(events)
    events.close()
    assert loaded._slot.acquire(blocking=False)
    loaded._slot.release()


def test_a_caption_is_written_once_for_all_cells(recipe, loaded, tiny):
    sweep = Sweep(replace(recipe, caption=None), (parse_axis("enhanced.strength", "0, 1"),))
    ends = [e for e in run(loaded, tiny, cells(sweep), ()) if isinstance(e, CellEnded)]
    captions = {e.row.cell.recipe.caption for e in ends}
    assert len(captions) == 1 and None not in captions


def test_the_table_has_a_line_for_each_cell_and_reasons(sweep, rows):
    lines = list(csv.DictReader(io.StringIO(csv_text(sweep, rows))))
    assert [line["cell"] for line in lines] == ["0", "1", "2", "3"]
    assert [line["enhanced.refinement"] for line in lines] == ["embedded", "embedded", "nowhere", "nowhere"]
    assert float(lines[0]["psnr_enhanced"]) == pytest.approx(rows[0].value("enhanced", "psnr"), rel=1e-5)
    assert lines[2]["psnr_enhanced"] == "" and "nowhere" in lines[2]["error"]
    assert {"grid_input", "lr_psnr_baseline", "seconds_enhanced"} <= lines[0].keys()


def test_a_matrix_of_any_figure_along_any_two_axes(sweep, rows):
    found = matrix(sweep, rows, "lr_psnr")
    assert (found.label, found.lower_better) == ("LR-PSNR (area)", False)
    assert (found.columns, found.rows, found.values.shape) == (("embedded", "nowhere"), ("0", "1"), (2, 2))
    by_index = {row.cell.index: row.value("enhanced", "lr_psnr") for row in rows}
    assert found.values[:, 0].tolist() == [by_index[0], by_index[1]]
    assert all(math.isnan(value) for value in found.values[:, 1])
    turned = matrix(sweep, rows, "lr_psnr", columns=1, lines=0)
    assert turned.column_axis == "Seed" and turned.values[0].tolist() == found.values[:, 0].tolist()
    with pytest.raises(SweepError, match="place or fix each once"):
        matrix(sweep, rows, "grid", columns=0, lines=0)


def test_a_third_axis_is_fixed_and_one_axis_is_a_line(recipe, rows):
    axes = (Axis("enhanced.refinement", ("embedded",)), Axis("seed", (0, 1)), Axis("steps", (1, 2)))
    sweep = Sweep(recipe, axes)
    cubes = [replace(rows[0], cell=cell) for cell in cells(sweep)[:3]]
    found = matrix(sweep, cubes, "grid", fixed={"steps": 2})
    assert math.isnan(found.values[1, 0]) and found.values[0, 0] == rows[0].value("enhanced", "grid")
    line = Sweep(recipe, (Axis("seed", (0, 1)),))
    flat = matrix(line, [replace(rows[0], cell=cells(line)[1])], "grid", "change")
    assert flat.values.shape == (1, 2) and flat.row_axis == "" and math.isnan(flat.values[0, 0])


def test_sheets_hold_each_picture_at_its_place(recipe):
    axes = (parse_axis("seed", "0, 1, 2"), parse_axis("enhanced.strength", "0, 1"), parse_axis("steps", "1, 2"))
    sweep = Sweep(recipe, axes)
    found = cells(sweep)
    pictures = {c.index: Image.new("RGB", (400, 200), (20 * c.index, 99, 3)) for c in found if c.index != 5}
    small, big = (sheets(sweep, pictures, cell_px=side) for side in (100, 900))
    assert [sheet.title for sheet in small] == ["Steps 1", "Steps 2"]
    boxes = {index: (sheet, box) for sheet in small for index, box in sheet.boxes.items()}
    assert sorted(boxes) == list(range(12))
    for index, (sheet, (left, top, right, bottom)) in boxes.items():
        assert (right - left, bottom - top) == (100, 50)
        expected = (20 * index, 99, 3) if index != 5 else (225, 225, 225)
        assert sheet.image.crop((left, top, right, bottom)).getextrema() == tuple((v, v) for v in expected)
    xs, ys = ([boxes[cell.index][1][k] for cell in found if sweep.position(cell)[2] == 0] for k in (0, 1))
    assert xs == sorted(xs) and len(set(xs)) == 3 and len(set(ys)) == 2
    assert big[0].boxes[0][2] - big[0].boxes[0][0] == 400  # nothing is enlarged


def test_a_failed_cell_says_why_on_the_sheet_and_long_labels_are_cut(sweep, rows, ended):
    pictures = {
        e.row.cell.index: Image.fromarray(to_uint8(e.images["enhanced"])) for e in ended if isinstance(e, CellEnded) and e.images
    }
    (sheet,) = sheets(sweep, pictures, rows)
    blank = sheets(sweep, pictures)[0]
    assert sheet.image.crop(sheet.boxes[2]).getcolors() != blank.image.crop(blank.boxes[2]).getcolors()
    long = Sweep(sweep.recipe, (Axis("caption", ("word " * 200, "b")),))
    assert sheets(long, pictures)[0].image.height < 300
