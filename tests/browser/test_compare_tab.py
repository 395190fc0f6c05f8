"""What the Compare tab offers around a run: recipes brought back, presets, ground truth, the curve, the batch."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from studio_page import ARTEFACTS, PHONE, WAIT_MS, compare, downloaded, number, open_group, open_photo, quick, set_number, severe

pytestmark = pytest.mark.browser


NUMBERS = {"steps": "2", "seed": "77", "guidance-scale": "1.25", "tile-px": "192", "host-settings-embedded-noise-scale": "0.5"}
REFINEMENT = "None: identifiers alone"
GROUPS = ("sampling", "output", "enhanced")


def settings(page: Page) -> dict[str, str]:
    """What the controls of NUMBERS and the refinement show."""
    shown = {control: number(page, control).input_value() for control in NUMBERS}
    return shown | {"refinement": page.locator("#control-enhanced-refinement input").input_value()}


def expect_settings(page: Page, wanted: dict[str, str]) -> None:
    """They are shown, in the end."""
    expect(number(page, "seed")).to_have_value(wanted["seed"], timeout=WAIT_MS)
    page.wait_for_timeout(300)
    assert settings(page) == wanted


def test_a_run_comes_back_from_its_png_its_link_and_the_history(
    page: Page, photo: Path, browser: Browser, tmp_path: Path
) -> None:
    open_photo(page, photo)
    for group in GROUPS:
        open_group(page, group)
    untouched = settings(page)
    page.locator("#preset").get_by_label("Fidelity").check()
    expect(number(page, "guidance-scale")).to_have_value("1")
    for control, value in NUMBERS.items():
        set_number(page, control, value)
    expect(page.locator("#preset input:checked")).to_have_count(0)
    page.locator("#control-enhanced-refinement input").click()
    page.get_by_role("option", name=REFINEMENT).click()
    chosen = NUMBERS | {"refinement": REFINEMENT}
    assert settings(page) == chosen and not set(chosen.items()) & set(untouched.items())
    compare(page)
    expect(page.locator("#status")).to_contain_text("tiles of 192 px, as the recipe says")
    png = downloaded(page, "#download-enhanced")[1].rename(tmp_path / "enhanced.png")

    page.click("#reset")
    expect_settings(page, untouched)
    expect(page.locator("#preset input:checked")).to_have_value("balanced")
    page.set_input_files("#restore input[type=file]", png)
    expect_settings(page, chosen)
    expect(page.locator("#status")).to_contain_text("Every control is as in the file. Tiles are 192 px, as there")

    page.click("#copy-link")
    expect(page.locator("#link textarea, #link input")).to_have_value(re.compile(r"^http://127.*#recipe="), timeout=WAIT_MS)
    link = page.locator("#link textarea, #link input").input_value()
    page.click("#reset")
    expect_settings(page, untouched)
    page.locator("#history summary").click()
    expect(page.locator("#history .runs li")).to_have_count(1)
    page.locator("#history .runs button").click()
    expect_settings(page, chosen)
    page.screenshot(path=ARTEFACTS / "compare_tab.png", full_page=True)
    assert severe(page, "#control-pane") == []

    other = browser.new_page(viewport=PHONE)
    other.goto(link)
    expect(other.locator("#status")).to_contain_text("Every control is as in the link.", timeout=WAIT_MS)
    for group in GROUPS:
        open_group(other, group)
    expect_settings(other, chosen)
    other.screenshot(path=ARTEFACTS / "compare_tab_phone.png", full_page=True)
    other.close()


def test_a_setting_out_of_range_is_told_though_its_group_is_closed_and_nothing_starts(page: Page, photo: Path) -> None:
    open_photo(page, photo)
    set_number(page, "tile-px", 10, group="output")
    open_group(page, "output")  # closes it
    expect(number(page, "tile-px")).to_be_hidden()
    page.click("#run")
    expect(page.locator("#status [role=alert]")).to_have_text("tile_px is 10; it must be between 64 and 4096", timeout=WAIT_MS)
    expect(page.locator("#progress .message")).to_have_text("Ready")
    open_group(page, "output")
    expect(page.locator("#control-tile-px")).to_contain_text("tile_px is 10")
    assert number(page, "target-px-width").input_value() == "0"  # as Gradio shows what is left out
    set_number(page, "tile-px", 0)
    quick(page)
    compare(page)
    expect(page.locator("#status")).to_contain_text("the whole image at once")


def test_a_png_without_a_recipe_says_so_and_changes_nothing(page: Page, photo: Path) -> None:
    page.set_input_files("#restore input[type=file]", photo)
    expect(page.get_by_text("has no recipe in it")).to_be_visible(timeout=WAIT_MS)


def test_a_ground_truth_and_the_curve(page: Page, photo: Path, tmp_path: Path) -> None:
    open_photo(page, photo)
    open_group(page, "sampling")
    set_number(page, "steps", 2)
    open_group(page, "ground-truth")
    page.set_input_files("#ground-truth input[type=file]", photo)
    page.wait_for_selector("#ground-truth img")
    page.click("#run")
    expect(page.get_by_text("the ground truth is 96 x 96 px and the output 384 x 384 px")).to_be_visible(timeout=WAIT_MS)
    page.locator("#ground-truth .validation-error button").first.click()
    page.locator("#ground-truth button[aria-label*=lear], #ground-truth button[aria-label*=emove]").first.click()
    truth = tmp_path / "truth.png"
    with Image.open(photo) as opened:
        opened.resize((400, 400)).save(truth)
    page.set_input_files("#ground-truth input[type=file]", truth)
    page.wait_for_selector("#ground-truth img")
    compare(page)
    heads = page.locator("#scores tbody th").all_inner_texts()
    assert [text.split()[0] for text in heads] == ["NIQE", "BRISQUE", "PIQE", "PSNR-Y", "SSIM-Y", "LPIPS"]
    expect(page.locator("#curve polyline")).to_have_count(2)
    page.screenshot(path=ARTEFACTS / "compare_tab_truth.png", full_page=True)
    assert severe(page, "#result-pane") == []
    assert severe(page, "#input-pane") == []


def test_a_batch_of_a_zip_gives_a_zip(page: Page, photo: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name in ("a.png", "b.png"):
            with Image.open(photo) as opened:
                opened.resize((32, 32)).save(tmp_path / name)
            archive.write(tmp_path / name, name)
        archive.writestr("notes.txt", "no photograph")
    open_group(page, "sampling")
    set_number(page, "steps", 1)
    open_group(page, "batch")
    page.set_input_files("#batch-files input[type=file]", tmp_path / "photos.zip")
    page.wait_for_timeout(1000)
    page.click("#batch-run")
    expect(page.locator("#batch-list")).to_contain_text("refused", timeout=WAIT_MS)
    expect(page.locator("#batch-progress")).to_contain_text("2 of 2 files finished", timeout=WAIT_MS)
    with page.expect_download() as waiting:
        page.click("#batch-download")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert {"enhanced/a.png", "baseline/b.png", "scores.csv", "recipe.json", "refused.txt"} <= set(archive.namelist())
    page.screenshot(path=ARTEFACTS / "compare_tab_batch.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=ARTEFACTS / "compare_tab_batch_phone.png", full_page=True)
    assert severe(page, "#group-batch") == []
