"""The Curate tab, on the real app over a real scored pool: open it, move thresholds by mouse and keyboard, take the rules away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tiny_scored import LENIENT, scored
from viewer_page import severe

pytestmark = pytest.mark.browser
ARTEFACTS = Path(__file__).with_name("artefacts")
WAIT_MS = 60_000


@pytest.fixture
def curate(server, browser: Browser) -> Iterator[Page]:
    """The tab with the curation open."""
    if not (server.curations / "tiny").exists():
        scored(server.curations.parent / "pool", server.curations / "tiny")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(server.url)
    page.get_by_role("tab", name="Curate").click()
    expect(page.locator("#curate-status")).to_have_text("", timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    page.get_by_label("Curation").click()
    page.get_by_role("option", name="tiny").click()
    expect(page.locator("#curate-summary")).to_contain_text("of 7 kept", timeout=WAIT_MS)
    yield page
    page.close()
    assert problems == []


def kept(page: Page) -> int:
    return int(page.locator("#curate-summary b").inner_text())


def handle(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def test_a_threshold_moves_by_mouse_and_by_keyboard(curate: Page) -> None:
    before = kept(curate)
    slider = handle(curate, "Short side, lower threshold")
    plot = curate.locator("#curate-board .card", has=slider).locator(".plot").bounding_box()
    box = slider.bounding_box()
    assert plot and box
    curate.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    curate.mouse.down()
    curate.mouse.move(plot["x"] + plot["width"] * 0.9, box["y"] + 40, steps=8)
    expect(slider).not_to_have_attribute("aria-valuenow", "64")
    curate.mouse.move(plot["x"] + plot["width"] + 60, box["y"] + 40, steps=4)
    curate.mouse.up()
    expect(curate.locator("#curate-summary b")).to_have_text("0", timeout=WAIT_MS)
    expect(curate.locator("#curate-changes")).to_contain_text(f"Went out: {before}", timeout=WAIT_MS)
    curate.screenshot(path=ARTEFACTS / "curate.png", full_page=True)
    slider.focus()
    curate.keyboard.press("Delete")
    expect(slider).to_have_attribute("aria-valuetext", "none")
    expect(curate.locator("#curate-summary b")).to_have_text(str(before), timeout=WAIT_MS)
    slider.focus()
    curate.keyboard.press("Home")
    curate.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^\d+ px$"))


def test_rules_are_taken_away_and_defaults_come_back(curate: Page) -> None:
    with curate.expect_download(timeout=WAIT_MS) as waiting:
        curate.click("#curate-download-rules")
    assert json.loads(Path(waiting.value.path()).read_text()) == LENIENT
    curate.click("#curate-defaults")
    expect(curate.locator("#curate-summary b")).to_have_text("0", timeout=WAIT_MS)
    expect(handle(curate, "Short side, lower threshold")).to_have_attribute("aria-valuetext", "512 px")
    curate.click("#curate-made")
    expect(curate.locator("#curate-summary b")).not_to_have_text("0", timeout=WAIT_MS)


def test_the_tab_is_accessible_and_fits_a_phone(curate: Page) -> None:
    curate.locator("#curate-board summary").click()
    assert severe(curate, "#curate") == []
    curate.set_viewport_size({"width": 390, "height": 844})
    assert curate.evaluate("document.documentElement.scrollWidth") <= 390
    curate.screenshot(path=ARTEFACTS / "curate_phone.png", full_page=True)


def test_the_review_desk_opens_beside_the_page(curate: Page, browser: Browser) -> None:
    curate.get_by_role("button", name="Human review").click()
    box = curate.locator("#curate-reviewer input, #curate-reviewer textarea")
    box.fill("ana")
    box.press("Tab")
    curate.click("#curate-desk")
    link = curate.locator("#curate-link a")
    expect(link).to_be_visible(timeout=WAIT_MS)
    desk = browser.new_page()
    desk.goto(link.get_attribute("href") or "")
    expect(desk.locator("body")).to_contain_text("ana", timeout=WAIT_MS)
    desk.close()
