"""The Curate tab, on the real page over a real scored pool: open it, move thresholds by mouse and keyboard, take the rules away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, Route, expect
from studio_page import ARTEFACTS, WAIT_MS, open_tab
from tiny_scored import LENIENT

pytestmark = pytest.mark.browser


@pytest.fixture
def curate(server: Any, curation: Path, browser: Browser) -> Iterator[Page]:
    """The tab with the curation open."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(server.url)
    open_tab(page, "Curate")
    expect(page.locator("#curate-status")).to_have_text("", timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    page.locator("#curate-name input").click()
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


def test_an_answer_that_a_later_one_overtook_does_not_stay(curate: Page) -> None:
    """A slow machine: the first answer of a drag arrives after the last one's."""
    before = kept(curate)
    overtaken: list[tuple[Route, APIResponse]] = []

    def hold_the_first(route: Route) -> None:
        if overtaken or "event_data" not in (route.request.post_data or "") or "rules" not in (route.request.post_data or ""):
            route.continue_()
        else:
            overtaken.append((route, route.fetch()))

    curate.route("**/gradio_api/run/predict**", hold_the_first)
    slider = handle(curate, "Short side, lower threshold")
    slider.focus()
    curate.keyboard.press("ArrowRight")  # one pixel: all stay
    curate.keyboard.press("End")
    curate.keyboard.press("ArrowRight")
    expect(curate.locator("#curate-summary b")).to_have_text("0", timeout=WAIT_MS)  # asked again after five seconds
    ((route, answer),) = overtaken
    assert f"<b>{before}</b>" in answer.text()
    with curate.expect_response("**/gradio_api/run/predict**", timeout=WAIT_MS):
        route.fulfill(response=answer)
    expect(curate.locator("#curate-summary b")).not_to_have_text("0", timeout=WAIT_MS)
    expect(curate.locator("#curate-summary b")).to_have_text("0", timeout=WAIT_MS)


def test_rules_are_taken_away_and_defaults_come_back(curate: Page) -> None:
    with curate.expect_download(timeout=WAIT_MS) as waiting:
        curate.click("#curate-download-rules")
    assert json.loads(Path(waiting.value.path()).read_text()) == LENIENT
    curate.click("#curate-defaults")
    expect(curate.locator("#curate-summary b")).to_have_text("0", timeout=WAIT_MS)
    expect(handle(curate, "Short side, lower threshold")).to_have_attribute("aria-valuetext", "512 px")
    curate.click("#curate-made")
    expect(curate.locator("#curate-summary b")).not_to_have_text("0", timeout=WAIT_MS)


def test_what_a_reviewer_decides_at_the_desk_is_applied(curate: Page, browser: Browser) -> None:
    before = kept(curate)
    expect(curate.locator("#curate-review input")).to_be_disabled()
    curate.get_by_role("button", name="Human review").click()
    curate.click("#curate-desk")
    expect(curate.get_by_test_id("toast-text")).to_contain_text("reviewer", timeout=WAIT_MS)  # without a name it is refused
    box = curate.locator("#curate-reviewer input, #curate-reviewer textarea")
    box.fill("ana")
    box.press("Tab")
    curate.click("#curate-desk")
    link = curate.locator("#curate-link a")
    expect(link).to_be_visible(timeout=WAIT_MS)
    desk = browser.new_page(viewport={"width": 1280, "height": 800})
    desk.goto(link.get_attribute("href") or "")
    expect(desk.locator("#reviewer")).to_have_text("ana", timeout=WAIT_MS)
    desk.wait_for_selector("body[data-shown]")
    desk.keyboard.press("r")
    expect(desk.locator("#counts")).to_contain_text("1 rejected", timeout=WAIT_MS)
    desk.screenshot(path=ARTEFACTS / "curate_desk.png")
    desk.close()
    curate.locator("#curate-review input").check()
    expect(curate.locator("#curate-summary b")).to_have_text(str(before - 1), timeout=WAIT_MS)
    expect(curate.locator("#curate-changes")).to_contain_text("Went out: 1", timeout=WAIT_MS)


def test_scoring_is_stopped_goes_on_and_can_then_be_chosen(curate: Page, server: Any, browser: Browser) -> None:
    curate.get_by_role("button", name="Score a new pool").click()
    curate.click("#curate-stop")
    expect(curate.get_by_test_id("toast-text")).to_contain_text("there is no job to stop", timeout=WAIT_MS)
    curate.locator("#curate-pool input").click()
    curate.get_by_role("option", name="tiny").click()
    name = curate.locator("#curate-new input, #curate-new textarea")
    name.fill("again")
    name.press("Tab")
    curate.click("#curate-start")
    told = curate.locator("#curate-job")
    expect(told).to_contain_text("again: running", timeout=WAIT_MS)
    name.fill("something else")  # what is stopped is the job, whatever is typed meanwhile
    other = browser.new_page()
    other.goto(server.url)
    open_tab(other, "Curate")
    other.get_by_role("button", name="Score a new pool").click()
    expect(other.locator("#curate-job")).to_contain_text("again: running", timeout=WAIT_MS)  # whoever opens the page sees it
    other.close()
    expect(told).to_contain_text(re.compile(r"\b[0-6]/7"), timeout=WAIT_MS)
    curate.click("#curate-stop")
    expect(told).to_contain_text("again: stopped", timeout=WAIT_MS)
    curate.screenshot(path=ARTEFACTS / "curate_stopped.png", full_page=True)
    assert not (server.curations / "again" / "scores.parquet").exists()
    name.fill("again")
    name.press("Tab")
    curate.click("#curate-start")
    expect(told).to_contain_text("again: running", timeout=WAIT_MS)
    expect(told).to_contain_text("again: finished", timeout=WAIT_MS)
    curate.locator("#curate-name input").click()
    curate.get_by_role("option", name="again").click()
    expect(curate.locator("#curate-summary")).to_contain_text("of 7 kept", timeout=WAIT_MS)
