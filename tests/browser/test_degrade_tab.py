"""The Degrade lab, on the real page: open a photograph, move a slider, save and restore a preset, send to Compare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect
from studio_page import WAIT_MS, downloaded, open_tab

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(page: Page, photo: Path) -> Page:
    """The tab with the photograph degraded by preset rapsr, seed 0."""
    open_tab(page, "Degrade lab")
    page.set_input_files("#degrade-photo input[type=file]", photo)
    expect(page.locator("#degrade-status")).to_contain_text("96 × 96 px → 24 × 24 px · preset rapsr, seed 0", timeout=WAIT_MS)
    expect(page.locator("#degrade-steps tbody tr").first).to_be_visible()
    return page


def set_slider(page: Page, name: str, value: float) -> None:
    box = page.locator(f"#degrade-{name} input[type=number]")
    box.fill(str(value))
    box.press("Tab")


def test_a_slider_makes_a_preset_of_ones_own_that_its_file_restores(lab: Page, tmp_path: Path) -> None:
    rows = lab.locator("#degrade-steps tbody tr")
    assert rows.count() >= 11
    expect(lab.locator("#degrade-viewer select.left option")).to_have_count(rows.count())
    lab.get_by_role("button", name="First order: noise").click()
    set_slider(lab, "orders-0-noise-sigma-high", 44)
    expect(lab.locator("#degrade-status")).to_contain_text("preset my-preset", timeout=WAIT_MS)
    name, file = downloaded(lab, "#degrade-download-preset")
    assert name == "my-preset.yaml"
    assert yaml.safe_load(file.read_text())["orders"][0]["noise_sigma"] == [1, 44]
    lab.click("#degrade-reset")
    expect(lab.locator("#degrade-status")).to_contain_text("preset rapsr", timeout=WAIT_MS)
    (tmp_path / "mine.yaml").write_bytes(file.read_bytes())
    lab.get_by_role("button", name="Own preset").click()
    with lab.expect_file_chooser() as chooser:
        lab.locator("#degrade-upload").click()
    chooser.value.set_files(tmp_path / "mine.yaml")
    expect(lab.locator("#degrade-orders-0-noise-sigma-high input[type=number]")).to_have_value("44", timeout=WAIT_MS)
    expect(lab.locator("#degrade-status")).to_contain_text("preset my-preset", timeout=WAIT_MS)
    set_slider(lab, "orders-0-noise-sigma-high", 0)
    expect(lab.locator("#degrade-status .problem")).to_contain_text("it must rise within", timeout=WAIT_MS)


def test_compare_opens_what_was_sent(lab: Page) -> None:
    lab.click("#degrade-send")
    expect(lab.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true", timeout=WAIT_MS)
    expect(lab.locator("#status")).to_contain_text("24 × 24 px → 96 × 96 px", timeout=WAIT_MS)
    expect(lab.locator("#scores")).to_contain_text(re.compile("NIQE"), timeout=WAIT_MS)
