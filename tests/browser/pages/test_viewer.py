"""The comparison viewer alone on a page, in headless Chromium: slider, zoom and pan, reading pixels, values that change."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from viewer_page import (
    ARTEFACTS,
    MODES,
    array,
    geometry,
    mode,
    reading,
    send,
    triple,
    under,
    wait_decoded,
)
from viewer_site import HEIGHT_PX, HOSTILE, SCORES, WIDTH_PX, Site

pytestmark = pytest.mark.browser


# The slider


def test_the_divider_moves_by_mouse_and_by_keyboard_and_cuts_the_left_picture(view: Page) -> None:
    divider = view.get_by_role("slider", name="Divider between the left and the right picture")
    stage = view.locator("#viewer .stage").bounding_box()
    assert stage is not None
    y = stage["y"] + stage["height"] / 2
    view.mouse.move(stage["x"] + stage["width"] / 2, y)
    view.mouse.down()
    view.mouse.move(stage["x"] + stage["width"] * 0.4, y, steps=3)
    view.mouse.up()
    assert float(divider.get_attribute("aria-valuenow") or "") == pytest.approx(40, abs=1)
    pane = geometry(view)[0]
    inset = view.locator("#viewer .picture.left").evaluate("(image) => parseFloat(image.style.clipPath.split(' ')[1])")
    assert pane["left"] + pane["scale"] * WIDTH_PX - inset == pytest.approx(0.4 * pane["width"], abs=1.5)
    divider.focus()
    for key, expected in (("Home", 0), ("PageUp", 10), ("ArrowRight", 11), ("Shift+ArrowLeft", 1), ("End", 100)):
        view.keyboard.press(key)
        assert divider.get_attribute("aria-valuenow") == str(expected), key
    assert divider.get_attribute("aria-valuetext") == "100 percent Baseline, rest RAP-SR enhanced"


def test_labels_carry_the_scores_and_mark_the_better_ones(view: Page) -> None:
    for side, name in (("left", "baseline"), ("right", "enhanced")):
        rows = view.locator(f"#viewer .caption.{side} li")
        assert rows.count() == len(SCORES[name])
        for row, score in zip(rows.all(), SCORES[name], strict=True):
            assert row.inner_text().split()[:2] == [score.label, score.text]
            assert ("better" in (row.get_attribute("class") or "")) == score.better
    view.keyboard.press("Tab")
    view.get_by_role("button", name="Labels and scores").click()
    expect(view.locator("#viewer .caption.left")).to_be_hidden()


def test_swap_and_the_lists_choose_the_two_sides(view: Page) -> None:
    view.get_by_role("button", name="Swap the two pictures").click()
    expect(view.locator("#viewer .tag.left")).to_have_text("RAP-SR enhanced")
    view.get_by_label("Picture on the right").select_option("Input (bicubic x4)")
    expect(view.locator("#viewer .tag.right")).to_have_text("Input (bicubic x4)")
    view.locator("#viewer .stage").focus()
    view.keyboard.press("2")
    view.keyboard.press("Shift+4")
    expect(view.locator("#viewer .tag.left")).to_have_text("Cleaned (guide)")
    expect(view.locator("#viewer .tag.right")).to_have_text("RAP-SR enhanced")


# Zoom and pan


def test_the_wheel_zooms_both_panes_about_the_same_point_of_the_picture(view: Page) -> None:
    mode(view, "side")
    before = geometry(view)
    assert len(before) == 2
    x, y = (
        round(before[1]["x"]) + 290 - before[1]["x"],
        round(before[1]["y"]) + 230 - before[1]["y"],
    )  # wheels report whole pixels
    at = under(before[1], x, y)
    view.mouse.move(before[1]["x"] + x, before[1]["y"] + y)
    for _ in range(5):
        view.mouse.wheel(0, -200)
    view.wait_for_timeout(200)
    after = geometry(view)
    assert after[0]["scale"] > 3 * before[0]["scale"]
    for pane in after:
        assert under(pane, x, y) == pytest.approx(at, abs=0.6 / pane["scale"] + 0.01)
    for key in ("scale", "left", "top"):
        assert after[0][key] == after[1][key]
    view.screenshot(path=ARTEFACTS / "viewer_zoom_sync.png")


def test_dragging_and_arrow_keys_move_both_panes_together(view: Page) -> None:
    mode(view, "side")
    view.get_by_role("button", name="Zoom in").click()
    view.get_by_role("button", name="Zoom in").click()
    before = geometry(view)
    view.mouse.move(before[0]["x"] + 150, before[0]["y"] + 150)
    view.mouse.down()
    view.mouse.move(before[0]["x"] + 110, before[0]["y"] + 130, steps=4)
    view.mouse.up()
    after = geometry(view)
    for old, new in zip(before, after, strict=True):
        assert (new["left"] - old["left"], new["top"] - old["top"]) == pytest.approx((-40, -20), abs=1)
    view.keyboard.press("ArrowRight")
    moved = geometry(view)
    assert moved[0]["left"] == pytest.approx(after[0]["left"] - 0.12 * after[0]["width"], abs=1)
    assert moved[0]["left"] == moved[1]["left"]
    for _ in range(40):
        view.keyboard.press("ArrowLeft")
    assert geometry(view)[0]["left"] == pytest.approx(0, abs=1)  # the edge of the picture stays at the edge of the pane


def test_single_pixels_are_drawn_as_squares_of_their_very_colour(view: Page, site: Site) -> None:
    view.get_by_role("button", name="1:1").click()
    assert view.locator("#viewer .picture.right").evaluate("(image) => [image.clientWidth, image.style.imageRendering]") == [
        640,
        "pixelated",
    ]
    for _ in range(5):
        view.get_by_role("button", name="Zoom in").click()
    expect(view.locator("#viewer .factor")).to_have_text("3200 %")
    view.keyboard.press("Tab")
    view.locator("#viewer .divider").focus()
    view.keyboard.press("Home")  # the right picture alone
    pane = geometry(view)[0]
    shot = ARTEFACTS / "viewer_pixels.png"
    view.screenshot(path=shot)
    truth = array(site.pictures["enhanced"])
    with Image.open(shot) as image:
        screen = np.asarray(image.convert("RGB"))
    for x, y in ((300, 200), (420, 250), (640, 300)):
        column, row = map(int, under(pane, x, y))
        left = round(pane["x"] + pane["left"] + column * 32)
        top = round(pane["y"] + pane["top"] + row * 32)
        block = screen[top + 1 : top + 31, left + 1 : left + 31].reshape(-1, 3)
        assert (block == truth[row, column]).all(), (column, row)
    view.locator("#viewer .stage").focus()
    view.keyboard.press("+")
    view.keyboard.press("+")
    expect(view.locator("#viewer .factor")).to_have_text("6400 %")
    view.keyboard.press("0")
    assert view.get_by_role("button", name="Fit").get_attribute("aria-pressed") == "true"
    view.keyboard.press("z")
    expect(view.locator("#viewer .factor")).to_have_text("100 %")


def test_with_the_whole_picture_in_sight_the_wheel_scrolls_the_page(view: Page) -> None:
    view.set_viewport_size({"width": 1100, "height": 420})
    stage = view.locator("#viewer .stage").bounding_box()
    assert stage is not None
    view.mouse.move(stage["x"] + 200, stage["y"] + 100)
    view.mouse.wheel(0, 120)
    view.wait_for_function("window.scrollY > 0")
    assert view.get_by_role("button", name="Fit").get_attribute("aria-pressed") == "true"


# Reading pixels


@pytest.mark.parametrize("name", MODES)
def test_the_read_out_gives_the_very_pixels_of_the_files(view: Page, site: Site, name: str) -> None:
    mode(view, name)
    arrays = {p.label: array(p) for p in site.pictures.values()}
    for share in ((0.31, 0.42), (0.5, 0.61), (0.63, 0.2)):
        pane = geometry(view)[0]
        x, y = round(share[0] * pane["width"]), round(share[1] * pane["height"])
        view.mouse.move(pane["x"] + x, pane["y"] + y)
        found = reading(view)
        column, row = map(int, found.pop("Pixel").split(","))
        assert under(pane, x, y) == pytest.approx((column + 0.5, row + 0.5), abs=0.51 + 0.5 / pane["scale"])
        change = found.pop("Difference", None)
        assert set(found) == {"Baseline", "RAP-SR enhanced"}
        for label, text in found.items():
            assert triple(text) == tuple(arrays[label][row, column]), label
        if change is not None:
            one, two = (arrays[label][row, column].astype(int) for label in ("Baseline", "RAP-SR enhanced"))
            assert float(change) == pytest.approx(np.abs(one - two).mean(), abs=0.006)
    assert (change is not None) == (name == "difference")
    view.screenshot(path=ARTEFACTS / f"viewer_{name}.png")


def test_the_cross_hair_reads_pixel_by_pixel_from_the_keyboard(view: Page, site: Site) -> None:
    truth = array(site.pictures["baseline"])
    view.locator("#viewer .stage").focus()
    view.keyboard.press("Shift+ArrowRight")
    column, row = map(int, reading(view)["Pixel"].split(","))
    assert (column, row) == (WIDTH_PX // 2 + 1, HEIGHT_PX // 2)
    view.keyboard.press("Shift+ArrowDown")
    view.keyboard.press("Control+Shift+ArrowLeft")
    found = reading(view)
    assert found["Pixel"] == f"{column - 10}, {row + 1}"
    assert triple(found["Baseline"]) == tuple(truth[row + 1, column - 10])
    expect(view.locator("#viewer .mark")).to_be_visible()
    expect(view.locator("#viewer [role=status]")).to_contain_text(f"Pixel: {column - 10}, {row + 1}")


# Values that change


def test_a_preview_replaces_its_picture_without_a_blank_and_keeps_what_was_chosen(view: Page, site: Site) -> None:
    view.get_by_label("Picture on the left").select_option("Input (bicubic x4)")
    view.get_by_role("button", name="1:1").click()
    view.get_by_role("button", name="Zoom in").click()
    place = geometry(view)
    view.evaluate("""() => {
      const image = document.querySelector('#viewer .picture.right');
      window.blank = 0;
      const watch = () => { if (!image.naturalWidth || !image.isConnected) window.blank += 1; requestAnimationFrame(watch); };
      watch();
    }""")
    before = view.locator("#viewer .picture.right").get_attribute("src")
    send(view, "step")
    expect(view.locator("#viewer .tag.right")).to_have_text("RAP-SR enhanced · step 1 of 2")
    expect(view.locator("#viewer .picture.right")).not_to_have_attribute("src", before or "")
    wait_decoded(view)
    view.wait_for_timeout(100)
    assert view.evaluate("window.blank") == 0
    expect(view.locator("#viewer .tag.left")).to_have_text("Input (bicubic x4)")
    assert geometry(view) == place
    view.mouse.move(place[0]["x"] + 500, place[0]["y"] + 200)
    found = reading(view)
    column, row = map(int, found["Pixel"].split(","))
    assert triple(found["RAP-SR enhanced"]) == tuple(array(site.step)[row, column])
    send(view, "next")
    expect(view.locator("#viewer .tag.left")).to_have_text("Baseline")


def test_one_picture_needs_no_divider_and_the_mode_comes_back(view: Page) -> None:
    mode(view, "side")
    send(view, "one")
    expect(view.locator("#viewer .pane")).to_have_count(1)
    expect(view.locator("#viewer .modes")).to_be_hidden()
    expect(view.locator("#viewer .divider")).to_be_hidden()
    send(view, "next")
    expect(view.locator("#viewer .pane")).to_have_count(2)
    send(view, "nothing")
    expect(view.locator("#viewer .nothing")).to_be_visible()


def test_text_is_shown_as_it_is_whatever_it_looks_like(view: Page) -> None:
    send(view, "hostile")
    expect(view.locator("#viewer .tag.right")).to_have_text(f"{HOSTILE} · {HOSTILE}")
    assert view.locator("#viewer .viewer b", has_text="1+1").count() == 0
