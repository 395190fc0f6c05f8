"""The curation report in headless Chromium, from a file: nothing is asked for, nothing overflows, it sorts, it reads without scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from studio_page import ARTEFACTS

from rapsr_core import ASSETS
from rapsr_core.curation.columns import Column, Rule, Stage
from rapsr_core.curation.report import Report, write_report
from rapsr_core.curation.selecting import select
from rapsr_core.curation.thumbnails import jpeg_thumbnail

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the bundled photographs and forty rows more, whose pictures are missing."""
    photos = {path.name: path for path in sorted((ASSETS / "examples").glob("*.png"))}
    ids = [*photos, *(f"{i}.png" for i in range(40))]
    generator = np.random.default_rng(0)
    measures = tuple(
        Column(f"m{i}", f"measure {i}", "number", "high" if i % 2 else "low", "", f"what {i} is", "") for i in range(7)
    )
    stages = (Stage("fidelity", "Fidelity", "", 0.1, measures, (), lambda: lambda picture: {}),)
    columns = {c.name: generator.normal(10**i, 10**i / 3, len(ids)) for i, c in enumerate(measures)}
    columns |= {"id": np.array(ids, dtype=object), "error": np.array([""] * (len(ids) - 1) + ["damaged"], dtype=object)}
    selection = select(columns, stages, [Rule("m1", best=0.6), Rule("m2", high=120)])
    made = Report("A curation", columns, stages, selection, lambda name: picture(photos.get(name)), {"pool": "x"}, {"torch": "2"})
    return write_report(made, tmp_path_factory.mktemp("report") / "report.html")


def picture(path: Path | None) -> bytes | None:
    return jpeg_thumbnail(path.read_bytes(), 240) if path else None


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_it_opens_from_a_file_without_a_request_an_error_or_overflow(
    browser: Browser, report: Path, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light")
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else problems.append(asked.url))
    page.goto(report.as_uri())
    page.screenshot(path=ARTEFACTS / f"report-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(9, 9, 11)" if scheme == "dark" else "rgb(250, 250, 250)")
    page.close()
    assert problems == []


def test_the_comparison_sorts_by_its_heads(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    head = page.locator("table.sortable thead th", has_text="Mean, pool")
    cells = page.locator("table.sortable tbody tr td:nth-child(4)")
    head.get_by_role("button").click()
    values = [float(text.replace(",", "")) for text in cells.all_text_contents()]
    assert values == sorted(values, reverse=True)
    assert len(values) == 7
    expect(head).to_have_attribute("aria-sort", "descending")
    head.get_by_role("button").click()
    assert [float(text.replace(",", "")) for text in cells.all_text_contents()] == sorted(values)
    page.close()


def test_it_is_complete_without_scripts(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    expect(page.locator("table.sortable thead th").first).to_have_text("Measure")
    expect(page.locator("table.sortable tbody tr")).to_have_count(7)
    expect(page.locator(".charts svg")).to_have_count(7)
    expect(page.locator("thead button")).to_have_count(0)
    context.close()
