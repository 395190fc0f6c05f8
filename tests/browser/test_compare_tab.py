"""What the Compare tab offers around a run: recipes brought back, presets, ground truth, the curve, the batch."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
ARTEFACTS = Path(__file__).with_name("artefacts")
RUN_MS = 90_000


def open_photo(page: Page, photo: Path) -> None:
    page.set_input_files("#photo input[type=file]", photo)
    expect(page.locator("#status")).to_contain_text("px", timeout=RUN_MS)


def open_group(page: Page, group: str) -> None:
    page.locator(f"#group-{group} .label-wrap").click()
    page.wait_for_timeout(500)  # the group is built on its first opening


def number(page: Page, control: str) -> Any:
    return page.locator(f"#control-{control} input[type=number]")


def set_number(page: Page, control: str, value: float) -> None:
    number(page, control).fill(str(value))
    number(page, control).press("Tab")
    expect(number(page, control)).to_have_value(str(value))


def severe(page: Page, context: str) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -r requirements-dev.txt").Axe()
    found = axe.run(page, context).response["violations"]
    return [
        f"{v['impact']} {v['id']}: {[n['html'][:140] for n in v['nodes']]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def test_a_run_comes_back_from_its_png_its_link_and_the_history(
    page: Page, photo: Path, browser: Browser, tmp_path: Path
) -> None:
    open_photo(page, photo)
    open_group(page, "sampling")
    page.locator("#preset").get_by_label("Quality").check()
    expect(number(page, "guidance-scale")).to_have_value("2")
    set_number(page, "steps", 1)
    expect(page.locator("#preset input:checked")).to_have_count(0)
    set_number(page, "seed", 77)
    page.click("#run")
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=RUN_MS)
    with page.expect_download() as waiting:
        page.click("#download-enhanced")
    png = tmp_path / "enhanced.png"
    waiting.value.save_as(png)

    page.click("#reset")
    expect(number(page, "seed")).to_have_value("0")
    expect(page.locator("#preset input:checked")).to_have_value("balanced")
    page.set_input_files("#restore input[type=file]", png)
    expect(number(page, "seed")).to_have_value("77", timeout=10_000)
    expect(number(page, "steps")).to_have_value("1")
    expect(page.locator("#status")).to_contain_text("Every control is as in the file.")

    page.click("#copy-link")
    expect(page.locator("#link textarea, #link input")).to_have_value(re.compile(r"^http://127.*#recipe="), timeout=10_000)
    link = page.locator("#link textarea, #link input").input_value()
    page.click("#reset")
    expect(number(page, "seed")).to_have_value("0")
    page.locator("#history summary").click()
    expect(page.locator("#history .runs li")).to_have_count(1)
    page.screenshot(path=ARTEFACTS / "compare_tab.png", full_page=True)
    page.locator("#history .runs button").click()
    expect(number(page, "seed")).to_have_value("77", timeout=10_000)
    assert severe(page, "#control-pane") == []

    other = browser.new_page(viewport={"width": 390, "height": 844})
    other.goto(link)
    expect(other.locator("#status")).to_have_text("Every control is as in the link.", timeout=30_000)
    open_group(other, "sampling")
    expect(number(other, "seed")).to_have_value("77")
    other.screenshot(path=ARTEFACTS / "compare_tab_phone.png", full_page=True)
    other.close()


def test_a_png_without_a_recipe_says_so_and_changes_nothing(page: Page, photo: Path) -> None:
    page.set_input_files("#restore input[type=file]", photo)
    expect(page.get_by_text("has no recipe in it")).to_be_visible(timeout=RUN_MS)


def test_a_ground_truth_and_the_curve(page: Page, photo: Path, tmp_path: Path) -> None:
    open_photo(page, photo)
    open_group(page, "output")
    expect(number(page, "target-px-width")).to_have_value(
        "0"
    )  # the browser makes 0 of an empty number, so 0 must not refuse the run
    open_group(page, "sampling")
    set_number(page, "steps", 2)
    open_group(page, "ground-truth")
    page.set_input_files("#ground-truth input[type=file]", photo)
    page.wait_for_selector("#ground-truth img")
    page.click("#run")
    expect(page.get_by_text("the ground truth is 96 x 96 px and the output 384 x 384 px")).to_be_visible(timeout=RUN_MS)
    page.locator("#ground-truth .validation-error button").first.click()
    page.locator("#ground-truth button[aria-label*=lear], #ground-truth button[aria-label*=emove]").first.click()
    truth = tmp_path / "truth.png"
    with Image.open(photo) as opened:
        opened.resize((400, 400)).save(truth)
    page.set_input_files("#ground-truth input[type=file]", truth)
    page.wait_for_selector("#ground-truth img")
    page.click("#run")
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=RUN_MS)
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
    expect(page.locator("#batch-list")).to_contain_text("refused", timeout=RUN_MS)
    expect(page.locator("#batch-progress")).to_contain_text("2 of 2 files finished", timeout=RUN_MS)
    with page.expect_download() as waiting:
        page.click("#batch-download")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert {"enhanced/a.png", "baseline/b.png", "scores.csv", "recipe.json", "refused.txt"} <= set(archive.namelist())
    page.screenshot(path=ARTEFACTS / "compare_tab_batch.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=ARTEFACTS / "compare_tab_batch_phone.png", full_page=True)
    assert severe(page, "#group-batch") == []
