"""The viewer by keyboard, touch, on a phone, in light and dark, full screen, and under axe-core."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from viewer_page import (
    ARTEFACTS,
    MODES,
    PHONE,
    geometry,
    mode,
    opened,
    reading,
    severe,
    under,
)
from viewer_site import Site

pytestmark = pytest.mark.browser


# Keyboard, full screen, help


def test_every_control_is_reached_by_tab_and_arrow_keys_move_inside_a_group(view: Page) -> None:
    view.locator("#viewer [role=radio]").first.focus()
    view.keyboard.press("ArrowRight")
    radio = view.get_by_role("radio", name="Side by side")
    expect(radio).to_be_focused()
    assert radio.get_attribute("aria-checked") == "true"
    view.keyboard.press("ArrowLeft")
    names = []
    for _ in range(6):
        view.keyboard.press("Tab")
        names.append(view.evaluate("document.activeElement.getAttribute('aria-label')"))
        outline = view.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement.firstElementChild || document.activeElement).outlineStyle"
        )
        assert "solid" in outline, names[-1]
    assert names[:4] == ["Zoom out", "Picture on the left", "Swap the two pictures", "Picture on the right"]
    assert names[4].startswith("Pictures.") and names[5].startswith("Divider")


def test_full_screen_goes_on_and_off(view: Page) -> None:
    small = view.locator("#viewer .stage").bounding_box()
    view.locator("#viewer .stage").focus()
    view.keyboard.press("f")
    view.wait_for_function("document.fullscreenElement && document.fullscreenElement.classList.contains('viewer')")
    button = view.get_by_role("button", name="Full screen")
    expect(button).to_have_attribute("aria-pressed", "true")
    large = view.locator("#viewer .stage").bounding_box()
    assert small is not None and large is not None
    assert large["width"] > small["width"] and large["height"] > small["height"] + 50
    view.screenshot(path=ARTEFACTS / "viewer_full.png")
    button.click()
    view.wait_for_function("!document.fullscreenElement")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_the_help_panel_lists_the_keys_and_gives_the_focus_back(view: Page) -> None:
    stage = view.locator("#viewer .stage")
    stage.focus()
    view.keyboard.press("?")
    panel = view.get_by_role("dialog", name="Keys and gestures")
    expect(panel).to_be_visible()
    keys = panel.locator("kbd").all_inner_texts()
    assert {*MODES.values(), "x", "Space", "+", "−", "0", "z", "[", "]", "i", "f", "?", "Shift", "Home"} <= set(keys)
    view.keyboard.press("d")  # no key acts behind the panel
    expect(view.locator("#viewer .viewer")).to_have_attribute("data-mode", "slider")
    view.screenshot(path=ARTEFACTS / "viewer_help.png")
    view.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(stage).to_be_focused()


# Phone, touch, dark


Touch = Callable[..., None]


@pytest.fixture
def touch(phone: Page) -> Touch:
    """touch(kind, *points): real touch events, through Chromium's protocol."""
    session = phone.context.new_cdp_session(phone)

    def send_points(kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    return send_points


def test_every_mode_fits_a_phone(phone: Page) -> None:
    for name in MODES:
        mode(phone, name)
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        if name in ("side", "flip", "lens"):
            expect(phone.locator("#viewer .chip[aria-pressed=true]:visible").first).to_be_in_viewport(ratio=0.9)
        phone.screenshot(path=ARTEFACTS / f"viewer_phone_{name}.png")


def test_a_finger_drags_the_divider_and_two_zoom_where_they_are(phone: Page, touch: Touch) -> None:
    pane = geometry(phone)[0]
    y = pane["y"] + pane["height"] / 2
    touch("touchStart", (pane["x"] + pane["width"] * 0.5, y))
    for share in (0.45, 0.35, 0.25):
        touch("touchMove", (pane["x"] + pane["width"] * share, y))
    touch("touchEnd")
    divider = phone.get_by_role("slider", name="Divider between")
    assert float(divider.get_attribute("aria-valuenow") or "") == pytest.approx(25, abs=2)
    x, middle = pane["width"] / 2, pane["height"] / 2
    at = under(pane, x, middle)
    for kind, reach in (("touchStart", 30), ("touchMove", 50), ("touchMove", 90)):
        touch(kind, (pane["x"] + x - reach, y), (pane["x"] + x + reach, y))
    touch("touchEnd")
    after = geometry(phone)[0]
    assert after["scale"] == pytest.approx(3 * pane["scale"], rel=0.05)
    assert under(after, x, middle) == pytest.approx(at, abs=1.5)
    touch("touchStart", (pane["x"] + x, y))
    for reach in (10, 30, 50):
        touch("touchMove", (pane["x"] + x + reach, y + reach / 2))
    touch("touchEnd")
    moved = geometry(phone)[0]
    assert (moved["left"] - after["left"], moved["top"] - after["top"]) == pytest.approx((50, 25), abs=12)


def test_a_finger_moves_the_lens(phone: Page, touch: Touch) -> None:
    mode(phone, "lens")
    pane = geometry(phone)[0]
    touch("touchStart", (pane["x"] + 200, pane["y"] + 140))
    touch("touchMove", (pane["x"] + 150, pane["y"] + 120))
    first = reading(phone)["Pixel"]
    touch("touchMove", (pane["x"] + 220, pane["y"] + 160))
    touch("touchEnd")
    assert reading(phone)["Pixel"] != first
    expect(phone.locator("#viewer .lens")).to_be_visible()


def test_dark_and_light_follow_the_theme(site: Site, desktop: BrowserContext) -> None:
    inks = {}
    for name in ("dark", "light"):
        for page in opened(site, desktop, f"/?__theme={name}"):
            inks[name] = page.evaluate(
                """() => ['.modes [aria-checked=false]', '.stage'].map((selector) => {
                     const style = getComputedStyle(document.querySelector('#viewer ' + selector));
                     return [style.color, style.backgroundColor].map((text) => text.match(/\\d+/g).slice(0, 3).map(Number));
                   })"""
            )
            page.screenshot(path=ARTEFACTS / f"viewer_{name}.png")
    for (ink, paper), _ in (inks["dark"], inks["light"]):
        assert abs(sum(ink) - sum(paper)) > 300
    assert max(inks["dark"][1][1]) < 60 < 200 < min(inks["light"][1][1])


# Accessibility


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_any_mode(site: Site, desktop: BrowserContext, theme: str) -> None:
    for page in opened(site, desktop, f"/?__theme={theme}"):
        for name in MODES:
            mode(page, name)
            assert severe(page, "#viewer") == [], name
        page.keyboard.press("?")
        assert severe(page, "#viewer .help") == []
