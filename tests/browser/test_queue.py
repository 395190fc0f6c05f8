"""Who computes when: a batch that is stopped, another page between two of its files, what is opened while something runs."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from studio_page import ARTEFACTS, WAIT_MS, compare, downloaded, open_group, open_photo, open_tab, quick, set_number

pytestmark = pytest.mark.browser
FILES = 4


@pytest.fixture
def photos(small: Path, tmp_path: Path) -> list[Path]:
    """FILES photographs, one.png ... four.png in their order."""
    paths = [tmp_path / f"{name}.png" for name in ("one", "two", "three", "four")]
    with Image.open(small) as opened:
        for turn, path in enumerate(paths):
            opened.rotate(90 * turn).save(path)
    return paths


@pytest.fixture
def other(server: Any, browser: Browser) -> Iterator[Page]:
    """A second visitor's page."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(server.url)
    page.wait_for_selector("#run", timeout=WAIT_MS)
    yield page
    page.close()


def start_batch(page: Page, photos: list[Path]) -> None:
    quick(page)
    open_group(page, "batch")
    page.set_input_files("#batch-files input[type=file]", photos)
    expect(page.locator("#batch-files")).to_contain_text("four", timeout=WAIT_MS)
    page.click("#batch-run")


def done(page: Page) -> int:
    """Files of the batch that have scores."""
    return page.locator("#batch-list tbody tr", has_text="→").count()


def test_a_stopped_batch_gives_what_is_finished_and_names_the_rest(page: Page, photos: list[Path]) -> None:
    start_batch(page, photos)
    expect(page.locator("#batch-progress")).to_contain_text("File 2 of 4, two", timeout=WAIT_MS)
    page.click("#batch-stop")
    expect(page.locator("#batch-progress")).to_contain_text("Stopped: 1 of 4 files finished")
    rows = page.locator("#batch-list tbody tr")
    assert rows.count() == FILES
    assert rows.filter(has_text="not done").locator("th").all_inner_texts() == ["two", "three", "four"]
    page.screenshot(path=ARTEFACTS / "batch_stopped.png", full_page=True)
    _, file = downloaded(page, "#batch-download")
    with zipfile.ZipFile(file) as archive:
        assert {name for name in archive.namelist() if name.endswith(".png")} == {"baseline/one.png", "enhanced/one.png"}
        (row,) = csv.DictReader(io.StringIO(archive.read("scores.csv").decode()))
    assert row["image"] == "one" and float(row["niqe_enhanced"]) > 0
    assert done(page) == 1
    page.click("#batch-run")  # the next one starts anew, and the first goes on no more
    expect(page.locator("#batch-progress")).to_contain_text("4 of 4 files finished", timeout=WAIT_MS)
    assert done(page) == FILES


def test_another_page_compares_between_two_files_of_a_batch(page: Page, other: Page, photos: list[Path], small: Path) -> None:
    open_photo(other, small)
    quick(other)
    start_batch(page, photos)
    expect(page.locator("#batch-progress")).to_contain_text("File 1 of 4, one", timeout=WAIT_MS)
    compare(other)
    assert 1 <= done(page) < FILES - 1  # one was running; the others waited for the visitor
    expect(page.locator("#batch-progress")).to_contain_text("4 of 4 files finished", timeout=WAIT_MS)
    assert done(page) == FILES


def test_a_second_photograph_is_looked_at_while_the_first_still_is(page: Page) -> None:
    first, second = page.locator("#examples button").nth(0), page.locator("#examples button").nth(1)
    first.click()
    page.wait_for_timeout(150)
    second.click()
    expect(page.locator("#status")).to_contain_text("on this machine", timeout=WAIT_MS)
    page.wait_for_timeout(4000)  # whatever the first one still says comes now
    expect(page.locator("#status")).to_contain_text("on this machine", timeout=WAIT_MS)
    width, height = page.locator("#photo img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    expect(page.locator("#status")).to_contain_text(f"{width} × {height} px")
    shown = page.locator("#viewer .picture.right").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert shown == [4 * width, 4 * height]


def test_a_cell_that_is_opened_ends_the_comparison_that_runs(page: Page, small: Path, photo: Path) -> None:
    quick(page)
    open_tab(page, "Prompt lab")
    page.set_input_files("#lab-photo input[type=file]", small)
    expect(page.locator("#lab-photo img")).to_be_visible(timeout=WAIT_MS)
    page.fill("#lab-values0 textarea", "1, 1.5")
    page.fill("#lab-values1 textarea", "1")
    page.click("#lab-run")
    expect(page.locator("#lab-progress")).to_contain_text("Finished: 2 cells", timeout=WAIT_MS)
    open_tab(page, "Compare")
    open_photo(page, photo)
    set_number(page, "steps", 50)
    page.click("#run")
    expect(page.locator("#progress .message")).to_contain_text(re.compile("(Baseline|Enhanced), step"), timeout=WAIT_MS)
    open_tab(page, "Prompt lab")
    page.locator("#lab-grid .cell").nth(1).click()
    expect(page.locator("#status")).to_contain_text("From the Prompt lab: Guidance scale 1.5", timeout=WAIT_MS)
    page.wait_for_timeout(5000)  # late events of the run would come now
    expect(page.locator("#status")).to_contain_text("From the Prompt lab: Guidance scale 1.5")
    expect(page.locator("#progress .message")).to_contain_text("Finished")
    assert page.locator("#viewer .picture.right").evaluate("image => image.naturalWidth") == 4 * 48
    _, file = downloaded(page, "#download-sheet")  # of the cell, and made although no run ended
    with Image.open(file) as sheet:
        assert "rapsr-recipe" in sheet.text
    set_number(page, "steps", 1)
    compare(page)  # the slot is free
