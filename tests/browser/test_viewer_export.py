"""The viewer in the exported page and in the studio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from studio_page import WAIT_MS, compare, downloaded, open_photo, set_number
from viewer_page import (
    ARTEFACTS,
    DESKTOP,
    array,
    severe,
    triple,
)
from viewer_site import Site

from studio.viewer import export

pytestmark = pytest.mark.browser


# The exported page


@pytest.fixture(scope="module")
def exported(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "comparison.html"
    path.write_text(
        export.comparison_page(list(site.pictures.values()), "boats & <b>co</b> ${1+1}", '{"seed": 7}'), encoding="utf-8"
    )
    return path


def test_the_exported_page_works_from_a_file_without_network(exported: Path, site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport=DESKTOP)
    context.set_offline(True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith(("data:", exported.as_uri())) else problems.append(r.url))
    page.goto(exported.as_uri())
    page.wait_for_selector(".picture.left[src]")
    expect(page.get_by_role("heading", level=1)).to_have_text("boats & <b>co</b> ${1+1}")
    page.locator(".stage").focus()
    page.keyboard.press("d")
    level = np.abs(array(site.pictures["baseline"]).astype(float) - array(site.pictures["enhanced"])).mean()
    expect(page.locator(".stats")).to_contain_text(f"Mean {level:.2f}")
    page.keyboard.press("b")
    for key in "12":
        page.keyboard.press(key)
    expect(page.locator(".pane")).to_have_count(4)
    page.keyboard.press("Shift+ArrowRight")
    cells = {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in page.locator(".readout > div").all()}
    column, row = map(int, cells["Pixel"].split(","))
    for picture in site.pictures.values():
        assert triple(cells[picture.label]) == tuple(array(picture)[row, column])
    page.locator("summary").click()
    expect(page.locator("#recipe")).to_have_text('{"seed": 7}')
    page.screenshot(path=ARTEFACTS / "viewer_exported.png", full_page=True)
    context.close()
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_exported_page(exported: Path, browser: Browser, scheme: str) -> None:
    page = browser.new_page(viewport=DESKTOP, color_scheme=scheme)
    page.goto(exported.as_uri())
    page.wait_for_selector(".picture.left[src]")
    page.locator("summary").click()
    page.screenshot(path=ARTEFACTS / f"viewer_exported_{scheme}.png")
    found = severe(page, "html")
    page.close()
    assert found == []


# In the studio


def test_the_studio_shows_live_scores_and_gives_the_page_and_the_sheet(
    page: Page, photo: Path, browser: Browser, tmp_path: Path
) -> None:
    open_photo(page, photo)
    expect(page.locator("#viewer .marks").first).to_contain_text("NIQE", timeout=WAIT_MS)
    set_number(page, "steps", 1)
    set_number(page, "seed", 41)  # no other test's seed: this baseline is to be computed
    compare(page)
    expect(page.locator("#viewer .caption.left li")).to_have_count(3)
    expect(page.locator("#viewer .caption.right li")).to_have_count(3)
    row = page.locator("#scores tbody tr").first.locator("td").all_inner_texts()
    assert page.locator("#viewer .caption.left b").first.inner_text() == row[1]
    assert page.locator("#viewer .caption.right b").first.inner_text() == row[2]
    page.locator("#viewer .stage").focus()
    page.keyboard.press("b")
    page.screenshot(path=ARTEFACTS / "viewer_studio.png")
    files = {}
    for name in ("sheet", "page"):
        suggested, file = downloaded(page, f"#download-{name}")
        files[name] = file.rename(tmp_path / suggested)
    assert [path.suffix for path in files.values()] == [".png", ".html"]
    with Image.open(files["sheet"]) as sheet:
        assert sheet.width > 4 * 384 and "rapsr-recipe" in sheet.text
    other = browser.new_page()
    other.goto(files["page"].as_uri())
    other.wait_for_selector(".picture.left[src]")
    assert sorted(other.locator(".tag").all_inner_texts()) == ["Baseline", "RAP-SR enhanced"]
    expect(other.locator(".caption.right li")).to_have_count(3)
    other.close()
