"""Two visitors of one studio, each with a browser of their own: nobody sees what the other did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rapsr_core.recipe import Recipe
from studio import restoring

pytestmark = pytest.mark.browser
RUN_MS = 120_000


def test_history_results_and_votes_are_the_visitor_s_own(page: Page, browser: Browser, photo: Path, server: Any) -> None:
    page.goto(f"{server.url}/#{restoring.fragment(Recipe(steps=1, cleaner='none', caption='a cat'))}")
    page.reload()
    expect(page.locator("#status")).to_have_text("Every control is as in the link.", timeout=RUN_MS)
    other = browser.new_page(viewport={"width": 1440, "height": 900})
    other.goto(server.url)
    other.wait_for_selector("#run", timeout=RUN_MS)
    page.set_input_files("#photo input[type=file]", photo)
    expect(page.locator("#status")).to_contain_text("px", timeout=RUN_MS)
    page.click("#run")
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=RUN_MS)
    page.click("#keep")
    expect(page.locator("#forget")).to_be_visible(timeout=RUN_MS)
    expect(page.locator("#history .runs li")).to_have_count(1)

    for _ in ("as it was open meanwhile", "opened anew"):
        expect(other.locator("#progress")).to_contain_text("Ready")
        expect(other.locator("#forget")).to_be_hidden()
        expect(other.locator("#history .runs li")).to_have_count(0)
        assert other.locator("#viewer img[src*=runs]").count() == 0
        assert "Finished" not in other.locator("#progress").inner_text()
        other.get_by_role("tab", name="Vote").click()
        expect(other.locator("#vote-next")).to_be_disabled(timeout=RUN_MS)
        other.reload()
        other.wait_for_selector("#run", timeout=RUN_MS)
    other.close()
