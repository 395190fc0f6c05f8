"""The comparison viewer, driven in headless Chromium: the component alone on a page, the exported page, and the studio."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from viewer_site import HEIGHT_PX, HOSTILE, SCORES, WIDTH_PX, Site, serve

from studio.viewer import export

pytestmark = pytest.mark.browser
ARTEFACTS = Path(__file__).with_name("artefacts")
MODES = {"slider": "s", "side": "b", "flip": "t", "lens": "l", "difference": "d"}
DESKTOP, PHONE = {"width": 1100, "height": 820}, {"width": 390, "height": 844}
WAIT_MS = 15_000

GEOMETRY = """() => [...document.querySelectorAll('#viewer .pane')].map((pane) => {
  const outer = pane.getBoundingClientRect();
  const inner = pane.querySelector('.picture').getBoundingClientRect();
  return {x: outer.x, y: outer.y, width: outer.width, height: outer.height,
          left: inner.x - outer.x, top: inner.y - outer.y, scale: inner.width / 640};
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve(tmp_path_factory.mktemp("pictures")) as found:
        yield found


@pytest.fixture
def view(site: Site, browser: Browser) -> Iterator[Page]:
    """The component's page at desktop size. An error of a script, or asking another host, fails the test."""
    yield from opened(site, browser, viewport=DESKTOP)


@pytest.fixture
def phone(site: Site, browser: Browser) -> Iterator[Page]:
    yield from opened(site, browser, viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)


def opened(site: Site, browser: Browser, query: str = "", **options: Any) -> Iterator[Page]:
    page = browser.new_page(**options)
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


def array(picture: Any) -> np.ndarray:
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


def test_dark_and_light_follow_the_theme(site: Site, browser: Browser) -> None:
    inks = {}
    for name in ("dark", "light"):
        for page in opened(site, browser, f"/?__theme={name}", viewport=DESKTOP):
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


# The exported page


@pytest.fixture(scope="module")
def exported(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "comparison.html"
    path.write_text(
        export.comparison_page(list(site.pictures.values()), "boats & <b>co</b> ${1+1}", '{"seed": 7}'), encoding="utf-8"
    )
    return path


def test_the_exported_page_works_from_a_file_without_network(exported: Path, site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport=DESKTOP)
    context.set_offline(True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith(("data:", exported.as_uri())) else problems.append(r.url))
    page.goto(exported.as_uri())
    page.wait_for_selector(".picture.left[src]")
    expect(page.get_by_role("heading", level=1)).to_have_text("boats & <b>co</b> ${1+1}")
    page.locator(".stage").focus()
    page.keyboard.press("d")
    level = np.abs(array(site.pictures["baseline"]).astype(float) - array(site.pictures["enhanced"])).mean()
    expect(page.locator(".stats")).to_contain_text(f"Mean {level:.2f}")
    page.keyboard.press("b")
    for key in "12":
        page.keyboard.press(key)
    expect(page.locator(".pane")).to_have_count(4)
    page.keyboard.press("Shift+ArrowRight")
    cells = {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in page.locator(".readout > div").all()}
    column, row = map(int, cells["Pixel"].split(","))
    for picture in site.pictures.values():
        assert triple(cells[picture.label]) == tuple(array(picture)[row, column])
    page.locator("summary").click()
    expect(page.locator("#recipe")).to_have_text('{"seed": 7}')
    page.screenshot(path=ARTEFACTS / "viewer_exported.png", full_page=True)
    context.close()
    assert problems == []


# Accessibility


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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_any_mode(site: Site, browser: Browser, theme: str) -> None:
    for page in opened(site, browser, f"/?__theme={theme}", viewport=DESKTOP):
        for name in MODES:
            mode(page, name)
            assert severe(page, "#viewer") == [], name
        page.keyboard.press("?")
        assert severe(page, "#viewer .help") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_exported_page(exported: Path, browser: Browser, scheme: str) -> None:
    page = browser.new_page(viewport=DESKTOP, color_scheme=scheme)
    page.goto(exported.as_uri())
    page.wait_for_selector(".picture.left[src]")
    page.locator("summary").click()
    page.screenshot(path=ARTEFACTS / f"viewer_exported_{scheme}.png")
    found = severe(page, "html")
    page.close()
    assert found == []


# In the studio


def test_the_studio_shows_live_scores_and_gives_the_page_and_the_sheet(
    page: Page, photo: Path, browser: Browser, tmp_path: Path
) -> None:
    page.set_input_files("#photo input[type=file]", photo)
    expect(page.locator("#viewer .marks").first).to_contain_text("NIQE", timeout=90_000)
    page.locator("#group-sampling .label-wrap").click()
    page.locator("#control-steps input[type=number]").fill("1")
    page.locator("#control-steps input[type=number]").press("Tab")
    page.click("#run")
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=90_000)
    expect(page.locator("#viewer .caption.left li")).to_have_count(3)
    expect(page.locator("#viewer .caption.right li")).to_have_count(3)
    row = page.locator("#scores tbody tr").first.locator("td").all_inner_texts()
    assert page.locator("#viewer .caption.left b").first.inner_text() == row[1]
    assert page.locator("#viewer .caption.right b").first.inner_text() == row[2]
    page.locator("#viewer .stage").focus()
    page.keyboard.press("b")
    page.screenshot(path=ARTEFACTS / "viewer_studio.png")
    files = {}
    for name in ("sheet", "page"):
        with page.expect_download() as waiting:
            page.click(f"#download-{name}")
        files[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    assert [path.suffix for path in files.values()] == [".png", ".html"]
    with Image.open(files["sheet"]) as sheet:
        assert sheet.width > 4 * 384 and "rapsr-recipe" in sheet.text
    other = browser.new_page()
    other.goto(files["page"].as_uri())
    other.wait_for_selector(".picture.left[src]")
    assert sorted(other.locator(".tag").all_inner_texts()) == ["Baseline", "RAP-SR enhanced"]
    expect(other.locator(".caption.right li")).to_have_count(3)
    other.close()
