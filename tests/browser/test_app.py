"""`python app.py` with what is shipped: its weights, its examples, its default recipe."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from studio_page import ARTEFACTS, WAIT_MS, compare

pytestmark = pytest.mark.browser


def test_default_recipe_on_an_example(app: Any, browser: Browser) -> None:
    """Its one long step shows itself while it grows, and can be stopped within."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(app.url)
    expect(page.locator("#examples button").nth(5)).to_be_visible(timeout=WAIT_MS)
    licences = page.locator("#examples .licence").all_inner_texts()
    assert all(licences)
    page.locator("#examples button").first.click()
    expect(page.locator("#status")).to_contain_text("px", timeout=WAIT_MS)
    page.click("#run")
    expect(page.locator("#viewer")).to_contain_text("step 1 of 1, ", timeout=WAIT_MS)
    expect(page.locator("#viewer")).to_contain_text("% of it")
    page.screenshot(path=ARTEFACTS / "example_underway.png")
    page.click("#stop")
    expect(page.locator("#progress .message")).to_have_text("Stopped")
    compare(page)
    page.screenshot(path=ARTEFACTS / "example_default.png")
    page.close()
    assert not app.attempts.exists(), app.attempts.read_text()
