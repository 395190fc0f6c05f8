"""The Vote tab, on the real page: a recorded comparison, a blind pair answered by key, who was who, ratings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from studio_page import ARTEFACTS, PHONE, WAIT_MS, compare, open_photo, open_tab, quick, severe, too_wide

pytestmark = pytest.mark.browser


def vote_tab(page: Page) -> None:
    open_tab(page, "Vote")
    expect(page.locator("#vote-standing")).to_contain_text("so far", timeout=WAIT_MS)


def lines(server: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for path in server.votes.glob("*.jsonl") for line in path.read_text().splitlines()]


def test_a_recorded_comparison_is_asked_blind_and_revealed_after_the_answer(page: Page, photo: Path, server: Any) -> None:
    quick(page)
    vote_tab(page)
    expect(page.locator("#vote-next")).to_be_disabled()
    page.locator("#vote-record input").check()
    open_tab(page, "Compare")
    open_photo(page, photo)
    compare(page)
    vote_tab(page)
    expect(page.locator("#vote-status")).to_contain_text("1 pair is waiting")
    page.click("#vote-next")
    expect(page.locator("#vote-panel button").first).to_be_enabled(timeout=WAIT_MS)
    expect(page.locator("#vote-viewer .tag.left")).to_have_text("Left")
    shown = page.locator("#vote-viewer").evaluate("box => box.innerHTML")
    assert not any(word in shown for word in ("aseline", "nhanced", "NIQE", "embedded", "seed"))
    before = len(lines(server))
    page.locator("#vote-viewer .stage").focus()
    page.keyboard.press("k")
    expect(page.locator("#vote-revealed")).to_contain_text("right is better", timeout=WAIT_MS)
    expect(page.locator("#vote-revealed")).to_contain_text("none (baseline)")
    expect(page.locator("#vote-panel button").first).to_be_disabled()
    expect(page.locator("#vote-standing")).to_contain_text("Davidson")
    page.keyboard.press("j")
    page.wait_for_timeout(500)
    (vote,) = lines(server)[before:]
    assert vote["answer"] == "right"
    assert {vote["ballot"][side]["refinement"] for side in ("left", "right")} == {"baseline", "embedded"}
    page.screenshot(path=ARTEFACTS / "vote_revealed.png", full_page=True)
    assert severe(page, "#vote") == []


def test_a_pair_from_an_example_on_a_phone(page: Page, server: Any) -> None:
    quick(page)
    page.set_viewport_size(PHONE)
    open_tab(page, "Vote")
    before = len(lines(server))
    page.click("#vote-make")
    tie = page.locator("#vote-panel button[data-answer=tie]")
    expect(tie).to_be_enabled(timeout=WAIT_MS)
    tie.click()
    expect(page.locator("#vote-revealed")).to_contain_text("they are equal", timeout=WAIT_MS)
    assert lines(server)[before:][0]["answer"] == "tie"
    assert too_wide(page) == []
    page.screenshot(path=ARTEFACTS / "vote_phone.png", full_page=True)
