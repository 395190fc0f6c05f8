"""The viewer's modes other than the slider: side by side, flip, lens, difference."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from viewer_page import (
    ARTEFACTS,
    array,
    canvas_pixels,
    geometry,
    mode,
    reading,
    send,
    triple,
    under,
    wait_decoded,
)
from viewer_site import Site

pytestmark = pytest.mark.browser


# The modes


def test_side_by_side_shows_two_to_all_pictures(view: Page) -> None:
    mode(view, "side")
    chips = view.get_by_role("group", name="Pictures shown").get_by_role("button")
    assert [chip.get_attribute("aria-pressed") for chip in chips.all()] == ["false", "false", "true", "true"]
    chips.nth(0).click()
    expect(view.locator("#viewer .pane")).to_have_count(3)
    view.keyboard.press("2")
    expect(view.locator("#viewer .pane")).to_have_count(4)
    wait_decoded(view)
    assert view.locator("#viewer .tag").all_inner_texts() == [
        "Input (bicubic x4)",
        "Cleaned (guide)",
        "Baseline",
        "RAP-SR enhanced",
    ]
    panes = geometry(view)
    assert len({(pane["scale"], pane["left"], pane["top"]) for pane in panes}) == 1
    view.screenshot(path=ARTEFACTS / "viewer_side_four.png")
    for key in "1234":
        view.keyboard.press(key)
    expect(view.locator("#viewer .pane")).to_have_count(1)  # the last one stays


def test_flip_shows_the_next_picture_in_the_same_place(view: Page) -> None:
    mode(view, "flip")
    tag = view.locator("#viewer .tag")
    place = geometry(view)
    seen = [tag.inner_text()]
    for key in ("Space", "Space", "Shift+Space"):
        view.keyboard.press(key)
        seen.append(tag.inner_text())
    assert seen == ["Baseline", "RAP-SR enhanced", "Baseline", "RAP-SR enhanced"]
    view.mouse.click(place[0]["x"] + 300, place[0]["y"] + 200)
    expect(tag).to_have_text("Baseline")
    view.keyboard.press("1")
    expect(tag).to_have_text("Input (bicubic x4)")
    wait_decoded(view)
    assert geometry(view) == place


@pytest.mark.parametrize("presses", [1, 3])
def test_the_lens_magnifies_the_other_picture_at_the_same_place(view: Page, site: Site, presses: int) -> None:
    mode(view, "lens")
    for _ in range(presses):
        view.keyboard.press("]")
    times = 2 ** (1 + presses)
    expect(view.locator("#viewer .for-lens .times")).to_have_text(f"{times}×")
    pane = geometry(view)[0]
    view.mouse.move(pane["x"] + round(pane["width"] * 0.45), pane["y"] + round(pane["height"] * 0.4))
    column, row = map(int, reading(view)["Pixel"].split(","))
    lens = view.locator("#viewer .lens")
    expect(lens).to_have_count(1)
    expect(lens.locator("figcaption")).to_have_text("RAP-SR enhanced")
    shown = canvas_pixels(lens.locator("canvas"))[..., :3]
    middle = shown.shape[0] // 2
    assert tuple(shown[middle, middle]) == tuple(array(site.pictures["enhanced"])[row, column])
    u, v = under(pane, round(pane["width"] * 0.45), round(pane["height"] * 0.4))
    offsets = (np.arange(shown.shape[0]) + 0.5 - shown.shape[0] / 2) / (pane["scale"] * times)
    truth = array(site.pictures["enhanced"])[np.floor(v + offsets).astype(int)][:, np.floor(u + offsets).astype(int)]
    assert (shown == truth).all(axis=2).mean() > 0.97  # the rest: edges of pixels, rounded the other way
    box, centre = lens.bounding_box(), (pane["x"] + pane["width"] * 0.45, pane["y"] + pane["height"] * 0.4)
    assert box is not None
    assert (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) == pytest.approx(centre, abs=3)


def test_the_lens_shows_several_pictures_and_moves_by_keyboard(view: Page) -> None:
    mode(view, "lens")
    view.keyboard.press("1")
    view.keyboard.press("2")
    expect(view.locator("#viewer .lens")).to_have_count(3)
    view.keyboard.press("ArrowLeft")
    before = view.locator("#viewer .lenses").bounding_box()
    for _ in range(4):
        view.keyboard.press("ArrowRight")
    after = view.locator("#viewer .lenses").bounding_box()
    assert before is not None and after is not None
    assert after["x"] > before["x"] + 20
    view.get_by_label("Picture under the lens").select_option("Input (bicubic x4)")
    assert view.locator("#viewer .lens figcaption").all_inner_texts() == ["Cleaned (guide)", "Baseline", "RAP-SR enhanced"]
    view.screenshot(path=ARTEFACTS / "viewer_lens_three.png")


def test_the_heat_map_is_the_mean_absolute_difference_times_the_gain(view: Page, site: Site) -> None:
    mode(view, "difference")
    one, two = (array(site.pictures[name]).astype(float) for name in ("baseline", "enhanced"))
    level = np.abs(one - two).mean(axis=2)
    ramp = canvas_pixels(view.locator("#viewer .ramp"))[0]
    assert tuple(ramp[0]) == (0, 0, 4, 255) and tuple(ramp[255]) == (252, 253, 191, 255)
    assert len(np.unique(ramp, axis=0)) == 256
    for times, presses in ((4, 0), (8, 1), (64, 3)):
        for _ in range(presses):
            view.keyboard.press("]")
        expect(view.locator("#viewer .for-difference .times")).to_have_text(f"{times}×")
        expected = ramp[np.minimum(255, np.floor(level.astype(np.float32) * times + 0.5)).astype(int)]
        assert (canvas_pixels(view.locator("#viewer .heat")) == expected).all()
        expect(view.locator("#viewer .legend .top")).to_have_text(f"≥ {round(2550 / times) / 10:g}")
    mse = ((one - two) ** 2).mean()
    stats = view.locator("#viewer .stats").inner_text()
    mean, largest, psnr = map(float, re.findall(r"[\d.]+(?= |$)", stats))
    assert (mean, largest) == (pytest.approx(level.mean(), abs=0.006), np.abs(one - two).max())
    assert psnr == pytest.approx(10 * np.log10(255**2 / mse), abs=0.006)
    view.get_by_label("Second picture").select_option("Baseline")
    expect(view.locator("#viewer .stats")).to_have_text("Mean 0.00 · largest 0 · identical")


def test_pictures_of_two_sizes_lie_on_each_other_and_are_read_in_their_own_pixels(view: Page, site: Site) -> None:
    send(view, "sizes")
    expect(view.locator("#viewer .tag.right")).to_have_text("Half")
    wait_decoded(view)
    widths = view.locator("#viewer .picture").evaluate_all(
        "(images) => images.map((image) => image.getBoundingClientRect().width)"
    )
    assert len(set(widths)) == 1
    pane = geometry(view)[0]
    view.mouse.move(pane["x"] + 400, pane["y"] + 200)
    found = reading(view)
    column, row = map(int, found["Pixel"].split(","))
    assert triple(found["Half"]) == tuple(array(site.half)[row // 2, column // 2])
    mode(view, "difference")
    enlarged = array(site.half).repeat(2, axis=0).repeat(2, axis=1).astype(float)
    level = np.abs(array(site.pictures["baseline"]) - enlarged).mean()
    expect(view.locator("#viewer .stats")).to_contain_text(f"Mean {level:.2f}")
    expect(view.locator("#viewer .stats")).to_contain_text("sizes differ")
