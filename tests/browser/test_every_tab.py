"""Every tab of the real page, filled as by a visitor: no serious accessibility violation, nothing wider than the screen, no control under another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from studio_page import ARTEFACTS, PHONE, WAIT_MS, compare, covered, open_photo, open_tab, quick, severe, tabs, too_wide

pytestmark = pytest.mark.browser
DESKTOP = {"width": 1440, "height": 900}
PANEL = "#tabs > [role=tabpanel]"


def fill_compare(page: Page, photo: Path) -> None:
    """A photograph with a finished result, which becomes a pair of the Vote tab."""
    open_tab(page, "Vote")
    page.locator("#vote-record input").check()
    open_tab(page, "Compare")
    open_photo(page, photo)
    open_groups(page)
    quick(page)
    compare(page)
    page.click("#copy-link")
    page.click("#keep")


def fill_lab(page: Page, photo: Path) -> None:
    """A finished sweep of 2 x 2 of Compare's photograph."""
    page.click("#lab-take")
    expect(page.locator("#lab-photo img")).to_be_visible(timeout=WAIT_MS)
    page.fill("#lab-values0 textarea", "1, 1.5")
    page.fill("#lab-values1 textarea", "0, 1")
    expect(page.locator("#lab-plan")).to_contain_text("2 × 2 = 4 cells", timeout=WAIT_MS)
    page.click("#lab-run")
    expect(page.locator("#lab-progress")).to_contain_text("Finished: 4 cells", timeout=WAIT_MS)
    page.select_option("#lab-grid .metric", label="PIQE ↓")


def fill_degrade(page: Page, photo: Path) -> None:
    """All stages of a degradation."""
    page.set_input_files("#degrade-photo input[type=file]", photo)
    expect(page.locator("#degrade-steps tbody tr").first).to_be_visible(timeout=WAIT_MS)


def fill_curate(page: Page, photo: Path) -> None:
    """An open curation."""
    page.get_by_label("Curation").click()
    page.get_by_role("option", name="tiny").click()
    expect(page.locator("#curate-summary")).to_contain_text("of 7 kept", timeout=WAIT_MS)
    page.locator("#curate-board summary").click()


def fill_vote(page: Page, photo: Path) -> None:
    """The pair of the comparison, not answered."""
    page.click("#vote-next")
    expect(page.locator("#vote-panel button").first).to_be_enabled(timeout=WAIT_MS)


FILL: dict[str, Callable[[Page, Path], None]] = {
    "Compare": fill_compare, "Prompt lab": fill_lab, "Degrade lab": fill_degrade, "Curate": fill_curate, "Vote": fill_vote,
}  # fmt: skip
"""Tabs that a visitor puts something into, in this order. Any other tab is looked at as it opens."""


def open_groups(page: Page) -> None:
    """Every accordion of the tab that is shown."""
    while closed := page.locator(f"{PANEL}:visible .label-wrap:not(.open):visible").all():
        closed[0].click()
        page.wait_for_timeout(150)


@dataclass(frozen=True)
class Studio:
    """The page with everything in it, and all its tabs."""

    page: Page
    tabs: list[str]


@pytest.fixture(scope="module")
def filled(server: Any, curation: Path, browser: Browser, photo: Path, small: Path) -> Iterator[Studio]:
    page = browser.new_page(viewport=DESKTOP)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(server.url)
    page.wait_for_selector("#run", timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    names = tabs(page)
    assert set(FILL) <= set(names)
    for name, fill in FILL.items():
        open_tab(page, name)
        fill(page, small if name == "Compare" else photo)
        open_groups(page)
    yield Studio(page, names)
    page.close()
    assert problems == []


def shown(studio: Studio, size: dict[str, int], theme: str) -> Iterator[str]:
    """Each tab in turn, of the page at a size and in a theme; a picture of it is kept."""
    page = studio.page
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
    page.set_viewport_size(size)
    for name in studio.tabs:
        open_tab(page, name)
        expect(page.locator(f"{PANEL}:visible")).to_have_count(1)
        open_groups(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(600)
        file = f"tab_{name.lower().replace(' ', '_')}_{size['width']}_{theme}.png"
        page.screenshot(path=ARTEFACTS / file, full_page=True)
        yield name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation_on_any_tab(filled: Studio, theme: str) -> None:
    found = {name: severe(filled.page, "body") for name in shown(filled, DESKTOP, theme)}
    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen_and_no_control_lies_under_another(filled: Studio, size: dict[str, int]) -> None:
    found = {name: too_wide(filled.page) + covered(filled.page, PANEL) for name in shown(filled, size, "light")}
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_a_phone_in_the_dark_shows_the_same(filled: Studio) -> None:
    assert {name: violations for name in shown(filled, PHONE, "dark") if (violations := severe(filled.page, "body"))} == {}
