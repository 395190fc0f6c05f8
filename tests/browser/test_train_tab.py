"""The Train tab, on the real app: a small refinement is trained, stopped midway, resumed, finished, and compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from studio_page import ARTEFACTS, PHONE, WAIT_MS, compare, downloaded, open_group, open_photo, open_tab, quick, severe
from tiny_dataset import dataset

pytestmark = pytest.mark.browser
SMALL = {
    "steps": 60,
    "batch-size": 1,
    "rank": 2,
    "threads": 1,
    "warmup-steps": 5,
    "resolution": 16,
    "cache-items": 1,
    "validation-steps": 20,
}


@pytest.fixture(scope="session")
def server(app: Any) -> Any:
    """`python app.py`: what the tab trains is the shipped prior."""
    return app


def opened(server, browser: Browser, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page.goto(f"{server.url}/?__theme={scheme}")
    page.wait_for_selector("#run", timeout=WAIT_MS)
    return page


@pytest.fixture
def train(server, browser: Browser) -> Iterator[Page]:
    """The tab, on a studio that has a curated dataset named small."""
    if not (server.curations / "small").exists():
        dataset(server.curations / "small")
    page = opened(server, browser)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    open_tab(page, "Train")
    expect(page.locator("#train-plan")).to_contain_text("Choose a curated dataset", timeout=WAIT_MS)
    yield page
    page.close()
    assert problems == []


def fill(page: Page, name: str) -> None:
    page.get_by_label("Curated dataset").click()
    page.get_by_role("option", name="small").click()
    for group in ("samples", "optimiser", "watching"):
        page.locator(f"#train-group-{group} .label-wrap").click()
        page.wait_for_timeout(400)  # the group is built on its first opening
    page.locator("#train-objective").get_by_label("Plain").check()
    page.locator("#train-mixed-precision").get_by_label("None").check()  # twice as fast on a processor without bf16 units
    for control, value in SMALL.items():
        box = page.locator(f"#train-{control} input").first
        box.fill(str(value))
        box.press("Tab")
    page.locator("#train-name input, #train-name textarea").fill(name)
    expect(page.locator("#train-command textarea")).to_have_value(re.compile(rf"--shelve {name}"), timeout=WAIT_MS)


def test_a_refinement_is_trained_stopped_resumed_and_compared_with(train: Page, server, browser: Browser, photo: Path) -> None:
    other = opened(server, browser)  # another visitor, who never looks at this tab before it is over
    fill(train, "mine")
    expect(train.locator("#train-plan")).to_contain_text("3 photographs of small; 60 steps of 1 = 60 samples", timeout=WAIT_MS)
    command = train.locator("#train-command textarea").input_value()
    assert "--objective plain" in command and "--steps 60" in command and str(server.curations) not in command
    train.click("#train-start")
    state = train.locator("#train-progress .state")
    expect(state).to_contain_text("mine is", timeout=WAIT_MS)
    expect(train.locator("#train-start")).to_be_disabled()
    expect(train.locator("#train-busy")).to_contain_text("only one run trains at a time")
    expect(train.locator("#train-name input, #train-name textarea")).to_have_value("mine-2")
    expect(state).to_contain_text(re.compile(r"step [24]0 of 60"), timeout=WAIT_MS)
    expect(train.locator("#train-curve polyline")).to_have_count(1)
    train.click("#train-stop")
    expect(state).to_contain_text("was stopped", timeout=WAIT_MS)
    expect(train.locator("#train-stop")).to_be_disabled()

    train.reload()
    open_tab(train, "Train")
    expect(train.get_by_role("radio", name="mine: stopped")).to_be_checked(timeout=WAIT_MS)
    expect(train.locator("#train-log")).to_contain_text("stopped at step")
    assert severe(train, "#train") == []
    train.screenshot(path=ARTEFACTS / "train_stopped.png", full_page=True)
    train.click("#train-resume")
    expect(state).to_contain_text("has finished; its refinement is in Compare", timeout=WAIT_MS)
    expect(train.locator("#train-log")).to_contain_text(re.compile(r"resumed at step \d+[\s\S]*wrote refinement mine"))
    expect(train.locator("#train-progress")).to_contain_text("Identifier contrast")
    rows = [json.loads(line) for line in (server.trainings / "mine/progress.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [20, 40, 60]

    sheet = train.locator("#train-sheet img")
    sheet.scroll_into_view_if_needed()
    expect(train.locator("#train-sheet-told")).to_contain_text("step 60. Rows from the top: the guide")
    newest = sheet.get_attribute("src")
    train.click("#train-earlier")
    expect(train.locator("#train-sheet-told")).to_contain_text("step 40")
    expect(sheet).not_to_have_attribute("src", newest or "")
    train.screenshot(path=ARTEFACTS / "train_finished.png")

    choices(other)
    expect(other.get_by_role("option", name="mine (of prior embedded)")).to_be_visible(timeout=WAIT_MS)
    other.close()
    train.click("#train-open")
    choices(train)
    expect(train.locator("#control-enhanced-refinement input")).to_have_value("mine (of prior embedded)")
    train.keyboard.press("Escape")
    open_photo(train, photo)
    quick(train)
    compare(train)
    recipe = json.loads(downloaded(train, "#download-recipe")[1].read_text())
    assert recipe["enhanced"]["refinement"] == "mine"
    train.screenshot(path=ARTEFACTS / "train_compared.png")


def choices(page: Page) -> None:
    """Open Compare's list of refinements."""
    open_group(page, "enhanced")
    page.locator("#control-enhanced-refinement input").click(timeout=WAIT_MS)


def test_a_bad_value_is_told_before_anything_runs(train: Page, server) -> None:
    before = sorted(path.name for path in server.trainings.glob("*"))
    train.get_by_label("Curated dataset").click()
    train.get_by_role("option", name="small").click()
    train.locator("#train-name input, #train-name textarea").fill("a/b")
    expect(train.locator("#train-plan .problem")).to_contain_text("'a/b' is no name", timeout=WAIT_MS)
    expect(train.locator("#train-command textarea")).to_have_value("")
    train.click("#train-start")
    expect(train.locator("#train-name div.validation-error")).to_contain_text("'a/b' is no name", timeout=WAIT_MS)
    assert sorted(path.name for path in server.trainings.glob("*")) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tab_is_accessible_and_fits_a_phone(train: Page, server, browser: Browser, scheme: str) -> None:
    page = opened(server, browser, scheme)
    open_tab(page, "Train")
    for group in ("identifiers", "samples", "optimiser", "watching"):
        page.locator(f"#train-group-{group} .label-wrap").click()
    expect(page.locator("#train-plan p").first).to_be_visible(timeout=WAIT_MS)
    page.wait_for_timeout(500)
    assert severe(page, "#train") == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=ARTEFACTS / f"train_phone_{scheme}.png", full_page=True)
    page.close()
