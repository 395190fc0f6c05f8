"""A reviewer's way through the review page: the real server on real photographs, in headless Chromium."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from studio_page import ARTEFACTS

from rapsr_core import ASSETS
from rapsr_core.curation.review import Session
from studio.review.__main__ import images_in
from studio.review.desk import Desk
from studio.review.server import build

pytestmark = pytest.mark.browser
PICTURES, LOOKS = 30, 33
SIZES = [(120, 90), (90, 120), (126, 70)]


@dataclass(frozen=True)
class Review:
    """A running review of PICTURES crops of the bundled photographs."""

    url: str
    file: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of the bundled photographs, enlarged, so that they are larger than the window."""
    folder = tmp_path_factory.mktemp("pool")
    photos = sorted((ASSETS / "examples").glob("*.png"))
    for i in range(PICTURES):
        with Image.open(photos[i % len(photos)]) as photo:
            width, height = SIZES[i % 3]
            crop = photo.convert("RGB").crop((i // 6, 0, i // 6 + width, height))
            crop.resize((width * 10, height * 10)).save(folder / f"{i}.jpg")
    return folder


@pytest.fixture
def review(pool: Path, tmp_path: Path) -> Iterator[Review]:
    desk = Desk(Session(tmp_path / "r.jsonl", images_in(pool), "ana"), pool)
    with build(desk, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Review(f"http://127.0.0.1:{server.server_port}", tmp_path / "r.jsonl")
        server.shutdown()
        thread.join()


@pytest.fixture
def page(review: Review, browser: Browser) -> Iterator[Page]:
    yield from opened(review, browser.new_context(viewport={"width": 1280, "height": 800}))


@pytest.fixture
def phone(review: Review, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2, color_scheme="dark"
    )
    yield from opened(review, context)


def opened(review: Review, context: BrowserContext) -> Iterator[Page]:
    """The page, its first picture shown. Errors of its scripts, and asking any other host, fail the test."""
    found = context.new_page()
    problems: list[str] = []
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.on("request", lambda asked: None if asked.url.startswith((review.url, "data:")) else problems.append(asked.url))
    found.goto(review.url)
    found.wait_for_selector("body[data-shown]")
    yield found
    context.close()
    assert problems == []


def press(page: Page, key: str, said: str) -> None:
    """A key once a picture is on the screen, and what the page says after it."""
    page.wait_for_selector("body[data-shown]")
    page.keyboard.press(key)
    expect(page.locator("#said")).to_contain_text(said)


def source(page: Page) -> str:
    return page.locator("#photo").get_attribute("src") or ""


def counts(page: Page, text: str) -> None:
    expect(page.locator("#counts")).to_have_text(text)


def test_accepts_rejects_and_undoes_by_keyboard_and_resumes_after_a_reload(page: Page, review: Review) -> None:
    counts(page, f"0 of {LOOKS} · 0 accepted · 0 rejected")
    seen = [source(page)]
    for key, said in (("a", "Accepted"), ("ArrowLeft", "Rejected"), ("2", "Rejected: noise or grain")):
        press(page, key, said)
        expect(page.locator("#photo")).not_to_have_attribute("src", seen[-1])
        seen.append(source(page))
    counts(page, f"3 of {LOOKS} · 1 accepted · 2 rejected")
    press(page, "u", "Taken back")
    expect(page.locator("#photo")).to_have_attribute("src", seen[2])
    counts(page, f"2 of {LOOKS} · 1 accepted · 1 rejected")
    page.screenshot(path=ARTEFACTS / "review.png")
    page.reload()
    expect(page.locator("#photo")).to_have_attribute("src", seen[2])
    counts(page, f"2 of {LOOKS} · 1 accepted · 1 rejected")
    lines = review.lines()
    assert [line["verdict"] for line in lines] == ["accept", "reject", "reject", "undo"]
    assert lines[2]["reason"] == "noise or grain"
    assert all(0 < float(str(line["seconds"])) < 60 for line in lines[:3])


def test_buttons_do_what_the_keys_do(page: Page) -> None:
    page.get_by_role("button", name="Accept").click()
    counts(page, f"1 of {LOOKS} · 1 accepted · 0 rejected")
    page.wait_for_selector("body[data-shown]")
    page.get_by_role("button", name="Reject", exact=False).and_(page.locator("#reject")).click()
    counts(page, f"2 of {LOOKS} · 1 accepted · 1 rejected")
    page.get_by_role("button", name="Undo").click()
    counts(page, f"1 of {LOOKS} · 1 accepted · 0 rejected")


def test_real_pixels_are_shown_one_to_one_without_smoothing_and_can_be_moved(page: Page) -> None:
    photo, scroller = page.locator("#photo"), page.locator("#scroller")
    natural = photo.evaluate("p => [p.naturalWidth, p.naturalHeight]")
    fitted = photo.bounding_box()
    assert fitted is not None and fitted["height"] < natural[1]
    page.keyboard.press("z")
    box = photo.bounding_box()
    assert box is not None and [box["width"], box["height"]] == natural
    page.keyboard.press("+")
    assert photo.evaluate("p => getComputedStyle(p).imageRendering") == "pixelated"
    expect(page.locator("#scale")).to_have_text("200 %")
    before = scroller.evaluate("s => [s.scrollLeft, s.scrollTop]")
    page.keyboard.press("Shift+ArrowRight")
    page.mouse.move(640, 400)
    page.mouse.down()
    page.mouse.move(640, 300, steps=4)
    page.mouse.up()
    after = scroller.evaluate("s => [s.scrollLeft, s.scrollTop]")
    assert after[0] > before[0] and after[1] == before[1] + 100
    counts(page, f"0 of {LOOKS} · 0 accepted · 0 rejected")
    page.keyboard.press("z")
    assert photo.bounding_box() == fitted


def test_a_click_enlarges_where_it_is(page: Page) -> None:
    box = page.locator("#photo").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.9)
    top, room = page.locator("#scroller").evaluate("s => [s.scrollTop, s.scrollHeight - s.clientHeight]")
    assert top > 0.9 * room > 0


def test_the_grid_decides_about_several_at_once_and_undoes_them_together(page: Page, review: Review) -> None:
    page.keyboard.press("g")
    tiles = page.locator("#tiles button")
    expect(tiles).to_have_count(12)
    expect(tiles.first).to_be_focused()
    press(page, "a", "Select pictures first")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator("#selected")).to_have_text("2 of 12 selected")
    assert [tile.get_attribute("aria-pressed") for tile in tiles.all()[:4]] == ["true", "false", "true", "false"]
    page.wait_for_function("[...document.querySelectorAll('#tiles img')].every(i => i.complete && i.naturalWidth)")
    page.screenshot(path=ARTEFACTS / "review-grid.png")
    press(page, "r", "2 pictures rejected")
    counts(page, f"2 of {LOOKS} · 0 accepted · 2 rejected")
    page.keyboard.press("s")
    press(page, "a", "12 pictures accepted")
    counts(page, f"14 of {LOOKS} · 12 accepted · 2 rejected")
    press(page, "u", "Taken back: 12 pictures")
    counts(page, f"2 of {LOOKS} · 0 accepted · 2 rejected")
    assert [line["verdict"] for line in review.lines()] == ["reject"] * 2 + ["accept"] * 12 + ["undo"] * 12


def test_a_held_key_decides_once(page: Page) -> None:
    page.locator("#accept").focus()
    for key in ("Enter", "ArrowLeft", "a"):
        page.wait_for_selector("body[data-shown]")
        page.keyboard.down(key)
        page.wait_for_timeout(150)
        for _ in range(5):  # what a held key sends
            page.keyboard.down(key)
            page.wait_for_timeout(40)
        page.keyboard.up(key)
    counts(page, f"3 of {LOOKS} · 2 accepted · 1 rejected")


def test_a_picture_of_the_grid_opens_alone(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("ArrowRight")
    token = page.locator("#tiles button").nth(1).get_attribute("data-token")
    page.keyboard.press("o")
    expect(page.locator("#photo")).to_have_attribute("src", re.compile(f"/picture/{token}$"))
    press(page, "a", "Accepted")


def test_a_picture_that_is_not_on_the_screen_yet_cannot_be_decided(page: Page, review: Review) -> None:
    loaded = page.evaluate("fetch('state').then((answer) => answer.json())")["queue"][:5]
    page.route("**/picture/*", lambda route: route.continue_() if route.request.url.endswith(tuple(loaded)) else None)
    for token in loaded:
        expect(page.locator("body")).to_have_attribute("data-shown", token)
        page.keyboard.press("a")
    counts(page, f"5 of {LOOKS} · 5 accepted · 0 rejected")
    expect(page.locator("body[data-shown]")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator("#said")).to_have_text("Still loading: nothing is decided unseen")
    assert len(review.lines()) == 5


def test_the_end_comes_after_the_second_looks_and_can_be_undone(page: Page, review: Review) -> None:
    page.keyboard.press("g")
    for done in (12, 24, LOOKS):
        page.keyboard.press("s")
        page.keyboard.press("a")
        counts(page, f"{done} of {LOOKS} · {done} accepted · 0 rejected")
    expect(page.locator("#end")).to_be_visible()
    assert sorted(line["round"] for line in review.lines()) == [1] * PICTURES + [2] * (LOOKS - PICTURES)
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("Taken back: 9 pictures")
    expect(page.locator("#end")).to_be_hidden()


def test_everything_has_a_name_and_keys_are_explained(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    counts(page, f"0 of {LOOKS} · 0 accepted · 0 rejected")
    name = "e.getAttribute('aria-label') || e.textContent.trim() || e.querySelector('img')?.alt"
    unnamed = page.evaluate(f"[...document.querySelectorAll('button, progress')].filter(e => !({name})).length")
    assert unnamed == 0
    assert re.search(r"\d+ by \d+ pixels", page.locator("#photo").get_attribute("alt") or "")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_stopped_program_is_said_and_the_picture_stays(page: Page) -> None:
    before = source(page)
    page.route("**/decide", lambda route: route.abort())
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("Not saved")
    assert source(page) == before


def test_works_on_a_phone_by_touch_in_dark(phone: Page) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.locator("#photo").tap()
    assert phone.locator("#photo").evaluate("p => p.clientWidth * devicePixelRatio == p.naturalWidth")
    phone.screenshot(path=ARTEFACTS / "review-phone.png")
    phone.locator("#full").tap()
    phone.locator("#accept").tap()
    counts(phone, f"1 of {LOOKS} · 1 accepted · 0 rejected")
    phone.locator("#toggle").tap()
    phone.locator("#tiles button").nth(2).tap()
    phone.locator("#reject").tap()
    counts(phone, f"2 of {LOOKS} · 1 accepted · 1 rejected")
    assert min(phone.locator(".actions button").nth(i).evaluate("b => b.clientHeight") for i in range(4)) >= 40
    phone.screenshot(path=ARTEFACTS / "review-phone-grid.png")
