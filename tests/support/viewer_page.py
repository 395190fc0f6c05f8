"""What the viewer's browser tests share: a page that fails on any error, and what stands on it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect
from viewer_site import Site

from studio.viewer import Picture

ARTEFACTS = Path(__file__).parents[1] / "browser" / "artefacts"
MODES = {"slider": "s", "side": "b", "flip": "t", "lens": "l", "difference": "d"}
DESKTOP, PHONE = {"width": 1100, "height": 820}, {"width": 390, "height": 844}
WAIT_MS = 15_000

GEOMETRY = """() => [...document.querySelectorAll('#viewer .pane')].map((pane) => {
  const outer = pane.getBoundingClientRect();
  const inner = pane.querySelector('.picture').getBoundingClientRect();
  return {x: outer.x, y: outer.y, width: outer.width, height: outer.height,
          left: inner.x - outer.x, top: inner.y - outer.y, scale: inner.width / 640};
})"""


def opened(site: Site, context: BrowserContext, query: str = "") -> Iterator[Page]:
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith((site.url, "data:", "blob:")) else problems.append(r.url))
    page.goto(site.url + query)
    page.wait_for_selector("#viewer .picture.left[src]", timeout=WAIT_MS)
    wait_decoded(page)
    yield page
    page.close()
    assert problems == []


def wait_decoded(page: Page) -> None:
    page.wait_for_function("() => [...document.querySelectorAll('#viewer img')].every((image) => image.src && image.complete)")


def mode(page: Page, name: str) -> None:
    page.locator("#viewer .stage").focus()
    page.keyboard.press(MODES[name])
    expect(page.locator("#viewer .viewer")).to_have_attribute("data-mode", name)
    wait_decoded(page)


def send(page: Page, name: str) -> None:
    page.click(f"#to-{name}")


def geometry(page: Page) -> list[dict[str, float]]:
    return page.evaluate(GEOMETRY)


def under(pane: dict[str, float], x: float, y: float) -> tuple[float, float]:
    """The point of the picture, in its pixels, at (x, y) of its pane."""
    return (x - pane["left"]) / pane["scale"], (y - pane["top"]) / pane["scale"]


def array(picture: Picture) -> np.ndarray:
    with Image.open(picture.path) as opened_file:
        return np.asarray(opened_file.convert("RGB"))


def canvas_pixels(locator: Locator) -> np.ndarray:
    """RGBA of a canvas, (height, width, 4)."""
    width, height, data = locator.evaluate(
        """(canvas) => [canvas.width, canvas.height,
             btoa(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce((s, v) => s + String.fromCharCode(v), ''))]"""
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def reading(page: Page) -> dict[str, str]:
    return {
        row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in page.locator("#viewer .readout > div").all()
    }


def triple(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def severe(page: Page, context: str) -> list[str]:
    """axe-core's serious and critical violations inside `context`, with the elements."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install -r requirements-dev.txt has axe-core"
    ).Axe()
    found = axe.run(page, context).response["violations"]
    return [
        f"{v['impact']} {v['id']}: {[node['html'][:140] for node in v['nodes']]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
