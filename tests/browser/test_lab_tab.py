"""The Prompt lab, on the real page: a sweep of 2 x 2, its heat-map and files, a cell opened in Compare, Stop, Suggest."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from studio_page import ARTEFACTS, PHONE, WAIT_MS, downloaded, open_tab, quick, severe, too_wide

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(page: Page, small: Path) -> Page:
    """The tab with a photograph of 48 px, and one step asked for in Compare."""
    quick(page)
    page.fill("#control-caption textarea", "a <b>${1+1}</b> boat")
    open_tab(page, "Prompt lab")
    page.set_input_files("#lab-photo input[type=file]", small)
    expect(page.locator("#lab-photo img")).to_be_visible(timeout=WAIT_MS)
    return page


def type_values(page: Page, number: int, text: str) -> None:
    page.fill(f"#lab-values{number} textarea", text)


def test_a_sweep_of_two_by_two_and_a_cell_opened_in_compare(lab: Page) -> None:
    type_values(lab, 0, "1, two")
    expect(lab.locator("#lab-plan [role=alert]")).to_contain_text("'two' is neither a number", timeout=WAIT_MS)
    lab.click("#lab-run")
    lab.wait_for_timeout(1500)
    expect(lab.locator("#lab-progress")).to_contain_text("Ready")  # refused; the plan says why, just above the button
    expect(lab.locator("#lab-plan [role=alert]")).to_be_visible()
    type_values(lab, 0, "1, 1.5")
    type_values(lab, 1, "0, 1")
    expect(lab.locator("#lab-plan")).to_contain_text(re.compile("2 × 2 = 4 cells, about"), timeout=WAIT_MS)
    lab.click("#lab-run")
    cells = lab.locator("#lab-grid .cell")
    expect(cells).to_have_count(4, timeout=WAIT_MS)
    expect(lab.locator("#lab-progress")).to_contain_text("Finished: 4 cells", timeout=WAIT_MS)
    expect(lab.locator("#lab-grid .cell.done")).to_have_count(4)
    lab.select_option("#lab-grid .metric", label="PIQE ↓")
    expect(lab.locator("#lab-grid .cell.best")).to_have_count(1)
    lab.get_by_role("button", name="Heat map").click()
    expect(lab.locator("#lab-grid .legend .words")).to_contain_text("lower is better")
    lab.screenshot(path=ARTEFACTS / "lab_heat.png", full_page=True)
    assert severe(lab, "#lab") == []
    rows = list(csv.DictReader(downloaded(lab, "#lab-download-csv")[1].read_text().splitlines()))
    assert [(row["guidance_scale"], row["enhanced.strength"]) for row in rows] == [
        ("1.0", "0.0"), ("1.0", "1.0"), ("1.5", "0.0"), ("1.5", "1.0"),
    ]  # fmt: skip
    with Image.open(downloaded(lab, "#lab-download-enhanced")[1]) as opened:
        assert [axis["path"] for axis in json.loads(opened.text["rapsr-sweep"])["axes"]] == [
            "guidance_scale",
            "enhanced.strength",
        ]
    cells.first.focus()
    lab.keyboard.press("ArrowRight")
    lab.keyboard.press("ArrowDown")
    expect(lab.locator("#lab-grid .cell:focus")).to_have_attribute(
        "aria-label", re.compile("Guidance scale 1.5, Refinement strength 1:")
    )
    lab.keyboard.press("ArrowUp")
    lab.keyboard.press("Enter")
    expect(lab.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true", timeout=WAIT_MS)
    expect(lab.locator("#status")).to_contain_text("From the Prompt lab: Guidance scale 1.5, Refinement strength 0")
    expect(lab.locator("#control-guidance-scale input[type=number]")).to_have_value("1.5")
    expect(lab.locator("#viewer .tag.right")).to_have_text("RAP-SR enhanced")
    expect(lab.locator("#control-caption textarea")).to_have_value("a <b>${1+1}</b> boat")
    expect(lab.locator("#photo img")).to_be_visible()
    lab.screenshot(path=ARTEFACTS / "lab_opened.png", full_page=True)


def test_labels_stay_in_sight_when_scrolled_and_all_cells_zoom_together(lab: Page) -> None:
    type_values(lab, 0, "1, 1.5")
    type_values(lab, 1, "0, 1")
    lab.click("#lab-run")
    expect(lab.locator("#lab-grid .cell.done")).to_have_count(4, timeout=WAIT_MS)
    size = lab.locator("#lab-grid .size")
    size.focus()
    lab.keyboard.press("End")
    scroller = lab.locator("#lab-grid .scroller")
    scroller.evaluate("box => { box.scrollTop = 700; box.scrollLeft = 500; }")
    outer, column, row = (
        lab.locator(f"#lab-grid {name}").bounding_box()
        for name in (".scroller", "thead th:nth-child(3)", "tbody tr:nth-child(2) th span")
    )
    assert outer and column and row
    assert column["y"] == pytest.approx(outer["y"], abs=2)
    assert outer["x"] <= row["x"] < outer["x"] + 20 and outer["y"] <= row["y"] <= outer["y"] + outer["height"]
    lab.locator("#lab-grid .detail").focus()
    lab.keyboard.press("End")
    transforms = lab.locator("#lab-grid .cell img").evaluate_all("all => all.map((i) => getComputedStyle(i).transform)")
    assert set(transforms) == {"matrix(16, 0, 0, 16, 0, 0)"}
    lab.screenshot(path=ARTEFACTS / "lab_zoomed.png")


def test_stop_keeps_the_cells_that_are_done(lab: Page) -> None:
    type_values(lab, 0, "1:2:0.05")
    lab.click("#lab-run")
    expect(lab.locator("#lab-grid .cell.done").nth(1)).to_be_visible(timeout=WAIT_MS)
    lab.click("#lab-stop")
    expect(lab.locator("#lab-progress")).to_contain_text(re.compile(r"Stopped: \d+ of 63 comparisons are there"), timeout=WAIT_MS)
    assert 2 <= lab.locator("#lab-grid .cell.done").count() < 63
    assert len(downloaded(lab, "#lab-download-csv")[1].read_text().splitlines()) >= 3


def test_suggest_shows_a_front_and_a_point_opens(lab: Page) -> None:
    lab.locator("#lab-group-suggest .label-wrap").click()
    lab.fill("#lab-budget input", "6")
    lab.press("#lab-budget input", "Tab")
    expect(lab.locator("#lab-plan")).to_contain_text("at most 6 comparisons", timeout=WAIT_MS)
    lab.click("#lab-suggest")
    expect(lab.locator("#lab-progress")).to_contain_text("Finished:", timeout=WAIT_MS)
    points = lab.locator("#lab-front .point")
    assert points.count() >= 2
    expect(lab.locator("#lab-front .point.best")).to_have_count(1)
    lab.screenshot(path=ARTEFACTS / "lab_suggest.png", full_page=True)
    assert severe(lab, "#lab") == []
    lab.set_viewport_size(PHONE)
    assert too_wide(lab) == []
    lab.screenshot(path=ARTEFACTS / "lab_phone.png", full_page=True)
    lab.locator("#lab-front .point.best").click()
    expect(lab.locator("#status")).to_contain_text("From the Prompt lab:", timeout=WAIT_MS)
